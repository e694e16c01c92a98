//! Where a log is: the arguments of everything that works on one in place.

use std::path::PathBuf;

use pulselog::server::config::RawConfig;

/// Flags that find a log and say whose it is. Absent ones come from
/// `PULSELOG_*` variables and the configuration file.
#[derive(clap::Args)]
pub struct Place {
    /// Data directory, as `pulselog init` made it.
    #[arg(value_name = "DIR", conflicts_with = "data")]
    dir: Option<PathBuf>,
    /// The same as a flag.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Head guard, best on another disk [default: DIR.guard].
    #[arg(long, value_name = "FILE")]
    guard: Option<PathBuf>,
    /// Origin line of every checkpoint.
    #[arg(long, value_name = "NAME")]
    origin: Option<String>,
    /// File of the log's key (PKCS#8 PEM, mode 0600).
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// did:key of the operator whose audit_roots count.
    #[arg(long, value_name = "DID")]
    operator: Option<String>,
    /// Configuration file [default: DIR/pulselog.toml, if it is there].
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Place {
    /// As settings; everything else is left to file and environment.
    pub fn settings(self) -> RawConfig {
        RawConfig {
            data: self.dir.or(self.data),
            guard: self.guard,
            origin: self.origin,
            key: self.key,
            operator: self.operator,
            config: self.config,
            ..RawConfig::default()
        }
    }
}
