//! The run's own short summary for reviewers (PEERS 2.8). Self-reported,
//! signed or not: it never raises trust.

use crate::artifact::binding::PEER_TEXT;
use crate::artifact::envelope;
use crate::artifact::fact::{Fact, pick};
use crate::artifact::json::Value;
use crate::artifact::keys::{Keys, text};
use crate::artifact::kind::{Form, HashForm, KindRow, Voice};
use crate::artifact::shape::{Shape, Text, list, object, optional, plain, required};
use crate::artifact::view::{Rows, view};

pub(crate) const ROW: KindRow = KindRow {
    name: "trust_pulse",
    envelope_type: "trust_pulse",
    forms: &[Form {
        envelope: &envelope::V1,
        version_field: "trust_pulse_version",
        version: "1",
        payload: &PAYLOAD,
        ours: false,
        retired: false,
    }],
    hash_form: HashForm::Compact,
    unsigned: true,
    title: "Trust Pulse (self-reported)",
    withholdable: true,
    voice: Voice::Agent("agent_did"),
    id_given_once: None,
    ids: &[],
    bundle_array: None,
    check: KindRow::NO_FURTHER_RULES,
    complete: KindRow::NOTHING_FOLLOWS,
    keys: |payload| Keys {
        agent: text(payload, "agent_did"),
        runs: text(payload, "run_id").into_iter().collect(),
        ..Keys::default()
    },
    facts,
};

view! {
    /// What an agent counts of itself.
    TrustPulse<'a> {
        agent: Option<&'a str> = "agent_did",
        run: Option<&'a str> = "run_id",
        tools: Rows<'a, CountedTool<'a>> = "tools",
        files: Rows<'a, CountedFile<'a>> = "files",
    }
}

view! {
    CountedTool<'a> { name: Option<&'a str> = "name", calls: Option<i64> = "calls" }
}

view! {
    CountedFile<'a> { touches: Option<i64> = "touches" }
}

const TOOLS_MAX: usize = 128;
const FILES_MAX: usize = 512;

const COUNT: Shape = Shape::Integer { min: 0, max: 9_007_199_254_740_991 };
const PEER_TIME: Shape = Shape::Text(Text::PeerTime);

const PAYLOAD: Shape = object(&[
    required("trust_pulse_version", &Shape::Text(Text::Word("1"))),
    optional("trust_pulse_id", &PEER_TEXT),
    required("run_id", &PEER_TEXT),
    required("agent_did", &Shape::Text(Text::Did)),
    required("issued_at", &PEER_TIME),
    required("evidence_class", &Shape::Text(Text::Word("self_reported"))),
    required("tier_uplift", &Shape::Exactly(false)),
    optional("started_at", &PEER_TIME),
    optional("ended_at", &PEER_TIME),
    optional("duration_ms", &COUNT),
    required("tools", &list(&object(&[required("name", &plain(1, 128)), required("calls", &COUNT)]), 0, TOOLS_MAX)),
    required("files", &list(&FILE, 0, FILES_MAX)),
]);

const FILE: Shape = object(&[required("path", &Shape::Text(Text::RelativePath)), required("touches", &COUNT)]);

fn facts(payload: &Value) -> Vec<Fact> {
    let mut facts = pick(
        payload,
        &[
            ("Pulse", "trust_pulse_id"),
            ("Run", "run_id"),
            ("Agent", "agent_did"),
            ("Evidence", "evidence_class"),
            ("Issued at", "issued_at"),
            ("Started at", "started_at"),
            ("Ended at", "ended_at"),
            ("Duration (ms)", "duration_ms"),
        ],
    );
    let counted = [("Tool calls", "tools", "name", "calls"), ("File touched", "files", "path", "touches")];
    for (label, array, name, count) in counted {
        let items = payload.get(array).and_then(Value::as_array).unwrap_or_default();
        facts.extend(items.iter().filter_map(|item| {
            let times = item.get(count)?.as_i64()?;
            Some(Fact { label, value: format!("{} ({times})", item.text_at(name)?) })
        }));
    }
    facts
}
