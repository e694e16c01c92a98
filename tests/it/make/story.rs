//! A served log with the story of one job in two runs, played through the HTTP
//! API: what the page tests look at. In process, on a free port.

use std::sync::OnceLock;

use ed25519_dalek::SigningKey;
use pulselog::artifact::json::{Value, to_compact};
use pulselog::artifact::{Did, Kind};
use pulselog::checkpoint::Origin;
use pulselog::entry::SubmitterName;
use pulselog::note::{KeyName, SignerKey};
use pulselog::server::Server;
use pulselog::server::config::Config;
use pulselog::server::submitters::{self, TokenOptions};

use crate::make::{did, good_payload, hex, key, kind, seal_raw, set, value};

const ORIGIN: &str = "log.example.com/claw";
/// Runs of the story.
pub const RUN_1: &str = "run-2026-11-22-canary";
pub const RUN_2: &str = "run-2026-11-22-rollback";

/// A log that serves pages.
pub struct Site {
    pub base: String,
    token: String,
    bare_tokens: Vec<String>,
    client: ureq::Agent,
    server: Option<Server>,
    _dir: tempfile::TempDir,
}

/// One answer.
pub struct Page {
    pub status: u16,
    pub headers: ureq::http::HeaderMap,
    pub html: String,
}

impl Page {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or("")
    }
}

impl Site {
    /// An empty log.
    pub fn empty() -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let data = dir.path().join("data");
        let (origin, name) = (Origin::parse(ORIGIN).expect("an origin"), KeyName::parse(ORIGIN).expect("a name"));
        let signer = SignerKey::new(name, &key("log").to_bytes()).expect("a key");
        let operator = Did::parse(&did("operator")).expect("a did");
        let mut config = Config::local(data.clone(), origin, signer, operator);
        config.free_disk_bytes_min = 0;
        let server = Server::start(config).expect("the log starts");
        let new = |name: &str, options: TokenOptions| {
            let name = SubmitterName::parse(name).expect("a name");
            submitters::create(&data, &name, options).expect("a token").token
        };
        let bare = || TokenOptions { allow_unsigned: Some((kind("trust_pulse"), None)), ..TokenOptions::default() };
        let bare_tokens = vec![new("openclaw-runtime", bare()), new("second-runtime", bare())];
        let config = ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0).build();
        Self {
            base: format!("http://{}", server.addr()),
            token: new("argo-wrapper", TokenOptions::default()),
            bare_tokens,
            client: config.new_agent(),
            server: Some(server),
            _dir: dir,
        }
    }

    /// The story, played once for all tests of this process.
    pub fn played() -> &'static (Self, Story) {
        static SITE: OnceLock<(Site, Story)> = OnceLock::new();
        SITE.get_or_init(|| {
            let site = Self::empty();
            let story = play(&site);
            (site, story)
        })
    }

    pub fn get(&self, path: &str) -> Page {
        let mut answer = self.client.get(format!("{}{path}", self.base)).call().expect("the server answers");
        let html = answer.body_mut().read_to_string().expect("text");
        Page { status: answer.status().as_u16(), headers: answer.headers().clone(), html }
    }

    /// Submits; gives index and digest.
    pub fn submit(&self, text: &str) -> (u64, String) {
        self.submit_as(&self.token, text)
    }

    /// Submits an unsigned pulse as one of two runtimes.
    pub fn submit_bare(&self, who: usize, text: &str) -> (u64, String) {
        self.submit_as(&self.bare_tokens[who], text)
    }

    /// Submits something that admission may well refuse.
    pub fn try_submit(&self, text: &str) -> Option<u64> {
        self.try_submit_as(&self.token, text).ok().map(|(index, _)| index)
    }

    /// Submits an unsigned pulse that admission may well refuse.
    pub fn try_submit_bare(&self, who: usize, text: &str) -> Option<(u64, String)> {
        self.try_submit_as(&self.bare_tokens[who], text).ok()
    }

    fn submit_as(&self, token: &str, text: &str) -> (u64, String) {
        self.try_submit_as(token, text).unwrap_or_else(|body| panic!("{body} for {text}"))
    }

    fn try_submit_as(&self, token: &str, text: &str) -> Result<(u64, String), String> {
        let request = self.client.post(format!("{}/v1/entries", self.base));
        let request =
            request.header("authorization", format!("Bearer {token}")).header("content-type", "application/json");
        let mut answer = request.send(text).expect("the server answers");
        let body = answer.body_mut().read_to_string().expect("text");
        if !answer.status().is_success() {
            return Err(body);
        }
        let parsed: serde_json::Value = serde_json::from_str(&body).expect("JSON");
        let index = parsed["index"].as_u64().expect("an index");
        Ok((index, parsed["artifact"].as_str().expect("a digest").to_owned()))
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            // The test has its answer; a log that ends badly says so on its own.
            let _ = server.shutdown();
        }
    }
}

/// What the story left behind.
pub struct Story {
    pub pulse_1: String,
    pub pulse_2: String,
    pub size: u64,
}

/// An artifact of `name`, its good payload changed at some paths, signed by `who`.
pub fn made(name: &str, who: &str, changes: &[(&str, Value<'static>)]) -> String {
    let kind: Kind = kind(name);
    let mut payload = good_payload(kind);
    // A nonce of ours keeps equal statements apart.
    if payload.get("nonce").is_some() {
        set(&mut payload, "nonce", Some(hex(&format!("{changes:?}"))[..32].into()));
    }
    for (path, new) in changes {
        set(&mut payload, path, Some(new.clone()));
    }
    if name == "cst_issuance" {
        crate::make::rehash_scope(&mut payload);
    }
    to_compact(&seal_raw(kind, payload, &signing(who)))
}

fn signing(who: &str) -> SigningKey {
    key(who)
}

/// The pulse of a run, as the runtime writes it.
pub fn pulse(run: &str, tools: &str, files: &str) -> String {
    format!(
        r#"{{"trust_pulse_version":"1","trust_pulse_id":"tp-{run}","run_id":"{run}","agent_did":"{}","issued_at":"2026-11-22T12:40:51Z","evidence_class":"self_reported","tier_uplift":false,"started_at":"2026-11-22T12:10:02Z","ended_at":"2026-11-22T12:39:14Z","duration_ms":1752000,"tools":{tools},"files":{files}}}"#,
        did("agent"),
    )
}

fn text(text: &str) -> Value<'static> {
    text.into()
}

fn gateway(run: &str, receipt: &str, model: &str) -> String {
    let changes = [("receipt_id", text(receipt)), ("model", text(model)), ("binding.run_id", text(run))];
    made("gateway_receipt", "gateway", &changes)
}

fn decision(run: &str, action: &str, verdict: &str, reason: &str) -> String {
    let mut changes = vec![
        ("binds.action", text(action)),
        ("run_id", text(run)),
        ("decision", text(verdict)),
        ("decision_reason", text(reason)),
    ];
    if action == "rollback" {
        changes.push(("binds.history_id", value("6")));
        return made("argocd_decision", "wrapper", &changes);
    }
    let kind = kind("argocd_decision");
    let mut payload = good_payload(kind);
    set(&mut payload, "binds.history_id", None);
    set(&mut payload, "nonce", Some(hex(action)[..32].into()));
    changes.into_iter().for_each(|(path, new)| set(&mut payload, path, Some(new)));
    to_compact(&seal_raw(kind, payload, &key("wrapper")))
}

fn receipt(of: &str) -> String {
    made("argocd_receipt", "wrapper", &[("decision_digest", text(&hex(of)))])
}

fn bundle(run: &str, id: &str) -> String {
    let mut payload = crate::make::bundle_payload();
    set(&mut payload, "bundle_id", Some(id.into()));
    set(&mut payload, "event_chain[0].run_id", Some(run.into()));
    for name in ["receipts", "tool_receipts", "side_effect_receipts", "human_approval_receipts", "delegation_receipts"]
    {
        set(&mut payload, name, None);
    }
    set(&mut payload, "metadata.pulselog.change_ref.key", Some("PAY-4711".into()));
    to_compact(&seal_raw(kind("proof_bundle"), payload, &key("agent")))
}

/// One job in two runs, each artifact submitted when it is made.
pub fn play(site: &Site) -> Story {
    let tools = r#"[{"name":"argocd.app.get","calls":3},{"name":"argocd.app.sync","calls":1},{"name":"argocd.app.logs","calls":2}]"#;
    let files = r#"[{"path":"deploy/prod-canary/values.yaml","touches":2},{"path":"deploy/prod-canary/kustomization.yaml","touches":1}]"#;
    let story = [
        made("audit_roots", "operator", &[]),
        made("work_policy", "policy signer", &[]),
        made("cst_issuance", "issuer", &[]),
        gateway(RUN_1, "rcpt-1", "claude-sonnet-4-5"),
        decision(RUN_1, "read", "allow", "policy row 1"),
        receipt("read"),
        gateway(RUN_1, "rcpt-2", "openrouter/fal/llama-3.3-70b"),
        made("approval", "approver", &[]),
        decision(RUN_1, "sync", "allow", "policy row 2, approval apr_1"),
        receipt("sync"),
        made("argocd_observation", "observer", &[]),
        decision(RUN_1, "edit_app_spec", "deny", "policy row 4 denies edit_app_spec"),
        made("cst_revocation", "issuer", &[("reason", text("job frozen after a failed canary"))]),
        made("change_record", "recorder", &[]),
        gateway(RUN_2, "rcpt-3", "claude-sonnet-4-5"),
        made("approval", "approver", &[("approval_id", text("apr_2"))]),
        decision(RUN_2, "rollback", "allow", "policy row 3, approval apr_2"),
        receipt("rollback"),
        bundle(RUN_1, "pb-canary"),
        bundle(RUN_2, "pb-rollback"),
    ];
    for artifact in &story {
        site.submit(artifact);
    }
    let (_, pulse_1) = site.submit_bare(0, &pulse(RUN_1, tools, files));
    let (last, pulse_2) = site.submit_bare(0, &pulse(RUN_2, r#"[{"name":"argocd.app.rollback","calls":1}]"#, "[]"));
    Story { pulse_1, pulse_2, size: last + 1 }
}
