//! The looks that a report of a job or an application needs to say when nobody
//! looked: the plan asks what the rule asks (looks.rs), of what was found so far,
//! and wants what answers, until nothing is open.
//!
//! ```text
//! a job           tokens ─> lives, agents' instances ─> the first look of each slot, those at the ends of gaps
//! an application  its rows that changed ─> the looks before these; the last look
//! ```

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use crate::artifact::spelling::spelled;
use crate::artifact::{Artifact, CstIssuance, Node, Payload, View as _};
use crate::audit::gather::{Wanted, Which};
use crate::audit::links::Link;
use crate::audit::looks::{Asked, Life, Look, Looks, Question, look_of};
use crate::audit::scope::Scope;
use crate::audit::statement::{app_name, ms};
use crate::entry::LoggedAt;
use crate::merkle::LeafIndex;

#[derive(Debug)]
pub(super) struct Watch {
    whose: Whose,
    looks: Looks,
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
#[derive(Debug)]
struct Issued {
    life: Life,
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
    rows: BTreeMap<String, BTreeMap<LeafIndex, (i64, Option<String>)>>,
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
        Some(Self { whose, looks: Looks::default(), asked: Asked::default() })
    }

    pub(super) fn note(&mut self, at: LeafIndex, logged_at: LoggedAt, body: &Artifact) {
        let says = body.says();
        if let Payload::ArgocdSnapshot(says) = says
            && let Some((instance, taken)) = look_of(says)
        {
            self.looks.add(instance, Look { at, taken });
        }
        match &mut self.whose {
            Whose::Jobs(jobs) => jobs.note(at, ms(logged_at), says),
            Whose::App(app) => app.note(at, says),
        }
    }

    /// What answers the questions that are open.
    pub(super) fn wanted(&mut self) -> Vec<Wanted> {
        let asked = RefCell::new(std::mem::take(&mut self.asked));
        match &self.whose {
            Whose::Jobs(jobs) => jobs.ask(&self.looks, &asked),
            Whose::App(app) => app.ask(&self.looks, &asked),
        }
        self.asked = asked.into_inner();
        self.asked.take().iter().map(|(instance, question)| wanted(instance, *question)).collect()
    }
}

fn wanted(instance: &str, question: Question) -> Wanted {
    let (looks, of) = (Link::looks(instance), |slot| Link::looks_of(instance, slot));
    match question {
        Question::First(slot) => Wanted { link: of(slot), which: Which::From(LeafIndex::new(0)) },
        Question::Last(slot) => Wanted { link: of(slot), which: Which::Below(LeafIndex::new(u64::MAX)) },
        Question::Below(at) => Wanted { link: looks, which: Which::Below(at) },
        Question::Above(at) => Wanted { link: looks, which: Which::From(LeafIndex::new(at.get().saturating_add(1))) },
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
        let new = || Issued { life, jobs: BTreeSet::new(), agents: BTreeSet::new() };
        let issued = self.tokens.entry(hash.to_owned()).or_insert_with(new);
        issued.life = issued.life.or(life);
        issued.jobs.insert(spelled(claims.job()).map(str::to_owned));
        issued.agents.insert(agent.to_owned());
    }

    fn ask(&self, looks: &Looks, asked: &RefCell<Asked>) {
        let all: BTreeSet<&String> = self.tokens.values().flat_map(|issued| &issued.jobs).flatten().collect();
        for job in all.into_iter().filter(|job| self.job.as_ref().is_none_or(|own| own == *job)) {
            let of_job = || self.tokens.values().filter(|issued| issued.jobs.contains(&Some(job.clone())));
            // Where accounts differ, the first of the job by any of them.
            let sure = of_job().filter(|issued| issued.jobs.len() == 1).map(|issued| issued.life.ms).min();
            let Some(first_ms) = sure.or_else(|| of_job().map(|issued| issued.life.ms).max()) else { continue };
            for issued in of_job().filter(|issued| issued.life.is_watched(first_ms)) {
                let instances = issued.agents.iter().filter_map(|agent| self.instances.get(agent)).flatten();
                for instance in instances {
                    // Asked again when it is answered.
                    _ = looks.asking(instance, asked).gaps_in(&issued.life);
                }
            }
        }
    }
}

impl App {
    fn note(&mut self, at: LeafIndex, says: Payload<'_>) {
        let Payload::ArgocdSnapshot(says) = says else { return };
        let Some((instance, taken)) = look_of(says).filter(|(instance, _)| *instance == self.instance) else { return };
        for row in says.rows().filter(|row| app_name(Some(instance), row.app()).as_ref() == Some(&self.name)) {
            if let Some(uid) = row.app().uid() {
                let text = row.value().map(Node::to_jcs);
                self.rows.entry(uid.to_owned()).or_default().insert(at, (taken, text));
            }
        }
    }

    fn ask(&self, looks: &Looks, asked: &RefCell<Asked>) {
        let looks = looks.asking(&self.instance, asked);
        for rows in self.rows.values() {
            let mut before = None;
            for (taken, row) in rows.values() {
                if before.replace(row) != Some(row) {
                    _ = looks.gap_until(*taken);
                }
            }
        }
        _ = looks.gap_to_the_end();
    }
}
