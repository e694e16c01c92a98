//! `pulselog keygen`: a new Ed25519 key, and its public name on standard output.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use ed25519_dalek::SigningKey;
use pulselog::artifact::Did;
use pulselog::checkpoint::Origin;
use pulselog::note::{KeyName, SignerKey};
use zeroize::Zeroizing;

use crate::cli::failure::{Exit, Failure};
use crate::cli::{input, print};

const AFTER: &str = "\
The key is written as PKCS#8 PEM with mode 0600; a file that exists is never
overwritten. Its public name is all that goes to standard output.

Examples:
  pulselog keygen --origin log.example.com/argocd --out log.pem     prints the vkey
  pulselog keygen --did --out operator.pem                          prints the did:key

Exit codes: 0 made, 1 refused, 2 wrong usage. `pulselog init` makes both for a log.";

/// Make a key: for the log (--origin) or for a signer of statements (--did).
#[derive(clap::Args)]
#[command(after_help = AFTER)]
#[command(group(clap::ArgGroup::new("what").required(true).args(["origin", "did"])))]
pub struct Args {
    /// Origin of the log whose key this is, e.g. log.example.com/argocd.
    #[arg(long, value_name = "NAME")]
    origin: Option<String>,
    /// Make a key that is named by its did:key.
    #[arg(long)]
    did: bool,
    /// File for the secret key; must not exist.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

pub fn run(args: &Args) -> Result<Exit, Failure> {
    // The name is judged before a file is made.
    let name = args.origin.as_deref().map(origin_name).transpose()?;
    let public = match name {
        Some(name) => log_key(name, &args.out)?.vkey().to_string(),
        None => did_key(&args.out)?.1.to_string(),
    };
    print(&format!("{public}\n"))?;
    Ok(Exit::Pass)
}

fn origin_name(text: &str) -> Result<KeyName, Failure> {
    Origin::parse(text)
        .map(|origin| origin.key_name().clone())
        .map_err(|error| Failure::usage(format!("--origin: {error}; give a name such as log.example.com/argocd")))
}

/// Makes the key of a log.
pub fn log_key(name: KeyName, out: &Path) -> Result<SignerKey, Failure> {
    let seed = Zeroizing::new(input::random::<32>()?);
    let key = SignerKey::new(name, &seed).map_err(|error| Failure::fail(format!("keygen: {error}")))?;
    write(&key, out)?;
    Ok(key)
}

/// Makes a key that is named by its did:key.
pub fn did_key(out: &Path) -> Result<(SigningKey, Did), Failure> {
    let seed = Zeroizing::new(input::random::<32>()?);
    // The name of a note key is not part of the file.
    let unnamed = KeyName::parse("did").and_then(|name| SignerKey::new(name, &seed));
    write(&unnamed.map_err(|error| Failure::fail(format!("keygen: {error}")))?, out)?;
    let key = SigningKey::from_bytes(&seed);
    let did = Did::of(&key.verifying_key());
    Ok((key, did))
}

fn write(key: &SignerKey, out: &Path) -> Result<(), Failure> {
    let wrong = |error: io::Error| match error.kind() {
        io::ErrorKind::AlreadyExists => Failure::fail(format!(
            "--out {}: exists already, and keygen never overwrites a key; choose another file",
            out.display()
        )),
        io::ErrorKind::NotFound => Failure::usage(format!("--out {}: its directory does not exist", out.display())),
        _ => input::unread(&format!("--out {}", out.display()), &error),
    };
    let pem = key.to_pkcs8_pem().map_err(|error| Failure::fail(format!("keygen: {error}")))?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(out).map_err(wrong)?;
    let written = file.write_all(pem.as_bytes()).and_then(|()| file.sync_all());
    written.map_err(|error| {
        // Half a key is worse than none: it would block the next try.
        let _ = std::fs::remove_file(out);
        wrong(error)
    })
}
