//! Golden logs about what Argo CD reports beside what was decided, and about
//! accounts of one act that cannot all be true.

use pulselog::artifact::json::Value;
use pulselog::audit::Verdict::{Fail, Incomplete, Pass};

use crate::audit::goldens::{Golden, golden};
use crate::make::audit::{POLICY, START_MS, Story, time};
use crate::make::{hex, value};

const CLUSTER: &str = "https://kubernetes.default.svc";

/// What the operator knows of the instance.
fn instance(closed: bool, server: &str) -> Value<'static> {
    value(&format!(
        r#"[{{"instance":"argocd-prod","closed_writes":{closed},"humans_complete":false,
        "clusters":[{{"name":"in-cluster","server":"{server}"}}]}}]"#
    ))
}

/// Nobody but Argo CD can write its applications, from the beginning.
pub fn closed(story: &mut Story) {
    story.set("roots", "instances", instance(true, CLUSTER));
}

fn revisions(of: &str) -> Value<'static> {
    Value::Array(vec![hex(of)[..40].into()])
}

/// Decided and approved as a dry run; what was seen is left as it is.
fn dry(story: &mut Story) {
    story.set("ok", "binds.params", value(r#"{"dry_run":true}"#));
    story.set("sync", "binds.params", value(r#"{"dry_run":true}"#));
}

fn seen_dry(story: &mut Story) {
    story.set("seen", "params", value(r#"{"dry_run":true}"#));
}

/// The observation calls the cluster by name.
fn by_name(story: &mut Story) {
    story.set("seen", "destination", value(r#"{"name":"in-cluster","namespace":"prod-canary"}"#));
}

fn says(story: &mut Story, outcome: &str) {
    story.set("sync receipt", "outcome", outcome);
}

/// The receipt of the sync names no operation: only the observation knows it.
fn says_alone(story: &mut Story, outcome: &str) {
    says(story, outcome);
    story.unset("sync receipt", "op_key");
}

/// A second receipt of the sync, of another operation or of the same.
fn accepted_twice(story: &mut Story) {
    story.receipt("sync again", "sync", "accepted", Some("sync"));
    story.last_after("sync receipt");
}

/// The same operation once more, by the other channel.
fn polled(story: &mut Story) {
    story.observe("polled", "sync", "sync", true);
    story.set("polled", "channel", "poll");
}

/// The sync as a change of automated sync, which the policy allows with an
/// approval: as approved, decided and reported.
fn switched(story: &mut Story, approved: &str, decided: &str, reported: Option<&str>) {
    *story = Story::under(value(&POLICY.replace(r#""action":"sync""#, r#""action":"set_auto_sync""#)), &[]);
    for (name, path) in [("ok", "binds.action"), ("sync", "binds.action"), ("seen", "action")] {
        story.set(name, path, "set_auto_sync");
    }
    story.set("ok", "binds.params.auto_sync", approved);
    story.set("sync", "binds.params.auto_sync", decided);
    story.set("seen", "action_certainty", "stated");
    reported.into_iter().for_each(|way| story.set("seen", "params.auto_sync", way));
}

fn denied_and_seen(story: &mut Story) {
    story.observe("edited", "edit", "edit_app_spec", true);
    story.last_after("edit");
}

pub static ROWS: &[Golden] = &[
    golden(
        "the operation went to another address",
        |story| story.set("seen", "destination.server", "https://kubernetes.default.svc:6443"),
        &["OBSERVED_UNLIKE_DECIDED"],
        Fail,
    )
    .beside(|story| story.set("seen", "destination.server", "https://Kubernetes.default.svc:443/")),
    golden(
        "the roots know the cluster by another address",
        |story| {
            by_name(story);
            story.set("roots", "instances", instance(false, "https://kubernetes.default.svc:6443"));
        },
        &["OBSERVED_UNLIKE_DECIDED"],
        Fail,
    )
    .beside(|story| {
        by_name(story);
        story.set("roots", "instances", instance(false, "https://KUBERNETES.default.svc/"));
    }),
    golden("a dry run was decided and a deployment is reported", dry, &["OBSERVED_UNLIKE_DECIDED"], Fail).beside(
        |story| {
            dry(story);
            seen_dry(story);
        },
    ),
    golden("a deployment was decided and a dry run is reported", seen_dry, &["OBSERVED_UNLIKE_DECIDED"], Fail),
    golden(
        "automated sync was approved on and decided off",
        |story| switched(story, "on", "off", Some("off")),
        &["APPROVAL_UNEQUAL"],
        Fail,
    )
    .beside(|story| switched(story, "off", "off", Some("off"))),
    golden(
        "automated sync was decided on and is reported off",
        |story| switched(story, "on", "on", Some("off")),
        &["OBSERVED_UNLIKE_DECIDED"],
        Fail,
    )
    .beside(|story| switched(story, "on", "on", None)),
    golden(
        "another revision was asked for",
        |story| story.set("seen", "revisions.requested", revisions("another")),
        &["OBSERVED_UNLIKE_DECIDED"],
        Fail,
    )
    .beside(|story| story.set("seen", "revisions.requested", revisions("revision"))),
    golden(
        "another revision was resolved",
        |story| story.set("seen", "revisions.resolved", revisions("another")),
        &["CONTRADICTING_ACCOUNTS", "OBSERVED_UNLIKE_DECIDED"],
        Fail,
    )
    .beside(|story| story.unset("seen", "revisions.resolved")),
    golden(
        "another revision was deployed",
        |story| story.set("seen", "revisions.deployed", revisions("another")),
        &["CONTRADICTING_ACCOUNTS", "OBSERVED_UNLIKE_DECIDED"],
        Fail,
    )
    .beside(|story| {
        story.set("seen", "phase", "Running");
        story.unset("seen", "revisions.deployed");
    }),
    golden(
        "a rollback deployed another revision",
        |story| story.set("back seen", "revisions.deployed", revisions("another")),
        &["CONTRADICTING_ACCOUNTS", "OBSERVED_UNLIKE_DECIDED"],
        Fail,
    )
    .runs(&[("agent", "r1", Pass), ("agent", "r2", Fail)])
    .beside(|story| story.set("back seen", "history_id", 43_u32)),
    golden(
        "one source more was deployed than decided",
        |story| {
            let two = Value::Array(vec![hex("revision")[..40].into(), hex("more")[..40].into()]);
            story.set("seen", "revisions.deployed", two);
        },
        &["CONTRADICTING_ACCOUNTS", "OBSERVED_UNLIKE_DECIDED"],
        Fail,
    ),
    golden(
        "a read was decided and a sync is seen",
        |story| {
            closed(story);
            story.observe("read seen", "read", "sync", true);
            story.last_after("read receipt");
        },
        &["OBSERVED_UNLIKE_DECIDED"],
        Fail,
    ),
    golden(
        "a sync is seen where a read was decided, and anybody could have written it",
        |story| {
            story.observe("read seen", "read", "sync", true);
            story.last_after("read receipt");
        },
        &["OBSERVED_UNLIKE_DECIDED"],
        Incomplete,
    ),
    golden(
        "a second operation holds the decision's digest, and anybody could have written it",
        |story| {
            story.observe("twice", "sync", "sync", true);
            story.set("twice", "operation_digest", hex("another operation"));
            story.set("twice", "started_at", time(START_MS + 1_200_000));
            story.set(
                "twice",
                "resource_counts",
                value(r#"[{"namespace":"kube-system","status":"Synced","count":1}]"#),
            );
        },
        &["POLICY_NONCOMPLIANT", "REPLAY_DECISION_REUSED", "TOKEN_REVOKED"],
        Incomplete,
    ),
    golden("a cluster by name here, by address there", by_name, &["CLUSTER_NOT_COMPARED"], Incomplete).beside(
        |story| {
            by_name(story);
            story.roots_again("known", "instances", instance(false, CLUSTER));
        },
    ),
    golden(
        "only later roots say that the cluster is another",
        |story| {
            by_name(story);
            story.roots_again("known", "instances", instance(false, "https://other.example"));
        },
        &["CLUSTER_NOT_COMPARED"],
        Incomplete,
    ),
    golden(
        "the cluster moved after the sync, and the roots followed",
        |story| {
            by_name(story);
            story.set("roots", "instances", instance(false, CLUSTER));
            story.roots_again("moved", "instances", instance(false, "https://other.example"));
        },
        &[],
        Pass,
    )
    .runs(&[("agent", "r1", Pass), ("agent", "r2", Pass)]),
    golden(
        "not sent, and Argo CD reports it where writes are closed",
        |story| {
            closed(story);
            says(story, "not_sent");
        },
        &["CONTRADICTING_ACCOUNTS"],
        Fail,
    )
    .beside(|story| {
        says_alone(story, "not_sent");
        story.remove("seen");
    }),
    golden(
        "refused, and Argo CD reports it where writes are closed",
        |story| {
            closed(story);
            says_alone(story, "refused_rbac");
        },
        &["CONTRADICTING_ACCOUNTS"],
        Fail,
    )
    .beside(closed),
    golden(
        "refused, and anybody could have written what Argo CD reports",
        |story| {
            says_alone(story, "refused_rbac");
            story.set("seen", "destination.namespace", "prod");
        },
        &["CONTRADICTING_ACCOUNTS"],
        Incomplete,
    ),
    golden(
        "writes were closed only after it was seen",
        |story| {
            says_alone(story, "refused_rbac");
            story.roots_again("known", "instances", instance(true, CLUSTER));
        },
        &["CONTRADICTING_ACCOUNTS"],
        Incomplete,
    ),
    golden(
        "denied, and Argo CD reports the operation where writes are closed",
        |story| {
            closed(story);
            denied_and_seen(story);
        },
        &["CONTRADICTING_ACCOUNTS"],
        Fail,
    )
    .beside(|story| {
        closed(story);
        denied_and_seen(story);
        story.set("edited", "initiator.username", "sre");
    }),
    golden("denied, and anybody could have written it", denied_and_seen, &["CONTRADICTING_ACCOUNTS"], Incomplete),
    golden(
        "denied without a token, and Argo CD reports the operation",
        |story| {
            closed(story);
            denied_and_seen(story);
            for grounds in ["cst", "run_id"] {
                story.unset("edit", grounds);
            }
        },
        &["CONTRADICTING_ACCOUNTS"],
        Fail,
    )
    .beside(|story| ["cst", "run_id"].into_iter().for_each(|grounds| story.unset("edit", grounds))),
    golden(
        "one call, two operations by its receipts",
        |story| {
            accepted_twice(story);
            story.set("sync again", "op_key", hex("another"));
        },
        &["CONTRADICTING_ACCOUNTS"],
        Fail,
    )
    .beside(accepted_twice),
    golden(
        "denied, and sent without knowing what came of it",
        |story| story.receipt("edit receipt", "edit", "error_transport", None),
        &["DENY_THEN_ACCEPTED"],
        Fail,
    )
    .beside(|story| story.receipt("edit receipt", "edit", "refused_rbac", None)),
    golden(
        "two operations of one key that made two entries of the history",
        |story| {
            polled(story);
            story.set("seen", "history_id", 42_u32);
            story.set("polled", "history_id", 43_u32);
        },
        &["REPLAY_DECISION_REUSED"],
        Fail,
    )
    .beside(polled),
    golden(
        "two operations that started in one second",
        |story| {
            closed(story);
            polled(story);
            story.set("polled", "operation_digest", hex("another operation"));
        },
        &["REPLAY_DECISION_REUSED"],
        Fail,
    )
    .beside(|story| {
        polled(story);
        for gone in ["operation_digest", "op_key"] {
            story.unset("polled", gone);
        }
        story.set("polled", "channel", "k8s_event");
        story.set("roots", "observers[0].channels", value(r#"["notify","poll","k8s_event"]"#));
    }),
];
