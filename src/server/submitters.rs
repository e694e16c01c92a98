//! Who may submit: `DIR/tokens.json` (FORMATS 4.1); and who may read a log that
//! is closed: `DIR/readers.json`, of the same form without grants.
//!
//! ```json
//! {"tokens_version":"1","tokens":[{"name":"gateway-1","sha256":"…64 hex…","created_at":1795430400,
//!   "kinds":["gateway_receipt"]}]}
//! ```
//!
//! A token is `plg_` and 64 hex digits of 32 random bytes; only its SHA-256 is
//! kept. The file is written to one side and renamed, mode 0600, and a running
//! service knows a new token at once and sees any change within a second. Names stand in leaves for ever:
//! they are public and never reused, so a revoked row stays.

pub(crate) mod live;

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::artifact::{CHANNELS, Kind};
use crate::codes::{self, Code};
use crate::entry::SubmitterName;
use crate::merkle::Hash;
use crate::server::config;

/// What every submitter's token begins with, so that secret scanners find it.
pub const TOKEN_PREFIX: &str = "plg_";
/// The same of a reader's.
pub const READER_PREFIX: &str = "plr_";
/// File of submitters in the data directory.
pub const FILE_NAME: &str = "tokens.json";
/// File of readers, of the same form: nobody is both by accident.
const READERS_NAME: &str = "readers.json";
/// Longest token file, bytes: some ten thousand tokens.
pub const FILE_BYTES_MAX: u64 = 4 << 20;
/// Random bytes of a token.
const TOKEN_BYTES: usize = 32;

/// What a new token may do. The default: every signed kind, no end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenOptions {
    /// From now.
    pub expires: Option<Duration>,
    /// Only these signed kinds; empty means all.
    pub kinds: Vec<Kind>,
    /// One kind that may come unsigned, and its channel. Such a token submits
    /// nothing else.
    pub allow_unsigned: Option<(Kind, Option<String>)>,
    /// The Argo CD instance observed; required for observations and snapshots.
    pub instance: Option<String>,
}

/// A token that was just made. The text is shown once and kept nowhere.
pub struct NewToken {
    /// The secret.
    pub token: String,
}

/// A row as listings show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenRow {
    /// Submitter name.
    pub name: String,
    /// SHA-256 of the token text, hex.
    pub sha256: String,
    /// Unix seconds.
    pub created_at: u64,
    /// Unix seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<u64>,
    /// Unix seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<u64>,
    /// Signed kinds; absent means all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kinds: Option<Vec<String>>,
    /// What may come unsigned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unsigned: Option<UnsignedRow>,
}

/// The unsigned part of a grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnsignedRow {
    /// Kind.
    pub kind: String,
    /// Channel; absent means any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// Argo CD instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
}

/// Whose tokens. A token of one book is unknown to the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Book {
    /// Who may submit.
    Submitters,
    /// Who may read what is closed to others.
    Readers,
}

impl Book {
    const fn file(self) -> &'static str {
        match self {
            Self::Submitters => FILE_NAME,
            Self::Readers => READERS_NAME,
        }
    }

    const fn prefix(self) -> &'static str {
        match self {
            Self::Submitters => TOKEN_PREFIX,
            Self::Readers => READER_PREFIX,
        }
    }

    /// What nobody may do while the file cannot be read.
    const fn act(self) -> &'static str {
        match self {
            Self::Submitters => "submit",
            Self::Readers => "read",
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenFile {
    tokens_version: String,
    tokens: Vec<TokenRow>,
}

impl Default for TokenFile {
    fn default() -> Self {
        Self { tokens_version: "1".into(), tokens: Vec::new() }
    }
}

/// Whether a log lives in this directory, or is about to.
#[must_use]
pub fn is_log(data: &Path) -> bool {
    ["store", FILE_NAME, config::FILE_NAME].iter().any(|name| data.join(name).exists())
}

/// Makes a token and adds its row; works while the service runs.
///
/// # Errors
/// [`TokenError::NameTaken`] also for a revoked name; [`TokenError::Options`];
/// [`TokenError::File`].
pub fn create(data: &Path, name: &SubmitterName, options: TokenOptions) -> Result<NewToken, TokenError> {
    create_in(Book::Submitters, data, name, options)
}

/// The same in a book of one's choice; a reader's token has an end at most.
///
/// # Errors
/// As [`create`].
pub fn create_in(book: Book, data: &Path, name: &SubmitterName, options: TokenOptions) -> Result<NewToken, TokenError> {
    check_options(&options)?;
    let mut secret = [0; TOKEN_BYTES];
    getrandom::fill(&mut secret).map_err(|_| TokenError::Randomness)?;
    let token = format!("{}{}", book.prefix(), Hash::from_bytes(secret).to_hex());
    let now = unix_seconds();
    let observer = options.allow_unsigned.is_some();
    let row = TokenRow {
        name: name.as_str().to_owned(),
        sha256: hash(&token).to_hex(),
        created_at: now,
        expires_at: options.expires.map(|e| now.saturating_add(e.as_secs())),
        revoked_at: None,
        kinds: (observer || !options.kinds.is_empty())
            .then(|| options.kinds.iter().map(|k| k.name().to_owned()).collect()),
        unsigned: options.allow_unsigned.map(|(kind, channel)| UnsignedRow {
            kind: kind.name().to_owned(),
            channel,
            instance: options.instance,
        }),
    };
    change(book, data, |file| {
        if file.tokens.iter().any(|t| t.name == row.name) {
            return Err(TokenError::NameTaken { name: row.name.clone() });
        }
        file.tokens.push(row);
        Ok(())
    })?;
    Ok(NewToken { token })
}

/// Every row, oldest first.
///
/// # Errors
/// [`TokenError::File`].
pub fn list(data: &Path) -> Result<Vec<TokenRow>, TokenError> {
    list_in(Book::Submitters, data)
}

/// Every row of a book, oldest first.
///
/// # Errors
/// [`TokenError::File`].
pub fn list_in(book: Book, data: &Path) -> Result<Vec<TokenRow>, TokenError> {
    Ok(load(&data.join(book.file()))?.tokens)
}

/// Revokes a token; a running service refuses it within a second.
///
/// # Errors
/// [`TokenError::NoSuchName`], [`TokenError::File`].
pub fn revoke(data: &Path, name: &SubmitterName) -> Result<(), TokenError> {
    revoke_in(Book::Submitters, data, name)
}

/// The same in a book of one's choice; a reader's sessions end with it.
///
/// # Errors
/// As [`revoke`].
pub fn revoke_in(book: Book, data: &Path, name: &SubmitterName) -> Result<(), TokenError> {
    change(book, data, |file| {
        let unknown = || TokenError::NoSuchName { name: name.as_str().to_owned() };
        let row = file.tokens.iter_mut().find(|t| t.name == name.as_str()).ok_or_else(unknown)?;
        row.revoked_at.get_or_insert_with(unix_seconds);
        Ok(())
    })
}

fn check_options(options: &TokenOptions) -> Result<(), TokenError> {
    let refuse = |why| Err(TokenError::Options { why });
    let Some((kind, channel)) = &options.allow_unsigned else {
        return if options.instance.is_some() { refuse("--instance: belongs to --allow-unsigned") } else { Ok(()) };
    };
    if !kind.row().unsigned {
        return refuse("--allow-unsigned: no such kind comes unsigned; use --kinds");
    }
    if !options.kinds.is_empty() {
        return refuse("--kinds: leave it away; with --allow-unsigned nothing else is submitted");
    }
    if kind.is_observed() != options.instance.is_some() {
        return refuse("--instance: is required for observations and snapshots, and for nothing else");
    }
    match channel.as_deref() {
        Some(_) if *kind != Kind::ArgocdObservation => refuse("only argocd_observation has a channel"),
        Some(channel) if !CHANNELS.contains(&channel) => {
            refuse("the channel must be notify, poll, k8s_event or server_log")
        }
        _ => Ok(()),
    }
}

/// Two commands at once must not lose a row: one lock file, then read, change,
/// write to one side, rename.
fn change(
    book: Book,
    data: &Path,
    edit: impl FnOnce(&mut TokenFile) -> Result<(), TokenError>,
) -> Result<(), TokenError> {
    let path = data.join(book.file());
    let io = |e: io::Error| TokenError::File { path: path.clone(), why: e.to_string() };
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(data).map_err(io)?;
    let lock = private(&data.join("tokens.lock"), false).map_err(io)?;
    lock.lock().map_err(io)?;
    let mut file = load(&path)?;
    edit(&mut file)?;
    let text = serde_json::to_vec_pretty(&file).map_err(|e| io(e.into()))?;
    let aside = path.with_extension("json.new");
    let mut out = private(&aside, true).map_err(io)?;
    out.write_all(&text).and_then(|()| out.write_all(b"\n")).and_then(|()| out.sync_all()).map_err(io)?;
    std::fs::rename(&aside, &path).map_err(io)?;
    // A revocation that a power cut undoes is no revocation.
    File::open(data).and_then(|d| d.sync_all()).map_err(io)
}

fn private(path: &Path, truncate: bool) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(truncate).mode(0o600).open(path)
}

/// A file that is not there yet holds no rows.
fn load(path: &Path) -> Result<TokenFile, TokenError> {
    match load_existing(path) {
        Err(TokenError::Missing { .. }) => Ok(TokenFile::default()),
        read => read,
    }
}

fn load_existing(path: &Path) -> Result<TokenFile, TokenError> {
    let fail = |why: String| TokenError::File { path: path.to_owned(), why };
    let text = match read_regular(path) {
        Ok(text) => text,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Err(TokenError::Missing { path: path.to_owned() }),
        Err(e) => return Err(fail(e.to_string())),
    };
    // The parser's own message may quote the file.
    let file: TokenFile = serde_json::from_slice(&text)
        .map_err(|e| fail(format!("is not a token file (line {}, column {})", e.line(), e.column())))?;
    if file.tokens_version != "1" {
        return Err(fail("unknown tokens_version".into()));
    }
    Ok(file)
}

/// Reads a regular file of at most [`FILE_BYTES_MAX`]: whoever waits for a pipe
/// or device to say something would hold up every submitter.
fn read_regular(path: &Path) -> io::Result<Vec<u8>> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::other("is no regular file"));
    }
    // What is put in its place just now is opened without waiting.
    let flags = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or_default();
    let file = std::fs::File::options().read(true).custom_flags(flags).open(path)?;
    let mut text = Vec::new();
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut text)?;
    if text.len() as u64 > FILE_BYTES_MAX {
        return Err(io::Error::other(format!("has more than {FILE_BYTES_MAX} bytes")));
    }
    Ok(text)
}

pub(crate) fn hash(token: &str) -> Hash {
    Hash::from_bytes(Sha256::digest(token.as_bytes()).into())
}

fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// Why a token is not made, or not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// No row has it.
    #[error("token: not known to this log")]
    Unknown,
    /// Its time is over.
    #[error("token: has expired")]
    Expired,
    /// The operator took it back.
    #[error("token: was revoked")]
    Revoked,
    /// Names are never reused.
    #[error("name: {name} was given before, and names are never reused")]
    NameTaken {
        /// The name.
        name: String,
    },
    /// No row has this name.
    #[error("name: no token is called {name}")]
    NoSuchName {
        /// The name.
        name: String,
    },
    /// Options contradict each other.
    #[error("{why}")]
    Options {
        /// The rule.
        why: &'static str,
    },
    /// The system gives no random bytes.
    #[error("token: the system gives no random bytes")]
    Randomness,
    /// There is no file: none was made yet, or it was lost.
    #[error("{}: is not there; make a token with pulselog token new, or put the file back", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be read or written.
    #[error("{}: {why}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
}

impl TokenError {
    /// Stable code.
    #[must_use]
    pub const fn code(&self) -> &'static Code {
        match self {
            Self::Unknown => &codes::service::TOKEN_UNKNOWN,
            Self::Expired => &codes::service::TOKEN_EXPIRED,
            Self::Revoked => &codes::service::TOKEN_REVOKED,
            Self::NameTaken { .. } => &codes::start::TOKEN_NAME_TAKEN,
            Self::NoSuchName { .. } => &codes::start::TOKEN_NO_SUCH_NAME,
            Self::Options { .. } => &codes::start::TOKEN_OPTIONS,
            Self::Randomness => &codes::start::TOKEN_RANDOMNESS,
            Self::Missing { .. } => &codes::service::TOKENS_MISSING,
            Self::File { .. } => &codes::service::TOKENS_UNREADABLE,
        }
    }
}
