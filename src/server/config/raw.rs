//! Settings as they are given: in the file, in the environment, as flags. Each
//! stands here once: its name, its words, its type.

use std::path::{Path, PathBuf};

use clap::{Args as _, FromArgMatches as _};
use merge::Merge as _;

use crate::server::config::{ConfigError, ENV_PREFIX, crowd, webhooks};

/// Settings that find a log and say whose it is. Absent means: not given here.
#[derive(Clone, Debug, Default, PartialEq, Eq, clap::Args, serde::Deserialize, merge::Merge)]
#[serde(deny_unknown_fields)]
#[merge(strategy = merge::option::overwrite_none)]
pub struct Place {
    /// Data directory, as `pulselog init` made it.
    #[arg(value_name = "DIR", conflicts_with = "data")]
    #[serde(skip)]
    pub dir: Option<PathBuf>,
    /// The same as a flag.
    #[arg(long, value_name = "DIR")]
    #[serde(skip)]
    pub data: Option<PathBuf>,
    /// Head guard, best on another disk [default: DIR.guard].
    #[arg(long, value_name = "FILE")]
    pub guard: Option<PathBuf>,
    /// Origin line of every checkpoint.
    #[arg(long, value_name = "NAME")]
    pub origin: Option<String>,
    /// File of the log's key (PKCS#8 PEM, mode 0600).
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// did:key of the operator whose audit_roots count.
    #[arg(long, value_name = "DID")]
    pub operator: Option<String>,
    /// Configuration file [default: DIR/pulselog.toml, if it is there].
    #[arg(long, value_name = "FILE")]
    #[serde(skip)]
    pub config: Option<PathBuf>,
}

/// Settings as given, before any is believed. Absent means: not given here.
#[derive(Clone, Debug, Default, PartialEq, Eq, clap::Args, serde::Deserialize, merge::Merge)]
#[serde(deny_unknown_fields)]
#[merge(strategy = merge::option::overwrite_none)]
pub struct RawConfig {
    #[command(flatten)]
    #[serde(skip)]
    #[merge(strategy = merge::Merge::merge)]
    pub place: Place,
    /// Address and port [default: 127.0.0.1:8080].
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<String>,
    /// Address and port of the counters (/metrics), apart from what readers reach
    /// [default: 127.0.0.1, the port after that of listen].
    #[arg(long, value_name = "ADDR")]
    pub metrics_listen: Option<String>,
    /// Allow an address that other machines reach; TLS is the proxy's.
    #[arg(long, value_name = "true|false", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    #[arg(hide_possible_values = true)]
    pub public: Option<bool>,
    /// Address under which readers reach the log: the only source of absolute
    /// addresses on its pages [default: none, and commands name where it listens].
    #[arg(long, value_name = "URL")]
    pub public_url: Option<String>,
    /// Show the log as it lies and write nothing: for a store that is damaged.
    #[arg(long, value_name = "true|false", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    #[arg(hide_possible_values = true)]
    pub read_only: Option<bool>,
    /// A checkpoint kept elsewhere that the store must extend; repeatable.
    #[arg(long, value_name = "CHECKPOINT")]
    pub seen: Option<Vec<PathBuf>>,
    /// The time, where the clock is right and the log refuses it; once.
    #[arg(long, value_name = "TIME")]
    #[serde(skip)]
    pub accept_clock: Option<String>,
    /// Least milliseconds between two checkpoints; 0 signs every commit [default: 0].
    #[arg(long, value_name = "MS")]
    pub checkpoint_interval_ms: Option<u64>,
    /// Free bytes below which writes are refused [default: 1 GiB].
    #[arg(long, value_name = "BYTES")]
    pub free_disk_bytes_min: Option<u64>,
    /// Memory of the store's cache; smaller costs disk reads [default: 96 MiB].
    #[arg(long, value_name = "BYTES")]
    pub store_cache_bytes: Option<usize>,
    /// Memory of the store's newest rows [default: 64 MiB].
    #[arg(long, value_name = "BYTES")]
    pub store_memtables_bytes: Option<usize>,
    /// Memory of folded tiles that proofs climb through [default: 16 MiB].
    #[arg(long, value_name = "BYTES")]
    pub store_tree_bytes: Option<usize>,
    /// Most bytes of one artifact [default: 2 MiB].
    #[arg(long, value_name = "BYTES")]
    pub artifact_bytes_max: Option<usize>,
    /// Most bytes of a single submission [default: 4 MiB].
    #[arg(long, value_name = "BYTES")]
    pub body_bytes_max: Option<usize>,
    /// Most bytes of a batch [default: 16 MiB].
    #[arg(long, value_name = "BYTES")]
    pub batch_bytes_max: Option<usize>,
    /// Most artifacts of a batch [default: 4096].
    #[arg(long, value_name = "N")]
    pub batch_items_max: Option<usize>,
    /// Longest time for one request [default: 30000].
    #[arg(long, value_name = "MS")]
    pub request_timeout_ms: Option<u64>,
    /// Who may read the log: public, token (whoever has a reader's token) or proxy
    /// (whom a proxy names); `access` in `[viewer]` [default: public].
    #[arg(long, value_name = "MODE")]
    pub viewer_access: Option<String>,
    /// Header in which that proxy names the user; `user_header` in `[viewer]`.
    #[arg(long, value_name = "HEADER")]
    pub viewer_user_header: Option<String>,
    /// With access token: header in which a proxy names its client's address, so
    /// that wrong tries to sign in are counted by client; `client_header` in `[viewer]`.
    #[arg(long, value_name = "HEADER")]
    pub viewer_client_header: Option<String>,
    /// Addresses or networks of that proxy, from which alone the header is
    /// believed; `trusted_proxies` in `[viewer]`.
    #[arg(long, value_name = "ADDRS", value_delimiter = ',')]
    pub viewer_trusted_proxies: Option<Vec<String>>,
    /// What is logged to standard error, e.g. warn or pulselog=debug [default: info].
    #[arg(long, value_name = "FILTER")]
    pub log: Option<String>,
    /// Who is told what changed: in the file alone.
    #[arg(skip)]
    pub webhooks: Option<Vec<webhooks::Row>>,
    /// Settings of [`crowd::ROWS`].
    #[command(flatten)]
    #[serde(skip)]
    #[merge(strategy = merge::Merge::merge)]
    pub crowd: crowd::Given,
}

/// The table of the file whose settings begin with its name elsewhere.
const VIEWER: &str = "viewer";
/// Said about one start, so by a flag alone.
const FLAG_ALONE: &str = "accept_clock";

impl Place {
    /// Data directory.
    #[must_use]
    pub fn data(&self) -> Option<&Path> {
        self.dir.as_deref().or(self.data.as_deref())
    }
}

impl From<Place> for RawConfig {
    fn from(place: Place) -> Self {
        Self { place, ..Self::default() }
    }
}

impl RawConfig {
    /// Reads TOML. Paths in it begin where `file` stands.
    ///
    /// # Errors
    /// [`ConfigError::File`] names the key or line.
    pub fn from_toml(text: &str, file: &Path) -> Result<Self, ConfigError> {
        let refused = |why: String| ConfigError::File { path: file.to_owned(), why };
        // Of the names that a part of the settings knows, none may be what was meant.
        let read = |error: toml::de::Error| match error.message().split_once(", expected ") {
            Some((unknown, _)) if unknown.starts_with("unknown field ") => {
                refused(format!("{unknown}; serve --help lists all, --a-b as a_b"))
            }
            _ => refused(error.message().to_owned()),
        };
        let mut table: toml::Table = toml::from_str(text).map_err(read)?;
        if let Some(viewer) = table.remove(VIEWER) {
            let toml::Value::Table(viewer) = viewer else { return Err(refused("viewer: must be a table".to_owned())) };
            table.extend(viewer.into_iter().map(|(name, value)| (format!("{VIEWER}_{name}"), value)));
        }
        let crowd = crowd::take(&mut table).map_err(|name| refused(format!("{name}: must be a whole number")))?;
        let of_place = Place::augment_args(clap::Command::new(""));
        let is_of_place = |name: &str| of_place.get_arguments().any(|arg| arg.get_id() == name);
        let (place, rest): (toml::Table, toml::Table) = table.into_iter().partition(|(name, _)| is_of_place(name));
        let raw: Self = rest.try_into().map_err(read)?;
        let mut raw = Self { place: place.try_into().map_err(read)?, crowd, ..raw };
        let at = file.parent().unwrap_or(Path::new(""));
        let paths = raw.place.key.iter_mut().chain(&mut raw.place.guard).chain(raw.seen.iter_mut().flatten());
        paths.for_each(|path| *path = at.join(&*path));
        webhooks::place(raw.webhooks.as_deref_mut().unwrap_or_default(), at);
        Ok(raw)
    }

    /// Picks our variables, each read as its flag is. `PULSELOG_SEEN` lists files
    /// separated by colons; other names with the prefix belong to other commands
    /// and are left alone.
    ///
    /// # Errors
    /// [`ConfigError::Variable`] for a value of the wrong type.
    pub fn from_env(vars: impl Iterator<Item = (String, String)>) -> Result<Self, ConfigError> {
        let command = Self::augment_args(clap::Command::new("").no_binary_name(true));
        let mut raw = Self::default();
        for (name, value) in vars {
            let id = name.strip_prefix(ENV_PREFIX).unwrap_or_default().to_ascii_lowercase();
            let arg = command.get_arguments().find(|arg| arg.get_id() == id.as_str() && id != FLAG_ALONE);
            let Some(flag) = arg.and_then(clap::Arg::get_long) else { continue };
            let values = if id == "seen" { value.split(':').collect() } else { vec![value.as_str()] };
            let line = values.iter().map(|value| format!("--{flag}={value}"));
            let read = command.clone().try_get_matches_from(line).and_then(|flags| Self::from_arg_matches(&flags));
            raw = raw.over(read.map_err(|_| ConfigError::Variable { name })?);
        }
        Ok(raw)
    }

    /// `self` where it says something, `below` where it does not.
    #[must_use]
    pub fn over(mut self, below: Self) -> Self {
        self.merge(below);
        self
    }
}
