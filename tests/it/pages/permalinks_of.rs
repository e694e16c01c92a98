//! Applications, incidents and pulses in other forms than pages, as bundles and
//! jobs have them.

use crate::audit::goldens::reconciled::silent;
use crate::make::audit::Story;
use crate::make::service::Answer;
use crate::make::shell::Shell;
use crate::make::story::pulse;
use crate::make::told::Told;
use crate::make::{did, hex, value};
use crate::pages::verdicts::{guilty, shows};

const APP: &str = "/apps/argocd-prod/argocd/payments-api";
const INCIDENT: &str = "/incidents?job=job-1";

/// Digests of the logged pulses, in log order.
fn pulses(told: &Told) -> Vec<String> {
    let entries = (0..told.service.size()).map(|at| told.service.get(&format!("/v1/entries/{at}")));
    let pulses = entries.filter(|entry| entry.string("kind") == "trust_pulse");
    pulses.map(|entry| entry.string("artifact")).collect()
}

fn unhurried(answer: &Answer) -> String {
    answer.text().lines().filter(|line| !line.contains("Made")).collect::<Vec<_>>().join("\n")
}

#[test]
fn applications_incidents_and_pulses_are_notes_and_reports_too() {
    let mut story = guilty();
    story.log("pulse", "trust_pulse", "agent", value(&pulse("job-1.r1", "[]", "[]")));
    let told = Told::of(&story);
    let own = format!("/pulses/{}", pulses(&told)[0]);
    let forms: [(&str, &str); 4] =
        [("json", "application/json"), ("txt", "text/plain"), ("md", "text/markdown"), ("svg", "image/svg+xml")];
    for path in [APP, &own, INCIDENT] {
        let (address, query) = path.split_once('?').map_or((path, ""), |(address, query)| (address, query));
        for (form, media) in forms.into_iter().filter(|(form, _)| *form != "svg" || query.is_empty()) {
            let by_suffix = told.service.get(&format!("{address}.{form}?{query}"));
            let by_format = told.service.get(&format!("{address}?{query}&format={form}"));
            assert_eq!(by_suffix.status, 200, "{path} {form}: {}", by_suffix.text());
            assert!(by_suffix.header("content-type").starts_with(media), "{path} {form}");
            assert_eq!(unhurried(&by_suffix), unhurried(&by_format), "{path} {form}");
        }
        let note = told.service.get(&format!("{address}.txt?{query}")).text();
        for part in ["TOKEN_REVOKED", "Audit     Fail.", "As of ", "Coverage", "Verify ", "pulselog "] {
            assert!(note.contains(part), "{path}: {part} is not in {note}");
        }
        let page = told.service.get(path);
        assert!(page.text().contains("format=txt") && page.text().contains("For a ticket: "), "{path} leads there");
        // At an older size it is judged there, and says the newest word.
        let at = told.service.size() - 1;
        let older = told.service.get(&format!("{address}.txt?{query}&at={at}"));
        if older.status == 200 {
            assert!(older.text().contains(&format!("As of     {at} entries")), "{path}: {}", older.text());
        } else {
            assert!(path == own && older.status == 404, "{path}: {}", older.text());
        }
        assert_eq!(told.service.get(&format!("{address}.json?{query}")).string("verdict"), "fail", "{path}");
    }
    let badge = told.service.get(&format!("{INCIDENT}&format=svg"));
    assert_eq!(badge.status, 404, "an incident has no badge");
}

#[test]
fn a_note_of_an_incident_tells_the_acts_of_its_time_and_the_command_makes_its_packet() {
    let story = Story::clean();
    let told = Told::of(&story);
    let all = told.service.get("/incidents.txt?app=argocd-prod/argocd/payments-api").text();
    assert!(all.contains("1 sync of") && all.contains("1 rollback of"), "{all}");
    let none = told.service.get("/incidents.txt?app=argocd-prod/argocd/payments-api&to=2026-01-01T00:00:00Z").text();
    assert!(none.contains("none: no call was decided") && none.contains("Before    2026-01-01 00:00:00"), "{none}");
    assert!(none.contains("pulselog incident --log "), "{none}");
    let asked = told.service.get("/incidents.txt");
    assert!(asked.status == 400 && asked.text().contains("exactly one of these"), "{}", asked.text());
}

#[test]
fn the_command_in_the_note_of_an_application_judges_it_again() {
    let mut story = Story::clean();
    silent(&mut story);
    let told = Told::of(&story);
    let note = told.service.get(&format!("{APP}.txt")).text();
    let shell = Shell::new();
    let command: Vec<_> = note.lines().filter(|line| line.starts_with("  ")).map(str::trim).collect();
    let ran = shell.run(&command.join("\n"));
    assert!(
        ran.out.contains("UNREPORTED_ACTION") && ran.out.contains("app argocd-prod/argocd/payments-api"),
        "{}{}",
        ran.out,
        ran.err
    );
}

#[test]
fn what_is_not_there_says_what_is() {
    let told = Told::of(&Story::clean());
    let page = |path: &str| told.service.get_with(path, &[("accept", "text/html")]);
    let lost = told.service.get(&format!("{APP}s.txt"));
    assert_eq!((lost.status, lost.header("content-type")), (404, "text/plain; charset=utf-8"));
    assert!(lost.text().contains("speaks of this application") && lost.text().contains("[scope_not_found]"));
    let lost = told.service.get(&format!("/pulses/{}.txt", hex("nothing")));
    assert!(lost.status == 404 && lost.text().contains("No Trust Pulse among"), "{}", lost.text());
    for path in ["/checkpoints.txt", "/nothing.json", "/findings.md"] {
        let lost = page(path);
        assert_eq!(lost.status, 404, "{path}");
        shows(&lost, &["Bundles (/b/), jobs, applications, pulses and incidents have a form", "Ask without"]);
    }
    assert!(!page("/nothing").text().contains("have a form"));
    assert!(page(&format!("/runs/{}/job-1.r1", did("agent"))).status == 200);
}
