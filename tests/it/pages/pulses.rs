//! Pages of Trust Pulses that somebody signed in an agent's name.

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
