//! One honest story: jobs and runs side by side, and what goes on around them.

use super::cast::{AGENTS, APPS, nonce};
use super::expected::Row;
use super::world::{HOUR_MS, World};
use crate::make::{set, value};

/// What `seed` tells. With `is_rich`, its first run does a bit of everything.
pub fn honest(seed: u64, is_rich: bool) -> World {
    let mut world = World::new(seed);
    world.root_a_gateway_late();
    for job in 1..=world.dice.between(1, 3) {
        let first = world.dice.between(0, 2);
        for run in 1..=world.dice.between(1, 2) {
            let agent = AGENTS[usize::try_from((first + run) % 3).expect("an index")];
            let start = world.start_ms() + world.dice.between(10, 1_200) * 1_000;
            let run = world.begin(agent, &format!("job-{job}"), &format!("run-{job}-{run}"), start);
            if is_rich && run == 0 {
                world.call(run);
                world.write(run);
                world.tool(run, "argocd.app.get", "success");
            }
            world.play(run);
        }
    }
    world.renew_what_came_too_early();
    world.people();
    world.argo(seed);
    world.strangers();
    world.close();
    world
}

impl World {
    /// A run from its first token to its bundle.
    fn play(&mut self, run: usize) {
        self.read(run);
        let renewals = match self.dice.between(1, 100) {
            1..=80 => 0,
            81..=97 => self.dice.between(1, 3),
            98 | 99 => self.dice.between(4, 12),
            _ => 63,
        };
        let mut renewals = if self.may("renewal", 100) { renewals } else { 0 };
        for _ in 0..self.dice.between(2, 8) + renewals * 2 {
            if !self.has_time(run, 450) {
                if renewals == 0 {
                    break;
                }
                renewals -= 1;
                self.issue(run);
            }
            self.act(run);
        }
        self.call(run);
        if self.may("aborted", 10) {
            self.aborted_call(run);
        }
        // What was sent a little late has arrived.
        self.pass(run, 121, 180);
        if self.dice.chance(30) {
            self.revoke(run);
        }
        if self.runs[run].tokens.len() == 1 && self.dice.chance(4) {
            self.call_logged_late(run);
        }
        // A bundle that was too early is followed by one of the whole run.
        if self.dice.chance(94) || !self.runs[run].bundles.is_empty() {
            self.pack(run);
        }
    }

    fn act(&mut self, run: usize) {
        match self.dice.between(1, 40) {
            1..=13 => drop(self.call(run)),
            14 | 15 if self.may("no event", 100) => self.call_without_event(run),
            16 if self.may("unplaced", 40) => self.unplaced_call(run),
            17 if self.may("repack", 100) => {
                let at = self.pass(run, 121, 130);
                self.pack_at(run, at);
            }
            18 | 19 if self.may("one turn", 100) => self.two_tools_of_one_turn(run),
            20..=22 => self.read(run),
            23..=25 => self.try_and_be_denied(run),
            26 | 27 => self.switch_off(run),
            28 => {
                let name = self.fresh("spec");
                let app = self.dice.one(&APPS);
                let digest = crate::make::hex(&name);
                let more = format!(r#""event":"spec_change","spec_digest":{{"before":"{digest}","after":"{digest}"}}"#);
                self.report(run, &name, app, &more);
            }
            _ => self.write(run),
        }
    }

    /// At first the roots do not list the second gateway.
    fn root_a_gateway_late(&mut self) {
        if !self.dice.chance(15) {
            return;
        }
        let rooted = self.start_ms() + self.dice.between(15, 90) * 1_000;
        let mut again = self.draft("roots").clone();
        again.set("nonce", nonce("roots again"));
        (again.name, again.ms) = ("roots again".to_owned(), rooted);
        self.drafts.push(again);
        self.draft("roots").unset("gateways[1]");
    }

    /// Whose role came later than their receipts: they submit those again.
    fn renew_what_came_too_early(&mut self) {
        let Some(rooted) = self.drafts.iter().find(|draft| draft.name == "roots again").map(|roots| roots.ms) else {
            return;
        };
        let early = |draft: &&super::drafts::Draft| draft.signer == super::cast::GATEWAYS[1] && draft.ms < rooted;
        let early: Vec<_> = self.drafts.iter().filter(early).map(|draft| draft.name.clone()).collect();
        for name in early {
            let copy_of = self.draft(&name).copy_of.clone();
            self.again(&copy_of.unwrap_or(name), rooted + 1_000);
            self.drafts.last_mut().expect("a draft").is_renewed = true;
            self.expected.push(Row::untrusted("submitter"));
        }
    }

    /// What people log beside the agents.
    fn people(&mut self) {
        if !self.dice.chance(25) {
            return;
        }
        let run = usize::try_from(self.dice.between(0, self.runs.len() as i64 - 1)).expect("an index");
        let (job, at) = (self.runs[run].job.clone(), self.runs[run].now);
        let app = self.dice.one(&APPS).json();
        let payload = value(&format!(
            r#"{{"change_record_version":"1","nonce":"{}","job_id":"{job}",
            "change_ref":{{"system":"jira","key":"CHG-1"}},"app":{app},"what":"freeze","by":"sre on call",
            "before":"automated sync on","after":"automated sync off"}}"#,
            nonce("change")
        ));
        self.say("change", "change_record", "recorder", payload, at);
    }

    /// Somebody without any role repeats what others said, or says the like.
    fn strangers(&mut self) {
        for _ in 0..self.dice.between(0, 6) - 2 {
            let at = usize::try_from(self.dice.between(0, self.drafts.len() as i64 - 1)).expect("an index");
            let mut said = self.drafts[at].clone();
            if said.kind == "audit_roots" || said.kind == "trust_pulse" || said.copy_of.is_some() {
                continue;
            }
            said.name = self.fresh(&format!("{} by a stranger", said.name));
            said.ms += self.dice.between(0, 600) * 1_000;
            "stranger".clone_into(&mut said.submitter);
            if !said.signer.is_empty() {
                "stranger".clone_into(&mut said.signer);
            }
            self.drafts.push(said);
            self.expected.push(Row::untrusted("stranger"));
        }
    }

    /// Runs that are not packed yet, while there is time.
    fn close(&mut self) {
        for run in 0..self.runs.len() {
            if !self.runs[run].bundles.is_empty() {
                continue;
            }
            let last = self.drafts.iter().map(|draft| draft.ms).max().expect("a draft");
            let due = self.runs[run].end_ms + HOUR_MS;
            if last < due {
                let row = self.runs[run].row("BUNDLE_MISSING", "pending");
                self.expected.push(row);
            } else {
                self.pack_at(run, due - 1_000);
            }
        }
        for (scope, signed) in std::mem::take(&mut self.unplaced) {
            let lives = |run: &&super::world::Run| {
                run.tokens.iter().any(|token| {
                    let end = token.expires_ms.min(run.end_ms.max(token.issued_ms));
                    token.scope == scope && token.issued_ms - 240_000 <= signed && signed <= end + 240_000
                })
            };
            let rows: Vec<_> =
                self.runs.iter().filter(lives).map(|run| run.row("MODEL_CALL_UNPLACED", "incomplete")).collect();
            self.expected.extend(rows);
        }
    }

    /// One model call asks for two tools; one is denied and the other done.
    fn two_tools_of_one_turn(&mut self, run: usize) {
        self.call(run);
        let of = &self.runs[run];
        let event = of.events.last().and_then(|event| event.text_at("event_hash_b64u")).expect("an event").to_owned();
        let (agent, at, id) = (super::cast::did(of.agent), self.time_of(of.agent, of.now), of.id.clone());
        let denied = self.fresh(&format!("{id} effect"));
        let hash = crate::make::b64u(&denied);
        let payload = value(&format!(
            r#"{{"receipt_version":"1","receipt_id":"{denied}","effect_class":"external_api_write",
            "target_hash_b64u":"{hash}","vendor_id":"argocd","request_hash_b64u":"{hash}",
            "response_hash_b64u":"{hash}","response_status":"denied","hash_algorithm":"SHA-256",
            "agent_did":"{agent}","timestamp":"{at}","latency_ms":12,
            "binding":{{"run_id":"{id}","event_hash_b64u":"{event}"}}}}"#
        ));
        self.runs[run].own.push(("side_effect_receipts", payload));
        let before = self.runs[run].own.len();
        while self.runs[run].own.len() == before {
            self.tool(run, "argocd.app.get", "success");
        }
        if let (_, receipt) = self.runs[run].own.last_mut().expect("a receipt")
            && receipt.get("binding").is_some()
        {
            set(receipt, "binding.event_hash_b64u", Some(event.into()));
        }
    }
}
