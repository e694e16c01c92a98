//! `verify` of a directory that is a packet without its list, or that holds
//! one: honest files are never called false for being what they are.

use std::path::Path;

use crate::cli::{Ran, run};
use crate::make::audit::operator;
use crate::make::evidence::{Kept, attested_log};

fn packet(dir: &Path, kept: &Kept) {
    std::fs::create_dir_all(dir).expect("made");
    for (name, bytes) in kept.files(0..kept.size()) {
        std::fs::write(dir.join(name), bytes).expect("written");
    }
    std::fs::write(dir.join("README.txt"), "Everything about one job.\n").expect("written");
    std::fs::write(dir.join("checkpoint"), kept.note(kept.size()).as_bytes()).expect("written");
}

fn verified(dir: &Path, at: &Path) -> Ran {
    let policy = dir.join("trust.policy");
    std::fs::write(&policy, Kept::policy_text()).expect("written");
    let text = |path: &Path| path.to_str().expect("UTF-8").to_owned();
    run(&["verify", &text(at), "--policy", &text(&policy), "--operator", operator().as_str()])
}

#[test]
fn a_packet_without_its_list_is_judged_as_one_and_is_incomplete() {
    let dir = tempfile::tempdir().expect("a directory");
    let at = dir.path().join("packet");
    packet(&at, &attested_log());
    std::fs::remove_file(at.join("packet.json")).expect("removed");
    let ran = verified(dir.path(), &at);
    assert_eq!(ran.code, 3, "{} {}", ran.out, ran.err);
    assert!(ran.out.contains("packet_manifest_missing"), "{}", ran.out);
    assert!(!ran.out.contains("FAIL"), "{}", ran.out);
}

#[test]
fn a_packet_below_a_directory_is_named_and_nothing_in_it_fails() {
    let dir = tempfile::tempdir().expect("a directory");
    let (above, kept) = (dir.path().join("p"), attested_log());
    packet(&above.join("packet"), &kept);
    let ran = verified(dir.path(), &above);
    assert_eq!(ran.code, 3, "{} {}", ran.out, ran.err);
    assert!(ran.out.contains("p/packet  is a packet") || ran.out.contains("p/packet is a packet"), "{}", ran.out);
    assert!(!ran.out.contains("FAIL"), "{}", ran.out);
}

#[test]
fn an_artifact_of_another_kind_among_many_documents_is_not_checked() {
    let dir = tempfile::tempdir().expect("a directory");
    let (at, kept) = (dir.path().join("some"), attested_log());
    std::fs::create_dir(&at).expect("made");
    for (index, (_, body)) in kept.entries.iter().enumerate() {
        std::fs::write(at.join(format!("{index:02}.json")), body).expect("written");
    }
    let ran = verified(dir.path(), &at);
    assert_ne!(ran.code, 0, "{}", ran.out);
    let row = |row: &&str| row.contains("is no bundle");
    assert!(ran.out.lines().filter(row).count() > 0, "{}", ran.out);
    assert!(ran.out.lines().filter(row).all(|row| row.starts_with("not checked")), "{}", ran.out);
}
