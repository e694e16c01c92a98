//! The verdict panel: what the audit says and what the peer's rules say, side
//! by side and never added up; how far both reach; what is open; what was
//! found. Everything is taken from reports; nothing is decided here.

use std::borrow::Cow;

use crate::audit::{AsOf, Effect, Finding, Pending, in_reading_order};
use crate::merkle::TreeSize;
use crate::protocol::{self, ModelIdentityTier, ProofTier, Status, TrustTier};
use crate::server::judge::ScopeReport;
use crate::server::pages::coverage::{Coverage, Due};
use crate::server::pages::finding::Card;
use crate::server::pages::happened::{Part, happened};
use crate::server::pages::inline::{Said, When};
use crate::server::pages::preview::Stated;
use crate::server::pages::reader::Reader;
use crate::server::pages::states::{Outcome, Word};
use crate::server::pages::trouble::Trouble;
use crate::server::pages::words;
use crate::verify::verification::{Allowlists, AuditPart, AuditStatus, CoveragePart, ProtocolPart, Verification};

/// Cards of findings that one page shows; the rest is counted.
const CARDS_MAX: usize = 40;

/// Everything that the panel shows of one job, run or bundle.
pub(crate) struct Verdicts {
    pub audit: AuditPanel,
    /// What was done, denied and ended, as the log has it; empty where nobody
    /// says of what.
    pub happened: Vec<Part>,
    /// Absent where there is no document to judge; the sentence says why.
    pub protocol: Option<ProtocolPanel>,
    pub no_protocol: &'static str,
    pub coverage: Coverage,
    pub due: Vec<Due>,
    /// What was found, in cards: findings of one act share one.
    pub cards: Vec<Card>,
    /// How many more there are, and where, if a page shows them.
    pub more: Option<(String, Option<String>)>,
    /// Which page shows the newest size, when this one is pinned.
    pub pinned: Option<Pinned>,
}

/// Our own verdict.
pub(crate) struct AuditPanel {
    pub word: Word,
    pub sentence: String,
    /// The first finding that fails.
    pub first: Option<First>,
    pub as_of: Option<As>,
    pub rules: &'static str,
}

/// The first of the findings that fail, in words, and the entry that causes it.
pub(crate) struct First {
    pub lead: &'static str,
    pub title: Cow<'static, str>,
    pub code: &'static str,
    pub entry: Option<u64>,
}

/// A size of the log and its time.
pub(crate) struct As {
    pub entries: String,
    pub at: Option<When>,
}

/// The peer's verdict.
pub(crate) struct ProtocolPanel {
    pub word: Word,
    pub sentence: &'static str,
    /// Reason code with its title, unless all is well.
    pub reason: Option<(&'static str, &'static str)>,
    pub field: Option<Said>,
    /// What the reason means, what to do.
    pub explained: Option<(&'static str, &'static str)>,
    pub tiers: Vec<(&'static str, &'static str)>,
    pub flags: Vec<&'static str>,
    pub not_checked: Vec<&'static str>,
    pub allowlists: &'static str,
    pub at: Option<When>,
    pub is_bare: bool,
}

/// A page that shows another size than the newest.
pub(crate) struct Pinned {
    pub size: TreeSize,
    pub at: String,
    /// What the published checkpoint proves beyond it, when this page is made.
    pub beyond: String,
    pub href: String,
    /// The audit's verdict there, where this page is about a verdict.
    pub newest: Option<Word>,
}

impl Pinned {
    /// `None` for the newest size; `href` leads there.
    pub(crate) fn of(reader: &Reader, size: TreeSize, href: String) -> Option<Self> {
        let beyond = reader.view().size().get().saturating_sub(size.get());
        let pinned = || Self {
            size,
            at: words::entries(size.get()),
            beyond: words::counted(beyond, "later entry", "later entries"),
            href,
            newest: None,
        };
        (beyond > 0).then(pinned)
    }
}

/// The parts that an audit of anything has.
struct Audited<'a> {
    status: AuditStatus,
    findings: &'a [Finding],
    pending: &'a [Pending],
    coverage: Option<&'a CoveragePart>,
}

impl Verdicts {
    /// On a document: both verdicts.
    ///
    /// # Errors
    /// Those of the view.
    pub(crate) fn of_document(reader: &Reader, judged: &Verification, what: &str) -> Result<Self, Trouble> {
        let AuditPart { status, findings, pending, .. } = &judged.audit;
        let audited = Audited { status: *status, findings, pending, coverage: judged.coverage.as_ref() };
        let mut verdicts = Self::new(reader, &audited, what)?;
        verdicts.protocol = judged.protocol.as_ref().map(ProtocolPanel::new);
        Ok(verdicts)
    }

    /// On a job or run: the audit's.
    ///
    /// # Errors
    /// Those of the view.
    pub(crate) fn of_report(
        reader: &Reader,
        made: &ScopeReport,
        what: &str,
        no_protocol: &'static str,
    ) -> Result<Self, Trouble> {
        let report = &made.report;
        let coverage = CoveragePart {
            rules_version: report.rules_version,
            operator: Some(reader.facts.operator.to_string()),
            roots_digest: report.roots_digest,
            as_of: Some(report.as_of),
            absence: report.absence,
            entries: made.entries.len() as u64,
            not_judged: report.coverage.clone(),
        };
        let status = report.verdict.into();
        let audited =
            Audited { status, findings: &report.findings, pending: &report.pending, coverage: Some(&coverage) };
        Ok(Self { no_protocol, happened: happened(report), ..Self::new(reader, &audited, what)? })
    }

    fn new(reader: &Reader, audited: &Audited<'_>, what: &str) -> Result<Self, Trouble> {
        let (cards, on_cards) = Card::all(reader, &in_reading_order(audited.findings), CARDS_MAX)?;
        let left = audited.findings.len().saturating_sub(on_cards) as u64;
        // Only of the newest entries can anybody say that nothing came in time.
        let is_newest = audited.coverage.and_then(|part| part.as_of).is_some_and(|at| at.size == reader.view().size());
        let overdue = is_newest.then_some(reader.now_ms);
        Ok(Self {
            audit: AuditPanel::new(audited, what),
            happened: Vec::new(),
            protocol: None,
            no_protocol: "",
            coverage: Coverage::new(reader, audited.coverage)?,
            due: Due::all(audited.pending, overdue),
            cards,
            more: (left > 0).then(|| (words::counted(left, "more finding", "more findings"), None)),
            pinned: None,
        })
    }

    /// Links to the findings that the page leaves out.
    pub(crate) fn with_more(mut self, href: String) -> Self {
        self.more = self.more.map(|(words, _)| (words, Some(href)));
        self
    }

    /// Says that the page is about an older size than the newest, and what the
    /// verdict is there.
    pub(crate) fn pinned(mut self, reader: &Reader, size: TreeSize, href: String, newest: Option<Word>) -> Self {
        self.pinned = Pinned::of(reader, size, href).map(|pinned| Pinned { newest, ..pinned });
        self
    }

    /// The newest verdict, where this page shows an older one that is another.
    pub(crate) fn changed(&self) -> Option<Word> {
        self.pinned.as_ref()?.newest.filter(|newest| *newest != self.audit.word)
    }

    /// The verdict for titles and previews.
    pub(crate) fn stated(&self) -> Stated {
        let size = self.pinned.as_ref().map(|pinned| pinned.size);
        Stated { own: self.audit.word.label, now: size.zip(self.changed().map(|newest| newest.label)) }
    }

    /// "Pass", and of an older size "Pass of 11 entries, now Fail".
    pub(crate) fn title(&self) -> String {
        self.stated().words()
    }
}

impl As {
    pub(crate) fn new(as_of: &AsOf) -> Self {
        let at = as_of.logged_at.map(|at| When::second(at.unix_ms()));
        Self { entries: words::entries(as_of.size.get()), at }
    }
}

impl AuditPanel {
    fn new(audited: &Audited<'_>, what: &str) -> Self {
        let failing: Vec<&Finding> = audited.findings.iter().filter(|f| f.effect == Effect::Fails).collect();
        let cause = |f: &Finding| f.causes.last().or_else(|| f.entries.last()).map(|at| at.get());
        let lead = if failing.len() == 1 { "It is" } else { "The first is" };
        let first = |f: &&Finding| First { lead, title: f.words().title, code: f.rule.code, entry: cause(f) };
        let first = failing.first().map(first);
        Self {
            word: Outcome::from(audited.status).word(),
            sentence: sentence(audited, failing.len() as u64, what),
            first: first.filter(|_| audited.status == AuditStatus::Fail),
            as_of: audited.coverage.and_then(|coverage| coverage.as_of.as_ref()).map(As::new),
            rules: audited.coverage.map_or("", |coverage| coverage.rules_version),
        }
    }
}

fn sentence(audited: &Audited<'_>, failing: u64, what: &str) -> String {
    let missing = audited.findings.iter().filter(|f| f.effect == Effect::Incomplete).count() + audited.pending.len();
    match audited.status {
        AuditStatus::Pass => "No rule failed, and nothing the rules need was missing.".to_owned(),
        AuditStatus::Fail => {
            let verb = if failing == 1 { "fails" } else { "fail" };
            format!("{} {verb} this {what}.", words::counted(failing, "finding", "findings"))
        }
        AuditStatus::Incomplete if missing == 0 => {
            "We cannot say yet: nobody has checked that nothing else stands in the log. This is neither pass nor fail."
                .to_owned()
        }
        AuditStatus::Incomplete => {
            let verb = if missing == 1 { "is" } else { "are" };
            let pieces = words::counted(missing as u64, "piece of evidence", "pieces of evidence");
            format!("We cannot say yet: {pieces} {verb} missing. This is neither pass nor fail.")
        }
        AuditStatus::NotApplicable if what == "application" => {
            "No decision is about this application, and no rule found anything, so there is nothing to judge."
                .to_owned()
        }
        AuditStatus::NotApplicable => {
            format!("Nobody whose word counts speaks of this {what}, so there is nothing to judge.")
        }
        AuditStatus::NotAsked => "Only the protocol verdict was asked for.".to_owned(),
    }
}

impl ProtocolPanel {
    fn new(part: &ProtocolPart) -> Self {
        let outcome = Outcome::of_protocol(part);
        let row = protocol::explain(part.reason_code).filter(|_| part.status == Status::Fail);
        let tier = |label, tier: Option<&'static str>| tier.map(|tier| (label, tier));
        let tiers = [
            tier("proof tier", part.proof_tier.map(ProofTier::name)),
            tier("trust tier", part.trust_tier.map(TrustTier::name)),
            tier("model identity", part.model_identity_tier.map(ModelIdentityTier::name)),
        ];
        Self {
            word: outcome.word(),
            sentence: match outcome {
                Outcome::Pass => "The rules of Clawsig, whose format this is, accept these bytes.",
                Outcome::Fail => "The rules of Clawsig, whose format this is, refuse these bytes.",
                Outcome::NotChecked => {
                    "Nothing fails but that no list says whose signatures count; Clawsig's verifier refuses such bytes."
                }
                _ => "What we judged passes; the blocks named below were not judged.",
            },
            reason: row.map(|row| (row.code, row.title)),
            field: part.field.as_deref().map(Said::name),
            explained: row.map(|row| (row.means, row.action)),
            tiers: tiers.into_iter().flatten().collect(),
            flags: part.risk_flags.clone(),
            not_checked: part.not_checked.clone(),
            allowlists: match part.allowlists {
                Allowlists::Config => "gateways of a config file",
                Allowlists::Roots => "gateways of the roots in force",
                Allowlists::None => "no gateway is listed",
            },
            at: u64::try_from(part.verification_time).ok().map(When::second),
            is_bare: part.bare,
        }
    }
}
