//! Trust policies: which checkpoints they open and which files they refuse.

use proptest::prelude::*;
use pulselog::checkpoint::cosignature::{CosignatureTime, CosignerKey};
use pulselog::checkpoint::{Checkpoint, Origin, TreeHead};
use pulselog::merkle::{Hash, RootHash, TreeSize};
use pulselog::note::{KeyName, NoteSignature, SignedNote, SignerKey, VerifierKey};
use pulselog::trust::{POLICY_LOGS_MAX, TrustPolicy};

const ORIGIN: &str = "example.com/log";

fn name(text: &str) -> KeyName {
    KeyName::parse(text).unwrap()
}

fn log_key(origin: &str, seed: u8) -> SignerKey {
    SignerKey::new(name(origin), &[seed; 32]).unwrap()
}

fn witness_key(number: u8) -> CosignerKey {
    CosignerKey::new(name(&format!("witness.example/w{number}")), &[100 + number; 32]).unwrap()
}

fn log_line(origin: &str, seed: u8) -> String {
    format!("log {}\n", log_key(origin, seed).vkey())
}

fn witness_line(number: u8) -> String {
    format!("witness w{number} {}\n", witness_key(number).vkey())
}

fn checkpoint() -> Checkpoint {
    let head = TreeHead { size: TreeSize::new(11), root: RootHash::new(Hash::from_bytes([7; 32])) };
    Checkpoint { origin: Origin::parse(ORIGIN).unwrap(), head }
}

fn cosign(number: u8) -> NoteSignature {
    witness_key(number).cosign(&checkpoint(), CosignatureTime::from_unix_seconds(1_700_000_000).unwrap())
}

/// The checkpoint signed by the log and by these witnesses.
fn note(witnesses: &[u8]) -> Vec<u8> {
    let mut lines = vec![log_key(ORIGIN, 1).sign(&checkpoint().to_text())];
    lines.extend(witnesses.iter().map(|number| cosign(*number)));
    assemble(lines)
}

fn assemble(lines: Vec<NoteSignature>) -> Vec<u8> {
    SignedNote::assemble(&checkpoint().to_text(), lines).unwrap().as_bytes().to_vec()
}

fn open(policy: &str, note: &[u8]) -> Result<Vec<String>, &'static str> {
    let policy = TrustPolicy::parse(policy).unwrap();
    let trusted = policy.open(note).map_err(|error| error.code().name)?;
    assert_eq!(trusted.checkpoint(), &checkpoint());
    assert_eq!(trusted.head(), checkpoint().head);
    assert_eq!(trusted.origin().as_str(), ORIGIN);
    assert_eq!(trusted.note().as_bytes(), note);
    Ok(trusted.witnesses().iter().map(|seen| seen.name().to_string()).collect())
}

fn two_levels() -> String {
    let witnesses: String = (1..=6).map(witness_line).collect();
    let groups = "group x 2 w1 w2 w3\ngroup y any w4 w5 w6\ngroup both all x y\nquorum both\n";
    format!("# two operators\n\n{}{witnesses}\t {groups}", log_line(ORIGIN, 1))
}

#[test]
fn opens_a_checkpoint_exactly_when_the_quorum_is_met() {
    let policy = two_levels();
    let all: [u8; 6] = [1, 2, 3, 4, 5, 6];
    for bits in 0_u32..64 {
        let present: Vec<u8> = all.into_iter().filter(|number| bits >> (number - 1) & 1 == 1).collect();
        let (x, y) = ((bits & 7).count_ones(), (bits >> 3).count_ones());
        let opened = open(&policy, &note(&present));
        if x >= 2 && y >= 1 {
            let names: Vec<String> = present.iter().map(|number| format!("witness.example/w{number}")).collect();
            assert_eq!(opened, Ok(names), "{present:?}");
        } else {
            assert_eq!(opened, Err("quorum_unmet"), "{present:?}");
        }
    }
}

#[test]
fn quorum_none_asks_no_witness_and_quorum_of_one_asks_that_one() {
    let none = format!("{}{}quorum none\n", log_line(ORIGIN, 1), witness_line(1));
    assert_eq!(open(&none, &note(&[])), Ok(vec![]));
    assert_eq!(open(&none, &note(&[1, 2])), Ok(vec!["witness.example/w1".into()]), "the unlisted one is ignored");
    let one = format!("{}{}{}quorum w2\n", log_line(ORIGIN, 1), witness_line(1), witness_line(2));
    assert_eq!(open(&one, &note(&[1])), Err("quorum_unmet"));
    assert!(open(&one, &note(&[2])).is_ok());
    assert!(TrustPolicy::for_log(log_key(ORIGIN, 1).vkey()).open(&note(&[])).is_ok());
}

#[test]
fn believes_any_listed_log_and_no_other() {
    let text = checkpoint().to_text();
    let none = |logs: &str| format!("{logs}quorum none\n");
    let two = none(&format!("{}{}", log_line("example.com/else", 2), log_line(ORIGIN, 1)));
    assert!(open(&two, &note(&[])).is_ok());
    assert_eq!(open(&none(&log_line("example.com/else", 1)), &note(&[])), Err("log_unknown"), "same key, other name");
    assert_eq!(open(&none(&log_line(ORIGIN, 3)), &note(&[])), Err("log_unknown"), "same name, other key");
    assert_eq!(open("quorum none", &note(&[])), Err("log_unknown"), "a policy without logs");
    let elsewhere = assemble(vec![log_key("example.com/else", 2).sign(&text)]);
    assert_eq!(open(&two, &elsewhere), Err("log_unknown"), "a listed log under another's origin");
    let swapped = assemble(vec![NoteSignature { name: name(ORIGIN), ..log_key("example.com/else", 2).sign(&text) }]);
    assert_eq!(open(&two, &swapped), Err("log_unknown"));
}

#[test]
fn a_known_key_that_does_not_verify_refuses_the_whole_note() {
    let policy = format!("{}{}{}quorum none\n", log_line(ORIGIN, 1), log_line("example.com/else", 2), witness_line(1));
    let good = log_key(ORIGIN, 1).sign(&checkpoint().to_text());
    let with = |line: NoteSignature| open(&policy, &assemble(vec![good.clone(), line]));
    assert_eq!(with(log_key(ORIGIN, 1).sign("other\n")), Err("note_signature_invalid"));
    assert_eq!(with(log_key("example.com/else", 2).sign("other\n")), Err("note_signature_invalid"));
    let mut broken = cosign(1);
    broken.body[71] ^= 1;
    assert_eq!(with(broken), Err("note_signature_invalid"));
    let mut short = cosign(1);
    short.body.truncate(71);
    assert_eq!(with(short), Err("cosignature_length"));
    assert!(with(log_key("example.com/stranger", 5).sign("other\n")).is_ok(), "unknown keys are ignored");
}

#[test]
fn refuses_what_is_no_checkpoint() {
    let policy = format!("{}quorum none\n", log_line(ORIGIN, 1));
    assert_eq!(open(&policy, b""), Err("note_no_empty_line"));
    let text = format!("{}extra\n", checkpoint().to_text());
    let extended = SignedNote::assemble(&text, vec![log_key(ORIGIN, 1).sign(&text)]).unwrap();
    assert_eq!(open(&policy, extended.as_bytes()), Err("extension_line"));
}

#[test]
fn refuses_policies_by_the_rule_they_break() {
    let (log, w1, w2) = (log_line(ORIGIN, 1), witness_line(1), witness_line(2));
    let vkey = witness_key(1).vkey().to_string();
    let log_vkey = log_key(ORIGIN, 1).vkey().to_string();
    let renamed =
        VerifierKey::new(name("w.example/other"), witness_key(1).vkey().key_type(), witness_key(1).vkey().public_key());
    let renamed = renamed.unwrap().to_string();
    let table: &[(&str, String, usize, &str)] = &[
        ("no quorum", log.clone(), 0, "policy_no_quorum"),
        ("empty file", String::new(), 0, "policy_no_quorum"),
        ("two quorums", "quorum none\nquorum none\n".into(), 2, "policy_second_quorum"),
        ("quorum of nothing", "quorum\n".into(), 1, "policy_line_form"),
        ("quorum of two", format!("{w1}{w2}quorum w1 w2\n"), 3, "policy_line_form"),
        ("quorum before its witness", format!("quorum w1\n{w1}"), 1, "policy_undefined_name"),
        ("quorum of a log", format!("{log}quorum {ORIGIN}\n"), 2, "policy_undefined_name"),
        ("unknown keyword", "quorum none\nmirror x\n".into(), 2, "policy_unknown_keyword"),
        ("upper-case keyword", "Quorum none\n".into(), 1, "policy_unknown_keyword"),
        ("comment after words", "quorum none # note\n".into(), 1, "policy_line_form"),
        ("carriage return", "quorum none\r\n".into(), 1, "policy_control_character"),
        ("delete character", "# \u{7f}\nquorum none\n".into(), 1, "policy_control_character"),
        ("byte order mark", "\u{feff}quorum none\n".into(), 1, "policy_unknown_keyword"),
        ("no-break space", "quorum\u{a0}none\n".into(), 1, "policy_unknown_keyword"),
        ("log without key", "log\n".into(), 1, "policy_line_form"),
        ("log with a third word", format!("log {log_vkey} https://a b\n"), 1, "policy_line_form"),
        ("log with a witness key", format!("log {vkey}\n"), 1, "key_type_wrong"),
        ("log with a broken key", format!("log {}\n", &log_vkey[1..]), 1, "key_id_mismatch"),
        ("log listed twice", format!("{log}{log}quorum none\n"), 2, "policy_duplicate_key"),
        ("log key under another name", format!("{log}{}", log_line("example.com/else", 1)), 2, "policy_duplicate_key"),
        ("witness without name", format!("witness {vkey}\n"), 1, "policy_line_form"),
        ("witness with a log key", format!("witness w {log_vkey}\n"), 1, "key_type_wrong"),
        ("witness of an unknown type", "witness w a+00000000+Ag==\n".into(), 1, "key_type_unknown"),
        ("witness name twice", format!("{w1}{}", w2.replace("w2 ", "w1 ")), 2, "policy_duplicate_name"),
        ("witness key twice", format!("{w1}witness w9 {vkey}\n"), 2, "policy_duplicate_key"),
        ("witness key under another name", format!("{w1}witness w9 {renamed}\n"), 2, "policy_duplicate_key"),
        ("witness named none", format!("witness none {vkey}\n"), 1, "policy_reserved_name"),
        ("group named none", format!("{w1}group none any w1\n"), 2, "policy_reserved_name"),
        ("group named as a witness", format!("{w1}group w1 any w1\n"), 2, "policy_duplicate_name"),
        ("group without members", "group g any\n".into(), 1, "policy_line_form"),
        ("group without threshold", "group g\n".into(), 1, "policy_line_form"),
        ("group before its member", format!("group g any w1\n{w1}"), 1, "policy_undefined_name"),
        ("group of itself", format!("{w1}group g any w1 g\n"), 2, "policy_undefined_name"),
        ("group of none", format!("{w1}group g any none\n"), 2, "policy_undefined_name"),
        ("member twice in one group", format!("{w1}group g any w1 w1\n"), 2, "policy_member_twice"),
        ("member of two groups", format!("{w1}{w2}group g any w1\ngroup h any w1 w2\n"), 4, "policy_member_twice"),
        ("threshold zero", format!("{w1}group g 0 w1\n"), 2, "policy_threshold"),
        ("threshold above members", format!("{w1}{w2}group g 3 w1 w2\n"), 3, "policy_threshold"),
        ("threshold with zero before it", format!("{w1}group g 01 w1\n"), 2, "policy_threshold"),
        ("threshold with sign", format!("{w1}group g +1 w1\n"), 2, "policy_threshold"),
        ("threshold beyond numbers", format!("{w1}group g {} w1\n", "9".repeat(99)), 2, "policy_threshold"),
        ("long file", "#\n".repeat(200_000), 0, "policy_too_large"),
    ];
    for (defect, policy, line, want) in table {
        let error = TrustPolicy::parse(policy).unwrap_err();
        assert_eq!((error.line, error.code().name), (*line, *want), "{defect}");
    }
    assert_eq!(TrustPolicy::parse([0xff, b'\n']).unwrap_err().code().name, "policy_not_utf8");
}

#[test]
fn takes_as_many_logs_and_witnesses_as_its_limits_say() {
    let logs = |count: usize| -> String {
        (0..count)
            .map(|number| {
                let seed = std::array::from_fn(|at| if at < 2 { (number >> (8 * at)) as u8 } else { 1 });
                format!("log {}\n", SignerKey::new(name("a"), &seed).unwrap().vkey())
            })
            .collect()
    };
    assert!(TrustPolicy::parse(format!("{}quorum none", logs(POLICY_LOGS_MAX))).is_ok());
    let error = TrustPolicy::parse(format!("{}quorum none", logs(POLICY_LOGS_MAX + 1))).unwrap_err();
    assert_eq!((error.line, error.code().name), (POLICY_LOGS_MAX + 1, "policy_too_many"));
    let nested: String = (1..=60_u8)
        .map(|n| {
            format!(
                "{}group g{n} all w{n} {}\n",
                witness_line(n),
                if n > 1 { format!("g{}", n - 1) } else { String::new() }
            )
        })
        .collect();
    let deep = TrustPolicy::parse(format!("{}{nested}quorum g60\n", log_line(ORIGIN, 1))).unwrap();
    let all: Vec<u8> = (1..=60).collect();
    assert!(deep.open(&note(&all)).is_ok());
    assert_eq!(deep.open(&note(&all[1..])).unwrap_err().code().name, "quorum_unmet");
}

#[test]
fn prints_a_policy_that_reads_back_equal() {
    let url = format!("{} https://log.example/\nquorum none\n", log_line(ORIGIN, 1).trim_end());
    for text in [two_levels(), url, "  quorum\tnone ".into()] {
        let policy = TrustPolicy::parse(&text).unwrap();
        let printed = policy.to_string();
        assert_eq!(TrustPolicy::parse(&printed).unwrap(), policy);
        assert_eq!(TrustPolicy::parse(&printed).unwrap().to_string(), printed);
    }
    let starter = TrustPolicy::for_log(log_key(ORIGIN, 1).vkey());
    assert_eq!(starter.to_string(), format!("{}quorum none\n", log_line(ORIGIN, 1)));
    assert_eq!(TrustPolicy::parse(starter.to_string()).unwrap(), starter);
}

proptest! {
    #[test]
    fn policy_parser_never_panics(bytes: Vec<u8>) {
        let _ = TrustPolicy::parse(bytes);
    }

    #[test]
    fn policies_of_loose_words_are_refused_or_print_back(words in prop::collection::vec("(log|witness|group|quorum|none|any|all|1|2|a|b|#|\n|VKEY)", 0..30)) {
        let text = words.join(" ").replace("VKEY", &witness_key(1).vkey().to_string());
        if let Ok(policy) = TrustPolicy::parse(&text) {
            prop_assert_eq!(TrustPolicy::parse(policy.to_string()), Ok(policy));
        }
    }

    #[test]
    fn any_flipped_bit_of_a_fully_signed_note_is_refused(at: usize, bit in 0_u8..8) {
        let policy = TrustPolicy::parse(format!("{}{}quorum w1\n", log_line(ORIGIN, 1), witness_line(1))).unwrap();
        let mut bytes = note(&[1]);
        let place = at % bytes.len();
        bytes[place] ^= 1 << bit;
        prop_assert!(policy.open(&bytes).is_err());
    }
}
