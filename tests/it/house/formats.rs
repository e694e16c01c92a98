//! docs/FORMATS.md says what the code says: its printed parts are made here
//! from the tables, and `PULSELOG_BLESS=1` writes them anew.

use std::fmt::Write as _;

use pulselog::artifact::shape::{Field, Shape, Text};
use pulselog::artifact::{Form, HashForm, KINDS, KindRow};
use pulselog::codes::artifact::ADMISSION;
use pulselog::text::unseen::UNSEEN;

use crate::house::formats_limits::limits;
use crate::make::{blessing, project};
use crate::vectors::artifacts::entry_example;

/// The rule of a text as FORMATS 1.5 names it.
fn text_rule(rule: Text) -> String {
    match rule {
        Text::Plain { min, max } => format!("text({min}..{max})"),
        Text::Id => "id".to_owned(),
        Text::Word(word) => format!("\"{word}\""),
        Text::Did => "did".to_owned(),
        Text::DidKey => "did_key".to_owned(),
        Text::Hex64 => "hex64".to_owned(),
        Text::Kid => "hex16".to_owned(),
        Text::Nonce => "hex32".to_owned(),
        Text::B64u { min } => format!("b64u({min}..1024)"),
        Text::B64u43 => "b64u43".to_owned(),
        Text::B64u86 => "b64u86".to_owned(),
        Text::PeerTime => "peer_time".to_owned(),
        Text::Time => "time".to_owned(),
        Text::Dns1123 => "dns1123".to_owned(),
        Text::Submitter => "submitter".to_owned(),
        Text::Origin => "origin".to_owned(),
        Text::Digits => "digits".to_owned(),
        Text::Eip155 => "eip155".to_owned(),
        Text::RelativePath => "relative_path".to_owned(),
    }
}

/// A shape in the notation of FORMATS 5.4; what follows a line break is
/// indented by `depth`.
fn shape(shape: &Shape, depth: usize) -> String {
    match shape {
        Shape::Object { fields: [], open: true } => "{ ... }".to_owned(),
        Shape::Object { fields, open } => object(fields, *open, depth),
        Shape::Map { name, of, max } => {
            format!("{{ {}: {} }}[..{max}]", text_rule(*name), self::shape(of, depth))
        }
        Shape::Array { of, min, max } => format!("[{min}..{max}] {}", element(of, depth)),
        Shape::Text(rule) => text_rule(*rule),
        Shape::Integer { min, max } => format!("int({min}..{max})"),
        Shape::Number { min: Some(min) } => format!("number({min}..)"),
        Shape::Number { min: None } => "number".to_owned(),
        Shape::Bool => "true | false".to_owned(),
        Shape::Exactly(value) => value.to_string(),
        Shape::Enum(words) => words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(" | "),
        Shape::Nullable(of) => format!("{} | null", self::shape(of, depth)),
        Shape::ByField { cases, .. } => {
            cases.iter().map(|(_, case)| self::shape(case, depth)).collect::<Vec<_>>().join("\n| ")
        }
        Shape::OneOrMany { one, many } => format!("{} | {}", self::shape(one, depth), self::shape(many, depth)),
        Shape::OpaqueObject { bytes_max } => format!("object(..{bytes_max})"),
        Shape::Opaque => "any".to_owned(),
    }
}

/// Alternatives that elements have stand in parentheses: those of the list would read the same.
fn element(of: &Shape, depth: usize) -> String {
    let is_choice = matches!(
        of,
        Shape::Bool | Shape::Enum(_) | Shape::Nullable(_) | Shape::ByField { .. } | Shape::OneOrMany { .. }
    );
    let text = shape(of, depth);
    if is_choice { format!("({text})") } else { text }
}

fn object(fields: &[Field], open: bool, depth: usize) -> String {
    let indent = "  ".repeat(depth + 1);
    let mut out = "{\n".to_owned();
    for Field { name, required, shape } in fields {
        let mark = if *required { "" } else { "?" };
        let _ = writeln!(out, "{indent}{name}{mark}: {}", self::shape(shape, depth + 1));
    }
    if open {
        let _ = writeln!(out, "{indent}...");
    }
    format!("{out}{}}}", "  ".repeat(depth))
}

fn forms(row: &KindRow) -> String {
    let one = |form: &Form| {
        let retired = if form.retired { ", retired" } else { "" };
        format!("`{}` \"{}\" in {}{retired}", form.version_field, form.version, form.envelope.version)
    };
    row.forms.iter().map(one).collect::<Vec<_>>().join("<br>")
}

fn kinds() -> String {
    let mut out =
        "| kind | `envelope_type` | form | hash form | bare | withheld | array |\n|---|---|---|---|---|---|---|\n"
            .to_owned();
    let yes = |is: bool| if is { "yes" } else { "" };
    for row in KINDS {
        let hash = match row.hash_form {
            HashForm::Compact => "compact",
            HashForm::Jcs => "JCS",
        };
        let array = row.bundle_array.map(|array| format!("`{array}`")).unwrap_or_default();
        let _ = writeln!(
            out,
            "| `{}` | `{}` | {} | {hash} | {} | {} | {array} |",
            row.name,
            row.envelope_type,
            forms(row),
            yes(row.unsigned),
            yes(row.withholdable)
        );
    }
    out
}

fn members() -> String {
    let mut out = String::new();
    for row in KINDS {
        for form in row.forms {
            let whose = if form.ours { "" } else { ", a peer's" };
            let retired = if form.retired { ", retired" } else { "" };
            let _ = writeln!(out, "**{}**, {} \"{}\"{whose}{retired}\n", row.name, form.version_field, form.version);
            let _ = writeln!(out, "```text\n{}\n```\n", shape(form.payload, 0));
        }
    }
    out
}

fn unseen() -> String {
    let range = |(first, last): &(char, char)| match (u32::from(*first), u32::from(*last)) {
        (first, last) if first == last => format!("U+{first:04X}"),
        (first, last) => format!("U+{first:04X} to U+{last:04X}"),
    };
    format!("{}.\n", UNSEEN.iter().map(range).collect::<Vec<_>>().join(", "))
}

/// Arrays of receipts, as the shape of a disclosure names them: in their order.
fn receipt_arrays() -> String {
    let schema: serde_json::Value =
        serde_json::from_str(&pulselog::receipt::Disclosure::schema()).expect("the schema is JSON");
    let arrays = &schema["properties"]["receipts"]["items"]["properties"]["array"]["enum"];
    let arrays = arrays.as_array().expect("names").iter().enumerate();
    arrays.map(|(at, name)| format!("{}. `{}`\n", at + 1, name.as_str().expect("a name"))).collect()
}

fn codes() -> String {
    let rows = ADMISSION.iter().map(|code| format!("| `{code}` | {} |\n", code.means));
    format!("| code | meaning |\n|---|---|\n{}", rows.collect::<String>())
}

/// The page with every part between its marks made anew.
fn reference(page: &str) -> String {
    let parts: [(&str, String); 7] = [
        ("unseen", unseen()),
        ("receipt-arrays", receipt_arrays()),
        ("entry-example", entry_example()),
        ("admission-codes", codes()),
        ("kinds", kinds()),
        ("members", members()),
        ("limits", limits()),
    ];
    parts.iter().fold(page.to_owned(), |page, (name, text)| {
        let (open, close) = (format!("<!-- made: {name} -->\n"), format!("<!-- end: {name} -->"));
        let (before, rest) = page.split_once(&open).unwrap_or_else(|| panic!("FORMATS.md marks no part {name}"));
        let (_, after) = rest.split_once(&close).unwrap_or_else(|| panic!("FORMATS.md never ends part {name}"));
        format!("{before}{open}{}\n{close}{after}", text.trim_end())
    })
}

/// The printed parts of docs/FORMATS.md are the code's own word.
#[test]
fn formats_reference_is_what_the_code_says() {
    let path = project("docs/FORMATS.md");
    let committed = std::fs::read_to_string(&path).expect("docs/FORMATS.md");
    let made = reference(&committed);
    if blessing() {
        std::fs::write(&path, &made).expect("written");
        return;
    }
    assert!(committed == made, "docs/FORMATS.md is not what the code says: PULSELOG_BLESS=1 writes it anew");
}

/// Whoever cites a heading by its number finds it: numbers are unique and in order.
#[test]
fn headings_of_the_formats_are_numbered_without_gaps() {
    let page = std::fs::read_to_string(project("docs/FORMATS.md")).expect("docs/FORMATS.md");
    let (mut chapter, mut section) = (0, 0);
    for line in page.lines().filter(|line| line.starts_with("##")) {
        let number = line.trim_start_matches('#').split_whitespace().next().expect("a number");
        if line.starts_with("###") {
            section += 1;
            assert_eq!(number, format!("{chapter}.{section}"), "{line}");
        } else {
            (chapter, section) = (chapter + 1, 0);
            assert_eq!(number, chapter.to_string(), "{line}");
        }
    }
    assert_eq!(chapter, 8);
}
