//! Renewal chains: the tokens of one run. A token lives for minutes and a run
//! may go on for hours; the issuer then issues the same grant anew before the
//! last one ends.
//!
//! ```text
//! T1 iat ───────────── exp          named by the run's first allow decision
//!             T2 iat ───────────── exp       same agent, job, policy, grant
//!                          T3 iat ───────────── exp
//! ```
//!
//! Which tokens renew which depends on issuances alone, each above the one it
//! renews; a token that another run uses is none of this run's. So a longer
//! log may take a token out of a chain, and never puts an old one in.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::audit::inserted::Inserted;
use crate::audit::statement::{Bundle, Decision, Token};
use crate::audit::windows::{CHAIN_MAX, IDLE_MAX, SKEW_MS};
use crate::merkle::LeafIndex;

/// Agent and run id.
pub(super) type RunKey<'a> = (&'a str, &'a str);

/// Index and `logged_at`.
type Revocation = (LeafIndex, i64);

/// The tokens of one run.
#[derive(Debug)]
pub(super) struct Chain {
    /// The one that the first allow decision names; without decisions, the
    /// first that the bundle lists.
    pub first: usize,
    /// Those that decisions or the bundle of the run name, in order.
    pub named: BTreeSet<usize>,
    /// Whether the first one was another run's before: then this run's
    /// revocations end nothing of that run.
    is_first_taken: bool,
    /// Those that nobody names: issued, and good for model calls.
    idle: BTreeSet<usize>,
    /// Revocations of named ones, in order: each ends the whole chain.
    ended: Vec<Revocation>,
    /// The same of tokens that nobody's decision names: they may have been
    /// meant for this run, or for another that never began.
    doubted: Vec<Revocation>,
}

/// What decisions and bundles name, before it is known what renews what.
#[derive(Default)]
struct Named<'a> {
    first: BTreeMap<RunKey<'a>, usize>,
    /// Tokens by run, and for each the first run that named it: wrappers
    /// before agents, since a bundle is its agent's word.
    by_run: BTreeMap<RunKey<'a>, BTreeSet<usize>>,
    decided: HashMap<usize, RunKey<'a>>,
    listed: HashMap<usize, RunKey<'a>>,
}

/// Agent, job, policy and grant.
pub(super) type Terms<'a> = (&'a str, Result<&'a str, LeafIndex>, Option<&'a str>, &'a str);

/// What a token and its renewal have in common. One of no job is its own.
pub(super) fn terms<'a>(token: &Token<'a>) -> Terms<'a> {
    (token.agent, token.job.ok_or(token.statement.at), token.policy_hash, token.scope_hash)
}

/// The chain of every run that decisions or bundles name a token of. Tokens
/// are in the order of the log. Linear, but for at most twice [`IDLE_MAX`]
/// tokens looked at for each that a run names.
pub(super) fn chains<'a>(
    tokens: &[Token<'a>],
    decisions: &[Decision<'a>],
    bundles: &[Bundle<'a>],
    token: impl Fn(&str) -> Option<usize>,
) -> BTreeMap<RunKey<'a>, Chain> {
    let mut named = Named::default();
    for decision in decisions.iter().filter(|decision| decision.is_allow) {
        if let (Some(agent), Some(run), Some(token)) = (decision.agent, decision.run, decision.token) {
            named.first.entry((agent, run)).or_insert(token);
            let owner = *named.decided.entry(token).or_insert((agent, run));
            named.by_run.entry(owner).or_default().insert(token);
        }
    }
    for bundle in bundles {
        let known: Option<BTreeSet<usize>> = bundle.token_hashes.iter().map(|hash| token(hash)).collect();
        named.list(tokens, bundle, known.unwrap_or_default());
    }
    // What may renew a token of some run: no wrapper says whose it is.
    let mut open: HashMap<_, Vec<usize>> = HashMap::new();
    for (at, token) in tokens.iter().enumerate().filter(|(at, _)| !named.decided.contains_key(at)) {
        open.entry(terms(token)).or_default().push(at);
    }
    let chain = |(run, first): (&RunKey<'a>, &usize)| {
        let open = open.get(&terms(&tokens[*first])).map(Vec::as_slice).unwrap_or_default();
        (*run, named.chain(tokens, *run, *first, open))
    };
    named.first.iter().map(chain).inserted()
}

impl<'a> Named<'a> {
    /// Takes what a bundle lists, where all of it is known.
    fn list(&mut self, tokens: &[Token<'a>], bundle: &Bundle<'a>, known: BTreeSet<usize>) {
        let (Some(run), Some(lowest)) = (bundle.run, known.first()) else { return };
        let run = (bundle.agent, run);
        let is_like = |first: usize, at: &usize| terms(&tokens[first]) == terms(&tokens[*at]);
        let fits = || tokens[*lowest].agent == bundle.agent && known.iter().all(|at| is_like(*lowest, at));
        let Some(first) = self.first.get(&run).copied().or_else(|| fits().then_some(*lowest)) else { return };
        self.first.insert(run, first);
        for at in known.iter().filter(|at| is_like(first, at) && !self.decided.contains_key(at)) {
            let owner = *self.listed.entry(*at).or_insert(run);
            self.by_run.entry(owner).or_default().insert(*at);
        }
    }

    /// `open`: tokens of the same terms that no decision names, in order.
    fn chain(&self, tokens: &[Token<'a>], run: RunKey<'a>, first: usize, open: &[usize]) -> Chain {
        let own = self.by_run.get(&run);
        let is_own = |at: usize| at == first || own.is_some_and(|own| own.contains(&at));
        let like = own.into_iter().flatten().filter(|at| terms(&tokens[**at]) == terms(&tokens[first]));
        let mut candidates: BTreeSet<usize> = like.copied().chain([first]).inserted();
        for at in candidates.clone() {
            let middle = open.partition_point(|idle| *idle < at);
            candidates.extend(&open[middle.saturating_sub(IDLE_MAX)..open.len().min(middle + IDLE_MAX)]);
        }
        let mut chain = Chain {
            first,
            named: BTreeSet::from([first]),
            is_first_taken: !own.is_some_and(|own| own.contains(&first)),
            idle: BTreeSet::new(),
            ended: Vec::new(),
            doubted: Vec::new(),
        };
        let mut join = |at: usize| {
            match is_own(at) {
                true => chain.named.insert(at),
                // Whatever it is worth, it is another run's by its agent's word.
                false if self.listed.contains_key(&at) => {
                    chain.doubted.extend(tokens[at].revoked);
                    return false;
                }
                false => chain.idle.insert(at),
            };
            true
        };
        let (mut end, mut begin, mut left) = (tokens[first].expires_ms, tokens[first].issued_ms, CHAIN_MAX - 1);
        for at in candidates.range(first + 1..).copied() {
            if left > 0 && tokens[at].issued_ms < end && join(at) {
                (end, left) = (end.max(tokens[at].expires_ms), left - usize::from(is_own(at)));
            }
        }
        for at in candidates.range(..first).rev().copied() {
            if left > 0 && begin < tokens[at].expires_ms && join(at) {
                (begin, left) = (begin.min(tokens[at].issued_ms), left - usize::from(is_own(at)));
            }
        }
        chain.ended.extend(chain.named.iter().filter_map(|at| tokens[*at].revoked));
        chain.doubted.extend(chain.idle.iter().filter_map(|at| tokens[*at].revoked));
        chain.ended.sort_unstable();
        chain.doubted.sort_unstable();
        chain
    }
}

impl Chain {
    /// Tokens that this run named before any other did.
    pub(super) fn owned(&self) -> impl Iterator<Item = usize> {
        self.named.iter().copied().filter(|at| !self.is_first_taken || *at != self.first)
    }

    /// Whether a token is one of the run's.
    pub(super) fn holds(&self, token: usize) -> bool {
        self.named.contains(&token) || self.idle.contains(&token)
    }

    /// What ended a token of the chain: its own revocation, or that of another
    /// one which stands above its issuance.
    pub(super) fn revocation(&self, token: &Token<'_>) -> Option<Revocation> {
        let above = self.ended.partition_point(|(at, _)| *at < token.statement.at);
        token.revoked.into_iter().chain(self.ended.get(above).copied()).min()
    }

    /// A revocation above the issuance of a token and below `before` that may
    /// have ended it.
    pub(super) fn doubt(&self, token: &Token<'_>, before: LeafIndex) -> Option<LeafIndex> {
        let above = self.doubted.partition_point(|(at, _)| *at < token.statement.at);
        self.doubted.get(above).map(|(at, _)| *at).filter(|at| *at < before)
    }

    /// Every token that the run has rights by.
    fn tokens(&self) -> impl Iterator<Item = usize> {
        self.named.iter().chain(&self.idle).copied()
    }

    /// When a token of the chain ends, Unix milliseconds.
    fn end_of(&self, token: &Token<'_>) -> i64 {
        self.revocation(token).map_or(token.expires_ms, |(_, ms)| ms.min(token.expires_ms))
    }

    /// Whether a time that somebody else signed lies in the life of a token of
    /// the chain, within the clocks' tolerance.
    pub(super) fn holds_at(&self, token: &Token<'_>, ms: i64) -> bool {
        (token.issued_ms.saturating_sub(SKEW_MS)..=self.end_of(token).saturating_add(SKEW_MS)).contains(&ms)
    }

    /// The same of any of them.
    pub(super) fn lives_at(&self, tokens: &[Token<'_>], ms: i64) -> bool {
        self.tokens().any(|at| self.holds_at(&tokens[at], ms))
    }

    /// When the last of them ends, Unix milliseconds.
    pub(super) fn end_ms(&self, tokens: &[Token<'_>]) -> i64 {
        self.tokens().map(|at| self.end_of(&tokens[at])).max().unwrap_or(i64::MIN)
    }

    /// The token that a model call is judged by: of those that were issued
    /// below `before` and had begun when it was made, the one that ends last.
    pub(super) fn token_for(&self, tokens: &[Token<'_>], before: LeafIndex, called_ms: i64) -> usize {
        let had_begun =
            |token: &Token<'_>| token.statement.at < before && token.issued_ms.saturating_sub(SKEW_MS) <= called_ms;
        let begun = self.tokens().filter(|at| had_begun(&tokens[*at]));
        begun.max_by_key(|at| (self.end_of(&tokens[*at]), *at)).unwrap_or(self.first)
    }

    /// A token that was issued above a model call and says that it lived when
    /// the call was made, as its issuer has it: no tolerance at its beginning.
    pub(super) fn issued_late(&self, tokens: &[Token<'_>], above: LeafIndex, called_ms: i64) -> Option<LeafIndex> {
        let late = self.tokens().map(|at| &tokens[at]).filter(|token| token.statement.at > above);
        let alive = late.filter(|token| token.issued_ms <= called_ms && self.holds_at(token, called_ms));
        alive.map(|token| token.statement.at).min()
    }
}
