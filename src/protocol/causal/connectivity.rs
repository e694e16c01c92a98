//! Rules C14 to C16 (PEERS 4.9): there is a root, every span reaches one, and all
//! spans hang together.

use std::collections::HashMap;

use crate::protocol::causal::rules::Meaning;
use crate::protocol::codes::CAUSAL_GRAPH_DISCONNECTED;
use crate::protocol::verdict::{Failure, fail};

/// Spans by index of first appearance, with their edges.
struct Graph {
    parent: Vec<Option<usize>>,
    tool: Vec<Option<usize>>,
}

/// Checks the spans of a bundle, at most one for each of its receipts.
pub(super) fn check(meanings: &[Meaning<'_>]) -> Result<(), Failure> {
    if meanings.is_empty() {
        return Ok(());
    }
    let index: HashMap<&str, usize> = meanings.iter().enumerate().map(|(at, meaning)| (meaning.span, at)).collect();
    let edge = |span: Option<&str>| span.and_then(|span| index.get(span).copied());
    let graph = Graph {
        parent: meanings.iter().map(|meaning| edge(meaning.parent)).collect(),
        tool: meanings.iter().map(|meaning| edge(meaning.tool)).collect(),
    };
    let unreached = graph.first_without_root().or_else(|| graph.first_apart());
    match unreached {
        Some(at) => fail(CAUSAL_GRAPH_DISCONNECTED, meanings[at].span_field.clone()),
        None => Ok(()),
    }
}

impl Graph {
    fn is_root(&self, at: usize) -> bool {
        self.parent[at].is_none() && self.tool[at].is_none()
    }

    /// C14 and C15: the first span, in order, from which no root is reached.
    /// The peer remembers what it found about a span even where its search was
    /// cut short by a loop; so a span of a loop may fail although another edge
    /// of the loop leads out. Kept, because the verdict must be the peer's.
    fn first_without_root(&self) -> Option<usize> {
        let spans = self.parent.len();
        if !(0..spans).any(|at| self.is_root(at)) {
            return Some(0);
        }
        let mut found = vec![None; spans];
        let mut above = vec![false; spans];
        (0..spans).find(|at| !self.reaches_root(*at, &mut found, &mut above))
    }

    /// Recursion is as deep as there are spans, and a bundle has at most
    /// 1,000 receipts.
    fn reaches_root(&self, at: usize, found: &mut [Option<bool>], above: &mut [bool]) -> bool {
        if self.is_root(at) {
            return true;
        }
        if let Some(known) = found[at] {
            return known;
        }
        if above[at] {
            return false;
        }
        above[at] = true;
        // Both edges are followed, as the peer does: what they leave behind counts.
        let by_parent = self.parent[at].is_some_and(|next| self.reaches_root(next, found, above));
        let by_tool = self.tool[at].is_some_and(|next| self.reaches_root(next, found, above));
        above[at] = false;
        found[at] = Some(by_parent || by_tool);
        by_parent || by_tool
    }

    /// C16: the first span outside the component of the first one.
    fn first_apart(&self) -> Option<usize> {
        let spans = self.parent.len();
        let mut neighbours = vec![Vec::new(); spans];
        for at in 0..spans {
            for other in [self.parent[at], self.tool[at]].into_iter().flatten() {
                neighbours[at].push(other);
                neighbours[other].push(at);
            }
        }
        let mut reached = vec![false; spans];
        let mut waiting = vec![0];
        while let Some(at) = waiting.pop() {
            if !std::mem::replace(&mut reached[at], true) {
                waiting.extend(neighbours[at].iter().copied().filter(|next| !reached[*next]));
            }
        }
        reached.iter().position(|reached| !reached)
    }
}
