//! The `pulselog` binary: one subcommand, one exit code.

mod cli;

/// Dozens of threads allocate here and in RocksDB. The system's allocator
/// gives each a heap of its own and lets them grow apart: a third more memory
/// at 200,000 entries, and no end. RocksDB's memory goes through this one too.
#[cfg(feature = "server")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    cli::run()
}
