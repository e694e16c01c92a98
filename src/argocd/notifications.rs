//! The configuration of Argo CD's notification controller by which it tells a
//! log what happens (PEERS 7.13), and how it joins what is configured already.
//!
//! It uses nothing but what a running Argo CD was seen to take: the trigger
//! conditions, `oncePer`, the template functions named in a test, `url`,
//! `headers` and `retryMax`. No `retryWaitMin` or `retryWaitMax`: a duration
//! there stops every notification of the installation.

mod merge;

pub use self::merge::{MergeError, merged};

use std::fmt::Write as _;

use crate::artifact::shape::Text;

/// Name of webhook, triggers, templates and of the token's key.
const NAME: &str = "pulselog";
/// Names that Argo CD looks for.
pub const CONFIG_MAP: &str = "argocd-notifications-cm";
pub const SECRET: &str = "argocd-notifications-secret";
/// Key of the token in that secret.
pub const TOKEN_KEY: &str = "pulselog-token";
/// What stands where the token belongs.
pub const TOKEN_PLACE: &str = "PUT-THE-TOKEN-HERE";
/// Longest address of a log.
const URL_BYTES_MAX: usize = 1024;

/// A configuration: for which log, and which installation it speaks of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notifications {
    /// Of the receiver.
    url: String,
    instance: String,
    namespace: String,
}

/// Why there is no configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    #[error("--url: must be the log's address, http:// or https:// with a host, without blanks, quotes or $")]
    Url,
    #[error("--instance: {0}")]
    Instance(String),
    #[error("--namespace: {0}")]
    Namespace(String),
}

const APP: &str = r#"{{ dict "uid" .app.metadata.uid "name" .app.metadata.name "namespace" .app.metadata.namespace "resourceVersion" .app.metadata.resourceVersion "project" .app.spec.project "destination" .app.spec.destination | toJson }}"#;

const OPERATION: &str = r#"{{- $op := .app.status.operationState -}}
{{- $result := default (dict) $op.syncResult -}}
{
  "schema": "argocd-notify/1",
  "event": "operation",
  "instance": "INSTANCE",
  "app": APP,
  "phase": {{ toJson $op.phase }},
  "message": {{ toJson $op.message }},
  "startedAt": {{ toJson $op.startedAt }},
  "finishedAt": {{ toJson $op.finishedAt }},
  "retryCount": {{ default 0 $op.retryCount }},
  "operation": {{ toJson $op.operation }},
  "syncResult": {{ omit $result "resources" | toJson }},
  "history": {{ if .app.status.history }}{{ omit (last .app.status.history) "source" "sources" | toJson }}{{ else }}null{{ end }}
}
"#;

const AUTO_SYNC: &str = r#"{
  "schema": "argocd-notify/1",
  "event": "autosync",
  "instance": "INSTANCE",
  "app": APP,
  "syncPolicy": {{ toJson .app.spec.syncPolicy }}
}
"#;

const LIFECYCLE: &str = r#"{
  "schema": "argocd-notify/1",
  "event": {{ if .app.metadata.deletionTimestamp }}"deleting"{{ else }}"seen"{{ end }},
  "instance": "INSTANCE",
  "app": APP,
  "creationTimestamp": {{ toJson .app.metadata.creationTimestamp }},
  "deletionTimestamp": {{ toJson .app.metadata.deletionTimestamp }}
}
"#;

/// The fast way: once for each operation and phase. An operation that fails to
/// be told so is told by the next trigger, which the controller repeats.
const OPERATION_TRIGGER: &str = "\
- description: an operation was picked up
  when: app.status?.operationState?.phase == 'Running'
  oncePer: app.metadata.uid + '/' + app.status.operationState.startedAt
  send: [pulselog-operation]
- description: an operation is being terminated
  when: app.status?.operationState?.phase == 'Terminating'
  oncePer: app.metadata.uid + '/' + app.status.operationState.startedAt
  send: [pulselog-operation]
- description: an operation came to its end
  when: app.status?.operationState?.phase in ['Succeeded', 'Failed', 'Error']
  oncePer: app.metadata.uid + '/' + app.status.operationState.startedAt + '/' + (app.status.operationState.finishedAt ?? '')
  send: [pulselog-operation]
";

const AGAIN_TRIGGER: &str = "\
- description: an operation came to its end, told until the log took it
  when: app.status?.operationState?.phase in ['Succeeded', 'Failed', 'Error']
  send: [pulselog-operation]
";

const AUTO_SYNC_TRIGGER: &str = "\
- description: automated sync is off
  when: app.spec.syncPolicy?.automated == nil or app.spec.syncPolicy?.automated?.enabled == false
  send: [pulselog-autosync]
- description: automated sync is on
  when: app.spec.syncPolicy?.automated != nil and app.spec.syncPolicy?.automated?.enabled != false
  send: [pulselog-autosync]
";

const LIFECYCLE_TRIGGER: &str = "\
- description: an application is there
  when: \"true\"
  oncePer: app.metadata.uid
  send: [pulselog-lifecycle]
- description: an application is being deleted
  when: app.metadata.deletionTimestamp != nil
  oncePer: app.metadata.uid
  send: [pulselog-lifecycle]
";

const TRIGGERS: [&str; 4] =
    ["pulselog-operation", "pulselog-operation-again", "pulselog-autosync", "pulselog-lifecycle"];

impl Notifications {
    /// A configuration for the log at `url`, whose receiver is at `path`;
    /// `instance` is our id for the
    /// installation, `namespace` where Argo CD runs.
    ///
    /// # Errors
    /// The part that could not stand in it as it is.
    pub fn new(url: &str, path: &str, instance: &str, namespace: &str) -> Result<Self, ConfigError> {
        let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).unwrap_or_default();
        let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"\"'`$\\<>{}".contains(&byte);
        let has_host = !rest.trim_start_matches('/').is_empty() && !rest.starts_with('/');
        if !has_host || url.len() > URL_BYTES_MAX || !url.bytes().all(is_plain) || rest.contains(['?', '#', '@']) {
            return Err(ConfigError::Url);
        }
        if !Text::Dns1123.is(instance) {
            return Err(ConfigError::Instance(Text::Dns1123.rule()));
        }
        if !Text::Dns1123.is(namespace) {
            return Err(ConfigError::Namespace(Text::Dns1123.rule()));
        }
        let url = format!("{}{path}", url.trim_end_matches('/'));
        Ok(Self { url, instance: instance.to_owned(), namespace: namespace.to_owned() })
    }

    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Members of `data` that are ours alone, by name.
    #[must_use]
    pub fn own_data(&self) -> Vec<(String, String)> {
        let body = |name: &str, body: &str| {
            let body = body.replace("INSTANCE", &self.instance).replace("APP", APP);
            (
                format!("template.{name}"),
                format!("webhook:\n  {NAME}:\n    method: POST\n    body: |\n{}", indented(&body, 6)),
            )
        };
        let service = format!(
            "url: {}\nheaders:\n- name: Content-Type\n  value: application/json\n\
             - name: Authorization\n  value: Bearer ${TOKEN_KEY}\nretryMax: 5\n",
            self.url
        );
        let bodies = [OPERATION_TRIGGER, AGAIN_TRIGGER, AUTO_SYNC_TRIGGER, LIFECYCLE_TRIGGER];
        let mut data = vec![(format!("service.webhook.{NAME}"), service)];
        data.extend(TRIGGERS.iter().zip(bodies).map(|(name, body)| (format!("trigger.{name}"), body.to_owned())));
        data.push(body("pulselog-operation", OPERATION));
        data.push(body("pulselog-autosync", AUTO_SYNC));
        data.push(body("pulselog-lifecycle", LIFECYCLE));
        data
    }

    /// The element of `subscriptions` that is ours: every application, which
    /// nobody can switch off by editing one.
    #[must_use]
    pub fn subscription() -> String {
        format!("- recipients: [{NAME}]\n  triggers: [{}]\n", TRIGGERS.join(", "))
    }

    /// Secret and ConfigMap as YAML, for an installation that has neither filled.
    #[must_use]
    pub fn to_yaml(&self) -> String {
        let namespace = &self.namespace;
        let mut out = format!(
            "# The token is that of an observer of this installation:\n\
             #   pulselog token new NAME --data DIR --allow-unsigned argocd_observation:notify --instance {}\n\
             apiVersion: v1\nkind: Secret\nmetadata:\n  name: {SECRET}\n  namespace: {namespace}\ntype: Opaque\n\
             stringData:\n  {TOKEN_KEY}: {TOKEN_PLACE}\n---\n\
             # Where notifications are configured already, merge instead of applying this: --merge.\n\
             apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {CONFIG_MAP}\n  namespace: {namespace}\ndata:\n",
            self.instance
        );
        let subscriptions = ("subscriptions".to_owned(), Self::subscription());
        for (name, text) in self.own_data().into_iter().chain([subscriptions]) {
            // Writing to a text does not fail.
            let _ = write!(out, "  {name}: |\n{}", indented(&text, 4));
        }
        out
    }
}

fn indented(text: &str, blanks: usize) -> String {
    text.lines().map(|line| format!("{:blanks$}{line}\n", "")).collect()
}
