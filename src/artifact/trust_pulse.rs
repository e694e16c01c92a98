//! The run's own short summary for reviewers (PEERS 2.8). Self-reported,
//! signed or not: it never raises trust.

use crate::artifact::binding::PEER_TEXT;
use crate::artifact::fact::Fact;
use crate::artifact::json::Value;
use crate::artifact::keys::{Keys, text};
use crate::artifact::kind::{About, Form, HashForm, KindRow, Voice};
use crate::artifact::shape::{Shape, Text, list, object, optional, plain, required};
use crate::artifact::view::{Rows, View, view};

pub(crate) const ROW: KindRow = KindRow {
    name: "trust_pulse",
    envelope_type: "trust_pulse",
    forms: &[Form::peers("trust_pulse_version", &PAYLOAD)],
    hash_form: HashForm::Compact,
    unsigned: true,
    title: "Trust Pulse (self-reported)",
    withholdable: true,
    voice: Voice::Agent("agent_did"),
    id_given_once: None,
    ids: &[],
    about: About::NOTHING,
    summary: &[],
    bundle_array: None,
    check: KindRow::NO_FURTHER_RULES,
    complete: KindRow::NOTHING_FOLLOWS,
    keys: |payload| Keys {
        agent: text(payload, "agent_did"),
        runs: text(payload, "run_id").into_iter().collect(),
        ..Keys::default()
    },
    facts: &[("Pulse", "trust_pulse_id"), ("Run", "run_id"), ("Agent", "agent_did"), ("Evidence", "evidence_class")],
    more_facts,
};

view! {
    /// What an agent counts of itself.
    TrustPulse<'a> {
        Option<&'a str>: agent = "agent_did", run = "run_id", issued_at, started_at, ended_at;
        Option<u64>: duration_ms;
        Rows<'a, CountedTool<'a>>: tools;
        Rows<'a, CountedFile<'a>>: files;
    }
    CountedTool<'a> { Option<&'a str>: name; Option<i64>: calls; }
    CountedFile<'a> { Option<&'a str>: path; Option<i64>: touches; }
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

fn more_facts(payload: &Value) -> Vec<Fact> {
    let says = TrustPulse::of(payload);
    let fact = |label, value: Option<String>| Some(Fact { label, value: value? });
    let times = [("Issued at", says.issued_at()), ("Started at", says.started_at()), ("Ended at", says.ended_at())];
    let counted = |label, name: Option<&str>, count: Option<i64>| fact(label, Some(format!("{} ({})", name?, count?)));
    let facts = times.into_iter().filter_map(|(label, time)| fact(label, time.map(str::to_owned)));
    let facts = facts.chain(fact("Duration (ms)", says.duration_ms().map(|ms| ms.to_string())));
    let facts = facts.chain(says.tools().filter_map(|tool| counted("Tool calls", tool.name(), tool.calls())));
    facts.chain(says.files().filter_map(|file| counted("File touched", file.path(), file.touches()))).collect()
}
