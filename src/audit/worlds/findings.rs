//! What all worlds say of one thing: a finding is the same in two of them when
//! code, entries and subject are.
//!
//! ```text
//! fails in each                             fails
//! fails in each for the same act, shown by  fails, as the first world shows it
//! other entries; an act is one decision
//! or call, whoever else speaks of it
//! fails in each for the same act, as what   fails, as the first world shows it, and what else it is stays open
//! else it is
//! fails in each, charged to another job     fails on what they agree on, where that reaches no other job, and is
//!                                           left open on each
//! fails in some                             is left open, as what it is by one account
//! incomplete in any                         incomplete
//! shown in each                             is shown
//! ```

use std::collections::{BTreeMap, BTreeSet};

use crate::audit::distrust;
use crate::audit::finding::{Finding, Subject};
use crate::audit::inserted::Inserted;
use crate::audit::replays::REPLAY_TOKEN_ISSUED_TWICE;
use crate::audit::report::Report;
use crate::audit::rule::{Effect, Rule};
use crate::audit::worlds::Worlds;
use crate::merkle::LeafIndex;

/// Findings of one code about one act, each with its world.
type Alike<'r> = Vec<(usize, &'r Finding)>;
/// The same, with the same entries charged to the same subject.
type Same<'r> = BTreeMap<(&'r [LeafIndex], &'r Subject), Alike<'r>>;

pub(super) fn united(worlds: &Worlds<'_>, reports: &[Report]) -> BTreeSet<Finding> {
    let mut all: BTreeMap<(&Rule, Option<LeafIndex>), Alike<'_>> = BTreeMap::new();
    for (world, finding) in told(worlds, reports) {
        all.entry((finding.rule, worlds.act(finding))).or_default().push((world, finding));
    }
    let count = reports.len();
    let is_heard = |alike: &Alike<'_>| alike.iter().any(|(world, _)| *world < worlds.accounts());
    let (heard, unheard): (Vec<_>, Vec<_>) = all.into_values().partition(is_heard);
    let united = heard.iter().flat_map(|alike| Uniting { worlds, count, alike }.united());
    let mut united: BTreeSet<_> = united.inserted();
    otherwise_failed(worlds, reports, &mut united);
    let excused = unheard.iter().flatten().filter(|(_, finding)| finding.effect != Effect::Shown);
    let excused = excused.map(|(_, finding)| *finding).filter(|finding| is_excused(&finding.subject, &united));
    let excused: Vec<_> = excused.map(as_excused).collect();
    united.extend(excused);
    united
}

/// Whether what is so only where the distrusted said nothing is to be told of:
/// nobody is convicted of it, and nobody passes by their word. Not where what
/// rests on them fails on the same subject already.
pub(super) fn is_excused(subject: &Subject, found: &BTreeSet<Finding>) -> bool {
    let rests = |finding: &&Finding| finding.effect == Effect::Fails && distrust::RULES.contains(&finding.rule);
    *subject != Subject::default() && !found.iter().filter(rests).any(|finding| is_of(&finding.subject, subject))
}

/// Whether both are charged to one run, or to one job and agent.
fn is_of(one: &Subject, other: &Subject) -> bool {
    (&one.job, &one.agent, &one.run) == (&other.job, &other.agent, &other.run)
}

fn as_excused(finding: &Finding) -> Finding {
    let detail = format!("{}; only the word of a signer who is no longer trusted says otherwise", finding.detail);
    Finding { effect: Effect::Incomplete, detail, ..finding.clone() }
}

/// Every finding with its world. That somebody is distrusted, and what rests on
/// that, is so whether they are heard or not.
fn told<'r>(worlds: &Worlds<'_>, reports: &'r [Report]) -> impl Iterator<Item = (usize, &'r Finding)> {
    let (accounts, count) = (worlds.accounts(), reports.len());
    reports.iter().enumerate().flat_map(move |(world, report)| {
        report.findings.iter().flat_map(move |finding| {
            let is_of_both = distrust::RULES.contains(&finding.rule) && world < accounts;
            let again = (is_of_both && world + accounts < count).then_some((world + accounts, finding));
            [(world, finding)].into_iter().chain(again)
        })
    })
}

/// What fails in each world for the same act and on the same subject, and by
/// another rule in some: it fails, however each account has it.
fn otherwise_failed(worlds: &Worlds<'_>, reports: &[Report], united: &mut BTreeSet<Finding>) {
    let act = |finding: &Finding| (worlds.act(finding), finding.subject.clone());
    let mut acts: BTreeMap<(Option<LeafIndex>, Subject), Alike<'_>> = BTreeMap::new();
    let fails = || told(worlds, reports).filter(|(_, finding)| finding.effect == Effect::Fails);
    let heard: BTreeSet<_> = fails().map(|(world, finding)| (world, finding.rule, act(finding))).inserted();
    // What only the silence of the distrusted opens is no second reason.
    let counts = |world: usize, finding: &Finding| {
        world.checked_sub(worlds.accounts()).is_none_or(|of| heard.contains(&(of, finding.rule, act(finding))))
    };
    for (world, finding) in fails().filter(|(world, finding)| counts(*world, finding)) {
        acts.entry(act(finding)).or_default().push((world, finding));
    }
    let told: BTreeSet<_> = united.iter().filter(|finding| finding.effect == Effect::Fails).map(act).inserted();
    let is_judged =
        |found: &Alike<'_>| found.iter().all(|(_, finding)| !worlds.leaves_out(&finding.entries, &finding.subject));
    let all = acts.values().filter(|found| is_everywhere(found, reports.len()) && is_judged(found));
    let fails: Vec<Finding> = all.flat_map(|found| first(found)).filter(|f| !told.contains(&act(f))).cloned().collect();
    let is_same = |one: &Finding, other: &Finding| {
        one.rule == other.rule && one.entries == other.entries && one.subject == other.subject
    };
    united.retain(|open| !fails.iter().any(|fails| is_same(open, fails)));
    united.extend(fails);
}

fn is_everywhere(found: &[(usize, &Finding)], count: usize) -> bool {
    found.iter().map(|(world, _)| world).inserted::<BTreeSet<&usize>>().len() == count
}

struct Uniting<'u, 'r, 'a> {
    worlds: &'u Worlds<'a>,
    count: usize,
    alike: &'u Alike<'r>,
}

impl<'r> Uniting<'_, 'r, '_> {
    fn united(&self) -> Vec<Finding> {
        let (open, shown) = (self.same(Effect::Incomplete), self.same(Effect::Shown));
        let shown = shown.iter().filter(|(_, found)| self.is_everywhere(found));
        let mut united: Vec<_> = open.iter().chain(shown).flat_map(|(_, found)| first(found)).cloned().collect();
        let is_judged = |entries: &[LeafIndex], subject: &Subject| !self.worlds.leaves_out(entries, subject);
        let is_sure = |(entries, subject): &(&[LeafIndex], &Subject), found: &Alike<'_>| {
            self.is_everywhere(found) && is_judged(entries, subject)
        };
        let (sure, mut unsure): (Same<'_>, Same<'_>) =
            self.same(Effect::Fails).into_iter().partition(|(key, found)| is_sure(key, found));
        united.extend(sure.values().flat_map(|found| first(found)).cloned());
        for (subject, found) in of_subjects(&unsure) {
            let is_told = sure.keys().any(|(_, of)| *of == subject);
            let is_judged = found.iter().all(|(_, finding)| is_judged(&finding.entries, subject));
            if !is_told && self.is_everywhere(&found) && is_judged {
                united.extend(first(&found).cloned());
                unsure.retain(|(_, of), _| *of != subject);
            }
        }
        united.extend(self.agreed(&sure, &unsure));
        let left = unsure.iter().filter(|(key, _)| !open.contains_key(*key));
        united.extend(left.flat_map(|(_, found)| first(found).map(|finding| self.left_open(finding, found))));
        united
    }

    /// What fails in each world, charged to others, on what these have in common:
    /// of each job that it fails in each world, else of all.
    fn agreed(&self, sure: &Same<'_>, unsure: &Same<'r>) -> Vec<Finding> {
        let entries: BTreeSet<_> = unsure.keys().map(|(entries, _)| *entries).inserted();
        let is_told = |entries: &[LeafIndex]| sure.keys().any(|(those, _)| *those == entries);
        let on_common = |entries: &[LeafIndex]| {
            let of: Vec<_> = unsure.iter().filter(|((those, _), _)| *those == entries).collect();
            let common = |is: &dyn Fn(&Subject) -> bool| {
                let of = || of.iter().filter(|((_, subject), _)| is(subject));
                let found: Vec<_> = of().flat_map(|(_, found)| found.iter().copied()).collect();
                let is_judged = of().all(|((_, subject), _)| !self.worlds.leaves_out(entries, subject));
                let is_so = is_judged && self.is_everywhere(&found);
                let subject = agreed(of().map(|((_, subject), _)| *subject)).filter(|_| is_so);
                let subject = subject.filter(reaches_its_own)?;
                first(&found).next().map(|finding| Finding { subject, ..finding.clone() })
            };
            let jobs: BTreeSet<_> = of.iter().filter_map(|((_, subject), _)| subject.job.as_deref()).inserted();
            let of_jobs = jobs.into_iter().filter_map(|job| common(&|subject| subject.job.as_deref() == Some(job)));
            let of_jobs: Vec<_> = of_jobs.collect();
            if of_jobs.is_empty() { common(&|_| true).into_iter().collect() } else { of_jobs }
        };
        entries.into_iter().filter(|entries| !is_told(entries)).flat_map(on_common).collect()
    }

    fn same(&self, effect: Effect) -> Same<'r> {
        let mut same = Same::new();
        for (world, finding) in self.alike.iter().filter(|(_, finding)| finding.effect == effect) {
            same.entry((&finding.entries, &finding.subject)).or_default().push((*world, finding));
        }
        same
    }

    fn is_everywhere(&self, found: &[(usize, &Finding)]) -> bool {
        is_everywhere(found, self.count)
    }

    /// What is so by some accounts only, or only by what distrusted signers say.
    fn left_open(&self, finding: &Finding, found: &[(usize, &Finding)]) -> Finding {
        let accounts = self.worlds.accounts();
        let by_revocation: BTreeSet<_> = found.iter().map(|(world, _)| world / accounts).inserted();
        let by_account: BTreeSet<_> = found.iter().map(|(world, _)| world % accounts).inserted();
        let has_halves = accounts < self.count;
        if has_halves && by_revocation.len() == 1 && by_account.len() == accounts {
            let detail = format!(
                "{}; it rests on the word of a signer who is no longer trusted, which convicts nobody",
                finding.detail
            );
            return Finding { effect: Effect::Incomplete, detail, ..finding.clone() };
        }
        let groups = self.worlds.groups_of(&finding.entries);
        let entries = finding.entries.iter().copied().chain(groups.flat_map(|group| group.issuances.iter().copied()));
        let detail = format!(
            "it rests on a token's claims, of which two issuers say unlike things, so it cannot be decided. By one \
             account: {}, {}",
            finding.rule.code, finding.detail
        );
        let open = Finding::new(&REPLAY_TOKEN_ISSUED_TWICE, &finding.subject, entries, detail);
        Finding { effect: Effect::Incomplete, ..open }
    }
}

/// Whatever the entries.
fn of_subjects<'r>(same: &Same<'r>) -> BTreeMap<&'r Subject, Alike<'r>> {
    let mut of: BTreeMap<&Subject, Alike<'_>> = BTreeMap::new();
    for ((_, subject), found) in same {
        of.entry(*subject).or_default().extend(found);
    }
    of
}

/// Those of the first world that has any.
fn first<'r>(found: &[(usize, &'r Finding)]) -> impl Iterator<Item = &'r Finding> {
    let first = found.iter().map(|(world, _)| *world).min();
    found.iter().filter(move |(world, _)| Some(*world) == first).map(|(_, finding)| *finding)
}

/// What all of these subjects have in common.
fn agreed<'s>(subjects: impl Iterator<Item = &'s Subject>) -> Option<Subject> {
    subjects.cloned().reduce(|one, other| {
        let both = |one: Option<String>, other: Option<String>| one.filter(|name| Some(name) == other.as_ref());
        let agents = one.agent.iter().chain(&other.agent).filter(|_| one.agent != other.agent).cloned();
        let concerns = one.concerns.union(&other.concerns).cloned().chain(agents).inserted();
        Subject {
            job: both(one.job, other.job),
            run: both(one.run, other.run),
            agent: both(one.agent, other.agent),
            token: both(one.token, other.token),
            app: both(one.app, other.app),
            submitter: both(one.submitter, other.submitter),
            concerns,
        }
    })
}

/// Whether nothing that is charged to it alone moves another job's verdict, or
/// another run's.
fn reaches_its_own(agreed: &Subject) -> bool {
    agreed.submitter.is_none()
        && match agreed.agent {
            Some(_) => agreed.run.is_some() || agreed.token.is_some(),
            None => agreed.job.is_some(),
        }
}
