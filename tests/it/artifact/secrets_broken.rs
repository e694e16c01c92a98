//! Tokens that were broken on their way, and ordinary text that is none.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use pulselog::artifact::json::to_compact;
use pulselog::artifact::{Artifact, Grant, KeyCache, Limits, holds_token, readmit};

use crate::make::{JWS, admit_any, good_payload, hex, key, kind, refuses, seal_raw, set};

pub fn part(text: &str) -> String {
    Base64UrlUnpadded::encode_string(text.as_bytes())
}

pub const CLAIMS: &str = r#"{"sub":"agent","mission_id":"job-1"}"#;

pub fn header(alg: &str) -> String {
    part(&format!(r#"{{"alg":"{alg}","typ":"JWT"}}"#))
}

pub fn signature(chars: usize) -> String {
    "sIgN-_09".chars().cycle().take(chars).collect()
}

pub fn token(alg: &str, chars: usize) -> String {
    format!("{}.{}.{}", header(alg), part(CLAIMS), signature(chars))
}

/// `text` with `with` after every `every` characters.
pub fn broken(text: &str, every: usize, with: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    chars.chunks(every).map(|chunk| chunk.iter().collect::<String>()).collect::<Vec<_>>().join(with)
}

/// What an observer's message becomes.
pub fn redacted(message: &str) -> String {
    let mut payload = good_payload(kind("argocd_observation"));
    set(&mut payload, "message", Some(message.into()));
    let admitted = admit_any(&to_compact(&payload)).expect("an observation");
    admitted.artifact.payload().text_at("message").expect("a message").to_owned()
}

/// `span` is found in `before span after`, replaced as a whole, and by its hash.
#[track_caller]
pub fn is_one(before: &str, span: &str, after: &str) {
    let text = format!("{before}{span}{after}");
    assert!(holds_token(&text), "{text:?}");
    assert_eq!(redacted(&text), format!("{before}sha256:{}{after}", hex(span)), "{text:?}");
}

#[test]
fn a_token_is_found_however_it_was_broken_and_replaced_from_first_to_last_character() {
    let whole = token("EdDSA", 86);
    let breaks = [
        "\n",
        "\r\n",
        "\r",
        "\u{85}",
        "\u{2028}",
        "\u{b}",
        "\t",
        "\u{a0}",
        "\u{200b}",
        "\u{200d}",
        "\u{ad}",
        "\u{2060}",
        "\u{feff}",
        "\u{0}",
        "\u{e0041}",
        "\r\n ",
        "\n    ",
        " \n",
        "\n\t",
        "=\r\n",
        "=\n",
        "\\\n",
        "\\n",
        "\\r\\n",
        "\u{200b} ",
        "=",
    ];
    for with in breaks {
        for every in [7, 16, 40, 64, 76] {
            is_one("login with <", &broken(&whole, every, with), "> failed");
        }
        let (head, rest) = whole.split_at(20);
        is_one("in the header (", &format!("{head}{with}{rest}"), ")");
        let (signed, last) = whole.split_at(whole.len() - 20);
        is_one("in the signature (", &format!("{signed}{with}{last}"), ") failed");
        let spread = whole.replace('.', &format!("{with}.{with}"));
        is_one("around dots (", &spread, ")");
    }
    let padded: Vec<_> = whole.split('.').map(|part| format!("{part}==")).collect();
    is_one("padded ", padded.join(".").trim_end_matches('='), "== and more");
}

#[test]
fn text_after_an_ordinary_blank_belongs_only_to_a_part_that_was_broken_before() {
    let whole = token("EdDSA", 86);
    is_one("Bearer ", &whole, " and the rest of the sentence");
    is_one("Bearer ", &broken(&whole, 50, "\n"), " and the rest of the sentence");
    is_one("Bearer ", &broken(&whole, 50, "\n"), "\nUser-Agent: curl");
    let [head, claims, signature] = whole.split('.').collect::<Vec<_>>()[..] else { panic!("three parts") };
    let (a, b) = claims.split_at(10);
    let (b, c) = b.split_at(10);
    is_one("", &format!("{head}.{a}\n{b} {c}.{signature}"), " rest");
    for text in [
        format!("{head}.{a} {b}{c}.{signature}"),
        format!("{head}.{a} {b}\n{c}.{signature}"),
        format!("{} {}.{claims}.{signature}", &head[..9], &head[9..]),
        format!("{head}. {claims}.{signature}"),
        format!("{head} .{claims}.{signature}"),
    ] {
        assert!(!holds_token(&text), "{text:?}");
    }
    // Of an algorithm that nobody knows, a broken signature goes on.
    is_one("", &format!("{head2}.{claims}.{}\n{}", &signature[..43], "rest", head2 = header("X-1")), ": it failed");
    // Nothing is behind the dot of an unsigned one but other text.
    is_one("", &broken(&format!("{}.{claims}.", header("none")), 30, "\u{200b}"), "\nnext line");
    is_one("", &broken(&format!("{head}.{claims}."), 30, "\u{200b}"), " next words");
    // Two of them are two.
    let two = format!("{0}\n{0}", broken(&whole, 40, "\n"));
    let hash = format!("sha256:{}", hex(&broken(&whole, 40, "\n")));
    assert_eq!(redacted(&two), format!("{hash}\n{hash}"));
}

#[test]
fn ordinary_text_is_no_token() {
    let (head, claims) = (header("EdDSA"), part(CLAIMS));
    for text in [
        "The sync of argocd.app.one\nfailed. Retry in 5 min.".to_owned(),
        "kubernetes.default.svc.\ncluster.local".to_owned(),
        format!("{head}\n.{claims}"),
        // A payload that is no object, or too short to hold a claim.
        broken(&format!("{head}.{}.{}", part("[\"not an object at all\"]"), signature(86)), 30, "\n"),
        broken(&format!("{head}.{}.{}", part("{\"a\":1}"), signature(86)), 30, "\n"),
        broken(&format!("{head}.{}.{}", part("{\"never\": closed, ever"), signature(86)), 30, "\n"),
        // A header that is no object, or names no algorithm.
        broken(&format!("{}.{claims}.{}", part("\"alg\", a text of its own"), signature(86)), 30, "\n"),
        broken(&format!("{}.{claims}.{}", part("{\"typ\":\"JWT\",\"kid\":1}"), signature(86)), 30, "\n"),
        // A signature that is none.
        broken(&format!("{head}.{claims}.{}", signature(42)), 30, "\u{200b}"),
        format!("{}|{}.{claims}.{}", &head[..9], &head[9..], signature(86)),
        format!("{head}:{claims}:{}", signature(86)),
    ] {
        assert!(!holds_token(&text), "{text:?}");
        assert_eq!(redacted(&text), text);
    }
}

#[test]
fn a_broken_token_refuses_wherever_a_whole_one_does() {
    let text = broken(&token("EdDSA", 86), 60, "\n");
    let mut payload = good_payload(kind("approval"));
    set(&mut payload, "binds.job_id", Some(text.as_str().into()));
    let sealed = to_compact(&seal_raw(kind("approval"), payload, &key("approver")));
    let error = admit_any(&sealed).expect_err("refused");
    assert!(!error.to_string().contains("eyJ") && !format!("{error:?}").contains("eyJ"), "{error}");
    let mut payload = good_payload(kind("gateway_receipt"));
    set(&mut payload, "metadata.deep", Some(text.as_str().into()));
    let sealed = to_compact(&seal_raw(kind("gateway_receipt"), payload, &key("gateway")));
    refuses(&sealed, "secret_in_artifact", Some("payload.metadata.deep"));
    // What an older build logged is read as it did, with the digest of then.
    let read = |text: &str, grant: &Grant| {
        readmit(text.as_bytes(), grant, &Limits::default(), &KeyCache::new()).map(Artifact::into_owned)
    };
    let logged = read(&sealed, &Grant::all()).expect("readable");
    assert_eq!(logged.compact(), sealed);
    let mut observed = good_payload(kind("argocd_observation"));
    set(&mut observed, "message", Some(text.as_str().into()));
    let observed = to_compact(&observed);
    let logged = read(&observed, &Grant::any_unsigned(kind("argocd_observation"))).expect("readable");
    assert_eq!(logged.compact(), observed);
    let mut whole = good_payload(kind("gateway_receipt"));
    set(&mut whole, "metadata.deep", Some(JWS.into()));
    let whole = to_compact(&seal_raw(kind("gateway_receipt"), whole, &key("gateway")));
    assert_eq!(read(&whole, &Grant::all()).expect_err("refused on every day").code().name, "secret_in_artifact");
}

#[test]
fn looking_for_broken_tokens_stays_linear_on_hostile_text() {
    // Quadratic work would take minutes on these megabytes.
    let begun = std::time::Instant::now();
    let (head, claims) = (header("EdDSA"), part(CLAIMS));
    for unit in [
        "a\n".to_owned(),
        "a.\n".to_owned(),
        "a \n= .".to_owned(),
        format!("{head}\n."),
        format!("{claims}\n."),
        format!("{head}.{claims}.\n"),
        format!("{head}. {claims}.\n"),
        format!("{JWS}\n"),
        format!("{}\n", "eyIi".repeat(200)),
        format!("{}.{claims}.", "IHsi".repeat(2_000)),
    ] {
        let text = unit.repeat(1_000_000 / unit.len());
        let _ = holds_token(&text);
        let _ = redacted(&text.chars().take(500_000).collect::<String>().chars().take(256).collect::<String>());
    }
    let many = format!("{}\n", token("EdDSA", 86)).repeat(40);
    assert!(!redacted_long(&many).contains("eyJ"));
    assert!(begun.elapsed().as_secs() < 60, "{:?}", begun.elapsed());
}

/// In a member that takes long texts.
fn redacted_long(text: &str) -> String {
    redacted(&text[..text.len().min(2_000)])
}
