//! Event hashes do not depend on how an event is spelled: members in any order,
//! texts with escapes and any characters, dates of every accepted form. Events
//! in the usual order are hashed on a shorter way than others; both must agree
//! with the formula.

use proptest::prelude::*;
use pulselog::artifact::json::{Object, Value, to_compact};
use pulselog::protocol::Status;

use crate::make::protocol::{fails, passes, seal};
use crate::make::{b64u, did, set, value};

/// The hashed members in the formula's order, then the hash.
const MEMBERS: [&str; 7] =
    ["event_id", "run_id", "event_type", "timestamp", "payload_hash_b64u", "prev_hash_b64u", "event_hash_b64u"];
const TIMES: [&str; 7] = [
    "2026-11-22T12:00:00.000Z",
    "2026-11-22T12:00:00Z",
    "2026-11-30T23:59:59.999Z",
    "2026-11-22t12:00:00.5+01:00",
    "2026-11-22 12:00:00z",
    "2026-11-22\t12:00:00-0130",
    "2026-11-22\u{feff}12:00:00.123456Z",
];

/// One event before it is linked: id, type, time, order of members.
#[derive(Clone, Debug)]
struct Draft {
    id: String,
    event_type: String,
    time: &'static str,
    order: Vec<&'static str>,
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z_]{1,20}",
        any::<String>().prop_filter("not empty", |text| !text.is_empty()),
        "[\"\\\\\u{0}-\u{1f}\u{7f}\u{2028}é😀a]{1,40}",
    ]
}

fn any_draft() -> impl Strategy<Value = Draft> {
    let usual = Just(MEMBERS.to_vec());
    let order = prop_oneof![usual.clone(), usual.prop_shuffle()];
    let texts = (any_text(), any_text(), prop::sample::select(TIMES.to_vec()), order);
    texts.prop_map(|(id, event_type, time, order)| Draft { id, event_type, time, order })
}

/// The chain by the formula: a header in its own order, hashed, and members
/// then put into the draft's order.
fn chain(run_id: &str, drafts: &[Draft]) -> Vec<Value<'static>> {
    let mut previous = Value::Null;
    let linked = drafts.iter().enumerate().map(|(at, draft)| {
        let mut event = Object::new();
        event.set("event_id", format!("{at} {}", draft.id).into());
        event.set("run_id", run_id.into());
        event.set("event_type", draft.event_type.as_str().into());
        event.set("timestamp", draft.time.into());
        event.set("payload_hash_b64u", b64u(&draft.id).into());
        event.set("prev_hash_b64u", previous.clone());
        let hash = Value::from(b64u(&to_compact(&event.clone().into())));
        event.set("event_hash_b64u", hash.clone());
        previous = hash;
        let mut ordered = Object::new();
        draft.order.iter().for_each(|name| ordered.set(name, event.get(name).cloned().expect("a member")));
        ordered.into()
    });
    linked.collect()
}

fn payload(events: &[Value<'static>]) -> Value<'static> {
    let mut payload = value(&format!(r#"{{"bundle_version":"1","bundle_id":"pb_1","agent_did":"{}"}}"#, did("agent")));
    set(&mut payload, "event_chain", Some(events.to_vec().into()));
    payload
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_spelling_of_an_event_has_the_hash_of_the_formula(
        run_id in any_text(),
        drafts in prop::collection::vec(any_draft(), 1..6),
        spoiled in any::<prop::sample::Index>(),
    ) {
        let events = chain(&run_id, &drafts);
        let payload = payload(&events);
        prop_assert_eq!(passes(&seal(payload.clone())).status, Status::Pass);
        // Bare input is read member by member, whatever their order.
        prop_assert!(passes(&payload).bare);

        let at = spoiled.index(events.len());
        for (member, new) in [("event_type", "another"), ("payload_hash_b64u", "anotherhash")] {
            let mut other = payload.clone();
            set(&mut other, &format!("event_chain[{at}].{member}"), Some(new.into()));
            let field = format!("payload.event_chain[{at}].event_hash_b64u");
            fails(&other, "HASH_MISMATCH", Some(&field));
            fails(&seal(other), "HASH_MISMATCH", Some(&field));
        }
    }

    #[test]
    fn a_malformed_event_answers_before_a_wrong_hash(
        drafts in prop::collection::vec(any_draft(), 2..6),
        late in any::<prop::sample::Index>(),
    ) {
        let mut payload = payload(&chain("run", &drafts));
        set(&mut payload, "event_chain[0].event_type", Some("another".into()));
        let at = 1 + late.index(drafts.len() - 1);
        for (member, new) in [("run_id", "another"), ("prev_hash_b64u", "anotherhash")] {
            let mut other = payload.clone();
            set(&mut other, &format!("event_chain[{at}].{member}"), Some(new.into()));
            fails(&other, "MALFORMED_ENVELOPE", Some("payload.event_chain"));
            fails(&seal(other), "MALFORMED_ENVELOPE", Some("payload.event_chain"));
        }
    }
}
