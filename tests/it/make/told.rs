//! A story told to a running service over HTTP, at the story's own times, and
//! the whole log that it left, read back over HTTP.

use pulselog::artifact::Grant;
use pulselog::artifact::json::to_compact;
use pulselog::artifact::{KeyCache, Limits, admit};
use pulselog::audit::{Report, Timeline, audit_at};
use pulselog::entry::SequencedEntry;
use pulselog::merkle::{LeafIndex, TreeSize};
use pulselog::server::config::Config;
use pulselog::server::submitters::TokenOptions;

use crate::make::attest::know_all;
use crate::make::audit::{START_MS, Story, operator};
use crate::make::service::{ORIGIN, Service, token};
use crate::make::{key, kind, seal_raw};

/// A service that was told stories.
pub struct Told {
    pub service: Service,
    /// Token of the observer, who may submit bare observations.
    observer: String,
}

impl Told {
    /// Begins at the time of the stories, with nothing logged.
    pub fn nothing() -> Self {
        Self::nothing_with(|_| {})
    }

    /// The same with other settings.
    pub fn nothing_with(change: impl FnOnce(&mut Config)) -> Self {
        let service = Service::start_at(START_MS, change);
        let observation = Some((kind("argocd_observation"), None));
        let instance = Some("argocd-prod".to_owned());
        let options = TokenOptions { allow_unsigned: observation, instance, ..TokenOptions::default() };
        let observer = token(&service.data(), "observer", options);
        Self { service, observer }
    }

    /// One story, told from its beginning to its end.
    pub fn of(story: &Story) -> Self {
        Self::with(story, |_| {})
    }

    /// The same with other settings.
    pub fn with(story: &Story, change: impl FnOnce(&mut Config)) -> Self {
        let told = Self::nothing_with(change);
        told.tell(story);
        told
    }

    pub fn tell(&self, story: &Story) {
        self.tell_steps(story, 0..story.steps.len());
    }

    /// Some steps of a story.
    pub fn tell_steps(&self, story: &Story, steps: std::ops::Range<usize>) {
        for (ms, text) in &story.submissions()[steps] {
            self.service.wait_until(*ms);
            self.submit(text);
        }
    }

    /// The operator's statement, as the next entry.
    pub fn state(&self, payload: pulselog::artifact::json::Value<'static>) {
        let text = to_compact(&seal_raw(kind("audit_statement"), payload, &key("operator")));
        self.submit(&text);
    }

    fn submit(&self, text: &str) {
        let is_bare = !text.contains("\"envelope_version\"");
        let bearer = if is_bare { &self.observer } else { &self.service.token };
        let answer = self.service.post_as(bearer, "/v1/entries", text);
        assert!(answer.status == 201 || answer.status == 200, "{} for {text}", answer.text());
    }

    /// The whole log, read entry by entry.
    pub fn timeline(&self) -> Timeline {
        let mut timeline = Timeline::default().of_log(ORIGIN);
        for at in 0..self.service.size() {
            let answer = self.service.get(&format!("/v1/entries/{at}"));
            let entry = SequencedEntry::decode(&bytes_of_hex(&answer.string("entry"))).expect("an entry");
            let answer = self.service.get(&format!("/v1/artifacts/{}", answer.string("artifact")));
            // What is withheld nobody has.
            if answer.status == 451 {
                timeline.add(LeafIndex::new(at), entry, None);
                continue;
            }
            let body = answer.text();
            let grant = if entry.signer.is_some() { Grant::all() } else { Grant::any_unsigned(entry.kind) };
            let admitted = admit(body.as_bytes(), &grant, &Limits::unlimited(), &KeyCache::new());
            let artifact = admitted.unwrap_or_else(|e| panic!("{e}: {body}")).artifact;
            timeline.add(LeafIndex::new(at), entry, Some(artifact));
        }
        know_all(&mut timeline);
        timeline
    }
}

/// The audit of the whole log below a size.
pub fn whole(timeline: &Timeline, size: u64) -> Report {
    audit_at(timeline, TreeSize::new(size), Some(&operator()))
}

pub fn bytes_of_hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hex")).collect()
}
