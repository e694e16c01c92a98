//! Into the log: what a round says, in batches, and whether somebody else says
//! the same under our name.

use pulselog::artifact::Kind;
use pulselog::artifact::digest::ArtifactDigest;
use pulselog::codes::service::passes;
use pulselog::verify::plain_text::escape;
use serde_json::Value;

use crate::cli::argocd::memory::Memory;
use crate::cli::failure::Failure;
use crate::cli::http::Client;

/// Lines and bytes of one batch: half of what a log takes.
const BATCH_LINES_MAX: usize = 512;
const BATCH_BYTES_MAX: usize = 8 << 20;
/// Snapshots of one page when we look for those of others.
const PAGE_MAX: u64 = 1_000;

/// What became of what was sent.
#[derive(Default)]
pub struct Logged {
    /// New in the log.
    pub new: u64,
    /// Known to it.
    pub known: u64,
    /// Refused, one by one: told, and not sent again.
    pub refused: u64,
    /// Indexes of our snapshots.
    pub snapshots: Vec<u64>,
}

/// Sends what waits, in order, and takes from it what the log has answered.
///
/// # Errors
/// The log is not reached, stays busy, or refuses the token; what it has not
/// answered still waits.
pub fn send(client: &Client, memory: &mut Memory, tell: &dyn Fn(&str)) -> Result<Logged, Failure> {
    let mut done = Logged::default();
    while !memory.waiting.is_empty() {
        let mut bytes = 0;
        let fits = |line: &&String| {
            bytes += line.len() + 1;
            bytes <= BATCH_BYTES_MAX
        };
        let count = memory.waiting.iter().take(BATCH_LINES_MAX).take_while(fits).count().max(1);
        let body = memory.waiting[..count].join("\n");
        let answer =
            client.post("v1/entries:batch", "application/x-ndjson", body.as_bytes(), &|text| tell(&escape(text)))?;
        let at = client.url("v1/entries:batch");
        if !answer.is_ok() {
            let advice = match answer.status {
                401 | 403 => "; check the token with: pulselog token list --data DIR",
                _ => "",
            };
            return Err(answer.refusal(&at, advice));
        }
        let lines = answer.body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let lines: Result<Vec<Value>, _> = lines.map(serde_json::from_slice).collect();
        let lines = lines.ok().filter(|lines| lines.len() == count).ok_or_else(|| {
            Failure::incomplete(format!("{at}: no log answers so; correct --log, or see what stands before it"))
        })?;
        let (mut again, mut forbidden) = (Vec::new(), None);
        let sent: Vec<String> = memory.waiting.drain(..count).collect();
        for (line, said) in sent.into_iter().zip(&lines) {
            match said["status"].as_u64() {
                Some(status @ (200 | 201)) => {
                    *(if status == 201 { &mut done.new } else { &mut done.known }) += 1;
                    if said["kind"] == Kind::ArgocdSnapshot.name() {
                        done.snapshots.extend(said["index"].as_u64());
                    }
                }
                _ if said["problem"]["code"].as_str().is_some_and(passes) => again.push(line),
                _ => {
                    let text = |name: &str| said["problem"][name].as_str().unwrap_or("unknown").to_owned();
                    // A token that may not say this may say it when it is made anew.
                    if said["status"] == 403 {
                        forbidden.get_or_insert_with(|| not_granted(&at, &text("detail"), &text("code")));
                        again.push(line);
                        continue;
                    }
                    done.refused += 1;
                    tell(&escape(&format!("refused by the log: {} [{}]", text("detail"), text("code"))));
                }
            }
        }
        let is_stuck = again.len() == count;
        memory.waiting.splice(0..0, again);
        if let Some(failure) = forbidden {
            return Err(failure);
        }
        if is_stuck {
            return Err(Failure::incomplete(format!("{at}: the log is too busy for all of it; it waits")));
        }
    }
    Ok(done)
}

fn not_granted(at: &str, detail: &str, code: &str) -> Failure {
    Failure::fail(format!(
        "{at}: {detail} [{code}]; make the poller's token with: pulselog token new NAME --data DIR --allow-unsigned \
         argocd_observation --instance INSTANCE"
    ))
}

/// The name under which the log knows whoever logged this entry; none where it
/// shows no entries.
pub fn submitter(client: &Client, index: u64) -> Option<String> {
    let answer = client.get(&format!("v1/entries/{index}"), "application/json").ok()?;
    let entry: Value = serde_json::from_slice(&answer.body).ok()?;
    entry["submitter"].as_str().map(str::to_owned)
}

/// Whether another poller writes with our token: a snapshot under our name behind
/// `last`, our own newest. Asked before anything is sent, so that of two pollers
/// the one that wrote last goes on and the other has written nothing more. What
/// waits may have been logged in a run that ended before it heard so. A token
/// observes one instance, so it is the same one.
///
/// # Errors
/// There is one.
pub fn stands_alone(client: &Client, name: &str, last: u64, waiting: &[String]) -> Result<(), Failure> {
    let ours: Vec<String> = waiting.iter().map(|line| ArtifactDigest::of(line.as_bytes()).to_string()).collect();
    let is_another = |index: u64, artifact: &str| index > last && !ours.iter().any(|ours| ours == artifact);
    let Some(index) = snapshot_of(client, name, &format!("after={last}&"), is_another) else { return Ok(()) };
    Err(Failure::fail(format!(
        "another poller wrote with this token: entry {index} is a snapshot by {name}, and not ours; stop one of the \
         two, or give each a token and a state file of its own. If there is no other, this state file is an older \
         copy: move it away, and poll anew"
    )))
}

/// A snapshot under our name before `first`, the first one that we know of.
pub fn polled_before(client: &Client, name: &str, first: u64) -> Option<u64> {
    snapshot_of(client, name, "", |index, _| index < first)
}

/// A snapshot under this name, of one page. A log that shows no entries tells
/// nothing.
fn snapshot_of(client: &Client, name: &str, from: &str, is_it: impl Fn(u64, &str) -> bool) -> Option<u64> {
    let path = format!("v1/entries?{from}kind={}&limit={PAGE_MAX}", Kind::ArgocdSnapshot.name());
    let answer = client.get(&path, "application/json").ok()?;
    let listed: Value = serde_json::from_slice(&answer.body).ok()?;
    let mut entries = listed["entries"].as_array()?.iter();
    entries.find_map(|entry| {
        let artifact = entry["artifact"].as_str().unwrap_or_default();
        entry["index"].as_u64().filter(|index| entry["submitter"] == name && is_it(*index, artifact))
    })
}
