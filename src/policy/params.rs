//! Parameters of a call to Argo CD (FORMATS 5.5), and which of them no
//! policy form can speak about.

use std::fmt;

use crate::artifact::{CallParams, Node, View};

/// Sync options that make an operation no wider than the policy's words. Every
/// other one, known or not, needs an approval that names it: Argo CD adds some
/// with each version, and RBAC sees none of them (PEERS 7.6).
const HARMLESS_SYNC_OPTIONS: &[&str] = &[
    "ApplyOutOfSyncOnly=true",
    "FailOnSharedResource=true",
    "Force=false",
    "PruneLast=true",
    "Replace=false",
    "RespectIgnoreDifferences=true",
    "ServerSideApply=true",
    "Validate=true",
];

/// Parameters as they stand in checked `binds`. `auto_sync` is none of them:
/// the action `set_auto_sync` is about nothing else, and allows either way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Params {
    prune: bool,
    retry_refresh: bool,
    strategy_force: bool,
    sync_options: Vec<String>,
    /// JCS of each, sorted.
    resources: Vec<String>,
    local_manifests_digest: Option<String>,
}

/// A parameter that no policy form can speak about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parameter<'a> {
    Prune,
    RetryRefresh,
    StrategyForce,
    SyncOption(&'a str),
    /// Only these resources.
    PartialSync(&'a [String]),
    LocalManifests(&'a str),
}

impl fmt::Display for Parameter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Parameter::Prune => f.write_str("pruning (prune)"),
            Parameter::RetryRefresh => f.write_str("taking a newer revision on retry (retry_refresh)"),
            Parameter::StrategyForce => f.write_str("force (strategy_force)"),
            Parameter::SyncOption(option) => write!(f, "the sync option {option}"),
            Parameter::PartialSync(resources) => write!(f, "a sync of {} single resources", resources.len()),
            Parameter::LocalManifests(_) => f.write_str("manifests that come with the call (local_manifests_digest)"),
        }
    }
}

impl Params {
    /// From the `params` of binds whose shape was checked.
    pub(super) fn of(params: CallParams<'_>) -> Self {
        let mut resources: Vec<_> = params.resources().filter_map(View::value).map(Node::to_jcs).collect();
        resources.sort();
        Self {
            prune: params.prune() == Some(true),
            retry_refresh: params.retry_refresh() == Some(true),
            strategy_force: params.strategy_force() == Some(true),
            sync_options: params.sync_options().map(str::to_owned).collect(),
            resources,
            local_manifests_digest: params.local_manifests_digest().map(str::to_owned),
        }
    }

    /// The parameters that need an approval which names them. A dry run does
    /// not: it changes nothing.
    pub fn unspoken(&self) -> Vec<Parameter<'_>> {
        let flags = [
            (self.prune, Parameter::Prune),
            (self.retry_refresh, Parameter::RetryRefresh),
            (self.strategy_force, Parameter::StrategyForce),
            (!self.resources.is_empty(), Parameter::PartialSync(&self.resources)),
        ];
        let mut unspoken: Vec<_> = flags.into_iter().filter_map(|(set, parameter)| set.then_some(parameter)).collect();
        let options = self.sync_options.iter().map(String::as_str);
        unspoken.extend(options.filter(|option| !HARMLESS_SYNC_OPTIONS.contains(option)).map(Parameter::SyncOption));
        unspoken.extend(self.local_manifests_digest.as_deref().map(Parameter::LocalManifests));
        unspoken
    }

    /// Whether these parameters, an approval's, name one of an action's. A
    /// partial sync is named by exactly the same resources.
    #[must_use]
    pub fn names(&self, parameter: &Parameter<'_>) -> bool {
        match parameter {
            Parameter::Prune => self.prune,
            Parameter::RetryRefresh => self.retry_refresh,
            Parameter::StrategyForce => self.strategy_force,
            Parameter::SyncOption(option) => self.sync_options.iter().any(|named| named == option),
            Parameter::PartialSync(resources) => self.resources.as_slice() == *resources,
            Parameter::LocalManifests(digest) => self.local_manifests_digest.as_deref() == Some(*digest),
        }
    }
}
