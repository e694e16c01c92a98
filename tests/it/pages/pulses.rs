//! Pages of Trust Pulses that somebody signed in an agent's name.

use crate::http::withholding::{digest_at, withhold};
use crate::make::audit::Story;
use crate::make::story::pulse;
use crate::make::told::Told;
use crate::make::{did, value};

/// The pages of the pulses of a story, in log order.
fn pages(told: &Told) -> Vec<String> {
    let entries = (0..told.service.size()).map(|at| told.service.get(&format!("/v1/entries/{at}")));
    let pulses = entries.filter(|entry| entry.string("kind") == "trust_pulse");
    pulses.map(|entry| told.service.get(&format!("/pulses/{}", entry.string("artifact"))).text()).collect()
}

#[test]
fn the_first_page_says_beside_each_pulse_how_its_run_is_judged_and_nothing_in_anothers_name() {
    let mut story = crate::pages::verdicts::guilty();
    for run in ["job-1.r1", "job-1.r2"] {
        story.log(run, "trust_pulse", "agent", value(&pulse(run, "[]", "[]")));
    }
    story.log("forged", "trust_pulse", "stranger", value(&pulse("job-1.r2", "[]", "[]")));
    let told = Told::of(&story);
    let home = told.service.get("/").text();
    let home = &home[home.find("Latest Trust Pulses").expect("pulses")..];
    let rows: Vec<&str> = home.split("<li>").skip(1).take(3).collect();
    let said = ["signed by another than the agent it names", "i-pass", "i-fail"];
    for (row, own) in rows.iter().zip(said) {
        for word in said {
            assert_eq!(row.contains(word), word == own, "{word}: {row}");
        }
    }
}

/// Whom a withheld body names nobody sees, so it cannot name another than its signer.
#[test]
fn a_withheld_pulse_is_said_to_be_withheld_and_of_nobody_else() {
    let told = crate::pages::screens::log();
    let service = &told.service;
    let is_pulse = |at: &u64| service.get(&format!("/v1/entries/{at}")).string("kind") == "trust_pulse";
    let at = (0..service.size()).find(is_pulse).expect("a pulse");
    let path = format!("/pulses/{}", digest_at(service, at));
    assert!(service.get("/").text().contains("Audit of the run") && service.get(&format!("{path}.txt")).status == 200);
    withhold(service, at);
    let (page, home) = (service.get(&path).text(), service.get("/").text());
    assert!(page.contains("<title>Withheld · Trust Pulse ·") && page.contains("<h1>Trust Pulse</h1>"), "{page}");
    assert!(!page.contains("names another in it") && !page.contains("job-1"), "{page}");
    assert!(home.contains("withheld by the operator") && !home.contains("signed by another"), "{home}");
    assert_eq!(service.get(&format!("{path}.txt")).status, 451);
}

#[test]
fn a_pulse_signed_in_anothers_name_gets_none_of_its_verdict() {
    let mut story = Story::clean();
    let payload = value(&pulse("job-1.r1", "[]", "[]"));
    story.log("own", "trust_pulse", "agent", payload.clone());
    story.log("forged", "trust_pulse", "stranger", payload);
    let told = Told::of(&story);
    let [own, forged] = pages(&told).try_into().expect("two pulses");
    assert!(own.contains("<title>Pass · Trust Pulse of run job-1.r1"), "{own}");
    assert!(own.contains("state pass") && own.contains("job-1\"") && !own.contains("names another in it"), "{own}");
    assert!(forged.contains("<title>Incomplete · Trust Pulse of run job-1.r1"), "{forged}");
    assert!(!forged.contains("state pass") && forged.contains("names another in it"), "{forged}");
    let run_of = |who: &str| format!("/runs/{}/job-1.r1", did(who).replace(':', "%3A"));
    assert!(own.contains(&run_of("agent")) && forged.contains(&run_of("stranger")), "{forged}");
    assert!(!forged.contains(&run_of("agent")) && !forged.contains("/jobs/job-1"), "{forged}");
}
