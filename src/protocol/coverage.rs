//! Coverage figures (PEERS 4.10): what the agent claims about escaped
//! connections and processes against what attestations say. The attestations'
//! signatures are looked at by nobody, so they stand among the blocks not
//! checked; only their figures count here.

use std::collections::BTreeSet;

use crate::artifact::json::Value;
use crate::protocol::codes::{self, Code};
use crate::protocol::envelope::envelope_schema;
use crate::protocol::schema::{
    B64U8, DATE_TIME, DID, NATURAL, NONEMPTY, ONE, OPEN_OBJECT, Schema, closed, optional, required,
};
use crate::protocol::verdict::{Failure, fail};

static BINDING: Schema = closed(&[required("event_chain_root_hash_b64u", &B64U8)]);
static LINEAGE: Schema = closed(&[
    required("root_pid", &Schema::Integer(1.0)),
    required("processes_tracked", &NATURAL),
    required("unmonitored_spawns", &NATURAL),
    required("escapes_suspected", &Schema::Bool),
]);
static EGRESS: Schema =
    closed(&[required("connections_total", &NATURAL), required("unmediated_connections", &NATURAL)]);
static LIVENESS: Schema = closed(&[
    required("status", &Schema::Enum(&["continuous", "interrupted"])),
    required("uptime_ms", &NATURAL),
    required("heartbeat_interval_ms", &Schema::Integer(1.0)),
    required("max_gap_ms", &NATURAL),
]);
static METRICS: Schema =
    closed(&[required("lineage", &LINEAGE), required("egress", &EGRESS), required("liveness", &LIVENESS)]);

static PAYLOAD: Schema = closed(&[
    required("attestation_version", &ONE),
    required("attestation_id", &NONEMPTY),
    required("run_id", &NONEMPTY),
    required("agent_did", &DID),
    required("sentinel_did", &DID),
    required("issued_at", &DATE_TIME),
    required("binding", &BINDING),
    required("metrics", &METRICS),
    optional("metadata", &OPEN_OBJECT),
]);

pub(super) static ENVELOPE: Schema = envelope_schema!(&ONE, "coverage_attestation", &PAYLOAD, "expires_at": &DATE_TIME);

#[derive(Clone, Copy, PartialEq)]
struct Figures {
    unmediated_connections: i64,
    unmonitored_spawns: i64,
    escapes_suspected: bool,
}

/// Compares the figures; raises flags, and fails when `enforced`.
pub(super) fn check(payload: &Value, enforced: bool, flags: &mut BTreeSet<Code>) -> Result<(), Failure> {
    let claim = payload.at("metadata.sentinels.interpose_state.cldd");
    let claimed = claim.and_then(|claim| figures(claim, claim));
    if claim.is_some() && claimed.is_none() {
        flags.insert(codes::COVERAGE_CLDD_CLAIM_PARSE_FAILED);
    }
    let (Some(claimed), Some(attested)) = (claimed, attested(payload)) else { return Ok(()) };
    if claimed == attested {
        return Ok(());
    }
    flags.insert(codes::COVERAGE_CLDD_DISCREPANCY);
    let mut flag = |differs: bool, code| {
        if differs {
            flags.insert(code);
        }
    };
    flag(
        claimed.unmediated_connections != attested.unmediated_connections,
        codes::COVERAGE_CLDD_UNMEDIATED_CONNECTIONS_MISMATCH,
    );
    flag(claimed.unmonitored_spawns != attested.unmonitored_spawns, codes::COVERAGE_CLDD_UNMONITORED_SPAWNS_MISMATCH);
    flag(claimed.escapes_suspected != attested.escapes_suspected, codes::COVERAGE_CLDD_ESCAPES_SUSPECTED_MISMATCH);
    if enforced {
        return fail(codes::COVERAGE_CLDD_DISCREPANCY_ENFORCED, "payload.coverage_attestations");
    }
    Ok(())
}

fn figures(egress: &Value, lineage: &Value) -> Option<Figures> {
    let natural = |value: &Value, name| value.get(name)?.as_i64().filter(|number| *number >= 0);
    Some(Figures {
        unmediated_connections: natural(egress, "unmediated_connections")?,
        unmonitored_spawns: natural(lineage, "unmonitored_spawns")?,
        escapes_suspected: lineage.get("escapes_suspected")?.as_bool()?,
    })
}

/// The worst of all attestations with usable figures.
fn attested(payload: &Value) -> Option<Figures> {
    let attestations = payload.get("coverage_attestations")?.as_array()?;
    let metrics = attestations.iter().filter_map(|attestation| attestation.at("payload.metrics"));
    metrics.filter_map(|metrics| figures(metrics.get("egress")?, metrics.get("lineage")?)).reduce(|a, b| Figures {
        unmediated_connections: a.unmediated_connections.max(b.unmediated_connections),
        unmonitored_spawns: a.unmonitored_spawns.max(b.unmonitored_spawns),
        escapes_suspected: a.escapes_suspected || b.escapes_suspected,
    })
}
