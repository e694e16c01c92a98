//! Names that a person may search an entry by. Claims of whoever signed, not
//! facts. A name is filed by eight bytes of its hash, whatever sort it is of;
//! readers compare the name itself.

use crate::artifact::json::Value;
use crate::artifact::{AppRef, Did, Keys, Kind, View};
use crate::server::index::rows::name_prefix;

/// What a name names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sort {
    Job,
    Run,
    Bundle,
    Receipt,
    Approval,
    /// Hex hash of a token.
    Token,
    /// DID that it is about.
    Agent,
    /// DID that signed.
    Signer,
    /// Uid of an Argo CD application.
    AppUid,
    /// `instance/namespace/name`.
    App,
    /// Its name alone.
    AppName,
    /// Key of a ticket, and `system/key`.
    Ticket,
}

impl Sort {
    /// Every sort, in the order of answers.
    pub const ALL: [Self; 12] = [
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
        }
    }
}

/// One name of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    pub sort: Sort,
    pub name: String,
}

/// Whether two names are filed under one key.
#[must_use]
pub fn meets(one: &str, other: &str) -> bool {
    name_prefix(one) == name_prefix(other)
}

/// The names of an entry; `payload` absent when its body is not readable.
/// Linear in the number of runs and tokens that it names.
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
    }
    found
}

/// System and key of the change that a payload names.
#[must_use]
pub fn change<'a>(kind: Kind, payload: &'a Value<'a>) -> (Option<&'a str>, Option<&'a str>) {
    let [system, key] = kind.row().about.change.map_or([None, None], |paths| paths.map(|path| payload.text_at(path)));
    (system, key)
}
