//! One request's look at the log: a view at one published size, and what every
//! page says about it.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Query};
use axum::http::Uri;

use crate::codes::service;
use crate::merkle::{LeafIndex, TreeSize};
use crate::server::access::Access;
use crate::server::addresses::page;
use crate::server::desk::Desk;
use crate::server::index::Index;
use crate::server::judge::Sitting;
use crate::server::log::view::View;
use crate::server::pages::inline::{Said, When};
use crate::server::pages::preview::Preview;
use crate::server::pages::trouble::{Trouble, holds};
use crate::server::pages::verdict::Verdicts;
use crate::server::pages::{Handles, words};
use crate::server::state::LogFacts;

/// What a page is made from.
pub(crate) struct Reader {
    pub sitting: Sitting,
    pub index: Index,
    pub facts: LogFacts,
    /// When the page is made, Unix milliseconds.
    pub now_ms: u64,
    /// Whether everybody may read: only then others show anything of a page.
    pub is_public: bool,
    /// Whether readers have sessions, which they can end.
    pub signs_out: bool,
    /// Where readers reach this server, for commands to copy: `http://127.0.0.1:8080`.
    pub base: String,
}

impl Reader {
    pub(crate) fn new(handles: Handles) -> Self {
        let now_ms = handles.clock.read().wall_ms;
        Self {
            sitting: handles.audits.sit(handles.desks.open()),
            index: handles.index,
            is_public: handles.access.is_public(),
            signs_out: handles.access == Access::Token,
            base: handles.facts.public_url.clone().unwrap_or_else(|| handles.facts.listens.clone()),
            facts: handles.facts,
            now_ms,
        }
    }

    /// What bodies are read from.
    pub(crate) const fn desk(&self) -> &Desk {
        &self.sitting.desk
    }

    /// The log at the size that is published.
    pub(crate) const fn view(&self) -> &View {
        &self.sitting.desk.view
    }

    /// Time of the last entry of a tree of this size: what "as of" means.
    pub(crate) fn as_of(&self, size: TreeSize) -> Option<u64> {
        let last = size.get().checked_sub(1)?;
        self.view().entry(LeafIndex::new(last)).ok().map(|e| e.entry.logged_at.unix_ms())
    }

    /// Header, title and footer of a page, and what a link to it shows.
    pub(crate) fn shell(&self, title: &str, preview: &Preview) -> Shell {
        let size = self.view().size();
        let of = preview.size(size);
        let entries = words::entries(size.get());
        Shell {
            what: title.to_owned(),
            paper: format!("{title} · {} · {entries}", self.facts.origin),
            root: self.view().published().head.root.to_string(),
            digest: None,
            judged: None,
            title: format!("{title} · {}", self.facts.origin),
            preview: preview.title(),
            description: preview.sentence(size, self.as_of(of)),
            verdict: preview.verdict_words(),
            as_of: words::entries(of.get()),
            origin: Said::name(&self.facts.origin),
            key_id: self.facts.key_id.clone(),
            size: entries,
            checkpoint: page::checkpoint(size),
            logged: self.as_of(size).map(When::second),
            made: When::second(self.now_ms),
            asked: String::new(),
            permalink: None,
            is_public: self.is_public,
            signs_out: self.signs_out,
            is_bare: false,
        }
    }

    /// What stands around a document of the software. Where the log is closed it is
    /// the same for everybody and at every log, since strangers may read it.
    pub(crate) fn shell_of_docs(&self, title: &'static str) -> Shell {
        if self.is_public {
            return self.shell(title, &Preview::of(title));
        }
        Shell {
            what: String::new(),
            paper: title.to_owned(),
            root: String::new(),
            digest: None,
            judged: None,
            title: format!("{title} · Pulselog"),
            preview: String::new(),
            description: String::new(),
            verdict: None,
            as_of: String::new(),
            origin: Said::name(""),
            key_id: String::new(),
            size: String::new(),
            checkpoint: String::new(),
            logged: None,
            made: When::second(0),
            asked: String::new(),
            permalink: None,
            is_public: false,
            signs_out: false,
            is_bare: true,
        }
    }

    /// Where commands of these documents find the log.
    pub(crate) fn base_of_docs(&self) -> String {
        if self.is_public { self.base.clone() } else { "https://log.example.com".to_owned() }
    }

    /// An address on this log as others reach it; `None` where its operator did
    /// not say how they do. Nothing that a client sends is part of it.
    pub(crate) fn absolute(&self, path: &str) -> Option<String> {
        self.facts.public_url.as_ref().map(|public| format!("{public}{path}"))
    }
}

/// What stands around every page.
pub(crate) struct Shell {
    /// The report, on paper.
    pub what: String,
    /// What every sheet of it says: report, log, size.
    pub paper: String,
    /// Signed root of the size.
    pub root: String,
    /// Whole digest of what the page is about.
    pub digest: Option<String>,
    /// What it was judged by.
    pub judged: Option<JudgedBy>,
    pub title: String,
    /// Title and sentence of [`Preview`]: what others show of this page.
    pub preview: String,
    pub description: String,
    pub verdict: Option<String>,
    pub as_of: String,
    pub origin: Said,
    pub key_id: String,
    pub size: String,
    /// Page of that checkpoint.
    pub checkpoint: String,
    pub logged: Option<When>,
    pub made: When,
    /// What the search field holds.
    pub asked: String,
    /// The page's own absolute address, where it is made of hashes and numbers.
    pub permalink: Option<String>,
    /// Whether previews of it are made.
    pub is_public: bool,
    pub signs_out: bool,
    /// Whether nothing of the log may stand on it.
    pub is_bare: bool,
}

impl Shell {
    /// The same page with its address at one size; `pinned`: not the newest.
    pub(crate) fn at(self, reader: &Reader, path: &str, pinned: Option<TreeSize>) -> Self {
        let query = pinned.map(|size| format!("?at={size}")).unwrap_or_default();
        Self { permalink: reader.absolute(&format!("{path}{query}")), ..self }
    }
}

/// What a report on paper says of its verdicts.
pub(crate) struct JudgedBy {
    /// "24 entries".
    pub as_of: String,
    pub rules: &'static str,
    /// Whole digest of the roots.
    pub roots: Option<String>,
}

impl Shell {
    /// On a page about one artifact, policy or token.
    pub(crate) fn about(mut self, digest: &str) -> Self {
        self.digest = Some(digest.to_owned());
        self
    }

    /// On a page of verdicts.
    pub(crate) fn judged(mut self, verdicts: Option<&Verdicts>) -> Self {
        let by = |verdicts: &Verdicts| {
            let (as_of, roots) = (verdicts.audit.as_of.as_ref()?, verdicts.coverage.roots_digest.clone());
            Some(JudgedBy { as_of: as_of.entries.clone(), rules: verdicts.audit.rules, roots })
        };
        self.judged = verdicts.and_then(by);
        self
    }
}

/// Segments of an address that are text.
///
/// # Errors
/// 404 when they are not.
pub(crate) fn segments<T>(path: Result<Path<T>, PathRejection>) -> Result<T, Trouble> {
    let refuse = |_| Trouble::new(&service::ADDRESS_NOT_UNDERSTOOD, "This address is not UTF-8 when decoded.");
    path.map(|Path(segments)| segments).map_err(refuse)
}

/// What the reader chose in a form: sizes and an entry, as numbers.
#[derive(Default, serde::Deserialize)]
pub(crate) struct Choices {
    #[serde(default)]
    size: Option<String>,
    #[serde(default)]
    from: Option<String>,
    #[serde(default)]
    entry: Option<String>,
    #[serde(default)]
    at: Option<String>,
}

impl Choices {
    /// Reads the query of an address.
    ///
    /// # Errors
    /// 400 when a choice is made twice or is no text.
    pub(crate) fn read(uri: &Uri) -> Result<Self, Trouble> {
        let refuse =
            |_| Trouble::new(&service::QUERY_NOT_UNDERSTOOD, "Each of size, from, entry and at may be given once.");
        Query::try_from_uri(uri).map(|Query(choices)| choices).map_err(refuse)
    }

    /// The same, of an address whose other fields are no numbers: the size alone.
    ///
    /// # Errors
    /// As [`Choices::read`].
    pub(crate) fn of_size(uri: &Uri) -> Result<Self, Trouble> {
        Self::read(uri).map(|choices| Self { at: choices.at, ..Self::default() })
    }

    /// The checkpoint to prove against.
    ///
    /// # Errors
    /// 400 when it is no number.
    pub(crate) fn size(&self) -> Result<Option<TreeSize>, Trouble> {
        number("size", self.size.as_deref()).map(|n| n.map(TreeSize::new))
    }

    /// The older checkpoint.
    ///
    /// # Errors
    /// 400 when it is no number.
    pub(crate) fn from(&self) -> Result<Option<TreeSize>, Trouble> {
        number("from", self.from.as_deref()).map(|n| n.map(TreeSize::new))
    }

    /// The size that verdicts are about: any that the log has had, the newest
    /// when none is chosen.
    ///
    /// # Errors
    /// 400 when it is no number, 404 when the log never had it.
    pub(crate) fn at(&self, reader: &Reader) -> Result<TreeSize, Trouble> {
        let newest = reader.view().size();
        match self.number()? {
            None => Ok(newest),
            Some(size) if size <= newest && size > TreeSize::ZERO => Ok(size),
            Some(size) => {
                reader.view().check_reach(size)?;
                let sentence = format!("The log never had {size} entries. {}", holds(newest));
                Err(Trouble::new(&service::SIZE_NOT_PUBLISHED, sentence))
            }
        }
    }

    /// The number that is given for it.
    ///
    /// # Errors
    /// 400 when it is no number.
    pub(crate) fn number(&self) -> Result<Option<TreeSize>, Trouble> {
        number("at", self.at.as_deref()).map(|n| n.map(TreeSize::new))
    }

    /// One of several entries.
    ///
    /// # Errors
    /// 400 when it is no number.
    pub(crate) fn entry(&self) -> Result<Option<LeafIndex>, Trouble> {
        number("entry", self.entry.as_deref()).map(|n| n.map(LeafIndex::new))
    }
}

pub(crate) fn number(field: &str, text: Option<&str>) -> Result<Option<u64>, Trouble> {
    let Some(text) = text else { return Ok(None) };
    let refuse =
        |_| Trouble::new(&service::NUMBER_NOT_UNDERSTOOD, format!("{field}: a decimal number is needed.")).about(text);
    TreeSize::parse(text).map(|n| Some(n.get())).map_err(refuse)
}
