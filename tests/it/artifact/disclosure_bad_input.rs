//! Disclosures that are wrong in one place: which member is named. The files
//! of `tests/golden/disclosure` hold the codes.

use pulselog::artifact::json::{Object, Value, to_compact, to_jcs};
use pulselog::receipt::{Disclosure, tlog_proof};
use pulselog::verify::report::Outcome;
use pulselog::verify::{Options, disclosure};

use crate::evidence::bad_input::{answer, full_payload};
use crate::evidence::verify::World;
use crate::make::protocol::spoiled_in;
use crate::make::{b64u, set, value};

/// A file that shows two receipts of the world's bundle.
fn two_shown(world: &World) -> Value<'static> {
    let at = world.index_of("proof_bundle");
    let proof = tlog_proof::decode(&world.proof(at)).expect("a proof");
    let wanted = ["rcpt_1", "tool_receipts[0]"];
    value(&Disclosure::of(&value(&world.bodies[at]), proof, &wanted).expect("a disclosure").encode())
}

/// Code and words of every check that failed.
fn failed(world: &World, file: &str) -> Vec<(&'static str, String)> {
    let report = disclosure(file.as_bytes(), world.policy().as_bytes(), &Options::default());
    let failed = report.checks.into_iter().filter(|check| check.outcome == Outcome::Fail);
    failed.map(|check| (check.code.name(), check.detail)).collect()
}

#[test]
fn a_file_that_is_wrong_in_one_member_is_refused_at_that_member() {
    let world = World::new(1);
    let good = two_shown(&world);
    assert_eq!(failed(&world, &to_compact(&good)), []);
    let hashes = good.get("receipts").and_then(Value::as_array).expect("receipts")[0].get("path").cloned();
    let hashes = hashes.as_ref().and_then(Value::as_array).expect("a path").to_vec();
    let list = |hashes: &[Value<'static>]| Some(Value::from(hashes.to_vec()));
    let with = |last: &str| list(&[&hashes[..], &[last.into()]].concat());
    let text = hashes[0].as_str().expect("hex").to_owned();
    let rows = [
        ("receipts[0].path", list(&[&hashes[..], &hashes[..1]].concat()), "proof_path_length", "receipts[0]: path: "),
        ("receipts[0].path", list(&hashes[1..]), "proof_path_length", "receipts[0]: path: "),
        ("receipts[0].path", list(&[]), "proof_path_length", "receipts[0]: path: "),
        ("receipts[0].path[0]", Some(hashes[1].clone()), "disclosure_not_in_bundle", "receipts[0]: path: "),
        ("receipts[0].path[0]", Some(format!(":{}", &text[1..]).into()), "invalid_value", "receipts[0].path[0]: "),
        ("receipts[0].path[0]", Some(format!("{text}:").into()), "invalid_value", "receipts[0].path[0]: "),
        ("receipts[0].path", with("tool_receipts:0"), "invalid_value", "receipts[0].path[3]: "),
        ("receipts[0].path", with(""), "invalid_value", "receipts[0].path[3]: "),
        ("receipts[0].path", Some("".into()), "wrong_type", "receipts[0].path: "),
        ("receipts[0].count", Some(5.into()), "disclosure_count", "receipts[0]: count: is 5"),
        ("receipts[1].count", Some(7.into()), "disclosure_count", "tool_receipts[0]: count: is 7"),
        ("receipts[0].count", Some(0.into()), "invalid_value", "receipts[0].count: "),
        ("receipts[0].count", Some(value("6.5")), "invalid_value", "receipts[0].count: "),
        ("receipts[0].count", Some("6".into()), "wrong_type", "receipts[0].count: "),
        ("receipts[0].count", None, "missing_field", "receipts[0].count: "),
        ("receipts[0].leaf_index", Some(1.into()), "disclosure_order", "receipts: must stand in the bundle's order"),
        ("receipts[1].leaf_index", Some(6.into()), "proof_index_outside_tree", "tool_receipts[0]: leaf_index: "),
        ("receipts[1].array", Some("web_receipts".into()), "disclosure_other_array", "web_receipts[0]: array: "),
        (
            "receipts[1].array",
            Some("delegation_receipts".into()),
            "disclosure_other_array",
            "delegation_receipts[0]: array: ",
        ),
        ("receipts[1].array", Some("tool_receipts:0".into()), "invalid_value", "receipts[1].array: "),
        ("receipts[1].array", Some("event_chain".into()), "invalid_value", "receipts[1].array: "),
        ("receipts[1].array", Some("".into()), "invalid_value", "receipts[1].array: "),
        ("receipts[1].index", Some(1.into()), "disclosure_other_index", "tool_receipts[1]: index: "),
        ("receipts[1].trailing", Some(hashes[0].clone()), "unknown_field", "receipts[1].trailing: "),
    ];
    for (path, new, code, words) in rows {
        let mut file = good.clone();
        set(&mut file, path, new);
        let failed = failed(&world, &to_compact(&file));
        let (got, detail) = failed.first().unwrap_or_else(|| panic!("{path}: nothing failed"));
        assert_eq!(*got, code, "{path}: {detail}");
        assert!(detail.starts_with(words), "{path} {code}: {detail}");
    }
}

#[test]
fn a_member_written_twice_in_a_file_is_refused_with_its_path() {
    let world = World::new(1);
    let text = to_compact(&two_shown(&world));
    for (name, path) in [
        ("\"disclosure_version\":", "disclosure_version"),
        ("\"array\":", "receipts[0].array"),
        ("\"count\":", "receipts[0].count"),
        ("\"path\":", "receipts[0].path"),
        ("\"signer_did\":", "receipts[0].receipt.signer_did"),
    ] {
        let doubled = text.replacen(name, &format!("{name}0,{name}"), 1);
        let failed = failed(&world, &doubled);
        assert_eq!(failed[0].0, "json_duplicate_key");
        assert!(failed[0].1.starts_with(&format!("{path}: ")), "{failed:?}");
    }
}

/// The bare tool receipt of version 2, committed to one disclosed leaf at
/// `committed` and one hidden, but saying it stands at `shown`.
fn disclosing(committed: &str, shown: &str) -> Value<'static> {
    let leaf = value(r#"{"type":"string","value":"sync","salt_b64u":"c2FsdHNhbHQ"}"#);
    let hidden = b64u("hidden leaf");
    let mut hashes = vec![hidden.clone(), b64u(&format!("{committed}:{}", to_jcs(&leaf)))];
    hashes.sort();
    let root = b64u(&to_jcs(&Value::from(hashes.into_iter().map(Value::from).collect::<Vec<_>>())));
    let mut leaves = Object::new();
    leaves.set(shown, leaf);
    let mut given = value(&format!(
        r#"{{"disclosure_algorithm":"vir_v2_typed_lexicographical","merkle_root_b64u":"{root}",
        "redacted_leaf_hashes_b64u":["{hidden}"]}}"#
    ));
    set(&mut given, "disclosed_leaves", Some(leaves.into()));
    let mut payload = full_payload();
    set(&mut payload, "tool_receipts[3].args_hash_b64u", Some(root.into()));
    set(&mut payload, "tool_receipts[3].args_disclosure", Some(given));
    payload
}

#[test]
fn a_colon_in_a_disclosed_path_belongs_to_the_path() {
    let root = "DISCLOSURE_ROOT_MISMATCH payload.tool_receipts[3].args_disclosure.merkle_root_b64u";
    let judged =
        |payload: Value<'static>| answer(&spoiled_in(payload, "tool_receipts[3].receipt_id", Some("tr_3".into())));
    for path in ["a", "a:b", ":", "a:", ":a", "::", r#"a:{"salt_b64u":"x"}"#] {
        assert_eq!(judged(disclosing(path, path)), "OK -", "{path}");
        for other in ["a", "a:b", "b", "a:b:", "a:{", ""].iter().filter(|other| **other != path) {
            assert_eq!(judged(disclosing(path, other)), root, "{path} shown as {other}");
        }
    }
    // The path is pasted into the field as it is.
    let mut payload = disclosing("a:b", "a:b");
    let mut leaves = Object::new();
    leaves.set("a:b", value(r#"{"type":"string","value":7,"salt_b64u":"c2FsdHNhbHQ"}"#));
    set(&mut payload, "tool_receipts[3].args_disclosure.disclosed_leaves", Some(leaves.into()));
    let place = "payload.tool_receipts[3].args_disclosure.disclosed_leaves.a:b";
    assert_eq!(judged(payload), format!("DISCLOSURE_TYPE_MISMATCH {place}"));
}
