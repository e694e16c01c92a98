//! Making a packet out of a whole log, whatever it is a packet of: the log is
//! read and verified, the files are written, and read back as whoever gets them
//! will read them.

use std::path::{Path, PathBuf};

use pulselog::artifact::Did;
use pulselog::audit::{Absence, Effect, Scope};
use pulselog::trust::TrustPolicy;
use pulselog::verify::judge::{Evidence, Judge, PackedJobs};
use pulselog::verify::packet::{File, MANIFEST, Packet};
use pulselog::verify::packing::Packing;
use pulselog::verify::plain_text::escape;
use pulselog::verify::verification::Verification;
use pulselog::verify::whole_log::WholeLog;

use crate::cli::bounds::Bounds;
use crate::cli::evidence;
use crate::cli::failure::{Exit, Failure};
use crate::cli::input::{unread, why};
use crate::cli::log_source::LogSource;
use crate::cli::verify::{operator, policy as named, trust};

/// What every packet is made of, and where.
#[derive(clap::Args)]
pub struct Making {
    /// The whole log: a directory laid out as tlog-tiles with artifacts/<hex>, or an address.
    #[arg(long, value_name = "DIR|URL")]
    log: String,
    /// Whose checkpoints to believe; a copy goes into the packet.
    #[arg(long, value_name = "trust.policy")]
    policy: PathBuf,
    /// The operator whose roots count: take it from a source you trust.
    #[arg(long, value_name = "DID")]
    operator: String,
    /// Directory to write: one that is not there, or empty.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Write what was made as JSON.
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    bounds: Bounds,
}

/// What was read, before anything is written.
pub struct Read {
    pub log: WholeLog,
    pub pinned: Did,
    policy: TrustPolicy,
    policy_text: Vec<u8>,
}

/// What the packet is to whoever gets it.
pub struct ReadBack {
    pub jobs: PackedJobs,
    /// Whether nothing but the verdict on jobs is open.
    pub is_whole: bool,
}

impl Making {
    /// Reads and verifies the whole log.
    ///
    /// # Errors
    /// `--out` is not free, something named cannot be read, the log does not
    /// verify, or it holds no roots of the operator.
    pub fn read(&self) -> Result<Read, Failure> {
        self.bounds.watch(true);
        is_free(&self.out)?;
        let policy_text = named(&self.policy)?;
        let (policy, pinned) = (trust(Some(&policy_text))?, operator(&self.operator)?);
        let log = LogSource::parse(&self.log, self.bounds)?.read(&policy)?;
        if log.timeline().roots_of(&pinned).is_none() {
            return Err(Failure::incomplete(
                "--operator: the log holds no roots of this operator, so nothing is of any job",
            ));
        }
        Ok(Read { log, pinned, policy, policy_text })
    }

    /// Writes what was packed, with these files for people, and reads it back.
    ///
    /// # Errors
    /// It cannot be written, or what was written does not verify.
    pub fn write(&self, read: Read, packing: &mut Packing, told: Vec<File>) -> Result<ReadBack, Failure> {
        packing.files.push(("trust.policy".to_owned(), read.policy_text));
        packing.files.extend(told);
        packing.files.push((MANIFEST.to_owned(), Packet::manifest_of(&packing.files).into_bytes()));
        write(&self.out, &packing.files)?;
        let mut judge = Judge::new(pulselog::protocol::Options::at(jiff::Timestamp::now().as_millisecond()));
        let packet = evidence::packet(std::slice::from_ref(&self.out), &read.policy, self.bounds.budget(), None)?;
        judge.operator = Some(read.pinned);
        judge.evidence = Evidence::Packet(Box::new(packet));
        let (report, jobs) = (judge.evidence_report(), judge.packed_jobs());
        if report.exit_code() == Exit::Fail.number() {
            let why = format!("--out {}: does not verify: {}", self.out.display(), report.checks_text());
            return Err(Failure::fail(why));
        }
        Ok(ReadBack { jobs, is_whole: report.exit_code() == Exit::Pass.number() })
    }

    /// What verifies the packet where it was written.
    pub fn command(&self) -> String {
        let dir = quoted(&self.out);
        self.command_with(&dir, &format!("{dir}/trust.policy"))
    }

    /// What verifies it in its own directory.
    pub fn command_inside(&self) -> String {
        self.command_with(".", "trust.policy")
    }

    /// What judges the same from the whole log, as it was read.
    pub fn whole_log(&self, scope: &Scope) -> String {
        let named = match scope {
            Scope::Job(job) => format!(" --job={}", quoted(Path::new(job))),
            Scope::Token(hash) => format!(" --token={hash}"),
            Scope::App(app) => format!(" --app={}", quoted(Path::new(app))),
            Scope::Log | Scope::Run { .. } | Scope::Agent(_) => String::new(),
        };
        let (log, operator) = (quoted(Path::new(&self.log)), &self.operator);
        escape(&format!("pulselog audit --log {log} --policy trust.policy --operator {operator}{named}"))
    }

    fn command_with(&self, dir: &str, policy: &str) -> String {
        format!("pulselog verify {dir} --policy {policy} --operator {}", self.operator)
    }
}

/// Whether the packet alone shows that nothing else of the log is needed.
pub fn is_attested(job: &Verification) -> bool {
    matches!(job.coverage.as_ref().map(|coverage| coverage.absence), Some(Absence::Attested { .. }))
}

/// Why the operator's statement does not make the packet whole.
pub fn why_open(job: &Verification) -> Vec<String> {
    let open = job.audit.findings.iter().filter(|finding| finding.rule.effect == Effect::Incomplete);
    let why = open.filter(|finding| ["ATTESTATION_OUTDATED", "EVIDENCE_MISSING"].contains(&finding.rule.code));
    why.map(|finding| {
        let entries: Vec<_> = finding.entries.iter().map(ToString::to_string).collect();
        let (code, detail, to_do) = (finding.rule.code, &finding.detail, finding.words().what_to_do);
        format!("{code}, entries {}: {detail}. {to_do}", entries.join(", "))
    })
    .collect()
}

/// Nothing that lies there is written over, and nothing is mixed with it.
fn is_free(dir: &Path) -> Result<(), Failure> {
    match std::fs::read_dir(dir).map(|mut files| files.next().is_none()) {
        Ok(true) => Ok(()),
        Ok(false) => {
            Err(Failure::fail(format!("--out {}: is not empty; name a directory that is not there", dir.display())))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(unread(&format!("--out {}", dir.display()), &error)),
    }
}

fn write(dir: &Path, files: &[File]) -> Result<(), Failure> {
    let at = |error: std::io::Error| Failure::fail(format!("--out {}: {}", dir.display(), why(&error)));
    std::fs::create_dir_all(dir).map_err(at)?;
    files.iter().try_for_each(|(name, bytes)| std::fs::write(dir.join(name), bytes).map_err(at))
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+@".contains(&byte);
    if text.bytes().all(plain) { text } else { format!("'{}'", text.replace('\'', "'\\''")) }
}
