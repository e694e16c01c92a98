//! A run packed again with more of it. A runtime that packs as it goes says in
//! each bundle all that it said before, so the later one continues the latest;
//! anything else under the run's id is a second bundle, a replay.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::artifact::digest::ArtifactDigest;
use crate::artifact::json::to_compact;
use crate::artifact::{Node, ProofBundle, View};
use crate::audit::inserted::Inserted;
use crate::audit::statement::Bundle;

/// Says of each bundle which one of its signer and run stands before it, and
/// whether it continues that one. Linear in the bundles.
pub(super) fn connect(bundles: &mut [Bundle<'_>]) {
    let mut latest: HashMap<(&str, &str), usize> = HashMap::new();
    for at in 0..bundles.len() {
        let Some(run) = bundles[at].run else { continue };
        let Some(before) = latest.insert((bundles[at].agent, run), at) else { continue };
        let (earlier, later) = (bundles[before].statement, bundles[at].statement);
        let continues = continues(earlier.payload, later.payload);
        bundles[at].before = Some(earlier.at);
        bundles[at].continues = continues;
        bundles[before].is_packed_again = true;
    }
}

/// Whether `later` says everything that `earlier` says: its chain goes on, no
/// receipt is gone, and it names the same job, change and policy.
fn continues(earlier: ProofBundle<'_>, later: ProofBundle<'_>) -> bool {
    let chain = |bundle: ProofBundle<'_>| {
        bundle.events().filter_map(View::value).map(|event| to_compact(&event.value())).collect::<Vec<_>>()
    };
    let (before, after) = (chain(earlier), chain(later));
    !before.is_empty()
        && after.starts_with(&before)
        && held(earlier).is_subset(&held(later))
        && told(earlier) == told(later)
        && tokens(earlier).is_subset(&tokens(later))
}

/// Receipts of every array.
fn held(bundle: ProofBundle<'_>) -> BTreeSet<(&'static str, ArtifactDigest)> {
    let digest = |receipt: Node<'_>| ArtifactDigest::of(to_compact(&receipt.value()).as_bytes());
    bundle.all_receipts().map(|(array, _, receipt)| (array, digest(receipt))).inserted()
}

/// What the bundle says of its run, but for its tokens: a run may get more.
fn told(bundle: ProofBundle<'_>) -> Option<BTreeMap<&str, String>> {
    let members = bundle.pulselog().value()?.members()?;
    Some(members.filter(|(name, _)| *name != "token_hashes").map(|(name, of)| (name, of.to_jcs())).inserted())
}

fn tokens(bundle: ProofBundle<'_>) -> BTreeSet<&str> {
    bundle.pulselog().token_hashes().inserted()
}

#[cfg(test)]
mod tests {
    use crate::artifact::json::{DEPTH_MAX, Value, parse};
    use crate::artifact::{ProofBundle, View};

    fn continues(earlier: &Value, later: &Value) -> bool {
        super::continues(ProofBundle::of(earlier), ProofBundle::of(later))
    }

    fn bundle(events: &str, array: &str, receipts: &str, pulselog: &str) -> Value<'static> {
        let text =
            format!(r#"{{"event_chain":[{events}],"{array}":[{receipts}],"metadata":{{"pulselog":{{{pulselog}}}}}}}"#);
        parse(text.as_bytes(), DEPTH_MAX).expect("JSON").into_owned()
    }

    #[test]
    fn a_later_bundle_keeps_every_receipt_of_every_array() {
        for array in crate::artifact::RECEIPT_ARRAYS {
            let of = |receipts| bundle("1", array, receipts, "");
            assert!(continues(&of("1,2"), &of("2,3,1")), "{array}");
            assert!(!continues(&of("1,2"), &of("1,3")), "{array}");
            let moved = if array == "receipts" { "tool_receipts" } else { "receipts" };
            assert!(!continues(&of("1"), &bundle("1", moved, "1", "")), "{array}");
        }
    }

    #[test]
    fn a_later_chain_begins_with_all_of_the_earlier_one() {
        let of = |events| bundle(events, "receipts", "", "");
        assert!(continues(&of("1,2"), &of("1,2")));
        assert!(continues(&of("1,2"), &of("1,2,3")));
        for other in ["", "1", "2,1", "1,3,2"] {
            assert!(!continues(&of("1,2"), &of(other)), "{other}");
        }
        assert!(!continues(&of(""), &of("1")), "nothing to continue");
    }

    #[test]
    fn a_later_bundle_names_the_same_but_for_more_tokens() {
        let of = |pulselog| bundle("1", "receipts", "", pulselog);
        let first = r#""job_id":"j","token_hashes":["a"]"#;
        assert!(continues(&of(first), &of(r#""token_hashes":["b","a"],"job_id":"j""#)));
        for other in [
            r#""job_id":"k","token_hashes":["a"]"#,
            r#""job_id":"j","token_hashes":["b"]"#,
            r#""job_id":"j","token_hashes":["a"],"change_ref":"c""#,
            r#""token_hashes":["a"]"#,
        ] {
            assert!(!continues(&of(first), &of(other)), "{other}");
        }
    }
}
