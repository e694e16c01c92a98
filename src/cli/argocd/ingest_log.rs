//! `pulselog argocd ingest-log`: what Argo CD's server refused, from its log.

use std::io::{BufRead, Read as _};
use std::path::PathBuf;

use pulselog::argocd::{LINE_BYTES_MAX, LogCoverage, Observation, ServerLog, is_instance};
use pulselog::artifact::json::to_compact;

use crate::cli::failure::{Exit, Failure};
use crate::cli::http::{Client, read_token};
use crate::cli::{print, print_json, tell};

const AFTER: &str = "\
Reads argocd-server's log from standard input, a JSON object a line (start it with
--logformat json), and logs each refused call as an observation: who, by which method,
which right was missing and for what. Nothing else shows what Argo CD refused.

What was read is logged too, by the times of the lines, in parts of four minutes: so
the audit can tell that nothing was refused from that nobody looked, and names each time
that nobody read (SERVER_LOG_GAP). Lines that are more than five minutes apart count as such a time, since
nobody can tell silence from lines that are missing.

Feeding lines again is safe: each refusal and each part is logged once. So begin before
where it ended, after a restart too (kubectl logs --since=1h -f): what overlaps leaves no
gap. Where several servers run, feed the logs of all of them to one reader. Without --url
the observations are printed, one a line, and nothing is sent.

Where the installation logs the claims of tokens, a refusal names the token too. Argo CD
from 3.3 on logs none without SSO; calls without claims are counted and told at the end,
as are refusals that name nobody: a bare 'permission denied' is what the server also
answers while Kubernetes is down.

Examples:
  pulselog token new argocd-prod-log --data mylog \\
      --allow-unsigned argocd_observation:server_log --instance argocd-prod --out log.token
  kubectl logs -n argocd deployment/argocd-server -f |
      pulselog argocd ingest-log --instance argocd-prod --token-file log.token \\
          --url https://log.example.com

Exit codes: 0 everything was read, 1 the log refused something, 2 wrong usage, 3 lines
that are no JSON, or the log was not reached.";

/// Log what Argo CD's server refused, from its log on standard input.
#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub struct Args {
    /// Your name for the Argo CD installation, the one of the observer's token.
    #[arg(long, value_name = "NAME")]
    instance: String,
    /// File that holds the observer's token.
    #[arg(long, value_name = "FILE")]
    token_file: PathBuf,
    /// Address of the log; without it the observations are printed.
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Send the token over plain HTTP to another machine.
    #[arg(long, requires = "url")]
    allow_http: bool,
    /// Write what was read, at the end, as JSON.
    #[arg(long, requires = "url")]
    json: bool,
}

pub fn run(args: &Args) -> Result<Exit, Failure> {
    if !is_instance(&args.instance) {
        return Err(Failure::usage("--instance: must be an exact DNS-1123 name, without globs"));
    }
    let token = read_token(&args.token_file)?;
    let client = args.url.as_deref().map(|url| Client::new(url, Some(token.clone()), args.allow_http)).transpose()?;
    let told = |observations: Vec<Observation>| {
        observations.into_iter().try_for_each(|observation| {
            let line = to_compact(&observation.named(token.as_bytes()));
            client.as_ref().map_or_else(|| print(&format!("{line}\n")), |client| send(client, &line))
        })
    };
    let mut log = ServerLog::default();
    let mut input = std::io::stdin().lock();
    loop {
        let mut line = Vec::new();
        // A line that is longer is read in pieces, none of which is JSON.
        let read = input.by_ref().take(LINE_BYTES_MAX as u64 + 1).read_until(b'\n', &mut line);
        match read {
            Ok(0) => break,
            Ok(_) => told(log.line(&args.instance, &line))?,
            Err(error) => return Err(Failure::incomplete(format!("standard input: {error}; feed it again"))),
        }
    }
    let (observations, coverage) = log.end(&args.instance);
    told(observations)?;
    if args.json {
        print_json(&shown(coverage))?;
    } else {
        tell(&in_words(coverage, client.is_some()));
    }
    Ok(if coverage.unread > 0 { Exit::Incomplete } else { Exit::Pass })
}

fn send(client: &Client, line: &str) -> Result<(), Failure> {
    let answer = client.post("v1/entries", "application/json", line.as_bytes(), &tell)?;
    if answer.is_ok() {
        return Ok(());
    }
    let advice = match answer.status {
        401 | 403 => {
            "; make its token with: pulselog token new NAME --data DIR --allow-unsigned argocd_observation:server_log --instance INSTANCE"
        }
        _ => "",
    };
    Err(answer.refusal(&client.url("v1/entries"), advice))
}

fn in_words(read: LogCoverage, is_sent: bool) -> String {
    let LogCoverage { lines, unread, calls_with_claims, calls_without_claims, refusals_unnamed, denials, breaks } =
        read;
    let sent = if is_sent { "logged" } else { "printed and not sent (give --url)" };
    let unread_why = if unread > 0 { ", which are no JSON: start the server with --logformat json" } else { "" };
    format!(
        "{lines} lines: {denials} refused calls, {sent}; {refusals_unnamed} more that name nobody; tokens of \
         {calls_with_claims} calls seen, of {calls_without_claims} not; {unread} lines not read{unread_why}; {breaks} \
         times that nothing was read of"
    )
}

fn shown(read: LogCoverage) -> serde_json::Value {
    serde_json::json!({
        "lines": read.lines,
        "unread": read.unread,
        "calls_with_claims": read.calls_with_claims,
        "calls_without_claims": read.calls_without_claims,
        "refusals_unnamed": read.refusals_unnamed,
        "denials": read.denials,
        "breaks": read.breaks,
    })
}
