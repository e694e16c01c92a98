//! A progress bar on standard error, on a terminal only.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressStyle};

/// One bar.
pub struct Bar(ProgressBar);

impl Bar {
    /// A bar over `all` of something.
    pub fn new(all: u64, what: &str) -> Self {
        if !std::io::stderr().is_terminal() {
            return Self(ProgressBar::hidden());
        }
        // The template holds our own words only; a wrong one would show in every run.
        let style = ProgressStyle::with_template(&format!("{{wide_bar}} {{pos}}/{{len}} {what} {{eta}}"));
        Self(ProgressBar::new(all).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())))
    }

    /// Where it becomes known late how many there are.
    #[cfg(feature = "server")]
    pub fn of(&self, done: u64, all: u64) {
        self.0.set_length(all);
        self.0.set_position(done);
    }

    pub fn at(&self, done: u64) {
        self.0.set_position(done);
    }

    pub fn done(&self) {
        self.0.finish_and_clear();
    }
}
