//! The tokens of one run of the demo: one a role, each for its own kinds.
//! They are revoked when the demo ends; their names stay in the entries.

use std::path::{Path, PathBuf};
use std::time::Duration;

use pulselog::artifact::Kind;
use pulselog::entry::SubmitterName;
use pulselog::server::submitters::{self, TokenOptions};

use crate::cli::demo::room::scene as room;
use crate::cli::demo::scene::INSTANCE;
use crate::cli::failure::Failure;

/// Longest the story takes; then a forgotten token ends by itself.
const LIFETIME: Duration = Duration::from_secs(3_600);

/// Role, and the signed kinds that it submits.
const ROLES: &[(&str, &[Kind])] = &[
    ("operator", &[Kind::AuditRoots, Kind::AuditStatement]),
    ("registry", &[Kind::WorkPolicy]),
    ("clawscope", &[Kind::CstIssuance, Kind::CstRevocation]),
    ("clawproxy", &[Kind::GatewayReceipt]),
    ("approval-gate", &[Kind::Approval]),
    ("wrapper", &[Kind::ArgocdDecision, Kind::ArgocdReceipt]),
    ("change-desk", &[Kind::ChangeRecord]),
    ("agent", &[Kind::ProofBundle, Kind::TrustPulse]),
];
/// The roles that observe an Argo CD, unsigned: that of the story, and those that
/// receiver and poller write under.
pub const OBSERVER: &str = "observer";
pub const NOTIFIER: &str = "argocd-notify";
pub const POLLER: &str = "argocd-poll";
/// Role, channel where it has one alone, and instance.
const OBSERVERS: [(&str, Option<&str>, &str); 3] =
    [(OBSERVER, None, INSTANCE), (NOTIFIER, Some("notify"), room::INSTANCE), (POLLER, None, room::INSTANCE)];

/// Who submits, and with which token.
pub struct Submitters {
    data: PathBuf,
    rows: Vec<(&'static str, SubmitterName, String)>,
}

impl Submitters {
    /// Makes a token for each role; `suffix` keeps the names unique for ever.
    pub fn new(data: &Path, suffix: &str) -> Result<Self, Failure> {
        let mut rows = Vec::new();
        for (role, kinds) in ROLES {
            rows.push(made(data, role, suffix, TokenOptions { kinds: kinds.to_vec(), ..TokenOptions::default() })?);
        }
        for (role, channel, instance) in OBSERVERS {
            let options = TokenOptions {
                allow_unsigned: Some((Kind::ArgocdObservation, channel.map(str::to_owned))),
                instance: Some(instance.to_owned()),
                ..TokenOptions::default()
            };
            rows.push(made(data, role, suffix, options)?);
        }
        Ok(Self { data: data.to_owned(), rows })
    }

    /// The token of a role.
    pub fn token(&self, role: &str) -> Option<&str> {
        self.rows.iter().find(|(name, ..)| *name == role).map(|(.., token)| token.as_str())
    }

    /// The name of a role in this run's entries.
    pub fn name(&self, role: &str) -> Option<String> {
        self.rows.iter().find(|(name, ..)| *name == role).map(|(_, name, _)| name.to_string())
    }

    /// Revokes every token.
    pub fn revoke(&self) -> Result<(), Failure> {
        for (_, name, _) in &self.rows {
            submitters::revoke(&self.data, name).map_err(|error| Failure::fail(format!("demo: {error}")))?;
        }
        Ok(())
    }
}

fn made(
    data: &Path,
    role: &'static str,
    suffix: &str,
    options: TokenOptions,
) -> Result<(&'static str, SubmitterName, String), Failure> {
    let wrong = |why: String| Failure::fail(format!("demo: token {role}: {why}"));
    let name = SubmitterName::parse(&format!("{role}.{suffix}")).map_err(|error| wrong(error.to_string()))?;
    let options = TokenOptions { expires: Some(LIFETIME), ..options };
    let made = submitters::create(data, &name, options).map_err(|error| wrong(error.to_string()))?;
    Ok((role, name, made.token))
}
