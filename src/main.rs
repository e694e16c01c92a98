//! The `pulselog` binary: one subcommand, one exit code.

mod cli;

/// Memory of this program, though not of the database. What one thread takes
/// and another gives back goes through no lock here: with the system's
/// allocator, kept from growing a heap for each thread, a sixth of a single add
/// was spent at such a lock.
#[cfg(feature = "server")]
#[global_allocator]
static HEAP: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    cli::run()
}
