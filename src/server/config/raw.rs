//! Settings as they are given: in the file, in the environment, as flags.

use std::path::{Path, PathBuf};

use crate::server::config::{ConfigError, ENV_PREFIX, crowd};

/// Settings as given, before any is believed. Absent means: not given here.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawConfig {
    /// Data directory. Not from the file, which lies in it.
    #[serde(skip)]
    pub data: Option<PathBuf>,
    /// Configuration file; default `DIR/pulselog.toml`, if it is there.
    #[serde(skip)]
    pub config: Option<PathBuf>,
    /// Address and port.
    pub listen: Option<String>,
    /// Leave to listen beyond this machine.
    pub public: Option<bool>,
    /// Show what lies there, and write nothing.
    pub read_only: Option<bool>,
    /// Address under which readers reach the log.
    pub public_url: Option<String>,
    /// Origin line.
    pub origin: Option<String>,
    /// File of the log's key.
    pub key: Option<PathBuf>,
    /// did:key of the operator.
    pub operator: Option<String>,
    /// Checkpoint files that the store must extend.
    pub seen: Option<Vec<PathBuf>>,
    /// Head guard file.
    pub guard: Option<PathBuf>,
    /// Least time between two checkpoints, milliseconds.
    pub checkpoint_interval_ms: Option<u64>,
    /// Free bytes below which writes are refused.
    pub free_disk_bytes_min: Option<u64>,
    /// Bytes of the store's cache.
    pub store_cache_bytes: Option<usize>,
    /// Bytes of the store's rows that are in no table yet.
    pub store_memtables_bytes: Option<usize>,
    /// Bytes of folded tiles that proofs climb through.
    pub store_tree_bytes: Option<usize>,
    /// Most bytes of one artifact.
    pub artifact_bytes_max: Option<usize>,
    /// Most bytes of a single submission.
    pub body_bytes_max: Option<usize>,
    /// Most bytes of a batch.
    pub batch_bytes_max: Option<usize>,
    /// Most artifacts of a batch.
    pub batch_items_max: Option<usize>,
    /// Longest time for one request, milliseconds.
    pub request_timeout_ms: Option<u64>,
    /// What is logged, e.g. `info` or `pulselog=debug`.
    pub log: Option<String>,
    /// A time that is right, RFC 3339. From the command line alone: it is said
    /// once, about one start.
    #[serde(skip)]
    pub accept_clock: Option<String>,
    /// Settings of [`crowd::ROWS`].
    #[serde(skip)]
    pub crowd: crowd::Given,
}

impl RawConfig {
    /// Reads TOML. Paths in it begin where `file` stands.
    ///
    /// # Errors
    /// [`ConfigError::File`] names the key or line.
    pub fn from_toml(text: &str, file: &Path) -> Result<Self, ConfigError> {
        let refused = |why: String| ConfigError::File { path: file.to_owned(), why };
        let mut table: toml::Table = toml::from_str(text).map_err(|e| refused(e.message().to_owned()))?;
        let crowd = crowd::take(&mut table).map_err(|name| refused(format!("{name}: must be a whole number")))?;
        let raw: Self = table.try_into().map_err(|e: toml::de::Error| refused(e.message().to_owned()))?;
        let mut raw = Self { crowd, ..raw };
        let at = file.parent().unwrap_or(Path::new(""));
        let paths = raw.key.iter_mut().chain(&mut raw.guard).chain(raw.seen.iter_mut().flatten());
        paths.for_each(|path| *path = at.join(&*path));
        Ok(raw)
    }

    /// Picks our variables. `PULSELOG_SEEN` lists files separated by colons;
    /// other names with the prefix belong to other commands and are left alone.
    ///
    /// # Errors
    /// [`ConfigError::Variable`] for a value of the wrong type.
    pub fn from_env(vars: impl Iterator<Item = (String, String)>) -> Result<Self, ConfigError> {
        let mut raw = Self::default();
        for (name, value) in vars {
            let Some(key) = name.strip_prefix(ENV_PREFIX) else { continue };
            let wrong = || ConfigError::Variable { name: name.clone() };
            let number = || value.parse().map_err(|_| wrong());
            let size = || value.parse().map_err(|_| wrong());
            match key {
                "DATA" => raw.data = Some(value.into()),
                "CONFIG" => raw.config = Some(value.into()),
                "LISTEN" => raw.listen = Some(value),
                "PUBLIC" => raw.public = Some(value.parse().map_err(|_| wrong())?),
                "READ_ONLY" => raw.read_only = Some(value.parse().map_err(|_| wrong())?),
                "PUBLIC_URL" => raw.public_url = Some(value),
                "ORIGIN" => raw.origin = Some(value),
                "KEY" => raw.key = Some(value.into()),
                "OPERATOR" => raw.operator = Some(value),
                "SEEN" => raw.seen = Some(value.split(':').map(PathBuf::from).collect()),
                "GUARD" => raw.guard = Some(value.into()),
                "CHECKPOINT_INTERVAL_MS" => raw.checkpoint_interval_ms = Some(number()?),
                "FREE_DISK_BYTES_MIN" => raw.free_disk_bytes_min = Some(number()?),
                "STORE_CACHE_BYTES" => raw.store_cache_bytes = Some(size()?),
                "STORE_MEMTABLES_BYTES" => raw.store_memtables_bytes = Some(size()?),
                "STORE_TREE_BYTES" => raw.store_tree_bytes = Some(size()?),
                "ARTIFACT_BYTES_MAX" => raw.artifact_bytes_max = Some(size()?),
                "BODY_BYTES_MAX" => raw.body_bytes_max = Some(size()?),
                "BATCH_BYTES_MAX" => raw.batch_bytes_max = Some(size()?),
                "BATCH_ITEMS_MAX" => raw.batch_items_max = Some(size()?),
                "REQUEST_TIMEOUT_MS" => raw.request_timeout_ms = Some(number()?),
                "LOG" => raw.log = Some(value),
                _ => {
                    if let Some(row) = crowd::row(&key.to_ascii_lowercase()) {
                        raw.crowd.insert(row.name, number()?);
                    }
                }
            }
        }
        Ok(raw)
    }

    /// `self` where it says something, `below` where it does not.
    #[must_use]
    pub fn over(self, below: Self) -> Self {
        Self {
            data: self.data.or(below.data),
            config: self.config.or(below.config),
            listen: self.listen.or(below.listen),
            public: self.public.or(below.public),
            read_only: self.read_only.or(below.read_only),
            public_url: self.public_url.or(below.public_url),
            origin: self.origin.or(below.origin),
            key: self.key.or(below.key),
            operator: self.operator.or(below.operator),
            seen: self.seen.or(below.seen),
            guard: self.guard.or(below.guard),
            checkpoint_interval_ms: self.checkpoint_interval_ms.or(below.checkpoint_interval_ms),
            free_disk_bytes_min: self.free_disk_bytes_min.or(below.free_disk_bytes_min),
            store_cache_bytes: self.store_cache_bytes.or(below.store_cache_bytes),
            store_memtables_bytes: self.store_memtables_bytes.or(below.store_memtables_bytes),
            store_tree_bytes: self.store_tree_bytes.or(below.store_tree_bytes),
            artifact_bytes_max: self.artifact_bytes_max.or(below.artifact_bytes_max),
            body_bytes_max: self.body_bytes_max.or(below.body_bytes_max),
            batch_bytes_max: self.batch_bytes_max.or(below.batch_bytes_max),
            batch_items_max: self.batch_items_max.or(below.batch_items_max),
            request_timeout_ms: self.request_timeout_ms.or(below.request_timeout_ms),
            log: self.log.or(below.log),
            accept_clock: self.accept_clock.or(below.accept_clock),
            crowd: below.crowd.into_iter().chain(self.crowd).collect(),
        }
    }
}
