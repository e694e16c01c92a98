//! `pulselog serve`: run a log.

use std::path::PathBuf;

use pulselog::codes::start::CONFIG_INVALID;
use pulselog::server::config::{Config, ConfigError, ENV_PREFIX, RawConfig, crowd};
use pulselog::server::kernel::{self, exit_now};
use pulselog::server::signals::Signals;
use pulselog::server::{ServeError, Server};

use crate::cli::failure::{Exit, Failure};
use crate::cli::place::Place;
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
    place: Place,
    /// Address and port [default: 127.0.0.1:8080].
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// Allow an address that other machines reach; TLS is the proxy's.
    #[arg(long)]
    public: bool,
    /// Address under which readers reach the log, for commands on its pages
    /// [default: the address it listens at].
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// Show the log as it lies and write nothing: for a store that is damaged.
    #[arg(long)]
    read_only: bool,
    /// A checkpoint kept elsewhere that the store must extend; repeatable.
    #[arg(long, value_name = "CHECKPOINT")]
    seen: Vec<PathBuf>,
    /// The time, where the clock is right and the log refuses it; once.
    #[arg(long, value_name = "TIME")]
    accept_clock: Option<String>,
    /// Least milliseconds between two checkpoints; 0 signs every commit [default: 0].
    #[arg(long, value_name = "MS")]
    checkpoint_interval_ms: Option<u64>,
    /// Free bytes below which writes are refused [default: 1 GiB].
    #[arg(long, value_name = "BYTES")]
    free_disk_bytes_min: Option<u64>,
    /// Memory of the store's cache; smaller costs disk reads [default: 96 MiB].
    #[arg(long, value_name = "BYTES")]
    store_cache_bytes: Option<usize>,
    /// Memory of the store's newest rows [default: 64 MiB].
    #[arg(long, value_name = "BYTES")]
    store_memtables_bytes: Option<usize>,
    /// Memory of folded tiles that proofs climb through [default: 16 MiB].
    #[arg(long, value_name = "BYTES")]
    store_tree_bytes: Option<usize>,
    /// Most bytes of one artifact [default: 2 MiB].
    #[arg(long, value_name = "BYTES")]
    artifact_bytes_max: Option<usize>,
    /// Most bytes of a single submission [default: 4 MiB].
    #[arg(long, value_name = "BYTES")]
    body_bytes_max: Option<usize>,
    /// Most bytes of a batch [default: 16 MiB].
    #[arg(long, value_name = "BYTES")]
    batch_bytes_max: Option<usize>,
    /// Most artifacts of a batch [default: 4096].
    #[arg(long, value_name = "N")]
    batch_items_max: Option<usize>,
    /// Longest time for one request [default: 30000].
    #[arg(long, value_name = "MS")]
    request_timeout_ms: Option<u64>,
    /// What is logged to standard error, e.g. warn or pulselog=debug [default: info].
    #[arg(long, value_name = "FILTER")]
    log: Option<String>,
    #[command(flatten)]
    crowd: CrowdArgs,
}

/// Flags of the table of what many clients at once may take.
struct CrowdArgs(crowd::Given);

impl clap::Args for CrowdArgs {
    fn augment_args(command: clap::Command) -> clap::Command {
        crowd::ROWS.iter().fold(command, |command, row| {
            let help = format!("{} [default: {}]", sentence(row.meaning), row.default);
            let number = clap::value_parser!(u64);
            // A few names, once a process: flags are static text here.
            let flag: &'static str = row.name.replace('_', "-").leak();
            let arg = clap::Arg::new(row.name).long(flag);
            command.arg(arg.value_name(row.unit).value_parser(number).help(help).help_heading("Many clients at once"))
        })
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}

impl clap::FromArgMatches for CrowdArgs {
    fn from_arg_matches(matches: &clap::ArgMatches) -> Result<Self, clap::Error> {
        let given = |row: &crowd::Row| Some((row.name, *matches.get_one::<u64>(row.name)?));
        Ok(Self(crowd::ROWS.iter().filter_map(given).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &clap::ArgMatches) -> Result<(), clap::Error> {
        Self::from_arg_matches(matches).map(|new| *self = new)
    }
}

/// The same words, beginning like a sentence.
fn sentence(words: &str) -> String {
    let mut chars = words.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

pub fn run(args: Args) -> Result<Exit, Failure> {
    let flags = RawConfig {
        listen: args.listen,
        // Absent means that file and environment decide.
        public: args.public.then_some(true),
        read_only: args.read_only.then_some(true),
        public_url: args.public_url,
        seen: (!args.seen.is_empty()).then_some(args.seen),
        checkpoint_interval_ms: args.checkpoint_interval_ms,
        free_disk_bytes_min: args.free_disk_bytes_min,
        store_cache_bytes: args.store_cache_bytes,
        store_memtables_bytes: args.store_memtables_bytes,
        store_tree_bytes: args.store_tree_bytes,
        artifact_bytes_max: args.artifact_bytes_max,
        body_bytes_max: args.body_bytes_max,
        batch_bytes_max: args.batch_bytes_max,
        batch_items_max: args.batch_items_max,
        request_timeout_ms: args.request_timeout_ms,
        log: args.log,
        accept_clock: args.accept_clock,
        crowd: args.crowd.0,
        ..args.place.settings()
    };
    kernel::keep_heaps_few();
    // Before anything that takes time: a stop while the log recovers is a stop.
    let signals = Signals::listen().map_err(|error| failed(ServeError::Runtime(error)))?;
    let config = load(flags)?;
    let server = Server::start(config).map_err(failed)?;
    tell(&format!("pulselog: serving {} on http://{}", server.state().facts.origin, server.addr()));
    end(server.wait(signals).map_err(failed))
}

/// The configuration, with logging as it says.
pub fn load(flags: RawConfig) -> Result<Config, Failure> {
    let config = Config::load(flags, variables()?.into_iter()).map_err(|error| {
        let message = format!("{error} [{}]", error.code());
        match error {
            ConfigError::File { .. } | ConfigError::Key { .. } | ConfigError::KeyMode { .. } => Failure::fail(message),
            _ => Failure::usage(message),
        }
    })?;
    pulselog::server::telemetry::init(&config.log).map_err(Failure::usage)?;
    Ok(config)
}

fn failed(error: ServeError) -> Failure {
    let advice = match error {
        ServeError::Bind { .. } => "; end what listens there, or choose another with --listen ADDRESS:PORT",
        _ => "",
    };
    Failure::fail(format!("{error}{advice} [{}]", error.code()))
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
