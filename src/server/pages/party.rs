//! People and machines as pages name them: by their role first, as the roots in
//! force gave it, then by DID, and by the name that roots give, where they do.

use std::sync::Arc;

use crate::artifact::{Artifact, Keys};
use crate::audit::{self, Link};
use crate::merkle::{LeafIndex, TreeSize};
use crate::server::desk::Paper;
use crate::server::judge::AuditsError;
use crate::server::log::view::StoredEntry;
use crate::server::pages::inline::{Chip, Said};
use crate::server::pages::reader::Reader;
use crate::server::pages::trouble::Trouble;

/// Somebody who signed, or whom a page is about.
pub(crate) struct Party {
    /// "approver"; "signer without the role of an approver" is two words of it.
    pub role: &'static str,
    /// Whether roots gave that role where the statement stands.
    pub is_held: bool,
    pub did: Chip,
    /// User and instance, of an agent.
    pub name: Option<(Said, Said)>,
}

impl Party {
    /// Who signed an entry; none where nobody did.
    ///
    /// # Errors
    /// Those of the view.
    pub(crate) fn signer(reader: &Reader, stored: &StoredEntry, keys: &Keys) -> Result<Option<Self>, Trouble> {
        let (Some(did), kind) = (&stored.entry.signer, stored.entry.kind) else { return Ok(None) };
        let roots = roots_at(reader, stored.index)?;
        let roots = roots.as_ref().and_then(|roots| roots.artifact());
        let is_operator = did == &reader.facts.operator;
        let role = audit::role_of(kind);
        // An agent is whom it names; where the body was not read, whom roots list.
        let is_agent = || keys.agent.as_ref().is_none_or(|agent| agent == did.as_str());
        let is_listed = || roots.is_some_and(|roots| audit::has_role(roots, did.as_str(), kind));
        let is_held = match role {
            "operator" => is_operator,
            "agent" => is_agent() && (keys.agent.is_some() || is_listed()),
            _ => is_listed(),
        };
        Ok(Some(Self { role, is_held, did: Chip::did(did.as_str()), name: name(roots, did.as_str()) }))
    }

    /// The same for a row of many, which tells no names.
    ///
    /// # Errors
    /// Those of the view.
    pub(crate) fn of_row(reader: &Reader, paper: &Paper) -> Result<Option<Self>, Trouble> {
        Ok(Self::signer(reader, &paper.stored, &paper.keys())?.map(Self::without_name))
    }

    /// The same, for a row of many.
    pub(crate) fn without_name(self) -> Self {
        Self { name: None, ..self }
    }

    /// An agent, as the newest roots below a size name it.
    ///
    /// # Errors
    /// Those of the view.
    pub(crate) fn agent(reader: &Reader, did: &str, size: TreeSize) -> Result<Self, Trouble> {
        let roots = newest_roots(reader, size)?;
        let roots = roots.as_ref().and_then(|roots| roots.artifact());
        let is_held = roots.is_some_and(|roots| audit::roles(roots, did).contains(&"agent"));
        Ok(Self { role: "agent", is_held, did: Chip::did(did), name: name(roots, did) })
    }
}

fn name(roots: Option<&Artifact<'_>>, did: &str) -> Option<(Said, Said)> {
    let (user, instance) = audit::agent_names(roots?, did).into_iter().next()?;
    Some((Said::name(&user), Said::name(&instance)))
}

/// The roots in force where an entry stands.
pub(crate) fn roots_at(reader: &Reader, at: LeafIndex) -> Result<Option<Arc<Paper>>, Trouble> {
    newest_roots(reader, TreeSize::new(at.get() + 1))
}

fn newest_roots(reader: &Reader, size: TreeSize) -> Result<Option<Arc<Paper>>, Trouble> {
    let newest = reader.index.newest(&Link::ROOTS, size).map_err(AuditsError::from)?;
    newest.map(|at| Ok(reader.desk().read(at)?)).transpose()
}
