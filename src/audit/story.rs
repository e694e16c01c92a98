//! What happened, in one sentence made from a report's acts: "1 sync of
//! payments-api (approved by …), 1 edit of payments-api denied, token revoked by
//! …". What the agent says of itself is none of it.
//!
//! The sentence is a list of pieces, so that a page can link what a terminal
//! prints.

use std::collections::BTreeSet;

use crate::audit::Report;
use crate::audit::acts::{Act, Came, What};
use crate::audit::inserted::Inserted;
use crate::audit::scope::Scope;
use crate::merkle::LeafIndex;

/// Clauses of one sentence; the rest is counted.
pub const CLAUSES_MAX: usize = 12;
/// People that one clause names; the rest is counted.
pub const NAMED_MAX: usize = 3;
/// What is found of operations that nobody decided.
const UNDECIDED: [&str; 2] = ["UNREPORTED_ACTION", "UNKNOWN_INITIATOR"];

/// A part of the sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Our own words.
    Words(String),
    /// An application: its own name, and `instance/namespace/name` where that is
    /// known. Untrusted text.
    App { name: String, full: Option<String> },
    /// Somebody in a role.
    Who { role: &'static str, did: String },
}

/// Acts that are told together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clause {
    /// What they all are; `None`: operations that nobody decided.
    pub what: Option<What>,
    /// Of these: whether a decision that explains them may still come.
    pub is_open: bool,
    pub action: Option<String>,
    pub came: Option<Came>,
    /// `instance/namespace/name`, where that is known.
    pub app: Option<String>,
    pub app_name: Option<String>,
    /// Each once, in the order of their statements.
    pub by: Vec<String>,
    /// One for each of the acts.
    pub entries: BTreeSet<LeafIndex>,
    /// Whether they are of the run's job and of no run of it.
    pub is_beside: bool,
}

/// What happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Story {
    /// In the order of their first entries.
    pub clauses: Vec<Clause>,
}

impl Story {
    /// Of what a report tells.
    #[must_use]
    pub fn of(report: &Report) -> Self {
        Self::within(report, |_| true)
    }

    /// Of the acts that `is_told` picks by their entries.
    #[must_use]
    pub fn within(report: &Report, is_told: impl Fn(LeafIndex) -> bool) -> Self {
        let mut story = Self::default();
        let mut told: BTreeSet<LeafIndex> = BTreeSet::new();
        for act in report.acts.iter().filter(|act| is_told(act.entry)) {
            // Accounts of a token that differ tell of one act twice.
            if told.insert(act.entry) {
                story.tell(act, matches!(report.scope, Scope::Run { .. }));
            }
        }
        let found = report.findings.iter().filter(|finding| UNDECIDED.contains(&finding.rule.code));
        let found: BTreeSet<LeafIndex> =
            found.filter_map(|finding| finding.causes.last().or(finding.entries.last()).copied()).inserted();
        let awaited = report.pending.iter().filter(|due| UNDECIDED.contains(&due.rule.code));
        let awaited: BTreeSet<LeafIndex> =
            awaited.filter_map(|due| due.entries.last().copied()).filter(|at| !found.contains(at)).inserted();
        story.clauses.extend([(found, false), (awaited, true)].into_iter().filter_map(|(entries, is_open)| {
            let entries: BTreeSet<LeafIndex> = entries.into_iter().filter(|at| is_told(*at)).inserted();
            (!entries.is_empty()).then(|| Clause::undecided(entries, is_open))
        }));
        story.clauses.sort_by_key(|clause| clause.entries.first().copied());
        story
    }

    fn tell(&mut self, act: &Act, is_run: bool) {
        let is_beside = is_run && act.subject.agent.is_none();
        let clause = Clause {
            what: Some(act.what),
            is_open: false,
            action: act.action.clone(),
            came: act.came,
            app: act.subject.app.clone(),
            app_name: act.app_name.clone(),
            by: Vec::new(),
            entries: BTreeSet::new(),
            is_beside,
        };
        let place = self.clauses.iter().position(|known| known.is_like(&clause)).unwrap_or_else(|| {
            self.clauses.push(clause);
            self.clauses.len() - 1
        });
        let known = &mut self.clauses[place];
        known.entries.insert(act.entry);
        for by in &act.by {
            if !known.by.contains(&by.did) {
                known.by.push(by.did.clone());
            }
        }
    }

    /// The sentence.
    #[must_use]
    pub fn pieces(&self) -> Vec<Piece> {
        if self.clauses.is_empty() {
            return vec![words("No call was decided, no token revoked, nothing changed by a person.")];
        }
        let mut out = Vec::new();
        for (at, clause) in self.clauses.iter().take(CLAUSES_MAX).enumerate() {
            if at > 0 {
                out.push(words(", "));
            }
            clause.say(&mut out);
        }
        let left: usize = self.clauses.iter().skip(CLAUSES_MAX).map(|clause| clause.entries.len()).sum();
        if left > 0 {
            out.push(words(&format!(", and {left} more")));
        }
        out.push(words("."));
        if let Some(Piece::Words(first)) = out.first_mut() {
            capitalise(first);
        }
        out
    }

    /// The sentence as plain text; `text_of` writes what others say.
    #[must_use]
    pub fn text(&self, text_of: impl Fn(&str) -> String) -> String {
        let said = self.pieces().into_iter().map(|piece| match piece {
            Piece::Words(words) => words,
            Piece::App { name, .. } => text_of(&name),
            Piece::Who { role, did } => format!("{role} {}", text_of(&did)),
        });
        said.collect()
    }
}

impl Clause {
    /// Operations that no decision has.
    fn undecided(entries: BTreeSet<LeafIndex>, is_open: bool) -> Self {
        let (what, action, came, app, app_name) = (None, None, None, None, None);
        Self { what, is_open, action, came, app, app_name, by: Vec::new(), entries, is_beside: false }
    }

    fn is_like(&self, other: &Self) -> bool {
        (self.what, &self.action, self.came) == (other.what, &other.action, other.came)
            && (&self.app, &self.app_name, self.is_beside) == (&other.app, &other.app_name, other.is_beside)
    }

    fn say(&self, out: &mut Vec<Piece>) {
        if self.is_beside {
            out.push(words("in its job: "));
        }
        let count = self.entries.len();
        let Some(what) = self.what else {
            let many = if count == 1 { "operation" } else { "operations" };
            let so_far = if self.is_open { ", as far as the log says so far" } else { "" };
            return out.push(words(&format!("{count} {many} in Argo CD that nobody decided{so_far}")));
        };
        match what {
            What::Allowed | What::Denied => {
                out.push(words(&acts(self.action.as_deref(), count)));
                self.on_app(" of ", out);
                out.push(words(if what == What::Denied { " denied" } else { self.came.map_or("", ending) }));
                self.by_whom("approver", (" (approved by ", ")"), out);
            }
            What::Revoked => {
                let token = if count == 1 { "token revoked".to_owned() } else { format!("{count} tokens revoked") };
                out.push(words(&token));
                self.by_whom("revoker", (" by ", ""), out);
            }
            What::Frozen => self.changed("automated sync", " of ", " frozen", out),
            What::Unfrozen => self.changed("freeze", " of ", " ended", out),
            What::CredentialRotated => self.changed("credential", " of ", " rotated", out),
            What::Changed => self.changed("change", " of ", " recorded", out),
        }
    }

    fn changed(&self, before: &str, of: &str, after: &str, out: &mut Vec<Piece>) {
        out.push(words(before));
        self.on_app(of, out);
        let times = if self.entries.len() == 1 { String::new() } else { format!(" {} times", self.entries.len()) };
        out.push(words(&format!("{after}{times}")));
        self.by_whom("recorder", (" by ", ""), out);
    }

    fn on_app(&self, of: &str, out: &mut Vec<Piece>) {
        if let Some(name) = &self.app_name {
            out.push(words(of));
            out.push(Piece::App { name: name.clone(), full: self.app.clone() });
        }
    }

    fn by_whom(&self, role: &'static str, around: (&str, &str), out: &mut Vec<Piece>) {
        if self.by.is_empty() {
            return;
        }
        out.push(words(around.0));
        for (at, did) in self.by.iter().take(NAMED_MAX).enumerate() {
            if at > 0 {
                out.push(words(" and "));
            }
            out.push(Piece::Who { role, did: did.clone() });
        }
        let left = self.by.len().saturating_sub(NAMED_MAX);
        let more = if left > 0 { format!(" and {left} more") } else { String::new() };
        out.push(words(&format!("{more}{}", around.1)));
    }
}

/// "1 sync", "3 rollbacks".
#[must_use]
pub fn acts(action: Option<&str>, count: usize) -> String {
    let (one, many) = noun(action);
    format!("{count} {}", if count == 1 { one } else { many })
}

/// An action as a noun, of one and of several.
#[must_use]
pub fn noun(action: Option<&str>) -> (&'static str, &'static str) {
    match action {
        Some("read") => ("read", "reads"),
        Some("refresh") => ("refresh", "refreshes"),
        Some("sync") => ("sync", "syncs"),
        Some("rollback") => ("rollback", "rollbacks"),
        Some("terminate") => ("termination", "terminations"),
        Some("set_auto_sync") => ("switch of automated sync", "switches of automated sync"),
        Some("edit_app_spec") => ("edit", "edits"),
        Some("delete_app") => ("deletion", "deletions"),
        Some("manage_projects") => ("change of projects", "changes of projects"),
        Some("manage_appsets") => ("change of application sets", "changes of application sets"),
        Some("cluster_admin") => ("act as cluster administrator", "acts as cluster administrator"),
        Some("exec") => ("command in a container", "commands in a container"),
        _ => ("call to Argo CD", "calls to Argo CD"),
    }
}

/// What came of a call, behind it.
const fn ending(came: Came) -> &'static str {
    match came {
        Came::Done => "",
        Came::Failed => " that failed",
        Came::Begun => " that began, with no word of its end",
        Came::Accepted => " that Argo CD took, with no word of its end",
        Came::Refused => " that Argo CD refused",
        Came::NotSent => " that was allowed and never sent",
        Came::Unknown => " that was allowed, with no word of what came of it",
    }
}

fn words(text: &str) -> Piece {
    Piece::Words(text.to_owned())
}

fn capitalise(text: &mut str) {
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
}
