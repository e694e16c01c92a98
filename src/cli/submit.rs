//! `pulselog submit`: files, directories and NDJSON into a log, in batches.

pub mod belief;
mod files;

use std::io::{BufRead, BufReader, IsTerminal, Read};
use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressStyle};
use pulselog::artifact::json::{self, DEPTH_MAX};
use pulselog::artifact::renewed;
use pulselog::codes::artifact::ARTIFACT_TOO_LARGE;
use pulselog::codes::service::passes;
use pulselog::verify::plain_text::escape;

use crate::cli::bounds::Pace;
use crate::cli::failure::{Exit, Failure};
use crate::cli::http::{Answer, Client, again, delay, read_token};
use crate::cli::tell;
use crate::cli::{input, print};

use self::belief::Belief;
use self::files::{gather, is_lines};

const AFTER: &str = "\
Directories are read in name order: *.json holds one artifact, *.ndjson and
*.jsonl one a line. Safe to repeat: the log answers a known artifact with its
first index. With --renew it is logged once more: each envelope gets the present
time as issued_at, which no signature covers. The statement and its signature
stay what they are. Use it when new roots give its signer a role that was
missing when the statement was first logged. While the log is busy, or nobody
answers, the same batch is sent again, later and later, as its Retry-After asks,
and each wait is told. What does not pass by waiting ends the run at once.

An answer is believed when it names the digest of what was sent and a place in its
tree, and its proof holds under the trust policy: that of --policy, or the file
trust.policy beside the token. Without either, or with --no-proofs, proofs are not read.

Examples:
  pulselog submit --url http://127.0.0.1:8080 --token-file token.txt receipts/
  pulselog submit --url https://log.example.com --token-file token.txt day.ndjson
  pulselog submit --url https://log.example.com --token-file token.txt --renew early.json

Exit codes: 0 everything is logged, 1 something was refused or an answer is not true,
2 wrong usage or a file that is not there, 3 the log was not reached, stays busy or gives
no proof, or a bound was reached.";

/// Name of a trust policy where `init` makes one.
const POLICY_FILE: &str = "trust.policy";
/// Artifacts a batch: an eighth of what the log takes, so that bundles with
/// many receipts seldom exceed what fits into one commit.
const BATCH_ITEMS_MAX: usize = 512;
/// Bytes a batch, half of what the log takes.
const BATCH_BYTES_MAX: usize = 8 << 20;
/// Longest artifact file or line, bytes.
const ITEM_BYTES_MAX: u64 = 64 << 20;
/// Times that lines are sent again which the log was too busy for.
const BUSY_ROUNDS_MAX: u32 = 9;

/// Members of an answer that the digest, or the proof, shows to be true.
const PROVEN: [&str; 5] = ["artifact", "index", "leaf_hash", "status", "tree_size"];
/// Members that stand in the entry, printed where nobody asked for proofs.
const SAID: [&str; 5] = ["kind", "logged_at", "not_expanded", "redacted", "duplicate"];

/// Submit artifacts to a log.
#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub struct Args {
    /// Address of the log.
    #[arg(long, value_name = "URL")]
    url: String,
    /// File that holds the submitter's token.
    #[arg(long, value_name = "FILE")]
    token_file: PathBuf,
    /// Files and directories.
    #[arg(value_name = "PATHS", required = true)]
    paths: Vec<PathBuf>,
    /// Whose checkpoints to believe (C2SP tlog-policy text): the proof of every
    /// answer is read and verified under it [default: trust.policy beside the token file].
    #[arg(long, value_name = "trust.policy")]
    policy: Option<PathBuf>,
    /// Read no proofs, for many artifacts at once: each costs a request.
    #[arg(long, conflicts_with = "policy")]
    no_proofs: bool,
    /// Send the token over plain HTTP to another machine.
    #[arg(long)]
    allow_http: bool,
    /// Put each signed statement into a new envelope, so that it is logged
    /// again: for statements that came before their signer's role.
    #[arg(long)]
    renew: bool,
    /// Write one JSON line an artifact.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    pace: Pace,
}

impl Args {
    /// The policy that is named, or that lies where `init` puts it.
    fn policy(&self) -> Option<PathBuf> {
        let beside = || self.token_file.with_file_name(POLICY_FILE);
        let named = self.policy.clone();
        named.or_else(|| Some(beside()).filter(|path| !self.no_proofs && path.is_file()))
    }
}

pub fn run(args: &Args) -> Result<Exit, Failure> {
    let client = Client::new(&args.url, Some(read_token(&args.token_file)?), args.allow_http)?;
    let client = client.at_rate(args.pace.least_rate());
    args.pace.watch(true, "not everything was sent; submit again, nothing is logged twice");
    let mut files = Vec::new();
    for path in &args.paths {
        gather(path, true, &mut files)?;
    }
    if files.is_empty() {
        return Err(Failure::usage("paths: hold no .json, .ndjson or .jsonl file"));
    }
    let belief = Belief::under(args.policy().as_deref())?;
    belief.meet(&client)?;
    let mut run = Run {
        client,
        belief,
        json: args.json,
        issued_at: args.renew.then(input::now),
        bar: progress_bar(&files),
        batch: Vec::new(),
        bytes: 0,
        tally: Tally::default(),
    };
    for file in &files {
        run.read(file)?;
    }
    run.flush()?;
    run.bar.finish_and_clear();
    let Tally { logged, known, refused, not_believed } = run.tally;
    if !args.json {
        let renewed = if args.renew { ", each in a new envelope" } else { "" };
        let unbelieved = match not_believed {
            0 => String::new(),
            some => format!(", {some} answers not believed"),
        };
        // Nothing is claimed of proofs where none was read.
        let is_proven = run.belief.verifies_proofs() && not_believed == 0 && logged + known > 0;
        let proven = if is_proven { "; every proof was verified" } else { "" };
        print(&format!("{logged} logged, {known} known before, {refused} refused{unbelieved}{renewed}{proven}\n"))?;
    }
    if !run.belief.verifies_proofs() {
        let why = if args.no_proofs { "" } else { ": give --policy trust.policy, or put it beside the token file" };
        tell(&format!("digests were compared, proofs were not verified{why}"));
    }
    Ok(if refused + not_believed == 0 { Exit::Pass } else { Exit::Fail })
}

fn progress_bar(files: &[PathBuf]) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bytes = files.iter().filter_map(|file| std::fs::metadata(file).ok()).map(|meta| meta.len()).sum();
    // The template is a constant; a wrong one would show in every run.
    let style = ProgressStyle::with_template("{wide_bar} {bytes}/{total_bytes} {eta}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(bytes).with_style(style)
}

/// One artifact on its way.
struct Item {
    from: String,
    line: Vec<u8>,
}

#[derive(Default)]
struct Tally {
    logged: u64,
    known: u64,
    refused: u64,
    /// Said to be logged by an answer that is not true.
    not_believed: u64,
}

struct Run {
    client: Client,
    belief: Belief,
    json: bool,
    /// Of new envelopes, when statements are to be logged again.
    issued_at: Option<String>,
    bar: ProgressBar,
    batch: Vec<Item>,
    bytes: usize,
    tally: Tally,
}

impl Run {
    fn read(&mut self, path: &Path) -> Result<(), Failure> {
        let at = |error: std::io::Error| input::unread(&format!("path {}", path.display()), &error);
        if !is_lines(path) {
            let mut bytes = Vec::new();
            input::open(path).map_err(at)?.take(ITEM_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(at)?;
            self.bar.inc(bytes.len() as u64);
            return self.add_bounded(path.display().to_string(), &bytes);
        }
        let mut lines = BufReader::new(input::open(path).map_err(at)?);
        for number in 1_u64.. {
            let mut line = Vec::new();
            let read = lines.by_ref().take(ITEM_BYTES_MAX + 1).read_until(b'\n', &mut line).map_err(at)?;
            if read == 0 {
                break;
            }
            self.bar.inc(read as u64);
            if read as u64 > ITEM_BYTES_MAX && !line.ends_with(b"\n") {
                // What is left of it is no line of its own.
                self.bar.inc(lines.skip_until(b'\n').map_err(at)? as u64);
            }
            let line = line.trim_ascii();
            if !line.is_empty() {
                self.add_bounded(format!("{}:{number}", path.display()), line)?;
            }
        }
        Ok(())
    }

    fn add_bounded(&mut self, from: String, bytes: &[u8]) -> Result<(), Failure> {
        if bytes.len() as u64 > ITEM_BYTES_MAX {
            let why = format!("is longer than {ITEM_BYTES_MAX} bytes, more than any log takes");
            return self.refused(&from, ARTIFACT_TOO_LARGE.name, &why);
        }
        self.add(from, bytes)
    }

    /// Puts one artifact into the batch as one line. What is no JSON could not
    /// be sent as a line without changing it, and is refused here.
    fn add(&mut self, from: String, bytes: &[u8]) -> Result<(), Failure> {
        let parsed = match json::parse(bytes, DEPTH_MAX) {
            Ok(value) => value,
            Err(error) => return self.refused(&from, error.code().name, &error.to_string()),
        };
        let sent = match &self.issued_at {
            None => parsed,
            Some(issued_at) => match renewed(&parsed, issued_at) {
                Ok(envelope) => envelope,
                Err(error) => return self.refused(&from, error.code().name, &error.to_string()),
            },
        };
        let line = json::to_compact(&sent).into_bytes();
        if self.batch.len() == BATCH_ITEMS_MAX || self.bytes + line.len() >= BATCH_BYTES_MAX {
            self.flush()?;
        }
        self.bytes += line.len() + 1;
        self.batch.push(Item { from, line });
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Failure> {
        self.bytes = 0;
        let mut waiting = vec![std::mem::take(&mut self.batch)];
        let (mut busy_rounds, bar) = (0, self.bar.clone());
        let tell = |text: &str| bar.suspend(|| tell(&escape(text)));
        while let Some(mut items) = waiting.pop() {
            if items.is_empty() {
                continue;
            }
            let body = items.iter().flat_map(|item| [&item.line[..], b"\n"]).collect::<Vec<_>>().concat();
            let answer = self.client.post("v1/entries:batch", "application/x-ndjson", &body, &tell)?;
            if answer.status == 413 && items.len() > 1 {
                let second = items.split_off(items.len() / 2);
                waiting.extend([second, items]);
                continue;
            }
            let sent = items.len();
            let busy = self.answered(items, &answer)?;
            if !busy.is_empty() {
                busy_rounds += 1;
                if busy_rounds > BUSY_ROUNDS_MAX {
                    return Err(Failure::incomplete("the log stays busy; submit again later, nothing is logged twice"));
                }
                let wait = delay(busy_rounds, None)?;
                tell(&again(&format!("the log is too busy for {} of {sent} lines", busy.len()), wait));
                std::thread::sleep(wait);
                waiting.push(busy);
            }
        }
        Ok(())
    }

    /// Takes one answer a line; returns what the log was too busy for.
    fn answered(&mut self, items: Vec<Item>, answer: &Answer) -> Result<Vec<Item>, Failure> {
        if !answer.is_ok() {
            let advice = match answer.status {
                401 | 403 => "; check the token with: pulselog token list --data DIR",
                _ => "",
            };
            return Err(answer.refusal(&self.client.url("v1/entries:batch"), advice));
        }
        let no_log = || {
            let url = self.client.url("v1/entries:batch");
            Failure::incomplete(format!("{url}: no log answers so; correct the address, or see what stands before it"))
        };
        let unreadable =
            || Failure::fail("the log's answer has not one line for each artifact; submit again, it is safe");
        let lines: Vec<serde_json::Value> = answer
            .body
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_slice(line).map_err(|_| no_log()))
            .collect::<Result<_, _>>()?;
        if lines.len() != items.len() {
            return Err(unreadable());
        }
        let mut busy = Vec::new();
        for (item, line) in items.into_iter().zip(&lines) {
            match line["status"].as_u64() {
                Some(status @ (200 | 201)) => match self.belief.holds(&self.client, &item.line, line)? {
                    Ok(()) => self.logged(&item, line, status == 201)?,
                    Err(error) => self.not_believed(&item.from, error.code().name, &error.to_string())?,
                },
                _ if line["problem"]["code"].as_str().is_some_and(passes) => busy.push(item),
                _ => {
                    let said = |name: &str| line["problem"][name].as_str().unwrap_or("unknown").to_owned();
                    self.refused(&item.from, &said("code"), &said("detail"))?;
                }
            }
        }
        Ok(busy)
    }

    fn logged(&mut self, item: &Item, line: &serde_json::Value, is_new: bool) -> Result<(), Failure> {
        *(if is_new { &mut self.tally.logged } else { &mut self.tally.known }) += 1;
        if !self.json {
            return Ok(());
        }
        // Whatever else the log says here, no proof covers.
        let mut told = serde_json::Map::new();
        for name in PROVEN {
            if let Some(value) = line.get(name) {
                told.insert(name.to_owned(), value.clone());
            }
        }
        if !self.belief.verifies_proofs() {
            told.extend(SAID.iter().filter_map(|name| Some(((*name).to_owned(), line.get(*name)?.clone()))));
        }
        told.insert("from".to_owned(), item.from.clone().into());
        told.insert("renewed".to_owned(), self.issued_at.is_some().into());
        print(&format!("{}\n", serde_json::Value::from(told)))
    }

    fn not_believed(&mut self, from: &str, code: &str, why: &str) -> Result<(), Failure> {
        self.tally.not_believed += 1;
        self.told("not believed", from, code, why)
    }

    fn refused(&mut self, from: &str, code: &str, why: &str) -> Result<(), Failure> {
        self.tally.refused += 1;
        self.told("refused", from, code, why)
    }

    fn told(&mut self, word: &str, from: &str, code: &str, why: &str) -> Result<(), Failure> {
        if self.json {
            return print(&format!("{}\n", serde_json::json!({"from": from, "code": code, "detail": why})));
        }
        let text = format!("{word}  {}: {} [{}]", escape(from), escape(why), escape(code));
        self.bar.suspend(|| tell(&text));
        Ok(())
    }
}
