//! How a subcommand ends.

use std::process::ExitCode;

/// Exit codes that scripts rely on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0.
    Pass,
    /// 1.
    Fail,
    /// 2.
    Usage,
    /// 3.
    Incomplete,
}

impl Exit {
    /// As a process ends with it.
    pub const fn number(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::Fail => 1,
            Self::Usage => 2,
            Self::Incomplete => 3,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.number())
    }
}

/// One line for standard error, and the exit code that goes with it.
#[derive(Debug)]
pub struct Failure {
    pub exit: Exit,
    pub message: String,
}

impl Failure {
    /// What was asked for did not work or was refused.
    pub fn fail(message: impl Into<String>) -> Self {
        Self { exit: Exit::Fail, message: one_line(message.into()) }
    }

    /// Not everything could be read, or a bound of this reader was reached:
    /// nothing contradicts what was asked for and nothing proves it.
    pub fn incomplete(message: impl Into<String>) -> Self {
        Self { exit: Exit::Incomplete, message: one_line(message.into()) }
    }

    /// The command was not understood, or what it names cannot be opened.
    pub fn usage(message: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, message: one_line(message.into()) }
    }
}

/// Messages quote file names and servers: neither may start a second line.
fn one_line(message: String) -> String {
    pulselog::verify::plain_text::escape(&message)
}
