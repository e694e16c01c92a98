//! Trust Pulses beside the receipts of their run: what an agent counts of
//! itself, and what its receipts count. Differences are shown; nothing here
//! moves a verdict or a tier.

use std::collections::{BTreeMap, BTreeSet};

use crate::artifact::{CountedFile, Kind, OwnReceipt, TrustPulse, View};
use crate::audit::finding::Findings;
use crate::audit::inserted::Inserted;
use crate::audit::rule::{Effect, NOTHING, Rule, Severity};
use crate::audit::scene::Scene;
use crate::audit::statement::Statement;
use crate::merkle::LeafIndex;

static PULSE_UNLIKE_RECEIPTS: Rule = Rule {
    code: "PULSE_UNLIKE_RECEIPTS",
    title: "The Trust Pulse counts otherwise than the receipts",
    severity: Severity::Low,
    effect: Effect::Shown,
    rationale: "A Trust Pulse is what the agent says of itself; the tool and file counts of the run's receipts are others.",
    what_to_do: "Read the receipts; count nothing on the pulse.",
    does_not_prove: "Which of the two is right: both are the agent's own word.",
    rests_on: NOTHING,
};

pub(super) static RULES: &[&Rule] = &[&PULSE_UNLIKE_RECEIPTS];

/// What the receipts of one run count.
#[derive(Default)]
struct Counted<'a> {
    tools: BTreeMap<&'a str, i64>,
    has_tools: bool,
    files: i64,
    has_files: bool,
    entries: BTreeSet<LeafIndex>,
}

pub(super) fn check(scene: &Scene<'_>, findings: &mut Findings) {
    let pulses: Vec<Statement<'_, TrustPulse<'_>>> = scene.facts.iter().filter_map(|fact| fact.of_kind()).collect();
    if pulses.is_empty() {
        return;
    }
    let runs = count(scene);
    for Statement { payload: pulse, at, .. } in pulses {
        let (Some(agent), Some(run)) = (pulse.agent(), pulse.run()) else { continue };
        let subject = scene.subject_of_run(agent, run);
        let counted = runs.get(&(agent, run));
        if !counted.is_some_and(|counted| counted.has_tools) && pulse.tools().len() > 0 {
            findings.uncover("tools of a Trust Pulse: the run has no tool receipts to count", &subject, at);
        }
        if !counted.is_some_and(|counted| counted.has_files) && pulse.files().len() > 0 {
            findings.uncover("files of a Trust Pulse: the run has no file receipts to count", &subject, at);
        }
        let Some(counted) = counted else { continue };
        for difference in differences(pulse, counted) {
            let entries = counted.entries.iter().copied().chain([at]);
            findings.add(&PULSE_UNLIKE_RECEIPTS, &subject, entries, difference);
        }
    }
}

fn differences(pulse: TrustPulse<'_>, counted: &Counted<'_>) -> Vec<String> {
    let mut found = Vec::new();
    if counted.has_tools {
        let mut told: BTreeMap<&str, i64> = BTreeMap::new();
        for tool in pulse.tools() {
            *told.entry(tool.name().unwrap_or_default()).or_default() += tool.calls().unwrap_or(0);
        }
        let names: BTreeSet<_> = told.keys().chain(counted.tools.keys()).copied().inserted();
        for name in names {
            let (says, shows) = (told.get(name).unwrap_or(&0), counted.tools.get(name).unwrap_or(&0));
            if says != shows {
                found.push(format!("the agent says {says} calls of {name}, its receipts show {shows}"));
            }
        }
    }
    if counted.has_files {
        let told: i64 = pulse.files().filter_map(CountedFile::touches).fold(0, i64::saturating_add);
        if told != counted.files {
            let shows = counted.files;
            found.push(format!("the agent says {told} touches of files, its receipts show {shows} file writes"));
        }
    }
    found
}

/// Receipts of each run: logged alone, or inside the agent's bundle. One that
/// is both counts once.
fn count<'a>(scene: &Scene<'a>) -> BTreeMap<(&'a str, &'a str), Counted<'a>> {
    let mut runs: BTreeMap<(&str, &str), Counted<'_>> = BTreeMap::new();
    let mut seen: BTreeSet<(&str, &str)> = BTreeSet::new();
    let mut add = |agent, run, receipt: OwnReceipt<'a>, at| {
        let id = receipt.id().unwrap_or_default();
        if !seen.insert((agent, id)) {
            return;
        }
        let counted: &mut Counted<'_> = runs.entry((agent, run)).or_default();
        if let Some(tool) = receipt.tool_name() {
            *counted.tools.entry(tool).or_default() += 1;
            counted.has_tools = true;
        } else if receipt.effect_class() == Some("filesystem_write") {
            counted.files += 1;
            counted.has_files = true;
        }
        counted.entries.insert(at);
    };
    for fact in &scene.facts {
        if matches!(fact.kind(), Kind::ToolReceipt | Kind::SideEffectReceipt)
            && let Some(receipt) = fact.payload.value().map(OwnReceipt::of)
            && let (Some(agent), Some(run)) = (fact.payload.agent(), receipt.binding().run())
        {
            add(agent, run, receipt, fact.at);
        }
    }
    for bundle in &scene.bundles {
        let Some(run) = bundle.run else { continue };
        for (.., receipt) in bundle.statement.payload.own_receipts() {
            add(bundle.agent, run, receipt, bundle.statement.at);
        }
    }
    runs
}
