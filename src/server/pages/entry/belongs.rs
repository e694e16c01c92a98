//! What an entry belongs to: job, run, agent, token, policy, application, and the
//! other entries of its act. What the audit joins stands before what the artifact
//! says of itself, and no link leads to a page that is not there.

use crate::audit::{Link, Subject};
use crate::merkle::LeafIndex;
use crate::server::addresses::page;
use crate::server::judge::{Around, AuditsError};
use crate::server::pages::app::acts;
use crate::server::pages::document::Document;
use crate::server::pages::inline::{Chip, Said};
use crate::server::pages::policy;
use crate::server::pages::reader::Reader;
use crate::server::pages::trouble::Trouble;

/// Entries of one act that are linked.
const ACT_MAX: usize = 16;
/// Runs that one entry links to.
const RUNS_MAX: usize = 8;

/// What it belongs to; each with its page, where there is one.
#[derive(Default)]
pub(super) struct Belongs {
    pub job: Option<(Option<String>, Said)>,
    pub runs: Vec<(String, Said)>,
    pub agent: Option<(String, Chip)>,
    pub token: Option<(Option<String>, Chip)>,
    pub policy: Option<(Option<String>, Chip)>,
    pub app: Option<(Option<String>, Said)>,
    /// The other entries of its act: index and kind.
    pub act: Vec<(u64, &'static str)>,
}

impl Belongs {
    pub(super) fn is_empty(&self) -> bool {
        self.job.is_none()
            && self.runs.is_empty()
            && self.agent.is_none()
            && self.token.is_none()
            && self.policy.is_none()
            && self.app.is_none()
    }

    /// # Errors
    /// Those of the view.
    pub(super) fn read(reader: &Reader, document: &Document, around: Option<&Around>) -> Result<Self, Trouble> {
        let keys = document.keys();
        let none = Subject::default();
        let of = around.map_or(&none, |around| &around.subject);
        let is_known = |link: Link| -> Result<bool, Trouble> {
            let filed = reader.index.linked(&link, reader.view().size(), 1).map_err(AuditsError::from)?;
            Ok(!filed.is_empty())
        };
        let job = of.job.clone().or_else(|| keys.job.clone());
        let agent = of.agent.clone().or_else(|| keys.agent.clone());
        let token = of.token.clone().or_else(|| keys.token_hash.clone());
        let app = of.app.clone().or_else(|| acts::app_of(document.paper()));
        let runs: Vec<String> = of.run.clone().map_or_else(|| keys.runs.clone(), |run| vec![run]);
        let job_link = match &job {
            Some(job) if is_known(Link::job(job))? => Some(page::job(job)),
            _ => None,
        };
        let token_link = match &token {
            Some(hash) if is_known(Link::token(hash))? => Some(page::token(hash)),
            _ => None,
        };
        let app_link = match &app {
            Some(app) if is_known(Link::app(app))? => Some(page::app(app)),
            _ => None,
        };
        let policy = keys.policy_hash.as_deref().map(|hash| policy::named(reader, hash)).transpose()?;
        // A run is known by agent and id.
        let run = |run: &String| Some((page::run(agent.as_deref()?, run), Said::name(run)));
        Ok(Self {
            job: job.map(|job| (job_link, Said::name(&job))),
            runs: runs.iter().take(RUNS_MAX).filter_map(run).collect(),
            token: token.map(|hash| (token_link, Chip::hash(&hash))),
            policy,
            app: app.map(|app| (app_link, Said::name(&app))),
            act: act(reader, document, around)?,
            agent: agent.map(|agent| (page::agent(&agent), Chip::did(&agent))),
        })
    }
}

fn act(reader: &Reader, document: &Document, around: Option<&Around>) -> Result<Vec<(u64, &'static str)>, Trouble> {
    let own = document.paper().stored.index;
    let others = around.into_iter().flat_map(|around| around.act.iter().copied()).filter(|at| *at != own);
    others.take(ACT_MAX).map(|at: LeafIndex| Ok((at.get(), reader.view().entry(at)?.entry.kind.title()))).collect()
}
