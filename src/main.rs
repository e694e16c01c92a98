//! The `pulselog` binary: one subcommand, one exit code.

mod cli;

fn main() -> std::process::ExitCode {
    cli::run()
}
