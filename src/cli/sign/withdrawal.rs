//! What a person is told and asked before new roots withdraw trust: it holds
//! for good, whatever later roots say.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use pulselog::artifact::json::Value;
use pulselog::artifact::{Artifact, Did};
use pulselog::audit::jobs_hit;
use pulselog::verify::plain_text::escape;

use crate::cli::failure::Failure;
use crate::cli::input::{SMALL_BYTES_MAX, read};
use crate::cli::log_source::LogSource;
use crate::cli::sign::Args;
use crate::cli::tell;
use crate::cli::verify::trust;

/// Longest answer to a question, bytes.
const ANSWER_BYTES_MAX: u64 = 64;

/// Shows whom the roots distrust and which jobs that hits, and asks twice.
pub fn confirm(args: &Args, roots: &Artifact) -> Result<(), Failure> {
    let rows = roots.payload().get("distrusted").and_then(Value::as_array).unwrap_or_default();
    if rows.is_empty() {
        return Ok(());
    }
    let can_ask = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    if !args.yes && !can_ask {
        let detail = "these roots distrust somebody for good, which is asked for twice on a terminal; give --yes here";
        return Err(Failure::usage(detail));
    }
    tell("These roots withdraw trust for good:");
    for row in rows {
        let text = |name| escape(row.text_at(name).unwrap_or_default());
        let from = row.get("from_index").and_then(Value::as_i64).unwrap_or_default();
        tell(&format!("  {} from index {from} on: {}", text("did"), text("reason")));
    }
    tell(&hit(args, roots)?);
    if args.yes {
        return Ok(());
    }
    let agrees =
        ask("Withdraw trust from them? Type yes: ")? && ask("No later roots take this back. Type yes again: ")?;
    if agrees { Ok(()) } else { Err(Failure::fail("nothing was signed")) }
}

/// Which jobs it hits, in a line.
fn hit(args: &Args, roots: &Artifact) -> Result<String, Failure> {
    let Some(log) = &args.log else {
        return Ok("Give --log and --policy to see which jobs this hits.".to_owned());
    };
    let policy = args.policy.as_ref().map(|path| read("--policy", path, SMALL_BYTES_MAX)).transpose()?;
    let log = LogSource::parse(log, args.bounds)?.read(&trust(policy.as_deref())?)?;
    let operator: &Did = roots.signer().ok_or_else(|| Failure::fail("roots come in a signed envelope"))?;
    let jobs: Vec<_> = jobs_hit(log.timeline(), operator, roots.clone()).iter().map(|job| escape(job)).collect();
    let size = log.head().size;
    Ok(match jobs.as_slice() {
        [] => format!("It hits no job of the log, which has {size} entries now."),
        jobs => format!("Of the log, which has {size} entries now, it fails {}: {}", jobs.len(), jobs.join(", ")),
    })
}

fn ask(question: &str) -> Result<bool, Failure> {
    let wrong = |error: std::io::Error| Failure::fail(format!("the answer: {error}"));
    eprint!("{question}");
    std::io::stderr().flush().map_err(wrong)?;
    let mut answer = String::new();
    std::io::Read::take(std::io::stdin().lock(), ANSWER_BYTES_MAX).read_line(&mut answer).map_err(wrong)?;
    Ok(answer.trim() == "yes")
}
