//! Disclosure files: what is shown verifies, and nothing else does.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use pulselog::artifact::json::{Value, to_compact, to_pretty};
use pulselog::receipt::{Disclosure, tlog_proof};
use pulselog::verify::report::{Outcome, Report};
use pulselog::verify::{Options, disclosure};

use crate::cli::{run, run_with};
use crate::evidence::verify::World;
use crate::make::{blessing, bundle_payload, project, set, value};

const ENVELOPED: [&str; 5] = ["rcpt_1", "tool_receipts[0]", "se_1", "ha_1", "dr_1"];

/// A file that shows these receipts of the world's bundle.
fn show(world: &World, wanted: &[&str]) -> Value<'static> {
    let at = world.index_of("proof_bundle");
    let proof = tlog_proof::decode(&world.proof(at)).expect("a proof");
    let shown = Disclosure::of(&value(&world.bodies[at]), proof, wanted).expect("a disclosure");
    value(&shown.encode())
}

fn refused(world: &World, about: &str, wanted: &[&str]) -> &'static str {
    let proof = tlog_proof::decode(&world.proof(world.index_of(about))).expect("a proof");
    let bundle = value(&world.bodies[world.index_of("proof_bundle")]);
    Disclosure::of(&bundle, proof, wanted).expect_err("refused").code().name
}

fn judge(world: &World, text: &str) -> Report {
    disclosure(text.as_bytes(), world.policy().as_bytes(), &Options::default())
}

/// `good`, or the code of the first check that failed, else of the first that
/// is incomplete.
fn outcome(report: &Report) -> &'static str {
    let first = |outcome| report.checks.iter().find(|check| check.outcome == outcome);
    first(Outcome::Fail).or_else(|| first(Outcome::Incomplete)).map_or("good", |check| check.code.name())
}

/// A file that shows `wanted`, with one thing changed.
fn edited(world: &World, wanted: &[&str], path: &str, new: Option<Value<'static>>) -> Value<'static> {
    let mut file = show(world, wanted);
    set(&mut file, path, new);
    file
}

fn take(file: &Value<'static>, path: &str) -> Value<'static> {
    let (at, member) = (path.as_bytes()[9] - b'0', path.rsplit('.').next().expect("a member"));
    let items = file.get("receipts").and_then(Value::as_array).expect("receipts");
    items[usize::from(at)].get(member).expect("a member").clone()
}

/// Every way in which a file may be wrong, named `code--defect`.
pub fn goldens(world: &World) -> Vec<(String, String)> {
    let two = ["rcpt_1", "tool_receipts[0]"];
    let edit = |path: &str, new| edited(world, &two, path, new);
    let swap = |member: &str| {
        let (mut file, was) = (show(world, &two), show(world, &two));
        set(&mut file, &format!("receipts[0].{member}"), Some(take(&was, &format!("receipts[1].{member}"))));
        set(&mut file, &format!("receipts[1].{member}"), Some(take(&was, &format!("receipts[0].{member}"))));
        file
    };
    let path = take(&show(world, &two), "receipts[0].path");
    let hashes = path.as_array().expect("hashes").to_vec();
    let longer = [&hashes[..], &hashes[..1]].concat();
    let prefixed = format!("sha256:{}", &hashes[0].as_str().expect("hex")[7..]);
    let tricked = hashes[0].as_str().expect("hex").replacen(|_: char| true, ":", 1);
    let other = bundle_payload();
    let other = other.get("receipts").and_then(Value::as_array).expect("receipts")[0].clone();
    let mut forged = other;
    set(&mut forged, "payload.tokens_input", Some(1.into()));
    let bare = "tool_receipts[1]";
    let rows: Vec<(&str, Value)> = vec![
        ("good", show(world, &ENVELOPED)),
        ("good--one", show(world, &["se_1"])),
        ("receipt_without_envelope--bare-receipt", show(world, &[bare])),
        ("proof_path_length--trailing-hash", edit("receipts[0].path", Some(longer.into()))),
        ("proof_path_length--missing-hash", edit("receipts[0].path[0]", None)),
        ("disclosure_not_in_bundle--other-hash", edit("receipts[0].path[0]", Some(hashes[1].clone()))),
        ("disclosure_count--smaller", edit("receipts[0].count", Some(5.into()))),
        ("disclosure_count--larger", edit("receipts[1].count", Some(7.into()))),
        ("disclosure_other_array--another-array", edit("receipts[1].array", Some("delegation_receipts".into()))),
        ("disclosure_other_array--bare", edited(world, &[bare], "receipts[0].array", Some("web_receipts".into()))),
        ("disclosure_other_index--next", edit("receipts[1].index", Some(1.into()))),
        ("disclosure_swapped--two-receipts", swap("receipt")),
        ("disclosure_not_in_bundle--next-leaf", edited(world, &["se_1"], "receipts[0].leaf_index", Some(2.into()))),
        ("proof_index_outside_tree--leaf", edited(world, &["dr_1"], "receipts[0].leaf_index", Some(6.into()))),
        ("disclosure_not_in_bundle--forged-receipt", edit("receipts[0].receipt", Some(forged))),
        ("disclosure_order--backwards", edit("receipts[0].leaf_index", Some(1.into()))),
        ("disclosure_order--index-beyond-leaf", edit("receipts[0].index", Some(3.into()))),
        ("disclosure_order--one-receipt-twice", {
            let mut file = show(world, &["se_1"]);
            let one = file.get("receipts").and_then(Value::as_array).expect("receipts")[0].clone();
            set(&mut file, "receipts", Some(vec![one.clone(), one].into()));
            file
        }),
        ("invalid_value--array-with-colon", edit("receipts[1].array", Some("tool_receipts:0".into()))),
        ("invalid_value--array-unknown", edit("receipts[1].array", Some("coverage_attestations".into()))),
        ("invalid_value--path-with-colon", edit("receipts[0].path[0]", Some(tricked.into()))),
        ("invalid_value--path-with-prefix", edit("receipts[0].path[0]", Some(prefixed.into()))),
        ("invalid_value--count-0", edit("receipts[0].count", Some(0.into()))),
        ("invalid_value--nothing-shown", edit("receipts", Some(Vec::<Value>::new().into()))),
        ("wrong_type--index-text", edit("receipts[0].index", Some("0".into()))),
        ("wrong_type--receipt-text", edit("receipts[0].receipt", Some("{}".into()))),
        ("missing_field--receipt", edit("receipts[0].receipt", None)),
        ("missing_field--count", edit("receipts[0].count", None)),
        ("missing_field--proof", edit("proof", None)),
        ("missing_field--version", edit("disclosure_version", None)),
        ("unknown_version--2", edit("disclosure_version", Some("2".into()))),
        ("unknown_field--extra", edit("extra", Some(true.into()))),
        ("unknown_field--receipt-extra", edit("receipts[0].root", Some("x".into()))),
        ("receipt_lines--proof", edit("proof", Some("c2sp.org/tlog-proof@v2\n".into()))),
        ("entry_missing--proof", {
            let at = world.index_of("proof_bundle");
            let proof = String::from_utf8(world.proof_of(at, world.size(), None)).expect("text");
            edit("proof", Some(proof.into()))
        }),
        ("disclosure_no_receipts_root--entry-of-an-approval", {
            let proof = String::from_utf8(world.proof(world.index_of("approval"))).expect("text");
            edit("proof", Some(proof.into()))
        }),
        ("log_unknown--another-log", show(&World::new(2), &two)),
    ];
    rows.into_iter().map(|(name, file)| (name.to_owned(), to_compact(&file) + "\n")).collect()
}

#[test]
fn goldens_named_by_their_defect_are_judged_as_named() {
    let world = World::new(1);
    let folder = project("tests/golden/disclosure");
    let made = goldens(&world);
    if blessing() {
        fs::create_dir_all(&folder).expect("writable");
        made.iter().for_each(|(name, text)| fs::write(folder.join(format!("{name}.json")), text).expect("writable"));
    }
    assert_eq!(fs::read_dir(&folder).expect("the folder").count(), made.len());
    for (name, text) in made {
        let golden = fs::read_to_string(folder.join(format!("{name}.json"))).expect("the golden");
        assert_eq!(golden, text, "{name} is what the builder makes");
        let report = judge(&world, &text);
        assert_eq!(outcome(&report), name.split("--").next().expect("a code"), "{name}: {}", report.to_text());
        let exit = match outcome(&report) {
            "good" => 0,
            "receipt_without_envelope" => 3,
            _ => 1,
        };
        assert_eq!(report.exit_code(), exit, "{name}");
    }
}

#[test]
fn every_receipt_alone_and_all_together_verify() {
    let world = World::new(1);
    for wanted in ENVELOPED {
        let report = judge(&world, &to_compact(&show(&world, &[wanted])));
        assert_eq!(report.exit_code(), 0, "{wanted}: {}", report.to_text());
        assert_eq!(report.subject.map(|subject| subject.kind), Some("proof_bundle"));
    }
    let all = show(&world, &[&ENVELOPED[..], &["tool_receipts[1]"]].concat());
    let report = judge(&world, &to_compact(&all));
    assert_eq!((report.exit_code(), outcome(&report)), (3, "receipt_without_envelope"), "{}", report.to_text());
    let shown = report.checks.iter().filter(|check| check.name == "shown" && check.outcome == Outcome::Pass);
    assert_eq!(shown.count(), 6);
    // Any spelling of the same JSON, and a file read back is the file.
    assert_eq!(judge(&world, &to_pretty(&all)).exit_code(), 3);
    let decoded = Disclosure::decode(to_compact(&all).as_bytes()).expect("a disclosure");
    assert_eq!(decoded.encode(), to_compact(&all) + "\n");
}

#[test]
fn hides_what_was_not_chosen() {
    let world = World::new(1);
    let text = to_compact(&show(&world, &["rcpt_1"]));
    for hidden in ["tr_1", "se_1", "evt_1", "pb_1", "job_123"] {
        assert!(!text.contains(hidden), "{hidden}");
    }
}

#[test]
fn any_changed_byte_is_refused() {
    let world = World::new(1);
    let text = to_compact(&show(&world, &["rcpt_1"])).into_bytes();
    let policy = world.policy();
    for at in 0..text.len() {
        let mut bytes = text.clone();
        bytes[at] ^= 1;
        let report = disclosure(&bytes, policy.as_bytes(), &Options::default());
        assert_eq!(report.exit_code(), 1, "byte {at}: {}", report.to_text());
    }
}

#[test]
fn receipts_that_cannot_be_shown_are_named() {
    let world = World::new(1);
    assert_eq!(refused(&world, "proof_bundle", &["tr_1"]), "disclosure_ambiguous_receipt");
    assert_eq!(refused(&world, "proof_bundle", &["nobody"]), "disclosure_unknown_receipt");
    assert_eq!(refused(&world, "proof_bundle", &["tool_receipts:0"]), "disclosure_unknown_receipt");
    assert_eq!(refused(&world, "proof_bundle", &["tool_receipts[2]"]), "disclosure_unknown_receipt");
    assert_eq!(refused(&world, "proof_bundle", &[]), "disclosure_nothing_chosen");
    assert_eq!(refused(&world, "approval", &["rcpt_1"]), "disclosure_no_receipts_root");
    let at = world.index_of("proof_bundle");
    let bare = tlog_proof::decode(&world.proof_of(at, world.size(), None)).expect("a proof");
    assert_eq!(
        Disclosure::of(&value(&world.bodies[at]), bare, &["rcpt_1"]).unwrap_err().code().name,
        "disclosure_no_entry"
    );
    let proof = tlog_proof::decode(&world.proof(at)).expect("a proof");
    let mut other = value(&world.bodies[at]);
    set(&mut other, "payload.bundle_id", Some("pb_2".into()));
    assert_eq!(Disclosure::of(&other, proof, &["rcpt_1"]).unwrap_err().code().name, "disclosure_other_bundle");
}

#[test]
fn the_schema_is_what_the_shape_prints() {
    let path = project("schemas/disclosure.schema.json");
    if blessing() {
        fs::write(&path, Disclosure::schema()).expect("writable");
    }
    assert_eq!(fs::read_to_string(&path).expect("committed"), Disclosure::schema());
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

#[test]
fn the_binary_discloses_and_verifies() {
    let (world, dir) = (World::new(1), tempfile::tempdir().expect("a directory"));
    let at = world.index_of("proof_bundle");
    let file = |name: &str, bytes: &[u8]| {
        let path = dir.path().join(name);
        fs::write(&path, bytes).expect("written");
        path
    };
    let (bundle, proof) = (file("b.json", world.bodies[at].as_bytes()), file("b.tlog-proof", &world.proof(at)));
    let (policy, out) = (file("trust.policy", world.policy().as_bytes()), dir.path().join("shown.json"));
    let disclose = ["disclose", text(&bundle), "--proof", text(&proof), "--receipt", "rcpt_1", "--out", text(&out)];
    let made = run(&disclose);
    assert_eq!((made.code, made.err.as_str(), made.out.as_str()), (0, "", ""));
    let again = run(&disclose);
    assert!(again.code == 1 && again.err.contains("never overwritten"), "{}", again.err);
    let seen = run(&["show", text(&out)]);
    assert!(seen.code == 0 && seen.out.contains("receipts[0], receipt id rcpt_1"), "{}", seen.out);
    let good = run(&["verify", text(&out), "--policy", text(&policy)]);
    assert_eq!((good.code, good.err.as_str()), (0, ""), "{}", good.out);
    let json = run(&["verify", text(&out), "--policy", text(&policy), "--json"]);
    assert!(json.out.contains("\"verdict\": \"pass\""), "{}", json.out);
    let both = run(&["verify", text(&out), "--policy", text(&policy), "--proof", text(&proof)]);
    assert!(both.code == 2 && both.err.contains("leave the flag out"), "{}", both.err);
    let none = run(&["verify", text(&bundle), "--policy", text(&policy)]);
    // A bundle alone has verdicts, and they say what is missing.
    assert!([1, 3].contains(&none.code) && none.out.contains("EVIDENCE_NOT_GIVEN"), "{} {}", none.out, none.err);
    let cut = run_with(&["verify", "-", "--policy", text(&policy)], b"{\"disclosure_version\":\"1\"");
    assert!(cut.code == 1 && cut.err.contains("json_truncated"), "{} {}", cut.out, cut.err);
    let unknown = run(&["disclose", text(&bundle), "--proof", text(&proof), "--receipt", "\u{1b}[2J"]);
    assert_eq!((unknown.code, unknown.err.lines().count()), (1, 1));
    assert!(unknown.err.contains("disclosure_unknown_receipt") && !unknown.err.contains('\u{1b}'));
    for listed in [
        run(&["disclose", text(&bundle), "--proof", text(&proof)]),
        run(&["disclose", text(&bundle), "--proof", text(&proof), "--receipt"]),
    ] {
        assert_eq!(listed.code, 0, "{}", listed.err);
        let names: Vec<Vec<&str>> = listed.out.lines().map(|line| line.split_whitespace().collect()).collect();
        let rows: Vec<_> = names.iter().filter(|row| row.len() >= 4 && row[1].len() == 64).collect();
        assert_eq!(rows.len(), 6, "{}", listed.out);
        assert!(listed.out.contains("receipts[0]") && listed.out.contains("unsigned"), "{}", listed.out);
        // Each place and digest that is listed can be named.
        for name in rows.iter().flat_map(|row| [row[0], row[1]]) {
            let shown = run(&["disclose", text(&bundle), "--proof", text(&proof), "--receipt", name]);
            assert_eq!(shown.code, 0, "{name}: {}", shown.err);
        }
    }
    let unnamed = run(&["disclose", text(&bundle), "--proof", text(&proof), "--out", text(&out)]);
    assert!(unnamed.code == 2 && unnamed.err.contains("--receipt"), "{}", unnamed.err);
    assert!(run(&["disclose", "--help"]).out.contains("Examples:"));
}

proptest! {
    #[test]
    fn no_bytes_make_the_parser_panic(bytes: Vec<u8>, at: usize, with: Vec<u8>) {
        let _ = Disclosure::decode(&bytes);
        let mut text = to_compact(&show(&World::new(1), &["rcpt_1", "dr_1"])).into_bytes();
        let place = at % text.len();
        text.splice(place..place, with);
        if let Ok(file) = Disclosure::decode(&text) {
            prop_assert_eq!(Disclosure::decode(file.encode().as_bytes()), Ok(file));
        }
    }
}
