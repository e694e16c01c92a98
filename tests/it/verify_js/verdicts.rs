//! What the Rust code says, in the words of `tests/verify_js/ask.js`.

use std::collections::BTreeSet;

use pulselog::artifact::json::{parse, to_compact, to_jcs};
use pulselog::entry::SequencedEntry;
use pulselog::note::{NoteSignature, SignedNote};
use pulselog::receipt::ConsistencyFile;
use pulselog::trust::TrustPolicy;
use pulselog::verify::report::Report;
use pulselog::verify::{Options, artifact, disclosure};
use serde_json::{Value, json};

use super::{Ask, Verdict, hex, refused};
use crate::make::readmit_any;

pub fn of_json(name: impl Into<String>, bytes: &[u8]) -> Ask {
    let verdict = parse(bytes, 64)
        .map_or_else(|_| refused(), |value| json!({"ok": true, "compact": to_compact(&value), "jcs": to_jcs(&value)}));
    Ask::new(name, json!({"ask": "json", "hex": hex(bytes)}), verdict)
}

pub fn of_note(name: impl Into<String>, note: &[u8], policy: &[u8]) -> Ask {
    let opened = TrustPolicy::of_reader(policy).ok().and_then(|policy| policy.open(note).ok());
    let verdict = opened.map_or_else(refused, |trusted| {
        let witnesses = trusted.witnesses().iter();
        let witnesses = witnesses.map(|one| [one.name().as_str().to_owned(), one.time().unix_seconds().to_string()]);
        // In what order nobody promises.
        let witnesses: BTreeSet<_> = witnesses.collect();
        json!({"ok": true, "origin": trusted.origin().as_str(), "size": trusted.head().size.get().to_string(),
            "root": trusted.head().root.hash().to_hex(), "witnesses": witnesses})
    });
    Ask::new(name, json!({"ask": "note", "note": hex(note), "policy": hex(policy)}), verdict)
}

/// A note of whatever text, without keys.
pub fn of_lines(name: impl Into<String>, note: &[u8]) -> Ask {
    let verdict = SignedNote::parse(note).map_or_else(
        |_| refused(),
        |note| {
            let line = |line: &NoteSignature| json!([line.name.as_str(), line.key_id.to_string(), hex(&line.body)]);
            json!({"ok": true, "text": note.text(), "lines": note.signatures().iter().map(line).collect::<Vec<_>>()})
        },
    );
    Ask::new(name, json!({"ask": "lines", "note": hex(note)}), verdict)
}

pub fn of_policy(name: impl Into<String>, policy: &[u8]) -> Ask {
    let verdict = TrustPolicy::of_reader(policy)
        .map_or_else(|_| refused(), |read| json!({"ok": true, "logs": read.logs().count()}));
    Ask::new(name, json!({"ask": "policy", "policy": hex(policy)}), verdict)
}

pub fn of_entry(name: impl Into<String>, bytes: &[u8]) -> Ask {
    let verdict = SequencedEntry::decode(bytes).map_or_else(
        |_| refused(),
        |entry| {
            json!({"ok": true, "kind": entry.kind.name(), "digest": entry.digest.to_string(),
                "length": entry.body_bytes.to_string(), "signer": entry.signer.as_ref().map(|did| did.as_str()),
                "submitter": entry.submitter.as_str(), "logged_at": entry.logged_at.unix_ms().to_string(),
                "root": entry.receipts.as_ref().map(|receipts| hex(receipts.root)),
                "receipts": entry.receipts.as_ref().map(|receipts| receipts.count.to_string())})
        },
    );
    Ask::new(name, json!({"ask": "entry", "hex": hex(bytes)}), verdict)
}

/// What is outside the payload `verify.js` judges alike; of what stands in the
/// payload it looks at the version alone, and it does not look for secrets.
pub fn of_artifact(name: impl Into<String>, text: &str) -> Ask {
    let question = json!({"ask": "artifact", "hex": hex(text)});
    let verdict = match readmit_any(text) {
        Ok(read) => {
            let signer = read.signer().map(|did| did.as_str().to_owned());
            Verdict::Same(json!({"ok": true, "kind": read.kind().name(), "signer": signer}))
        }
        Err(error) => {
            let code = error.code().name;
            let is_signed = text.contains("\"envelope_type\"");
            let is_inside = |path: &str| path != "envelope_type" && (!is_signed || path.starts_with("payload."));
            let is_left_out =
                error.path().is_some_and(is_inside) && code != "unknown_version" || code == "secret_in_artifact";
            if is_left_out { Verdict::Either } else { Verdict::Same(refused()) }
        }
    };
    Ask { name: name.into(), question, verdict }
}

fn report(report: &Report) -> Value {
    let outcome = match report.exit_code() {
        0 => "passed",
        3 => "incomplete",
        _ => "failed",
    };
    json!({"ok": outcome == "passed", "outcome": outcome})
}

pub fn of_proof(name: impl Into<String>, body: Option<&[u8]>, proof: &[u8], policy: &[u8]) -> Ask {
    let verdict = report(&artifact(body, proof, policy, &Options::default()));
    let question = json!({"ask": "proof", "artifact": body.map(hex), "proof": hex(proof), "policy": hex(policy)});
    Ask::new(name, question, verdict)
}

pub fn of_extension(name: impl Into<String>, older: &[u8], file: &[u8], policy: &[u8]) -> Ask {
    let trust = TrustPolicy::of_reader(policy).expect("a policy");
    let old = trust.open(older).expect("believed");
    let holds = ConsistencyFile::decode(file).and_then(|file| file.check(&old, &trust)).is_ok();
    // Whether it holds: what an unknown log leaves open is the report's to say.
    let verdict = json!({"ok": holds});
    let question = json!({"ask": "extends", "older": hex(older), "file": hex(file), "policy": hex(policy)});
    Ask::new(name, question, verdict)
}

pub fn of_disclosure(name: impl Into<String>, file: &[u8], policy: &[u8]) -> Ask {
    let verdict = report(&disclosure(file, policy, &Options::default()));
    Ask::new(name, json!({"ask": "disclosure", "file": hex(file), "policy": hex(policy)}), verdict)
}
