//! Ids of our own kinds have one spelling at intake; what was logged before is
//! read in any.

use pulselog::artifact::spelling::is_spelled;
use pulselog::artifact::{Grant, KeyCache, Limits, readmit};
use pulselog::text::unseen::{UNSEEN, is_unseen};

use crate::make::{admit_any, blessing, good_payload, key, kind, project, seal_raw, set, signer_of};
use pulselog::artifact::json::to_compact;

const ODD: &[&str] =
    &[" job-7", "job-7 ", "job\u{200b}-7", "job\t7", "job\u{a0}7", "\u{2800}", "job-7\u{e0041}", "a\u{feff}"];

/// One id of each of our kinds that has any.
const IDS: &[(&str, &str)] = &[
    ("approval", "approval_id"),
    ("approval", "binds.job_id"),
    ("argocd_decision", "job_id"),
    ("argocd_decision", "run_id"),
    ("audit_statement", "scope.job_id"),
    ("change_record", "job_id"),
    ("change_record", "change_ref.key"),
];

#[test]
fn an_id_with_a_blank_at_its_end_or_an_unseen_character_refuses_at_intake_and_is_read_where_it_is_logged() {
    for (name, path) in IDS {
        for odd in ODD {
            let kind = kind(name);
            let mut payload = good_payload(kind);
            set(&mut payload, path, Some((*odd).into()));
            let text = to_compact(&seal_raw(kind, payload, &key(signer_of(kind))));
            let error = admit_any(&text).expect_err("refused");
            assert_eq!(
                (error.code().name, error.path()),
                ("invalid_value", Some(format!("payload.{path}").as_str())),
                "{odd:?}"
            );
            let again = readmit(text.as_bytes(), &Grant::all(), &Limits::unlimited(), &KeyCache::new());
            assert!(again.is_ok(), "{name} {odd:?}: {again:?}");
        }
    }
}

#[test]
fn ids_with_inner_blanks_and_letters_of_any_script_are_spelled() {
    for good in ["job 7", "Zürich-7", "東京", "CHG-1/2:3", "e\u{301}", "😀"] {
        assert!(is_spelled(good), "{good}");
    }
    for odd in ODD.iter().chain(&[""]) {
        assert!(!is_spelled(odd), "{odd:?}");
    }
}

#[test]
fn the_table_of_unseen_characters_is_sorted_and_is_the_committed_one() {
    assert!(UNSEEN.windows(2).all(|pair| pair[0].1 < pair[1].0) && UNSEEN.iter().all(|(first, last)| first <= last));
    let line = |(first, last): &(char, char)| format!("{:04X}\t{:04X}\n", u32::from(*first), u32::from(*last));
    let table = format!("first\tlast\n{}", UNSEEN.iter().map(line).collect::<String>());
    let file = project("tests/golden/unseen.tsv");
    if blessing() {
        std::fs::write(&file, &table).expect("written");
    }
    assert_eq!(std::fs::read_to_string(file).expect("the table"), table);
    let slow = |c: char| UNSEEN.iter().any(|(first, last)| (*first..=*last).contains(&c));
    assert!((0..=0x10_ffff).filter_map(char::from_u32).all(|c| is_unseen(c) == slow(c)));
}
