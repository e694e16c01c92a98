//! The looks that a report of a job or an application needs to say when nobody
//! looked: the plan asks what the rule asks (looks.rs), of what was found so far,
//! and wants what answers, until nothing is open.
//!
//! ```text
//! a job           tokens ─> lives, agents' instances ─> a look of each slot, those at the ends of gaps
//! an application  its rows that changed ─> the looks before these; the last looks
//! ```

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use crate::artifact::spelling::spelled;
use crate::artifact::{Artifact, CstIssuance, Node, Payload, View as _};
use crate::audit::gather::{Wanted, Which};
use crate::audit::links::Link;
use crate::audit::looks::{Asked, Asker, Life, Look, Looks, Question, look_of, who};
use crate::audit::scope::Scope;
use crate::audit::statement::{app_name, ms};
use crate::audit::windows::LOOKS_MAX;
use crate::entry::LoggedAt;
use crate::merkle::LeafIndex;

#[derive(Debug)]
pub(super) struct Watch {
    whose: Whose,
    looks: Looks,
    /// All who may look, as their looks are filed: those who sign nothing, and by
    /// any roots those who sign.
    whos: BTreeSet<String>,
    asked: Asked,
}

#[derive(Debug)]
enum Whose {
    Jobs(Jobs),
    App(App),
}

/// Jobs, and what was found of their tokens.
#[derive(Debug, Default)]
struct Jobs {
    /// None where each counts that an issuance names.
    job: Option<String>,
    /// By hash.
    tokens: BTreeMap<String, Issued>,
    /// By agent, as any roots say.
    instances: BTreeMap<String, BTreeSet<String>>,
}

/// A token, by every account of it.
#[derive(Debug, Default)]
struct Issued {
    lives: BTreeMap<LeafIndex, Life>,
    jobs: BTreeSet<Option<String>>,
    agents: BTreeSet<String>,
}

/// An application, and what was found of it.
#[derive(Debug, Default)]
struct App {
    /// As `instance/namespace/name`.
    name: String,
    instance: String,
    /// By uid: when rows were taken, and their texts.
    rows: BTreeMap<String, BTreeMap<(i64, LeafIndex), Option<String>>>,
}

impl Watch {
    pub(super) fn of(scope: &Scope) -> Option<Self> {
        let whose = match scope {
            Scope::Job(job) => Whose::Jobs(Jobs { job: Some(job.clone()), ..Jobs::default() }),
            // Their reports say how their jobs are judged.
            Scope::Run { .. } | Scope::Token(_) => Whose::Jobs(Jobs::default()),
            Scope::App(name) => {
                let instance = name.split('/').next().unwrap_or_default().to_owned();
                Whose::App(App { name: name.clone(), instance, ..App::default() })
            }
            Scope::Log | Scope::Agent(_) => return None,
        };
        let whos = [String::new()].into();
        Some(Self { whose, looks: Looks::default(), whos, asked: Asked::default() })
    }

    pub(super) fn note(&mut self, at: LeafIndex, logged_at: LoggedAt, body: &Artifact) {
        let says = body.says();
        if let Payload::ArgocdSnapshot(says) = says
            && let Some((instance, taken)) = look_of(says, ms(logged_at))
        {
            self.looks.add(instance, who(body.signer()), Look { at, taken });
        } else if let Payload::AuditRoots(roots) = says {
            self.whos.extend(roots.observers().filter_map(|row| row.did().map(str::to_owned)));
            for (did, from) in roots.distrusted().filter_map(|row| row.did().zip(row.since())) {
                self.looks.distrust(did, LeafIndex::new(from));
            }
        }
        match &mut self.whose {
            Whose::Jobs(jobs) => jobs.note(at, ms(logged_at), says),
            Whose::App(app) => app.note(at, ms(logged_at), says),
        }
    }

    /// What answers the questions that are open.
    pub(super) fn wanted(&mut self) -> Vec<Wanted> {
        let asked = RefCell::new(std::mem::take(&mut self.asked));
        let asking = |instance| self.looks.asking(instance, &self.whos, &asked);
        match &self.whose {
            Whose::Jobs(jobs) => jobs.ask(asking),
            Whose::App(app) => app.ask(&self.looks, &asking(&app.instance)),
        }
        self.asked = asked.into_inner();
        self.asked.take().iter().map(|(instance, who, question)| wanted((instance, who), *question)).collect()
    }
}

fn wanted(whose: (&str, &str), question: Question) -> Wanted {
    match question {
        Question::Any { level, node } => {
            Wanted { link: Link::looks_of(whose, level, node), which: Which::From(LeafIndex::new(0)) }
        }
        Question::Of(slot) => Wanted { link: Link::looks_of(whose, 0, slot), which: Which::First(LOOKS_MAX) },
        Question::Newest => {
            Wanted { link: Link::looks(whose.0, whose.1), which: Which::Below(LeafIndex::new(u64::MAX)) }
        }
    }
}

impl Jobs {
    fn note(&mut self, at: LeafIndex, ms: i64, says: Payload<'_>) {
        if let Payload::CstIssuance(says) = says {
            self.issue(at, ms, says);
        } else if let Payload::AuditRoots(roots) = says {
            for row in roots.agents() {
                let Some(did) = row.did() else { continue };
                let instances = row.usernames().filter_map(|name| name.instance().map(str::to_owned));
                self.instances.entry(did.to_owned()).or_default().extend(instances);
            }
        }
    }

    fn issue(&mut self, at: LeafIndex, ms: i64, says: CstIssuance<'_>) {
        let claims = says.claims();
        let Some((hash, agent)) = says.token_hash().zip(claims.sub()) else { return };
        let life = Life::of((at, ms), claims.iat(), claims.exp());
        let issued = self.tokens.entry(hash.to_owned()).or_default();
        issued.lives.insert(at, life);
        issued.jobs.insert(spelled(claims.job()).map(str::to_owned));
        issued.agents.insert(agent.to_owned());
    }

    fn ask<'l>(&'l self, asking: impl Fn(&'l str) -> Asker<'l>) {
        let all: BTreeSet<&String> = self.tokens.values().flat_map(|issued| &issued.jobs).flatten().collect();
        for job in all.into_iter().filter(|job| self.job.as_ref().is_none_or(|own| own == *job)) {
            let of_job = || self.tokens.values().filter(|issued| issued.jobs.contains(&Some(job.clone())));
            // Where accounts differ, the first of the job by any of them.
            let first = |issued: &Issued| issued.lives.values().next().map(|life| life.ms);
            let sure = of_job().filter(|issued| issued.jobs.len() == 1).filter_map(first).min();
            let Some(first_ms) = sure.or_else(|| of_job().filter_map(first).max()) else { continue };
            for issued in of_job() {
                let mut lives = Vec::new();
                issued.lives.values().for_each(|life| life.file(&mut lives));
                let instances = issued.agents.iter().filter_map(|agent| self.instances.get(agent)).flatten();
                for instance in instances {
                    let asker = asking(instance);
                    // Asked again when it is answered.
                    lives
                        .iter()
                        .filter(|life| life.is_watched(first_ms) && !life.is_beyond)
                        .for_each(|life| _ = asker.gaps_in(life));
                }
            }
        }
    }
}

impl App {
    fn note(&mut self, at: LeafIndex, logged_ms: i64, says: Payload<'_>) {
        let Payload::ArgocdSnapshot(says) = says else { return };
        let look = look_of(says, logged_ms).filter(|(instance, _)| *instance == self.instance);
        let Some((instance, taken)) = look else { return };
        for row in says.rows().filter(|row| app_name(Some(instance), row.app()).as_ref() == Some(&self.name)) {
            if let Some(uid) = row.app().uid() {
                let text = row.value().map(Node::to_jcs);
                self.rows.entry(uid.to_owned()).or_default().insert((taken, at), text);
            }
        }
    }

    fn ask(&self, looks: &Looks, asker: &Asker<'_>) {
        for rows in self.rows.values() {
            let mut before = None;
            for ((taken, _), row) in rows.iter().filter(|((_, at), _)| looks.holds(&self.instance, *at)) {
                if before.replace(row) != Some(row) {
                    _ = asker.gap_until(*taken);
                }
            }
        }
        _ = asker.gap_to_the_end();
    }
}
