//! The audit of a part of the log, found by its links, is that of the whole;
//! and what an operator attests is held against both.

use pulselog::artifact::json::Value;
use pulselog::audit::{
    Absence, Filing, Gather, Link, Prefix, Report, RootsSaid, Scope, Stated, Timeline, Verdict, Wanted, Which,
    audit_at, audit_packet, audit_slice, filed_under,
};
use pulselog::entry::LoggedAt;
use pulselog::merkle::{LeafIndex, TreeSize};

use crate::audit::goldens::{self, story_of};
use crate::make::attest::{attested, know_all, know_statement};
use crate::make::audit::{Story, operator};
use crate::make::{did, hex, set};

/// Links of every entry, as a follower files them.
fn filed(timeline: &Timeline) -> Vec<(LeafIndex, Vec<Link>)> {
    let (mut roots, mut said, mut stated) = (None::<Value>, RootsSaid::default(), Stated::default());
    let mut filed = Vec::new();
    for (at, seen) in timeline.prefix(timeline.size()) {
        let body = seen.body.as_ref().map(|body| (body.payload_hash(), body.payload()));
        let mut links = filed_under(&Filing { at, entry: &seen.entry, body }, roots.as_ref(), &operator(), None);
        if let Some(body) = &seen.body {
            if stated.take(&seen.entry, body.payload_hash()) {
                Link::drop_repeated(&mut links);
            }
            if said.take(body.payload_hash(), &mut links) {
                roots = Some(body.payload().clone());
                stated.under_other_roots();
            }
        }
        filed.push((at, links));
    }
    filed
}

/// What the scope's links lead to below a size.
pub fn gathered(timeline: &Timeline, scope: &Scope, size: TreeSize) -> Timeline {
    let rows = filed(timeline);
    let (mut gather, mut part) = (Gather::of(scope), Timeline::default());
    loop {
        let wanted = gather.wanted();
        if wanted.is_empty() {
            return part;
        }
        let below = || rows.iter().filter(|(at, _)| at.get() < size.get());
        let picked = |wanted: &Wanted| -> Vec<&(LeafIndex, Vec<Link>)> {
            let mut under = below().filter(|(_, links)| links.contains(&wanted.link));
            match wanted.which {
                Which::All => under.collect(),
                Which::From(first) => under.find(|(at, _)| *at >= first).into_iter().collect(),
                Which::Below(end) => under.rfind(|(at, _)| *at < end).into_iter().collect(),
                Which::First(most) => under.take(most).collect(),
            }
        };
        for (at, links) in wanted.iter().flat_map(picked) {
            let seen = timeline.get(*at).expect("an entry");
            gather.take(*at, seen, links.iter().copied());
            part.add(*at, seen.entry.clone(), seen.body.clone());
        }
    }
}

/// Newer roots name a second revoker, who ends the token; then a stranger logs
/// the older roots again, if so.
pub fn old_roots_again(is_replayed: bool) -> Story {
    let mut story = Story::clean();
    story.move_after("revoked", "ok");
    let both = Value::Array(["issuer", "second revoker"].map(|who| did(who).as_str().into()).to_vec());
    story.roots_again("newer roots", "cst_revokers", both);
    story.move_after("newer roots", "roots");
    story.signed_by("revoked", "second revoker");
    if is_replayed {
        story.renew("roots", "newer roots");
    }
    story
}

/// Newer roots name the wrapper; then the older ones, which name another, are
/// logged again, if so.
fn older_wrapper_again(is_replayed: bool) -> Story {
    let mut story = Story::clean();
    let now = story.said("roots").get("wrappers").cloned().expect("wrappers");
    let mut older = now.clone();
    set(&mut older, "[0].did", Some(did("older wrapper").as_str().into()));
    story.roots_again("newer roots", "wrappers", now);
    story.move_after("newer roots", "roots");
    story.set("roots", "wrappers", older);
    if is_replayed {
        story.renew("roots", "newer roots");
    }
    story
}

#[test]
fn old_roots_that_somebody_logs_again_are_not_in_force_again() {
    for is_replayed in [false, true] {
        for (story, verdict) in
            [(old_roots_again(is_replayed), Verdict::Fail), (older_wrapper_again(is_replayed), Verdict::Pass)]
        {
            let job = Scope::Job("job-1".to_owned());
            let whole = story.timeline();
            let part = gathered(&whole, &job, whole.size());
            let prefix = Prefix { size: whole.size(), logged_at: last_time(&whole, whole.size()) };
            let report = audit_slice(&part, &prefix, &operator()).of(&job);
            assert_eq!(story.audit().job("job-1"), verdict, "replayed {is_replayed}");
            assert_eq!(report.verdict, verdict, "replayed {is_replayed}");
        }
    }
}

fn last_time(timeline: &Timeline, size: TreeSize) -> Option<LoggedAt> {
    timeline.prefix(size).last().map(|(_, seen)| seen.entry.logged_at)
}

#[track_caller]
fn parts_equal_the_whole(story: &Story, scopes: &[Scope]) {
    let whole = story.timeline();
    for size in 0..=whole.size().get() {
        same_from_its_own_entries(&whole, TreeSize::new(size), scopes);
    }
}

#[track_caller]
pub fn same_from_its_own_entries(whole: &Timeline, size: TreeSize, scopes: &[Scope]) {
    let report = audit_at(whole, size, Some(&operator()));
    for scope in scopes {
        let part = gathered(whole, scope, size);
        let prefix = Prefix { size, logged_at: last_time(whole, size) };
        let of_part = audit_slice(&part, &prefix, &operator()).of(scope);
        assert_eq!(text(&of_part), text(&report.of(scope)), "{scope} at {size}");
    }
}

fn text(report: &Report) -> String {
    serde_json::to_string_pretty(report).expect("json")
}

/// Stories in which jobs meet: replays, stolen bundles, shared approvals.
pub fn tangled() -> Vec<Story> {
    let mut plain = Story::clean();
    plain.job("job-2", "agent");
    let mut guilty = Story::clean();
    guilty.move_after("revoked", "ok");
    guilty.set("back", "approvals", Value::Array(vec![]));
    guilty.bundle("again", "r1", "t1", &[1]);
    guilty.unset("again", "metadata.pulselog.token_hashes");
    guilty.job("job-2", "agent");
    guilty.set("job-2.sync", "approvals", Value::Array(vec!["@job-1.ok".into()]));
    guilty.set("job-2.r1 call 1", "receipt_id", "job-1.r1 call 1");
    let mut crossed = Story::clean();
    crossed.job("job-2", "agent");
    crossed.set("job-2.sync", "run_id", "job-1.r1");
    crossed.set("job-2.back", "job_id", "job-1");
    crossed.set("job-2.read", "cst.token_hash", hex("job-1.t1"));
    let mut stolen = Story::clean();
    stolen.bundle("stolen", "r1", "t1", &[1]);
    stolen.signed_by("stolen", "thief");
    stolen.set("stolen", "agent_did", did("thief"));
    stolen.wait(7_200_000);
    stolen.job("job-2", "agent");
    stolen.remove("b2");
    let mut all = vec![plain, guilty, crossed, stolen];
    let of_goldens = [
        &["a bundle of no run that denies and acts"][..],
        &["a run packed without a token", "a bundle of no run that denies and acts"],
        &["one token in a run that is only packed", "a token of one job under another"],
        &["a run of one job under another", "a stranger squats the run id"],
        &["a model call under a grant that nobody issued", "a tool receipt's id twice"],
        &["a call after the token expired, logged after it was revoked"],
        &["denied, and anybody could have written it", "one decision for two operations"],
        &["roots change in the middle of a run, before the approval"],
        &["inherits: the parent's parent allows less"],
        &["inherits: the parent is another signer's", "a run and its receipts signed again by a thief"],
        &["inherits: two parents of one id", "no bundle an hour after the token's end"],
        &["inherits: a circle"],
        &["a chain through a token that another run used"],
        &["a token used after its renewal was revoked"],
        &["one receipt without run and event in the bundles of two runs"],
    ];
    all.extend(of_goldens.iter().map(|names| story_of(names)));
    all
}

#[test]
fn the_report_on_a_scope_is_the_same_from_its_own_entries_and_from_the_whole_log() {
    let scopes = [
        Scope::Job("job-1".to_owned()),
        Scope::Job("job-2".to_owned()),
        Scope::Run { agent: did("agent"), run: "job-1.r1".to_owned() },
        Scope::Run { agent: did("thief"), run: "job-1.r1".to_owned() },
        Scope::Run { agent: did("agent"), run: "job-1.r3".to_owned() },
        Scope::Run { agent: did("agent"), run: "nobody's".to_owned() },
        Scope::Token(hex("job-1.t1")),
        Scope::Job("nobody's".to_owned()),
    ];
    for story in tangled() {
        parts_equal_the_whole(&story, &scopes);
    }
}

/// What the audit of an application reads is found by its links too. Whether a
/// change of its spec is anybody's business may rest on policies and tokens that
/// no link of the application leads to: such lines of coverage may be missing.
#[test]
fn the_report_on_an_application_is_the_same_from_its_own_entries_but_for_spec_changes() {
    let scope = Scope::App("argocd-prod/argocd/payments-api".to_owned());
    let mut found = 0;
    for (name, story) in goldens::stories() {
        let whole = story.timeline();
        let size = whole.size();
        let of_whole = audit_at(&whole, size, Some(&operator())).of(&scope);
        let prefix = Prefix { size, logged_at: last_time(&whole, size) };
        let of_part = audit_slice(&gathered(&whole, &scope, size), &prefix, &operator()).of(&scope);
        found += of_whole.findings.len();
        assert_eq!(text(&of_part), text(&of_whole), "{name}");
    }
    assert!(found > 100, "the goldens are about this application: {found}");
}

/// A job of the same agent and application when no token of the first lives.
fn later_job(story: &mut Story) {
    story.wait(6 * 3_600_000);
    story.job("job-2", "agent");
}

#[test]
fn an_unrelated_application_is_not_read_and_leads_nobody_on() {
    let mut story = Story::clean();
    let alone = gathered(&story.timeline(), &Scope::Job("job-1".to_owned()), story.timeline().size());
    let of_app = |story: &Story, app: &str| {
        let whole = story.timeline();
        gathered(&whole, &Scope::App(app.to_owned()), whole.size()).prefix(whole.size()).count()
    };
    let before = of_app(&story, "argocd-prod/argocd/payments-api");
    assert_eq!(of_app(&story, "argocd-prod/argocd/other"), 1, "the roots alone");
    later_job(&mut story);
    let whole = story.timeline();
    let job = gathered(&whole, &Scope::Job("job-1".to_owned()), whole.size());
    assert_eq!(job.prefix(whole.size()).count(), alone.prefix(whole.size()).count(), "two jobs, one application");
    assert!(of_app(&story, "argocd-prod/argocd/payments-api") > before);
}

#[test]
fn an_unrelated_job_is_not_read() {
    let mut story = Story::clean();
    let alone = story.timeline().size().get();
    later_job(&mut story);
    let whole = story.timeline();
    let part = gathered(&whole, &Scope::Job("job-1".to_owned()), whole.size());
    assert_eq!(part.prefix(whole.size()).count() as u64, alone);
    assert_eq!(part.size(), TreeSize::new(alone));
}

#[test]
fn a_true_statement_is_no_finding_and_makes_a_packet_pass() {
    let (_, timeline) = attested(Story::clean(), |_| {});
    let size = timeline.size();
    let whole = audit_at(&timeline, size, Some(&operator()));
    assert_eq!((whole.findings.as_slice(), whole.job("job-1")), (&[][..], Verdict::Pass));
    let packet = audit_packet(&timeline, size, "job-1", &operator());
    assert_eq!(packet.findings, [], "{packet:#?}");
    let entry = LeafIndex::new(size.get() - 1);
    assert_eq!((packet.job("job-1"), packet.absence), (Verdict::Pass, Absence::Attested { entry }));
    assert_eq!((packet.as_of.size, packet.as_of.beyond), (TreeSize::new(size.get() - 1), 1));
}

#[test]
fn what_is_attested_of_one_job_lets_no_other_job_pass() {
    let mut story = Story::clean();
    story.job("job-2", "agent");
    let (_, timeline) = attested(story, |_| {});
    let packet = audit_packet(&timeline, timeline.size(), "job-1", &operator());
    let run = |run: &str| Scope::Run { agent: did("agent"), run: run.to_owned() };
    for (scope, expected) in [
        (Scope::Job("job-1".to_owned()), Verdict::Pass),
        (run("job-1.r1"), Verdict::Pass),
        (Scope::Token(hex("job-1.t1")), Verdict::Pass),
        (Scope::Job("job-2".to_owned()), Verdict::Incomplete),
        (run("job-2.r1"), Verdict::Incomplete),
        (Scope::Token(hex("job-2.t1")), Verdict::Incomplete),
        (Scope::Agent(did("agent")), Verdict::Incomplete),
        (Scope::Log, Verdict::Incomplete),
    ] {
        let of = packet.of(&scope);
        let is_attested = matches!(of.absence, Absence::Attested { .. });
        assert_eq!((of.verdict, is_attested), (expected, expected == Verdict::Pass), "{scope}: {of:#?}");
    }
    assert_eq!((packet.job("job-1"), packet.job("job-2")), (Verdict::Pass, Verdict::Incomplete));
    assert_eq!(packet.run(&did("agent"), "job-2.r1"), Verdict::Incomplete);
}

#[test]
fn a_statement_lists_guilt_too_and_is_true_all_the_same() {
    let mut story = Story::clean();
    story.move_after("revoked", "ok");
    let (_, timeline) = attested(story, |_| {});
    let packet = audit_packet(&timeline, timeline.size(), "job-1", &operator());
    let codes: Vec<_> = packet.findings.iter().map(|finding| finding.rule.code).collect();
    assert_eq!((codes.as_slice(), packet.job("job-1")), (&["TOKEN_REVOKED"][..], Verdict::Fail));
}

#[test]
fn a_packet_without_one_of_its_entries_is_incomplete() {
    let (_, timeline) = attested(Story::clean(), |_| {});
    let size = timeline.size();
    for left_out in 0..size.get() {
        let mut part = Timeline::default();
        for (at, seen) in timeline.prefix(size).filter(|(at, _)| at.get() != left_out) {
            part.add(at, seen.entry.clone(), seen.body.clone());
        }
        know_statement(&mut part, &timeline, TreeSize::new(size.get() - 1));
        let report = audit_packet(&part, size, "job-1", &operator());
        assert_ne!(report.job("job-1"), Verdict::Pass, "without {left_out}: {report:#?}");
    }
}

type Change<'a> = &'a dyn Fn(&mut Value<'static>);

#[test]
fn a_false_statement_is_found_by_whoever_recomputes() {
    let guilty = || {
        let mut story = Story::clean();
        story.move_after("revoked", "ok");
        story
    };
    let hide = |payload: &mut Value<'static>| set(payload, "findings", Some(Value::Array(vec![])));
    let cases: [(&str, Story, Change); 5] = [
        ("findings left out", guilty(), &hide),
        ("another root", Story::clean(), &|payload| set(payload, "root_hash", Some(hex("root").into()))),
        ("other roots of trust", Story::clean(), &|payload| set(payload, "roots_digest", Some(hex("roots").into()))),
        ("an entry left out", Story::clean(), &|payload| {
            let mut entries = payload.get("entries").and_then(Value::as_array).expect("entries").to_vec();
            entries.remove(5);
            set(payload, "entries", Some(Value::Array(entries)));
        }),
        ("another leaf", Story::clean(), &|payload| set(payload, "entries[4].leaf_hash", Some(hex("leaf").into()))),
    ];
    for (name, story, change) in cases {
        let (_, timeline) = attested(story, change);
        let report = audit_at(&timeline, timeline.size(), Some(&operator()));
        let found = report.findings.iter().filter(|finding| finding.rule.code == "ATTESTATION_FALSE").count();
        assert_eq!((found, report.job("job-1")), (1, Verdict::Fail), "{name}: {report:#?}");
        let packet = audit_packet(&timeline, timeline.size(), "job-1", &operator());
        assert_ne!(packet.job("job-1"), Verdict::Pass, "{name}: {packet:#?}");
    }
}

#[test]
fn evidence_above_the_statement_is_not_covered_by_it() {
    let (mut story, _) = attested(Story::clean(), |_| {});
    story.approve("tick", "deny", "read");
    let mut timeline = story.timeline();
    know_all(&mut timeline);
    let packet = audit_packet(&timeline, timeline.size(), "job-1", &operator());
    let codes: Vec<_> = packet.findings.iter().map(|finding| finding.rule.code).collect();
    assert_eq!((codes.as_slice(), packet.job("job-1")), (&["ATTESTATION_OUTDATED"][..], Verdict::Incomplete));
}

#[test]
fn roots_and_statements_about_another_log_count_for_nothing() {
    let report = |origin: &str| audit_at(&Story::clean().timeline().of_log(origin), size(), Some(&operator()));
    fn size() -> TreeSize {
        Story::clean().timeline().size()
    }
    assert_eq!(report("log.example/test").job("job-1"), Verdict::Pass);
    let codes: Vec<_> = report("log.example/other").findings.iter().map(|finding| finding.rule.code).collect();
    assert_eq!(codes, ["ROOTS_MISSING"]);
}
