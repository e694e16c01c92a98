//! A scoped token was issued (FORMATS 5.4): its claims, never its text.

use crate::artifact::binds::{DID, FREE_TEXT, HEX64, ID, INSTANCE, NAME, NONCE, ONE, POLICY_HASH};
use crate::artifact::digest::sha256;
use crate::artifact::json::{Number, Object, Value, to_jcs, utf16_order};
use crate::artifact::keys::{Keys, text};
use crate::artifact::kind::{About, Form, HashForm, KindRow, Voice};
use crate::artifact::shape::{Broken, Shape, ShapeError, Text, check, list, object, optional, plain, required};
use crate::artifact::view::view;
use crate::text::base64url;

pub(crate) const ROW: KindRow = KindRow {
    name: "cst_issuance",
    envelope_type: "cst_issuance",
    forms: &[Form::ours("cst_issuance_version", &PAYLOAD)],
    hash_form: HashForm::Compact,
    unsigned: false,
    title: "Token issued",
    withholdable: false,
    voice: Voice::Listed("cst_issuers"),
    id_given_once: Some("token_hash"),
    ids: &["claims.mission_id", "claims.sub"],
    about: About::NOTHING,
    summary: &[],
    bundle_array: None,
    check: scope_hash_matches_the_claims,
    complete: set_scope_hash,
    keys: |payload| Keys {
        agent: text(payload, "claims.sub"),
        job: text(payload, "claims.mission_id"),
        token_hash: text(payload, "token_hash"),
        scope_hash: text(payload, "claims.token_scope_hash_b64u"),
        policy_hash: text(payload, "claims.policy_hash_b64u"),
        instance: text(payload, "argocd.instance"),
        ..Keys::default()
    },
    facts: &[
        ("Agent", "claims.sub"),
        ("Job", "claims.mission_id"),
        ("Token hash", "token_hash"),
        ("Scope", "claims.scope"),
        ("Audience", "claims.aud"),
        ("Issued at (s)", "claims.iat"),
        ("Expires at (s)", "claims.exp"),
        ("Policy hash", "claims.policy_hash_b64u"),
        ("Grant hash", "claims.token_scope_hash_b64u"),
        ("Key id", "kid"),
        ("Issuer, also known as", "issuer_alias"),
        ("Argo CD instance", "argocd.instance"),
        ("Argo CD project", "argocd.project"),
        ("Argo CD role", "argocd.role"),
        ("Argo CD token id", "argocd.token_id"),
    ],
    more_facts: KindRow::NO_MORE_FACTS,
};

view! {
    /// Which token was issued, and what it claims.
    CstIssuance<'a> {
        Option<&'a str>: token_hash, kid, instance = "argocd.instance", project = "argocd.project";
        Claims<'a>: claims;
    }
    /// To whom and for what; `iat` and `exp` are Unix seconds.
    Claims<'a> {
        Option<&'a str>: sub, agent = "agent_did", job = "mission_id", policy_hash = "policy_hash_b64u",
            scope_hash = "token_scope_hash_b64u";
        Option<i64>: iat, exp;
    }
}

const SCOPES_MAX: usize = 64;
const SCOPE: Shape = plain(1, 128);
const SECONDS: Shape = Shape::Integer { min: 0, max: 9_007_199_254_740_991 };

const PAYLOAD: Shape = object(&[
    required("cst_issuance_version", &ONE),
    required("nonce", &NONCE),
    required("token_hash", &HEX64),
    required("claims", &CLAIMS),
    required("kid", &Shape::Text(Text::Kid)),
    optional("issuer_alias", &DID),
    optional("argocd", &ARGOCD),
]);

const ARGOCD: Shape = object(&[
    required("instance", &INSTANCE),
    required("project", &NAME),
    required("role", &FREE_TEXT),
    required("token_id", &FREE_TEXT),
]);

/// FORMATS 5.4, with the job and the scope hash required.
const CLAIMS: Shape = object(&[
    required("token_version", &ONE),
    required("sub", &ID),
    required("aud", &Shape::OneOrMany { one: &ID, many: &list(&ID, 1, SCOPES_MAX) }),
    required("scope", &list(&SCOPE, 1, SCOPES_MAX)),
    required("iat", &SECONDS),
    required("exp", &SECONDS),
    optional("owner_ref", &ID),
    optional("owner_did", &DID),
    optional("controller_did", &DID),
    optional("agent_did", &DID),
    optional("policy_hash_b64u", &POLICY_HASH),
    optional("control_plane_policy_hash_b64u", &POLICY_HASH),
    required("token_scope_hash_b64u", &POLICY_HASH),
    optional("payment_account_did", &DID),
    optional("spend_cap", &Shape::Number { min: Some(0) }),
    required("mission_id", &ID),
    optional("delegation_id", &ID),
    optional("delegator_did", &DID),
    optional("delegate_did", &DID),
    optional("delegation_policy_hash_b64u", &POLICY_HASH),
    optional("delegation_spend_cap_minor", &Shape::Text(Text::Digits)),
    optional("delegation_expires_at", &SECONDS),
    optional("token_lane", &Shape::Enum(&["legacy", "canonical"])),
    optional("jti", &ID),
    optional("nonce", &ID),
]);

/// Claims that enter the scope hash as trimmed texts, when not empty.
const TEXT_CLAIMS: [&str; 12] = [
    "owner_ref",
    "owner_did",
    "controller_did",
    "agent_did",
    "policy_hash_b64u",
    "control_plane_policy_hash_b64u",
    "payment_account_did",
    "mission_id",
    "delegation_id",
    "delegator_did",
    "delegate_did",
    "delegation_policy_hash_b64u",
];

fn scope_hash_matches_the_claims(payload: &Value) -> Result<(), ShapeError> {
    let Some(claims) = payload.get("claims") else {
        return Ok(());
    };
    if claims.text_at("token_scope_hash_b64u") == Some(scope_hash_b64u(claims).as_str()) {
        return Ok(());
    }
    let rule = "must be the hash of the claims beside it";
    Err(ShapeError::at("claims.token_scope_hash_b64u", Broken::ScopeHashMismatch, rule))
}

/// Puts the hash of the grant beside claims that lack it.
pub(crate) fn set_scope_hash(payload: &mut Object) {
    let Some(Value::Object(claims)) = payload.get("claims") else { return };
    if claims.contains("token_scope_hash_b64u") {
        return;
    }
    let mut claims = claims.clone();
    let hash = scope_hash_b64u(&Value::Object(claims.clone()));
    claims.set("token_scope_hash_b64u", hash.into());
    payload.set("claims", claims.into());
}

/// Checks the claims of a token by themselves: closed, with job and scope hash,
/// and the scope hash is theirs.
///
/// # Errors
/// The first member that breaks a rule, as a path within the claims.
pub fn check_claims(claims: &Value) -> Result<(), ShapeError> {
    check(&CLAIMS, claims)?;
    if claims.text_at("token_scope_hash_b64u") == Some(scope_hash_b64u(claims).as_str()) {
        return Ok(());
    }
    let rule = "must be the hash of the claims beside it";
    Err(ShapeError::at("token_scope_hash_b64u", Broken::ScopeHashMismatch, rule))
}

/// `token_scope_hash_b64u` of CST claims (FORMATS 5.3): base64url of SHA-256 of
/// the JCS of the claims that make up the grant. Times and ids of the token are
/// left out, so tokens of one grant share it.
#[must_use]
pub fn scope_hash_b64u(claims: &Value) -> String {
    base64url::encode(&sha256(to_jcs(&grant(claims)).as_bytes()))
}

fn grant(claims: &Value) -> Value<'static> {
    let mut out = Object::new();
    out.set("token_version", "1".into());
    out.set("sub", trim(claims.text_at("sub").unwrap_or_default()).into());
    out.set("aud", sorted_set(claims.get("aud")));
    out.set("scope", sorted_set(claims.get("scope")));
    for name in TEXT_CLAIMS {
        match claims.text_at(name).map(trim) {
            None | Some("") => {}
            Some(text) => out.set(name, text.into()),
        }
    }
    let number = |name: &str| claims.get(name).and_then(Value::as_f64);
    if let Some(cap) = number("spend_cap").filter(|cap| *cap >= 0.0).and_then(Number::new) {
        out.set("spend_cap", Value::Number(cap));
    }
    let minor = claims.text_at("delegation_spend_cap_minor").map(trim);
    if let Some(minor) = minor.filter(|text| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())) {
        out.set("delegation_spend_cap_minor", minor.into());
    }
    let expiry = number("delegation_expires_at").filter(|seconds| *seconds > 0.0);
    if let Some(seconds) = expiry.map(f64::floor).and_then(Number::new) {
        out.set("delegation_expires_at", Value::Number(seconds));
    }
    out.into()
}

/// A text or list of texts: trimmed, without empties and duplicates, sorted as
/// ECMAScript sorts strings.
fn sorted_set(value: Option<&Value>) -> Value<'static> {
    let one = value.and_then(Value::as_str);
    let many = value.and_then(Value::as_array).unwrap_or_default();
    let texts = one.into_iter().chain(many.iter().filter_map(Value::as_str));
    let mut texts: Vec<_> = texts.map(trim).filter(|text| !text.is_empty()).collect();
    texts.sort_by(|a, b| utf16_order(a, b));
    texts.dedup();
    Value::Array(texts.into_iter().map(Value::from).collect())
}

/// `String.prototype.trim`: ECMAScript white space and line terminators, which
/// differ from Unicode's by U+FEFF (in) and U+0085 (out).
fn trim(text: &str) -> &str {
    text.trim_matches(|c| {
        matches!(c, '\u{9}'..='\u{d}' | ' ' | '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{2028}' | '\u{2029}'
            | '\u{202f}' | '\u{205f}' | '\u{3000}' | '\u{feff}')
    })
}
