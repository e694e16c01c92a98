//! Statements as their makers will sign them, and the log that they become.
//!
//! A draft names others by text: `@hash:NAME` is that draft's payload hash,
//! `@envelope:NAME` its envelope, `@payload:NAME` its payload, `@op:NAME` the
//! operation key of an observation. So what is changed in one draft is changed
//! wherever it is spoken of.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use pulselog::artifact::json::{Object, Value, to_compact, to_jcs};
use pulselog::artifact::{Artifact, Grant, KeyCache, Limits, admit};
use pulselog::audit::Timeline;
use pulselog::entry::{LoggedAt, PendingEntry, SubmitterName};
use pulselog::merkle::LeafIndex;

use super::cast::signing_key;
use crate::make::{hex, kind, seal_raw, set};

#[derive(Clone)]
pub struct Draft {
    pub name: String,
    pub kind: &'static str,
    /// Nobody signs what is bare.
    pub signer: String,
    pub submitter: String,
    pub payload: Value<'static>,
    /// When the log takes it in.
    pub ms: i64,
    /// The same statement as that draft's.
    pub copy_of: Option<String>,
    /// In an envelope of its own.
    pub is_renewed: bool,
}

/// What is logged, and the draft that each entry came from.
pub struct Logged {
    pub timeline: Timeline,
    pub from: Vec<String>,
}

impl Draft {
    pub fn set(&mut self, path: &str, new: impl Into<Value<'static>>) {
        set(&mut self.payload, path, Some(new.into()));
    }

    pub fn unset(&mut self, path: &str) {
        set(&mut self.payload, path, None);
    }

    pub fn text(&self, path: &str) -> &str {
        self.payload.text_at(path).unwrap_or_else(|| panic!("no {path} in {}", self.name))
    }
}

struct Sealed {
    payload: Value<'static>,
    envelope: Value<'static>,
    hash: String,
}

struct Sealer<'a> {
    drafts: HashMap<&'a str, &'a Draft>,
    done: HashMap<&'a str, Rc<Sealed>>,
}

impl<'a> Sealer<'a> {
    fn sealed(&mut self, name: &str) -> Option<Rc<Sealed>> {
        if let Some(sealed) = self.done.get(name) {
            return Some(Rc::clone(sealed));
        }
        let draft = *self.drafts.get(name)?;
        let said = match &draft.copy_of {
            Some(of) => *self.drafts.get(of.as_str())?,
            None => draft,
        };
        let payload = self.resolved(&said.payload, said);
        let mut envelope = if said.signer.is_empty() {
            payload.clone()
        } else {
            seal_raw(kind(said.kind), payload.clone(), &signing_key(&said.signer))
        };
        // Unsigned: another date makes another envelope of one statement.
        if draft.is_renewed && !said.signer.is_empty() {
            set(&mut envelope, "issued_at", Some(time(draft.ms).into()));
        }
        let form = kind(said.kind).row().hash_form;
        let bytes = match form {
            pulselog::artifact::HashForm::Compact => to_compact(&payload),
            pulselog::artifact::HashForm::Jcs => to_jcs(&payload),
        };
        let sealed = Rc::new(Sealed { payload, envelope, hash: hex(&bytes) });
        self.done.insert(draft.name.as_str(), Rc::clone(&sealed));
        Some(sealed)
    }

    fn resolved(&mut self, value: &Value<'static>, of: &Draft) -> Value<'static> {
        match value {
            Value::String(text) => self.named(text, of).unwrap_or_else(|| value.clone()),
            Value::Array(items) => Value::Array(items.iter().map(|item| self.resolved(item, of)).collect()),
            Value::Object(object) => {
                let mut out = Object::new();
                for (name, member) in object.iter() {
                    out.set(name, self.resolved(member, of));
                }
                out.into()
            }
            other => other.clone(),
        }
    }

    /// What a text stands for; one that names nobody has a hash of nothing.
    fn named(&mut self, text: &str, of: &Draft) -> Option<Value<'static>> {
        let (what, name) = text.strip_prefix('@')?.split_once(':')?;
        Some(match what {
            "hash" => self.sealed(name).map_or_else(|| hex(name), |sealed| sealed.hash.clone()).into(),
            "envelope" => self.sealed(name).unwrap_or_else(|| panic!("{}: no {name}", of.name)).envelope.clone(),
            "payload" => self.sealed(name).unwrap_or_else(|| panic!("{}: no {name}", of.name)).payload.clone(),
            "op" => op_key(self.drafts.get(name).map_or(of, |draft| draft)).into(),
            other => panic!("no reference {other}"),
        })
    }
}

/// One operation, whoever reports it: where, which application, the second of
/// its start and what was asked for.
fn op_key(observation: &Draft) -> String {
    let text = |path| Value::from(observation.text(path));
    let started = observation.text("started_at");
    let second = format!("{}Z", &started[..19]);
    let of = [text("instance"), text("app.uid"), second.into(), text("operation_digest")];
    hex(&to_jcs(&Value::Array(of.into())))
}

/// 2026-11-22T00:00:00Z.
pub const MIDNIGHT_MS: i64 = 1_795_305_600_000;

pub fn time(ms: i64) -> String {
    // A clock that is slow may tell of the evening before.
    let seconds = (ms - MIDNIGHT_MS).div_euclid(1_000);
    let (day, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    assert!((-1..8).contains(&day), "the story ends in the same month");
    format!("2026-11-{:02}T{:02}:{:02}:{:02}Z", 22 + day, second / 3_600, second / 60 % 60, second % 60)
}

/// The log that takes these in by their time: one statement in one envelope
/// is logged once, and a bundle's own receipts stand before it.
pub fn logged(drafts: &[Draft]) -> Logged {
    let mut order: Vec<&Draft> = drafts.iter().collect();
    order.sort_by_key(|draft| draft.ms);
    let mut sealer = Sealer { drafts: drafts.iter().map(|d| (d.name.as_str(), d)).collect(), done: HashMap::new() };
    let keys = KeyCache::new();
    let (mut seen, mut timeline, mut from) = (BTreeSet::new(), Timeline::default(), Vec::new());
    for draft in order {
        let sealed = sealer.sealed(&draft.name).expect("a draft");
        let bare = sealed.envelope.get("envelope_type").is_none();
        let grant = if bare { Grant::any_unsigned(kind(draft.kind)) } else { Grant::all() };
        let text = to_compact(&sealed.envelope);
        let admitted = admit(text.as_bytes(), &grant, &Limits::default(), &keys)
            .unwrap_or_else(|error| panic!("{}: {error} in {text}", draft.name));
        let at = LoggedAt::from_unix_ms(draft.ms.unsigned_abs());
        let submitter = SubmitterName::parse(&draft.submitter).expect("a name");
        let mut take = |artifact: Artifact, receipts| {
            let pending = PendingEntry::new(artifact.clone(), receipts, submitter.clone());
            if seen.insert(pending.identity().as_bytes().to_vec()) {
                timeline.add(LeafIndex::new(from.len() as u64), pending.sequence(at), Some(artifact));
                from.push(draft.name.clone());
            }
        };
        for receipt in admitted.expanded {
            take(receipt, None);
        }
        take(admitted.artifact, admitted.receipts);
    }
    Logged { timeline, from }
}

/// The entries, a line each, for whoever looks into a story that failed.
pub fn listing(logged: &Logged, names: &BTreeMap<String, String>) -> String {
    let line = |(at, seen): (LeafIndex, &pulselog::audit::Seen)| {
        let entry = &seen.entry;
        let signer = entry.signer.as_ref().map(|did| did.to_string());
        let who = signer.map(|did| names.get(&did).cloned().unwrap_or(did)).unwrap_or_else(|| "-".to_owned());
        let ms = i64::try_from(entry.logged_at.unix_ms()).expect("a time");
        let from = &logged.from[usize::try_from(at.get()).expect("an index")];
        format!("{:>4} {} {:<20} by {who} via {}: {from}", at.get(), time(ms), entry.kind.name(), entry.submitter)
    };
    logged.timeline.prefix(logged.timeline.size()).map(line).collect::<Vec<_>>().join("\n")
}
