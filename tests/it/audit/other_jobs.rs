//! What one job did leaves the runs of another alone, also where it names none.

use pulselog::audit::{Scope, Verdict};

use crate::audit::slices::same_from_its_own_entries;
use crate::make::audit::Story;
use crate::make::{did, hex};

#[test]
fn a_call_of_one_job_that_names_no_run_leaves_the_runs_of_another_job_alone() {
    let mut story = Story::clean();
    story.job("job-2", "agent");
    story.wait(2_000_000);
    story.call("r1", "t1", 2);
    story.set("r1 call 2", "binding.token_scope_hash_b64u", story.decided_scope("sync"));
    story.unset("r1 call 2", "binding.run_id");
    let report = story.audit();
    let agent = did("agent");
    let of_run = |run: &str| Scope::Run { agent: agent.clone(), run: run.to_owned() };
    assert_eq!((report.job("job-1"), report.job("job-2")), (Verdict::Pass, Verdict::Fail), "{:#?}", report.findings);
    for run in ["job-1.r1", "job-1.r2"] {
        assert_eq!(report.run(&agent, run), Verdict::Pass, "{run}");
        assert_eq!(report.of(&of_run(run)).verdict, Verdict::Pass, "{run}");
    }
    assert_eq!(report.run(&agent, "job-2.r1"), Verdict::Fail);
    // The token's grant was used after its end.
    assert_eq!(report.of(&Scope::Token(hex("job-2.t1"))).verdict, Verdict::Fail);
    assert_eq!(report.of(&Scope::Token(hex("job-1.t1"))).verdict, Verdict::Pass);
    let timeline = story.timeline();
    let scopes = [
        of_run("job-1.r1"),
        of_run("job-2.r1"),
        Scope::Token(hex("job-1.t1")),
        Scope::Token(hex("job-2.t1")),
        Scope::Job("job-1".to_owned()),
        Scope::Job("job-2".to_owned()),
    ];
    same_from_its_own_entries(&timeline, timeline.size(), &scopes);
}
