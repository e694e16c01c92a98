//! Who works in the room: the night shift with its wrapper, and the poller that
//! watches.

use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::time::Duration;

use pulselog::artifact::Kind;
use pulselog::artifact::json::Value;
use serde_json::Value as Kept;

use crate::cli::argocd::fixture::notices::Receiving;
use crate::cli::argocd::fixture::running::{Running, Setup};
use crate::cli::argocd::fixture::world::World;
use crate::cli::argocd::poller::{Polled, Poller};
use crate::cli::demo::cast::Cast;
use crate::cli::demo::packet;
use crate::cli::demo::room::argo::{Argo, Synced};
use crate::cli::demo::room::book::Book;
use crate::cli::demo::room::found;
use crate::cli::demo::room::scene::{self, BATCH, INSTANCE, LEDGER, READER};
use crate::cli::demo::scene::{Action, Job, infos};
use crate::cli::demo::stage::Stage;
use crate::cli::demo::statements::{self as say, Grounds};
use crate::cli::demo::submitters::{NOTIFIER, POLLER};
use crate::cli::demo::token::issue;
use crate::cli::demo::value::{hex_sha256, now, now_ms, object, with};
use crate::cli::failure::{Exit, Failure};
use crate::cli::input::{self, random};
use crate::cli::print;
use pulselog::text::hex;

/// How long an operation of the fixture runs.
const WORK: Duration = Duration::from_millis(200);
/// Longest answer of the fixture, seconds.
const ANSWER_SECONDS_MAX: u64 = 60;

/// Everything that the room's acts share.
pub struct Night {
    pub stage: Stage,
    cast: Cast,
    fixture: Running,
    argo: Argo,
    poller: Poller,
    /// The newest entry when it began.
    above: u64,
}

/// Under which job, run and token a call is made.
struct Shift<'a> {
    job: &'a str,
    run: &'a str,
    grounds: Grounds<'a>,
}

impl Night {
    /// Starts the fixture where it stood, or anew, and the poller that watches it.
    pub fn begin(dir: &Path, stage: Stage, cast: Cast, kept: Option<&Kept>) -> Result<Self, Failure> {
        let at = |error: std::io::Error| Failure::fail(format!("demo: {}: {}", dir.display(), input::why(&error)));
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(at)?;
        let state = dir.join("poller.state");
        let world = match kept {
            Some(kept) => World::restored(kept),
            None => {
                // Of a room that never came to its first job's end.
                match std::fs::remove_file(&state) {
                    Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(at(error)),
                    _ => scene::world(),
                }
            }
        };
        let token = |role: &str| {
            let token = stage.submitters.token(role).map(str::to_owned);
            token.ok_or_else(|| Failure::fail(format!("demo: nobody submits as {role}")))
        };
        let receiving = Receiving {
            url: stage.client.url("v1/ingest/argocd"),
            token: token(NOTIFIER)?,
            instance: INSTANCE.to_owned(),
        };
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let setup = Setup { listen, world, work: WORK, receiving: Some(receiving), carries_out: true };
        let fixture = Running::start(setup)?;
        let file = |name: &str, text: &str| write_private(&dir.join(name), text).map_err(at);
        file("argocd.token", READER)?;
        file("poll.token", &token(POLLER)?)?;
        let poller = Poller::new(Polled {
            server: fixture.url(),
            token_file: dir.join("argocd.token"),
            ca_file: None,
            instance: INSTANCE.to_owned(),
            log: stage.client.url(""),
            log_token_file: dir.join("poll.token"),
            state,
            timeout: ANSWER_SECONDS_MAX,
            allow_http: false,
        })?;
        let argo = Argo::new(&fixture.url());
        let above = packet::before(&stage.client)?.map_or(0, |(size, _)| size.saturating_sub(1));
        Ok(Self { stage, cast, fixture, argo, poller, above })
    }

    /// What another fixture goes on from.
    pub fn kept(&self) -> Kept {
        self.fixture.kept()
    }

    /// A round of the poller, which another will make good where it does not count.
    pub fn look(&mut self) -> Result<(), Failure> {
        self.poller.round().map(drop)
    }

    /// A round of the poller that counts.
    pub fn watch(&mut self) -> Result<(), Failure> {
        let round = self.poller.round()?;
        match round.exit {
            Exit::Pass => Ok(()),
            _ => {
                let why = round.told.refused.map_or_else(|| "the log did not take it".to_owned(), |why| why.line());
                Err(Failure::fail(format!("demo: a round of the poller does not count: {why}")))
            }
        }
    }

    /// One job that is clean: two syncs through the wrapper, seen by both
    /// channels. Then its token is revoked.
    pub fn first_job(&mut self) -> Result<Book, Failure> {
        // What is there at the first look was before us.
        self.watch()?;
        let rooted_ms = now_ms();
        let policy = self.cast.registry.sign(Kind::WorkPolicy, scene::work_policy(), &now())?;
        let policy_hash = policy.payload_hash_b64u.clone();
        self.stage.signed("registry", Kind::WorkPolicy, &policy, "night-shift: sync two applications, unasked")?;
        let job = Job::new()?;
        let issuer = &self.cast.issuer;
        let agent = self.cast.night_shift.did();
        let token = issue(issuer, agent, &job, &scene::rights(), &policy_hash, now_ms() / 1_000)?;
        let issued = issuer.sign(Kind::CstIssuance, token.issuance.clone(), &now())?;
        self.stage.signed("clawscope", Kind::CstIssuance, &issued, "token T3 for its job")?;
        let grounds = Grounds { policy_hash: &policy_hash, token: &token };
        let shift = Shift { job: &job.id, run: &job.runs[0], grounds };
        let first = self.sync_by_wrapper(BATCH, &shift, "sync payments-batch: allowed")?;
        let second = self.sync_by_wrapper(LEDGER, &shift, "sync payments-ledger: allowed")?;
        self.await_both(&[&first, &second])?;
        let (revoker, why) = (self.cast.issuer.did(), "the night shift is over");
        let revoked = say::revocation(&token, &policy_hash, revoker, why, &now());
        let revoked = self.cast.issuer.sign(Kind::CstRevocation, revoked, &now())?;
        self.stage.signed("clawscope", Kind::CstRevocation, &revoked, "token T3 revoked, the shift is over")?;
        let revoked_ms = now_ms();
        found::is_clean(&self.stage.client, &job.id, 2)?;
        print(&format!("\n2 syncs of {}, each reported by notification and seen by the poller: audit pass\n", job.id))?;
        let [run, _] = job.runs;
        Ok(Book {
            job: job.id,
            run,
            policy_hash,
            token_hash: token.hash,
            scope_hash: token.scope_hash_b64u,
            rooted_ms,
            revoked_ms,
            acted_ms: None,
            is_acting: false,
            is_told: false,
            world: self.kept(),
        })
    }

    /// The sync that no decision is of, and the one whose token was revoked.
    pub fn misdeeds(&mut self, book: &Book) -> Result<(Synced, Synced), Failure> {
        let round = self.argo.sync(BATCH, &revision()?, None)?;
        print("            night-shift's user syncs payments-batch, and its wrapper is not asked\n")?;
        let token = book.token();
        let grounds = Grounds { policy_hash: &book.policy_hash, token: &token };
        let shift = Shift { job: &book.job, run: &book.run, grounds };
        let after = self.sync_by_wrapper(LEDGER, &shift, "sync payments-ledger: allowed under T3, which is revoked")?;
        self.await_both(&[&round, &after])?;
        Ok((round, after))
    }

    /// Until poller and receiver have both logged how these ended.
    fn await_both(&mut self, synced: &[&Synced]) -> Result<(), Failure> {
        self.watch()?;
        let keys: Vec<&str> = synced.iter().map(|synced| synced.op_key.as_str()).collect();
        for (role, words) in [(POLLER, "seen by the poller"), (NOTIFIER, "reported by notification")] {
            let name = self.stage.submitters.name(role).unwrap_or_default();
            found::await_reports(&self.stage.client, &name, self.above, &keys)?;
            print(&format!("            {} operations {words}\n", keys.len()))?;
        }
        Ok(())
    }

    /// Decides, calls Argo CD, and says what came of it.
    fn sync_by_wrapper(&mut self, name: &str, shift: &Shift<'_>, words: &str) -> Result<Synced, Failure> {
        let revision = revision()?;
        let action = Action::room_sync(shift.job, name, &self.argo.uid(name)?, &revision);
        let verdict = ("allow", "allow row sync");
        let decision = say::decision(verdict, &action, shift.job, shift.run, &shift.grounds, &[]);
        let decided = self.cast.wrapper.sign(Kind::ArgocdDecision, decision, &now())?;
        self.stage.signed("wrapper", Kind::ArgocdDecision, &decided, words)?;
        let synced = self.argo.sync(name, &revision, Some(infos(&decided.payload_hash, shift.job)))?;
        let receipt =
            self.cast.wrapper.sign(Kind::ArgocdReceipt, receipt(&decided.payload_hash, &action, &synced), &now())?;
        self.stage.signed("wrapper", Kind::ArgocdReceipt, &receipt, "Argo CD accepted the sync")?;
        Ok(synced)
    }
}

fn receipt(decision: &str, action: &Action, synced: &Synced) -> Value<'static> {
    let payload = object([
        ("decision_digest", decision.to_owned().into()),
        ("outcome", "accepted".into()),
        ("request_digest", action.request_digest.clone().into()),
        ("response_digest", hex_sha256(&synced.answer).into()),
        ("http_status", 200_u32.into()),
        ("grpc_code", 0_u32.into()),
        ("app_uid", synced.uid.clone().into()),
        ("resource_version", synced.version.clone().into()),
    ]);
    with(payload, "op_key", synced.op_key.clone().into())
}

/// A commit that nobody deployed before.
fn revision() -> Result<String, Failure> {
    Ok(hex::encode(&random::<20>()?))
}

fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    let options = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
    options?.write_all(text.as_bytes())
}
