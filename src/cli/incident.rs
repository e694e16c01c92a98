//! `pulselog incident`: what happened in one scope and time, as files that
//! verify offline.

mod rights;
mod story;

use std::collections::BTreeSet;

use pulselog::artifact::Did;
use pulselog::artifact::time::unix_ms;
use pulselog::audit::{Report, Scope, Verdict, audit_at, reached_from};
use pulselog::merkle::LeafIndex;
use pulselog::verify::judge::PackedJobs;
use pulselog::verify::packing::{Packing, pack_jobs};
use pulselog::verify::plain_text::escape;
use pulselog::verify::whole_log::WholeLog;

use crate::cli::audit::{application, token_hash};
use crate::cli::failure::{Exit, Failure};
use crate::cli::incident::story::{Span, jobs_in, judged, story};
use crate::cli::packet::making::{Making, is_attested, why_open};
use crate::cli::{print, print_json};

const AFTER: &str = "\
incident.txt says in the log's order what happened: each entry with its time, what it
says (of an operation who started it, when it began and ended, and which revision), and
the findings that rest on it; above that the verdict and the tokens that it was done
under, whenever they were issued and revoked; below it what is missing. The directory
holds beside it what pulselog packet would write of each job that took part.

--from and --to are the log's times (logged_at), RFC 3339 with a zone; --to itself is
left out. They choose what incident.txt tells, and of an application the jobs that took
part. A verdict rests on all entries of a job, so these are all in the packet.

pulselog verify DIR judges those jobs again, with no network, of which a statement of
the operator is in the packet: only that says that nothing else of the log is needed.
Make one of each job first, with pulselog audit --attest.

Examples:
  pulselog incident --log http://127.0.0.1:8080 --policy trust.policy --operator did:key:z6Mk… \\
      --app argocd-prod/argocd/payments-api --out incident-17 \\
      --from 2026-11-27T09:00:00Z --to 2026-11-27T11:00:00+01:00
  pulselog incident --log /mirror --policy trust.policy --operator did:key:z6Mk… \\
      --job job-7 --out job-7
  pulselog verify incident-17 --policy trust.policy --operator did:key:z6Mk…

Exit codes: 0 written and read back, 1 refused or the log does not verify, 2 wrong usage, 3 the
log was not reached, nothing is of the scope and time, or the packet is written and something
that a verdict needs is not in it. What the verdict is changes no exit code: read it in the
first line.";

/// Make the packet of an incident: what happened in one scope and time.
#[derive(clap::Args)]
#[command(after_help = AFTER)]
#[command(override_usage = "pulselog incident --log <LOG> --policy <FILE> --operator <DID> --out <DIR> \
    <--job|--token|--app> <OF> [OPTIONS]")]
#[command(group(clap::ArgGroup::new("of").args(["job", "token", "app"]).required(true)))]
pub struct Args {
    /// One job.
    #[arg(long, value_name = "JOB")]
    job: Option<String>,
    /// One token, by the hex SHA-256 of its compact form.
    #[arg(long, value_name = "HASH")]
    token: Option<String>,
    /// One application: instance/namespace/name.
    #[arg(long, value_name = "APP")]
    app: Option<String>,
    /// Only what was logged at this time or later: RFC 3339 with a zone.
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Only what was logged before this time: RFC 3339 with a zone.
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    // Last: what stands below its bounds would be told as one of them.
    #[command(flatten)]
    making: Making,
}

pub fn run(args: &Args) -> Result<Exit, Failure> {
    let (scope, span) = (scope(args)?, span(args)?);
    let read = args.making.read()?;
    let mut incident = Incident::of(&read.log, scope, span, &read.pinned)?;
    incident.command = args.making.whole_log(&incident.scope);
    let mut packing = incident.packed(&read.log, &read.pinned)?;
    let told = vec![
        ("incident.txt".to_owned(), story(&read.log, &incident, &packing.attested).into_bytes()),
        ("README.txt".to_owned(), readme(args, &incident, &packing.attested).into_bytes()),
    ];
    let read_back = args.making.write(read, &mut packing, told)?;
    let open = incident.why_open(&read_back.jobs, &packing);
    tell(args, &incident, &packing, &open)?;
    Ok(if open.is_empty() && read_back.is_whole { Exit::Pass } else { Exit::Incomplete })
}

/// What an incident is made of.
struct Incident {
    scope: Scope,
    span: Span,
    report: Report,
    /// Everything that the scope's audit reads.
    reached: BTreeSet<LeafIndex>,
    /// Of these, what is told.
    told: Vec<LeafIndex>,
    /// Tokens that it was done under, issued and revoked at whatever time.
    rights: BTreeSet<LeafIndex>,
    jobs: BTreeSet<String>,
    /// What judges it from the whole log.
    command: String,
}

impl Incident {
    fn of(log: &WholeLog, scope: Scope, span: Span, pinned: &Did) -> Result<Self, Failure> {
        let (timeline, size) = (log.timeline(), log.head().size);
        let report = audit_at(timeline, size, Some(pinned)).of(&scope);
        let gathered = reached_from(timeline, &scope, size, pinned);
        let named = || report.findings.iter().flat_map(|finding| finding.entries.iter().copied());
        // Of other jobs, what a finding names.
        let untold: BTreeSet<_> = gathered.asides().difference(&named().collect()).copied().collect();
        let reached = gathered.into_found();
        let own = reached.difference(&untold).copied().collect();
        let told = story::told(log, &scope, &span, &own);
        if told.is_empty() {
            let why = format!(
                "nothing in the log is of {} in this time; is it spelled as the log has it?",
                escape(&scope.to_string())
            );
            return Err(Failure::incomplete(why));
        }
        let jobs = jobs_in(log, &scope, &report, &told);
        let rights = rights::of(log, &scope, &report, &own, &told);
        Ok(Self { scope, span, report, reached, told, rights, jobs, command: String::new() })
    }

    fn packed(&self, log: &WholeLog, pinned: &Did) -> Result<Packing, Failure> {
        // Of an application the jobs of other times are left out.
        let beside = match self.scope {
            Scope::App(_) => self.told.iter().chain(&self.rights).copied().collect(),
            _ => self.reached.clone(),
        };
        let none = || Failure::fail("--log: what leads to its checkpoint cannot be computed");
        pack_jobs(log, &self.jobs, beside, pinned).ok_or_else(none)
    }

    /// What whoever gets the packet lacks, in words.
    fn why_open(&self, judged: &PackedJobs, packing: &Packing) -> Vec<String> {
        let mut open = Vec::new();
        for job in &self.jobs {
            match judged.iter().find(|of| of.job == *job).map(|of| &of.verification) {
                Some(of) if is_attested(of) => {}
                Some(of) => open.extend(why_open(of).into_iter().map(|why| format!("job {job}: {why}"))),
                None => open.push(format!(
                    "job {job}: no statement of the operator says that nothing else of the log is needed; make one \
                     with pulselog audit --attest, then the packet again"
                )),
            }
        }
        if self.jobs.is_empty() {
            open.push(format!(
                "no job took part: {} was judged from the whole log, and the packet proves each entry and no verdict",
                escape(&self.scope.to_string())
            ));
        }
        if !packing.withheld.is_empty() {
            let withheld: Vec<u64> = packing.withheld.iter().map(|at| at.get()).collect();
            open.push(format!("the log does not show the bodies of entries {withheld:?}"));
        }
        open
    }
}

fn scope(args: &Args) -> Result<Scope, Failure> {
    match (&args.job, &args.token, &args.app) {
        (Some(job), ..) => Ok(Scope::Job(job.clone())),
        (_, Some(token), _) => Ok(Scope::Token(token_hash(token)?)),
        (.., Some(app)) => Ok(Scope::App(application(app)?)),
        (None, None, None) => Err(Failure::usage("name one of --job, --token and --app")),
    }
}

fn span(args: &Args) -> Result<Span, Failure> {
    let read = |flag: &str, text: &Option<String>| {
        let Some(text) = text else { return Ok(None) };
        let refuse = || {
            Failure::usage(format!("{flag}: must be a time with a zone, as 2026-11-27T09:00:00Z or …T10:00:00+01:00"))
        };
        unix_ms(text).map(Some).ok_or_else(refuse)
    };
    let (from, to) = (read("--from", &args.from)?, read("--to", &args.to)?);
    if from.zip(to).is_some_and(|(from, to)| from >= to) {
        return Err(Failure::usage("--from: must be before --to"));
    }
    Ok(Span { from, to })
}

fn tell(args: &Args, incident: &Incident, packing: &Packing, open: &[String]) -> Result<(), Failure> {
    let (verdict, size) = (incident.report.verdict.name(), incident.report.as_of.size);
    if args.making.json {
        return print_json(&serde_json::json!({
            "scope": incident.scope, "from": args.from, "to": args.to, "directory": args.making.out, "size": size,
            "told": incident.told, "entries": packing.entries, "files": packing.files.len(), "jobs": incident.jobs,
            "statements": packing.statements, "withheld": packing.withheld, "verdict": verdict, "incomplete": open,
        }));
    }
    let mut out = format!(
        "{} of {} in {}, as of size {size}; {} entries with their proofs, read back, and every proof holds; its audit: \
         {verdict}\n",
        counted(incident.told.len()),
        escape(&incident.scope.to_string()),
        escape(&args.making.out.display().to_string()),
        packing.entries,
    );
    open.iter().for_each(|why| out.push_str(&format!("incomplete: {}\n", escape(why))));
    out.push_str(&format!("Verify it offline:\n  {}\n", args.making.command()));
    print(&out)
}

fn counted(told: usize) -> String {
    if told == 1 { "1 entry".to_owned() } else { format!("{told} entries") }
}

fn readme(args: &Args, incident: &Incident, attested: &BTreeSet<String>) -> String {
    let jobs: String = incident.jobs.iter().map(|job| format!("  {}\n", escape(job))).collect();
    let jobs = match jobs.is_empty() {
        true => judged(incident, attested),
        false => format!("Jobs that took part:\n\n{jobs}\n{}", judged(incident, attested)),
    };
    let found = match incident.report.verdict {
        Verdict::NotApplicable => "nothing to judge",
        of => of.name(),
    };
    format!(
        "Incident: {}, {}\n\n\
         incident.txt tells it; whoever made it found: {found}. That is a word, not a proof:\n\
         the files beside it prove themselves. INDEX-KIND.json is an artifact as it was\n\
         logged, INDEX-KIND.tlog-proof its inclusion proof, checkpoint the signed tree\n\
         head that covers all of them. packet.json lists all files.\n\n\
         trust.policy says whose checkpoints to believe, and --operator whose roots:\n\
         compare both with what the log's operator says elsewhere before you rely on\n\
         them.\n\n\
         All of it, in this directory, with no network:\n\n  {}\n\n{jobs}",
        escape(&incident.scope.to_string()),
        incident.span,
        args.making.command_inside()
    )
}
