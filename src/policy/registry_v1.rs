//! The registry's version 1 (PEERS 6.3): which models of which providers.
//!
//! The peer turns both lists into a union, so that any model of a listed
//! provider passes, and takes a missing or empty list for "all". Here a call
//! needs its provider *and* its model listed.

use crate::artifact::WorkPolicy;
use crate::policy::judgement::{Reason, Verdict};
use crate::policy::{Glob, ModelCall};
use crate::protocol::ModelIdentityTier;

#[derive(Clone, Debug)]
pub(super) struct RegistryV1 {
    pub(super) providers: Vec<String>,
    pub(super) models: Vec<String>,
    model_globs: Vec<Glob>,
    /// As written; a tier that nobody knows is never reached.
    pub(super) minimum_tier: Option<String>,
    pub(super) audit_packs: Vec<String>,
}

impl RegistryV1 {
    /// From a payload whose shape was checked.
    pub(super) fn compile(says: WorkPolicy<'_>) -> Self {
        let models: Vec<_> = says.allowed_models().map(str::to_owned).collect();
        Self {
            providers: says.allowed_providers().map(str::to_owned).collect(),
            model_globs: models.iter().map(|model| Glob::new(model)).collect(),
            models,
            minimum_tier: says.minimum_tier().map(str::to_owned),
            audit_packs: says.required_audit_packs().map(str::to_owned).collect(),
        }
    }

    pub(super) fn judge(&self, call: &ModelCall) -> Verdict {
        if !call.is_readable() {
            return Verdict::unreadable();
        }
        let refuse = |path: &str, reason, sentence| Verdict::deny(path.to_owned(), reason, sentence);
        if !self.providers.iter().any(|provider| provider == call.provider()) {
            let sentence = format!("provider {} is not listed", call.provider());
            return refuse("allowed_providers", Reason::ProviderNotAllowed, sentence);
        }
        let Some(at) = self.model_globs.iter().position(|glob| glob.matches(call.model())) else {
            let sentence = format!("model {} is not listed", call.model());
            return refuse("allowed_models", Reason::ModelNotAllowed, sentence);
        };
        if let Some(minimum) = &self.minimum_tier {
            let reached = ModelIdentityTier::parse(minimum).is_some_and(|minimum| call.identity_tier() >= minimum);
            if !reached {
                let sentence = format!("identity is {}, below {minimum}", call.identity_tier().name());
                return refuse("minimum_model_identity_tier", Reason::ModelIdentityTooLow, sentence);
            }
        }
        if let Some(at) = self.audit_packs.iter().position(|pack| !call.has_audit_pack(pack)) {
            let path = format!("required_audit_packs[{at}]");
            let sentence = format!("audit {} of the model is not proven", self.audit_packs[at]);
            return Verdict::deny(path, Reason::AuditPackUnproven, sentence);
        }
        let sentence = format!("{} of {} is listed", call.model(), call.provider());
        Verdict::allow(format!("allowed_models[{at}]"), false, sentence)
    }
}
