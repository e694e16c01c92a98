//! What a reader lacks accuses nobody, in the checks beside the audit too: the
//! peer's lists, and a token that is shown.

use std::path::Path;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use pulselog::artifact::json::{Value, to_compact};
use pulselog::verify::packet::{MANIFEST, Packet};

use crate::cli::{Ran, run};
use crate::evidence::bounds::text;
use crate::make::attest::attested;
use crate::make::audit::{Story, nonce};
use crate::make::evidence::Kept;
use crate::make::{did, hex, set, value};

/// The document of the first run, beside a packet without some of its files.
fn beside_packet(story: &Story, without: &[&str], more: &[&str]) -> Ran {
    let dir = tempfile::tempdir().expect("a directory");
    let kept = Kept::of(story);
    let mut files = kept.files(0..kept.size());
    files.retain(|(name, _)| name != MANIFEST && !without.contains(&name.as_str()));
    let manifest = Packet::manifest_of(&files).into_bytes();
    let packet = dir.path().join("packet");
    std::fs::create_dir(&packet).expect("made");
    for (name, bytes) in files.iter().chain([&(MANIFEST.to_owned(), manifest)]) {
        std::fs::write(packet.join(name), bytes).expect("written");
    }
    verified(dir.path(), &packet.join(format!("{:02}.json", story.index("b1"))), &["--evidence", text(&packet)], more)
}

/// The same beside a copy of the log without the body of one entry.
fn beside_log(story: &Story, without: &str, more: &[&str]) -> Ran {
    let dir = tempfile::tempdir().expect("a directory");
    let (kept, log, document) = (Kept::of(story), dir.path().join("log"), dir.path().join("b.json"));
    kept.write(&log);
    std::fs::write(&document, &kept.entries[story.index("b1") as usize].1).expect("written");
    let entry = &kept.entries[story.index(without) as usize].0;
    let digest = pulselog::entry::SequencedEntry::decode(entry).expect("an entry").digest;
    std::fs::remove_file(log.join(format!("artifacts/{digest}"))).expect("removed");
    verified(dir.path(), &document, &["--log", text(&log)], more)
}

fn verified(dir: &Path, document: &Path, evidence: &[&str], more: &[&str]) -> Ran {
    let policy = dir.join("trust.policy");
    std::fs::write(&policy, Kept::policy_text()).expect("written");
    let (policy, operator) = (text(&policy), did("operator"));
    let args = ["verify", text(document), "--policy", policy, "--operator", &operator];
    run(&[&args[..], evidence, more].concat())
}

/// The gateway of all receipts is replaced long after them.
fn rotated() -> Story {
    let mut story = Story::clean();
    story.roots_again("later roots", "gateways", Value::Array(vec![did("second gateway").into()]));
    attested(story, |_| {}).0
}

#[test]
fn roots_that_are_missing_may_list_the_gateway_that_those_at_hand_do_not() {
    let story = rotated();
    let whole = beside_packet(&story, &[], &[]);
    assert_eq!(whole.code, 0, "{}{}", whole.out, whole.err);
    for without in [&["00.json"][..], &["00.tlog-proof"], &["00.json", "00.tlog-proof"]] {
        let ran = beside_packet(&story, without, &[]);
        assert_eq!(ran.code, 3, "{without:?}: {}{}", ran.out, ran.err);
    }
    let ran = beside_log(&story, "roots", &[]);
    assert_eq!(ran.code, 3, "{}{}", ran.out, ran.err);
    // A gateway that no roots ever listed is none, whatever is missing elsewhere.
    let mut story = Story::clean();
    story.signed_by("r1 call 1", "stranger");
    let ran = beside_log(&story, "policy", &[]);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
}

/// A token of the first run, and what two issuers say of it.
struct Shown {
    story: Story,
    token: String,
}

/// Of these claims; its signature is nobody's.
fn token_of(claims: &Value<'_>) -> String {
    let part = |text: &str| Base64UrlUnpadded::encode_string(text.as_bytes());
    let header = r#"{"alg":"EdDSA","typ":"JWT","kid":"0123456789abcdef"}"#;
    format!("{}.{}.{}", part(header), part(&to_compact(claims)), Base64UrlUnpadded::encode_string(&[1; 64]))
}

#[test]
fn a_decision_that_is_missing_may_tell_of_which_job_the_run_is() {
    let story = Story::clean();
    let mut other = Story::clean();
    other.job = "job-9".to_owned();
    let claims = other.claims("t9");
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), token_of(&claims)).expect("written");
    for (without, outcome) in [("policy", "FAIL"), ("read", "incomplete"), ("sync", "incomplete")] {
        let ran = beside_log(&story, without, &["--cst", text(file.path())]);
        let told = ran.out.lines().rfind(|line| line.contains("[token_other_job]"));
        let told = told.unwrap_or_else(|| panic!("{without}: {}{}", ran.out, ran.err));
        assert!(told.trim_start().starts_with(outcome), "{without}: {}", ran.out);
    }
}

fn shown(is_second_distrusted: bool) -> Shown {
    let mut story = Story::clean();
    let issuers = ["issuer", "second issuer"].map(|issuer| did(issuer).into());
    story.set("roots", "cst_issuers", Value::Array(issuers.to_vec()));
    let token = token_of(&story.claims("t9"));
    let mut issuance = story.said("t1").clone();
    set(&mut issuance, "token_hash", Some(hex(&token).into()));
    set(&mut issuance, "claims", Some(story.claims("t9")));
    for (name, issuer, end) in [("real", "issuer", None), ("another", "second issuer", Some(1_800_000_000_u32))] {
        set(&mut issuance, "nonce", Some(nonce(name).into()));
        if let Some(end) = end {
            set(&mut issuance, "claims.exp", Some(end.into()));
        }
        story.log(name, "cst_issuance", issuer, issuance.clone());
    }
    if is_second_distrusted {
        let row = format!(r#"[{{"did":"{}","from_index":0,"reason":"stolen key"}}]"#, did("second issuer"));
        story.roots_again("later roots", "distrusted", value(&row));
    }
    Shown { story, token }
}

#[test]
fn an_issuance_that_is_missing_may_be_the_one_of_the_token_that_is_shown() {
    for is_second_distrusted in [false, true] {
        let Shown { story, token } = shown(is_second_distrusted);
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), &token).expect("written");
        let ran = beside_log(&story, "real", &["--cst", text(file.path())]);
        let told = ran.out.lines().find(|line| line.contains("[token_other_claims]")).expect("a check");
        assert!(told.trim_start().starts_with("incomplete"), "{}", ran.out);
        let ran = beside_log(&story, "policy", &["--cst", text(file.path())]);
        assert!(!ran.out.contains("token_other_claims"), "{}", ran.out);
    }
}
