//! `pulselog explain`: a code in plain words.

use std::fmt::Write as _;

use pulselog::audit::{Effect, Rule};
use pulselog::explain::{Explanation, explain, nearest};
use pulselog::verify::plain_text::escape;

use crate::cli::failure::{Exit, Failure};
use crate::cli::{print, print_json};

const AFTER: &str = "\
Knows every code that verify, the log's answers and the log itself print. One
code may be said by two parts of the program; then both meanings are shown.

Examples:
  pulselog explain proof_path_length
  pulselog explain DISCLOSURE_ROOT_MISMATCH --json

Exit codes: 0 explained, 2 no such code.";

/// Explain a code: what it means and what to do.
#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub struct Args {
    /// The code as it was printed.
    #[arg(value_name = "CODE")]
    code: String,
    /// Write JSON.
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args) -> Result<Exit, Failure> {
    let rows = explain(args.code.trim());
    if rows.is_empty() {
        let near = nearest(args.code.trim());
        let hint = match near.is_empty() {
            true => {
                "give a code as verify, audit or an answer of a log prints it, in [brackets] or capitals; /docs/errors of a log \
                 lists all of them"
                    .to_owned()
            }
            false => format!("did you mean {}?", near.join(", ")),
        };
        return Err(Failure::usage(format!("{}: is no code of this program; {hint}", escape(&args.code))));
    }
    if args.json {
        let rows: Vec<_> = rows.iter().map(to_json).collect();
        print_json(&rows)?;
    } else {
        print(&rows.iter().map(to_text).collect::<Vec<_>>().join("\n"))?;
    }
    Ok(Exit::Pass)
}

fn to_text(row: &Explanation) -> String {
    let rule = row.rule;
    let grade = rule.map(|rule| format!(", {}, {}", rule.severity.name(), effect(rule))).unwrap_or_default();
    let mut text = format!("{}  ({}{grade})\n\n", escape(row.code), row.area);
    let said = [
        ("", Some(row.title)),
        ("means", Some(row.means)),
        ("what to do", Some(row.action)),
        ("but", row.note),
        ("not proven", rule.map(|rule| rule.does_not_prove)),
    ];
    for (label, value) in said.into_iter().filter_map(|(label, value)| Some((label, value?))) {
        // Writing to a String never fails.
        let _ = match label {
            "" => writeln!(text, "  {}", sentence(value)),
            label => writeln!(text, "  {label:<10}  {}", sentence(value)),
        };
    }
    text
}

const fn effect(rule: &Rule) -> &'static str {
    match rule.effect {
        Effect::Fails => "fails the verdict",
        Effect::Incomplete => "leaves the verdict incomplete",
        Effect::Shown => "no effect on a verdict",
    }
}

fn to_json(row: &Explanation) -> serde_json::Value {
    let mut json = serde_json::json!({
        "code": row.code, "area": row.area, "title": row.title,
        "means": sentence(row.means), "action": sentence(row.action),
    });
    if let Some(note) = row.note {
        json["note"] = note.into();
    }
    if let Some(rule) = row.rule {
        json["severity"] = rule.severity.name().into();
        json["effect"] = effect(rule).into();
        json["does_not_prove"] = rule.does_not_prove.into();
    }
    json
}

/// With a capital, unless the first word is a name, and a full stop.
fn sentence(text: &str) -> String {
    let is_name = text.split(' ').next().is_some_and(|word| word.contains('_') || word.contains('/'));
    let mut rest = text.chars();
    let first = rest.next().map(|c| if is_name { c } else { c.to_ascii_uppercase() });
    let end = if text.ends_with(['.', '?']) { "" } else { "." };
    first.into_iter().collect::<String>() + rest.as_str() + end
}
