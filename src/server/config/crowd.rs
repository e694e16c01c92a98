//! What many clients at once may take: one table of numbers. A row is a
//! setting in the file, in the environment, a flag, and a line of docs/API.md.
//!
//! Whoever reads, submits or has something verified shares the process with
//! everybody else. Each row bounds one thing that a crowd could use up, so that
//! what it refuses or closes is the crowd's own.

use std::collections::BTreeMap;

use crate::server::config::ConfigError;

/// One setting.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// As in the file.
    pub name: &'static str,
    /// Unless it is given.
    pub default: u64,
    /// Least that makes sense.
    pub min: u64,
    /// Most that the process can bear.
    pub max: u64,
    /// What it counts.
    pub unit: &'static str,
    /// What it bounds.
    pub meaning: &'static str,
}

macro_rules! settings {
    ($($name:ident: $default:expr, $min:expr, $max:expr, $unit:literal, $meaning:literal;)*) => {
        /// The numbers in force.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct Crowd {
            $(#[doc = $meaning] pub $name: u64,)*
        }

        /// Every setting of this table.
        pub const ROWS: &[Row] = &[$(Row {
            name: stringify!($name), default: $default, min: $min, max: $max, unit: $unit, meaning: $meaning,
        }),*];

        impl Default for Crowd {
            fn default() -> Self {
                Self { $($name: $default),* }
            }
        }

        impl Crowd {
            fn set(&mut self, name: &str, value: u64) {
                match name {
                    $(stringify!($name) => self.$name = value,)*
                    _ => {}
                }
            }
        }
    };
}

settings! {
    connections_max: 16_384, 16, 1 << 20, "N", "connections at once, as far as the limit of open files allows (640 are kept for the store)";
    connections_per_address_max: 12_288, 1, 1 << 20, "N", "connections of one address (IPv6: of one /64); lower it where no proxy stands before the log";
    head_time_max_ms: 10_000, 100, 600_000, "MS", "milliseconds in which the head of a request must be there, from the connection or its first byte";
    idle_time_max_ms: 60_000, 100, 86_400_000, "MS", "milliseconds that a connection may be silent between two requests";
    stall_time_max_ms: 10_000, 100, 600_000, "MS", "milliseconds that a body or the reader of an answer may lie behind its least rate";
    body_bytes_per_second_min: 4_096, 1, 1 << 30, "BYTES", "least bytes a second in which a body must arrive";
    answer_bytes_per_second_min: 4_096, 1, 1 << 30, "BYTES", "least bytes a second in which an answer must be taken";
    answers_held_bytes_max: 32 << 20, 32 << 20, 1 << 40, "BYTES", "listings, entry bundles and bodies that wait for their readers at once; more get 503";
    pages_held_bytes_max: 16 << 20, 4 << 20, 1 << 40, "BYTES", "other answers that wait for their readers at once, pages and reports among them; more get 503";
    tiles_held_bytes_max: 64 << 20, 0, 1 << 40, "BYTES", "full tiles and entry bundles that are kept ready to be sent again; 0 for none";
    answers_bytes_per_second_max: 128 << 20, 1 << 20, 1 << 40, "BYTES", "bytes a second of large answers, all together; their readers wait";
    reads_max: 4, 1, 512, "N", "reads of the store at once, on threads that stand behind submissions; more wait";
    reports_max: 2, 1, 256, "N", "pages, reports and searches at once; more wait";
    verify_workers: 1, 1, 64, "N", "threads that judge documents sent to /v1/verify, at the lowest priority";
    verify_waiting_max: 16, 1, 4_096, "N", "documents that wait for one of these threads; more get 429";
    verify_held_bytes_max: 16 << 20, 1 << 20, 1 << 40, "BYTES", "bodies sent to /v1/verify that are held at once; more get 429";
    unsigned_bytes_per_second_max: 32 << 20, 1 << 20, 1 << 40, "BYTES", "bytes a second of bodies without a token, all together; their senders wait";
    submissions_held_bytes_max: 44 << 20, 1 << 20, 1 << 40, "BYTES", "bodies of submissions that are held at once; more get 503";
    queue_held_bytes_max: 64 << 20, 1 << 20, 1 << 40, "BYTES", "bodies that wait for the sequencer; more get 503";
    commits_held_bytes_max: 32 << 20, 1 << 20, 1 << 40, "BYTES", "the commit that is being written, one half, and those that the search rows have not followed, the other";
    scrub_bytes_per_second: 2 << 20, 0, 1 << 40, "BYTES", "bytes a second that the scrub reads of the store, at the lowest priority; 0 for none";
    scrub_held_bytes_max: 4 << 20, 64 << 10, 1 << 30, "BYTES", "bytes of entries and bodies that the scrub holds at once, beside the body of one entry";
    scrub_rest_ms: 3_600_000, 0, 1 << 40, "MS", "milliseconds from the end of one scrub of the whole log to the next";
}

/// Settings as given, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Given(BTreeMap<&'static str, u64>);

impl FromIterator<(&'static str, u64)> for Given {
    fn from_iter<T: IntoIterator<Item = (&'static str, u64)>>(given: T) -> Self {
        Self(given.into_iter().collect())
    }
}

impl merge::Merge for Given {
    fn merge(&mut self, below: Self) {
        for (name, value) in below.0 {
            self.0.entry(name).or_insert(value);
        }
    }
}

impl clap::Args for Given {
    fn augment_args(command: clap::Command) -> clap::Command {
        ROWS.iter().fold(command, |command, row| {
            let help = format!("{} [default: {}]", sentence(row.meaning), row.default);
            let number = clap::value_parser!(u64);
            // A few names, once a process: flags are static text here.
            let flag: &'static str = row.name.replace('_', "-").leak();
            let arg = clap::Arg::new(row.name).long(flag);
            command.arg(arg.value_name(row.unit).value_parser(number).help(help).help_heading("Many clients at once"))
        })
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}

impl clap::FromArgMatches for Given {
    fn from_arg_matches(matches: &clap::ArgMatches) -> Result<Self, clap::Error> {
        let given = |row: &Row| Some((row.name, *matches.get_one::<u64>(row.name)?));
        Ok(Self(ROWS.iter().filter_map(given).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &clap::ArgMatches) -> Result<(), clap::Error> {
        Self::from_arg_matches(matches).map(|new| *self = new)
    }
}

/// The same words, beginning like a sentence.
fn sentence(words: &str) -> String {
    let mut chars = words.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// The setting of this name.
#[must_use]
pub fn row(name: &str) -> Option<&'static Row> {
    ROWS.iter().find(|row| row.name == name)
}

/// Takes the settings of this table out of a file's settings.
///
/// # Errors
/// The name of one that is no whole number.
pub fn take(file: &mut toml::Table) -> Result<Given, &'static str> {
    let mut given = BTreeMap::new();
    for row in ROWS {
        let Some(value) = file.remove(row.name) else { continue };
        let number = value.as_integer().and_then(|n| u64::try_from(n).ok());
        given.insert(row.name, number.ok_or(row.name)?);
    }
    Ok(Given(given))
}

impl Crowd {
    /// The defaults, and what was given over them.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] names the first that breaks its bounds.
    pub fn build(given: &Given) -> Result<Self, ConfigError> {
        let mut crowd = Self::default();
        for row in ROWS {
            let Some(value) = given.0.get(row.name) else { continue };
            if !(row.min..=row.max).contains(value) {
                let why = format!("must be within {} and {}", row.min, row.max);
                return Err(ConfigError::Invalid { name: row.name, why });
            }
            crowd.set(row.name, *value);
        }
        Ok(crowd)
    }
}

/// A count or a size as the code uses it; what no machine can hold is bounded
/// by what it can address.
#[must_use]
pub fn count(value: u64) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}
