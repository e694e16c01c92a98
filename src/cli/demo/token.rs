//! A scoped token (CST) as clawscope issues it. Only its hash ever reaches the
//! log; the token itself is dropped here.

use ed25519_dalek::Signer as _;
use pulselog::artifact::json::{Number, Value, to_compact};
use pulselog::artifact::scope_hash_b64u;

use crate::cli::demo::cast::Party;
use crate::cli::demo::scene::{Job, PROJECT, uuid};
use crate::cli::demo::value::{hex_sha256, object, texts, with};
use crate::cli::failure::Failure;
use pulselog::text::{base64url, hex};

/// Lifetime of a token, seconds: half of what the work policy allows.
const TTL_SECONDS: i64 = 900;

/// What others refer to a token by.
pub struct Token {
    /// Hex SHA-256 of the compact token.
    pub hash: String,
    /// Hash of the grant: claims without times.
    pub scope_hash_b64u: String,
    /// Payload of its issuance.
    pub issuance: Value<'static>,
}

/// What a token is for.
pub struct Rights {
    pub instance: &'static str,
    /// Role of the agent's Argo CD project.
    pub role: &'static str,
    pub scopes: Vec<String>,
}

/// Issues a token for these rights, pinned to a policy.
pub fn issue(
    issuer: &Party,
    agent: &str,
    job: &Job,
    rights: &Rights,
    policy_hash_b64u: &str,
    now_seconds: i64,
) -> Result<Token, Failure> {
    let jti = uuid("cst_")?;
    let seconds = |at: i64| Number::new(at as f64).map_or(Value::Null, Value::Number);
    let scope: Vec<&str> = rights.scopes.iter().map(String::as_str).collect();
    let claims = object([
        ("token_version", "1".into()),
        ("sub", agent.into()),
        ("aud", texts(&["argocd-wrapper.payments.example", "clawproxy.com"])),
        ("scope", texts(&scope)),
        ("iat", seconds(now_seconds)),
        ("exp", seconds(now_seconds + TTL_SECONDS)),
        ("policy_hash_b64u", policy_hash_b64u.into()),
        ("mission_id", job.id.as_str().into()),
        ("jti", jti.as_str().into()),
    ]);
    let scope_hash = scope_hash_b64u(&claims);
    let claims = with(claims, "token_scope_hash_b64u", scope_hash.as_str().into());
    let public = issuer.key().verifying_key();
    let kid = hex_sha256(public.as_bytes())[..16].to_owned();
    let header = object([("alg", "EdDSA".into()), ("typ", "JWT".into()), ("kid", kid.as_str().into())]);
    let signed = format!(
        "{}.{}",
        base64url::encode(to_compact(&header).as_bytes()),
        base64url::encode(to_compact(&claims).as_bytes())
    );
    let signature = issuer.key().sign(signed.as_bytes());
    let hash = hex_sha256(format!("{signed}.{}", base64url::encode(&signature.to_bytes())).as_bytes());
    let issuance = object([
        ("token_hash", hash.as_str().into()),
        ("claims", claims),
        ("kid", kid.into()),
        ("issuer_alias", "did:web:clawscope.com".into()),
        (
            "argocd",
            object([
                ("instance", rights.instance.into()),
                ("project", PROJECT.into()),
                ("role", rights.role.into()),
                ("token_id", jti.into()),
            ]),
        ),
    ]);
    Ok(Token { hash, scope_hash_b64u: scope_hash, issuance })
}

/// A number that nobody guesses, for ids.
pub fn nonce() -> Result<String, Failure> {
    Ok(hex::encode(&crate::cli::input::random::<12>()?))
}
