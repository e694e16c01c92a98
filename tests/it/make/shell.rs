//! Commands as documents and pages print them: run by a shell, in a directory
//! of their own, with the built binary as `pulselog`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::cli::Ran;

/// A shell whose commands run in one directory.
pub struct Shell {
    dir: tempfile::TempDir,
}

impl Shell {
    pub fn new() -> Self {
        Self { dir: tempfile::tempdir().expect("a directory") }
    }

    /// A path in the directory of the commands.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Runs lines until one fails, as `sh -e` does.
    pub fn run(&self, lines: &str) -> Ran {
        let output = self.command(lines).stdin(Stdio::null()).output().expect("a shell");
        Ran {
            code: output.status.code().expect("an exit code"),
            out: String::from_utf8(output.stdout).expect("UTF-8"),
            err: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }

    /// The shell before it is started.
    pub fn command(&self, lines: &str) -> Command {
        let binary = Path::new(env!("CARGO_BIN_EXE_pulselog")).parent().expect("a directory");
        let mut command = Command::new("/bin/bash");
        command
            .args(["-euo", "pipefail", "-c", lines])
            .current_dir(self.dir.path())
            .env_clear()
            .env("HOME", self.dir.path())
            .env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", binary.display()));
        command
    }
}
