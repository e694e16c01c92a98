//! What `submit` believes of a log's answers.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;

use serde_json::json;

use crate::cli::{Ran, run};
use crate::evidence::bounds::text;
use crate::make::audit::Story;
use crate::make::evidence::Kept;
use crate::make::hex;

/// A log that answers every batch with this line, and any read with a proof.
fn serve(answer: serde_json::Value, proof: Option<String>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (line, proof) = (format!("{answer}\n"), proof.clone());
            thread::spawn(move || talk(stream, &line, proof.as_deref()));
        }
    });
    format!("http://{address}")
}

/// Answers until the submitter goes away, which is no error here.
fn talk(mut stream: TcpStream, line: &str, proof: Option<&str>) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    loop {
        let mut request = String::new();
        reader.read_line(&mut request).ok().filter(|read| *read > 0)?;
        let (mut header, mut length) = (String::new(), 0);
        while reader.read_line(&mut header).ok()? > 2 {
            let lower = header.to_ascii_lowercase();
            length = lower.strip_prefix("content-length: ").map_or(Some(length), |text| text.trim().parse().ok())?;
            header.clear();
        }
        reader.read_exact(&mut vec![0; length]).ok()?;
        let (status, body) = match (request.starts_with("POST"), proof) {
            (true, _) => ("200 OK", line),
            (false, Some(proof)) => ("200 OK", proof),
            (false, None) => ("404 Not Found", ""),
        };
        write!(stream, "HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).ok()?;
    }
}

/// Submits the first artifact of a kept log to a log that answers so.
fn submit(answer: &serde_json::Value, proof: Option<String>, with_policy: bool) -> Ran {
    let (dir, kept) = (tempfile::tempdir().expect("a directory"), Kept::of(&Story::clean()));
    let put = |name: &str, bytes: &str| {
        std::fs::write(dir.path().join(name), bytes).expect("written");
        dir.path().join(name)
    };
    let (body, token) = (put("a.json", &kept.entries[0].1), put("token", "plg_token"));
    put("trust.policy", &Kept::policy_text());
    let url = serve(answer.clone(), proof);
    let mut args = vec!["submit", "--url", &url, "--token-file", text(&token), text(&body)];
    // The policy lies beside the token, where it is found without being named.
    if !with_policy {
        args.push("--no-proofs");
    }
    run(&args)
}

#[test]
fn an_answer_is_believed_only_where_it_is_about_what_was_sent() {
    let kept = Kept::of(&Story::clean());
    let size = kept.size();
    let leaf = |at: usize| pulselog::merkle::leaf_hash(&kept.entries[at].0).to_string();
    let digest = pulselog::entry::SequencedEntry::decode(&kept.entries[0].0).expect("an entry").digest.to_string();
    let good =
        json!({"line": 1, "status": 201, "index": 0, "leaf_hash": leaf(0), "artifact": digest, "tree_size": size});
    let with = |name: &str, new: serde_json::Value| {
        let mut answer = good.clone();
        answer[name] = new;
        answer
    };
    let ran = submit(&good, None, false);
    assert!(ran.code == 0 && ran.err.contains("proofs were not verified"), "{}{}", ran.out, ran.err);
    for (answer, code) in [
        (with("artifact", hex("another").into()), "answer_other_digest"),
        (with("artifact", json!(null)), "answer_malformed"),
        (with("leaf_hash", "00".into()), "answer_malformed"),
        (with("index", size.into()), "answer_beyond_tree"),
        (with("tree_size", json!(null)), "answer_malformed"),
    ] {
        for with_policy in [false, true] {
            let ran = submit(&answer, Some(kept.proof(0, size)), with_policy);
            assert!(ran.code == 1 && ran.err.contains(code), "{answer}: {}{}", ran.out, ran.err);
            assert!(ran.out.starts_with("0 logged, 0 known before, 0 refused, 1 answers not believed"), "{}", ran.out);
        }
    }
    // Under a policy the proof counts.
    let ran = submit(&good, Some(kept.proof(0, size)), true);
    assert!(ran.code == 0 && ran.out.contains("every proof was verified"), "{}{}", ran.out, ran.err);
    let ran = submit(&good, Some(kept.proof(1, size)), true);
    assert!(ran.code == 1 && ran.err.contains("answer_other_entry"), "{}{}", ran.out, ran.err);
    let ran = submit(&with("leaf_hash", leaf(1).into()), Some(kept.proof(0, size)), true);
    assert!(ran.code == 1 && ran.err.contains("answer_other_entry"), "{}{}", ran.out, ran.err);
    let broken = kept.proof(0, size).replacen("\u{2014} ", "\u{2014} x", 1);
    let ran = submit(&good, Some(broken), true);
    assert!(ran.code == 1 && ran.err.contains("log_unknown"), "{}{}", ran.out, ran.err);
    let ran = submit(&good, None, true);
    assert!(ran.code == 3 && ran.err.contains("no proof shows it"), "{}{}", ran.out, ran.err);
}
