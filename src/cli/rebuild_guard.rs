//! `pulselog rebuild-guard`: the way back for a log whose head guard is lost.

use std::path::PathBuf;
use std::sync::Arc;

use pulselog::server::config::{Place, RawConfig};
use pulselog::server::faults::NoFaults;
use pulselog::server::guard::GuardState;
use pulselog::server::log::clock::SystemClock;
use pulselog::server::log::recovery::{Rebuilt, rebuild_guard};
use pulselog::server::{ServeError, opening};

use crate::cli::failure::{Exit, Failure};
use crate::cli::{print, serve};

const AFTER: &str = "\
The head guard tells the newest data from an old copy. When it is lost, damaged
in both blocks or an old copy itself, and its own newest copy cannot be put back,
this writes it again for the store as it is. Stop the log first.

Proven before: the store extends every checkpoint given with --seen, gives its
own roots and note, and its last entries hash to their leaves. Not known after:
whether the log ever signed a checkpoint beyond this store. So give the newest
checkpoint that anybody kept, and ask those who follow the log.

It works once: a guard that is whole is not rebuilt, nor one that has seen more
than this store (an old copy of the data) or names another history.

Examples:
  pulselog rebuild-guard mylog --seen kept.checkpoint

Exit codes: 0 written, 1 refused, 2 wrong usage.";

/// Write a lost head guard again, under a checkpoint that was kept elsewhere.
#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub struct Args {
    #[command(flatten)]
    place: Place,
    /// The newest checkpoint that anybody kept; repeatable.
    #[arg(long, value_name = "CHECKPOINT", required = true)]
    seen: Vec<PathBuf>,
}

pub fn run(args: Args) -> Result<Exit, Failure> {
    let config = serve::load(RawConfig { seen: Some(args.seen), ..args.place.into() })?;
    let opening = opening(config, Arc::new(SystemClock::default()), Arc::new(NoFaults));
    let rebuilt = rebuild_guard(&opening).map_err(|error| serve::failed(ServeError::Open(error)))?;
    tracing::warn!(size = rebuilt.head.size.get(), seen = rebuilt.seen.get(), "head guard rebuilt");
    print(&text(&opening.guard.display().to_string(), &rebuilt))?;
    Ok(Exit::Pass)
}

fn text(guard: &str, rebuilt: &Rebuilt) -> String {
    let Rebuilt { head, store, seen, found, kept } = rebuilt;
    let before = match found {
        GuardState::Missing => "there was none".to_owned(),
        found => format!("it said {found}"),
    };
    let mut out = format!("guard {guard}: written at size {}, {before}\n", head.size);
    if let Some(kept) = kept {
        out.push_str(&format!("  kept       what lay there, as {}\n", kept.display()));
    }
    out.push_str(&format!("  proven     this store of size {store} extends the checkpoint of size {seen}\n"));
    out.push_str(&format!(
        "  not known  whether the log ever signed a checkpoint beyond size {store}; no witness is configured to ask\n"
    ));
    out
}
