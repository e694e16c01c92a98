//! The addresses that tickets keep, `/b/{digest}` and `/jobs/{id}`: as report,
//! note and badge, at published sizes, whatever the names in them are.

use crate::make::audit::Story;
use crate::make::service::Answer;
use crate::make::shell::Shell;
use crate::make::told::Told;
use crate::make::{hex, value};
use crate::pages::verdicts::{bundles, guilty, shows};

const FORMS: [(&str, &str); 4] = [
    ("json", "application/json"),
    ("txt", "text/plain; charset=utf-8"),
    ("md", "text/markdown; charset=utf-8"),
    ("svg", "image/svg+xml"),
];

/// Both permalinks of a story of one job.
fn links(told: &Told) -> [String; 2] {
    ["/jobs/job-1".to_owned(), format!("/b/{}", bundles(told)[0])]
}

/// Without the line that says when it was made.
fn unhurried(answer: &Answer) -> String {
    answer.text().lines().filter(|line| !line.contains("Made")).collect::<Vec<_>>().join("\n")
}

fn pending() -> Story {
    let mut story = Story::clean();
    story.remove("sync receipt");
    story.remove("seen");
    story
}

#[test]
fn each_form_is_reached_by_suffix_format_and_accept() {
    let told = Told::of(&guilty());
    for path in links(&told) {
        for (suffix, media) in FORMS {
            let by_suffix = told.service.get(&format!("{path}.{suffix}"));
            let by_format = told.service.get(&format!("{path}?format={suffix}"));
            let accept = media.split(';').next().expect("a media type");
            let by_accept = told.service.get_with(&path, &[("accept", &format!("text/html;q=0.5, {accept}"))]);
            for answer in [&by_suffix, &by_format, &by_accept] {
                assert_eq!((answer.status, answer.header("content-type")), (200, media), "{path} {suffix}");
                assert!(answer.header("vary").contains("accept"), "{path} {suffix}");
                assert_eq!(unhurried(answer), unhurried(&by_suffix), "{path} {suffix}");
                assert_eq!(answer.header("pulselog-beyond"), "0", "{path} {suffix}");
            }
            if suffix != "json" {
                assert_eq!(by_suffix.header("content-security-policy"), "default-src 'none'", "{path} {suffix}");
                assert_eq!(by_suffix.header("x-content-type-options"), "nosniff", "{path} {suffix}");
            }
            let other = if suffix == "txt" { "md" } else { "txt" };
            let both = told.service.get(&format!("{path}.{suffix}?format={other}"));
            assert_eq!(both.status, 400, "two formats");
        }
        for browser in ["text/html,application/xhtml+xml,*/*;q=0.8", "*/*", "image/png"] {
            let page = told.service.get_with(&path, &[("accept", browser)]);
            assert_eq!(page.header("content-type"), "text/html; charset=utf-8", "{browser}");
        }
        assert_eq!(told.service.get(&format!("{path}?format=pdf")).status, 400);
        assert_eq!(told.service.get(&format!("{path}?format=txt&format=md")).status, 400);
    }
}

#[test]
fn json_is_the_report_at_the_same_size() {
    let told = Told::of(&guilty());
    let size = told.service.size();
    let bundle = &bundles(&told)[0];
    for at in [size - 1, size] {
        for (page, report) in [
            ("/jobs/job-1.json".to_owned(), "/v1/jobs/job-1".to_owned()),
            (format!("/b/{bundle}.json"), format!("/v1/bundles/{bundle}/report")),
        ] {
            let (page, report) =
                (told.service.get(&format!("{page}?at={at}")), told.service.get(&format!("{report}?at={at}")));
            assert_eq!((page.status, page.text()), (200, report.text()));
            assert_eq!(page.header("pulselog-beyond"), report.header("pulselog-beyond"));
        }
    }
}

/// The lines that a note says to run.
fn command(note: &str) -> String {
    let lines = note.split_once("\nVerify").expect("a command").1.lines().skip(1);
    lines.map(|line| line.strip_prefix("  ").expect("an indented line")).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_note_says_what_was_judged_and_its_command_works_as_printed() {
    for (story, badge, code) in [(Story::clean(), "verified", 0), (guilty(), "findings 1", 1)] {
        let told = Told::of(&story);
        let size = told.service.size();
        for path in links(&told) {
            let note = told.service.get(&format!("{path}.txt")).text();
            assert!(note.starts_with(&format!("Agent change evidence: {badge}\n")), "{note}");
            let audit =
                if code == 0 { "\nAudit     Pass. No rule failed" } else { "\nAudit     Fail. 1 finding fails" };
            let root = told.service.get("/checkpoint").text().lines().nth(2).expect("a root").to_owned();
            assert!(!root.is_empty());
            for said in [audit, &format!("\nAs of     {size} entries, 2026-11-22 12:"), "absence recomputed"] {
                assert!(note.contains(said), "{said:?} is not in {note}");
            }
            assert!(
                note.contains("\nAction    1 sync of argocd-prod/argocd/payments-api (approved by approver did:key:")
            );
            assert_eq!(note.contains("\nFinding   TOKEN_REVOKED (critical, fails the verdict)"), code == 1, "{note}");
            let ran = Shell::new().run(&command(&note));
            assert_eq!(ran.code, code, "{note}\n{}{}", ran.out, ran.err);
            let markdown = told.service.get(&format!("{path}.md")).text();
            let fenced = markdown.split_once("```sh\n").expect("a fence").1.split_once("\n```").expect("its end").0;
            assert_eq!(fenced, command(&note), "the same command");
            assert!(markdown.starts_with(&format!("**Agent change evidence: {badge}**\n")), "{markdown}");
            let drawn = told.service.get(&format!("{path}.svg")).text();
            let title = format!("<title id=\"t\">Agent evidence: {badge}, as of {size} entries</title>");
            assert!(drawn.contains(&title) && drawn.contains(&format!(">{badge}</text>")), "{drawn}");
        }
    }
}

#[test]
fn a_note_of_an_older_size_is_judged_there_and_says_the_newest_word() {
    let story = guilty();
    let told = Told::of(&story);
    let at = story.index("sync");
    let note = told.service.get(&format!("/jobs/job-1.txt?at={at}")).text();
    assert!(note.starts_with("Agent change evidence: pending\n"), "{note}");
    assert!(note.contains("\nNewest    findings 1 as of "), "{note}");
    let ran = Shell::new().run(&command(&note));
    assert_eq!(ran.code, 3, "as of the size of the note: {}{}", ran.out, ran.err);
    let drawn = told.service.get(&format!("/jobs/job-1.svg?at={at}")).text();
    assert!(drawn.contains(&format!(">pending at {at}, now findings 1</text>")), "{drawn}");
    assert!(drawn.contains("#9c1c1c"), "in the colour of what is true now: {drawn}");
}

#[test]
fn a_job_that_is_named_by_the_whole_segment_wins_over_a_suffix() {
    let mut story = Story::clean();
    story.job("job-1.json", "agent");
    let told = Told::of(&story);
    let page = told.service.get("/jobs/job-1.json");
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    shows(&page, &["Job job-1.json"]);
    let report = told.service.get("/jobs/job-1.json.json");
    assert_eq!(report.string("scope.job"), "job-1.json", "{}", report.text());
    let other = told.service.get("/jobs/job-1?format=json");
    assert_eq!(other.string("scope.job"), "job-1");
    assert!(told.service.get("/jobs/job-1.txt").text().contains("\nJob       job-1\n"));
}

#[test]
fn an_id_is_one_segment_that_is_decoded_once() {
    let mut story = Story::clean();
    for job in ["a/b.txt", "a%2Fb"] {
        story.job(job, "agent");
    }
    let told = Told::of(&story);
    for (segment, job) in [("a%2Fb.txt.json", "a/b.txt"), ("a%252Fb.json", "a%2Fb")] {
        assert_eq!(told.service.get(&format!("/jobs/{segment}")).string("scope.job"), job, "{segment}");
    }
    assert_eq!(told.service.get("/jobs/a%2Fb.txt").header("content-type"), "text/html; charset=utf-8");
    assert_eq!(told.service.get("/jobs/a%2Fb.json").status, 404, "no job is called a/b");
    assert_eq!(told.service.get("/jobs/a/b.txt").status, 404, "two segments");
}

#[test]
fn only_published_sizes_are_answered_and_the_nearest_two_are_named() {
    let told = Told::of(&Story::clean());
    let size = told.service.size();
    told.service.fill(5);
    let newest = told.service.size();
    assert_eq!(newest, size + 5, "one checkpoint for five");
    for path in links(&told) {
        for (at, lower, higher) in [(size + 2, size, newest), (0, 1, 2), (newest + 9, size, newest)] {
            for ending in ["", ".txt", ".md", ".svg", ".json"] {
                let answer = told.service.get(&format!("{path}{ending}?at={at}"));
                assert_eq!(answer.status, 404, "{path}{ending} at {at}");
                if ending == ".json" {
                    answer.is(404, "size_not_published");
                }
                let nearest = format!("Nearest are those of {lower} and {higher} entries");
                assert!(ending == ".svg" || answer.text().contains(&nearest), "{nearest}: {}", answer.text());
            }
        }
        assert_eq!(told.service.get(&format!("{path}.txt?at={size}")).status, 200);
        assert_eq!(told.service.get(&format!("{path}?at=1&at=2")).status, 400);
        assert_eq!(told.service.get(&format!("{path}?at=x")).status, 400);
    }
}

#[test]
fn what_is_overdue_is_said_of_the_newest_entries_alone() {
    let story = pending();
    let told = Told::of(&story);
    let api = ["/v1/jobs/job-1".to_owned(), format!("/v1/bundles/{}/report", bundles(&told)[0])];
    let states = |path: &str, at: &str| {
        let of = |ending: &str| told.service.get(&format!("{path}{ending}{at}"));
        (of(".txt"), of(".svg").text(), of(".json"))
    };
    for path in links(&told) {
        let (note, badge, report) = states(&path, "");
        assert!(note.text().starts_with("Agent change evidence: pending\n"), "{}", note.text());
        assert!(note.text().contains("\nPending   until 2026-11-22 "), "{}", note.text());
        assert!(badge.contains(">pending</text>"), "{badge}");
        assert_eq!((note.header("pulselog-overdue-since"), report.header("pulselog-overdue-since")), ("", ""));
    }
    told.service.wait_until(story.now_ms() + 86_400_000);
    for path in links(&told) {
        let (note, badge, report) = states(&path, "");
        assert!(note.text().starts_with("Agent change evidence: pending, overdue\n"), "{}", note.text());
        assert!(note.text().contains("\nPending   overdue since 2026-11-22 "), "{}", note.text());
        assert!(badge.contains(">pending, overdue</text>"), "{badge}");
        for answer in [&note, &report] {
            assert!(answer.header("pulselog-overdue-since").starts_with("2026-11-22T"), "{path}");
        }
        assert!(!report.text().contains("overdue"), "the report is of entries alone: {}", report.text());
        let pinned = states(&path, &format!("?at={}", told.service.size() - 1));
        assert!(!pinned.0.text().contains("\nPending   overdue"), "{}", pinned.0.text());
        assert_eq!(pinned.2.header("pulselog-overdue-since"), "", "{path}");
    }
    for path in api {
        assert!(told.service.get(&path).header("pulselog-overdue-since").starts_with("2026-11-22T"), "{path}");
        let pinned = told.service.get(&format!("{path}?at={}", told.service.size() - 1));
        assert_eq!(pinned.header("pulselog-overdue-since"), "", "{path}");
    }
}

#[test]
fn hostile_names_stay_text_in_every_form() {
    let names = [
        "zqx<script>alert(1)</script>",
        "zqx](https://evil.example)",
        "zqx`|@all #1 `",
        "zqx&'<svg onload=x>",
        "zqx*_~[x]: y",
    ];
    for name in names {
        let mut story = Story::clean();
        story.job(name, "agent");
        let told = Told::of(&story);
        let segment: String = name.bytes().map(|byte| format!("%{byte:02X}")).collect();
        for ending in [".txt", ".md", ".svg", ".json"] {
            let answer = told.service.get(&format!("/jobs/{segment}{ending}"));
            assert_eq!(answer.status, 200, "{name} {ending}");
            let text = answer.text();
            match ending {
                ".svg" => assert!(!text.contains("zqx"), "a badge holds no name: {text}"),
                ".md" => {
                    let line = text.lines().find(|line| line.starts_with("- **Job** ")).expect("its line");
                    let said = &line["- **Job** ".len()..];
                    let fence = said.len() - said.trim_start_matches('`').len();
                    let inner = &said[fence..said.len() - fence];
                    assert!(fence > 0 && said.ends_with(&"`".repeat(fence)), "{line}");
                    assert!(!inner.contains(&"`".repeat(fence)) && inner.trim() == name.trim(), "{line}");
                    assert_eq!(
                        text.matches("zqx").count(),
                        text.matches(said).count(),
                        "it stands nowhere else: {text}"
                    );
                }
                _ => assert!(text.contains("zqx"), "{text}"),
            }
        }
    }
}

#[test]
fn what_is_not_there_is_said_in_the_form_that_was_asked_for() {
    let told = Told::of(&Story::clean());
    for (path, code) in [
        (format!("/b/{}", hex("nothing")), "bundle_not_found"),
        ("/b/zz".to_owned(), "bundle_not_found"),
        ("/jobs/nobody".to_owned(), "scope_not_found"),
    ] {
        told.service.get(&format!("{path}.json")).is(404, code);
        for (ending, media) in [(".txt", "text/plain; charset=utf-8"), (".md", "text/plain; charset=utf-8")] {
            let answer = told.service.get(&format!("{path}{ending}"));
            assert_eq!((answer.status, answer.header("content-type")), (404, media), "{path}{ending}");
            assert!(answer.text().ends_with(&format!("[{code}]\n")), "{}", answer.text());
        }
        let badge = told.service.get(&format!("{path}.svg"));
        assert_eq!((badge.status, badge.header("content-type")), (404, "image/svg+xml"));
        assert!(badge.text().contains(">unknown</text>"), "{}", badge.text());
    }
    let bundle = &bundles(&told)[0];
    let moved = told.service.get(&format!("/b/{}.svg?at=3", bundle.to_uppercase()));
    assert_eq!((moved.status, moved.header("location")), (308, format!("/b/{bundle}.svg?at=3").as_str()));
}

#[test]
fn a_note_names_the_ticket_and_its_page() {
    let mut story = Story::clean();
    let ticket = r#"{"system":"jira","key":"PAY-4711"}"#;
    story.set("b1", "metadata.pulselog.change_ref", value(ticket));
    let told = Told::with(&story, |config| config.public_url = Some("https://log.example/x".into()));
    let size = told.service.size();
    let at = story.index("b1");
    for path in links(&told) {
        let note = told.service.get(&format!("{path}.txt")).text();
        assert!(note.contains(&format!("\nTicket    jira/PAY-4711 (entry {at})\n")), "{note}");
        assert!(note.contains(&format!("\nPage      https://log.example/x{path}?at={size}\n")), "{note}");
        let markdown = told.service.get(&format!("{path}.md")).text();
        let page = format!("https://log.example/x{path}");
        assert!(markdown.contains(&format!("[![verified]({page}.svg?at={size})]({page}?at={size})")), "{markdown}");
    }
}
