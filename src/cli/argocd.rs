//! `pulselog argocd`: Argo CD as a witness.

#[cfg(feature = "server")]
mod client;
#[cfg(feature = "server")]
pub mod fixture;
#[cfg(feature = "server")]
mod ingest_log;
#[cfg(feature = "server")]
mod logging;
#[cfg(feature = "server")]
mod memory;
mod notifications_config;
#[cfg(feature = "server")]
mod poll;
#[cfg(feature = "server")]
pub mod poller;
#[cfg(feature = "server")]
mod refused;

use crate::cli::failure::{Exit, Failure};

const AFTER: &str = "\
Argo CD tells the log what it did, beside what agents say that they did: by its
notifications, which the log receives, by the poller, which asks, and by its server's
log, which alone shows what was refused. docs/CONNECT.md connects them.

Examples:
  pulselog argocd notifications-config --url https://log.example.com \\
      --instance argocd-prod > notifications.yaml
  pulselog argocd poll --server https://argocd.example.com --token-file argocd.token \\
      --instance argocd-prod --log https://log.example.com --log-token-file poller.token \\
      --state /var/lib/pulselog/argocd-prod.state
  pulselog argocd ingest-log --instance argocd-prod --token-file log.token \\
      --url https://log.example.com < argocd-server.log

Exit codes: 0 done, 1 refused, 2 wrong usage, 3 not everything was reached.";

/// Take what Argo CD says into the log.
#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    NotificationsConfig(notifications_config::Args),
    #[cfg(feature = "server")]
    Poll(poll::Args),
    #[cfg(feature = "server")]
    IngestLog(ingest_log::Args),
    #[cfg(feature = "server")]
    Fixture(fixture::Args),
}

pub fn run(args: &Args) -> Result<Exit, Failure> {
    match &args.action {
        Action::NotificationsConfig(args) => notifications_config::run(args),
        #[cfg(feature = "server")]
        Action::Poll(args) => poll::run(args),
        #[cfg(feature = "server")]
        Action::IngestLog(args) => ingest_log::run(args),
        #[cfg(feature = "server")]
        Action::Fixture(args) => fixture::run(args),
    }
}
