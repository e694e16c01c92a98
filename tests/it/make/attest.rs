//! What the operator attests of a story, and what a reader knows of its tree.

use pulselog::artifact::json::{Value, to_compact};
use pulselog::audit::{KnownSize, Timeline, attest};
use pulselog::entry::{PendingEntry, SubmitterName};
use pulselog::merkle::{Frontier, LeafIndex, TreeSize, leaf_hash};

use crate::make::audit::{Story, nonce, operator};
use crate::make::{admit_any, key, kind, seal_raw, set};

/// What a reader of all tiles knows of each size.
pub fn know_all(timeline: &mut Timeline) {
    let mut frontier = Frontier::empty();
    let entries: Vec<_> = timeline.prefix(timeline.size()).map(|(_, seen)| seen.entry.clone()).collect();
    for entry in entries {
        frontier.push(leaf_hash(&entry.encode()), &mut |_, _| {});
        timeline.know(frontier.size(), KnownSize { logged_at: entry.logged_at, root: frontier.root() });
    }
}

/// The story with the operator's statement about its job appended.
pub fn attested(story: Story, change: impl FnOnce(&mut Value<'static>)) -> (Story, Timeline) {
    attested_as(story, "job-1", "statement", change)
}

/// The same about any job, under a name of the statement.
pub fn attested_as(
    mut story: Story,
    job: &str,
    name: &'static str,
    change: impl FnOnce(&mut Value<'static>),
) -> (Story, Timeline) {
    let mut timeline = story.timeline();
    know_all(&mut timeline);
    let mut payload = attest(&timeline, timeline.size(), job, &operator()).expect("a statement");
    set(&mut payload, "audit_statement_version", Some("1".into()));
    set(&mut payload, "nonce", Some(nonce(name).into()));
    change(&mut payload);
    story.log(name, "audit_statement", "operator", payload);
    let mut timeline = story.timeline();
    know_all(&mut timeline);
    (story, timeline)
}

/// A packet knows the size that its statement speaks of, when the last entry
/// of that size is there.
pub fn know_statement(part: &mut Timeline, whole: &Timeline, size: TreeSize) {
    let mut all = whole.clone();
    know_all(&mut all);
    let Some(last) = part.get(LeafIndex::new(size.get() - 1)) else { return };
    let mut frontier = Frontier::empty();
    all.prefix(size).for_each(|(_, seen)| frontier.push(leaf_hash(&seen.entry.encode()), &mut |_, _| {}));
    let known = KnownSize { logged_at: last.entry.logged_at, root: frontier.root() };
    part.know(size, known);
}

/// Appends the statement to a log that no story tells, in its last
/// millisecond. `None` where nobody may speak for the log.
pub fn append_statement(timeline: &mut Timeline) -> Option<()> {
    know_all(timeline);
    let (size, last) = (timeline.size(), timeline.prefix(timeline.size()).last()?.1.entry.logged_at);
    let mut payload = attest(timeline, size, "job-1", &operator())?;
    set(&mut payload, "audit_statement_version", Some("1".into()));
    set(&mut payload, "nonce", Some(nonce("statement").into()));
    let sealed = seal_raw(kind("audit_statement"), payload, &key("operator"));
    let artifact = admit_any(&to_compact(&sealed)).expect("a statement").artifact;
    let submitter = SubmitterName::parse("submitter").expect("a name");
    let entry = PendingEntry::new(artifact.clone(), None, submitter).sequence(last);
    timeline.add(LeafIndex::new(size.get()), entry, Some(artifact));
    know_all(timeline);
    Some(())
}
