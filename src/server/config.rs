//! Configuration: TOML, overridden by `PULSELOG_*`, overridden by flags; made
//! into one [`Config`] once, at start. Nothing reads the environment later.
//!
//! ```toml
//! listen = "127.0.0.1:8080"
//! metrics_listen = "127.0.0.1:8081"
//! origin = "log.example/argocd"
//! key = "/etc/pulselog/log.pem"          # PKCS#8 PEM, mode 0600
//! operator = "did:key:z6Mk…"
//! public_url = "https://log.example"     # what absolute addresses begin with
//! guard = "/mnt/other-disk/log.guard"    # default: DIR.guard
//! free_disk_bytes_min = 1073741824
//!
//! [[webhooks]]                           # docs/WEBHOOKS.md
//! name = "oncall"
//! url = "https://hooks.example/pulselog"
//! key_file = "oncall.key"
//!
//! [viewer]                               # as a flag --viewer-access
//! access = "proxy"                       # public, token, proxy
//! user_header = "x-auth-request-user"
//! trusted_proxies = ["127.0.0.1"]
//! ```
//!
//! An unknown key in the file refuses, and paths in it begin at the file: the
//! directory can be moved, and it does not matter where the log is started.
//! Names are the same everywhere:
//! `free_disk_bytes_min`, `PULSELOG_FREE_DISK_BYTES_MIN`, `--free-disk-bytes-min`.

pub mod crowd;
mod error;
pub(crate) mod files;
mod raw;
mod viewer;
pub mod webhooks;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use self::error::ConfigError;
pub use self::raw::{Place, RawConfig};

use crate::artifact::{self, Did};
use crate::checkpoint::Origin;
use crate::note::{KeyName, SignerKey};
use crate::server::access::Viewer;
use crate::server::config::crowd::Crowd;
use crate::server::config::files::{read_bytes, read_key, read_text};
use crate::server::config::webhooks::Target;
use crate::server::log::default_guard_path;
use crate::server::store::{self, BUDGET_BYTES_MIN, Budget};

/// Where the service listens unless told otherwise.
pub const LISTEN_DEFAULT: &str = "127.0.0.1:8080";
/// Configuration file looked for in the data directory.
pub const FILE_NAME: &str = "pulselog.toml";
/// Prefix of environment variables.
pub const ENV_PREFIX: &str = "PULSELOG_";
/// What the log writes about itself unless told otherwise.
const LOG_DEFAULT: &str = "info";

/// Limits of requests. All are bytes, counts or times of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Of one artifact: 2 MiB for input and compact form, depth 64.
    pub artifact: artifact::Limits,
    /// Of a single submission, bytes: 4 MiB leaves room for white space.
    pub body_bytes_max: usize,
    /// Of a batch, bytes: 16 MiB, 4,096 × 4 kB.
    pub batch_bytes_max: usize,
    /// Artifacts of a batch: what one commit can hold.
    pub batch_items_max: usize,
    /// Of any request, from its first byte to its answer.
    pub request_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            artifact: artifact::Limits::default(),
            body_bytes_max: 4 << 20,
            batch_bytes_max: 16 << 20,
            batch_items_max: 4_096,
            request_timeout: Duration::from_secs(30),
        }
    }
}

/// Free bytes below which writes are refused: 1 GiB.
pub const FREE_DISK_BYTES_MIN: u64 = 1 << 30;

/// Everything the service needs to start, read and checked.
pub struct Config {
    /// Data directory.
    pub data: PathBuf,
    /// Address and port; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Address and port of the counters; `None` is the port after `listen`'s on
    /// this machine, where it is free.
    pub metrics_listen: Option<SocketAddr>,
    /// Address under which readers reach the log; absolute addresses need it.
    pub public_url: Option<String>,
    /// Origin line.
    pub origin: Origin,
    /// The log's own key.
    pub signer: SignerKey,
    /// Operator whose roots count.
    pub operator: Did,
    /// Checkpoints that the store must extend.
    pub seen: Vec<Vec<u8>>,
    /// Head guard file.
    pub guard: PathBuf,
    /// Least time between two checkpoints; zero signs every commit.
    pub checkpoint_interval: Duration,
    /// Free bytes below which writes are refused.
    pub free_disk_bytes_min: u64,
    /// Memory of the store.
    pub budget: Budget,
    /// Shown as it lies, and nothing is written.
    pub read_only: bool,
    /// A time that the operator says is right, Unix milliseconds.
    pub accept_clock: Option<u64>,
    /// Limits of requests.
    pub limits: Limits,
    /// What many clients at once may take.
    pub crowd: Crowd,
    /// Who may read bodies, names, findings and counts.
    pub viewer: Viewer,
    /// Who is told what changed.
    pub webhooks: Vec<Target>,
    /// What is logged.
    pub log: String,
}

impl Config {
    /// A log on 127.0.0.1 at a free port with every default: for tests and demos.
    #[must_use]
    pub fn local(data: PathBuf, origin: Origin, signer: SignerKey, operator: Did) -> Self {
        Self {
            guard: default_guard_path(&data),
            data,
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            metrics_listen: Some(SocketAddr::from(([127, 0, 0, 1], 0))),
            public_url: None,
            origin,
            signer,
            operator,
            seen: Vec::new(),
            checkpoint_interval: Duration::ZERO,
            free_disk_bytes_min: FREE_DISK_BYTES_MIN,
            budget: Budget::default(),
            read_only: false,
            accept_clock: None,
            limits: Limits::default(),
            crowd: Crowd::default(),
            viewer: Viewer::default(),
            webhooks: Vec::new(),
            log: LOG_DEFAULT.to_owned(),
        }
    }

    /// Flags over environment over file, then every file they name.
    ///
    /// # Errors
    /// [`ConfigError`] names the setting.
    pub fn load(flags: RawConfig, env: impl Iterator<Item = (String, String)>) -> Result<Self, ConfigError> {
        let (data, raw) = settings(flags, env)?;
        Self::build(data, raw)
    }

    fn build(data: PathBuf, raw: RawConfig) -> Result<Self, ConfigError> {
        let text = raw.listen.unwrap_or_else(|| LISTEN_DEFAULT.to_owned());
        let listen = address("listen", &text)?;
        if !listen.ip().is_loopback() && raw.public != Some(true) {
            return Err(ConfigError::NotPublic { listen });
        }
        let unnamed = || match data.is_dir() {
            true => ConfigError::Missing { name: "origin" },
            false => ConfigError::NoDirectory { path: data.clone() },
        };
        let origin_text = raw.place.origin.ok_or_else(unnamed)?;
        let origin = Origin::parse(&origin_text).map_err(|e| invalid("origin", e))?;
        let name = KeyName::parse(&origin_text).map_err(|e| invalid("origin", e))?;
        let key = raw.place.key.ok_or(ConfigError::Missing { name: "key" })?;
        let operator = raw.place.operator.ok_or(ConfigError::Missing { name: "operator" })?;
        let defaults = Limits::default();
        let limits = Limits {
            artifact: artifact::Limits {
                artifact_bytes_max: raw.artifact_bytes_max.unwrap_or(defaults.artifact.artifact_bytes_max),
                ..defaults.artifact
            },
            body_bytes_max: raw.body_bytes_max.unwrap_or(defaults.body_bytes_max),
            batch_bytes_max: raw.batch_bytes_max.unwrap_or(defaults.batch_bytes_max),
            batch_items_max: raw.batch_items_max.unwrap_or(defaults.batch_items_max),
            request_timeout: raw.request_timeout_ms.map_or(defaults.request_timeout, Duration::from_millis),
        };
        check_limits(&limits)?;
        if let Some(place) = raw.place.guard.as_deref().and_then(Path::parent) {
            // Empty: a bare name, in the directory that the log is started in.
            if !place.as_os_str().is_empty() && !place.is_dir() {
                let why = format!("its directory {} does not exist; make it, or mount the disk", place.display());
                return Err(invalid("guard", why));
            }
        }
        let viewer = viewer::build(viewer::Given {
            access: raw.viewer_access,
            user_header: raw.viewer_user_header,
            client_header: raw.viewer_client_header,
            trusted_proxies: raw.viewer_trusted_proxies,
        })?;
        let default = Budget::default();
        let budget = Budget {
            cache_bytes: raw.store_cache_bytes.unwrap_or(default.cache_bytes),
            memtables_bytes: raw.store_memtables_bytes.unwrap_or(default.memtables_bytes),
            tree_bytes: raw.store_tree_bytes.unwrap_or(default.tree_bytes),
        };
        check_budget(budget)?;
        Ok(Self {
            guard: raw.place.guard.unwrap_or_else(|| default_guard_path(&data)),
            listen,
            metrics_listen: raw.metrics_listen.map(|text| address("metrics_listen", &text)).transpose()?,
            public_url: raw.public_url.map(parse_public_url).transpose()?,
            origin,
            signer: read_key(name, &key)?,
            operator: parse_operator(&operator)?,
            seen: raw.seen.unwrap_or_default().iter().map(|p| read_bytes(p)).collect::<Result<_, _>>()?,
            checkpoint_interval: Duration::from_millis(raw.checkpoint_interval_ms.unwrap_or(0)),
            free_disk_bytes_min: raw.free_disk_bytes_min.unwrap_or(FREE_DISK_BYTES_MIN),
            budget,
            read_only: raw.read_only.unwrap_or(false),
            accept_clock: raw.accept_clock.as_deref().map(parse_time).transpose()?,
            limits,
            crowd: Crowd::build(&raw.crowd)?,
            viewer,
            webhooks: webhooks::check(raw.webhooks.unwrap_or_default())?,
            log: raw.log.unwrap_or_else(|| LOG_DEFAULT.to_owned()),
            data,
        })
    }
}

/// Everything that was given, and the data directory: flags over environment
/// over the file.
fn settings(
    flags: RawConfig,
    env: impl Iterator<Item = (String, String)>,
) -> Result<(PathBuf, RawConfig), ConfigError> {
    let given = flags.over(RawConfig::from_env(env)?);
    let data = given.place.data().ok_or(ConfigError::Missing { name: "data" })?.to_owned();
    let file = match &given.place.config {
        Some(path) => Some(path.clone()),
        None => Some(data.join(FILE_NAME)).filter(|path| path.exists()),
    };
    let below = match file {
        Some(path) => RawConfig::from_toml(&read_text(&path)?, &path)?,
        None => RawConfig::default(),
    };
    Ok((data, given.over(below)))
}

/// Where the head guard of a log is, for whoever looks at one that is stopped.
///
/// # Errors
/// As [`Config::load`], of the file and the environment.
pub fn guard(flags: RawConfig, env: impl Iterator<Item = (String, String)>) -> Result<PathBuf, ConfigError> {
    let (data, raw) = settings(flags, env)?;
    Ok(raw.place.guard.unwrap_or_else(|| default_guard_path(&data)))
}

fn address(name: &'static str, text: &str) -> Result<SocketAddr, ConfigError> {
    text.parse().map_err(|_| invalid(name, "must be ADDRESS:PORT"))
}

fn parse_time(text: &str) -> Result<u64, ConfigError> {
    let time: jiff::Timestamp =
        text.parse().map_err(|_| invalid("accept_clock", "must be a time like 2026-11-26T10:00:00Z"))?;
    u64::try_from(time.as_millisecond()).map_err(|_| invalid("accept_clock", "must be after 1970"))
}

/// What pages repeat in commands to copy, so it holds nothing that a shell reads.
fn parse_public_url(text: String) -> Result<String, ConfigError> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or_default();
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b".:-[]/_~".contains(&b);
    if rest.is_empty() || rest.starts_with('/') || rest.ends_with('/') || !rest.bytes().all(is_plain) {
        let rule = "must be http:// or https://, a host and perhaps a path, without a slash at the end";
        return Err(invalid("public_url", rule));
    }
    Ok(text)
}

/// Reads the operator: a did:key.
///
/// # Errors
/// [`ConfigError::Invalid`].
pub fn parse_operator(text: &str) -> Result<Did, ConfigError> {
    let did = Did::parse(text).map_err(|e| invalid("operator", e))?;
    did.key().map_err(|e| invalid("operator", e))?;
    Ok(did)
}

/// Zero would refuse everything, and an entry beyond the batch cannot be committed.
fn check_limits(limits: &Limits) -> Result<(), ConfigError> {
    let bounds = [
        ("artifact_bytes_max", limits.artifact.artifact_bytes_max, 64 << 20),
        ("body_bytes_max", limits.body_bytes_max, 256 << 20),
        ("batch_bytes_max", limits.batch_bytes_max, 256 << 20),
        ("batch_items_max", limits.batch_items_max, crate::sequence::COMMIT_ENTRIES_MAX),
    ];
    match bounds.iter().find(|(_, value, max)| *value == 0 || value > max) {
        Some((name, _, max)) => Err(invalid(name, format!("must be within 1 and {max}"))),
        None if limits.request_timeout.is_zero() => Err(invalid("request_timeout_ms", "must be at least 1")),
        None => Ok(()),
    }
}

fn check_budget(budget: Budget) -> Result<(), ConfigError> {
    let bounds = [
        ("store_cache_bytes", budget.cache_bytes, BUDGET_BYTES_MIN, store::CACHE_BYTES_MAX),
        ("store_memtables_bytes", budget.memtables_bytes, BUDGET_BYTES_MIN, store::MEMTABLES_BYTES_MAX),
        ("store_tree_bytes", budget.tree_bytes, store::TREE_BYTES_MIN, store::TREE_BYTES_MAX),
    ];
    match bounds.iter().find(|(_, value, min, max)| value < min || value > max) {
        Some((name, _, min, max)) => Err(invalid(name, format!("must be within {min} and {max}"))),
        None => Ok(()),
    }
}

fn invalid(name: &'static str, why: impl ToString) -> ConfigError {
    ConfigError::Invalid { name, why: why.to_string() }
}
