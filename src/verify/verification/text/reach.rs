//! How far a verdict reaches, and what was seen and not judged, in sorts: a line
//! for each question that a reader has.

use std::fmt::Write as _;

use crate::audit::{self, Absence};
use crate::text::civil;
use crate::verify::verification::CoveragePart;
use crate::verify::verification::text::{count, line, listed};

/// How far it reaches, a line for each question that a reader has.
pub(super) fn reach(out: &mut String, coverage: &CoveragePart) {
    let is_empty = coverage.as_of.as_ref().is_some_and(|as_of| as_of.size.get() == 0);
    let is_unpinned = coverage.operator.is_none() && coverage.as_of.is_none();
    let read = count(usize::try_from(coverage.entries).unwrap_or(usize::MAX), "entry read", "entries read");
    let read = match &coverage.as_of {
        Some(as_of) => {
            let at = as_of.logged_at.and_then(|at| i64::try_from(at.unix_ms()).ok());
            let at = at.map(|at| format!(", the last logged {}", civil::to_the_second(at))).unwrap_or_default();
            format!("{read}, of the log's first {}{at}", as_of.size)
        }
        None if coverage.entries > 0 => read,
        None => "no log was read".to_owned(),
    };
    line(out, "read", "", &read);
    let absence = match coverage.absence {
        Absence::Recomputed if is_empty => "nothing of the log was read".to_owned(),
        Absence::Recomputed => "recomputed from the whole log: what is not in it is known not to be there".to_owned(),
        Absence::Attested { entry } => {
            format!(
                "attested by the operator in entry {entry}: it says that nothing else is needed; give --log to check it"
            )
        }
        Absence::NotChecked if is_unpinned && coverage.entries > 0 => {
            "not checked: no operator is pinned; give --operator, or nothing counts".to_owned()
        }
        Absence::NotChecked => {
            "not checked: nobody looked for what else the log holds, so nothing passes; give --log, or a whole packet"
                .to_owned()
        }
    };
    line(out, "absence", "", &absence);
    let roots = match coverage.roots_digest {
        Some(digest) => format!("roots {}", &digest.to_string()[..16]),
        None => "no roots".to_owned(),
    };
    line(out, "judged by", "", &format!("{roots}, rules {}", coverage.rules_version));
}

pub(super) fn not_judged(out: &mut String, coverage: Option<&CoveragePart>, most: usize) {
    let rows = coverage.map(|coverage| coverage.not_judged.as_slice()).unwrap_or_default();
    if rows.is_empty() {
        return;
    }
    out.push_str("\nSeen and not judged: by itself it moves no verdict\n");
    for (sort, rows) in audit::in_sorts(rows) {
        let _ = writeln!(out, "\n  {}: {}\n  what to do: {}", sort.title, sort.means, sort.what_to_do);
        for (what, entries) in rows {
            let word = if entries.len() == 1 { "entry" } else { "entries" };
            let _ = writeln!(out, "    {what} ({word} {})", listed(&entries, most));
        }
    }
}
