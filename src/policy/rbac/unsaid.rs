//! What no line of RBAC can say, and which settings the lines rest on.

use std::collections::BTreeSet;

use crate::policy::rbac::plan::Granted;
use crate::policy::rbac::right::RightRow;
use crate::policy::rbac::{ArgoVersion, Right};
use crate::policy::{Lineage, PolicyAction};

/// Something that the policy says, or could say, and RBAC cannot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unsaid {
    /// These actions need an approval.
    Approval(Vec<PolicyAction>),
    Prune,
    Force,
    SyncOptions,
    PartialSync,
    LocalManifests,
    Revision,
    RetryRefresh,
    /// Destinations hold for every application of the project.
    DestinationNamespace,
    /// A policy names no cluster.
    Cluster,
    /// Which kinds of resources outside any namespace.
    ClusterScopedKinds,
    /// Lines are about applications in Argo CD's own namespace.
    AppNamespace,
    /// Whoever edits a spec deploys anything that the project allows.
    EditedSpec,
    /// Part of editing that has verbs of its own.
    CreateAndDelete,
    /// The policy's bound on a token's life, seconds.
    TokenLife(i64),
    /// These actions do nothing without reading, which is not allowed for these
    /// applications.
    NeedsRead(Vec<PolicyAction>, Vec<String>),
}

impl Unsaid {
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Approval(_) => "approval",
            Self::Prune => "prune",
            Self::Force => "force",
            Self::SyncOptions => "sync_options",
            Self::PartialSync => "partial_sync",
            Self::LocalManifests => "local_manifests",
            Self::Revision => "revision",
            Self::RetryRefresh => "retry_refresh",
            Self::DestinationNamespace => "destination_namespace",
            Self::Cluster => "cluster",
            Self::ClusterScopedKinds => "cluster_scoped_kinds",
            Self::AppNamespace => "app_namespace",
            Self::EditedSpec => "edited_spec",
            Self::CreateAndDelete => "create_and_delete",
            Self::TokenLife(_) => "token_life",
            Self::NeedsRead(..) => "needs_read",
        }
    }

    /// In plain words, with who has to see to it instead.
    #[must_use]
    pub fn words(&self) -> String {
        let fixed = match self {
            Self::Approval(actions) => {
                return format!("approvals: the policy wants one for {}; Argo CD asks for none", names(actions));
            }
            Self::TokenLife(seconds) => {
                return format!(
                    "the life of tokens: at most {seconds} s; mint the role's token with expiresIn {seconds} or less"
                );
            }
            Self::NeedsRead(actions, apps) => {
                let (actions, apps) = (names(actions), apps.join(", "));
                return format!("{actions} of {apps} has no effect: Argo CD asks the right get first, which is read");
            }
            Self::Prune => "prune: whoever may sync may delete what left the source, and roll back with pruning",
            Self::Force => "force and Replace: whoever may sync may recreate resources",
            Self::SyncOptions => "sync options such as Validate=false",
            Self::PartialSync => "single resources: whoever may sync may sync a part, without hooks or history",
            Self::LocalManifests => {
                "manifests that come with a call: override is denied, even where an approval would name them"
            }
            Self::Revision => "the revision of a sync, and the past deployment that a rollback goes to",
            Self::RetryRefresh => "a retry that takes a newer revision than was asked for",
            Self::DestinationNamespace => {
                "the namespace of one call: destinations hold for all of the project, and only for manifests \
                 that name no other"
            }
            Self::Cluster => "the cluster: a policy names none, so put in the server that these namespaces are on",
            Self::ClusterScopedKinds => {
                "kinds outside any namespace: the policy allows them and names none, so clusterResourceWhitelist is yours"
            }
            Self::AppNamespace => {
                "applications outside Argo CD's own namespace: their object is PROJECT/NAMESPACE/NAME, and no line covers it"
            }
            Self::EditedSpec => {
                "what an edited spec deploys: repository, revision and destination are anything that the project allows"
            }
            Self::CreateAndDelete => {
                "creation by upsert, and deletion of single live resources: no line grants them with edit_app_spec"
            }
        };
        fixed.to_owned()
    }
}

fn names(actions: &[PolicyAction]) -> String {
    actions.iter().map(|action| action.name()).collect::<Vec<_>>().join(", ")
}

pub(super) fn unsaid(
    granted: &[Granted<'_>],
    namespaces: &[String],
    cluster_scoped: bool,
    lineage: &Lineage<'_>,
) -> Vec<Unsaid> {
    let has = |right: Right| granted.iter().any(|one| one.row.right == right);
    let mut unsaid = Vec::new();
    let pairs = || granted.iter().flat_map(|one| one.allowed.iter().map(|action| (*action, &one.reached[action])));
    let approved: BTreeSet<_> = pairs().filter(|(_, reached)| reached.approval).map(|(action, _)| action).collect();
    if !approved.is_empty() {
        unsaid.push(Unsaid::Approval(approved.into_iter().collect()));
    }
    if has(Right::Sync) || has(Right::Rollback) {
        unsaid.extend([
            Unsaid::Prune,
            Unsaid::Force,
            Unsaid::SyncOptions,
            Unsaid::PartialSync,
            Unsaid::LocalManifests,
            Unsaid::Revision,
            Unsaid::RetryRefresh,
        ]);
    }
    if !namespaces.is_empty() {
        unsaid.extend([Unsaid::DestinationNamespace, Unsaid::Cluster]);
    }
    if cluster_scoped {
        unsaid.push(Unsaid::ClusterScopedKinds);
    }
    unsaid.push(Unsaid::AppNamespace);
    if has(Right::Update) {
        unsaid.extend([Unsaid::EditedSpec, Unsaid::CreateAndDelete]);
    }
    if let Some((seconds, _)) = lineage.demands().max_ttl {
        unsaid.push(Unsaid::TokenLife(seconds));
    }
    unsaid.extend(needs_read(granted));
    unsaid
}

/// Of these, `get` is asked first (PEERS 7.12).
const ASKED_TO_READ: [PolicyAction; 3] = [PolicyAction::Sync, PolicyAction::DeleteApp, PolicyAction::Exec];

fn needs_read(granted: &[Granted<'_>]) -> Option<Unsaid> {
    let is_read = |app: &str| granted.iter().any(|one| one.row.right == Right::Get && one.app == app);
    let (mut actions, mut apps) = (BTreeSet::new(), BTreeSet::new());
    for one in granted.iter().filter(|one| !is_read(one.app)) {
        let blind: Vec<_> = one.allowed.iter().filter(|action| ASKED_TO_READ.contains(action)).collect();
        if !blind.is_empty() {
            actions.extend(blind);
            apps.insert(one.app.to_owned());
        }
    }
    (!apps.is_empty()).then(|| Unsaid::NeedsRead(actions.into_iter().copied().collect(), apps.into_iter().collect()))
}

/// A setting of Argo CD without which the lines do not hold what they say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    DefaultRole,
    GlobMatching,
    NoOtherRights,
    RollbackEnforced,
    RevisionWithoutOverride,
    NoInheritance,
}

impl Need {
    /// Config map and key.
    #[must_use]
    pub fn setting(self) -> (&'static str, &'static str) {
        match self {
            Self::DefaultRole => ("argocd-rbac-cm", "policy.default"),
            Self::GlobMatching => ("argocd-rbac-cm", "policy.matchMode"),
            Self::NoOtherRights => ("argocd-rbac-cm", "policy.csv"),
            Self::RollbackEnforced => ("argocd-cm", "server.rbac.rollback.enforce.enable"),
            Self::RevisionWithoutOverride => ("argocd-cm", "application.sync.requireOverridePrivilegeForRevisionSync"),
            Self::NoInheritance => ("argocd-cm", "server.rbac.disableApplicationFineGrainedRBACInheritance"),
        }
    }

    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::DefaultRole => {
                "empty, or a role that grants nothing: it is asked first, and no line denies what it grants"
            }
            Self::GlobMatching => "glob, which is the default: as regular expressions the names match parts of others",
            Self::NoOtherRights => "no line that gives this subject more, and no g line that gives it another role",
            Self::RollbackEnforced => "\"true\": by default the right sync lets the role roll back, too",
            Self::RevisionWithoutOverride => {
                "not \"true\": else a sync that names its revision asks the right override, which is denied"
            }
            Self::NoInheritance => "not \"false\": else update and delete reach live resources, too",
        }
    }
}

pub(super) fn needs(granted: &[Granted<'_>], version: ArgoVersion) -> Vec<Need> {
    let has = |rights: &[Right]| granted.iter().any(|one| rights.contains(&one.row.right));
    let mut needs = vec![Need::DefaultRole, Need::GlobMatching, Need::NoOtherRights];
    let knows_rollback = RightRow::known_to(version).any(|row| row.right == Right::Rollback);
    if knows_rollback && has(&[Right::Sync, Right::Rollback]) {
        needs.push(Need::RollbackEnforced);
    }
    if has(&[Right::Sync]) {
        needs.push(Need::RevisionWithoutOverride);
    }
    if has(&[Right::Update, Right::Delete]) {
        needs.push(Need::NoInheritance);
    }
    needs
}
