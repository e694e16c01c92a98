//! What is judged: one call to Argo CD, as a decision binds it, or one model
//! call, as its gateway signed it.

use std::collections::BTreeSet;

use crate::artifact::json::Value;
use crate::artifact::shape::{Broken, ShapeError, check};
use crate::artifact::{BINDS, Binds, GatewayReceipt, View};
use crate::policy::{Params, PolicyAction, PolicyError};
use crate::protocol::{ModelIdentityTier, model_identity_tier};

/// Most namespaces that one action may touch; more refuse. It bounds the cost
/// of judging, which looks at each.
pub const NAMESPACES_MAX: usize = 256;

/// One thing that an agent did.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    Argo(ArgoAction),
    ModelCall(ModelCall),
}

impl Action {
    /// The action that the `binds` of a decision or approval describe.
    ///
    /// # Errors
    /// Not the shape of binds: an unknown action or member refuses here.
    pub fn from_binds(binds: &Value) -> Result<Self, PolicyError> {
        ArgoAction::from_binds(binds).map(Action::Argo)
    }

    /// The same of a decision that was admitted: the shape of its binds was
    /// checked then, and nothing of them is written out to be checked again.
    ///
    /// # Errors
    /// The action is none that is known.
    pub(crate) fn from_admitted(binds: Binds<'_>) -> Result<Self, PolicyError> {
        ArgoAction::of(binds).map(Action::Argo)
    }

    /// The model call of a gateway receipt's payload.
    ///
    /// # Errors
    /// Provider or model is missing or empty.
    pub fn from_gateway_receipt(payload: &Value) -> Result<Self, PolicyError> {
        ModelCall::from_receipt(payload).map(Action::ModelCall)
    }

    /// Whether it changes what is deployed: an action on Argo CD other than
    /// reading.
    #[must_use]
    pub fn is_argo_write(&self) -> bool {
        matches!(self, Self::Argo(action) if action.action.is_write())
    }
}

/// An Argo CD application, by every name it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct App {
    pub uid: String,
    pub name: String,
    /// Of the Application object, not of what it deploys.
    pub namespace: String,
    pub project: String,
}

/// One call to Argo CD. Made from checked binds only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArgoAction {
    instance: String,
    action: PolicyAction,
    app: Option<App>,
    namespaces: BTreeSet<String>,
    /// Whether it leaves a namespace to the manifests: it may be any.
    unnamed: bool,
    params: Params,
}

impl ArgoAction {
    /// See [`Action::from_binds`].
    ///
    /// # Errors
    /// Not the shape of binds.
    pub fn from_binds(binds: &Value) -> Result<Self, PolicyError> {
        check(&BINDS, binds).map_err(PolicyError::ActionMalformed)?;
        Self::of(Binds::of(binds))
    }

    /// Of binds whose shape was checked.
    fn of(says: Binds<'_>) -> Result<Self, PolicyError> {
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let unknown =
            || PolicyError::ActionMalformed(ShapeError::at("action", Broken::InvalidValue, "must be a known action"));
        let action = says.action().and_then(PolicyAction::parse).ok_or_else(unknown)?;
        let app = says.app();
        let app = app.value().map(|_| App {
            uid: text(app.uid()),
            name: text(app.name()),
            namespace: text(app.namespace()),
            project: text(app.project()),
        });
        let namespaces = namespaces_of(says);
        Ok(Self {
            instance: text(says.instance()),
            action,
            unnamed: namespaces.contains(""),
            namespaces,
            app,
            params: Params::of(says.params()),
        })
    }

    /// A call without parameters for an application that deploys to `namespace`.
    pub(super) fn plain(instance: &str, action: PolicyAction, app: App, namespace: &str) -> Self {
        let namespaces = BTreeSet::from([namespace.to_owned()]);
        let (instance, app) = (instance.to_owned(), Some(app));
        Self { instance, action, app, namespaces, unnamed: false, params: Params::default() }
    }

    /// Adds the namespaces of the resources that Argo CD reported. An empty
    /// one stands for cluster-scoped resources: they are in no namespace.
    #[must_use]
    pub fn with_observed_namespaces<'a>(mut self, namespaces: impl IntoIterator<Item = &'a str>) -> Self {
        self.namespaces.extend(namespaces.into_iter().map(str::to_owned));
        self
    }

    /// Our id of the Argo CD installation.
    #[must_use]
    pub fn instance(&self) -> &str {
        &self.instance
    }

    #[must_use]
    pub fn action(&self) -> PolicyAction {
        self.action
    }

    /// `None` for actions about no application: they match no allow.
    #[must_use]
    pub fn app(&self) -> Option<&App> {
        self.app.as_ref()
    }

    /// Namespaces it reaches: the destination's, those of the resources named
    /// in its parameters, and observed ones. Empty text means that none was
    /// named, or a cluster-scoped resource.
    pub fn namespaces(&self) -> impl Iterator<Item = &str> {
        self.namespaces.iter().map(String::as_str)
    }

    pub(super) fn has_too_many_namespaces(&self) -> bool {
        self.namespaces.len() > NAMESPACES_MAX
    }

    pub(super) fn reaches(&self, namespace: &str) -> bool {
        self.namespaces.contains(namespace)
    }

    pub(super) fn is_unnamed(&self) -> bool {
        self.unnamed
    }

    #[must_use]
    pub fn params(&self) -> &Params {
        &self.params
    }
}

/// Argo CD takes a resource without namespace for any namespace, and a
/// destination without one leaves it to the manifests: both are *unnamed*.
fn namespaces_of(binds: Binds<'_>) -> BTreeSet<String> {
    let named = |namespace: Option<&str>| namespace.unwrap_or_default().to_owned();
    let resources = binds.params().resources();
    let mut namespaces: BTreeSet<_> = resources.map(|resource| named(resource.namespace())).collect();
    if binds.destination().value().is_some() || namespaces.is_empty() {
        namespaces.insert(named(binds.destination().namespace()));
    }
    namespaces
}

/// One call of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelCall {
    provider: String,
    model: String,
    identity_tier: ModelIdentityTier,
    audit_packs: BTreeSet<String>,
}

impl ModelCall {
    /// See [`Action::from_gateway_receipt`]. The model's identity has the tier
    /// that the protocol verdict gives this receipt; what does not hold
    /// together is unknown. That its signer is to be believed is the caller's.
    ///
    /// # Errors
    /// Provider or model is missing or empty.
    pub fn from_receipt(payload: &Value) -> Result<Self, PolicyError> {
        let says = GatewayReceipt::of(payload);
        let text = |name, text: Option<&str>| match text {
            Some(text) if !text.is_empty() => Ok(text.to_owned()),
            _ => Err(PolicyError::ActionMalformed(ShapeError::at(name, Broken::MissingField, "is required"))),
        };
        Ok(Self {
            provider: text("provider", says.provider())?,
            model: text("model", says.model())?,
            identity_tier: model_identity_tier(payload),
            audit_packs: BTreeSet::new(),
        })
    }

    /// Audit packs (base64url hashes) that the model is proven to have passed.
    #[must_use]
    pub fn with_audit_packs<'a>(mut self, packs: impl IntoIterator<Item = &'a str>) -> Self {
        self.audit_packs.extend(packs.into_iter().map(str::to_owned));
        self
    }

    #[must_use]
    pub fn provider(&self) -> &str {
        &self.provider
    }

    #[must_use]
    pub fn model(&self) -> &str {
        &self.model
    }

    #[must_use]
    pub fn identity_tier(&self) -> ModelIdentityTier {
        self.identity_tier
    }

    pub(super) fn has_audit_pack(&self, pack: &str) -> bool {
        self.audit_packs.contains(pack)
    }

    /// Whether both names are one readable line. A line break would let a name
    /// show one thing and match another.
    pub(super) fn is_readable(&self) -> bool {
        let odd = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
        !self.provider.contains(odd) && !self.model.contains(odd)
    }
}
