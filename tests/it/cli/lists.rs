//! `show` on what a reader is handed beside artifacts, and `submit` on lines
//! that no log would take.

use crate::cli::{run, run_with};
use crate::make::project;
#[cfg(feature = "server")]
use crate::make::shell::Shell;

#[test]
fn show_reads_trust_policies_and_packets() {
    let packet = project("tests/golden/earlier/2026-11-24/packet");
    let at = |name: &str| packet.join(name).to_str().expect("UTF-8").to_owned();
    let policy = run(&["show", &at("trust.policy")]);
    assert_eq!(policy.code, 0, "{}", policy.err);
    assert!(policy.out.contains("Trust policy") && policy.out.contains("Believes log"), "{}", policy.out);
    assert!(policy.out.contains("none: the log's own signature is enough"), "{}", policy.out);
    for path in [at("packet.json"), packet.to_str().expect("UTF-8").to_owned()] {
        let shown = run(&["show", &path]);
        assert_eq!(shown.code, 0, "{path}: {}", shown.err);
        assert!(shown.out.starts_with("Packet (not verified"), "{}", shown.out);
        assert!(shown.out.contains("20-proof_bundle.json") && shown.out.contains("SHA-256 "), "{}", shown.out);
        let json: serde_json::Value = serde_json::from_str(&run(&["show", "--json", &path]).out).expect("JSON");
        assert_eq!(json["refused"], false);
    }
    let other = tempfile::tempdir().expect("a directory");
    let ran = run(&["show", other.path().to_str().expect("UTF-8")]);
    assert!(ran.code == 2 && ran.err.contains("packet.json") && ran.err.lines().count() == 1, "{}", ran.err);
    for broken in [&b"log x\n"[..], b"quorum none\nquorum none\n", b"witness a b\nquorum a\n"] {
        let ran = run_with(&["show", "-"], broken);
        assert_eq!((ran.code, ran.err.lines().count()), (1, 1), "{}", ran.err);
        assert!(ran.err.contains("line") || ran.err.contains("quorum"), "{}", ran.err);
    }
}

#[cfg(feature = "server")]
#[test]
fn a_line_or_file_that_no_log_takes_is_refused_once_and_the_others_go_on() {
    use crate::house::readme::{Serving, free_port};
    let (shell, port) = (Shell::new(), free_port());
    assert_eq!(shell.run("pulselog init log --origin log.example").code, 0);
    let serving = Serving::start(&shell, "pulselog serve log", port);
    let good = project("tests/golden/artifacts/approval/good.json");
    let lines = format!(
        "mkdir in; tr -d '\\n' < {good} > one; \
         (cat one; echo; printf '{{\"a\":\"'; head -c 150000000 /dev/zero | tr '\\0' x; echo '\"}}'; echo '{{}}') > in/b.ndjson; \
         (head -c 70000000 /dev/zero | tr '\\0' ' ') > in/a.json; \
         pulselog submit --url http://127.0.0.1:{port} --token-file log/operator.token in",
        good = good.display()
    );
    let ran = shell.run(&lines);
    assert_eq!(
        (ran.code, ran.out.as_str()),
        (1, "1 logged, 0 known before, 3 refused; every proof was verified\n"),
        "{}",
        ran.err
    );
    let refused: Vec<_> = ran.err.lines().filter(|line| line.starts_with("refused")).collect();
    assert_eq!(refused.len(), 3, "{}", ran.err);
    for place in ["in/a.json: ", "in/b.ndjson:2: "] {
        let line = refused.iter().find(|line| line.contains(place)).unwrap_or_else(|| panic!("{place}: {}", ran.err));
        assert!(line.contains("[artifact_too_large]"), "{line}");
    }
    assert!(refused.iter().any(|line| line.contains("in/b.ndjson:3: ")), "{}", ran.err);
    serving.stop();
}
