//! What a link shows where it is pasted: chats and trackers fetch pages without
//! a login and keep what they find. It is made of our own words, a short
//! digest, a verdict, a size and a time, and of nothing that an artifact says:
//! no name, application, ticket or reason has a way in.

use crate::artifact::digest::ArtifactDigest;
use crate::merkle::TreeSize;
use crate::server::pages::states::State;
use crate::server::pages::verdict::Verdicts;
use crate::server::pages::words;

/// Hex digits of either end of a short digest.
const DIGITS: usize = 8;

/// The text of one page for Open Graph and its like.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Preview {
    /// What it is, in our words: "Proof bundle".
    kind: &'static str,
    /// `3fe1a9c4…c09ab2d7`.
    digest: Option<String>,
    /// One word; of an older size, the newest too, where that is another.
    verdict: Option<Stated>,
    /// What it is about, where that is not the newest size.
    size: Option<TreeSize>,
}

/// A verdict in our words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stated {
    pub own: &'static str,
    /// The older size that it is of, and the newest verdict.
    pub now: Option<(TreeSize, &'static str)>,
}

impl Preview {
    pub(crate) fn of(kind: &'static str) -> Self {
        Self { kind, ..Self::default() }
    }

    pub(crate) fn digest(self, digest: &ArtifactDigest) -> Self {
        Self { digest: Some(short(digest)), ..self }
    }

    /// The verdict that the page shows, or why it shows none.
    pub(crate) fn verdict(self, shown: Result<&Verdicts, &State>) -> Self {
        let stated = match shown {
            Ok(verdicts) => verdicts.stated(),
            Err(state) => Stated { own: state.row().label, now: None },
        };
        Self { verdict: Some(stated), ..self }
    }

    /// What the rules say of an entry, which is no verdict.
    pub(crate) fn state(self, label: &'static str) -> Self {
        Self { verdict: Some(Stated { own: label, now: None }), ..self }
    }

    pub(crate) fn at(self, size: TreeSize) -> Self {
        Self { size: Some(size), ..self }
    }

    /// Which size it is about, where the newest is `newest`.
    pub(crate) fn size(&self, newest: TreeSize) -> TreeSize {
        self.size.unwrap_or(newest)
    }

    /// "Pass · Proof bundle 3fe1a9c4…c09ab2d7".
    pub(crate) fn title(&self) -> String {
        let what = self.what();
        self.verdict.map_or_else(|| what.clone(), |verdict| format!("{} · {what}", verdict.words()))
    }

    /// "Pass. Proof bundle 3fe1a9c4…c09ab2d7, as of 24 entries, 2026-11-22 12:41:07 UTC."
    pub(crate) fn sentence(&self, newest: TreeSize, logged_ms: Option<u64>) -> String {
        let verdict = self.verdict.map_or(String::new(), |verdict| format!("{}. ", verdict.words()));
        let time = logged_ms.map_or(String::new(), |at| format!(", {}", words::time(at, false)));
        format!("{verdict}{}, as of {}{time}.", self.what(), words::entries(self.size(newest).get()))
    }

    /// The verdict, for previews that show it apart.
    pub(crate) fn verdict_words(&self) -> Option<String> {
        self.verdict.map(Stated::words)
    }

    fn what(&self) -> String {
        self.digest.as_ref().map_or_else(|| self.kind.to_owned(), |digest| format!("{} {digest}", self.kind))
    }
}

impl Stated {
    /// "Pass", and of an older size "Pass of 11 entries, now Fail".
    pub(crate) fn words(self) -> String {
        match self.now {
            Some((size, newest)) => format!("{} of {}, now {newest}", self.own, words::entries(size.get())),
            None => self.own.to_owned(),
        }
    }
}

/// A digest as pages shorten it.
pub(crate) fn short(digest: &ArtifactDigest) -> String {
    let hex = digest.to_string();
    format!("{}…{}", &hex[..DIGITS], &hex[hex.len() - DIGITS..])
}
