//! `verify PACKET_DIR` judges the jobs that the packet is of: what the log
//! fails never passes, however the files of the packet are taken apart, and a
//! job never answers for guests in its packet.

use std::collections::BTreeMap;
use std::path::Path;

use pulselog::artifact::json::Value;
use pulselog::verify::packet::{File, MANIFEST, Packet};

use crate::cli::{Ran, run};
use crate::evidence::bounds::text;
use crate::make::attest::{attested, attested_as};
use crate::make::audit::Story;
use crate::make::evidence::Kept;
use crate::make::{did, hex, set};

/// What `packet` writes of job-1 in the log of a story, and how that ended.
fn packed(story: &Story) -> (Vec<File>, Ran) {
    packed_job(story, "job-1")
}

fn packed_job(story: &Story, job: &str) -> (Vec<File>, Ran) {
    let dir = tempfile::tempdir().expect("a directory");
    let (log, policy, out) = (dir.path().join("log"), dir.path().join("trust.policy"), dir.path().join("packet"));
    Kept::of(story).write(&log);
    std::fs::write(&policy, Kept::policy_text()).expect("written");
    let args = ["packet", "--log", text(&log), "--policy", text(&policy), "--operator", &did("operator")];
    let ran = run(&[&args[..], &["--job", job, "--out", text(&out)]].concat());
    let files = std::fs::read_dir(&out).into_iter().flatten().flatten().map(|file| {
        let name = file.file_name().into_string().expect("UTF-8");
        (name, std::fs::read(file.path()).expect("read"))
    });
    let mut files: Vec<File> = files.collect();
    files.sort();
    (files, ran)
}

fn packet_of(story: Story) -> Vec<File> {
    let (files, ran) = packed(&attested(story, |_| {}).0);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    files
}

/// Verifies these files as a packet that lists them all.
fn verify(files: &[File], more: &[&str]) -> Ran {
    let dir = tempfile::tempdir().expect("a directory");
    let files: Vec<File> = files.iter().filter(|(name, _)| name != MANIFEST).cloned().collect();
    let put = |name: &str, bytes: &[u8]| std::fs::write(dir.path().join(name), bytes).expect("written");
    files.iter().for_each(|(name, bytes)| put(name, bytes));
    put(MANIFEST, Packet::manifest_of(&files).as_bytes());
    let policy = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(policy.path(), Kept::policy_text()).expect("written");
    let args = ["verify", text(dir.path()), "--policy", text(policy.path()), "--operator", &did("operator")];
    run(&[&args[..], more].concat())
}

/// A job whose first run is clean, and whose second does what its policy denies.
fn guilty() -> Story {
    let mut story = Story::clean();
    story.decide("bad", "allow", "r2", "t2", "edit_app_spec", None);
    story.receipt("bad receipt", "bad", "accepted", None);
    story
}

fn without_bundles() -> Story {
    let mut story = guilty();
    story.remove("b1");
    story.remove("b2");
    story
}

/// Another agent with its own wrapper, whom the roots name.
fn with_second_agent(story: &mut Story) {
    let roots = story.said("roots").clone();
    let rows = |name: &str| roots.get(name).and_then(Value::as_array).expect("rows").to_vec();
    let (mut agents, mut wrappers) = (rows("agents"), rows("wrappers"));
    let mut second = agents[0].clone();
    set(&mut second, "did", Some(did("second agent").into()));
    set(&mut second, "usernames[0].username", Some("proj:payments:second".into()));
    agents.push(second);
    let mut wrapper = wrappers[0].clone();
    set(&mut wrapper, "did", Some(did("second wrapper").into()));
    set(&mut wrapper, "agents", Some(Value::Array(vec![did("second agent").into()])));
    wrappers.push(wrapper);
    story.set("roots", "agents", Value::Array(agents));
    story.set("roots", "wrappers", Value::Array(wrappers));
}

/// One way to take a packet apart, at one of its files.
type Fault = fn(&mut Vec<File>, usize);

fn before(files: &mut [File], at: usize, bytes: &[u8]) {
    files[at].1.splice(0..0, bytes.iter().copied());
}

const FAULTS: [(&str, Fault); 9] = [
    ("removed", |files, at| drop(files.remove(at))),
    ("renamed", |files, at| files[at].0.push_str(".x")),
    ("hidden by its name", |files, at| files[at].0 = format!(".{at}")),
    ("called packet.json.bak", |files, at| files[at].0 = "packet.json.bak".to_owned()),
    ("a line of junk first", |files, at| before(files, at, b"x\n")),
    ("a list first", |files, at| before(files, at, b"[]\n")),
    ("a text first", |files, at| before(files, at, b"\"a\"\n")),
    ("a byte order mark first", |files, at| before(files, at, b"\xef\xbb\xbf")),
    ("joined with the next as lines", |files, at| {
        let (name, next) = files.remove((at + 1) % files.len().max(1));
        let at = files.iter().position(|(other, _)| *other != name).map_or(0, |_| at.min(files.len() - 1));
        files[at].1.push(b'\n');
        files[at].1.extend(next);
        files[at].0 = format!("{at}.ndjson");
    }),
];

const HIDDEN: [&str; 5] =
    ["bundle.json", "bundle.tlog-proof", "audit_statement.json", "-argocd_decision.json", ".consistency"];

#[test]
fn a_guilty_packet_never_passes_however_it_is_taken_apart() {
    for story in [guilty(), without_bundles()] {
        let files = packet_of(story);
        let whole = verify(&files, &[]);
        assert_eq!(whole.code, 1, "{}{}", whole.out, whole.err);
        assert!(
            whole.out.contains("job job-1: audit fail") && whole.out.contains("POLICY_NONCOMPLIANT"),
            "{}",
            whole.out
        );
        for (name, fault) in FAULTS {
            let all = files.iter().enumerate();
            // Every file is left out; those that the verdict rests on are hidden in every way.
            let hidden = all.filter(|(_, (of, _))| name == "removed" || HIDDEN.iter().any(|kind| of.ends_with(kind)));
            for at in hidden.map(|(at, _)| at) {
                let mut part = files.clone();
                fault(&mut part, at);
                let ran = verify(&part, &[]);
                assert!(ran.code == 1 || ran.code == 3, "{name}, {}: {}{}", files[at].0, ran.out, ran.err);
            }
        }
    }
}

#[test]
fn a_bundle_that_is_hidden_behind_a_line_of_junk_is_judged_all_the_same() {
    let files = packet_of(guilty());
    let at = files.iter().rposition(|(name, _)| name.ends_with("proof_bundle.json")).expect("a bundle");
    for name in ["x.json", "x.txt", "README2", ".x"] {
        let mut hidden = files.clone();
        before(&mut hidden, at, b"x\n");
        hidden[at].0 = name.to_owned();
        let ran = verify(&hidden, &[]);
        assert_eq!(ran.code, 1, "{name}: {}{}", ran.out, ran.err);
        let index = files[at].0.split('-').next().expect("an index");
        assert!(ran.out.contains(&format!("entry {index}  protocol OK")), "{name}: {}", ran.out);
    }
}

#[test]
fn a_packet_of_pieces_that_are_all_proven_and_of_no_verdict_is_incomplete() {
    let kept = Kept::of(&without_bundles());
    let files: Vec<_> = kept.files(0..kept.size());
    let ran = verify(&files, &[]);
    assert_eq!(ran.code, 3, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains("nothing in it was judged"), "{}", ran.out);
}

#[test]
fn what_the_reader_expects_is_compared_with_the_jobs_of_a_packet_without_any_bundle() {
    let mut story = Story::clean();
    story.remove("b1");
    story.remove("b2");
    let files = packet_of(story);
    assert_eq!(verify(&files, &["--expect-job", "job-1"]).code, verify(&files, &[]).code);
    let other = verify(&files, &["--expect-job", "job-2"]);
    assert_eq!((other.code, other.out.contains("REPLAY_JOB_MISMATCH")), (1, true), "{}", other.out);
    let more = verify(&files, &["--at-least", "100000"]);
    assert!(more.code == 3 && more.out.contains("judged_below_known"), "{}", more.out);
}

#[test]
fn json_has_a_line_of_each_job_that_the_schema_knows() {
    let ran = verify(&packet_of(guilty()), &["--json"]);
    let lines: Vec<serde_json::Value> = ran.out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let of_job = lines.iter().find(|line| line["job"] == "job-1").expect("a line of the job");
    assert_eq!((ran.code, &of_job["verdict"], &of_job["audit"]["status"]), (1, &"fail".into(), &"fail".into()));
    crate::house::schemas::is_valid("verification.schema.json", of_job);
}

/// Guests in the packet of job-1, each by a word for it.
fn guests() -> BTreeMap<&'static str, Story> {
    let mut of = BTreeMap::new();
    let mut guest = |name: &'static str, change: &dyn Fn(&mut Story)| {
        let mut story = Story::clean();
        with_second_agent(&mut story);
        change(&mut story);
        of.insert(name, story);
    };
    let second = |story: &mut Story, is_broken: bool| {
        let at = story.steps.len();
        story.job("job-2", "second agent");
        let names: Vec<_> = story.steps[at..].iter().map(|step| (step.name.clone(), step.kind)).collect();
        for (name, kind) in names {
            if kind.starts_with("argocd_") && kind != "argocd_observation" {
                story.signed_by(&name, "second wrapper");
            }
        }
        if is_broken {
            story.set("b2", "event_chain[0].prev_hash_b64u", pulselog_b64u());
        }
    };
    guest("another agent's bundle is the last entry", &|story| second(story, false));
    guest("another agent's broken bundle is the last entry", &|story| second(story, true));
    guest("a stranger's bundle is the last entry", &|story| {
        story.bundle("guest", "r1", "t1", &[1]);
        story.signed_by("guest", "stranger");
        story.set("guest", "agent_did", did("stranger"));
        story.set("guest", "event_chain[0].prev_hash_b64u", pulselog_b64u());
    });
    for (name, path, new) in [
        ("another wrapper names the job", "binds.job_id", "job-1"),
        ("another wrapper names the run", "run_id", "job-1.r1"),
    ] {
        guest(name, &|story| {
            second(story, true);
            story.decide("busy", "deny", "r1", "t1", "read", None);
            story.signed_by("busy", "second wrapper");
            story.set("busy", path, new);
        });
    }
    guest("another wrapper names the approval", &|story| {
        second(story, true);
        story.set("job-2.back", "approvals", Value::Array(vec!["@job-1.ok".into()]));
    });
    of
}

/// An honest job whose packet shares a folder with a guilty one.
#[test]
fn a_guilty_job_beside_an_honest_packet_is_no_evidence_of_it_without_its_statement() {
    let story = attested(guests()["another agent's broken bundle is the last entry"].clone(), |_| {}).0;
    let story = attested_as(story, "job-2", "second statement", |_| {}).0;
    let (honest, _) = packed(&story);
    let (guilty, made) = packed_job(&story, "job-2");
    assert!(made.out.contains("its audit: fail"), "{}{}", made.out, made.err);
    assert_eq!(verify(&honest, &[]).code, 0);
    let both: BTreeMap<_, _> = honest.iter().chain(&guilty).cloned().collect();
    let whole: Vec<File> = both.clone().into_iter().collect();
    assert_eq!(verify(&whole, &[]).code, 1);

    let of = |step: &str| format!("{}-", story.steps.iter().position(|of| of.name == step).expect("a step"));
    let (statement, bundle) = (of("second statement"), of("job-2.b2"));
    let is_of = |name: &str, index: &str| name.trim_start_matches('0').starts_with(index);
    let no_body = both.clone().into_iter().filter(|(name, _)| !is_of(name, &statement) || name.ends_with("tlog-proof"));
    let no_statement = both.clone().into_iter().filter(|(name, _)| !is_of(name, &statement));
    let only_bundle = honest.iter().cloned().chain(guilty.iter().filter(|(name, _)| is_of(name, &bundle)).cloned());
    let parts: [(&str, Vec<File>); 3] = [
        ("the statement's body is removed", no_body.collect()),
        ("the statement is removed", no_statement.collect()),
        ("only the bundle is added", only_bundle.collect::<BTreeMap<_, _>>().into_iter().collect()),
    ];
    for (name, files) in parts {
        assert_ne!(files.len(), whole.len(), "{name}");
        let ran = verify(&files, &[]);
        assert!([1, 3].contains(&ran.code), "{name}: {}{}", ran.out, ran.err);
    }
}

fn pulselog_b64u() -> String {
    crate::make::b64u(&hex("another event"))
}

#[test]
fn the_packet_of_an_honest_job_passes_whoever_else_stands_in_it() {
    for (name, story) in guests() {
        let log = attested(story, |_| {}).0;
        assert_eq!(log.audit().job("job-1"), pulselog::audit::Verdict::Pass, "{name}");
        let (files, made) = packed(&log);
        assert_eq!(made.code, 0, "{name}: {}{}", made.out, made.err);
        let ran = verify(&files, &[]);
        assert_eq!(ran.code, 0, "{name}: {}{}", ran.out, ran.err);
        let readme = files.iter().find(|(name, _)| name == "README.txt").expect("a README");
        let listed =
            String::from_utf8_lossy(&readme.1).lines().filter(|line| line.ends_with("proof_bundle.json")).count();
        assert_eq!(listed, 2, "{name}: {}", String::from_utf8_lossy(&readme.1));
    }
}

#[test]
fn the_last_entry_of_a_statement_is_packed_without_its_body_where_the_job_does_not_use_it() {
    let stories = guests();
    let story = attested(stories["a stranger's bundle is the last entry"].clone(), |_| {}).0;
    let (files, _) = packed(&story);
    let last = story.steps.len() - 2;
    let has = |ending: &str| files.iter().any(|(name, _)| *name == format!("{last}-proof_bundle.{ending}"));
    assert_eq!((has("tlog-proof"), has("json")), (true, false));
    // Nor is it carried on, where the operator attests again.
    let (files, made) = packed(&attested(story, |payload| set(payload, "nonce", Some(hex("again")[..32].into()))).0);
    let ran = verify(&files, &[]);
    assert_eq!((made.code, ran.code), (0, 0), "{}{}", made.out, ran.out);
    assert!(!files.iter().any(|(name, _)| *name == format!("{last}-proof_bundle.json")));
}

#[test]
fn a_packet_that_its_statement_does_not_cover_is_made_and_ends_with_3() {
    let mut story = attested(Story::clean(), |_| {}).0;
    let size = story.steps.len() - 1;
    story.decide("late", "deny", "r2", "t2", "read", None);
    let (files, made) = packed(&story);
    assert_eq!(made.code, 3, "{}{}", made.out, made.err);
    let late = format!("entries {size}, {}", size + 1);
    for word in ["ATTESTATION_OUTDATED", &format!("of size {size}"), &late, "newer than all evidence"] {
        assert!(made.out.contains(word), "{word}: {}", made.out);
    }
    let ran = verify(&files, &[]);
    assert_eq!(ran.code, 3, "{}{}", ran.out, ran.err);
    // A job that fails has a whole packet, and its verdict is told.
    let (_, made) = packed(&attested(guilty(), |_| {}).0);
    assert!(made.code == 0 && made.out.contains("its audit: fail"), "{}{}", made.out, made.err);
    assert!(!made.out.contains("incomplete"), "{}", made.out);
}

#[test]
fn a_folder_of_pieces_beside_a_packet_is_no_pass_either() {
    let dir = tempfile::tempdir().expect("a directory");
    let files = packet_of(without_bundles());
    files.iter().for_each(|(name, bytes)| std::fs::write(dir.path().join(name), bytes).expect("written"));
    let path = |ending: &str| {
        let name = files.iter().find(|(name, _)| name.ends_with(ending)).expect("a file").0.clone();
        dir.path().join(name).to_str().expect("UTF-8").to_owned()
    };
    let policy = path("trust.policy");
    let args =
        ["verify", &path("approval.json"), &path("cst_issuance.json"), "--evidence", text(Path::new(dir.path()))];
    let ran = run(&[&args[..], &["--policy", &policy, "--operator", &did("operator")]].concat());
    assert_eq!(ran.code, 3, "{}{}", ran.out, ran.err);
}
