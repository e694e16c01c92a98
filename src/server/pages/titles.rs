//! What an entry is, as an act: "Sync of payments-api decided: allowed". The kind
//! stands beside it; names in it are other people's text.

use crate::artifact::{ArgocdObservation, Payload};
use crate::audit::noun;
use crate::server::desk::Paper;
use crate::server::pages::inline::Said;

/// A heading: our words around one name.
pub(crate) struct Title {
    pub before: String,
    pub name: Option<Said>,
    pub after: String,
    /// All of it but the name: what may leave the page.
    nameless: String,
}

/// What stands between an act and a name that is left out.
const JOINTS: [&str; 5] = [" of run", " of job", " for job", " of", ", on"];

impl Title {
    fn plain(words: &str) -> Self {
        Self { before: words.to_owned(), name: None, after: String::new(), nameless: words.to_owned() }
    }

    fn named(before: &str, name: Option<&str>, after: &str) -> Self {
        // "Sync of … decided": without the name, without its "of".
        let act = before.trim_end().trim_end_matches(':');
        let act = JOINTS.iter().find_map(|joint| act.strip_suffix(joint)).unwrap_or(act);
        let nameless = format!("{act}{after}");
        match name.filter(|name| !name.is_empty()) {
            Some(name) => {
                Self { before: before.to_owned(), name: Some(Said::name(name)), after: after.to_owned(), nameless }
            }
            None => Self::plain(&nameless),
        }
    }

    /// For a `<title>`: the act, and no name.
    pub(crate) fn nameless(&self) -> &str {
        &self.nameless
    }

    /// What the entry is: by its kind where its body is not shown, or says no more.
    pub(crate) fn of(paper: &Paper) -> Self {
        let kind = paper.stored.entry.kind;
        paper.artifact().and_then(|body| act(body.says())).unwrap_or_else(|| Self::plain(kind.title()))
    }
}

fn act(says: Payload<'_>) -> Option<Title> {
    Some(match says {
        Payload::ArgocdDecision(of) => {
            let verdict = if of.decision() == Some("allow") { "allowed" } else { "denied" };
            on(of.binds().action(), of.binds().app().name(), &format!(" decided: {verdict}"))
        }
        Payload::Approval(of) => {
            let word = if of.decision() == Some("approve") { " approved" } else { " refused by a person" };
            on(of.binds().action(), of.binds().app().name(), word)
        }
        Payload::ArgocdReceipt(of) => Title::plain(match of.outcome() {
            Some("accepted") => "Call to Argo CD: accepted",
            Some("refused_rbac") => "Call to Argo CD: refused, no right to it",
            Some("refused_sync_window") => "Call to Argo CD: refused, outside its sync window",
            Some("refused_precondition") => "Call to Argo CD: refused, a condition did not hold",
            Some("error_transport") => "Call to Argo CD: no answer arrived",
            Some("not_sent") => "Call to Argo CD: not sent",
            _ => return None,
        }),
        Payload::ArgocdObservation(of) => observed(of)?,
        Payload::ArgocdSnapshot(of) => Title::named("All applications looked at, on ", of.instance(), ""),
        Payload::CstIssuance(of) => Title::named("Token issued for job ", of.claims().job(), ""),
        Payload::ChangeRecord(of) => {
            let (before, after) = match of.what() {
                Some("freeze") => ("Automated sync of ", " frozen by a person"),
                Some("unfreeze") => ("Freeze of ", " ended by a person"),
                Some("rotate_credential") => ("Credential of ", " rotated by a person"),
                _ => ("Change of ", " by a person"),
            };
            Title::named(before, of.app().name(), after)
        }
        Payload::WorkPolicy(of) => Title::named("Policy ", of.id(), ""),
        Payload::GatewayReceipt(of) => Title::named("Model called: ", of.model(), ""),
        Payload::ProofBundle(of) => Title::named("Proof bundle of run ", of.run(), ""),
        Payload::TrustPulse(of) => Title::named("Trust Pulse of run ", of.run(), ""),
        Payload::AuditStatement(of) => Title::named("Audit attested of job ", of.job(), ""),
        _ => return None,
    })
}

/// "Sync of payments-api decided: allowed".
fn on(action: Option<&str>, app: Option<&str>, after: &str) -> Title {
    let mut noun = noun(action).0.to_owned();
    if let Some(first) = noun.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    Title::named(&format!("{noun} of "), app, after)
}

fn observed(of: ArgocdObservation<'_>) -> Option<Title> {
    let app = of.app().name();
    Some(match (of.event()?, of.phase(), of.after()) {
        ("operation", Some("Succeeded"), _) => on(of.action(), app, " reported: succeeded"),
        ("operation", Some("Failed" | "Error"), _) => on(of.action(), app, " reported: failed"),
        ("operation", ..) => on(of.action(), app, " reported: under way"),
        ("denial", ..) => Title::plain("Call refused by Argo CD"),
        ("auto_sync", _, Some("on")) => Title::named("Automated sync of ", app, " seen on"),
        ("auto_sync", _, Some("off")) => Title::named("Automated sync of ", app, " seen off"),
        ("spec_change", ..) => Title::named("Spec of ", app, " seen changed"),
        ("log_read", ..) => Title::plain("Server’s log read"),
        _ => return None,
    })
}
