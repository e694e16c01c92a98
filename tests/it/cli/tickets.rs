//! `pulselog ticket` against a server that speaks the four systems: made once,
//! kept up to date, never doubled, and nothing believed that is no answer.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::cli::{Ran, command};
use crate::make::audit::Story;
use crate::make::told::Told;
use crate::make::trackers::{CHANGE, SYS_ID, Trackers, Wrong};
use crate::make::value;
use crate::pages::verdicts::bundles;

const TOKEN: &str = "token-that-nobody-sees-1234";
const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// Key of each system.
fn keys() -> [(&'static str, String); 4] {
    [
        ("jira", "PAY-4711".to_owned()),
        ("servicenow", CHANGE.to_owned()),
        ("github", format!("shop/payments@{COMMIT}")),
        ("gitlab", "shop/payments!12".to_owned()),
    ]
}

/// A log, the systems, and the configuration that names both.
struct Desk {
    told: Told,
    trackers: Trackers,
    dir: tempfile::TempDir,
}

impl Desk {
    fn of(told: Told) -> Self {
        let (trackers, dir) = (Trackers::start(), tempfile::tempdir().expect("a directory"));
        let desk = Self { told, trackers, dir };
        desk.write("token", TOKEN);
        let places = ["jira", "servicenow", "github", "gitlab"].map(|name| {
            let user = if name == "servicenow" { "user = \"pulselog\"\n" } else { "" };
            format!("[{name}]\nurl = \"{}\"\ntoken_file = \"token\"\n{user}", desk.trackers.url)
        });
        desk.write("tickets.toml", &format!("log = \"{}\"\n{}", desk.told.service.base(), places.concat()));
        desk
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.dir.path().join(name);
        std::fs::write(&path, text).expect("a file");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("a mode");
    }

    fn command(&self, args: &[&str]) -> std::process::Command {
        let mut command = command();
        command.arg("ticket").args(&args[..1]).arg("--config").arg(self.dir.path().join("tickets.toml"));
        command.args(&args[1..]);
        // Whatever the environment names is not asked.
        for name in ["http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"] {
            command.env(name, "http://127.0.0.1:9");
        }
        command
            .env("NO_PROXY", self.told.service.base().trim_start_matches("http://").split(':').next().expect("a host"));
        command
    }

    /// Runs it; whatever it says, it says no token.
    #[track_caller]
    fn run(&self, args: &[&str]) -> Ran {
        let output = self.command(args).output().expect("it runs");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        let ran =
            Ran { code: output.status.code().expect("a code"), out: text(output.stdout), err: text(output.stderr) };
        let said = format!("{}{}", ran.out, ran.err);
        for secret in [TOKEN, "cHVsc2Vsb2c6", "secret-of-theirs", "uthorization"] {
            assert!(!said.contains(secret), "{args:?} prints {secret}: {said}");
        }
        ran
    }
}

fn first_part() -> (Story, Told) {
    let story = Story::clean();
    let told = Told::nothing();
    told.tell_steps(&story, 0..story.at("sync receipt"));
    (story, told)
}

#[test]
fn without_send_the_exact_request_is_printed_and_nobody_is_asked() {
    let desk = Desk::of(Told::of(&Story::clean()));
    let size = desk.told.service.size();
    let page = format!("{}/jobs/job-1?at={size}", desk.told.service.base());
    for (system, key) in keys() {
        let ran = desk.run(&[system, "--job", "job-1", "--key", &key]);
        assert_eq!(ran.code, 0, "{}", ran.err);
        assert!(
            ran.out.contains(&desk.trackers.url) && ran.out.contains("Agent change evidence: verified"),
            "{}",
            ran.out
        );
    }
    assert!(desk.trackers.held().calls.is_empty());
    let jira = desk.run(&["jira", "--job", "job-1", "--key", "PAY-4711"]).out;
    let (line, body) = jira.split_once("\n\n").expect("a request line and a body");
    assert_eq!(line, format!("POST {}/rest/api/2/issue/PAY-4711/remotelink", desk.trackers.url));
    let printed: serde_json::Value = serde_json::from_str(body).expect("JSON");
    assert_eq!(printed["object"]["url"], page.as_str());
    // What is sent is what was printed.
    assert_eq!(desk.run(&["jira", "--job", "job-1", "--key", "PAY-4711", "--send"]).code, 0);
    assert_eq!(desk.trackers.held().links, [printed]);
}

#[test]
fn a_link_is_made_once_kept_up_to_date_and_never_doubled() {
    for (system, key) in keys() {
        let (story, told) = first_part();
        let desk = Desk::of(told);
        let send = |says: &str| {
            let ran = desk.run(&[system, "--job", "job-1", "--key", &key, "--send"]);
            assert_eq!(ran.code, 0, "{system}: {}", ran.err);
            assert!(ran.out.contains(says), "{system}: {says:?} is not in {}", ran.out);
        };
        let first = desk.told.service.size();
        send("made");
        assert_eq!(desk.trackers.count(), 1, "{system}");
        send(if matches!(system, "jira" | "gitlab") { "" } else { "it says so already" });
        assert_eq!(desk.trackers.count(), 1, "{system} is sent twice");
        desk.told.tell_steps(&story, story.at("sync receipt")..story.steps.len());
        send("verified, as of");
        send("");
        let held = desk.trackers.held();
        match system {
            "jira" => {
                assert_eq!(held.links.len(), 1);
                assert_eq!(held.links[0]["object"]["title"], "Agent change evidence: verified");
            }
            "servicenow" => {
                assert_eq!(held.journal.len(), 2, "a note is never changed");
                assert!(
                    held.journal[1].starts_with(&format!("This replaces the note of size {first}.\n")),
                    "{:?}",
                    held.journal
                );
            }
            "github" => {
                let contexts: Vec<_> = held.statuses.iter().map(|status| status["context"].clone()).collect();
                assert!(contexts.len() == 2 && contexts[0] == contexts[1], "{contexts:?}");
                assert_eq!(held.statuses[1]["state"], "success");
            }
            _ => {
                assert_eq!(held.notes.len(), 1);
                assert!(held.notes[0].1.contains("Agent change evidence: verified"), "{:?}", held.notes);
            }
        }
    }
}

#[test]
fn what_is_no_answer_of_the_system_is_not_believed() {
    let desk = Desk::of(Told::of(&Story::clean()));
    let elsewhere = Trackers::start();
    for (system, key) in keys() {
        for (wrong, code) in [
            (Wrong::Status(401), 1),
            (Wrong::Status(404), 1),
            (Wrong::Status(429), 3),
            (Wrong::Status(500), 3),
            (Wrong::Redirect(format!("{}/rest/api/2/issue/PAY-4711/remotelink", elsewhere.url)), 3),
            (Wrong::Page, 3),
            (Wrong::Long, 3),
            (Wrong::Cut, 3),
            (Wrong::Other, 3),
        ] {
            desk.trackers.answer_wrongly(Some(wrong.clone()));
            let ran = desk.run(&[system, "--job", "job-1", "--key", &key, "--send"]);
            assert_eq!(ran.code, code, "{system} {wrong:?}: {}{}", ran.out, ran.err);
            assert!(ran.out.is_empty() && ran.err.contains(system), "{system} {wrong:?}: {}{}", ran.out, ran.err);
        }
    }
    assert_eq!(elsewhere.held().calls.len(), 0, "a redirect was followed");
    assert_eq!(desk.trackers.count(), 0);
    // Once it answers again the same command does what it should.
    desk.trackers.answer_wrongly(None);
    assert_eq!(desk.run(&["jira", "--job", "job-1", "--key", "PAY-4711", "--send"]).code, 0);
    assert_eq!(desk.trackers.count(), 1);
}

#[test]
fn an_answer_that_does_not_end_is_given_up() {
    let desk = Desk::of(Told::of(&Story::clean()));
    desk.trackers.answer_wrongly(Some(Wrong::Hangs));
    let began = Instant::now();
    let ran = desk.run(&["jira", "--job", "job-1", "--key", "PAY-4711", "--send"]);
    assert_eq!(ran.code, 3, "{}", ran.err);
    assert!(ran.err.contains("no whole answer within 10 s"), "{}", ran.err);
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
}

#[test]
fn the_ticket_is_the_one_that_the_evidence_names() {
    let mut story = Story::clean();
    let ticket = |key: &str| value(&format!(r#"{{"system":"jira","key":"{key}"}}"#));
    story.set("b1", "metadata.pulselog.change_ref", ticket("PAY-4711"));
    let desk = Desk::of(Told::of(&story));
    let bundle = bundles(&desk.told).remove(0);
    for what in [["--job", "job-1"], ["--bundle", bundle.as_str()]] {
        let ran = desk.run(&["jira", what[0], what[1]]);
        assert!(ran.code == 0 && ran.out.contains("/issue/PAY-4711/remotelink"), "{}{}", ran.out, ran.err);
        let ran = desk.run(&["jira", what[0], what[1], "--key", "PAY-4712", "--send"]);
        assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
        assert!(ran.err.contains("TICKET_MISMATCH") && ran.err.contains("PAY-4711"), "{}", ran.err);
        let ran = desk.run(&["servicenow", what[0], what[1], "--send"]);
        assert_eq!((ran.code, ran.err.contains("--key")), (2, true), "it names none of that system: {}", ran.err);
    }
    story.set("b2", "metadata.pulselog.change_ref", ticket("PAY-9"));
    let both = Desk::of(Told::of(&story));
    for key in ["PAY-4711", "PAY-9"] {
        let ran = both.run(&["jira", "--job", "job-1", "--key", key, "--send"]);
        assert_eq!((ran.code, ran.err.contains("TICKET_MISMATCH")), (1, true), "{}", ran.err);
    }
    assert!(desk.trackers.held().calls.is_empty() && both.trackers.held().calls.is_empty());
}

#[test]
fn who_sends_is_said_as_each_system_asks_and_nowhere_else() {
    let desk = Desk::of(Told::of(&Story::clean()));
    for (system, key) in keys() {
        assert_eq!(desk.run(&[system, "--job", "job-1", "--key", &key, "--send"]).code, 0, "{system}");
        let calls = std::mem::take(&mut desk.trackers.held().calls);
        for call in calls {
            let (bearer, private) = (call.header("authorization").to_owned(), call.header("private-token").to_owned());
            match system {
                "gitlab" => assert_eq!((bearer.as_str(), private.as_str()), ("", TOKEN)),
                "servicenow" => assert!(bearer.starts_with("Basic cHVsc2Vsb2c6"), "{bearer}"),
                _ => assert_eq!(bearer, format!("Bearer {TOKEN}")),
            }
            assert!(!call.path.contains(TOKEN) && !call.body.to_string().contains(TOKEN), "{call:?}");
        }
    }
    let path = desk.dir.path().join("token");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).expect("a mode");
    assert_eq!(desk.run(&["jira", "--job", "job-1", "--key", "PAY-4711", "--send"]).code, 1, "others may read it");
    desk.write(
        "tickets.toml",
        "log = \"http://127.0.0.1:1\"\n[jira]\nurl = \"http://jira.example\"\ntoken_file = \"token\"\n",
    );
    let ran = desk.run(&["jira", "--job", "job-1", "--key", "PAY-4711", "--send"]);
    assert!(ran.code == 2 && ran.err.contains("https://"), "{}", ran.err);
}

#[test]
fn names_of_others_bring_no_markup_into_a_ticket() {
    let job = "zqx[code]<b>@all[x|http://e]{html}```";
    let mut story = Story::clean();
    story.job(job, "agent");
    let desk = Desk::of(Told::of(&story));
    for (system, key) in keys() {
        let ran = desk.run(&[system, "--job", job, "--key", &key, "--send"]);
        assert_eq!(ran.code, 0, "{system}: {}", ran.err);
    }
    let held = desk.trackers.held();
    let summary = held.links[0]["object"]["summary"].as_str().expect("a summary");
    assert!(summary.contains("zqx\\[code\\]<b>\\@all\\[x\\|"), "{summary}");
    assert!(!held.journal[0].contains("[code]") && held.journal[0].contains("zqx[ code]"), "{}", held.journal[0]);
    assert_eq!(held.statuses[0]["description"], "Agent change evidence: verified", "a status names nobody");
    let note = &held.notes[0].1;
    assert!(note.contains("\n````text\n") && note.contains("\n````\n"), "a longer fence than is inside: {note}");
}

#[test]
fn a_note_of_somebody_else_with_our_marker_is_left_alone() {
    let desk = Desk::of(Told::of(&Story::clean()));
    let send = || desk.run(&["gitlab", "--job", "job-1", "--key", "shop/payments!12", "--send"]);
    assert_eq!(send().code, 0);
    let ours = desk.trackers.held().notes[0].1.clone();
    for _ in 0..25 {
        desk.trackers.held().notes.insert(0, (99, ours.clone()));
    }
    let ran = send();
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(desk.trackers.held().notes.len(), 26, "found on the third page, and edited");
}

#[test]
fn follow_sends_again_when_the_verdict_changes_and_not_before() {
    let (story, told) = first_part();
    let desk = Desk::of(told);
    let args = ["servicenow", "--job", "job-1", "--key", SYS_ID, "--send", "--follow", "--interval", "1"];
    let mut child = desk.command(&args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it runs");
    let wait = |notes: usize| {
        let began = Instant::now();
        while desk.trackers.held().journal.len() < notes {
            assert!(began.elapsed() < Duration::from_secs(60), "{notes} notes");
            std::thread::sleep(Duration::from_millis(50));
        }
    };
    wait(1);
    std::thread::sleep(Duration::from_millis(2_500));
    assert_eq!(desk.trackers.held().journal.len(), 1, "nothing changed");
    desk.told.tell_steps(&story, story.at("sync receipt")..story.steps.len());
    wait(2);
    let _ = child.kill();
    let _ = child.wait();
    assert!(desk.trackers.held().journal[1].contains("verified"), "{:?}", desk.trackers.held().journal);
}
