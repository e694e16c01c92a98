//! Every code that this program prints in its own name, written once.
//!
//! ```text
//! Problem::new(&codes::service::QUEUE_FULL, "…") -> 503 {"code":"queue_full", …}
//! ```
//!
//! A code is a row: its name, the part of the program that says it, the HTTP
//! status of an answer that carries it, a title, what it means and what to do.
//! Errors answer their row ([`Code`]), so a name that no table has does not
//! compile, and problems, error pages, `explain` and the reference of the API are
//! renderings of the rows. One file a part of the program; two parts may have a
//! code of one name, each with its own meaning.
//!
//! What others have named stands where it is judged: the peer's reason codes in
//! `protocol/codes`, the rules of the audit in their groups.

use std::fmt;

/// One code. The name is stable; title, meaning and action are for people.
#[derive(Debug, PartialEq, Eq)]
pub struct Code {
    /// As it is printed.
    pub name: &'static str,
    /// Which part of the program says it.
    pub area: &'static str,
    /// Status of an answer or page that carries it; none where no answer does.
    pub status: Option<u16>,
    /// A few words.
    pub title: &'static str,
    /// What it means; one sentence, perhaps without capital and full stop.
    pub means: &'static str,
    /// What to do, in the same form.
    pub action: &'static str,
}

/// The name: what a message holds.
impl fmt::Display for Code {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(self.name)
    }
}

/// The name: what a member `code` holds.
impl serde::Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.name)
    }
}

/// `NAME "name" status: "title", "means", "action";` a row: a static `NAME`, and
/// the table of all of them. The name is spelled out so that it is found by
/// whoever looks for what was printed; the two cannot part.
macro_rules! rows {
    ($(#[$doc:meta])* $vis:vis $table:ident $area:literal:
        $($name:ident $text:literal $($status:literal)?: $title:literal, $means:literal, $action:literal;)*
    ) => {
        $(
            #[doc = $means]
            pub static $name: Code = Code {
                name: $text,
                area: $area,
                status: rows!(@ $($status)?),
                title: $title,
                means: $means,
                action: $action,
            };
            const _: () = assert!(stringify!($name).eq_ignore_ascii_case($text), "a code is named as it is spelled");
        )*
        $(#[$doc])*
        $vis static $table: &[&Code] = &[$(&$name),*];
    };
    (@) => { None };
    (@ $status:literal) => { Some($status) };
}

pub mod artifact;
pub mod policy;
pub mod proof;
pub mod receipt;
pub mod service;
pub mod start;
pub mod trust;
pub mod verdict;

/// Every table, in the order in which the meanings of one name are given.
static TABLES: &[&[&Code]] = &[
    artifact::ADMISSION,
    policy::REASONS,
    artifact::MORE,
    proof::MERKLE,
    proof::NOTE,
    proof::CHECKPOINT,
    proof::TILE,
    proof::ENTRY,
    trust::TRUST,
    receipt::RECEIPT,
    receipt::DISCLOSURE,
    verdict::REPORT,
    verdict::PROTOCOL,
    verdict::EVIDENCE,
    verdict::TOKEN,
    service::ANSWERS,
    service::PAGES,
    start::START,
    proof::SEQUENCE,
];

/// Every code.
pub fn all() -> impl Iterator<Item = &'static Code> {
    TABLES.iter().copied().flatten().copied()
}
