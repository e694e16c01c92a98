//! Who acts in the demo. Their keys live in `DIR/keys` and are kept from run
//! to run, as real parties keep theirs.

use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use ed25519_dalek::SigningKey;
use pulselog::artifact::json::{Value, to_compact};
use pulselog::artifact::{Artifact, Did, Grant, KeyCache, Kind, Limits, admit, complete, seal};
use pulselog::checkpoint::Origin;
use pulselog::note::SignerKey;

use crate::cli::failure::Failure;
use crate::cli::{input, keygen};

/// One party that signs.
pub struct Party {
    key: SigningKey,
    did: Did,
}

/// Everyone who signs.
pub struct Cast {
    /// Operates the log; says whose word counts.
    pub operator: Party,
    /// clawcontrols: publishes work policies.
    pub registry: Party,
    /// clawscope: issues and revokes scoped tokens.
    pub issuer: Party,
    /// clawproxy: signs a receipt for each model call.
    pub gateway: Party,
    /// The approval gate's person.
    pub approver: Party,
    /// The allow-listed Argo CD tool.
    pub wrapper: Party,
    /// The change desk.
    pub recorder: Party,
    /// argo-deploy-assistant.
    pub agent: Party,
    /// Another agent of the same wrapper, which works against the fixture.
    pub night_shift: Party,
}

impl Cast {
    /// Reads the keys, making those that are missing.
    pub fn load(keys: &Path) -> Result<Self, Failure> {
        make_dir(keys)?;
        let party = |name: &str| Party::load(&keys.join(format!("{name}.pem")));
        Ok(Self {
            operator: party("operator")?,
            registry: party("registry")?,
            issuer: party("issuer")?,
            gateway: party("gateway")?,
            approver: party("approver")?,
            wrapper: party("wrapper")?,
            recorder: party("recorder")?,
            agent: party("agent")?,
            night_shift: party("night-shift")?,
        })
    }
}

/// Reads the log's own key, making it when it is missing.
pub fn log_key(keys: &Path, origin: &Origin) -> Result<SignerKey, Failure> {
    make_dir(keys)?;
    let path = keys.join("log.pem");
    if !path.exists() {
        return keygen::log_key(origin.key_name().clone(), &path);
    }
    let key = input::read_key("key", &path)?;
    SignerKey::new(origin.key_name().clone(), &key.to_bytes()).map_err(|error| Failure::fail(error.to_string()))
}

fn make_dir(path: &Path) -> Result<(), Failure> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|error| Failure::fail(format!("--data {}: {}", path.display(), input::why(&error))))
}

/// A statement, signed, and the names that others refer to it by.
pub struct Signed {
    /// The whole envelope, as a receipt inside a bundle.
    pub value: Value<'static>,
    /// Compact form.
    pub compact: String,
    /// Hex, as our own statements refer to it.
    pub payload_hash: String,
    /// base64url, as a peer refers to it.
    pub payload_hash_b64u: String,
}

impl Party {
    fn load(path: &Path) -> Result<Self, Failure> {
        let key = if path.exists() { input::read_key("key", path)? } else { keygen::did_key(path)?.0 };
        let did = Did::of(&key.verifying_key());
        Ok(Self { key, did })
    }

    /// did:key.
    pub fn did(&self) -> &str {
        self.did.as_str()
    }

    /// The signing key, for a scoped token.
    pub const fn key(&self) -> &SigningKey {
        &self.key
    }

    /// Signs a payload; version and nonce of our kinds are filled in.
    pub fn sign(&self, kind: Kind, payload: Value, issued_at: &str) -> Result<Signed, Failure> {
        let wrong = |why: String| Failure::fail(format!("demo: {kind}: {why}"));
        let payload = complete(kind, payload, input::random()?);
        let compact = seal(kind, payload, &self.key, issued_at).map_err(|error| wrong(error.to_string()))?;
        let admitted = admit(compact.as_bytes(), &Grant::all(), &Limits::default(), &KeyCache::new());
        let artifact = admitted.map_err(|error| wrong(error.to_string()))?.artifact;
        Ok(Signed::of(&artifact))
    }
}

impl Signed {
    fn of(artifact: &Artifact) -> Self {
        Self {
            value: artifact.value().clone().into_owned(),
            compact: artifact.compact().into_owned(),
            payload_hash: artifact.payload_hash().to_string(),
            payload_hash_b64u: artifact.payload_hash().to_b64u(),
        }
    }
}

/// A bare payload of one of our kinds, with version and nonce.
pub fn bare(kind: Kind, payload: Value) -> Result<String, Failure> {
    Ok(to_compact(&complete(kind, payload, input::random()?)))
}
