//! `pulselog argocd notifications-config`: what the notification controller is
//! configured with, so that it tells the log.

use std::path::PathBuf;

use pulselog::argocd::notifications::{MergeError, Notifications, SECRET, TOKEN_KEY, merged};
use pulselog::artifact::json::{DEPTH_MAX, parse, to_pretty};

use crate::cli::failure::{Exit, Failure};
use crate::cli::{input, print, tell};

/// Where the log takes notifications.
const INGEST_PATH: &str = "/v1/ingest/argocd";
/// Largest ConfigMap that Kubernetes keeps, with room for its envelope.
const CONFIG_MAP_BYTES_MAX: u64 = 4 << 20;

const AFTER: &str = "\
Prints a Secret and a ConfigMap for Argo CD's notification controller: it then tells
the log of every operation, of automated sync switched on and off, and of applications
made and deleted. Put the token of an observer where the Secret says so, then apply.

Examples:

  pulselog token new argocd-prod-notify --data mylog \\
      --allow-unsigned argocd_observation:notify --instance argocd-prod --out notify.token
  pulselog argocd notifications-config --url https://log.example.com \\
      --instance argocd-prod > notifications.yaml
  kubectl apply -f notifications.yaml

Where notifications are configured already, applying these files would drop what is
there. --merge takes the ConfigMap as kubectl writes it in JSON, adds what is ours,
keeps everything else as it is, and prints the ConfigMap alone, in JSON too; the
token is added to the Secret by itself:

  kubectl get configmap argocd-notifications-cm -n argocd -o json > before.json
  pulselog argocd notifications-config --url https://log.example.com \\
      --instance argocd-prod --merge before.json > after.json
  kubectl apply -f after.json
  kubectl patch secret argocd-notifications-secret -n argocd --type merge \\
      -p \"{\\\"stringData\\\":{\\\"pulselog-token\\\":\\\"$(cat notify.token)\\\"}}\"

The instance is your name for this Argo CD installation: the token is bound to it, and
it stands in every observation. A log with a certificate of a private authority needs
that certificate in argocd-tls-certs-cm under the log's host name. Keep the log's
checkpoint interval below a second: a notification that waits longer is told again.

Exit codes: 0 printed, 1 the ConfigMap is not merged into, 2 wrong usage.";

/// Print the notification configuration by which Argo CD tells this log.
#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub struct Args {
    /// Address of the log as Argo CD reaches it, e.g. https://log.example.com.
    #[arg(long, value_name = "URL")]
    url: String,
    /// Your name for the Argo CD installation, the one of the observer's token.
    #[arg(long, value_name = "NAME")]
    instance: String,
    /// Namespace that Argo CD runs in.
    #[arg(long, value_name = "NAME", default_value = "argocd")]
    namespace: String,
    /// Existing ConfigMap as kubectl get -o json prints it; - reads standard input.
    #[arg(long, value_name = "FILE")]
    merge: Option<PathBuf>,
}

pub fn run(args: &Args) -> Result<Exit, Failure> {
    let ours = Notifications::new(&args.url, INGEST_PATH, &args.instance, &args.namespace)
        .map_err(|error| Failure::usage(error.to_string()))?;
    let Some(file) = &args.merge else {
        print(&ours.to_yaml())?;
        return Ok(Exit::Pass);
    };
    let bytes = input::read("--merge", file, CONFIG_MAP_BYTES_MAX)?;
    let refused = |why: String| Failure::fail(format!("--merge {}: {why}", file.display()));
    let existing = parse(&bytes, DEPTH_MAX).map_err(|error| {
        refused(format!("{error}; give what this prints: kubectl get configmap argocd-notifications-cm -o json"))
    })?;
    let after = merged(&existing.into_owned(), &ours).map_err(|error| {
        if error == MergeError::Subscriptions {
            Notifications::subscription().lines().for_each(|line| tell(&format!("  {line}")));
        }
        refused(error.to_string())
    })?;
    print(&to_pretty(&after))?;
    tell(&format!("put the token into secret {SECRET}, namespace {}, under {TOKEN_KEY}: see --help", ours.namespace()));
    Ok(Exit::Pass)
}
