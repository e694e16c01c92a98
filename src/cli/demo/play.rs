//! The runbook, played: 24 statements of one job in two runs, in the order in
//! which they would really be made, each through the log's own HTTP API; and a
//! 25th, in which the operator attests what the rules find of the job.
//!
//! The agent deploys with approval, then follows an injected text and asks for
//! an edit that its policy denies. Its token is revoked, a person freezes
//! delivery, and a second run under a new token rolls back with approval. What
//! enforcement stopped is evidence here, not an error.

use std::time::Duration;

use pulselog::artifact::json::Value;
use pulselog::artifact::{Did, Kind};
use pulselog::audit::{Timeline, attest};
use pulselog::merkle::LeafIndex;
use pulselog::trust::TrustPolicy;

use crate::cli::demo::cast::{Cast, Party, Signed, bare};
use crate::cli::demo::chain::Chain;
use crate::cli::demo::roots::audit_roots;
use crate::cli::demo::scene::{Action, HISTORY_ID, Job, Started, rights, work_policy};
use crate::cli::demo::stage::{Logged, Stage};
use crate::cli::demo::statements::{self as say, Call, Grounds, Operation, Pulse};
use crate::cli::demo::token::{Token, issue};
use crate::cli::demo::value::{now, now_ms};
use crate::cli::failure::Failure;
use crate::cli::log_source::LogSource;
use pulselog::text::civil;

/// Time that an approval lives.
const APPROVAL_MS: i64 = 15 * 60 * 1_000;

/// Why the first token is revoked.
const ASKED_TOO_MUCH: &str = "the agent asked for edit_app_spec, which its work policy denies";

const ANTHROPIC: Call = Call {
    provider: "anthropic",
    model: "claude-sonnet-4-5",
    prompt: "plan the deployment of payments-api to prod-canary",
    tokens: (1_842, 396),
    latency_ms: 2_140,
};
const OPENROUTER: Call = Call {
    provider: "fal",
    model: "openrouter/openai/gpt-5",
    prompt: "compare the live manifests with the requested revision",
    tokens: (6_310, 512),
    latency_ms: 3_875,
};
const ROLLBACK: Call = Call {
    provider: "openai",
    model: "gpt-5",
    prompt: "the canary is frozen; choose an allow-listed revision to go back to",
    tokens: (2_204, 288),
    latency_ms: 1_960,
};

/// What was played.
pub struct Played {
    pub job: Job,
    pub agent: String,
    /// DID of the operator.
    pub operator: String,
    pub logged: Vec<Logged>,
    /// Earlier entries that the audit of the job rests on: roots, policies, and what
    /// its agent's user did in these hours.
    pub used: Vec<Logged>,
    /// The size that the operator's statement speaks of.
    pub attested_size: u64,
    /// Size of a checkpoint that covers all of it.
    pub tree_size: u64,
}

/// One run of the agent, while it goes on.
struct Run {
    chain: Chain,
    token: Token,
    receipts: Vec<Signed>,
    started_ms: i64,
}

/// Everything that the acts share.
struct Play<'a> {
    cast: &'a Cast,
    job: Job,
    policy_hash: String,
    stage: Stage,
}

/// Plays the whole story into the log behind the stage.
pub fn play(cast: &Cast, job: Job, stage: Stage) -> Result<Played, Failure> {
    let mut play = Play { cast, job, policy_hash: String::new(), stage };
    play.rules()?;
    let first = play.deploy()?;
    let second = play.contain_and_roll_back(&first)?;
    play.publish(&first, &second)?;
    let (attested_size, used) = play.attest()?;
    let Play { job, stage, .. } = play;
    Ok(Played {
        job,
        agent: cast.agent.did().to_owned(),
        operator: cast.operator.did().to_owned(),
        logged: stage.logged,
        used,
        attested_size,
        tree_size: stage.tree_size,
    })
}

impl Play<'_> {
    /// Steps 0 and 1: whose word counts, and what the agent may do.
    fn rules(&mut self) -> Result<(), Failure> {
        let policy = self.cast.registry.sign(Kind::WorkPolicy, work_policy(), &now())?;
        self.policy_hash.clone_from(&policy.payload_hash_b64u);
        let roots = audit_roots(self.cast, &self.policy_hash, &self.stage.submitters)?;
        let roots = self.cast.operator.sign(Kind::AuditRoots, roots, &now())?;
        self.stage.signed("operator", Kind::AuditRoots, &roots, "the operator says whose word counts")?;
        self.stage.signed(
            "registry",
            Kind::WorkPolicy,
            &policy,
            "read freely, sync and rollback with approval, no edits",
        )
    }

    /// Steps 2 to 11: the first run deploys, then asks for too much.
    fn deploy(&mut self) -> Result<Run, Failure> {
        let mut run = self.start_run(0, &["read", "sync"], "token T1 for the job, pinned to the policy")?;
        self.call(&mut run, &ANTHROPIC, "the agent plans, model call through the gateway")?;
        let read = Action::read(&self.job);
        let decided = self.decide(&mut run, ("allow", "allow row read"), &read, &[], "read payments-api: allowed")?;
        self.receipt(&mut run, &decided, &read, None, "Argo CD accepted the read")?;
        self.call(&mut run, &OPENROUTER, "second model call, OpenRouter via fal")?;
        let sync = Action::sync(&self.job);
        let approval = self.approve(&sync, "a person allows this sync of this revision")?;
        let verdict = ("allow", "allow row sync, approved");
        let decided = self.decide(&mut run, verdict, &sync, &[&approval], "sync payments-api: allowed, approved")?;
        let started_at = fresh_second()?;
        let started = Started::new(&sync, Some(&decided.payload_hash), &self.job, &started_at);
        self.receipt(&mut run, &decided, &sync, Some(&started), "Argo CD accepted the sync")?;
        let seen = Operation {
            action: &sync,
            name: "sync",
            channel: "notify",
            certainty: "stated",
            started: &started,
            decision: Some(&decided),
            history_id: HISTORY_ID + 1,
        };
        self.observe(&seen, "Argo CD reports the sync: Succeeded")?;
        let edit = Action::edit_app_spec(&self.job);
        let verdict = ("deny", "deny row edit_app_spec");
        self.decide(&mut run, verdict, &edit, &[], "edit_app_spec, as an injected text asked: denied")?;
        Ok(run)
    }

    /// Steps 12 to 19: stop the agent, freeze delivery, roll back under a new token.
    fn contain_and_roll_back(&mut self, first: &Run) -> Result<Run, Failure> {
        let issuer = &self.cast.issuer;
        let revoked = say::revocation(&first.token, &self.policy_hash, issuer.did(), ASKED_TOO_MUCH, &now());
        let revoked = issuer.sign(Kind::CstRevocation, revoked, &now())?;
        self.stage.signed("clawscope", Kind::CstRevocation, &revoked, "token T1 revoked")?;
        let frozen = self.cast.recorder.sign(Kind::ChangeRecord, say::freeze(&self.job), &now())?;
        self.stage.signed("change-desk", Kind::ChangeRecord, &frozen, "a person freezes automated sync")?;
        let mut run = self.start_run(1, &["read", "rollback"], "token T2 for the rollback run")?;
        self.call(&mut run, &ROLLBACK, "the second run's model call")?;
        let back = Action::rollback(&self.job);
        let approval = self.approve(&back, "a person allows this rollback")?;
        let verdict = ("allow", "allow row rollback, approved");
        let decided =
            self.decide(&mut run, verdict, &back, &[&approval], "rollback to history 41: allowed, approved")?;
        let started_at = fresh_second()?;
        let started = Started::new(&back, None, &self.job, &started_at);
        self.receipt(&mut run, &decided, &back, Some(&started), "Argo CD accepted the rollback")?;
        let seen = Operation {
            action: &back,
            name: "rollback",
            channel: "poll",
            certainty: "inferred",
            started: &started,
            decision: None,
            history_id: HISTORY_ID + 2,
        };
        self.observe(&seen, "Argo CD reports the rollback: Succeeded")?;
        Ok(run)
    }

    /// Steps 20 to 23: each run as a bundle for the ticket, and as a Trust Pulse.
    fn publish(&mut self, first: &Run, second: &Run) -> Result<(), Failure> {
        let agent = &self.cast.agent;
        for (run, words) in [(first, "run 1 packed for the ticket"), (second, "run 2 packed for the ticket")] {
            let grounds = Grounds { policy_hash: &self.policy_hash, token: &run.token };
            let bundle = say::proof_bundle(agent.did(), &run.chain, &run.receipts, &self.job, &grounds)?;
            let bundle = agent.sign(Kind::ProofBundle, bundle, &now())?;
            self.stage.signed("agent", Kind::ProofBundle, &bundle, words)?;
        }
        let deployed = &[("argocd.app.get", 1), ("argocd.app.sync", 1)];
        let rolled_back = &[("argocd.app.rollback", 1)];
        let files = &[("overlays/prod-canary/kustomization.yaml", 2), ("overlays/prod-canary/deployment.yaml", 1)];
        self.pulse(first, deployed, files, "run 1 as the agent tells it")?;
        self.pulse(second, rolled_back, &[], "run 2 as the agent tells it")
    }

    /// Step 24: the operator reads the whole log, and attests what the rules
    /// find of the job and on which entries that rests.
    fn attest(&mut self) -> Result<(u64, Vec<Logged>), Failure> {
        let wrong = |why: String| Failure::fail(format!("demo: audit statement: {why}"));
        let client = &self.stage.client;
        let policy = client.get("v1/trust-policy", "text/plain")?;
        let policy = TrustPolicy::parse(&policy.body).map_err(|error| wrong(error.to_string()))?;
        let mut log = LogSource::of(client.clone()).read(&policy)?;
        let size = log.head().size;
        log.know(size).map_err(|error| wrong(error.to_string()))?;
        let operator = Did::parse(self.cast.operator.did()).map_err(|error| wrong(error.to_string()))?;
        let payload = attest(log.timeline(), size, &self.job.id, &operator);
        let payload = payload.ok_or_else(|| wrong("no roots of the operator are logged".into()))?;
        let listed = payload.get("entries").and_then(Value::as_array).unwrap_or_default();
        let indexes =
            listed.iter().filter_map(|entry| entry.get("index")?.as_i64().and_then(|at| u64::try_from(at).ok()));
        let used = indexes.filter(|at| !self.stage.logged.iter().any(|logged| logged.index == *at));
        let used = used.filter_map(|at| used_entry(log.timeline(), at)).collect();
        let signed = self.cast.operator.sign(Kind::AuditStatement, payload.clone(), &now())?;
        self.stage.signed(
            "operator",
            Kind::AuditStatement,
            &signed,
            "the operator attests what the rules find of the job",
        )?;
        Ok((size.get(), used))
    }

    fn start_run(&mut self, at: usize, actions: &[&str], words: &str) -> Result<Run, Failure> {
        let issuer = &self.cast.issuer;
        let started_ms = now_ms();
        let agent = self.cast.agent.did();
        let token = issue(issuer, agent, &self.job, &rights(actions), &self.policy_hash, started_ms / 1_000)?;
        let issued = issuer.sign(Kind::CstIssuance, token.issuance.clone(), &now())?;
        self.stage.signed("clawscope", Kind::CstIssuance, &issued, words)?;
        Ok(Run { chain: Chain::new(self.job.runs[at].clone()), token, receipts: Vec::new(), started_ms })
    }

    fn call(&mut self, run: &mut Run, call: &Call, words: &str) -> Result<(), Failure> {
        let grounds = Grounds { policy_hash: &self.policy_hash, token: &run.token };
        let receipt = say::gateway_receipt(&self.cast.gateway, &mut run.chain, call, &grounds, &now())?;
        self.stage.signed("clawproxy", Kind::GatewayReceipt, &receipt, words)?;
        run.receipts.push(receipt);
        Ok(())
    }

    fn approve(&mut self, action: &Action, words: &str) -> Result<String, Failure> {
        let payload = say::approval(action, self.cast.agent.did(), &civil::with_millis(now_ms() + APPROVAL_MS))?;
        let approval = self.cast.approver.sign(Kind::Approval, payload, &now())?;
        self.stage.signed("approval-gate", Kind::Approval, &approval, words)?;
        Ok(approval.payload_hash)
    }

    fn decide(
        &mut self,
        run: &mut Run,
        verdict: (&str, &str),
        action: &Action,
        approvals: &[&str],
        words: &str,
    ) -> Result<Signed, Failure> {
        let grounds = Grounds { policy_hash: &self.policy_hash, token: &run.token };
        let payload = say::decision(verdict, action, &self.job.id, run.chain.run_id(), &grounds, approvals);
        let decided = self.wrapper().sign(Kind::ArgocdDecision, payload, &now())?;
        run.chain.push("policy_decision", &decided.payload_hash_b64u, &now());
        self.stage.signed("wrapper", Kind::ArgocdDecision, &decided, words)?;
        Ok(decided)
    }

    fn receipt(
        &mut self,
        run: &mut Run,
        decided: &Signed,
        action: &Action,
        started: Option<&Started<'_>>,
        words: &str,
    ) -> Result<(), Failure> {
        let payload = say::receipt(decided, action, &self.job, started);
        let receipt = self.wrapper().sign(Kind::ArgocdReceipt, payload, &now())?;
        run.chain.push("tool_call", &receipt.payload_hash_b64u, &now());
        self.stage.signed("wrapper", Kind::ArgocdReceipt, &receipt, words)
    }

    fn observe(&mut self, operation: &Operation<'_>, words: &str) -> Result<(), Failure> {
        let compact = bare(Kind::ArgocdObservation, say::observation(operation, &self.job))?;
        self.stage.log("observer", Kind::ArgocdObservation, &compact, words)
    }

    fn pulse(
        &mut self,
        run: &Run,
        tools: &[(&'static str, u32)],
        files: &[(&'static str, u32)],
        words: &str,
    ) -> Result<(), Failure> {
        let ended_ms = now_ms();
        let (started_at, ended_at) = (civil::with_millis(run.started_ms), civil::with_millis(ended_ms));
        let pulse = Pulse {
            run_id: run.chain.run_id(),
            started_at: &started_at,
            ended_at: &ended_at,
            duration_ms: u32::try_from(ended_ms - run.started_ms).unwrap_or(0),
            tools,
            files,
        };
        let agent = &self.cast.agent;
        let signed = agent.sign(Kind::TrustPulse, say::trust_pulse(agent.did(), &pulse)?, &ended_at)?;
        self.stage.signed("agent", Kind::TrustPulse, &signed, words)
    }

    const fn wrapper(&self) -> &Party {
        &self.cast.wrapper
    }
}

fn used_entry(timeline: &Timeline, index: u64) -> Option<Logged> {
    let seen = timeline.get(LeafIndex::new(index))?;
    let kind = seen.entry.kind;
    let compact = seen.body.as_ref()?.compact().into_owned();
    Some(Logged { stem: format!("used-{index}-{kind}"), kind, index, artifact: seen.entry.digest.to_string(), compact })
}

/// Waits for the next whole second and returns it as Argo CD writes times. An
/// operation's derived id has only its start second to differ by.
fn fresh_second() -> Result<String, Failure> {
    let ms = now_ms();
    let rest = u64::try_from(1_000 - ms.rem_euclid(1_000)).unwrap_or(1_000);
    std::thread::sleep(Duration::from_millis(rest));
    let second = jiff::Timestamp::from_second(now_ms() / 1_000).map_err(|error| Failure::fail(error.to_string()))?;
    Ok(second.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}
