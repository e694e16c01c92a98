//! What holds for every log the audit reads.

use pulselog::audit::{RULE_GROUPS, audit};

use crate::audit_make::{Story, operator};

#[test]
fn two_readers_of_the_same_log_get_the_same_bytes() {
    let story = Story::clean();
    let text = || serde_json::to_string(&story.audit()).expect("json");
    assert_eq!(text(), text());
}
