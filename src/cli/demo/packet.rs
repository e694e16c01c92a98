//! The packet: every artifact of the run with its proof, as files that verify
//! with no network and no trust in whoever sent them.

use std::path::{Path, PathBuf};

use pulselog::artifact::{Did, Kind};
use pulselog::trust::TrustPolicy;
use pulselog::verify::budget::Budget;
use pulselog::verify::judge::{self, Judge};
use pulselog::verify::packet::{File, MANIFEST, Packet as Evidence};
use pulselog::verify::verification::Verification;
use pulselog::verify::{Older, Options, artifact};

use crate::cli::demo::play::Played;
use crate::cli::demo::stage::Logged;
use crate::cli::evidence;
use crate::cli::failure::Failure;
use crate::cli::http::Client;
use crate::cli::input::{self, SMALL_BYTES_MAX};

const POLICY: &str = "trust.policy";
const CHECKPOINT: &str = "checkpoint";
const OLDER: &str = "previous.checkpoint";
const CONSISTENCY: &str = "previous-to-now.consistency";
const ATTESTED: &str = "statement.consistency";

/// A written packet.
pub struct Packet {
    dir: PathBuf,
    stems: Vec<String>,
    operator: String,
    job: String,
    has_older: bool,
}

/// The newest checkpoint before the story: size and note. `None` when the log is empty.
pub fn before(client: &Client) -> Result<Option<(u64, Vec<u8>)>, Failure> {
    let note = fetch(client, "checkpoint", "text/plain")?;
    let size = std::str::from_utf8(&note).ok().and_then(|text| text.lines().nth(1)?.parse().ok());
    let size: u64 = size.ok_or_else(|| Failure::fail("demo: the log serves no checkpoint"))?;
    Ok((size > 0).then_some((size, note)))
}

impl Packet {
    /// Fetches the run's artifacts and proofs at one size and writes them,
    /// replacing the packet of the run before.
    pub fn write(
        dir: &Path,
        client: &Client,
        played: &Played,
        older: Option<&(u64, Vec<u8>)>,
    ) -> Result<Self, Failure> {
        let at = |error: std::io::Error| Failure::fail(format!("packet {}: {}", dir.display(), input::why(&error)));
        match std::fs::remove_dir_all(dir) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(at(error)),
            _ => std::fs::create_dir_all(dir).map_err(at)?,
        }
        let size = played.tree_size;
        let (mut files, mut stems): (Vec<File>, _) = (Vec::new(), Vec::new());
        for logged in played.used.iter().chain(&played.logged) {
            let stem = &logged.stem;
            let body = fetch(client, &format!("v1/artifacts/{}", logged.artifact), "application/json")?;
            if body != logged.compact.as_bytes() {
                return Err(Failure::fail(format!("demo: the log serves another body for entry {}", logged.index)));
            }
            let proof = fetch(client, &format!("v1/entries/{}.tlog-proof?size={size}", logged.index), "text/plain")?;
            files.push((format!("{stem}.json"), body));
            files.push((format!("{stem}.tlog-proof"), proof));
            stems.push(stem.clone());
        }
        files.push((POLICY.to_owned(), fetch(client, "v1/trust-policy", "text/plain")?));
        files.push((CHECKPOINT.to_owned(), fetch(client, &format!("v1/checkpoints/{size}"), "text/plain")?));
        let consistency =
            |from: u64| fetch(client, &format!("v1/proofs/consistency?from={from}&to={size}"), "text/plain");
        files.push((ATTESTED.to_owned(), consistency(played.attested_size)?));
        if let Some((from, note)) = older {
            files.push((OLDER.to_owned(), note.clone()));
            files.push((CONSISTENCY.to_owned(), consistency(*from)?));
        }
        let (operator, job) = (played.operator.clone(), played.job.id.clone());
        let packet = Self { dir: dir.to_owned(), stems, operator, job, has_older: older.is_some() };
        files.push(("README.txt".to_owned(), packet.readme().into_bytes()));
        files.push((MANIFEST.to_owned(), Evidence::manifest_of(&files).into_bytes()));
        for (name, bytes) in &files {
            std::fs::write(dir.join(name), bytes).map_err(at)?;
        }
        Ok(packet)
    }

    /// Verifies every file of the packet as a stranger would: from disk, with
    /// nothing but the policy and the operator's name. Returns how many
    /// artifacts passed.
    pub fn verify(&self) -> Result<usize, Failure> {
        let read = |name: &str| input::read("packet", &self.dir.join(name), SMALL_BYTES_MAX);
        let policy = read(POLICY)?;
        let older = match self.has_older {
            true => Some((read(OLDER)?, read(CONSISTENCY)?)),
            false => None,
        };
        let older = older.as_ref().map(|(checkpoint, file)| Older { checkpoint, consistency: Some(file) });
        let options = Options { older, ..Options::default() };
        let judge = self.judge(&policy)?;
        if let Some(of) = judge.packed_jobs().iter().find(|of| of.verification.exit_code() != 0) {
            let why = of.verification.to_text();
            return Err(Failure::fail(format!("packet: job {} does not verify: {why}", of.job)));
        }
        for stem in &self.stems {
            let body = read(&format!("{stem}.json"))?;
            let proof = read(&format!("{stem}.tlog-proof"))?;
            let proven = artifact(Some(&body), &proof, &policy, &options);
            let verification = match judge.document(&body) {
                Some(judged) => judged.with_proof(proven),
                None => Verification::of_proof(proven),
            };
            if verification.exit_code() != 0 {
                return Err(Failure::fail(format!("packet: {stem} does not verify: {}", verification.to_text())));
            }
        }
        Ok(self.stems.len())
    }

    fn judge(&self, policy: &[u8]) -> Result<Judge, Failure> {
        let policy = TrustPolicy::parse(policy).map_err(|error| Failure::fail(format!("packet: {error}")))?;
        let packet = evidence::packet(std::slice::from_ref(&self.dir), &policy, Budget::default(), None)?;
        let now = jiff::Timestamp::now().as_millisecond();
        let mut judge = Judge::new(pulselog::protocol::Options::at(now));
        judge.operator = Did::parse(&self.operator).ok();
        judge.evidence = judge::Evidence::Packet(Box::new(packet));
        Ok(judge)
    }

    /// The command that verifies the run's first bundle, to be pasted.
    pub fn command(&self) -> String {
        let stem = self.stems.iter().find(|stem| stem.ends_with(Kind::ProofBundle.name())).map_or("", String::as_str);
        self.verify_command(&program(), stem, &self.dir)
    }

    fn verify_command(&self, program: &str, stem: &str, dir: &Path) -> String {
        let file = |name: &str| quoted(&dir.join(name));
        let packet = if dir.as_os_str().is_empty() { ".".to_owned() } else { quoted(dir) };
        let mut command = format!(
            "{program} verify {} --evidence {packet} --policy {} --operator {}",
            file(&format!("{stem}.json")),
            file(POLICY),
            self.operator
        );
        // A later run puts its own packet in this place: of another job, it must not pass.
        if stem.ends_with(Kind::ProofBundle.name()) {
            command.push_str(&format!(" --expect-job {}", self.job));
        }
        if self.has_older {
            let older = format!(" --consistent-with {} --consistency {}", file(OLDER), file(CONSISTENCY));
            command.push_str(&older);
        }
        command
    }

    fn readme(&self) -> String {
        let job = &self.job;
        let here = Path::new("");
        let commands: Vec<_> = self.stems.iter().map(|stem| self.verify_command("pulselog", stem, here)).collect();
        let older = if self.has_older {
            "previous.checkpoint is the checkpoint before this run, and\nprevious-to-now.consistency shows that the log only grew since then.\n\n"
        } else {
            ""
        };
        format!(
            "Packet of {job}\n\n\
             NN-kind.json is an artifact in the form that was hashed, NN-kind.tlog-proof its\n\
             inclusion proof, checkpoint the signed tree head that covers all of them;\n\
             used-… are earlier entries that the audit rests on. The last artifact is the\n\
             operator's statement about this job: it lists every entry that the audit of\n\
             the job used, so nothing else of the log is needed. statement.consistency shows\n\
             that the log it speaks of is this one. packet.json lists all files.\n\n\
             trust.policy says whose checkpoints to believe, and --operator whose roots. The\n\
             copies here came from the log itself: compare both with what the log's operator\n\
             says elsewhere before you rely on them.\n\n\
             {older}All of it, in this directory, with no network:\n\n\
             pulselog verify . --policy {POLICY} --operator {}\n\n\
             One artifact alone:\n\n{}\n",
            self.operator,
            commands.join("\n")
        )
    }
}

/// URLs worth opening.
pub fn pages(base: &str, played: &Played) -> Vec<(&'static str, String)> {
    let of_kind = |kind: Kind| played.logged.iter().filter(|logged| logged.kind == kind).collect::<Vec<&Logged>>();
    let mut pages = vec![("the log", format!("{base}/"))];
    for (logged, words) in of_kind(Kind::TrustPulse).iter().zip(["Trust Pulse of run 1", "Trust Pulse of run 2"]) {
        pages.push((words, format!("{base}/pulses/{}", logged.artifact)));
    }
    for (run, words) in played.job.runs.iter().zip(["everything of run 1", "everything of run 2"]) {
        pages.push((words, format!("{base}/runs/{}/{run}", played.agent)));
    }
    let denied = played.logged.iter().filter(|logged| logged.kind == Kind::ArgocdDecision).nth(2);
    pages.extend(denied.map(|logged| ("the denied edit", format!("{base}/entries/{}", logged.index))));
    pages
}

fn fetch(client: &Client, path: &str, accept: &str) -> Result<Vec<u8>, Failure> {
    let answer = client.get(path, accept)?;
    if answer.status == 200 {
        return Ok(answer.body);
    }
    Err(Failure::fail(format!("{}: {}", client.url(path), answer.problem())))
}

/// Whose word a command believes, and of which log: commands on a log that answers,
/// to be pasted.
pub struct Asking {
    pub base: String,
    pub operator: String,
    /// The demo's directory.
    pub dir: PathBuf,
}

impl Asking {
    /// The audit of one scope: `--job`, `--app`.
    pub fn audit(&self, flag: &str, name: &str) -> String {
        format!("{} audit {} {flag} {name}", program(), self.whom())
    }

    /// The packet of what happened in one scope, into a directory that is not there.
    pub fn incident(&self, scope: &str, called: &str) -> String {
        let free = |n: u32| match n {
            1 => self.dir.join(called),
            _ => self.dir.join(format!("{called}-{n}")),
        };
        let out = (1..).map(free).find(|out| !out.exists()).unwrap_or_else(|| self.dir.join(called));
        format!("{} incident {} {scope} --out {}", program(), self.whom(), quoted(&out))
    }

    fn whom(&self) -> String {
        let policy = quoted(&self.dir.join("packet").join(POLICY));
        format!("--log {} --policy {policy} --operator {}", self.base, self.operator)
    }
}

/// This program, as a shell takes it.
fn program() -> String {
    quoted(&std::env::current_exe().unwrap_or_else(|_| PathBuf::from("pulselog")))
}

/// A path as a shell takes it.
pub fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+@".contains(&byte);
    if text.bytes().all(plain) { text } else { format!("'{}'", text.replace('\'', "'\\''")) }
}
