//! What is said of many documents: a line each, then a summary.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use pulselog::audit::{Absence, Finding, in_reading_order};
use pulselog::verify::plain_text::escape;
use pulselog::verify::report::{Check, Outcome};
use pulselog::verify::verification::Verification;

use crate::cli::documents::{Input, Source};
use crate::cli::failure::{Exit, Failure};
use crate::cli::input::{STDIN, unread as unread_path};
use crate::cli::verify::setup::{Said, worse};
use crate::cli::{many as driver, print};

/// The rows of one run, as far as they are told.
pub struct Rows {
    as_json: bool,
    worst: Exit,
    pub counts: Counts,
}

/// What a row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Sort {
    Job,
    /// A bundle, or another document with a verdict of its own.
    Document,
    /// Any other artifact, which is proven and has no verdict.
    Artifact,
    /// A bundle of another job, which is evidence here.
    Beside,
    /// Proofs, lists and the like: read, and nothing is said of them.
    Evidence,
    /// What was named and could not be judged.
    Unjudged,
}

/// How many rows of each sort ended how.
#[derive(Default)]
pub struct Counts(BTreeMap<Sort, BTreeMap<&'static str, u64>>);

impl Counts {
    fn add(&mut self, sort: Sort, word: &'static str) {
        *self.0.entry(sort).or_default().entry(word).or_default() += 1;
    }

    fn of(&self, sort: Sort) -> u64 {
        self.0.get(&sort).into_iter().flat_map(BTreeMap::values).sum()
    }

    pub fn jobs(&self) -> u64 {
        self.of(Sort::Job)
    }

    /// Those that have a verdict of their own.
    pub fn documents(&self) -> u64 {
        self.of(Sort::Document)
    }

    pub fn is_nothing_judged(&self) -> bool {
        self.0.keys().all(|sort| *sort == Sort::Evidence)
    }

    /// A line for each sort that there is; only what was judged is counted as
    /// passed or failed.
    fn to_text(&self) -> String {
        let mut out = String::new();
        for (sort, ends) in &self.0 {
            let all = self.of(*sort);
            let (one, many, more) = match sort {
                Sort::Job => ("job judged", "jobs judged", ""),
                Sort::Document => ("document judged", "documents judged", ""),
                Sort::Artifact => ("other artifact", "other artifacts", ", by proof that the log has it"),
                Sort::Beside => ("bundle of another job", "bundles of other jobs", ", not judged"),
                Sort::Evidence => ("file of evidence", "files of evidence", " (proofs, lists, notes), not judged"),
                Sort::Unjudged => ("file that could not be judged", "files that could not be judged", ""),
            };
            let ends: Vec<_> = ends.iter().map(|(word, count)| format!("{count} {word}")).collect();
            let ends = match sort {
                Sort::Evidence | Sort::Beside => String::new(),
                _ => format!(": {}", ends.join(", ")),
            };
            out.push_str(&format!("{all} {}{ends}{more}\n", if all == 1 { one } else { many }));
        }
        if out.is_empty() { "no documents\n".to_owned() } else { out }
    }
}

impl Rows {
    pub fn new(as_json: bool) -> Self {
        Self { as_json, worst: Exit::Pass, counts: Counts::default() }
    }

    /// Judges all documents of these paths on all cores.
    pub fn judge(
        &mut self,
        documents: &[PathBuf],
        work: impl Fn(&Source, &[u8]) -> Said + Sync,
    ) -> Result<(), Failure> {
        // Nothing is said of some before it is known that all that was named is there.
        for path in documents.iter().filter(|path| path.as_os_str() != STDIN && !path.is_dir()) {
            std::fs::metadata(path).map_err(|error| unread_path(&format!("document {}", path.display()), &error))?;
        }
        let input = Input::of(documents)
            .map_err(|(path, error)| unread_path(&format!("document {}", path.display()), &error))?;
        let summary = driver::run(input, work, |source, answer| {
            let said = answer.unwrap_or_else(|unread| Said::Unjudged {
                is_incomplete: unread.is_incomplete(source),
                why: unread.to_string(),
            });
            self.row(&source.to_string(), said)
        });
        summary.map(|_| ()).map_err(|error| Failure::fail(format!("documents: {error}")))
    }

    /// Tells one row, and what it is counted under.
    ///
    /// # Errors
    /// Nobody takes it.
    pub fn row(&mut self, source: &str, said: Said) -> io::Result<&'static str> {
        // File names come with the documents: as untrusted as they are.
        let place = escape(source);
        let (word, code, line) = match &said {
            Said::Evidence => ("of evidence", 0, String::new()),
            Said::Judged(of) => {
                let word = of.verdict.word();
                (
                    word,
                    of.exit_code(),
                    self.line(source, None, of, || format!("{word:<11}  {place}  {}", in_short(of)))?,
                )
            }
            Said::Job(job, of) => {
                let (word, name) = (of.verdict.word(), escape(job));
                let words = || format!("{word:<11}  {place}  job {name}: {}", in_short(of));
                (word, of.exit_code(), self.line(source, Some(job), of, words)?)
            }
            Said::Beside(of) => {
                let words =
                    || format!("{:<11}  {place}  {}: of another job: evidence, not judged", "evidence", in_short(of));
                ("of evidence", 0, self.line(source, None, of, words)?)
            }
            // Named and not judged: neither pass nor fail.
            Said::Unjudged { is_incomplete, why } => {
                let (word, verdict, code) =
                    if *is_incomplete { ("not checked", "incomplete", 3) } else { ("FAIL", "fail", 1) };
                let line = match self.as_json {
                    true => serde_json::json!({"source": source, "verdict": verdict, "error": why}).to_string(),
                    false => format!("{word:<11}  {place}  {}", escape(why)),
                };
                (word, code, line)
            }
        };
        self.worst = worse(self.worst, code);
        let sort = match &said {
            Said::Job(..) => Sort::Job,
            Said::Judged(of) if of.document.is_some() => Sort::Document,
            Said::Judged(_) => Sort::Artifact,
            Said::Beside(_) => Sort::Beside,
            Said::Evidence => Sort::Evidence,
            Said::Unjudged { .. } => Sort::Unjudged,
        };
        self.counts.add(sort, word);
        if !line.is_empty() {
            print(&format!("{line}\n")).map_err(|failure| io::Error::other(failure.message))?;
        }
        Ok(word)
    }

    fn line(
        &self,
        source: &str,
        job: Option<&str>,
        of: &Verification,
        words: impl FnOnce() -> String,
    ) -> io::Result<String> {
        if !self.as_json {
            return Ok(words());
        }
        let mut value = serde_json::to_value(of).map_err(io::Error::other)?;
        value["source"] = source.into();
        if let Some(job) = job {
            value["job"] = job.into();
        }
        Ok(value.to_string())
    }

    /// How many there were, and the worst of them.
    pub fn finish(self) -> Result<Exit, Failure> {
        if !self.as_json {
            print(&format!("\n{}", self.counts.to_text()))?;
        }
        Ok(self.worst)
    }
}

fn in_short(verification: &Verification) -> String {
    if let (None, Some(subject)) = (&verification.document, &verification.subject) {
        return format!("{}, entry {} of {}", subject.kind, subject.index, escape(&subject.origin));
    }
    let protocol = verification.protocol.as_ref();
    let protocol = protocol.map(|protocol| format!("protocol {}, ", protocol.reason_code)).unwrap_or_default();
    let findings = in_reading_order(&verification.audit.findings).into_iter();
    let (undecided, codes): (Vec<_>, Vec<_>) = findings.partition(|finding| finding.is_undecided());
    let listed = |of: &[&Finding]| of.iter().map(|finding| finding.rule.code).collect::<Vec<_>>().join(" ");
    let undecided = if undecided.is_empty() { String::new() } else { format!("; undecided {}", listed(&undecided)) };
    let coverage = verification.coverage.as_ref().filter(|coverage| coverage.leaves_out());
    let older = coverage.and_then(|coverage| coverage.as_of);
    let older = older.map(|as_of| format!(", of the first {} entries only", as_of.size)).unwrap_or_default();
    let codes = if codes.is_empty() { String::new() } else { format!(" {}", listed(&codes)) };
    let attested = absence_in_short(verification);
    // Those of the evidence stand above all rows.
    let is_own = |check: &&Check| ["size", "token"].contains(&check.name) && check.outcome != Outcome::Pass;
    let own = verification.checks.iter().filter(is_own).map(|check| format!("; {}: {}", check.name, check.code));
    let own: String = own.collect();
    format!("{protocol}audit {}{older}{attested}{codes}{undecided}{own}", verification.audit.status.name())
}

/// Of a job it is said which statement makes the packet whole; of all, where
/// nothing shows that nothing else stands in the log.
fn absence_in_short(verification: &Verification) -> String {
    match verification.coverage.as_ref().map(|coverage| coverage.absence) {
        Some(Absence::Attested { entry }) if verification.document.is_none() => format!(", attested in entry {entry}"),
        Some(Absence::NotChecked) => ", absence not checked".to_owned(),
        Some(Absence::Attested { .. } | Absence::Recomputed) | None => String::new(),
    }
}
