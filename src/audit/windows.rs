//! The times that judging compares with, and the counts that bound it. One row
//! each, printed in docs/JUDGING.md (JUDGING 3.4).

/// Tolerance between the log's clock and others, milliseconds.
pub(crate) const SKEW_MS: i64 = 240_000;
/// The last moment that a time may stand for. Argo CD cuts its times to the
/// second, so one without a fraction may be of that whole second; to `logged_at`,
/// which has its milliseconds, it looks earlier than it was.
pub(super) const fn latest_of(ms: i64) -> i64 {
    if ms.rem_euclid(1_000) == 0 { ms.saturating_add(999) } else { ms }
}

/// When operations start that a job is held against for one of its tokens: from
/// and until, milliseconds. Of a token that lives longer, the first days.
pub(super) const fn life_of_job_token(issued_ms: i64, expires_ms: i64) -> (i64, i64) {
    let (from, until) =
        (issued_ms.saturating_sub(SKEW_MS), expires_ms.saturating_add(PICKUP_MS).saturating_add(SKEW_MS));
    let longest = from.saturating_add(BESIDE_MS);
    (from, if until < longest { until } else { longest })
}

/// When a decision is logged that an operation may be of which started at `ms`:
/// from and until.
pub(super) const fn deciding(ms: i64) -> (i64, i64) {
    (ms.saturating_sub(RECEIPT_MS).saturating_sub(SKEW_MS), latest_of(ms).saturating_add(SKEW_MS))
}

/// The longest life of a token for which its job is held against what its
/// agent's user started: a month, where policies allow a day.
pub(crate) const BESIDE_MS: i64 = 31 * 86_400_000;
/// Time Argo CD takes to pick up an operation after a token ended.
pub(crate) const PICKUP_MS: i64 = 60_000;
/// From a decision to its receipt and to the start of its operation.
pub(crate) const RECEIPT_MS: i64 = 120_000;
/// From one snapshot of an instance to the next.
pub(crate) const LOOK_MS: i64 = 300_000;
/// From a look to its entry: before that, none is missed at the end of the log.
pub(crate) const FILED_MS: i64 = 120_000;
/// Most looks of one signer in one slot that are read where a time without a look
/// may begin or end: a poller takes nine. What is beyond fills no such time.
pub(super) const LOOKS_MAX: usize = 64;
/// Most accounts of one token whose lives are held against looks.
pub(super) const LIVES_MAX: usize = 16;
/// The longest life of a token for which its job is held against the looks at
/// its agent's instances, and how long after the first token of a job another
/// one is: at nine minutes for two looks, a job asks for some 650 of each
/// instance.
pub(crate) const WATCH_MS: i64 = 86_400_000;
/// From the last line of a server's log that was read to the log's last entry:
/// a part of four minutes, and five of silence.
pub(crate) const READ_MS: i64 = 600_000;
/// From what a person did to their record of it, over a weekend. Within that time
/// nobody can say which of two things came first that people wrote down.
pub(crate) const RECORDED_MS: i64 = 3 * 86_400_000;
/// From the end of a run's token to its bundle.
pub(crate) const BUNDLE_MS: i64 = 3_600_000;
/// Most tokens that one run names: at the longest life that a policy may allow
/// (a day), two months.
pub(super) const CHAIN_MAX: usize = 64;
/// Most tokens that nobody names, on either side of each that the run names,
/// that are looked at: siblings take no place in a chain.
pub(super) const IDLE_MAX: usize = 64;
/// Most missing things that one finding names; it says when there are more.
pub(super) const NAMED_MAX: usize = 8;
/// Most combinations of accounts of tokens that are judged one by one: four
/// such tokens beside each other, with two accounts each.
pub(super) const WORLDS_MAX: usize = 16;

/// Most decisions of one application and time that one operation is held
/// against.
pub(super) const CANDIDATES_MAX: usize = 64;

/// Speeches of the distrusted that are weighed one by one: signers times kinds.
/// Each costs two more audits of the scope, and only where something fails.
pub(super) const SPEECHES_MAX: usize = 8;

/// A time that judging compares with.
#[derive(Debug)]
pub struct Window {
    /// As docs/JUDGING.md calls it.
    pub name: &'static str,
    pub ms: i64,
    /// What it is the time of.
    pub means: &'static str,
}

/// Every one of them.
pub static WINDOWS: &[Window] = &[
    Window {
        name: "SKEW",
        ms: SKEW_MS,
        means: "how far the clocks of others may lie from the log's: added to every limit that another clock is held to",
    },
    Window { name: "PICKUP", ms: PICKUP_MS, means: "from a token's revocation to the last start of its operations" },
    Window {
        name: "RECEIPT",
        ms: RECEIPT_MS,
        means: "from a decision to its receipt, and to the start of its operation",
    },
    Window { name: "LOOK", ms: LOOK_MS, means: "from one snapshot of an instance to the next" },
    Window { name: "FILED", ms: FILED_MS, means: "from a look to its entry, where the log ends" },
    Window {
        name: "READ",
        ms: READ_MS,
        means: "from the last line of a server's log that was read to the last entry of this log",
    },
    Window {
        name: "BESIDE",
        ms: BESIDE_MS,
        means: "from a token's issuance to the last start of an operation of its agent's user that its job is held against",
    },
    Window {
        name: "WATCH",
        ms: WATCH_MS,
        means: "from a token's issuance to the last time without a look that its job is held against, and from the first \
                token of a job to the last one",
    },
    Window {
        name: "RECORDED",
        ms: RECORDED_MS,
        means: "from a person's change of an application to their record of it",
    },
    Window { name: "BUNDLE", ms: BUNDLE_MS, means: "from the end of a run's last token to its bundle" },
];

/// A count that bounds what is judged together.
#[derive(Debug)]
pub struct Count {
    pub name: &'static str,
    pub max: usize,
    /// What there are at most so many of.
    pub means: &'static str,
}

/// Every one of them.
pub static COUNTS: &[Count] = &[
    Count { name: "CHAIN", max: CHAIN_MAX, means: "tokens that one run names" },
    Count {
        name: "IDLE",
        max: IDLE_MAX,
        means: "tokens that nobody names and that are looked at, on either side of each that a run names",
    },
    Count { name: "NAMED", max: NAMED_MAX, means: "missing things that one finding names" },
    Count {
        name: "WORLDS",
        max: WORLDS_MAX,
        means: "combinations of unlike accounts of tokens that names join, each of which is judged",
    },
    Count {
        name: "CANDIDATES",
        max: CANDIDATES_MAX,
        means: "decisions of one application and time that an operation is held against which nothing ties to any",
    },
    Count {
        name: "LOOKS",
        max: LOOKS_MAX,
        means: "looks of one signer in one slot that can begin or end a time without a look: the first in the log",
    },
    Count {
        name: "LIVES",
        max: LIVES_MAX,
        means: "accounts of one token whose lives are held against looks: the first in the log",
    },
    Count {
        name: "SPEECHES",
        max: SPEECHES_MAX,
        means: "signers who are no longer trusted, times kinds of their statements, that are weighed one by one",
    },
];
