//! Names that a person may search an entry by. Claims of whoever signed, not
//! facts: so those of holders of a role stand apart from those of others.
//!
//! Every name is filed by eight bytes of its hash. Those that people know the
//! beginning of are kept whole beside that, once each.

use crate::artifact::digest::PayloadHash;
use crate::artifact::json::Value;
use crate::artifact::{AppRef, Did, Keys, Kind, View};
use crate::entry::SequencedEntry;
use crate::server::index::rows::name_prefix;
use crate::text::base64url;

/// Longest name that is kept whole: the longest that a shape allows.
pub const NAME_BYTES_MAX: usize = 1_024;
/// Fewest characters of a name that find it.
pub const NAME_CHARS_MIN: usize = 3;
/// Fewest hex digits of a hash or commit that find it.
pub const HEX_DIGITS_MIN: usize = 7;

/// Hex digits of a commit: SHA-1, or SHA-256.
const COMMIT_DIGITS: [usize; 2] = [40, 64];

/// What a name names. Rows hold the place in this list: a new sort comes last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sort {
    Job,
    Run,
    /// Hex hash of a token.
    Token,
    Bundle,
    Receipt,
    Approval,
    /// DID that it is about.
    Agent,
    /// DID that signed.
    Signer,
    /// `instance/namespace/name`.
    App,
    /// Its name alone.
    AppName,
    /// Uid of an Argo CD application.
    AppUid,
    /// Key of a ticket, and `system/key`.
    Ticket,
    /// Hex commit that was asked for, found or deployed.
    Commit,
    /// Name of the token that submitted it.
    Submitter,
    /// Hex hash of a policy that it names.
    UnderPolicy,
}

impl Sort {
    /// Every sort, in the order of answers.
    pub const ALL: [Self; 15] = [
        Self::Job,
        Self::Run,
        Self::Token,
        Self::Bundle,
        Self::Receipt,
        Self::Approval,
        Self::Agent,
        Self::Signer,
        Self::App,
        Self::AppName,
        Self::AppUid,
        Self::Ticket,
        Self::Commit,
        Self::Submitter,
        Self::UnderPolicy,
    ];

    /// As answers spell it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Job => "job",
            Self::Run => "run",
            Self::Bundle => "bundle_id",
            Self::Receipt => "receipt_id",
            Self::Approval => "approval_id",
            Self::Token => "token_hash",
            Self::Agent => "agent",
            Self::Signer => "signer",
            Self::AppUid => "app_uid",
            Self::App => "app",
            Self::AppName => "app_name",
            Self::Ticket => "ticket",
            Self::Commit => "commit",
            Self::Submitter => "submitter",
            Self::UnderPolicy => "under_policy",
        }
    }

    /// Whether its names are kept whole, so that a beginning finds them. Ids
    /// that are given once are many, and nobody knows the beginning of one.
    #[must_use]
    pub const fn is_kept(self) -> bool {
        match self {
            Self::Job
            | Self::Run
            | Self::Token
            | Self::Agent
            | Self::Signer
            | Self::App
            | Self::AppName
            | Self::Ticket
            | Self::Commit
            | Self::Submitter => true,
            Self::Bundle | Self::Receipt | Self::Approval | Self::AppUid | Self::UnderPolicy => false,
        }
    }

    /// Whether its names are hex digits.
    #[must_use]
    pub const fn is_hex(self) -> bool {
        matches!(self, Self::Token | Self::Commit | Self::UnderPolicy)
    }

    /// Whether the place where each of its names was first met is kept, for lists.
    #[must_use]
    pub const fn is_listed(self) -> bool {
        matches!(self, Self::Job | Self::Run)
    }
}

/// Whose word a name is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// Of a holder of the role, at the entry's index.
    Holder,
    /// Of anybody else.
    Other,
}

impl Standing {
    pub const BOTH: [Self; 2] = [Self::Holder, Self::Other];
}

/// One name of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    pub sort: Sort,
    pub name: String,
}

/// A name as it is kept whole: a run with the agent that it is of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kept {
    pub name: String,
    /// Of a run whose entry names one.
    pub agent: Option<String>,
}

/// Between a run and its agent: no DID holds one.
const AGENT: u8 = 0;

impl Kept {
    /// As it stands in a row; `None` for one that is too long, which is found by
    /// all of it alone.
    #[must_use]
    pub fn bytes(sort: Sort, name: &str, agent: Option<&str>) -> Option<Vec<u8>> {
        if name.len() > NAME_BYTES_MAX {
            return None;
        }
        let mut bytes = name.as_bytes().to_vec();
        if sort == Sort::Run {
            bytes.push(AGENT);
            bytes.extend_from_slice(agent.unwrap_or_default().as_bytes());
        }
        Some(bytes)
    }

    /// Reads it back.
    #[must_use]
    pub fn read(sort: Sort, bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        if sort != Sort::Run {
            return Some(Self { name: text.to_owned(), agent: None });
        }
        let (name, agent) = text.rsplit_once(char::from(AGENT))?;
        Some(Self { name: name.to_owned(), agent: (!agent.is_empty()).then(|| agent.to_owned()) })
    }
}

/// Whether two names of one sort are filed under one key.
#[must_use]
pub fn meets(one: &str, other: &str) -> bool {
    let key = |name| name_prefix(name, Sort::Job, Standing::Holder);
    key(one) == key(other)
}

/// Whether a text is a commit as Git prints it.
#[must_use]
pub fn is_commit(text: &str) -> bool {
    COMMIT_DIGITS.contains(&text.len()) && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// The names of an entry; `payload` absent when its body is not readable.
/// Linear in the number of runs, tokens and revisions that it names.
#[must_use]
pub fn names_of(entry: &SequencedEntry, keys: &Keys, payload: Option<&Value>) -> Vec<Named> {
    let mut found = names(entry.kind, entry.signer.as_ref(), keys, payload);
    found.push(Named { sort: Sort::Submitter, name: entry.submitter.as_str().to_owned() });
    found
}

/// The same without who submitted it, which no body says.
#[must_use]
pub fn names(kind: Kind, signer: Option<&Did>, keys: &Keys, payload: Option<&Value>) -> Vec<Named> {
    let mut found = Vec::new();
    let mut add = |sort, name: Option<String>| found.extend(name.map(|name| Named { sort, name }));
    add(Sort::Job, keys.job.clone());
    keys.runs.iter().for_each(|run| add(Sort::Run, Some(run.clone())));
    add(Sort::Bundle, keys.bundle_id.clone());
    add(Sort::Receipt, keys.receipt_id.clone());
    add(Sort::Approval, keys.approval_id.clone());
    let tokens = keys.token_hashes.iter().chain(&keys.token_hash);
    tokens.for_each(|hash| add(Sort::Token, Some(hash.clone())));
    add(Sort::Agent, keys.agent.clone());
    add(Sort::Signer, signer.map(ToString::to_string));
    add(Sort::AppUid, keys.app_uid.clone());
    let policy = keys.policy_hash.as_deref().and_then(base64url::decode).map(PayloadHash::from_bytes);
    add(Sort::UnderPolicy, policy.map(|hash| hash.to_string()));
    if let Some(payload) = payload {
        let about = &kind.row().about;
        let app = AppRef::of(about.app.and_then(|path| payload.at(path)));
        let instance = about.instance.and_then(|path| payload.text_at(path));
        add(Sort::AppName, app.name().map(str::to_owned));
        let whole = || Some(format!("{}/{}/{}", instance?, app.namespace()?, app.name()?));
        add(Sort::App, whole());
        let (system, key) = change(kind, payload);
        add(Sort::Ticket, key.map(str::to_owned));
        add(Sort::Ticket, system.zip(key).map(|(system, key)| format!("{system}/{key}")));
        let lists = about.revisions.iter().filter_map(|path| payload.at(path)?.as_array());
        let revisions = lists.flatten().filter_map(Value::as_str).filter(|revision| is_commit(revision));
        revisions.for_each(|commit| add(Sort::Commit, Some(commit.to_owned())));
    }
    found
}

/// System and key of the change that a payload names.
#[must_use]
pub fn change<'a>(kind: Kind, payload: &'a Value<'a>) -> (Option<&'a str>, Option<&'a str>) {
    let [system, key] = kind.row().about.change.map_or([None, None], |paths| paths.map(|path| payload.text_at(path)));
    (system, key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kept_run_is_read_back_with_its_agent() {
        for (name, agent) in [("run-1", Some("did:key:z6Mk")), ("run-1", None), ("a\0b", Some("did:key:z6Mk"))] {
            let bytes = Kept::bytes(Sort::Run, name, agent).expect("short enough");
            let kept = Kept::read(Sort::Run, &bytes).expect("a run");
            assert_eq!((kept.name.as_str(), kept.agent.as_deref()), (name, agent));
        }
        assert_eq!(Kept::bytes(Sort::Job, &"x".repeat(NAME_BYTES_MAX + 1), None), None);
    }

    #[test]
    fn rows_hold_the_place_of_a_sort() {
        for (place, sort) in Sort::ALL.into_iter().enumerate() {
            assert_eq!(sort as usize, place, "{sort:?}");
        }
    }
}
