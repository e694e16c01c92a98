//! The registry's version 1 (PEERS 6.3): which models of which providers.
//!
//! The peer turns both lists into a union, so that any model of a listed
//! provider passes, and takes a missing or empty list for "all". Here a call
//! needs its provider *and* its model listed.

use crate::artifact::json::Value;
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
    pub(super) fn compile(payload: &Value) -> RegistryV1 {
        let texts = |name: &str| -> Vec<String> {
            let items = payload.get(name).and_then(Value::as_array).unwrap_or_default();
            items.iter().filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let models = texts("allowed_models");
        RegistryV1 {
            providers: texts("allowed_providers"),
            model_globs: models.iter().map(|model| Glob::new(model)).collect(),
            models,
            minimum_tier: payload.text_at("minimum_model_identity_tier").map(str::to_owned),
            audit_packs: texts("required_audit_packs"),
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
