//! What a person is given who writes a statement for the first time: an example
//! of every kind, and all that is wrong with theirs, at once.

use std::path::Path;

use pulselog::artifact::json::{DEPTH_MAX, Value, parse, to_compact};
use pulselog::artifact::{Kind, MARK, example, faults, marked};

use crate::cli::{run, run_with};
use crate::make::{admit_any, good_payload, kind, set};

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// The value at a path with places of lists in it, such as `a.b[0].c`.
fn at<'a>(value: &'a Value<'static>, path: &str) -> Option<&'a Value<'static>> {
    path.split('.').try_fold(value, |value, part| match part.split_once('[') {
        None => value.get(part),
        Some((name, place)) => value.get(name)?.as_array()?.get(place.trim_end_matches(']').parse::<usize>().ok()?),
    })
}

/// The example of a kind, with every marked value taken from a good payload.
fn filled(kind: Kind) -> Value<'static> {
    let mut payload = parse(example(kind).as_bytes(), DEPTH_MAX).expect("JSON");
    let good = good_payload(kind);
    for place in marked(&payload) {
        let path = place.split_once(" (").expect("a path and what belongs there").0;
        let path = path.strip_prefix("payload.").expect("a path in the payload").to_owned();
        let value = at(&good, &path).unwrap_or_else(|| panic!("{}: a good payload has {path}", kind.name())).clone();
        set(&mut payload, &path, Some(value));
    }
    payload
}

#[test]
fn the_example_of_every_kind_is_signed_once_its_marks_are_replaced() {
    let dir = tempfile::tempdir().expect("a directory");
    let key = dir.path().join("key.pem");
    assert_eq!(run(&["keygen", "--did", "--out", text(&key)]).code, 0);
    for kind in Kind::ALL {
        let printed = run(&["sign", "--kind", kind.name(), "--example"]);
        assert_eq!((printed.code, printed.out.as_str()), (0, example(kind)), "{}", kind.name());
        let sign =
            |payload: &str| run_with(&["sign", "--kind", kind.name(), "--key", text(&key), "-"], payload.as_bytes());
        let signed = sign(&to_compact(&filled(kind)));
        assert_eq!(signed.code, 0, "{}: {}", kind.name(), signed.err);
        admit_any(signed.out.trim_end()).unwrap_or_else(|error| panic!("{}: {error}", kind.name()));
        // As it is printed it says of every mark that it is one, and nothing is signed.
        let places = marked(&parse(printed.out.as_bytes(), DEPTH_MAX).expect("JSON"));
        let unfilled = sign(&printed.out);
        if places.is_empty() {
            assert_eq!(unfilled.code, 0, "{}: {}", kind.name(), unfilled.err);
            continue;
        }
        assert_eq!((unfilled.code, unfilled.out.as_str()), (1, ""), "{}", kind.name());
        for place in &places {
            assert!(unfilled.err.contains(place.as_str()), "{}: {place}: {}", kind.name(), unfilled.err);
        }
        assert_eq!(unfilled.err.matches("is still to be replaced").count(), places.len(), "{}", unfilled.err);
    }
    let usage = run(&["sign", "--kind", "approval"]);
    assert!(usage.code == 2 && usage.err.contains("--key"), "{}", usage.err);
}

#[test]
fn all_that_is_wrong_with_a_payload_is_told_at_once() {
    let mut payload = good_payload(kind("approval"));
    set(&mut payload, "approval_id", None);
    set(&mut payload, "decision", Some("perhaps".into()));
    set(&mut payload, "binds.app.uid", Some(7.into()));
    set(&mut payload, "binds.params.prune", Some("yes".into()));
    set(&mut payload, "binds.revisions[0]", Some(Value::Null));
    set(&mut payload, "extra", Some(true.into()));
    let found: Vec<_> =
        faults(kind("approval"), &payload).iter().map(|fault| (fault.path(), fault.code().name)).collect();
    let expected = [
        ("payload.decision", "invalid_value"),
        ("payload.binds.app.uid", "wrong_type"),
        ("payload.binds.revisions[0]", "wrong_type"),
        ("payload.binds.params.prune", "wrong_type"),
        ("payload.extra", "unknown_field"),
        ("payload.approval_id", "missing_field"),
    ];
    let mut expected: Vec<_> = expected.iter().map(|(path, code)| ((*path).to_owned(), *code)).collect();
    let mut sorted = found.clone();
    expected.sort();
    sorted.sort();
    assert_eq!(sorted, expected);
    assert_eq!(found.last(), Some(&("payload.approval_id".to_owned(), "missing_field")), "missing ones come last");
}

/// Whoever collects all faults finds one exactly where admission finds one.
#[test]
fn a_payload_has_faults_exactly_when_admission_refuses_it() {
    for kind in Kind::ALL {
        let good = good_payload(kind);
        assert_eq!(faults(kind, &good), [], "{}", kind.name());
        let names: Vec<String> = good.as_object().expect("an object").iter().map(|(name, _)| name.to_owned()).collect();
        for name in names {
            for other in [
                None,
                Some(Value::Null),
                Some(4_000_000_000_u32.into()),
                Some("".into()),
                Some(Vec::<Value>::new().into()),
            ] {
                let mut payload = good.clone();
                set(&mut payload, &name, other);
                let first = crate::make::admit_any(&to_compact(&crate::make::seal_raw(
                    kind,
                    payload.clone(),
                    &crate::make::key("agent"),
                )));
                let found = faults(kind, &payload);
                assert_eq!(found.is_empty(), first.is_ok(), "{} {name}: {found:?} {:?}", kind.name(), first.err());
            }
        }
    }
}

#[test]
fn a_mark_is_no_value_of_anybody() {
    let marks: usize = Kind::ALL.into_iter().map(|kind| example(kind).matches(MARK).count()).sum();
    assert!(marks > 100, "{marks}");
}
