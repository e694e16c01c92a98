//! Bounds of a run that reads what others wrote: time, memory, and how slowly
//! a log may send. Each is named in the error that it leads to.

use std::time::Duration;

use pulselog::codes::verdict::RUN_DEADLINE;
use pulselog::verify::budget::{Budget, MEMORY_BYTES_MAX};

use crate::cli::failure::{Exit, Failure};
use crate::cli::tell;

/// Longest run that talks to a log, seconds.
const DEADLINE_SECONDS: u64 = 3_600;
/// Most of each that can be asked for.
const SECONDS_MAX: u64 = 31_536_000;
const MEMORY_MIB_MAX: u64 = 1 << 20;
/// Fewest bytes a second that a log must send.
#[cfg(feature = "server")]
const LEAST_RATE: u64 = 16 << 10;
#[cfg(feature = "server")]
const RATE_MAX: u64 = 1 << 40;

/// Flags of every subcommand that reads a log or packets.
#[derive(clap::Args, Clone, Copy, Debug)]
#[command(next_help_heading = "Bounds")]
pub struct Bounds {
    /// Memory that may be filled with what is read, MiB.
    #[arg(long, value_name = "MIB", default_value_t = MEMORY_BYTES_MAX as u64 >> 20,
          value_parser = clap::value_parser!(u64).range(16..=MEMORY_MIB_MAX))]
    memory_max: u64,
    #[command(flatten)]
    pace: Pace,
}

/// Flags of every subcommand that talks to a log.
#[derive(clap::Args, Clone, Copy, Debug)]
#[command(next_help_heading = "Bounds")]
pub struct Pace {
    /// Longest time that the whole run may take, seconds; 3600 where it talks to a log.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=SECONDS_MAX))]
    deadline: Option<u64>,
    /// Fewest bytes a second that a log must send, after ten seconds.
    #[cfg(feature = "server")]
    #[arg(long, value_name = "BYTES", default_value_t = LEAST_RATE,
          value_parser = clap::value_parser!(u64).range(1..=RATE_MAX))]
    least_rate: u64,
}

#[cfg(feature = "server")]
impl Default for Bounds {
    fn default() -> Self {
        Self { memory_max: MEMORY_BYTES_MAX as u64 >> 20, pace: Pace::default() }
    }
}

#[cfg(feature = "server")]
impl Default for Pace {
    fn default() -> Self {
        Self { deadline: None, least_rate: LEAST_RATE }
    }
}

/// What is said of a log that sends too slowly.
#[cfg(feature = "server")]
pub fn too_slow(rate: u64) -> String {
    format!("came slower than {rate} bytes a second, so it was not read; try again, or give less with --least-rate")
}

impl Bounds {
    pub fn budget(&self) -> Budget {
        Budget::new(usize::try_from(self.memory_max << 20).unwrap_or(usize::MAX))
    }

    #[cfg(feature = "server")]
    pub fn least_rate(&self) -> u64 {
        self.pace.least_rate
    }

    /// As [`Pace::watch`], of a run that reads.
    pub fn watch(&self, reads_log: bool) {
        self.pace.watch(reads_log, "not everything was read");
    }
}

impl Pace {
    #[cfg(feature = "server")]
    pub fn least_rate(&self) -> u64 {
        self.least_rate
    }

    /// Ends the process when the time is over, whatever it waits for or works
    /// on, and says what is `undone`: a reader holds nothing that could be left
    /// half done, and what was submitted is safe to submit again.
    pub fn watch(&self, talks_to_log: bool, undone: &'static str) {
        let Some(seconds) = self.deadline.or(talks_to_log.then_some(DEADLINE_SECONDS)) else { return };
        std::thread::spawn(move || {
            std::thread::sleep(Duration::from_secs(seconds));
            let failure = Failure::incomplete(format!(
                "the run took longer than its {seconds} seconds, so {undone}; give more with --deadline \
                 [{RUN_DEADLINE}]"
            ));
            tell(&format!("pulselog: {}", failure.message));
            std::process::exit(Exit::Incomplete.number().into());
        });
    }
}
