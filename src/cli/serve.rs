//! `pulselog serve`: run a log.

use pulselog::codes::start::CONFIG_INVALID;
use pulselog::server::config::{Config, ConfigError, ENV_PREFIX, RawConfig};
use pulselog::server::kernel::{self, exit_now};
use pulselog::server::log::recovery::OpenError;
use pulselog::server::signals::Signals;
use pulselog::server::{ServeError, Server};

use crate::cli::failure::{Exit, Failure};
use crate::cli::tell;

const AFTER: &str = "\
Settings come from DIR/pulselog.toml (or --config), overridden by PULSELOG_*
variables, overridden by flags; names are the same everywhere. Origin, key and
operator are pinned when the log is initialised.

After any restore from a backup --seen is required: store and guard that were
restored together look sound, and only a checkpoint kept elsewhere shows that
entries are missing. Keep the newest checkpoint somewhere else.

Writes are refused while the clock is more than 10 s behind the last entry, or at
a start more than an hour ahead of when the log last ran and nothing synchronises
it. Where the clock is right nevertheless, --accept-clock names its time: believed
at a start within 10 minutes of it, and written down beside the guard.

With --read-only nothing is written, neither store nor guard: submissions get 503
served_read_only, each proof is verified before it leaves, and a read that needs
something damaged answers store_damaged. It shows no checkpoint that the log had
not published. A store with holes, damaged blocks, a fork mark or a lost guard is
served too; /readyz names what is damaged. Where guard or --seen know of more than
the store holds, what is not found is store_damaged, never absent. The log itself
must be stopped, and does not start while it is shown; fsck may run beside it.

[[webhooks]] rows of the configuration file name whom it tells what changed, signed:
name, url, key_file, events, ca_file (docs/WEBHOOKS.md).

SIGINT and SIGTERM stop it, also while it starts. SIGHUP reads the tokens again.

Examples:
  pulselog init mylog --origin log.example.com/argocd      keys and mylog/pulselog.toml
  pulselog serve mylog
  pulselog serve mylog --seen kept.checkpoint              after a restore
  pulselog serve --data /var/lib/pulselog --origin log.example.com/argocd \\
      --key log.pem --operator did:key:z6Mk…               without a file
  pulselog serve mylog --read-only                         a damaged store, as far as it is whole
  pulselog serve mylog --accept-clock \"$(date -u +%FT%TZ)\"   where the clock is right

Exit codes: 0 stopped by a signal, 1 refused to start or stopped, 2 wrong usage.";

/// Run the log on one machine.
#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub struct Args {
    #[command(flatten)]
    settings: RawConfig,
}

pub fn run(args: Args) -> Result<Exit, Failure> {
    kernel::keep_heaps_few();
    // Before anything that takes time: a stop while the log recovers is a stop.
    let signals = Signals::listen().map_err(|error| failed(ServeError::Runtime(error)))?;
    let config = load(args.settings)?;
    let server = Server::start(config).map_err(failed)?;
    tell(&format!("pulselog: serving {} on http://{}", server.state().facts.origin, server.addr()));
    end(server.wait(signals).map_err(failed))
}

/// The configuration, with logging as it says.
pub fn load(flags: RawConfig) -> Result<Config, Failure> {
    let config = Config::load(flags, variables()?.into_iter()).map_err(|error| refused(&error))?;
    pulselog::server::telemetry::init(&config.log).map_err(Failure::usage)?;
    Ok(config)
}

/// What was given is refused: by what a file holds, or as wrong usage.
pub fn refused(error: &ConfigError) -> Failure {
    let message = format!("{error} [{}]", error.code());
    match error {
        ConfigError::File { .. } | ConfigError::Key { .. } | ConfigError::KeyMode { .. } => Failure::fail(message),
        _ => Failure::usage(message),
    }
}

pub fn failed(error: ServeError) -> Failure {
    let advice = match error {
        ServeError::Bind { .. } => {
            "; end what listens there, or choose another: --listen ADDRESS:PORT for the log, --metrics-listen for its counters"
        }
        _ => "",
    };
    let message = format!("{error}{advice} [{}]", error.code());
    match error {
        // The directory is another than was meant, as for fsck.
        ServeError::Open(OpenError::NoLog { .. }) => Failure::usage(message),
        _ => Failure::fail(message),
    }
}

/// Ends the process of a service as its end says. Threads may still work on
/// the store, after a doubt or when one of them is stuck: nothing is taken
/// apart under them.
pub fn end(ended: Result<(), Failure>) -> ! {
    let exit = match ended {
        Ok(()) => Exit::Pass,
        Err(failure) => {
            tell(&format!("pulselog: {}", failure.message));
            failure.exit
        }
    };
    exit_now(exit.number().into())
}

/// Our variables. What other programs keep in theirs need not be text.
pub fn variables() -> Result<Vec<(String, String)>, Failure> {
    let ours = std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
    let ours = ours.filter(|(name, _)| name.starts_with(ENV_PREFIX));
    let text = |(name, value): (String, std::ffi::OsString)| match value.into_string() {
        Ok(value) => Ok((name, value)),
        Err(_) => Err(Failure::usage(format!("{name}: must be UTF-8 [{CONFIG_INVALID}]"))),
    };
    ours.map(text).collect()
}
