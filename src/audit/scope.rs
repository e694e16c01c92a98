//! What a report is about.

use std::fmt;

use crate::audit::finding::Subject;
use crate::audit::links::Link;
use crate::shapes::{HashText, written_as};

/// The log as a whole, or one thing in it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    Log,
    /// By the id of the job.
    Job(String),
    /// One run of one agent.
    Run {
        agent: String,
        run: String,
    },
    /// By the hex hash of the token.
    Token(String),
    /// By DID.
    Agent(String),
    /// By `instance/namespace/name`.
    App(String),
}

impl Scope {
    /// The link that leads to its entries; `None` where only the whole log does.
    pub(super) fn link(&self) -> Option<Link> {
        match self {
            Self::Job(job) => Some(Link::job(job)),
            Self::Run { run, .. } => Some(Link::run(run)),
            Self::Token(hash) => Some(Link::token(hash)),
            Self::App(app) => Some(Link::app(app)),
            Self::Log | Self::Agent(_) => None,
        }
    }

    /// Whether something charged to `subject` is named by it directly.
    pub(super) fn names(&self, subject: &Subject) -> bool {
        let is = |of: &Option<String>, name: &str| of.as_deref() == Some(name);
        match self {
            Self::Log => true,
            Self::Job(job) => is(&subject.job, job),
            Self::Run { agent, run } => is(&subject.agent, agent) && is(&subject.run, run),
            Self::Token(hash) => is(&subject.token, hash),
            Self::Agent(agent) => is(&subject.agent, agent),
            Self::App(app) => is(&subject.app, app),
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Log => f.write_str("log"),
            Self::Job(job) => write!(f, "job {job}"),
            Self::Run { agent, run } => write!(f, "run {run} of {agent}"),
            Self::Token(hash) => write!(f, "token {hash}"),
            Self::Agent(agent) => write!(f, "agent {agent}"),
            Self::App(app) => write!(f, "app {app}"),
        }
    }
}

/// The members that scopes write: those of one.
#[derive(schemars::JsonSchema)]
#[schemars(rename = "Scope")]
#[allow(dead_code, reason = "read by nobody: its fields describe what the next block writes")]
struct Members {
    /// Id of the job.
    #[schemars(skip_serializing_if = "Option::is_none")]
    job: Option<String>,
    /// DID of the agent, alone or with the run.
    #[schemars(skip_serializing_if = "Option::is_none")]
    agent: Option<String>,
    /// Id of the run.
    #[schemars(skip_serializing_if = "Option::is_none")]
    run: Option<String>,
    /// Hash of the token.
    #[schemars(skip_serializing_if = "Option::is_none", with = "HashText")]
    token: Option<String>,
    /// Application, as instance/namespace/name.
    #[schemars(skip_serializing_if = "Option::is_none")]
    app: Option<String>,
}

written_as! {
    Scope: Members;
}

impl serde::Serialize for Scope {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap as _;
        let members: &[(&str, &str)] = &match self {
            Self::Log => vec![],
            Self::Job(job) => vec![("job", job.as_str())],
            Self::Run { agent, run } => vec![("agent", agent.as_str()), ("run", run.as_str())],
            Self::Token(hash) => vec![("token", hash.as_str())],
            Self::Agent(agent) => vec![("agent", agent.as_str())],
            Self::App(app) => vec![("app", app.as_str())],
        };
        let mut map = serializer.serialize_map(Some(members.len()))?;
        for (name, value) in members {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}
