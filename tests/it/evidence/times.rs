//! Dates with an offset, a leap second or a year of five digits: at the
//! protocol verdict, at admission, and around work policies.

use pulselog::artifact::Kind;
use pulselog::artifact::json::{Value, to_compact};

use crate::evidence::bad_input::{answer, full_payload};
use crate::make::policy::{
    SCENARIO_ALLOW, SCENARIO_DENY, argo, compile, context, customers_payload, judged_in, refused, statement,
    v1_payload, v2_payload,
};
use crate::make::protocol::{at_path, fails, passes, paths, seal, spoiled_in};
use crate::make::{good, good_bare, good_payload, key, kind, outcome, refuses, seal_raw, set, signer_of, value};

/// 12:00:00Z.
const OFFSET: &str = "2026-11-22T14:00:00+02:00";
/// The last second of a UTC day, in two spellings.
const LEAPS: [&str; 2] = ["2026-11-22T23:59:60Z", "2026-11-23T01:59:60+02:00"];
/// Dates of no schema: years of five digits, a leap second at noon.
const NEVER: [&str; 4] =
    ["10000-01-01T00:00:00Z", "+010000-01-01T00:00:00Z", "10000-01-01T00:00:00+02:00", "2026-11-22T12:00:60Z"];

#[test]
fn every_date_in_a_bundle_takes_offsets_and_refuses_what_is_no_date() {
    let here = "SCHEMA_VALIDATION_FAILED =";
    let ok = "OK -";
    let claim = "RATE_LIMIT_CLAIM_INCONSISTENT payload.rate_limit_claims[0]";
    let as_first_form = |at: u8| format!("SCHEMA_VALIDATION_FAILED payload.tool_receipts[{at}].receipt_version");
    let (one, two) = (as_first_form(1), as_first_form(2));
    let expired = |at: u8| format!("EXPIRED_TTL payload.tool_receipts[{at}].expires_at");
    let (late_one, late_two) = (expired(1), expired(2));
    let clock = "CAUSAL_CLOCK_CONTRADICTION =";
    // What the schema alone looks at takes leap seconds; what is compared does not.
    let rows = [
        ("receipts[0].payload.timestamp", ok, clock, here),
        ("receipts[0].issued_at", ok, clock, here),
        ("receipts[0].expires_at", ok, ok, here),
        ("tool_receipts[0].timestamp", ok, ok, here),
        ("tool_receipts[1].payload.timestamp", ok, ok, &one),
        ("tool_receipts[1].issued_at", ok, ok, &one),
        ("tool_receipts[1].expires_at", &late_one, here, &one),
        ("tool_receipts[2].expires_at", &late_two, here, &two),
        ("tool_receipts[2].co_signatures[0].issued_at", ok, ok, &two),
        ("side_effect_receipts[0].timestamp", ok, ok, here),
        ("human_approval_receipts[0].timestamp", ok, ok, here),
        ("rate_limit_claims[0].window_start", ok, claim, here),
        ("rate_limit_claims[0].window_end", ok, claim, here),
        ("attestations[0].expires_at", ok, ok, here),
    ];
    let with = |path: &str, time: &str| answer(&spoiled_in(full_payload(), path, Some(time.into())));
    for (path, offset, leap, never) in rows {
        let expected = |answer: &str| answer.replace('=', &format!("payload.{path}"));
        assert_eq!(with(path, OFFSET), expected(offset), "{path}");
        LEAPS.iter().for_each(|time| assert_eq!(with(path, time), expected(leap), "{path} {time}"));
        NEVER.iter().for_each(|time| assert_eq!(with(path, time), expected(never), "{path} {time}"));
    }
    // Offsets are counted, not passed over: 11:30Z is before 12:00Z, 12:00:01Z after it.
    let window = "RATE_LIMIT_WINDOW_INVALID payload.rate_limit_claims[0].window_start";
    assert_eq!(with("rate_limit_claims[0].window_end", "2026-11-22T13:30:00+02:00"), window);
    let late = "CAUSAL_CLOCK_CONTRADICTION payload.receipts[0].payload.timestamp";
    assert_eq!(with("receipts[0].payload.timestamp", "2026-11-22T14:00:01+02:00"), late);
}

#[test]
fn the_envelope_of_a_bundle_expires_in_its_own_zone() {
    let envelope = |name: &str, time: &str| {
        let mut envelope = seal(full_payload());
        set(&mut envelope, "payload.urm", None);
        let mut envelope = seal(envelope.get("payload").cloned().expect("a payload"));
        set(&mut envelope, name, Some(time.into()));
        envelope
    };
    passes(&envelope("issued_at", OFFSET));
    // Now is 12:30Z.
    passes(&envelope("expires_at", "2026-11-22T14:30:00+02:00"));
    fails(&envelope("expires_at", "2026-11-22T14:29:59+02:00"), "EXPIRED_TTL", Some("expires_at"));
    for name in ["issued_at", "expires_at"] {
        for time in [LEAPS[0], LEAPS[1], "10000-01-01T00:00:00Z", "2026-11-22T12:00:60Z", "2026-11-22T14:00:00+24:00"] {
            fails(&envelope(name, time), "MALFORMED_ENVELOPE", Some(name));
        }
        // A date to the engine, none to the schema.
        fails(&envelope(name, "+010000-01-01T00:00:00Z"), "SCHEMA_VALIDATION_FAILED", Some(name));
    }
}

/// Every time in a good payload that the kind's own shape looks at: receipts
/// inside a bundle are artifacts of their own, or what the agent says.
fn times(kind: Kind) -> Vec<String> {
    let payload = good_payload(kind);
    let is_time = |path: &String| {
        let text = at_path(&payload, path).and_then(Value::as_str).unwrap_or_default();
        text.starts_with("2026-11-22T") && text.ends_with('Z')
    };
    let own = |path: &String| kind.name() != "proof_bundle" || path.starts_with("event_chain");
    paths(&payload).into_iter().filter(|path| own(path) && is_time(path)).collect()
}

fn at_admission(kind: Kind, path: &str, time: &str) -> String {
    let mut payload = good_payload(kind);
    set(&mut payload, path, Some(time.into()));
    to_compact(&seal_raw(kind, payload, &key(signer_of(kind))))
}

#[test]
fn our_own_times_are_utc_and_those_of_peers_may_have_an_offset() {
    let ours = [
        "cst_revocation.revoked_at",
        "approval.expires_at",
        "argocd_observation.started_at",
        "argocd_observation.finished_at",
        "argocd_snapshot.taken_at",
    ];
    let peers = [
        "gateway_receipt.timestamp",
        "tool_receipt.timestamp",
        "side_effect_receipt.timestamp",
        "human_approval_receipt.timestamp",
        "delegation_receipt.delegated_at",
        "proof_bundle.event_chain[0].timestamp",
        "trust_pulse.issued_at",
    ];
    let mut met = 0;
    for kind in Kind::ALL {
        for path in times(kind) {
            let name = format!("{kind}.{path}");
            let field = format!("payload.{path}");
            assert!(ours.contains(&&*name) || peers.contains(&&*name), "{name} stands in no list");
            match ours.contains(&&*name) {
                true => refuses(&at_admission(kind, &path, OFFSET), "invalid_value", Some(&field)),
                false => assert_eq!(outcome(&at_admission(kind, &path, OFFSET)), "admitted", "{name}"),
            }
            for time in LEAPS.iter().chain(&NEVER) {
                refuses(&at_admission(kind, &path, time), "invalid_value", Some(&field));
            }
            met += 1;
        }
    }
    assert_eq!(met, ours.len() + peers.len(), "a time of the lists stands in no payload");
}

fn outer(text: &str, name: &str, time: &str) -> String {
    let mut envelope = value(text);
    set(&mut envelope, name, Some(time.into()));
    to_compact(&envelope)
}

#[test]
fn times_that_come_without_an_envelope_are_held_to_the_same_rule() {
    for (name, path, takes_offset) in [
        ("argocd_observation", "started_at", false),
        ("argocd_observation", "finished_at", false),
        ("argocd_snapshot", "taken_at", false),
        ("trust_pulse", "issued_at", true),
    ] {
        let bare = good_bare(name);
        assert_eq!(outcome(&bare), "admitted", "{name}");
        match takes_offset {
            true => assert_eq!(outcome(&outer(&bare, path, OFFSET)), "admitted", "{name}"),
            false => refuses(&outer(&bare, path, OFFSET), "invalid_value", Some(path)),
        }
        for time in LEAPS.iter().chain(&NEVER) {
            refuses(&outer(&bare, path, time), "invalid_value", Some(path));
        }
    }
}

#[test]
fn envelopes_of_every_kind_take_offsets_and_refuse_what_is_no_date() {
    for kind in Kind::ALL {
        let good = good(kind);
        assert_eq!(outcome(&outer(&good, "issued_at", OFFSET)), "admitted", "{kind}");
        for time in LEAPS.iter().chain(&NEVER) {
            refuses(&outer(&good, "issued_at", time), "invalid_value", Some("issued_at"));
        }
    }
    let receipt = good(kind("gateway_receipt"));
    assert_eq!(outcome(&outer(&receipt, "expires_at", OFFSET)), "admitted");
    for time in LEAPS.iter().chain(&NEVER) {
        refuses(&outer(&receipt, "expires_at", time), "invalid_value", Some("expires_at"));
    }
}

#[test]
fn work_policies_of_all_forms_have_one_date_and_no_expiry() {
    let all = statement("Allow", r#""*""#, r#""*""#, "");
    let forms = [customers_payload(SCENARIO_ALLOW, SCENARIO_DENY), v1_payload(""), v2_payload("pol_2", None, &all)];
    for payload in forms {
        let text = to_compact(&seal_raw(kind("work_policy"), payload.clone(), &key("policy signer")));
        assert_eq!(outcome(&outer(&text, "issued_at", OFFSET)), "admitted");
        for time in LEAPS.iter().chain(&NEVER) {
            refuses(&outer(&text, "issued_at", time), "invalid_value", Some("issued_at"));
        }
        refuses(&outer(&text, "expires_at", "2026-11-22T13:00:00Z"), "unknown_field", Some("expires_at"));
        for name in ["issued_at", "expires_at", "valid_until"] {
            let mut dated = payload.clone();
            set(&mut dated, name, Some("2026-11-22T13:00:00Z".into()));
            let text = to_compact(&seal_raw(kind("work_policy"), dated, &key("policy signer")));
            refuses(&text, "unknown_field", Some(&format!("payload.{name}")));
        }
    }
}

#[test]
fn a_policy_that_compares_dates_decides_nothing_and_so_refuses() {
    let sides = [OFFSET, LEAPS[0], LEAPS[1], NEVER[0], NEVER[1]];
    for operator in ["NumericEquals", "NumericLessThan", "NumericGreaterThan"] {
        for (wanted, given) in sides.iter().flat_map(|wanted| sides.iter().map(move |given| (wanted, given))) {
            let when = format!(r#","conditions":{{"{operator}":{{"Context:Time":"{wanted}"}}}}"#);
            let conditional = |effect: &str| statement(effect, r#""*""#, r#""*""#, &when);
            let always = statement("Allow", r#""*""#, r#""*""#, "");
            let context = context().with_fact("Context:Time", given);
            let judged =
                |statements: &str| judged_in(&compile(&v2_payload("p", None, statements)), &argo("sync"), &context);
            refused(&judged(&conditional("Allow")), "condition_not_met", "statements[0]");
            let denying = format!("{always},{}", conditional("Deny"));
            refused(&judged(&denying), "denied_by_unknown_fact", "statements[1]");
        }
    }
}
