//! Tokens that two issuers give different claims: one of them is wrong, and
//! nobody can say which.
//!
//! ```text
//! alike in agent, job, policy and grant   the token is as both have it, and lives from the earlier beginning to
//!                                         the later end: what fails, fails by either account. How long it lives
//!                                         is what each says
//! unlike in one of these                  each account is judged ([`crate::audit::worlds`]): here is what this
//!                                         scene takes the token for
//! ```
//!
//! The word of an issuer that the operator distrusts disputes nothing, and
//! describes a token only where nobody else's does.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::artifact::spelling::spelled;
use crate::artifact::{CstIssuance, Did, Kind, Node, Payload, View};
use crate::audit::finding::Subject;
use crate::audit::inserted::Inserted;
use crate::audit::roots::{Distrusted, Roots};
use crate::audit::scene::Scene;
use crate::audit::stated::Stated;
use crate::audit::statement::Statement;
use crate::audit::timeline::Seen;
use crate::merkle::LeafIndex;

/// One token, and every issuance of it by those who are trusted.
#[derive(Clone, Debug)]
pub(in crate::audit) struct Dispute<'a> {
    pub token: &'a str,
    pub issuances: Vec<Issuance<'a>>,
}

/// What an issuer says of a token.
pub(in crate::audit) type Issuance<'a> = Statement<'a, CstIssuance<'a>>;

/// What issuers and revokers say that another, or the operator, does not let
/// stand; and which of it the scene goes by.
#[derive(Clone, Debug, Default)]
pub(in crate::audit) struct Disputes<'a> {
    of: BTreeMap<&'a str, Dispute<'a>>,
    /// Issuances by the distrusted, of tokens that others issued.
    set_aside: BTreeSet<LeafIndex>,
    /// Signers and the indexes from which on they are not trusted.
    distrusted: Distrusted<'a>,
    /// The account of each unlike token that is taken for the true one.
    taken: BTreeMap<&'a str, Issuance<'a>>,
    /// Agents of the grants that unlike accounts name.
    agents: HashMap<&'a str, &'a str>,
    /// What of it the distrusted are taken not to have said.
    pub(in crate::audit) unheard: Unheard<'a>,
    /// All that they say.
    speeches: BTreeSet<Speech<'a>>,
}

/// What one signer says by statements of one kind.
pub(in crate::audit) type Speech<'a> = (&'a str, Kind);

/// Which words of the distrusted are taken for unsaid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::audit) enum Unheard<'a> {
    #[default]
    Nothing,
    All,
    Only(Speech<'a>),
    AllBut(Speech<'a>),
}

impl<'a> Disputes<'a> {
    /// Needs what the operator, issuers and revokers say alone: who had which
    /// role where it said so.
    pub(in crate::audit) fn among(
        prefix: impl Iterator<Item = (LeafIndex, &'a Seen)> + Clone,
        operator: Option<&Did>,
        origin: Option<&str>,
    ) -> Self {
        let mut told = Scene::default();
        let is_read = |kind| matches!(kind, Kind::AuditRoots | Kind::CstIssuance | Kind::CstRevocation);
        let whose_word = prefix.clone().filter(|(_, seen)| is_read(seen.entry.kind));
        for (at, seen, body) in whose_word.filter_map(|(at, seen)| Some((at, seen, seen.body.as_ref()?))) {
            let statement = Statement::of(at, seen, body);
            let by_operator = statement.is_by_operator(operator, origin);
            told.take(statement, by_operator);
        }
        let mut all: BTreeMap<&str, Vec<Issuance<'_>>> = BTreeMap::new();
        for fact in &told.facts {
            if let Payload::CstIssuance(says) = fact.payload {
                all.entry(says.token_hash().unwrap_or_default()).or_default().push(fact.read_as(says));
            }
        }
        let distrusted = Distrusted::of(told.roots.iter().copied());
        let mut disputes = Disputes { distrusted, ..Disputes::default() };
        if !disputes.distrusted.is_empty() {
            disputes.speeches = disputes.said(prefix, &told.roots);
        }
        for (token, issuances) in all.into_iter().filter(|(_, issuances)| issuances.len() > 1) {
            let (out, trusted): (Vec<_>, Vec<_>) =
                issuances.into_iter().partition(|issuance| disputes.is_distrusted(issuance));
            if !trusted.is_empty() {
                disputes.set_aside.extend(out.iter().map(|issuance| issuance.at));
            }
            if contradict(&trusted) {
                disputes.add(Dispute { token, issuances: trusted });
            }
        }
        disputes
    }

    /// What the distrusted say, but for what stands below under the same roots.
    fn said(
        &self,
        prefix: impl Iterator<Item = (LeafIndex, &'a Seen)>,
        roots: &[(LeafIndex, Roots<'a>)],
    ) -> BTreeSet<Speech<'a>> {
        let (mut said, mut stated, mut roots) = (BTreeSet::new(), Stated::default(), roots.iter().peekable());
        for (at, seen) in prefix {
            if roots.next_if(|(from, _)| *from < at).is_some() {
                stated.under_other_roots();
            }
            let is_again = seen.body.as_ref().is_some_and(|body| stated.take(&seen.entry, body.payload_hash()));
            let signer = seen.entry.signer.as_ref().filter(|signer| self.distrusted.row(at, signer).is_some());
            said.extend(signer.filter(|_| !is_again).map(|signer| (signer.as_str(), seen.entry.kind)));
        }
        said
    }

    fn add(&mut self, dispute: Dispute<'a>) {
        for account in dispute.accounts().into_iter().filter(|_| dispute.is_unlike()) {
            self.agents.extend(account.payload.claims().scope_hash().zip(account.payload.claims().sub()));
        }
        self.of.insert(dispute.token, dispute);
    }

    /// Whether the operator withdrew trust from the signer for this statement.
    pub(super) fn is_distrusted<P>(&self, statement: &Statement<'_, P>) -> bool {
        self.distrusted.hits(statement)
    }

    /// What the distrusted say, each signer's statements of one kind together.
    pub(in crate::audit) fn speeches(&self) -> impl ExactSizeIterator<Item = Speech<'a>> + use<'a, '_> {
        self.speeches.iter().copied()
    }

    /// Whether the statement is taken for unsaid here.
    pub(super) fn is_unheard(&self, statement: &Statement<'a>) -> bool {
        let is_of =
            |speech: Speech<'a>| statement.signer().map(|signer| (signer.as_str(), statement.kind())) == Some(speech);
        let is_meant = match self.unheard {
            Unheard::Nothing => false,
            Unheard::All => true,
            Unheard::Only(speech) => is_of(speech),
            Unheard::AllBut(speech) => !is_of(speech),
        };
        is_meant && self.is_distrusted(statement)
    }

    pub(in crate::audit) fn is_set_aside(&self, issuance: LeafIndex) -> bool {
        self.set_aside.contains(&issuance)
    }

    pub(in crate::audit) fn all(&self) -> impl Iterator<Item = &Dispute<'a>> {
        self.of.values()
    }

    pub(in crate::audit) fn of_token(&self, token: &str) -> Option<&Dispute<'a>> {
        self.of.get(token)
    }

    /// The same, where this account of a token is the true one.
    pub(in crate::audit) fn take(&mut self, token: &'a str, account: Issuance<'a>) {
        self.taken.insert(token, account);
    }

    /// What an issuance says of its token here: the account that is taken for
    /// the true one, at the place of the first.
    pub(super) fn as_taken(&self, issuance: Issuance<'a>) -> Issuance<'a> {
        let token = issuance.payload.token_hash().unwrap_or_default();
        self.taken.get(token).map_or(issuance, |account| account.placed(issuance.at))
    }

    /// The agent of a grant that an account names, whether it is taken for the
    /// true one or not: a grant's hash is over its agent.
    pub(super) fn agent_of_grant(&self, scope_hash: &str) -> Option<&'a str> {
        self.agents.get(scope_hash).copied()
    }
}

/// Whether two issuers say unlike things. With two issuers and two accounts
/// there is such a pair, whoever says what.
fn contradict(issuances: &[Issuance<'_>]) -> bool {
    let signers: BTreeSet<_> = issuances.iter().map(|issuance| issuance.signer()).inserted();
    let claims = || issuances.iter().map(claims);
    signers.len() > 1 && claims().inserted::<BTreeSet<_>>().len() > 1
}

fn claims(issuance: &Issuance<'_>) -> Option<String> {
    issuance.payload.claims().value().map(Node::to_jcs)
}

/// Beginning and end, Unix seconds.
pub(super) fn life(issuance: &Issuance<'_>) -> (i64, i64) {
    let says = issuance.payload.claims();
    (says.iat().unwrap_or(0), says.exp().unwrap_or(0))
}

/// Agent, job, policy and grant.
fn terms<'a>(issuance: &Issuance<'a>) -> [Option<&'a str>; 5] {
    let says = issuance.payload.claims();
    [says.sub(), says.agent(), says.job(), says.policy_hash(), says.scope_hash()]
}

impl<'a> Dispute<'a> {
    pub(in crate::audit) fn entries(&self) -> impl Iterator<Item = LeafIndex> {
        self.issuances.iter().map(|issuance| issuance.at)
    }

    /// Whether its accounts differ in what the token is for.
    pub(in crate::audit) fn is_unlike(&self) -> bool {
        self.issuances.iter().map(terms).inserted::<BTreeSet<_>>().len() > 1
    }

    /// One issuance of each account: of those alike in their terms the first by
    /// its claims, so that positions change neither it nor the order.
    pub(in crate::audit) fn accounts(&self) -> Vec<Issuance<'a>> {
        let mut accounts: BTreeMap<_, Issuance<'a>> = BTreeMap::new();
        for issuance in &self.issuances {
            let account = accounts.entry(terms(issuance)).or_insert(*issuance);
            if claims(issuance) < claims(account) {
                *account = *issuance;
            }
        }
        accounts.into_values().collect()
    }

    /// Beginning and end by each issuance of these terms, Unix seconds.
    pub(super) fn lives(&self, account: &Issuance<'_>) -> impl Iterator<Item = (i64, i64)> {
        let alike = self.issuances.iter().filter(move |issuance| terms(issuance) == terms(account));
        alike.map(life)
    }

    /// The jobs that it is said to be for, each with each agent.
    pub(in crate::audit) fn subjects(&self) -> BTreeSet<Subject> {
        let subject = |issuance: &Issuance<'_>| Subject {
            job: spelled(issuance.payload.claims().job()).map(str::to_owned),
            agent: issuance.payload.claims().sub().map(str::to_owned),
            token: Some(self.token.to_owned()),
            ..Subject::default()
        };
        self.issuances.iter().map(subject).inserted()
    }
}
