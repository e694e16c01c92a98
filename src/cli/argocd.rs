//! `pulselog argocd`: Argo CD as a witness.

#[cfg(feature = "server")]
mod ingest_log;
mod notifications_config;

use crate::cli::failure::{Exit, Failure};

const AFTER: &str = "\
Argo CD tells the log what it did, beside what agents say that they did.

Examples:
  pulselog argocd notifications-config --url https://log.example.com \\
      --instance argocd-prod > notifications.yaml
  pulselog argocd ingest-log --instance argocd-prod --token-file log.token \
      --url https://log.example.com < argocd-server.log

Exit codes: 0 done, 1 refused, 2 wrong usage.";

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
    IngestLog(ingest_log::Args),
}

pub fn run(args: &Args) -> Result<Exit, Failure> {
    match &args.action {
        Action::NotificationsConfig(args) => notifications_config::run(args),
        #[cfg(feature = "server")]
        Action::IngestLog(args) => ingest_log::run(args),
    }
}
