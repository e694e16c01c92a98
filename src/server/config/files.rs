//! Files that the configuration names: bounded, and the key only when nobody
//! else can read it.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::note::{KeyName, SignerKey};
use crate::server::config::ConfigError;

/// Longest configuration, key or checkpoint file read.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Reads the log's key. Whoever can read it can sign a second history, so a
/// file that others may read is refused before it is used.
///
/// # Errors
/// [`ConfigError::KeyMode`] says which command mends it; [`ConfigError::Key`].
pub fn read_key(name: KeyName, path: &Path) -> Result<SignerKey, ConfigError> {
    let mode = std::fs::metadata(path).map_err(|e| unreadable(path, &e))?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(ConfigError::KeyMode { path: path.to_owned(), mode });
    }
    let pem = zeroize::Zeroizing::new(read_text(path)?);
    SignerKey::from_pkcs8_pem(name, &pem).map_err(|e| ConfigError::Key { path: path.to_owned(), why: e.to_string() })
}

pub(super) fn read_text(path: &Path) -> Result<String, ConfigError> {
    String::from_utf8(read_bytes(path)?)
        .map_err(|_| ConfigError::File { path: path.to_owned(), why: "is not UTF-8".into() })
}

pub(super) fn read_bytes(path: &Path) -> Result<Vec<u8>, ConfigError> {
    let mut bytes = Vec::new();
    // Opening a pipe would wait for whoever writes to it, and a device has no end.
    if !std::fs::metadata(path).map_err(|e| unreadable(path, &e))?.is_file() {
        return Err(ConfigError::File { path: path.to_owned(), why: "is no regular file".into() });
    }
    let file = File::open(path).map_err(|e| unreadable(path, &e))?;
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(|e| unreadable(path, &e))?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(ConfigError::File { path: path.to_owned(), why: format!("has more than {FILE_BYTES_MAX} bytes") });
    }
    Ok(bytes)
}

fn unreadable(path: &Path, error: &std::io::Error) -> ConfigError {
    let path = path.to_owned();
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => ConfigError::Unopened { path, why: "there is no such file" },
        ErrorKind::PermissionDenied => ConfigError::Unopened { path, why: "you may not open it" },
        _ => ConfigError::File { path, why: error.to_string() },
    }
}
