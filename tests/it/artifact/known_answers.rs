//! The peers' known answers, reproduced by the code that admits.

use pulselog::artifact::json::{self, Value, to_compact, to_jcs};
use pulselog::artifact::scope_hash_b64u;

use crate::make::{b64u, shared};

fn answers() -> Option<Value<'static>> {
    let bytes = std::fs::read(shared("clawsig/known-answers.json")?).expect("readable");
    Some(json::parse(&bytes, 64).unwrap_or_else(|error| panic!("known-answers.json: {error}")).into_owned())
}

fn text<'a>(value: &'a Value<'static>, path: &str) -> &'a str {
    value.text_at(path).unwrap_or_else(|| panic!("no text at {path}"))
}

#[test]
fn reproduces_compact_forms_jcs_and_hashes_or_refuses_by_name() {
    let Some(file) = answers() else { return };
    let refused =
        [("dup_keys", "json_duplicate_key"), ("numbers", "json_number_unsafe"), ("strings", "json_lone_surrogate")];
    let cases = file.get("stringify_vs_jcs").and_then(Value::as_array).expect("cases");
    assert!(cases.len() >= 8);
    for case in cases {
        let name = text(case, "name");
        let parsed = json::parse(text(case, "input_text").as_bytes(), 64);
        if let Some((_, code)) = refused.iter().find(|(refused, _)| *refused == name) {
            assert_eq!(parsed.expect_err(name).code().name, *code, "{name}");
            continue;
        }
        let value = parsed.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(to_compact(&value), text(case, "json_stringify"), "{name}");
        assert_eq!(b64u(&to_compact(&value)), text(case, "payload_hash_b64u"), "{name}");
        assert_eq!(to_jcs(&value), text(case, "jcs"), "{name}");
        assert_eq!(b64u(&to_jcs(&value)), text(case, "jcs_sha256_b64u"), "{name}");
    }
}

#[test]
fn numbers_of_the_refused_case_print_as_the_peer_prints_them_one_by_one() {
    let printed = [("1.0", "1"), ("1e-7", "1e-7"), ("0.1", "0.1"), ("-0", "0"), ("1E3", "1000"), ("5e-324", "5e-324")];
    for (input, output) in printed {
        assert_eq!(to_compact(&json::parse(input.as_bytes(), 64).expect(input)), output);
    }
    for input in ["1e21", "123456789012345680000", "9007199254740993"] {
        assert_eq!(json::parse(input.as_bytes(), 64).expect_err(input).code().name, "json_number_unsafe");
    }
}

#[test]
fn reproduces_policy_hashes() {
    let Some(file) = answers() else { return };
    for case in file.get("wpc").and_then(Value::as_array).expect("policies") {
        let payload = case.get("payload").expect("payload");
        assert_eq!(to_jcs(payload), text(case, "jcs"));
        assert_eq!(b64u(&to_jcs(payload)), text(case, "policy_hash_b64u"));
    }
}

#[test]
fn reproduces_the_token_scope_hash() {
    let Some(file) = answers() else { return };
    let input = file.at("token_scope_hash.input").expect("input");
    assert_eq!(scope_hash_b64u(input), text(&file, "token_scope_hash.token_scope_hash_b64u"));
}

#[test]
fn reproduces_event_and_disclosure_hashes() {
    let Some(file) = answers() else { return };
    let header = file.at("event.header_in_hash_order").expect("header");
    assert_eq!(to_compact(header), text(&file, "event.bytes"));
    assert_eq!(b64u(&to_compact(header)), text(&file, "event.event_hash_b64u"));
    let leaf = file.at("selective_disclosure.leaf").expect("leaf");
    let preimage = format!("{}:{}", text(&file, "selective_disclosure.path"), to_jcs(leaf));
    assert_eq!(preimage, text(&file, "selective_disclosure.leaf_preimage"));
    assert_eq!(b64u(&preimage), text(&file, "selective_disclosure.leaf_hash_b64u"));
}

#[test]
fn scope_hash_trims_and_sorts_as_ecmascript_does() {
    let claims = |sub: &str, scope: &str| {
        crate::make::value(&format!(
            r#"{{"token_version":"1","sub":"{sub}","aud":"a","scope":{scope},"mission_id":"j"}}"#
        ))
    };
    let plain = scope_hash_b64u(&claims("did:x:y", r#"["b","a"]"#));
    // U+FEFF and U+00A0 are white space to ECMAScript; U+0085 is not.
    assert_eq!(scope_hash_b64u(&claims("\\ufeff did:x:y\\u00a0", r#"[" a","b","a\u2028",""]"#)), plain);
    assert_ne!(scope_hash_b64u(&claims("\\u0085did:x:y", r#"["b","a"]"#)), plain);
    // By UTF-16 code units the pair of U+1F600 sorts before U+FB33.
    let hash = scope_hash_b64u(&claims("s", r#"["\ufb33","\ud83d\ude00"]"#));
    assert_eq!(
        hash,
        b64u(
            "{\"aud\":[\"a\"],\"mission_id\":\"j\",\"scope\":[\"😀\",\"\u{fb33}\"],\"sub\":\"s\",\"token_version\":\"1\"}"
        )
    );
}
