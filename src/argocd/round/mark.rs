//! What a round saw that is no observation: gaps, doubts, and what it could not
//! read. None is evidence of anything but of the limits of what was seen.

/// One mark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Nobody looked for longer than a heartbeat.
    Gap { seconds: i64 },
    /// The list is older than the last one.
    OlderList { was: u64, is: u64 },
    /// Two lists in a row are older: the installation went back, as from a backup.
    WentBack { was: u64, is: u64 },
    /// An application is shown in an older version.
    Older { app: String, was: u64, is: u64 },
    /// It is not in the list; another round is to say so too.
    Missing { app: String },
    /// It is gone: two rounds did not show it, and Argo CD says that it is absent.
    Gone { app: String },
    /// It is not shown any more, and nobody says whether it is there.
    Hidden { app: String },
    /// It is not in the list and there all the same: its project is gone, or does
    /// not admit it.
    Kept { app: String },
    /// Deployments between two history ids were not seen, and are not there any more.
    HistorySkipped { app: String, after: i64, next: i64 },
    /// Ids of the history begin again.
    HistoryRestarted { app: String, was: i64, is: i64 },
    /// Entries of the history were taken out.
    HistoryHole { app: String, ids: Vec<i64> },
    /// The whole history was taken away.
    HistoryEmptied { app: String, last: i64 },
    /// Something could not be read.
    Unreadable { what: String, why: String },
    /// Events of so many applications are asked for in a later round.
    EventsLater { apps: usize },
}

impl Mark {
    /// One word, for machines.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Gap { .. } => "gap",
            Self::OlderList { .. } => "older_list",
            Self::WentBack { .. } => "went_back",
            Self::Older { .. } => "older",
            Self::Missing { .. } => "missing",
            Self::Gone { .. } => "gone",
            Self::Hidden { .. } => "hidden",
            Self::Kept { .. } => "kept",
            Self::HistorySkipped { .. } => "history_skipped",
            Self::HistoryRestarted { .. } => "history_restarted",
            Self::HistoryHole { .. } => "history_hole",
            Self::HistoryEmptied { .. } => "history_emptied",
            Self::Unreadable { .. } => "unreadable",
            Self::EventsLater { .. } => "events_later",
        }
    }

    /// One line for people.
    #[must_use]
    pub fn line(&self) -> String {
        match self {
            Self::Gap { seconds } => {
                format!("nobody looked for {seconds} s: what began and ended in between is seen by its history alone")
            }
            Self::OlderList { was, is } => {
                format!("the list is older than the last one ({is} after {was}): it waits for another round")
            }
            Self::WentBack { was, is } => format!(
                "two lists in a row are older ({is} after {was}): the installation went back, as from a backup, and \
                 is followed from there"
            ),
            Self::Older { app, was, is } => {
                format!("{app}: shown older than before ({is} after {was}), which waits for another round")
            }
            Self::Missing { app } => format!("{app}: not in the list, which waits for another round"),
            Self::Gone { app } => format!("{app}: gone, two rounds and Argo CD itself say so"),
            Self::Hidden { app } => {
                format!("{app}: not shown any more, and whether it is there is unknown: look at the poller's rights")
            }
            Self::Kept { app } => {
                format!("{app}: there, but not in the list: its project is gone or does not admit it")
            }
            Self::HistorySkipped { app, after, next } => format!(
                "{app}: deployments between history ids {after} and {next} were not seen and are no longer there"
            ),
            Self::HistoryRestarted { app, was, is } => format!("{app}: history ids begin again ({is} after {was})"),
            Self::HistoryHole { app, ids } => format!("{app}: history ids {ids:?} were taken out"),
            Self::HistoryEmptied { app, last } => format!("{app}: the history was taken away, its last id was {last}"),
            Self::Unreadable { what, why } => format!("{what}: not readable, {why}"),
            Self::EventsLater { apps } => format!("events of {apps} applications are asked for in a later round"),
        }
    }
}
