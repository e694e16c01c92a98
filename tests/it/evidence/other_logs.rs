//! A trust policy of another log than the one that is judged: one line names
//! both, nothing in what was given is called false, and nothing passes.

use crate::cli::{Ran, run};
use crate::make::audit::operator;
use crate::make::evidence::{Kept, ORIGIN, attested_log};
use pulselog::checkpoint::Checkpoint;
use pulselog::note::{KeyName, SignerKey};
use pulselog::receipt::tlog_proof;

const OTHER: &str = "log.example/other";

pub fn policy_of(origin: &str, seed: u8) -> String {
    let key = SignerKey::new(KeyName::parse(origin).expect("a name"), &[seed; 32]).expect("a key");
    format!("log {}\nquorum none\n", key.vkey())
}

/// Packet, log, a kept checkpoint and a policy, beside one another.
fn world(policy: &str) -> (tempfile::TempDir, Kept) {
    let (dir, kept) = (tempfile::tempdir().expect("a directory"), attested_log());
    let put = |name: &str, bytes: &[u8]| std::fs::write(dir.path().join(name), bytes).expect("written");
    std::fs::create_dir(dir.path().join("packet")).expect("made");
    kept.files(0..kept.size()).iter().for_each(|(name, bytes)| put(&format!("packet/{name}"), bytes));
    kept.write(&dir.path().join("log"));
    put("trust.policy", policy.as_bytes());
    put("kept.checkpoint", kept.note(kept.size()).as_bytes());
    (dir, kept)
}

fn ran(dir: &tempfile::TempDir, words: &str) -> Ran {
    let at = dir.path().to_str().expect("UTF-8");
    let operator = operator();
    let words = words.replace('@', &format!("{at}/")).replace("OPERATOR", operator.as_str());
    run(&words.split(' ').collect::<Vec<_>>())
}

const COMMANDS: &[&str] = &[
    "verify @packet --policy @trust.policy --operator OPERATOR",
    "verify @packet/01.json --evidence @packet --policy @trust.policy --operator OPERATOR",
    "verify @packet/01.json --log @log --policy @trust.policy --operator OPERATOR",
    "audit --log @log --policy @trust.policy --operator OPERATOR",
    "audit --log @log --policy @trust.policy --operator OPERATOR --at-least @kept.checkpoint",
];

#[test]
fn a_policy_of_another_log_is_named_once_and_accuses_nobody() {
    let (dir, _) = world(&policy_of(OTHER, 7));
    let both = format!("this is of {ORIGIN}, and believed is {OTHER}: one of the two files is of another log");
    for words in COMMANDS {
        let ran = ran(&dir, words);
        assert_eq!((ran.code, ran.err.lines().count()), (3, 1), "{words}: {}{}", ran.out, ran.err);
        assert!(ran.out.is_empty() && ran.err.contains(&both) && ran.err.contains("log_unknown"), "{}", ran.err);
    }
    let ran = ran(&dir, "verify @packet/01.json --proof @packet/01.tlog-proof --policy @trust.policy");
    assert_eq!(ran.code, 3, "{}{}", ran.out, ran.err);
    assert!(ran.out.contains(&both) && !ran.out.contains("FAIL"), "{}", ran.out);
}

#[test]
fn the_name_that_is_believed_under_another_key_fails_in_one_line() {
    let (dir, _) = world(&policy_of(ORIGIN, 8));
    let words = format!("signed for {ORIGIN} by no key that the policy lists for it");
    for command in COMMANDS {
        let ran = ran(&dir, command);
        assert_eq!((ran.code, ran.err.lines().count()), (1, 1), "{command}: {}{}", ran.out, ran.err);
        assert!(ran.out.is_empty() && ran.err.contains(&words), "{}", ran.err);
    }
}

#[test]
fn files_of_another_log_beside_those_that_are_proven_are_one_line_and_not_false() {
    let (dir, kept) = world(&Kept::policy_text());
    let packet = dir.path().join("packet");
    let key = SignerKey::new(KeyName::parse(OTHER).expect("a name"), &[9; 32]).expect("a key");
    let note = kept.note(kept.size()).as_str().replacen(ORIGIN, OTHER, 1);
    let checkpoint =
        Checkpoint::parse_text(&(note.split_once("\n\n").expect("a note").0.to_owned() + "\n")).expect("a checkpoint");
    for at in 0..7 {
        let mut proof = tlog_proof::decode(kept.proof(at, kept.size()).as_bytes()).expect("a proof");
        proof.checkpoint = checkpoint.sign(&key).expect("signed");
        std::fs::write(packet.join(format!("x{at}.tlog-proof")), tlog_proof::encode(&proof)).expect("written");
    }
    let ran = ran(&dir, "verify @packet/01.json --evidence @packet --policy @trust.policy --operator OPERATOR");
    let rows: Vec<_> = ran.out.lines().filter(|line| line.contains(OTHER)).collect();
    assert!(rows.iter().all(|row| row.contains("incomplete") && row.contains("and 2 more")), "{}", ran.out);
    assert!(!rows.is_empty() && ran.code == 3, "{}{}", ran.out, ran.err);
}

#[test]
fn a_kept_checkpoint_of_another_log_that_is_believed_too_leaves_the_answer_open() {
    let (dir, kept) = world(&(Kept::policy_text().replace("quorum none\n", "") + &policy_of(OTHER, 9)));
    let key = SignerKey::new(KeyName::parse(OTHER).expect("a name"), &[9; 32]).expect("a key");
    let note = kept.note(kept.size() - 1).as_str().replacen(ORIGIN, OTHER, 1);
    let text = note.split_once("\n\n").expect("a note").0.to_owned() + "\n";
    let note = Checkpoint::parse_text(&text).expect("a checkpoint").sign(&key).expect("signed");
    std::fs::write(dir.path().join("kept.checkpoint"), note.as_bytes()).expect("written");
    for evidence in ["--evidence @packet", "--log @log"] {
        let words = format!(
            "verify @packet/18.json {evidence} --policy @trust.policy --operator OPERATOR --at-least @kept.checkpoint"
        );
        let ran = ran(&dir, &words);
        let said = ran.out.contains("other_origin") && !ran.out.contains("FAIL");
        assert!(ran.code == 3 && said, "{words}: {} {}{}", ran.code, ran.out, ran.err);
    }
}
