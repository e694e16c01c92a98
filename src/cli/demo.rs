//! `pulselog demo`: a log on this machine, and the whole story played into it.

mod cast;
mod chain;
mod packet;
mod play;
mod scene;
mod statements;
mod submitters;
mod token;
mod value;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

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
use packet::Packet;
use scene::Job;
use submitters::Submitters;

const AFTER: &str = "\
Starts a log in DIR/log, plays one job of an Argo CD deployment agent in two runs
through its HTTP API, writes the evidence to DIR/packet, and keeps serving until
Ctrl-C. Run again, it continues the same log with a new job. Keys are made in
DIR/keys and kept.

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
    let server = start(&args)?;
    match tell(&args, &server) {
        Ok(()) if args.once => {}
        Ok(()) => {
            print("\nServing; Ctrl-C stops it. Run the demo again and the same log goes on.\n")?;
            let signals = Signals::listen().map_err(|error| serving(ServeError::Runtime(error)))?;
            end(server.wait(signals).map_err(serving))
        }
        Err(failure) => {
            // The story's failure says more than that of the end.
            let _ = server.shutdown();
            return Err(failure);
        }
    }
    server.shutdown().map_err(serving)?;
    Ok(Exit::Pass)
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

/// Plays the story, writes its packet, verifies it, and says where to look.
fn tell(args: &Args, server: &Server) -> Result<(), Failure> {
    let dir: &Path = &args.data;
    let base = format!("http://{}", server.addr());
    let client = Client::new(&base, None, false)?;
    let older = packet::before(&client)?;
    let job = Job::new()?;
    let facts = &server.state().facts;
    print(&format!("Log {} on {base}\nkey {}\n\n{}, ticket {}\n", facts.origin, facts.vkey, job.id, job.ticket))?;
    let cast = Cast::load(&dir.join("keys"))?;
    let submitters = Submitters::new(&dir.join("log"), &job.suffix)?;
    let played = play::play(&cast, job, &submitters, &client);
    // Whatever happened, nobody keeps a token that works.
    submitters.revoke()?;
    let played = played?;
    let packet_dir = dir.join("packet");
    let packet = Packet::write(&packet_dir, &client, &played, older.as_ref())?;
    // Beside the packet, not in it: whoever sends both chooses whom the reader believes.
    let beside = dir.join("operator.did");
    std::fs::write(&beside, format!("{}\n", played.operator))
        .map_err(|error| Failure::fail(format!("{}: {}", beside.display(), input::why(&error))))?;
    let passed = packet.verify()?;
    print(&format!("\n{passed} artifacts with their proofs in {}, all verified offline\n", packet_dir.display()))?;
    if let Some((size, _)) = &older {
        print(&format!("the log only grew: size {size} is the beginning of size {}\n", played.tree_size))?;
    }
    // With --once nobody answers at these addresses any more.
    let pages = if args.once { Vec::new() } else { packet::pages(&base, &played) };
    if !pages.is_empty() {
        print("\nOpen:\n")?;
    }
    for (words, url) in pages {
        print(&format!("  {words:<22}  {url}\n"))?;
    }
    print(&format!("\nVerify offline:\n  {}\n", packet.command()))
}
