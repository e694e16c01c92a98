//! Who is in a story: keys, roles, and the policy that everybody works under.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use ed25519_dalek::SigningKey;
use pulselog::artifact::Did;
use pulselog::artifact::json::Value;

use super::dice::Dice;
use crate::make::{hex, key, value};

pub const ORIGIN: &str = "log.example/test";
pub const INSTANCE: &str = "argocd-prod";
pub const CLUSTER: &str = "https://kubernetes.default.svc";
pub const AGENTS: [&str; 3] = ["agent one", "agent two", "agent three"];
pub const GATEWAYS: [&str; 2] = ["gateway", "second gateway"];
pub const APPROVERS: [&str; 3] = ["approver", "second approver", "third approver"];
const OTHERS: [&str; 11] = [
    "operator",
    "policy signer",
    "issuer",
    "recorder",
    "reviewer",
    "wrapper",
    "second wrapper",
    "stranger",
    "thief",
    "elsewhere approver",
    "argo cd",
];

fn keys() -> &'static BTreeMap<&'static str, (SigningKey, String)> {
    static KEYS: OnceLock<BTreeMap<&'static str, (SigningKey, String)>> = OnceLock::new();
    KEYS.get_or_init(|| {
        let names = AGENTS.iter().chain(&GATEWAYS).chain(&APPROVERS).chain(&OTHERS).copied();
        let made = |name: &'static str| {
            let key = key(name);
            let did = Did::of(&key.verifying_key()).to_string();
            (name, (key, did))
        };
        names.map(made).collect()
    })
}

pub fn signing_key(name: &str) -> SigningKey {
    keys().get(name).unwrap_or_else(|| panic!("no key of {name}")).0.clone()
}

pub fn did(name: &str) -> &'static str {
    &keys().get(name).unwrap_or_else(|| panic!("no key of {name}")).1
}

/// Names by DID, for whoever reads a listing.
pub fn names() -> BTreeMap<String, String> {
    keys().iter().map(|(name, (_, did))| (did.clone(), (*name).to_owned())).collect()
}

pub fn operator() -> Did {
    Did::parse(did("operator")).expect("a did")
}

/// The first two agents share a wrapper.
pub fn wrapper_of(agent: &str) -> &'static str {
    if agent == AGENTS[2] { "second wrapper" } else { "wrapper" }
}

pub fn username_of(agent: &str) -> String {
    format!("proj:payments:{}", agent.replace(' ', "-"))
}

pub fn nonce(of: &str) -> String {
    hex(of)[..32].to_owned()
}

/// An application, and the namespace that it deploys into.
pub struct App {
    pub name: &'static str,
    pub namespace: &'static str,
}

pub const APPS: [App; 2] =
    [App { name: "payments-api", namespace: "prod-canary" }, App { name: "ledger-api", namespace: "prod-ledger" }];

impl App {
    pub fn json(&self) -> String {
        let uid = &hex(self.name)[..32];
        let name = self.name;
        format!(r#"{{"uid":"{uid}","name":"{name}","namespace":"argocd","project":"payments"}}"#)
    }

    pub fn destination(&self) -> String {
        let namespace = self.namespace;
        format!(r#"{{"server":"{CLUSTER}","namespace":"{namespace}"}}"#)
    }
}

pub fn policy() -> Value<'static> {
    let row = |action: &str, more: &str| {
        format!(
            r#"{{"action":"{action}","apps":["payments-api","ledger-api"],
            "namespaces":["prod-canary","prod-ledger"]{more}}}"#
        )
    };
    let asked = r#","require_approval":true"#;
    value(&format!(
        r#"{{"wpc_version":"v1",
        "workload":{{"runtime":"openclaw","agent_name":"argo-deploy-assistant","environment":"prod"}},
        "tools":{{"argo_cd":{{"mode":"official_api","allow":[{},{},{},{},{}],
          "deny":[{{"action":"edit_app_spec"}},{{"action":"manage_projects"}},{{"action":"cluster_admin"}}]}}}},
        "token":{{"cst":{{"max_ttl_seconds":1800,"scope_hash_required":true,"policy_hash_pinning":"optional"}}}},
        "audit":{{"require_gateway_receipts":true,"produce_proof_bundle":true}}}}"#,
        row("read", ""),
        row("refresh", ""),
        row("sync", asked),
        row("rollback", asked),
        row("set_auto_sync", ""),
    ))
}

/// Roots for everybody, under one policy.
pub fn roots(policy: &str, knows_clusters: bool) -> Value<'static> {
    let list = |of: &[String]| of.join(",");
    let quoted = |names: &[&str]| list(&names.iter().map(|name| format!(r#""{}""#, did(name))).collect::<Vec<_>>());
    let agent = |name: &&str| {
        format!(
            r#"{{"did":"{}","default_policy":"{policy}","policies":["{policy}"],
            "usernames":[{{"instance":"{INSTANCE}","username":"{}"}}]}}"#,
            did(name),
            username_of(name)
        )
    };
    let approver = |(name, instance): (&str, &str)| format!(r#"{{"did":"{}","instances":["{instance}"]}}"#, did(name));
    let here = APPROVERS.iter().map(|name| (*name, INSTANCE));
    let approvers: Vec<_> = here.chain([("elsewhere approver", "argocd-stage")]).map(approver).collect();
    let observer = |(submitter, channels): (&str, &str)| {
        format!(r#"{{"submitter":"{submitter}","instance":"{INSTANCE}","channels":[{channels}]}}"#)
    };
    let observers = [("notifier", r#""notify""#), ("poller", r#""poll","k8s_event","server_log""#)].map(observer);
    let instances = match knows_clusters {
        true => format!(
            r#""instances":[{{"instance":"{INSTANCE}","closed_writes":false,"humans_complete":false,
            "clusters":[{{"name":"in-cluster","server":"{CLUSTER}"}}]}}],"#
        ),
        false => String::new(),
    };
    value(&format!(
        r#"{{"audit_roots_version":"1","nonce":"{}","origin":"{ORIGIN}","policy_signers":[{}],
        "cst_issuers":[{issuer}],"cst_revokers":[{issuer}],"gateways":[{}],"reviewers":[{}],"recorders":[{}],
        "approvers":[{}],
        "wrappers":[{{"did":"{}","agents":[{}]}},{{"did":"{}","agents":[{}]}}],
        "observers":[{}],"agents":[{}],
        "humans":[{{"instance":"{INSTANCE}","username":"sre"}}],{instances}"distrusted":[]}}"#,
        nonce("roots"),
        quoted(&["policy signer"]),
        quoted(&GATEWAYS),
        quoted(&["reviewer"]),
        quoted(&["recorder"]),
        list(&approvers),
        did("wrapper"),
        quoted(&AGENTS[..2]),
        did("second wrapper"),
        quoted(&AGENTS[2..]),
        list(&observers),
        list(&AGENTS.iter().map(agent).collect::<Vec<_>>()),
        issuer = quoted(&["issuer"]),
    ))
}

/// How far each clock is off, up to two minutes either way.
pub fn clocks(dice: &mut Dice) -> BTreeMap<&'static str, i64> {
    keys().keys().map(|name| (*name, dice.between(-119_000, 119_000))).collect()
}
