//! Who may submit: `DIR/tokens.json` (model.md 6).
//!
//! ```json
//! {"tokens_version":"1","tokens":[{"name":"gateway-1","sha256":"…64 hex…","created_at":1795430400,
//!   "kinds":["gateway_receipt"]}]}
//! ```
//!
//! A token is `plg_` and 64 hex digits of 32 random bytes; only its SHA-256 is
//! kept. The file is written to one side and renamed, mode 0600, and a running
//! service sees the change within a second. Names stand in leaves for ever:
//! they are public and never reused, so a revoked row stays.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::artifact::{Grant, Kind, SignedGrant, UnsignedGrant};
use crate::entry::SubmitterName;
use crate::merkle::Hash;
use crate::server::log::clock::Clock;

/// What every token begins with, so that secret scanners find it.
pub const TOKEN_PREFIX: &str = "plg_";
/// File in the data directory.
pub const FILE_NAME: &str = "tokens.json";
/// Random bytes of a token.
const TOKEN_BYTES: usize = 32;
/// How long the file is believed before it is looked at again.
const FILE_MAX_AGE: Duration = Duration::from_millis(500);
/// Kinds of which an unsigned one names the instance it is about.
const OBSERVED: [&str; 2] = ["argocd_observation", "argocd_snapshot"];

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

/// Makes a token and adds its row; works while the service runs.
///
/// # Errors
/// [`TokenError::NameTaken`] also for a revoked name; [`TokenError::Options`];
/// [`TokenError::File`].
pub fn create(data: &Path, name: &SubmitterName, options: TokenOptions) -> Result<NewToken, TokenError> {
    check_options(&options)?;
    let mut secret = [0; TOKEN_BYTES];
    getrandom::fill(&mut secret).map_err(|_| TokenError::Randomness)?;
    let token = format!("{TOKEN_PREFIX}{}", Hash::from_bytes(secret).to_hex());
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
    change(data, |file| {
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
    Ok(load(&data.join(FILE_NAME))?.tokens)
}

/// Revokes a token; a running service refuses it within a second.
///
/// # Errors
/// [`TokenError::NoSuchName`], [`TokenError::File`].
pub fn revoke(data: &Path, name: &SubmitterName) -> Result<(), TokenError> {
    change(data, |file| {
        let unknown = || TokenError::NoSuchName { name: name.as_str().to_owned() };
        let row = file.tokens.iter_mut().find(|t| t.name == name.as_str()).ok_or_else(unknown)?;
        row.revoked_at.get_or_insert_with(unix_seconds);
        Ok(())
    })
}

fn check_options(options: &TokenOptions) -> Result<(), TokenError> {
    let refuse = |why| Err(TokenError::Options { why });
    let Some((kind, channel)) = &options.allow_unsigned else {
        return if options.instance.is_some() { refuse("instance belongs to allow-unsigned") } else { Ok(()) };
    };
    let observed = OBSERVED.contains(&kind.name());
    if !kind.row().unsigned {
        return refuse("this kind never comes unsigned");
    }
    if !options.kinds.is_empty() {
        return refuse("a token with allow-unsigned submits nothing else; leave kinds away");
    }
    if observed != options.instance.is_some() {
        return refuse("instance is required for observations and snapshots, and for nothing else");
    }
    if channel.is_some() && kind.name() != OBSERVED[0] {
        return refuse("only observations have a channel");
    }
    Ok(())
}

/// Two commands at once must not lose a row: one lock file, then read, change,
/// write to one side, rename.
fn change(data: &Path, edit: impl FnOnce(&mut TokenFile) -> Result<(), TokenError>) -> Result<(), TokenError> {
    let path = data.join(FILE_NAME);
    let io = |e: io::Error| TokenError::File { path: path.clone(), why: e.to_string() };
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(data).map_err(io)?;
    let lock = private(&data.join("tokens.lock"), false).map_err(io)?;
    lock.lock().map_err(io)?;
    let mut file = load(&path)?;
    edit(&mut file)?;
    let text = serde_json::to_vec_pretty(&file).map_err(|e| io(e.into()))?;
    let aside = data.join("tokens.json.new");
    let mut out = private(&aside, true).map_err(io)?;
    out.write_all(&text).and_then(|()| out.write_all(b"\n")).and_then(|()| out.sync_all()).map_err(io)?;
    std::fs::rename(&aside, &path).map_err(io)?;
    // A revocation that a power cut undoes is no revocation.
    File::open(data).and_then(|d| d.sync_all()).map_err(io)
}

fn private(path: &Path, truncate: bool) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(truncate).mode(0o600).open(path)
}

fn load(path: &Path) -> Result<TokenFile, TokenError> {
    let fail = |why: String| TokenError::File { path: path.to_owned(), why };
    let text = match std::fs::read(path) {
        Ok(text) => text,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(TokenFile::default()),
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

fn hash(token: &str) -> Hash {
    Hash::from_bytes(Sha256::digest(token.as_bytes()).into())
}

fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// The running service's view of the file. Clones share it.
#[derive(Clone)]
pub struct Tokens {
    path: PathBuf,
    clock: Arc<dyn Clock>,
    cache: Arc<Mutex<Cache>>,
}

struct Cache {
    looked_at: Option<Instant>,
    stamp: Option<Stamp>,
    rows: Result<Arc<[Known]>, TokenError>,
}

/// What changes when a file is replaced: inode, size, modification time.
type Stamp = (u64, u64, i64, i64);

/// One row, decoded.
struct Known {
    hash: [u8; 32],
    submitter: Submitter,
    expires_at: Option<u64>,
    revoked: bool,
}

/// An authenticated submitter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submitter {
    /// Name in the leaf.
    pub name: SubmitterName,
    /// What it may submit.
    pub grant: Grant,
}

impl Tokens {
    /// Reads `DIR/tokens.json`, now and whenever it changes.
    #[must_use]
    pub fn new(data: &Path, clock: Arc<dyn Clock>) -> Self {
        let cache = Cache { looked_at: None, stamp: None, rows: Ok(Arc::from([])) };
        Self { path: data.join(FILE_NAME), clock, cache: Arc::new(Mutex::new(cache)) }
    }

    /// Who presents this token. Compared in constant time with every row.
    ///
    /// # Errors
    /// [`TokenError::Unknown`], [`TokenError::Revoked`], [`TokenError::Expired`];
    /// [`TokenError::File`] when the file cannot be read: then nobody is
    /// believed, since it may hold a revocation.
    pub fn authenticate(&self, token: &str) -> Result<Submitter, TokenError> {
        let rows = self.rows()?;
        let presented = hash(token);
        let mut found = None;
        for row in rows.iter() {
            if bool::from(row.hash.ct_eq(presented.as_bytes())) {
                found = Some(row);
            }
        }
        let row = found.ok_or(TokenError::Unknown)?;
        if row.revoked {
            return Err(TokenError::Revoked);
        }
        if row.expires_at.is_some_and(|at| at <= self.clock.read().wall_ms / 1_000) {
            return Err(TokenError::Expired);
        }
        Ok(row.submitter.clone())
    }

    fn rows(&self) -> Result<Arc<[Known]>, TokenError> {
        // A poisoned lock holds an older reading at worst; it is looked at again.
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        if cache.looked_at.is_none_or(|at| at.elapsed() >= FILE_MAX_AGE) {
            let stamp = stamp(&self.path);
            if cache.looked_at.is_none() || stamp != cache.stamp || cache.rows.is_err() {
                cache.rows = load(&self.path).and_then(|file| decode(&self.path, file));
                if let Err(error) = &cache.rows {
                    tracing::error!(%error, "tokens are not readable, nobody may submit");
                }
            }
            cache.stamp = stamp;
            cache.looked_at = Some(Instant::now());
        }
        cache.rows.clone()
    }
}

fn stamp(path: &Path) -> Option<Stamp> {
    let meta = std::fs::metadata(path).ok()?;
    Some((meta.ino(), meta.size(), meta.mtime(), meta.mtime_nsec()))
}

fn decode(path: &Path, file: TokenFile) -> Result<Arc<[Known]>, TokenError> {
    let wrong =
        |row: &TokenRow| TokenError::File { path: path.to_owned(), why: format!("row {} is damaged", row.name) };
    file.tokens.iter().map(|row| known(row).ok_or_else(|| wrong(row))).collect()
}

fn known(row: &TokenRow) -> Option<Known> {
    let signed = match &row.kinds {
        None => SignedGrant::All,
        Some(kinds) => SignedGrant::Kinds(kinds.iter().map(|k| Kind::parse(k)).collect::<Option<_>>()?),
    };
    let unsigned = match &row.unsigned {
        None => None,
        Some(unsigned) => Some(UnsignedGrant {
            kind: Kind::parse(&unsigned.kind)?,
            channel: unsigned.channel.clone(),
            instance: unsigned.instance.clone(),
        }),
    };
    Some(Known {
        hash: *Hash::from_hex(&row.sha256).ok()?.as_bytes(),
        submitter: Submitter { name: SubmitterName::parse(&row.name).ok()?, grant: Grant { signed, unsigned } },
        expires_at: row.expires_at,
        revoked: row.revoked_at.is_some(),
    })
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
    #[error("token: {why}")]
    Options {
        /// The rule.
        why: &'static str,
    },
    /// The system gives no random bytes.
    #[error("token: the system gives no random bytes")]
    Randomness,
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
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unknown => "token_unknown",
            Self::Expired => "token_expired",
            Self::Revoked => "token_revoked",
            Self::NameTaken { .. } => "token_name_taken",
            Self::NoSuchName { .. } => "token_no_such_name",
            Self::Options { .. } => "token_options",
            Self::Randomness => "token_randomness",
            Self::File { .. } => "tokens_unreadable",
        }
    }
}
