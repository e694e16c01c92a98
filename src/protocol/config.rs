//! The peer's config file:
//!
//! ```json
//! {"config_version":"1","allowlists":{"gateway_receipt_signer_dids":["did:key:z6Mk…"]}}
//! ```

use crate::artifact::json::{Object, Value};
use crate::codes::{self, Code};
use crate::protocol::options::Options;

/// Most DIDs in one list.
const LISTED_MAX: usize = 10_000;

/// What the config file breaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("config {field}: {rule}")]
pub struct ConfigError {
    pub field: String,
    pub rule: &'static str,
}

impl ConfigError {
    #[must_use]
    pub fn code(&self) -> &'static Code {
        &codes::verdict::CONFIG_ERROR
    }
}

impl Options {
    /// Reads the config file strictly: no unknown members, DIDs only. Lists
    /// that concern blocks we do not judge are checked and not used.
    ///
    /// # Errors
    /// The first member that breaks a rule.
    pub fn from_config(config: &Value, verification_time_ms: i64) -> Result<Self, ConfigError> {
        let members = object(config, "document")?;
        if let Some((name, _)) = members.iter().find(|(name, _)| !["config_version", "allowlists"].contains(name)) {
            return broken(name, "is not a member here");
        }
        if config.text_at("config_version") != Some("1") {
            return broken("config_version", "must be the text 1");
        }
        let mut options = Self::at(verification_time_ms);
        let Some(lists) = config.get("allowlists") else { return Ok(options) };
        for (name, list) in object(lists, "allowlists")?.iter() {
            let field = format!("allowlists.{name}");
            let slot = match name {
                "gateway_receipt_signer_dids" => Some(&mut options.gateway_signers),
                "attestation_signer_dids" => Some(&mut options.attesters),
                "execution_attestation_signer_dids" => Some(&mut options.execution_signers),
                "derivation_attestation_signer_dids" => Some(&mut options.derivation_signers),
                "audit_result_attestation_signer_dids" => Some(&mut options.audit_result_signers),
                "web_receipt_signer_dids" => None,
                _ => return broken(&field, "is not a list here"),
            };
            let dids = dids(list, &field)?;
            if let Some(slot) = slot {
                *slot = Some(dids);
            }
        }
        Ok(options)
    }
}

fn object<'a>(value: &'a Value<'a>, field: &str) -> Result<&'a Object<'a>, ConfigError> {
    value.as_object().map_or_else(|| broken(field, "must be an object"), Ok)
}

fn dids(list: &Value, field: &str) -> Result<Vec<String>, ConfigError> {
    let Some(items) = list.as_array().filter(|items| items.len() <= LISTED_MAX) else {
        return broken(field, "must be a list of at most 10,000 DIDs");
    };
    let did = |(at, item): (usize, &Value)| match item.as_str() {
        Some(did) if crate::protocol::envelope::is_did_form(did) => Ok(did.to_owned()),
        _ => broken(&format!("{field}[{at}]"), "must be a did:key or did:web"),
    };
    items.iter().enumerate().map(did).collect()
}

fn broken<T>(field: &str, rule: &'static str) -> Result<T, ConfigError> {
    Err(ConfigError { field: field.to_owned(), rule })
}
