//! The checkpoint card: size, root, who signed, and the note itself.

use crate::checkpoint::TreeHead;
use crate::note::SignedNote;
use crate::server::addresses;
use crate::server::pages::inline::{Said, When};
use crate::server::pages::reader::Reader;
use crate::server::pages::words;

/// One published checkpoint, ready to show.
pub(crate) struct Card {
    pub size: u64,
    pub entries: String,
    pub root: String,
    pub logged: Option<When>,
    /// How long before the page was made its last entry was logged.
    pub age: Option<String>,
    pub signatures: Vec<SignatureRow>,
    pub quorum: String,
    pub note: Said,
    pub href: String,
    pub is_empty: bool,
}

/// One signature line of the note.
pub(crate) struct SignatureRow {
    pub name: Said,
    pub key_id: String,
    pub what: &'static str,
}

impl Card {
    pub(crate) fn new(reader: &Reader, head: &TreeHead, note: &SignedNote) -> Self {
        let logged = reader.as_of(head.size);
        let is_own = |name: &str, key_id: &str| name == reader.facts.origin && key_id == reader.facts.key_id;
        let signatures: Vec<SignatureRow> = note
            .signatures()
            .iter()
            .map(|signature| {
                let (name, key_id) = (signature.name.to_string(), signature.key_id.to_string());
                let what = if is_own(&name, &key_id) { "log's own" } else { "another signer" };
                SignatureRow { name: Said::name(&name), key_id, what }
            })
            .collect();
        let others = signatures.iter().filter(|s| s.what != "log's own").count() as u64;
        Self {
            size: head.size.get(),
            entries: words::entries(head.size.get()),
            root: head.root.to_string(),
            logged: logged.map(When::second),
            age: logged.map(|at| words::age(at, reader.now_ms)),
            signatures,
            quorum: quorum(others),
            note: Said::lines(note.as_str()),
            href: addresses::checkpoint(head.size),
            is_empty: head.size.get() == 0,
        }
    }
}

fn quorum(others: u64) -> String {
    match others {
        0 => "Quorum: none. Only this log's own signature stands behind it.".to_owned(),
        n => format!(
            "Quorum: none asked for. {} beside the log's own; your trust policy decides whether they count.",
            words::counted(n, "signature", "signatures")
        ),
    }
}
