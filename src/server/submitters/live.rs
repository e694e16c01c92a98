//! The running service's view of the token file.

use std::collections::HashMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use subtle::ConstantTimeEq;

use crate::artifact::{Grant, Kind, SignedGrant, UnsignedGrant};
use crate::codes::Code;
use crate::entry::SubmitterName;
use crate::merkle::Hash;
use crate::server::log::clock::Clock;
use crate::server::submitters::{Book, TokenError, TokenFile, TokenRow, hash, load_existing};

/// How long the file is believed before it is looked at again.
const FILE_MAX_AGE: Duration = Duration::from_millis(500);

/// Reads the file and judges tokens. Clones share it.
#[derive(Clone)]
pub struct Tokens {
    book: Book,
    path: PathBuf,
    clock: Arc<dyn Clock>,
    cache: Arc<Mutex<Cache>>,
}

struct Cache {
    looked_at: Option<Instant>,
    stamp: Option<Stamp>,
    rows: Result<Arc<Rows>, TokenError>,
}

/// By hash. Whoever sends a token learns nothing of others by how long a look
/// takes: where a row stands follows from a hash that nobody can choose, under
/// a key of this process.
type Rows = HashMap<[u8; 32], Known>;

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
    /// When the token was made, Unix seconds.
    pub created_at: u64,
}

impl Tokens {
    /// Reads the book's file in `data`, now and whenever it changes.
    #[must_use]
    pub fn new(book: Book, data: &Path, clock: Arc<dyn Clock>) -> Self {
        let cache = Cache { looked_at: None, stamp: None, rows: Ok(Arc::default()) };
        Self { book, path: data.join(book.file()), clock, cache: Arc::new(Mutex::new(cache)) }
    }

    /// Who presents this token: the row of its hash, compared in constant time.
    /// The cost does not grow with the tokens.
    ///
    /// # Errors
    /// [`TokenError::Unknown`], [`TokenError::Revoked`], [`TokenError::Expired`];
    /// [`TokenError::File`] and [`TokenError::Missing`] when the file cannot be
    /// read: then nobody is believed, since it may hold a revocation.
    pub fn authenticate(&self, token: &str) -> Result<Submitter, TokenError> {
        self.known(&hash(token))
    }

    /// The same by the hash of the token.
    ///
    /// # Errors
    /// As [`Tokens::authenticate`].
    pub fn known(&self, presented: &Hash) -> Result<Submitter, TokenError> {
        let rows = match self.rows(FILE_MAX_AGE) {
            Err(TokenError::Missing { .. }) => self.rows(Duration::ZERO)?,
            rows => rows?,
        };
        match self.judged(&rows, presented) {
            // It may have been made a moment ago. Strangers cost one stat by this:
            // only a file that changed is read again.
            Err(TokenError::Unknown) => self.judged(&*self.rows(Duration::ZERO)?, presented),
            judged => judged,
        }
    }

    fn judged(&self, rows: &Rows, presented: &Hash) -> Result<Submitter, TokenError> {
        let found = rows.get(presented.as_bytes());
        let row = found.filter(|row| bool::from(row.hash.ct_eq(presented.as_bytes()))).ok_or(TokenError::Unknown)?;
        if row.revoked {
            return Err(TokenError::Revoked);
        }
        if row.expires_at.is_some_and(|at| at <= self.clock.read().wall_ms / 1_000) {
            return Err(TokenError::Expired);
        }
        Ok(row.submitter.clone())
    }

    /// Reads the file again at the next look, whatever it looks like.
    pub fn reload(&self) {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner).looked_at = None;
    }

    /// Why nobody may submit, if the file is the reason.
    #[must_use]
    pub fn refusal(&self) -> Option<&'static Code> {
        self.rows(FILE_MAX_AGE).err().map(|error| error.code())
    }

    /// The rows, looked at again once they are older than `age_max`.
    fn rows(&self, age_max: Duration) -> Result<Arc<Rows>, TokenError> {
        // A poisoned lock holds an older reading at worst; it is looked at again.
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        if cache.looked_at.is_none_or(|at| at.elapsed() >= age_max) {
            let stamp = stamp(&self.path);
            if cache.looked_at.is_none() || stamp != cache.stamp || cache.rows.is_err() {
                let before = cache.rows.as_ref().err().cloned();
                cache.rows = load_existing(&self.path).and_then(|file| decode(&self.path, file));
                if let Err(error) = &cache.rows
                    && before.as_ref() != Some(error)
                {
                    tracing::error!(%error, "tokens are not readable, nobody may {}", self.book.act());
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

fn decode(path: &Path, file: TokenFile) -> Result<Arc<Rows>, TokenError> {
    let wrong =
        |row: &TokenRow| TokenError::File { path: path.to_owned(), why: format!("row {} is damaged", row.name) };
    let known = file.tokens.iter().map(|row| known(row).map(|known| (known.hash, known)).ok_or_else(|| wrong(row)));
    known.collect::<Result<Rows, _>>().map(Arc::new)
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
        submitter: Submitter {
            name: SubmitterName::parse(&row.name).ok()?,
            grant: Grant { signed, unsigned },
            created_at: row.created_at,
        },
        expires_at: row.expires_at,
        revoked: row.revoked_at.is_some(),
    })
}
