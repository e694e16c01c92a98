//! `pulselog demo`: a log on this machine, and the whole story played into it.

mod cast;
mod chain;
mod packet;
mod play;
mod room;
mod roots;
mod scene;
mod stage;
mod statements;
mod submitters;
mod token;
mod value;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::channel;

use pulselog::artifact::Did;
use pulselog::checkpoint::Origin;
use pulselog::server::config::{Config, LISTEN_DEFAULT};
use pulselog::server::signals::Signals;
use pulselog::server::{ServeError, Server};

use crate::cli::failure::{Exit, Failure};
use crate::cli::http::Client;
use crate::cli::serve::end;
use crate::cli::{input, print};
use cast::Cast;
use packet::{Asking, Packet};
use room::Room;
use scene::Job;
use stage::Stage;
use submitters::Submitters;

const AFTER: &str = "\
Starts a log in DIR/log, plays one job of an Argo CD deployment agent in two runs
through its HTTP API, writes the evidence to DIR/packet, and keeps serving until
Ctrl-C. Run again, it continues the same log with a new job. Keys are made in
DIR/keys and kept.

Then it plays against an Argo CD of its own (pulselog argocd fixture), which the
poller asks and which tells the receiver: a clean job at once, and then two syncs
that should not be, one round the wrapper and one after revocation. Roots judge only
what started six minutes after them, and nobody is accused before every honest word
is due, so these two are owed until the printed times: while the demo serves it plays
them itself, and a later run on the same DIR goes on with them.

Examples:
  pulselog demo                       then open the printed addresses
  pulselog demo --once                play, verify the packet offline

Exit codes: 0 played and verified, 1 something failed, 2 wrong usage.";

/// Play the runbook into a log on this machine.
#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub struct Args {
    /// Use a free port, verify the packet, exit.
    #[arg(long)]
    once: bool,
    /// Directory of the demo.
    #[arg(long, value_name = "DIR", default_value = "./pulselog-demo")]
    data: PathBuf,
    /// Address and port on this machine [default: 127.0.0.1:8080].
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
}

pub fn run(args: Args) -> Result<Exit, Failure> {
    let job = Job::new()?;
    let server = start(&args)?;
    let submitters = match Submitters::new(&args.data.join("log"), &job.suffix) {
        Ok(submitters) => Arc::new(submitters),
        Err(failure) => {
            let _ = server.shutdown();
            return Err(failure);
        }
    };
    let ended = match tell(&args, &server, job, &submitters) {
        Ok(room) if !args.once => {
            let served = go_on(server, room);
            end(submitters.revoke().and(served))
        }
        Ok(_) => server.shutdown().map_err(serving),
        Err(failure) => {
            // The story's failure says more than that of the end.
            let _ = server.shutdown();
            Err(failure)
        }
    };
    // Whatever happened, nobody keeps a token that works.
    submitters.revoke().and(ended)?;
    Ok(Exit::Pass)
}

/// Serves until a signal. What is still owed in the room is played meanwhile,
/// on a thread of its own; wherever that is cut off, another run goes on.
fn go_on(server: Server, room: Option<Room>) -> Result<(), Failure> {
    print("\nServing; Ctrl-C stops it. Run the demo again and the same log goes on.\n")?;
    let signals = Signals::listen().map_err(|error| serving(ServeError::Runtime(error)))?;
    let (_stop, stopped) = channel();
    if let Some(room) = room {
        std::thread::spawn(move || {
            if let Err(failure) = room.keep(&stopped) {
                tell_error(&failure);
            }
        });
    }
    server.wait(signals).map_err(serving)
}

fn tell_error(failure: &Failure) {
    crate::cli::tell(&format!("pulselog: {}", failure.message));
}

fn start(args: &Args) -> Result<Server, Failure> {
    let origin = Origin::parse(scene::ORIGIN).map_err(|error| Failure::fail(format!("demo: {error}")))?;
    let keys = args.data.join("keys");
    let signer = cast::log_key(&keys, &origin)?;
    let operator = Cast::load(&keys)?.operator;
    let operator = Did::parse(operator.did()).map_err(|error| Failure::fail(format!("demo: {error}")))?;
    let mut config = Config::local(args.data.join("log"), origin, signer, operator);
    config.listen = match (args.listen, args.once) {
        (Some(listen), _) => listen,
        (None, true) => config.listen,
        (None, false) => LISTEN_DEFAULT.parse().map_err(|_| Failure::fail("demo: no address to listen on"))?,
    };
    if !config.listen.ip().is_loopback() {
        return Err(Failure::usage(format!(
            "--listen {}: the demo stays on this machine; give a loopback address, or use pulselog serve --public",
            config.listen
        )));
    }
    pulselog::server::telemetry::init("warn").map_err(|error| Failure::fail(format!("demo: {error}")))?;
    Server::start(config).map_err(serving)
}

fn serving(error: ServeError) -> Failure {
    let advice = match error {
        ServeError::Bind { .. } => "; choose another with --listen 127.0.0.1:PORT",
        _ => "",
    };
    Failure::fail(format!("{error} [{}]{advice}", error.code()))
}

/// Plays the story, writes its packet, verifies it, goes into the room, and says
/// where to look.
fn tell(args: &Args, server: &Server, job: Job, submitters: &Arc<Submitters>) -> Result<Option<Room>, Failure> {
    let dir: &Path = &args.data;
    let base = format!("http://{}", server.addr());
    let client = Client::new(&base, None, false)?;
    let older = packet::before(&client)?;
    let facts = &server.state().facts;
    print(&format!("Log {} on {base}\nkey {}\n\n{}, ticket {}\n", facts.origin, facts.vkey, job.id, job.ticket))?;
    let cast = Cast::load(&dir.join("keys"))?;
    let stage = || Stage::new(client.clone(), Arc::clone(submitters));
    let played = play::play(&cast, job, stage())?;
    let packet_dir = dir.join("packet");
    let packet = Packet::write(&packet_dir, &client, &played, older.as_ref())?;
    // Beside the packet, not in it: whoever sends both chooses whom the reader believes.
    let beside = dir.join("operator.did");
    std::fs::write(&beside, format!("{}\n", played.operator))
        .map_err(|error| Failure::fail(format!("{}: {}", beside.display(), input::why(&error))))?;
    let passed = packet.verify()?;
    print(&format!("\n{passed} artifacts with their proofs in {}, all verified offline\n", packet_dir.display()))?;
    if !played.used.is_empty() {
        print(&format!(
            "{} of them are earlier ones that its audit rests on: roots, policies, and what explains\n\
             the other operations of its agent's user in these hours\n",
            played.used.len()
        ))?;
    }
    if let Some((size, _)) = &older {
        print(&format!("the log only grew: size {size} is the beginning of size {}\n", played.tree_size))?;
    }
    let asking = || Asking { base: base.clone(), operator: played.operator.clone(), dir: dir.to_owned() };
    let mut room = Room::open(dir, stage(), cast, (!args.once).then(asking))?;
    if let Some(room) = &mut room {
        room.advance(&again(args))?;
    }
    // With --once nobody answers at these addresses any more.
    let pages = if args.once { Vec::new() } else { packet::pages(&base, &played) };
    if !pages.is_empty() {
        print("\nOpen:\n")?;
    }
    for (words, url) in pages {
        print(&format!("  {words:<22}  {url}\n"))?;
    }
    if !args.once {
        let (job, asking) = (&played.job.id, asking());
        let incident = asking.incident(&format!("--job {job}"), &format!("incident-{job}"));
        print(&format!(
            "\nJudge {job} from the whole log, while this serves, and what happened as a packet:\n  {}\n  {incident}\n",
            asking.audit("--job", job)
        ))?;
    }
    print(&format!("\nVerify offline:\n  {}\n", packet.command()))?;
    Ok(room)
}

/// The command that goes on with this data, to be pasted.
fn again(args: &Args) -> String {
    let program = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("pulselog"));
    let once = if args.once { " --once" } else { "" };
    let listen = args.listen.map(|listen| format!(" --listen {listen}")).unwrap_or_default();
    format!("{} demo{once}{listen} --data {}", packet::quoted(&program), packet::quoted(&args.data))
}
