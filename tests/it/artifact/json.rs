//! The strict JSON reader and the three writers.

use proptest::prelude::*;
use pulselog::artifact::json::{Number, Object, Value, parse, to_compact, to_jcs, to_pretty};

#[track_caller]
fn refuses(bytes: &[u8], code: &str, at: usize) {
    let error = parse(bytes, 64).expect_err("refused");
    assert_eq!((error.code().name, error.offset()), (code, at), "{error}");
}

#[test]
fn each_broken_rule_has_its_code_and_offset() {
    refuses(b"", "json_truncated", 0);
    refuses(b"{\"a\":[1,", "json_truncated", 8);
    refuses(b"\"abc", "json_truncated", 4);
    refuses(b"tru", "json_truncated", 3);
    refuses(b"-", "json_truncated", 1);
    refuses(b"1.", "json_truncated", 2);
    refuses(b"\xef\xbb\xbf{}", "json_bom", 0);
    refuses(b"\"\xff\"", "json_not_utf8", 1);
    refuses(b"{\"a\":\"\xed\xa0\x80\"}", "json_not_utf8", 6);
    refuses(b"{} x", "json_trailing_data", 3);
    refuses(b"{}\0", "json_trailing_data", 2);
    refuses(b"{\"a\":{\"b\":[{\"c\":1,\"c\":1}]}}", "json_duplicate_key", 18);
    refuses(b"{\"a\":1,\"\\u0061\":2}", "json_duplicate_key", 7);
    refuses(b"\"\\ud800\"", "json_lone_surrogate", 1);
    refuses(b"\"\\udc00\\ud800\"", "json_lone_surrogate", 1);
    refuses(b"\"\\ud800\\u0041\"", "json_lone_surrogate", 1);
    refuses(b"1e400", "json_number_overflow", 0);
    refuses(b"[-1e400]", "json_number_overflow", 1);
    refuses(b"9007199254740993", "json_number_unsafe", 0);
    refuses(b"9007199254740993.0", "json_number_unsafe", 0);
    refuses(b"9.007199254740993e15", "json_number_unsafe", 0);
    refuses(b"-9007199254740992", "json_number_unsafe", 0);
    refuses(b"1e-400", "json_number_underflow", 0);
}

#[test]
fn refuses_what_only_lenient_readers_take() {
    for text in [
        "{'a':1}",
        "{a:1}",
        "[1,]",
        "{\"a\":1,}",
        "01",
        "+1",
        ".5",
        "1.e1",
        "0x1",
        "NaN",
        "Infinity",
        "[1 2]",
        "\"\t\"",
        "\"\\x\"",
        "\"\\u12g4\"",
        "{\"a\" 1}",
        "// c",
        "\u{a0}1",
        "nul!",
        "truee",
        "[,]",
        "{,}",
        "--1",
        "1e",
        "1e+",
        "- 1",
    ] {
        assert!(parse(text.as_bytes(), 64).is_err(), "{text}");
    }
}

#[test]
fn zero_may_be_spelled_with_any_exponent() {
    for text in ["0", "-0", "0.0", "-0.000e-999", "0e400"] {
        assert_eq!(to_compact(&parse(text.as_bytes(), 64).expect(text)), "0");
    }
}

#[test]
fn safe_integers_survive_in_every_spelling() {
    for text in ["9007199254740991", "9007199254740991.0", "9.007199254740991e15"] {
        assert_eq!(to_compact(&parse(text.as_bytes(), 64).expect(text)), "9007199254740991");
    }
    assert_eq!(parse(b"-9007199254740991", 64).expect("safe").as_i64(), Some(-9_007_199_254_740_991));
}

#[test]
fn nests_to_the_limit_and_not_one_deeper() {
    let nested = |depth: usize| [b"[".repeat(depth), b"]".repeat(depth)].concat();
    assert!(parse(&nested(64), 64).is_ok());
    refuses(&nested(65), "json_too_deep", 64);
    refuses(&b"{\"a\":".repeat(1_000_000), "json_too_deep", 64 * 5);
    refuses(&b"[".repeat(1_000_000), "json_too_deep", 64);
}

#[test]
fn keeps_ecmascript_member_order() {
    let text = r#"{"b":1,"10":2,"2":3,"01":4,"a":5,"4294967295":6,"4294967294":7,"-1":8}"#;
    let compact = r#"{"2":3,"10":2,"4294967294":7,"b":1,"01":4,"a":5,"4294967295":6,"-1":8}"#;
    assert_eq!(to_compact(&parse(text.as_bytes(), 64).expect("JSON")), compact);
}

#[test]
fn large_objects_find_and_refuse_names_as_small_ones_do() {
    let members: Vec<_> = (0..500).map(|n| format!("\"n{n}\":{n}")).collect();
    let text = format!("{{{}}}", members.join(","));
    let value = parse(text.as_bytes(), 64).expect("JSON");
    assert_eq!(value.get("n499").and_then(Value::as_i64), Some(499));
    assert_eq!(value.get("n500"), None);
    assert_eq!(to_compact(&value), text);
    let twice = format!("{{{},\"n17\":0}}", members.join(","));
    assert_eq!(parse(twice.as_bytes(), 64).expect_err("twice").code().name, "json_duplicate_key");
}

#[test]
fn escapes_what_ecmascript_escapes_and_nothing_else() {
    let text = r#""\u0000\u0008\t\n\f\r\u001f\"\\\/\u007f\u2028\u00e9\ud83d\ude00""#;
    let compact = "\"\\u0000\\b\\t\\n\\f\\r\\u001f\\\"\\\\/\u{7f}\u{2028}é😀\"";
    assert_eq!(to_compact(&parse(text.as_bytes(), 64).expect("JSON")), compact);
}

fn values() -> impl Strategy<Value = Value<'static>> {
    values_of(prop_oneof![any::<f64>(), (-1e16..1e16_f64).prop_map(f64::round), any::<i32>().prop_map(f64::from)])
}

fn values_of(number: impl Strategy<Value = f64> + 'static) -> impl Strategy<Value = Value<'static>> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        number.prop_filter_map("no I-JSON number", |n| Number::new(n).map(Value::Number)),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 64, 20, |inner| {
        let name = prop_oneof![any::<String>(), (0..40_u32).prop_map(|n| n.to_string())];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            prop::collection::hash_map(name, inner, 0..20).prop_map(|members| {
                let members: Vec<_> = members.into_iter().collect();
                Value::Object(Object::from_members(members).expect("names of a map are unique"))
            }),
        ]
    })
}

proptest! {
    #[test]
    fn never_panics_on_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = parse(&bytes, 64);
    }

    #[test]
    fn never_panics_on_almost_json(text in r#"[{}\[\]",:\\u0-9a-fA-F.eE+\-ntrl ]{0,80}"#) {
        let _ = parse(text.as_bytes(), 64);
    }

    #[test]
    fn reading_what_was_written_gives_the_same_value(value in values()) {
        for text in [to_compact(&value), to_pretty(&value)] {
            prop_assert_eq!(&parse(text.as_bytes(), 64).expect("own output"), &value);
        }
        let compact = to_compact(&value);
        prop_assert_eq!(to_compact(&parse(compact.as_bytes(), 64).expect("own output")), compact);
    }

    #[test]
    fn jcs_does_not_depend_on_member_order(value in values()) {
        let jcs = to_jcs(&value);
        let sorted = parse(jcs.as_bytes(), 64).expect("own output");
        prop_assert_eq!(to_jcs(&sorted), jcs);
    }

    #[test]
    fn agrees_with_another_reader_on_all_but_fractions(value in values_of(any::<i32>().prop_map(f64::from))) {
        let compact = to_compact(&value);
        let other: serde_json::Value = serde_json::from_str(&compact).expect("JSON");
        let other = other.to_string();
        let ours = parse(other.as_bytes(), 64).expect("still strict");
        prop_assert_eq!(to_jcs(&ours), to_jcs(&value));
    }
}
