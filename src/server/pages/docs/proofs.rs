//! `/docs/proofs`: how to read a proof, by an example that anybody can repeat.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use crate::codes::service;
use crate::merkle::{LeafIndex, SmallTree, TreeSize, leaf_hash};
use crate::server::pages::drawing::Svg;
use crate::server::pages::drawing::ladder::Ladder;
use crate::server::pages::drawing::strip::Strip;
use crate::server::pages::proof::{Step, steps};
use crate::server::pages::reader::Shell;
use crate::server::pages::trouble::Trouble;
use crate::server::pages::{Answer, Handles, serve};

/// Entries of the example: the texts `leaf-0`, `leaf-1` and so on.
const ENTRIES: u64 = 11;
/// The entry whose path is drawn.
const ENTRY: u64 = 5;
/// The older size that the consistency of the example begins with.
const OLDER: u64 = 6;

#[derive(Template)]
#[template(path = "docs_proofs.html")]
struct ProofsPage {
    shell: Shell,
    of: Example,
}

/// A small tree, its path and its growth.
struct Example {
    leaf: String,
    steps: Vec<Step>,
    root: String,
    older_root: String,
    ladder: Svg,
    strip: Svg,
}

impl Example {
    /// None where the path does not give the root: a proof that does not hold is
    /// never drawn.
    fn new() -> Option<Self> {
        let leaves: Vec<Vec<u8>> = (0..ENTRIES).map(|at| format!("leaf-{at}").into_bytes()).collect();
        let (at, size) = (LeafIndex::new(ENTRY), TreeSize::new(ENTRIES));
        let older: Vec<Vec<u8>> = leaves.iter().take(usize::try_from(OLDER).ok()?).cloned().collect();
        let leaf = leaf_hash(leaves.get(usize::try_from(ENTRY).ok()?)?);
        let (ladder, strip) = (Ladder::new(at, size)?, Strip::new(TreeSize::new(OLDER), size)?);
        let (steps, last) = steps(&ladder, leaf.hash(), &SmallTree::path(&leaves, at).ok()?);
        let root = SmallTree::root(&leaves).filter(|root| root.hash() == last)?;
        Some(Self {
            leaf: leaf.to_string(),
            steps,
            root: root.to_string(),
            older_root: SmallTree::root(&older)?.to_string(),
            ladder: ladder.svg(),
            strip: strip.svg(),
        })
    }
}

pub(in crate::server::pages) async fn page(State(handles): State<Handles>) -> Response {
    serve(handles, |reader| {
        let of = Example::new().ok_or_else(|| Trouble::unsound(&service::PROOF_NOT_DRAWN))?;
        let shell = reader.shell_of_docs("How to read a proof");
        Ok(Answer::Page(ProofsPage { shell, of }.render()?))
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_gives_the_hashes_that_were_worked_out_by_hand() {
        let of = Example::new().expect("an example");
        assert_eq!(of.leaf, "8f1593cb92f429d9340b9bbc1f0bb122adf8026c42a4a42142e2168931727236");
        assert_eq!(of.root, "1db5226a80052816fa403f39e329ed282432541d670d8a2f2708ee86a7df10d4");
        assert_eq!(of.older_root, "160cf1a616e8792f9078a9665cb06520d95a33f467d0826f2310219d31383d73");
        let sides: Vec<_> = of.steps.iter().map(|step| (step.side, &step.hash[..8], &step.result[..8])).collect();
        assert_eq!(
            sides,
            [
                ("left", "ea9fc1a1", "985bb5d3"),
                ("right", "398ebdeb", "f58aaab4"),
                ("left", "bdd1c5ff", "ca6b7b3e"),
                ("right", "c810fa41", "1db5226a"),
            ]
        );
    }
}
