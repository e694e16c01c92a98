//! Tokens that escapes break or spell, as programs, addresses, pages and mail
//! write them; and ordinary text with the same escapes that is none.

use crate::artifact::secrets_broken::{CLAIMS, broken, header, is_one, part, redacted, signature, token};
use pulselog::artifact::holds_token;

/// What stands for a line end, a wrap or a character that nobody sees.
const BREAKS: &[&str] = &[
    "\\n",
    "\\\\n",
    "\\\\\\\\n",
    "\\r\\n",
    "\\t",
    "\\u000a",
    "\\u000A",
    "\\u{a}",
    "\\u200b",
    "\\x0a",
    "\\012",
    "\\\n",
    "%0A",
    "%0a",
    "%0D%0A",
    "%09",
    "%250A",
    "%C2%A0",
    "%E2%80%8B",
    "%25E2%2580%258B",
    "&#10;",
    "&#x0A;",
    "&#X0a;",
    "&#13;&#10;",
    "&amp;#10;",
    "&NewLine;",
    "&nbsp;",
    "&shy;",
    "&ZeroWidthSpace;",
    "<br>",
    "<br/>",
    "<BR />",
    "<br class=\"x\">",
    "<wbr>",
    "</p><p>",
    "</div>\n<div>",
    "=\n",
    "=\r\n",
    "=0A",
    "=0D=0A",
    "=E2=80=8B",
    "=C2=A0",
    "\\n    ",
    "%0A%20",
    "&#10;&#32;",
];

const DOTS: &[&str] = &[
    "%2E",
    "%2e",
    "%252E",
    "\\u002e",
    "\\u002E",
    "\\\\u002e",
    "\\u{2e}",
    "\\x2e",
    "\\056",
    "\\.",
    "\\\\.",
    "&#46;",
    "&#x2E;",
    "&amp;#46;",
    "&period;",
    "=2E",
];

#[test]
fn a_token_is_found_however_escapes_break_it() {
    let whole = token("EdDSA", 86);
    for with in BREAKS {
        for every in [7, 40, 76] {
            is_one("login with <", &broken(&whole, every, with), "> failed");
        }
        let (head, rest) = whole.split_at(20);
        is_one("in the header (", &format!("{head}{with}{rest}"), ")");
        let (signed, last) = whole.split_at(whole.len() - 20);
        is_one("in the signature (", &format!("{signed}{with}{last}"), ") failed");
        is_one("around dots (", &whole.replace('.', &format!("{with}.{with}")), ")");
        // What stands behind a whole signature is other text.
        is_one("", &broken(&whole, 50, with), &format!("{with}the next line"));
    }
}

#[test]
fn a_token_is_found_however_its_dots_and_characters_are_spelled() {
    let whole = token("EdDSA", 86);
    for dot in DOTS {
        is_one("?token=", &whole.replace('.', dot), "&next=a.b");
        is_one("(", &whole.replacen('.', dot, 1), ")");
        is_one("", &broken(&whole.replace('.', "\u{1}"), 30, "%0A").replace('\u{1}', dot), " rest");
        // Five parts, as an encrypted one has.
        let more = format!("{whole}.{0}.{0}", signature(20)).replace('.', dot);
        is_one("", &more, " rest");
    }
    for (dash, line) in [("%2D", "%5F"), ("\\-", "\\_"), ("&#45;", "&#95;"), ("=2D", "=5F"), ("\\u002d", "\\u005f")] {
        let spelled = whole.replace('-', dash).replace('_', line);
        assert_ne!(spelled, whole);
        is_one("see **", &spelled, "**");
    }
    for first in ["%65", "\\u0065", "\\x65", "&#101;", "&#x65;"] {
        is_one("", &format!("{first}{}", &whole[1..]), " rest");
    }
    let all: String = whole.bytes().map(|byte| format!("%{byte:02X}")).collect();
    is_one("q=", &all, "&r=1");
    let padded = whole.split('.').map(|part| format!("{part}%3D%3D")).collect::<Vec<_>>().join(".");
    is_one("padded ", padded.trim_end_matches("%3D"), "%3D%3D and more");
}

#[test]
fn a_blank_that_is_spelled_is_an_ordinary_blank() {
    let whole = token("EdDSA", 86);
    let [head, claims, signature] = whole.split('.').collect::<Vec<_>>()[..] else { panic!("three parts") };
    let (a, b) = claims.split_at(10);
    let (b, c) = b.split_at(10);
    for blank in ["%20", "&#32;", "\\u0020", "\\x20", "=20"] {
        is_one("Bearer ", &whole, &format!("{blank}and{blank}the rest"));
        is_one("", &format!("{head}.{a}%0A{b}{blank}{c}.{signature}"), " rest");
        for text in [
            format!("{head}.{a}{blank}{b}{c}.{signature}"),
            format!("{head}.{blank}{claims}.{signature}"),
            format!("{head}{blank}.{claims}.{signature}"),
        ] {
            assert!(!holds_token(&text), "{text:?}");
        }
    }
}

#[test]
fn ordinary_text_with_escapes_is_no_token() {
    let (head, claims) = (header("EdDSA"), part(CLAIMS));
    // A picture's bytes in base64, as a page carries them.
    let picture = "iVBORw0KGgoAAAANSUhEUgAAAAUAAAAFCAYAAACNbyblAAAAHElEQVQI12P4".repeat(6);
    for text in [
        "https://example.com/a%2Eb%2Ec/%2E%2E/etc?next=%0A%0D%20x&v=1.2.3".to_owned(),
        r"C:\new\temp\build\readme.x2e.txt, \\server\nfs\u002e\v1.2.3".to_owned(),
        "<p>std.io.read<br>kubernetes.default.svc.cluster.local</p>".to_owned(),
        "crate::artifact::secrets, a.b.c, `x.y().z()`\\n\\tat main.rs:7".to_owned(),
        "=E2=80=9CQuoted=2E=E2=80=9D mail=2E With =3D signs=2E".to_owned(),
        r"^\d+\.\d+\.\d+(-[0-9a-z\.]+)?$".to_owned(),
        format!("data:image/png;base64,{}", broken(&picture, 76, "%0A")),
        format!("<img src=\"data:image/png;base64,{}\">", broken(&picture, 76, "&#10;")),
        format!("{picture}.{picture}.{picture}").replace('.', "%2E"),
        // What separates the parts is no dot.
        format!("{head}%2F{claims}%2F{}", signature(86)),
        format!("{head}&{claims}&{}", signature(86)),
        format!("{head}\\\"{claims}\\\"{}", signature(86)),
        // No object, no claim, no algorithm, no signature.
        format!("{head}.{}.{}", part("[\"not an object at all\"]"), signature(86)).replace('.', "%2E"),
        format!("{head}.{}.{}", part("{\"a\":1}"), signature(86)).replace('.', "&#46;"),
        format!("{}.{claims}.{}", part("{\"typ\":\"JWT\",\"kid\":1}"), signature(86)).replace('.', "\\u002e"),
        format!("{head}.{claims}.{}", signature(42)).replace('.', "=2E"),
    ] {
        assert!(!holds_token(&text), "{text:?}");
        assert_eq!(redacted(&text), text);
    }
}

#[test]
fn reading_escapes_stays_linear_on_hostile_text() {
    // Quadratic work would take minutes on these megabytes.
    let begun = std::time::Instant::now();
    let (head, claims) = (header("EdDSA"), part(CLAIMS));
    for unit in [
        "\\", "%", "%25", "&", "&amp;", "&#", "&#x0", "<", "<br", "<br ", "=", "=0", "=E2=80", "%E2%80", "\\u", "\\u{",
        "\\x", "\\0", "%2E", "&#46;", "a%2E", "\\u002e",
    ] {
        let _ = holds_token(&unit.repeat(1_000_000 / unit.len()));
    }
    for unit in [format!("{head}%0A%2E"), format!("{claims}%0A%2E"), format!("{head}%2E{claims}%2E%0A")] {
        let _ = holds_token(&unit.repeat(1_000_000 / unit.len()));
    }
    assert!(begun.elapsed().as_secs() < 60, "{:?}", begun.elapsed());
}
