//! A note for a ticket: verdicts, how far they reach, what was done, and the
//! command that makes them again. It must still mean something when this server
//! is gone. One list of lines, written as plain text and as Markdown; each text
//! of others is marked as such and escaped by the form that writes it.

use std::collections::BTreeSet;

use crate::audit::{Act, Effect, Finding, Pending, Piece, Report, Story, in_reading_order};
use crate::merkle::{LeafIndex, TreeSize};
use crate::server::pages::escape;
use crate::server::pages::reader::Reader;
use crate::server::pages::trouble::Trouble;
use crate::server::pages::verdict::Verdicts;
use crate::server::pages::words;
use crate::text::percent::segment;
use crate::verify::badge::Badge;
use crate::verify::plain_text;

/// Acts, findings, obligations and tickets that one note lists; the rest is counted.
const LISTED_MAX: usize = 20;
/// Entries that one line names.
const ENTRIES_MAX: usize = 10;
/// Most characters of a text of others.
const THEIRS_CHARS_MAX: usize = 200;
/// Blanks that keep a number with its noun on pages: a note is pasted anywhere.
const NO_BREAK: [char; 2] = ['\u{a0}', '\u{202f}'];
/// Width of the labels of plain text.
const LABEL_WIDTH: usize = 9;

/// A piece of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Text {
    Ours(String),
    /// Somebody else wrote it.
    Theirs(String),
}

/// Everything that a note says.
pub(crate) struct Note {
    pub badge: Badge,
    pub size: TreeSize,
    /// The newest word, where this is of an older size and that is another.
    pub now: Option<Badge>,
    lines: Vec<(&'static str, Vec<Text>)>,
    command: Option<String>,
    /// The page at this size, and the badge's path beside it.
    address: Option<(String, String)>,
    has_badge: bool,
}

/// What a note is about, and what was judged of it.
pub(crate) struct About<'a> {
    pub size: TreeSize,
    pub badge: Badge,
    pub now: Option<Badge>,
    pub verdicts: &'a Verdicts,
    /// The names that say what it is: label and text.
    pub names: Vec<(&'static str, Text)>,
    pub tickets: Vec<(String, String, u64)>,
    /// Of the job, or of the run of a bundle.
    pub report: Option<&'a Report>,
    pub findings: &'a [Finding],
    pub pending: &'a [Pending],
    /// The server's clock, where the newest size is shown.
    pub now_ms: Option<u64>,
    pub command: Option<String>,
    /// Address of its page on this log.
    pub path: String,
}

impl Note {
    /// # Errors
    /// Those of the view.
    pub(crate) fn new(reader: &Reader, about: About<'_>) -> Result<Self, Trouble> {
        let mut note = Self {
            badge: about.badge,
            size: about.size,
            now: about.now,
            lines: Vec::new(),
            command: about.command.clone(),
            address: None,
            has_badge: reader.is_public,
        };
        for (label, text) in &about.names {
            note.say(label, vec![text.clone()]);
        }
        for (system, key, at) in about.tickets.iter().take(LISTED_MAX) {
            // As segments of an address: what belongs to which is never in doubt.
            let named = format!("{}/{}", segment(system), segment(key));
            note.say("Ticket", vec![Text::Ours(format!("{named} (entry {at})"))]);
        }
        note.left("Ticket", about.tickets.len());
        note.verdicts(about.verdicts);
        if let Some(now) = about.now {
            let newest = words::entries(reader.view().size().get());
            note.say(
                "Newest",
                vec![Text::Ours(format!("{} as of {newest}: this note is of an older size", now.words()))],
            );
        }
        note.reach(reader, &about)?;
        note.acts(reader, about.report)?;
        note.findings(about.findings);
        note.pending(about.pending, about.now_ms);
        let next = if about.path.contains('?') { '&' } else { '?' };
        note.address = reader.absolute(&about.path).map(|page| (page, format!("{next}at={}", about.size)));
        note.say("Made", vec![Text::Ours(format!("{} by the log’s server", words::time(reader.now_ms, false)))]);
        Ok(note)
    }

    fn say(&mut self, label: &'static str, text: Vec<Text>) {
        self.lines.push((label, text));
    }

    fn left(&mut self, label: &'static str, of: usize) {
        let left = of.saturating_sub(LISTED_MAX) as u64;
        if left > 0 {
            self.say(label, vec![Text::Ours(format!("{} more", words::quantity(left)))]);
        }
    }

    fn verdicts(&mut self, verdicts: &Verdicts) {
        let audit = &verdicts.audit;
        let first = audit.first.as_ref().map_or(String::new(), |first| {
            let entry = first.entry.map_or(String::new(), |at| format!(", entry {at}"));
            format!(" {}: {} ({}){entry}.", first.lead, first.title, first.code)
        });
        self.say("Audit", vec![Text::Ours(format!("{}. {}{first}", audit.word.label, audit.sentence))]);
        if let Some(protocol) = &verdicts.protocol {
            let reason = protocol.reason.map_or(String::new(), |(code, title)| format!(" {title}: {code}."));
            self.say("Protocol", vec![Text::Ours(format!("{}. {}{reason}", protocol.word.label, protocol.sentence))]);
        }
    }

    fn reach(&mut self, reader: &Reader, about: &About<'_>) -> Result<(), Trouble> {
        let (head, _) = reader.view().checkpoint(about.size)?;
        let time = reader.as_of(about.size).map_or(String::new(), |at| format!(", {}", words::time(at, false)));
        let of = |text: String| vec![Text::Ours(text)];
        self.say("As of", of(format!("{}{time}", words::entries(about.size.get()))));
        self.say("Log", of(format!("{}, key {}", reader.facts.origin, reader.facts.key_id)));
        self.say("Root", of(head.root.to_string()));
        let coverage = &about.verdicts.coverage;
        let roots = coverage.roots.map_or_else(|| "no roots in force".to_owned(), |at| format!("roots of entry {at}"));
        self.say(
            "Coverage",
            of(format!(
                "{}; absence {}: {} Judged under {roots}, rules {}.",
                coverage.searched, coverage.absence.word, coverage.absence.sentence, about.verdicts.audit.rules
            )),
        );
        let not_judged: Vec<&str> =
            coverage.not_judged.iter().flat_map(|sort| &sort.rows).map(|row| row.what).collect();
        let rest = if not_judged.is_empty() { "nothing".to_owned() } else { not_judged.join("; ") };
        self.say("Not seen", of(format!("{rest}{}", if coverage.left.is_some() { "; and more" } else { "" })));
        Ok(())
    }

    fn acts(&mut self, reader: &Reader, report: Option<&Report>) -> Result<(), Trouble> {
        let Some(report) = report else { return Ok(()) };
        let acts: BTreeSet<LeafIndex> = report.acts.iter().map(|act: &Act| act.entry).collect();
        if acts.is_empty() {
            self.say("Action", vec![Text::Ours("none: no call was decided, no token revoked".to_owned())]);
        }
        for at in acts.iter().take(LISTED_MAX) {
            let pieces = Story::within(report, |entry| entry == *at).pieces();
            let mut text: Vec<Text> = Vec::new();
            for piece in pieces {
                match piece {
                    Piece::Words(words) => text.push(Text::Ours(words)),
                    Piece::App { name, full } => text.push(Text::Theirs(full.unwrap_or(name))),
                    Piece::Who { role, did } => {
                        text.extend([Text::Ours(format!("{role} ")), Text::Theirs(did)]);
                    }
                }
            }
            let logged = words::time(reader.view().entry(*at)?.entry.logged_at.unix_ms(), false);
            text.push(Text::Ours(format!(" Entry {at}, logged {logged}.")));
            self.say("Action", text);
        }
        self.left("Action", acts.len());
        Ok(())
    }

    fn findings(&mut self, findings: &[Finding]) {
        if findings.is_empty() {
            self.say("Findings", vec![Text::Ours("none in what is covered".to_owned())]);
        }
        for finding in in_reading_order(findings).into_iter().take(LISTED_MAX) {
            let effect = match finding.effect {
                Effect::Fails => "fails the verdict",
                Effect::Incomplete => "leaves the verdict open",
                Effect::Shown => "moves no verdict",
            };
            let (code, title, severity) = (finding.rule.code, finding.rule.title, finding.severity.name());
            let at = entries(&finding.entries);
            self.say("Finding", vec![Text::Ours(format!("{code} ({severity}, {effect}): {title}, {at}."))]);
        }
        self.left("Finding", findings.len());
    }

    fn pending(&mut self, pending: &[Pending], now_ms: Option<u64>) {
        for due in pending.iter().take(LISTED_MAX) {
            let until = words::time(u64::try_from(due.until_ms).unwrap_or_default(), false);
            let state = if is_over(due, now_ms) { "overdue since" } else { "until" };
            let (code, title) = (due.rule.code, due.rule.title);
            let at = entries(&due.entries);
            self.say("Pending", vec![Text::Ours(format!("{state} {until}; then {code}: {title}, {at}."))]);
        }
        self.left("Pending", pending.len());
    }

    /// As plain text.
    pub(crate) fn text(&self) -> String {
        let mut out = format!("Agent change evidence: {}\n", self.badge.words());
        for (label, text) in &self.lines {
            let said: String = text
                .iter()
                .map(|text| match text {
                    Text::Ours(text) => text.replace(NO_BREAK, " "),
                    Text::Theirs(text) => plain_text::escape(&shortened(text)),
                })
                .collect();
            out.push_str(&format!("{label:<LABEL_WIDTH$} {said}\n"));
        }
        if let Some((page, at)) = self.address.as_ref().filter(|_| self.has_badge) {
            out.push_str(&format!("{:<LABEL_WIDTH$} {page}{at}\n", "Page"));
        }
        out.push_str(&format!("{:<LABEL_WIDTH$} {HOW}\n", "Verify"));
        match &self.command {
            Some(command) => command.lines().for_each(|line| out.push_str(&format!("  {line}\n"))),
            None => out.push_str(&format!("  {NO_COMMAND}\n")),
        }
        out
    }

    /// As Markdown, whose reader may be anybody's.
    pub(crate) fn markdown(&self) -> String {
        let mut out = format!("**Agent change evidence: {}**\n\n", self.badge.words());
        if let Some((page, at)) = self.address.as_ref().filter(|_| self.has_badge) {
            match page.contains('?') {
                // What is asked for by a query has no badge.
                true => out.push_str(&format!("[{}]({page}{at})\n\n", self.badge.words())),
                false => out.push_str(&format!("[![{}]({page}.svg{at})]({page}{at})\n\n", self.badge.words())),
            }
        }
        for (label, text) in &self.lines {
            let said: String = text
                .iter()
                .map(|text| match text {
                    Text::Ours(text) => ours_in_markdown(&text.replace(NO_BREAK, " ")),
                    Text::Theirs(text) => code_span(&shortened(text)),
                })
                .collect();
            out.push_str(&format!("- **{label}** {said}\n"));
        }
        out.push_str(&format!("\n{HOW}\n\n"));
        match &self.command {
            Some(command) => out.push_str(&format!("```sh\n{command}\n```\n")),
            None => out.push_str(&format!("{NO_COMMAND}\n")),
        }
        out
    }
}

const HOW: &str = "without this server; take trust policy and operator from the log’s operator, not from here:";
const NO_COMMAND: &str = "its name is not plain enough for a shell; pulselog audit --help says how to name it";

/// Whether the time of an obligation is over by the server's clock.
pub(crate) fn is_over(due: &Pending, now_ms: Option<u64>) -> bool {
    now_ms.is_some_and(|now| i64::try_from(now).is_ok_and(|now| now > due.until_ms))
}

fn entries(of: &[LeafIndex]) -> String {
    let shown: Vec<String> = of.iter().take(ENTRIES_MAX).map(ToString::to_string).collect();
    let left = of.len().saturating_sub(ENTRIES_MAX);
    let more = if left > 0 { format!(" and {left} more") } else { String::new() };
    format!("{} {}{more}", if of.len() == 1 { "entry" } else { "entries" }, shown.join(", "))
}

fn shortened(text: &str) -> String {
    let (kept, left) = escape::cut(text, THEIRS_CHARS_MAX);
    if left > 0 { format!("{kept}…") } else { kept.to_owned() }
}

/// Our own words hold no markup but what stands in names of ours.
fn ours_in_markdown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '#' | '&' | '~' | '@' | '!') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// A text of others as code: no link, no mention, no markup is read in it. The
/// fence is longer than any run of backticks inside.
pub(crate) fn code_span(text: &str) -> String {
    let text = plain_text::escape(text);
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let is_bare = text.is_empty() || text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']);
    let room = if is_bare { " " } else { "" };
    format!("{fence}{room}{text}{room}{fence}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_others_never_leaves_its_code_span() {
        for (text, shown) in [
            ("payments-api", "`payments-api`"),
            ("a`b", "``a`b``"),
            ("``", "``` `` ```"),
            ("[x](https://evil.example)|<b>@all #1", "`[x](https://evil.example)|<b>@all #1`"),
            ("a\n/close", "`a\\u{a}/close`"),
            ("", "`  `"),
        ] {
            assert_eq!(code_span(text), shown);
        }
    }

    #[test]
    fn our_own_words_bring_no_markup_either() {
        assert_eq!(ours_in_markdown("a_b <c> [d](e) |"), "a\\_b \\<c\\> \\[d\\](e) \\|");
    }
}
