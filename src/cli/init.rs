//! `pulselog init`: everything that a log needs before it is served, in one
//! directory, and the lines to run next.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use pulselog::artifact::Did;
use pulselog::checkpoint::Origin;
use pulselog::entry::SubmitterName;
use pulselog::server::config::{self, LISTEN_DEFAULT};
use pulselog::server::log::default_guard_path;
use pulselog::server::submitters::{self, TokenOptions};
use pulselog::trust::TrustPolicy;

use crate::cli::failure::{Exit, Failure};
use crate::cli::{input, keygen, print};

const AFTER: &str = "\
Makes in DIR:
  pulselog.toml    the configuration that `pulselog serve DIR` reads
  log.pem          the log's key, mode 0600: keep a copy, it cannot be made again
  operator.pem     the operator's key, mode 0600: belongs on another machine
  operator.token   a token that may submit every signed kind, mode 0600
  operator.did     the operator's name, and
  trust.policy     the log's key: publish both, every verifier needs them
  roots.json       roots that name nobody yet: add your issuers, gateways and
                   approvers, then sign and submit them

Nothing that is there is overwritten. Origin, key and operator are pinned when the
log is served for the first time. The head guard stands beside DIR unless --guard
names a file on another disk, which is better.

Examples:
  pulselog init mylog --origin log.example.com/argocd
  pulselog init /var/lib/pulselog --origin log.example.com/argocd \\
      --guard /mnt/other-disk/pulselog.guard --operator did:key:z6Mk…

Exit codes: 0 made, 1 refused, 2 wrong usage.";

/// Name of the first token, public in every entry that it submits.
const FIRST_SUBMITTER: &str = "operator";

/// Make keys, configuration and a first token for a new log.
#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub struct Args {
    /// Data directory of the new log; made when it is missing.
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// Name of the log, the first line of every checkpoint, e.g. log.example.com/argocd.
    #[arg(long, value_name = "NAME")]
    origin: String,
    /// did:key of an operator whose key is elsewhere; without it one is made.
    #[arg(long, value_name = "DID")]
    operator: Option<String>,
    /// Head guard, best on another disk [default: DIR.guard].
    #[arg(long, value_name = "FILE")]
    guard: Option<PathBuf>,
    /// Address and port.
    #[arg(long, value_name = "ADDR", default_value = LISTEN_DEFAULT)]
    listen: std::net::SocketAddr,
}

pub fn run(args: &Args) -> Result<Exit, Failure> {
    let origin = Origin::parse(&args.origin)
        .map_err(|error| Failure::usage(format!("--origin: {error}; give a name such as log.example.com/argocd")))?;
    let operator = args.operator.as_deref().map(config::parse_operator).transpose();
    let operator = operator.map_err(|error| Failure::usage(format!("--operator: {error}")))?;
    let guard = args.guard.as_deref().map(guard_path).transpose()?;
    let mut made = Made::begin(&args.dir)?;
    match fill(&mut made, args, &origin, operator, guard.as_deref()) {
        Ok(next) => {
            print(&next)?;
            Ok(Exit::Pass)
        }
        Err(failure) => {
            // Half of it would refuse the next try.
            made.undo();
            Err(failure)
        }
    }
}

/// The guard by a path that holds wherever the log is started from.
fn guard_path(path: &Path) -> Result<PathBuf, Failure> {
    let wrong = |why: &str| Failure::usage(format!("--guard {}: {why}", path.display()));
    let path = std::path::absolute(path).map_err(|error| wrong(&input::why(&error)))?;
    match path.parent().is_some_and(Path::is_dir) {
        true => Ok(path),
        false => Err(wrong("its directory does not exist; make it, or mount the disk")),
    }
}

fn fill(
    made: &mut Made,
    args: &Args,
    origin: &Origin,
    operator: Option<Did>,
    guard: Option<&Path>,
) -> Result<String, Failure> {
    let key = keygen::log_key(origin.key_name().clone(), &made.path("log.pem"))?;
    let operator_is_here = operator.is_none();
    let operator = match operator {
        Some(did) => did,
        None => keygen::did_key(&made.path("operator.pem"))?.1,
    };
    let policy = TrustPolicy::for_log(key.vkey());
    let refused = |error: submitters::TokenError| Failure::fail(format!("{error} [{}]", error.code()));
    let name = SubmitterName::parse(FIRST_SUBMITTER).map_err(|error| Failure::fail(error.to_string()))?;
    made.files.extend(["tokens.json", "tokens.lock"].map(|name| args.dir.join(name)));
    let token = submitters::create(&args.dir, &name, TokenOptions::default()).map_err(refused)?.token;
    made.write("operator.token", 0o600, &format!("{token}\n"))?;
    made.write("operator.did", 0o644, &format!("{operator}\n"))?;
    made.write("trust.policy", 0o644, &policy.to_string())?;
    made.write("roots.json", 0o644, &roots(origin))?;
    let settings = settings(origin, &operator, args.listen, guard);
    made.write(config::FILE_NAME, 0o644, &settings)?;
    let made = format!("Made {}: keys, pulselog.toml, a token.\nVerifier key: {}\n", args.dir.display(), key.vkey());
    Ok(made + &next(args, operator_is_here, guard))
}

/// What was made so far.
struct Made {
    dir: PathBuf,
    files: Vec<PathBuf>,
}

impl Made {
    /// Makes the directory, private, or takes one that holds no log.
    fn begin(dir: &Path) -> Result<Self, Failure> {
        let at = |why: &str| Failure::fail(format!("DIR {}: {why}", dir.display()));
        DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(|error| at(&input::why(&error)))?;
        let names = ["store", "tokens.json", config::FILE_NAME, "log.pem", "operator.pem", "operator.token"];
        match names.iter().find(|name| dir.join(name).exists()) {
            // The configuration is written last.
            Some(name) if !dir.join("store").exists() && !dir.join(config::FILE_NAME).exists() => Err(at(&format!(
                "holds {name} and no {}: an init that was interrupted; remove what it made, or the directory, and \
                 run it again",
                config::FILE_NAME
            ))),
            Some(name) => Err(at(&format!("holds {name}: a log is here already, and init overwrites nothing"))),
            None => Ok(Self { dir: dir.to_owned(), files: Vec::new() }),
        }
    }

    fn path(&mut self, name: &str) -> PathBuf {
        let path = self.dir.join(name);
        self.files.push(path.clone());
        path
    }

    fn write(&mut self, name: &str, mode: u32, text: &str) -> Result<(), Failure> {
        let path = self.dir.join(name);
        let wrong = |error: io::Error| Failure::fail(format!("{}: {}", path.display(), input::why(&error)));
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&path).map_err(wrong)?;
        self.files.push(path.clone());
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(wrong)
    }

    fn undo(&self) {
        for path in &self.files {
            // What is not there was not made.
            let _ = std::fs::remove_file(path);
        }
    }
}

fn settings(origin: &Origin, operator: &Did, listen: std::net::SocketAddr, guard: Option<&Path>) -> String {
    let guard = match guard {
        Some(path) => format!("guard = {}", quoted(&path.display().to_string())),
        None => "# guard = \"/mnt/other-disk/pulselog.guard\"      # default: DIR.guard, beside this directory".into(),
    };
    format!(
        "# Configuration of a Pulselog log, read by `pulselog serve DIR`. Paths without a\n\
         # leading slash begin at this file. PULSELOG_* variables and flags override it;\n\
         # `pulselog serve --help` names every setting.\n\n\
         # Pinned when the log is served for the first time.\n\
         origin = {}\n\
         key = \"log.pem\"\n\
         operator = {}\n\n\
         # Other machines reach it through a proxy that does TLS; or public = true.\n\
         listen = \"{listen}\"\n\n\
         # Which chain is the log's. Best on another disk, so that an old copy of the data\n\
         # is found out. Set it before the log is served for the first time.\n\
         {guard}\n\n\
         # Free bytes below which writes are refused.\n\
         # free_disk_bytes_min = 1073741824\n",
        quoted(origin.as_str()),
        quoted(operator.as_str()),
    )
}

/// A TOML string. JSON's escapes are a part of TOML's.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Roots that name nobody: the shape, to be filled in.
fn roots(origin: &Origin) -> String {
    let lists = ["policy_signers", "cst_issuers", "cst_revokers", "gateways", "reviewers", "recorders", "approvers"];
    let more = ["wrappers", "observers", "agents", "humans", "instances", "distrusted"];
    let lists = lists.iter().chain(&more).map(|name| format!("  \"{name}\": []")).collect::<Vec<_>>().join(",\n");
    format!("{{\n  \"origin\": {},\n{lists}\n}}\n", quoted(origin.as_str()))
}

/// The lines to run next.
fn next(args: &Args, operator_is_here: bool, guard: Option<&Path>) -> String {
    let dir = shell_word(&args.dir);
    let url = format!("http://{}", args.listen);
    let guard = guard.map_or_else(|| default_guard_path(&args.dir), Path::to_owned);
    let signed = match operator_is_here {
        true => {
            format!("  pulselog sign --kind audit_roots --key {dir}/operator.pem {dir}/roots.json > roots.signed.json")
        }
        false => format!("  pulselog sign --kind audit_roots --key OPERATOR.pem {dir}/roots.json > roots.signed.json"),
    };
    format!(
        "Head guard: {}\n\n\
         Serve it, and leave it running:\n  pulselog serve {dir}\n\n\
         Say whose word counts: fill in {dir}/roots.json (`pulselog sign --help`), then\n\
         {signed}\n  \
         pulselog submit --url {url} --token-file {dir}/operator.token roots.signed.json\n\n\
         Let another system submit:\n  \
         pulselog token new gateway-1 --data {dir} --kinds gateway_receipt --out gateway-1.token\n\n\
         Publish {dir}/trust.policy and {dir}/operator.did: verifiers need both. Keep copies\n\
         of log.pem and operator.pem where this machine's loss does not reach them.\n",
        guard.display()
    )
}

/// A path as a shell takes it.
fn shell_word(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+@".contains(&byte);
    if text.bytes().all(plain) { text } else { format!("'{}'", text.replace('\'', "'\\''")) }
}
