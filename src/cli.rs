//! The command line: flags in, one room called, text out.
//!
//! ```text
//! exit  0  pass            1  fail: judged and failed, or refused
//!       2  wrong usage: also a file that is not there or cannot be opened
//!       3  incomplete: something was not shown, not reached or not checked
//! ```
//!
//! Errors are one line that names the flag or file and says what to do; only the
//! fields of a payload that somebody wrote are named a line each before it. Facts
//! for machines come with `--json`; secrets are never printed, except the new
//! token of `token new`.

mod argocd;
mod audit;
mod bounds;
#[cfg(feature = "server")]
mod demo;
mod disclose;
mod documents;
mod evidence;
mod explain;
mod failure;
mod folder;
#[cfg(feature = "server")]
mod fsck;
#[cfg(feature = "server")]
mod http;
mod incident;
#[cfg(feature = "server")]
mod init;
mod input;
mod keygen;
mod log_source;
mod many;
mod mistaken;
mod packet;
mod progress;
#[cfg(feature = "server")]
mod rebuild_guard;
mod secret;
#[cfg(feature = "server")]
mod serve;
mod show;
mod sign;
#[cfg(feature = "server")]
mod submit;
#[cfg(feature = "server")]
mod ticket;
#[cfg(feature = "server")]
mod token;
mod verify;
#[cfg(feature = "server")]
mod withhold;
mod wpc;

use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;

use failure::{Exit, Failure};

const EXIT_CODES: &str = "\
Exit codes:
  0  pass
  1  fail: judged and failed, not authentic, or refused
  2  wrong usage: also a file that is not there, or a directory in place of one
  3  incomplete: something was not shown or a log not reached, so nothing contradicts it
     and nothing proves it";

/// Append-only transparency log for what AI deployment agents do on Argo CD.
#[derive(Parser)]
#[command(name = "pulselog", version, arg_required_else_help = true, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    #[cfg(feature = "server")]
    Init(init::Args),
    #[cfg(feature = "server")]
    Serve(serve::Args),
    #[cfg(feature = "server")]
    Demo(demo::Args),
    Keygen(keygen::Args),
    #[cfg(feature = "server")]
    Token(token::Args),
    Sign(sign::Args),
    #[cfg(feature = "server")]
    Submit(submit::Args),
    #[cfg(feature = "server")]
    Withhold(withhold::Args),
    Show(show::Args),
    Verify(verify::Args),
    Audit(audit::Args),
    Packet(packet::Args),
    Incident(incident::Args),
    #[cfg(feature = "server")]
    Ticket(ticket::Args),
    Disclose(disclose::Args),
    Explain(explain::Args),
    Wpc(wpc::Args),
    Argocd(argocd::Args),
    #[cfg(feature = "server")]
    Fsck(fsck::Args),
    #[cfg(feature = "server")]
    RebuildGuard(rebuild_guard::Args),
}

/// Runs the subcommand that the arguments name.
pub fn run() -> ExitCode {
    if let Some(why) = secret::given(std::env::args_os().skip(1)) {
        tell(&format!("pulselog: {why}"));
        return Exit::Usage.into();
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    match obey(cli.command) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            tell(&format!("pulselog: {}", failure.message));
            failure.exit.into()
        }
    }
}

fn obey(command: Command) -> Result<Exit, Failure> {
    match command {
        #[cfg(feature = "server")]
        Command::Init(args) => init::run(&args),
        #[cfg(feature = "server")]
        Command::Serve(args) => serve::run(args),
        #[cfg(feature = "server")]
        Command::Demo(args) => demo::run(args),
        Command::Keygen(args) => keygen::run(&args),
        #[cfg(feature = "server")]
        Command::Token(args) => token::run(args),
        Command::Sign(args) => sign::run(&args),
        #[cfg(feature = "server")]
        Command::Submit(args) => submit::run(&args),
        #[cfg(feature = "server")]
        Command::Withhold(args) => withhold::run(&args),
        Command::Show(args) => show::run(&args),
        Command::Verify(args) => verify::run(&args),
        Command::Audit(args) => audit::run(&args),
        Command::Packet(args) => packet::run(&args),
        Command::Incident(args) => incident::run(&args),
        #[cfg(feature = "server")]
        Command::Ticket(args) => ticket::run(&args),
        Command::Disclose(args) => disclose::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Wpc(args) => wpc::run(&args),
        Command::Argocd(args) => argocd::run(&args),
        #[cfg(feature = "server")]
        Command::Fsck(args) => fsck::run(&args),
        #[cfg(feature = "server")]
        Command::RebuildGuard(args) => rebuild_guard::run(args),
    }
}

/// Runs a command as it was printed to be pasted.
#[cfg(all(test, feature = "server"))]
fn pasted(line: &str) -> Result<Exit, Failure> {
    let cli = Cli::try_parse_from(line.split_whitespace()).map_err(|error| Failure::usage(error.to_string()))?;
    obey(cli.command)
}

/// Help and version as clap prints them; everything else as one line.
fn usage(error: &clap::Error) -> ExitCode {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            // A closed pipe is no reason to fail.
            let _ = error.print();
            Exit::Pass.into()
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let _ = error.print();
            Exit::Usage.into()
        }
        _ => {
            let text = error.to_string();
            let lines = text.lines().take_while(|line| !line.trim().is_empty());
            let line = lines.map(str::trim).collect::<Vec<_>>().join(" ");
            let line = pulselog::verify::plain_text::escape(&line);
            let help = format!("pulselog{} --help", subcommands());
            tell(&format!("pulselog: {}; see {help}", line.trim_start_matches("error: ")));
            Exit::Usage.into()
        }
    }
}

/// The subcommands that were named, each with a blank before it.
fn subcommands() -> String {
    use clap::CommandFactory as _;
    let (mut command, mut named) = (Cli::command(), String::new());
    for word in std::env::args_os().skip(1).map_while(|word| word.into_string().ok()) {
        let Some(of) = command.find_subcommand(&word).cloned() else { break };
        named.push(' ');
        named.push_str(of.get_name());
        command = of;
    }
    named
}

/// One line on standard error. Where nobody can read it (a full disk, a closed
/// pipe), the exit code says the rest.
fn tell(line: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// Prints to standard output; a reader that went away is no error of ours.
fn print(text: &str) -> Result<(), Failure> {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::fail(format!("standard output: {error}")))
        }
        _ => Ok(()),
    }
}

/// Prints one JSON document.
fn print_json(value: &impl serde::Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).map_err(|error| Failure::fail(format!("--json: {error}")))?;
    print(&format!("{text}\n"))
}
