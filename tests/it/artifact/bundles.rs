//! Bundles: what expands, what does not, and the root over the receipts.

use pulselog::artifact::json::{Value, to_compact};
use pulselog::artifact::receipts_root::{ReceiptsRoot, leaf_input};
use sha2::{Digest as _, Sha256};

use crate::make::{admit_any, bundle_payload, good, good_payload, key, kind, refuses, seal_raw, set, value};

#[test]
fn a_bare_forged_bundle_is_refused() {
    refuses(&to_compact(&bundle_payload()), "unsigned_not_allowed", None);
    refuses(&to_compact(&good_payload(kind("approval"))), "unsigned_not_allowed", None);
}

#[test]
fn a_bundle_expands_its_enveloped_receipts_in_order() {
    let admitted = admit_any(&good(kind("proof_bundle"))).expect("good");
    let kinds: Vec<_> = admitted.expanded.iter().map(|artifact| artifact.kind().name()).collect();
    let order =
        ["gateway_receipt", "tool_receipt", "side_effect_receipt", "human_approval_receipt", "delegation_receipt"];
    assert_eq!(kinds, order);
    assert_eq!(admitted.not_expanded, []);
    assert_eq!(admitted.receipts.map(|receipts| receipts.count), Some(6), "the bare tool receipt is counted");
    let alone = admit_any(&good(kind("gateway_receipt"))).expect("good").artifact;
    assert_eq!(admitted.expanded[0].digest(), alone.digest());
}

#[test]
fn a_bundle_with_broken_receipts_is_admitted_and_names_them() {
    let mut payload = bundle_payload();
    set(&mut payload, "receipts[0].payload.metadata.log_inclusion_proof", Some("written after signing".into()));
    set(&mut payload, "tool_receipts[0].envelope_type", Some("web_receipt".into()));
    set(&mut payload, "side_effect_receipts[0]", Some(value(&good(kind("approval")))));
    set(&mut payload, "delegation_receipts[0].payload.extra", Some(1.into()));
    let admitted = admit_any(&to_compact(&seal_raw(kind("proof_bundle"), payload, &key("agent")))).expect("admitted");
    assert_eq!(admitted.expanded.len(), 1);
    let named: Vec<_> = admitted.not_expanded.iter().map(|left| (left.path.as_str(), left.code.name)).collect();
    let expected = [
        ("payload.receipts[0]", "hash_mismatch"),
        ("payload.tool_receipts[0]", "unknown_kind"),
        ("payload.side_effect_receipts[0]", "kind_not_expandable"),
        ("payload.delegation_receipts[0]", "unknown_field"),
    ];
    assert_eq!(named, expected);
}

/// RFC 9162 2.1.1, written from the text: the oracle for the receipts root.
fn rfc_root(leaves: &[[u8; 32]]) -> [u8; 32] {
    match leaves {
        [] => Sha256::digest(b"").into(),
        [leaf] => *leaf,
        _ => {
            let mut split = 1;
            while split * 2 < leaves.len() {
                split *= 2;
            }
            let (left, right) = (rfc_root(&leaves[..split]), rfc_root(&leaves[split..]));
            Sha256::digest([&[1][..], &left, &right].concat()).into()
        }
    }
}

#[test]
fn receipts_root_is_the_rfc_6962_root_over_arrays_in_order() {
    for count in 1..20_u32 {
        let receipts: Vec<Value> = (0..count).map(|n| value(&format!("{{\"receipt_id\":\"{n}\"}}"))).collect();
        let mut payload = value("{}");
        set(&mut payload, "web_receipts", Some(vec![value("{\"last\":true}")].into()));
        set(&mut payload, "receipts", Some(receipts.clone().into()));
        let digest = |receipt: &Value<'static>| Sha256::digest(to_compact(receipt)).into();
        let leaf = |input: Vec<u8>| Sha256::digest([&[0][..], &input].concat()).into();
        let mut leaves: Vec<[u8; 32]> =
            receipts.iter().enumerate().map(|(at, r)| leaf(leaf_input("receipts", at as u64, &digest(r)))).collect();
        leaves.push(leaf(leaf_input("web_receipts", 0, &digest(&value("{\"last\":true}")))));
        let root = ReceiptsRoot::of(&payload).expect("receipts");
        assert_eq!((root.root, root.count), (rfc_root(&leaves), u64::from(count) + 1));
    }
    assert_eq!(ReceiptsRoot::of(&value("{\"receipts\":[]}")), None);
    let expected = [&[0x83, 0x68][..], b"receipts", &[0x19, 0x01, 0x00, 0x58, 0x20], &[9; 32]].concat();
    assert_eq!(leaf_input("receipts", 256, &[9; 32]), expected);
}
