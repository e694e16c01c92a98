//! Addresses that answers and pages lead to: written here, and nowhere below
//! HTTP. What stands in a name is escaped, so that each leads to one place.

use std::fmt::Display;

use crate::artifact::digest::ArtifactDigest;
use crate::merkle::{LeafIndex, TreeSize};
use crate::server::index::names::Sort;
use crate::server::lookup::What;
use crate::text::percent::segment;

pub const TRUST_POLICY: &str = "/v1/trust-policy";

pub fn entry(index: impl Display) -> String {
    format!("/v1/entries/{index}")
}

pub fn proof(index: LeafIndex, size: TreeSize) -> String {
    format!("/v1/entries/{index}.tlog-proof?size={size}")
}

pub fn artifact(digest: impl Display) -> String {
    format!("/v1/artifacts/{digest}")
}

pub fn checkpoint(size: TreeSize) -> String {
    format!("/v1/checkpoints/{size}")
}

pub fn consistency(from: TreeSize, to: TreeSize) -> String {
    format!("/v1/proofs/consistency?from={from}&to={to}")
}

pub fn policy(hash: impl Display) -> String {
    format!("/v1/policies/{hash}")
}

/// Where to read on about what was found; `first`: its lowest entry.
pub fn found(what: &What, first: Option<LeafIndex>) -> String {
    match what {
        What::Artifact(digest, _) => artifact(digest),
        What::Leaf(leaf) => format!("/v1/leaves/{leaf}"),
        What::Policy(hash) => policy(hash),
        What::Code(code) => page::code(code),
        What::Named { sort: Sort::Job, name, .. } => format!("/v1/jobs/{}", segment(name)),
        What::Named { sort: Sort::Run, name, of: Some(agent) } => {
            format!("/v1/runs/{}/{}", segment(agent), segment(name))
        }
        What::Named { sort: Sort::Token, name, .. } => format!("/v1/tokens/{}", segment(name)),
        What::Named { sort: Sort::Agent, name, .. } => format!("/v1/findings?agent={}", segment(name)),
        What::Named { sort: Sort::App, name, .. } => format!("/v1/findings?app={}", segment(name)),
        What::Named { .. } | What::Entry | What::Payload(_) => first.map_or(String::new(), entry),
    }
}

/// Pages for people.
pub mod page {
    use super::{ArtifactDigest, Display, LeafIndex, Sort, TreeSize, What, segment};
    use crate::artifact::Kind;
    use crate::server::index::names::Standing;

    /// Where to read on about what was found; `first`: its lowest entry. Names
    /// that only others give lead to what they say.
    pub fn found(what: &What, standing: Standing, first: Option<LeafIndex>) -> String {
        let is_held = standing == Standing::Holder;
        match what {
            What::Artifact(digest, Kind::ProofBundle) => bundle(digest),
            What::Artifact(digest, Kind::TrustPulse) => pulse(digest),
            What::Policy(hash) => policy(&hash.to_string()),
            What::Code(name) => code(name),
            What::Named { sort: Sort::Job, name, .. } if is_held => job(name),
            What::Named { sort: Sort::Run, name, of: Some(agent) } => run(agent, name),
            What::Named { sort: Sort::Token, name, .. } if is_held => token(name),
            What::Named { sort: Sort::Agent | Sort::Signer, name, .. } => agent(name),
            What::Named { sort: Sort::App, name, .. } if is_held => app(name),
            What::Named { sort: Sort::Ticket, name, of: Some(system) } => {
                ticket(system, name.strip_prefix(&format!("{system}/")).unwrap_or(name))
            }
            What::Named { sort, name, .. } => entries(*sort, name),
            What::Artifact(..) | What::Leaf(_) | What::Payload(_) | What::Entry => {
                first.map_or_else(|| "/entries".to_owned(), entry)
            }
        }
    }

    /// Entries that bear a name.
    pub fn entries(sort: Sort, name: &str) -> String {
        format!("/entries?{}={}", sort.name(), segment(name))
    }

    pub fn search(text: &str) -> String {
        format!("/search?q={}", segment(text))
    }

    pub fn policy(hash: &str) -> String {
        format!("/policies/{hash}")
    }

    pub fn token(hash: &str) -> String {
        format!("/tokens/{}", segment(hash))
    }

    pub fn agent(did: &str) -> String {
        format!("/agents/{}", segment(did))
    }

    pub fn ticket(system: &str, key: &str) -> String {
        format!("/tickets/{}/{}", segment(system), segment(key))
    }

    pub fn checkpoint(size: TreeSize) -> String {
        format!("/checkpoints/{size}")
    }

    /// How the log grew from one size to another.
    pub fn tree(from: TreeSize, to: TreeSize) -> String {
        format!("/tree?from={from}&to={to}")
    }

    pub fn entry(index: impl Display) -> String {
        format!("/entries/{index}")
    }

    pub fn bundle(digest: impl Display) -> String {
        format!("/b/{digest}")
    }

    pub fn pulse(digest: impl Display) -> String {
        format!("/pulses/{digest}")
    }

    /// A pulse that was logged more than once, as one entry holds it.
    pub fn pulse_of_entry(digest: &ArtifactDigest, index: LeafIndex) -> String {
        format!("/pulses/{digest}?entry={index}")
    }

    pub fn job(job: &str) -> String {
        format!("/jobs/{}", segment(job))
    }

    /// By `instance/namespace/name`.
    pub fn app(app: &str) -> String {
        let named: Vec<_> = app.split('/').map(segment).collect();
        format!("/apps/{}", named.join("/"))
    }

    /// What happened in a scope, by the names of the form.
    pub fn incidents(asked: &[(&str, &str)]) -> String {
        let asked: Vec<_> = asked.iter().map(|(name, value)| format!("{name}={}", segment(value))).collect();
        format!("/incidents?{}", asked.join("&"))
    }

    pub fn run(agent: &str, run: &str) -> String {
        format!("/runs/{}/{}", segment(agent), segment(run))
    }

    pub fn findings_of_job(job: &str, at: TreeSize) -> String {
        format!("/findings?job={}&at={at}", segment(job))
    }

    pub fn findings_of_run(agent: &str, run: &str, at: TreeSize) -> String {
        format!("/findings?agent={}&run={}&at={at}", segment(agent), segment(run))
    }

    /// What a code means.
    pub fn code(code: &str) -> String {
        format!("/findings/{code}")
    }
}
