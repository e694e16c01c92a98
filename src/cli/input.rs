//! Files that a subcommand reads. Everything has a limit, so that a device or
//! a wrong file cannot fill the memory.

use std::fs::{File, FileType};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt};
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::DecodePrivateKey;
use zeroize::Zeroizing;

use crate::cli::failure::Failure;
use crate::cli::secret::is_secret;
#[cfg(feature = "server")]
use pulselog::server::outgoing::{self, RootCerts};
use pulselog::text::civil;

/// Longest key, token, policy or proof file, bytes.
pub const SMALL_BYTES_MAX: u64 = 1 << 20;
/// Longest file of certificates, bytes: hundreds of authorities.
#[cfg(feature = "server")]
const ROOTS_BYTES_MAX: u64 = 64 << 20;
/// How long a pipe is waited for that nobody writes to yet.
const WRITER_WAIT: Duration = Duration::from_secs(5);
/// What every private key in PEM begins with.
pub const PRIVATE_KEY: &str = "PRIVATE KEY-----";
/// What stands for standard input.
pub const STDIN: &str = "-";

/// Reads a whole file, or standard input for `-`. `flag` names it in errors.
pub fn read(flag: &str, path: &Path, bytes_max: u64) -> Result<Vec<u8>, Failure> {
    let bytes = if path.as_os_str() == STDIN {
        within(io::stdin().lock(), 0, bytes_max)
    } else {
        open(path).and_then(|file| within(file, 0, bytes_max))
    };
    taken(flag, path, bytes, bytes_max)
}

/// Reads a regular file of which it is known that it is one and how long it
/// was, as [`read`] does: of many small ones each call to the system counts.
pub fn read_regular(flag: &str, path: &Path, length: u64, bytes_max: u64) -> Result<Vec<u8>, Failure> {
    taken(flag, path, File::open(path).and_then(|file| within(file, length, bytes_max)), bytes_max)
}

/// At most one byte more than `bytes_max`, from what is about `length` long.
fn within(from: impl Read, length: u64, bytes_max: u64) -> io::Result<Vec<u8>> {
    // With room for one byte more the end is seen without growing.
    let room = length.min(bytes_max).saturating_add(1);
    let mut bytes = Vec::with_capacity(usize::try_from(room).unwrap_or(0));
    from.take(bytes_max.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn taken(flag: &str, path: &Path, bytes: io::Result<Vec<u8>>, bytes_max: u64) -> Result<Vec<u8>, Failure> {
    let shown = shown(path);
    let bytes = bytes.map_err(|error| unread(&format!("{flag} {shown}"), &error))?;
    if bytes.len() as u64 > bytes_max {
        return Err(Failure::fail(format!("{flag} {shown}: has more than {bytes_max} bytes")));
    }
    Ok(bytes)
}

/// Opens a file that somebody names: a regular one, or a pipe, which people
/// name on purpose (`<(…)`, `/dev/stdin`). Opening a pipe waits for whoever
/// writes to it, so where nobody comes it is refused and not waited for.
///
/// # Errors
/// Those of opening; a folder, device or socket; a pipe that nobody opens for
/// writing within [`WRITER_WAIT`].
pub fn open(path: &Path) -> io::Result<File> {
    let form = std::fs::metadata(path)?.file_type();
    if form.is_file() {
        return File::open(path);
    }
    if form.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    if !form.is_fifo() {
        return Err(io::Error::other(format!("{}; give a file, or - for standard input", irregular(form))));
    }
    let (path, (say, hear)) = (path.to_owned(), mpsc::channel());
    // Left behind where nobody comes: it holds nothing, and ends with the process.
    std::thread::spawn(move || say.send(File::open(path)));
    hear.recv_timeout(WRITER_WAIT).unwrap_or_else(|_| {
        let waited = WRITER_WAIT.as_secs();
        Err(io::Error::other(format!("is a named pipe that nobody writes to within {waited} s; give a file")))
    })
}

/// What a path is that is neither file nor folder.
pub fn irregular(form: FileType) -> &'static str {
    match () {
        () if form.is_fifo() => "is a named pipe, no regular file",
        () if form.is_socket() => "is a socket, no regular file",
        () => "is a device, no regular file",
    }
}

/// A path for an error. A token that was pasted where a file belongs is not
/// repeated: errors end up in build logs.
fn shown(path: &Path) -> String {
    let text = path.display().to_string();
    if is_secret(&text) { "(what looks like a token; give a file)".to_owned() } else { text }
}

/// The reason without the errno that the system appends.
pub fn why(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "you may not open it".to_owned(),
        io::ErrorKind::IsADirectory => "is a directory, give a file".to_owned(),
        io::ErrorKind::NotADirectory => "there is no such file: a part of its path is no directory".to_owned(),
        _ => error.to_string(),
    }
}

/// What could not be read. A path that cannot be opened as it was meant is a
/// slip of whoever named it; a medium that fails while it is read is nobody's.
/// Neither says anything against what was to be read.
pub fn unread(named: &str, error: &io::Error) -> Failure {
    use io::ErrorKind as Kind;
    let message = format!("{named}: {}", why(error));
    match error.kind() {
        Kind::NotFound | Kind::PermissionDenied | Kind::IsADirectory | Kind::NotADirectory | Kind::InvalidInput => {
            Failure::usage(message)
        }
        // Ours: a device, a socket, a pipe that nobody writes to.
        Kind::Other => Failure::usage(message),
        _ => Failure::incomplete(message),
    }
}

/// Reads a secret from a file that nobody else may read; `what` it is, for errors.
#[cfg(feature = "server")]
pub fn read_private(flag: &str, what: &str, path: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let unread = |error: io::Error| unread(&format!("{flag} {}", shown(path)), &error);
    let file = open(path).map_err(unread)?;
    let mode = file.metadata().map_err(unread)?.permissions().mode() & 0o777;
    let mut bytes = Zeroizing::new(Vec::new());
    file.take(SMALL_BYTES_MAX).read_to_end(&mut bytes).map_err(unread)?;
    if mode & 0o077 != 0 {
        let path = shown(path);
        let why = format!("mode {mode:04o} lets others read the {what}; run chmod 600 {path}");
        return Err(Failure::fail(format!("{flag} {path}: {why}")));
    }
    Ok(bytes)
}

/// Whose certificates are believed: those of the file alone, else the system's.
#[cfg(feature = "server")]
pub fn read_roots(flag: &str, path: Option<&Path>) -> Result<RootCerts, Failure> {
    let Some(path) = path else { return Ok(outgoing::roots_of_system()) };
    let why = "holds no certificate; give those of the authorities in PEM";
    let none = || Failure::usage(format!("{flag} {}: {why}", path.display()));
    outgoing::roots_of(&read(flag, path, ROOTS_BYTES_MAX)?).ok_or_else(none)
}

/// Reads a signing key: PKCS#8 PEM in a file that nobody else may read.
pub fn read_key(flag: &str, path: &Path) -> Result<SigningKey, Failure> {
    let at = |why: &str| Failure::fail(format!("{flag} {}: {why}", path.display()));
    let unread = |error: io::Error| unread(&format!("{flag} {}", shown(path)), &error);
    let file = open(path).map_err(unread)?;
    let mode = file.metadata().map_err(unread)?.permissions().mode() & 0o777;
    let mut pem = Zeroizing::new(Vec::new());
    file.take(SMALL_BYTES_MAX).read_to_end(&mut pem).map_err(unread)?;
    let Some(pem) = std::str::from_utf8(&pem).ok().filter(|pem| pem.contains(PRIVATE_KEY)) else {
        let why = "is no private key; give the .pem file that keygen wrote, one Ed25519 key in PKCS#8 PEM";
        return Err(Failure::usage(format!("{flag} {}: {why}", path.display())));
    };
    if mode & 0o077 != 0 {
        return Err(at(&format!("mode {mode:04o} lets others read the key; run chmod 600 {}", path.display())));
    }
    SigningKey::from_pkcs8_pem(pem)
        .map_err(|_| at("must be one Ed25519 private key in PKCS#8 PEM, as keygen writes it"))
}

/// Random bytes from the system.
pub fn random<const N: usize>() -> Result<[u8; N], Failure> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| Failure::fail("the system gives no random bytes"))?;
    Ok(bytes)
}

/// The time now as envelopes write it.
pub fn now() -> String {
    civil::with_millis(jiff::Timestamp::now().as_millisecond())
}
