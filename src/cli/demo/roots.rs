//! What the operator of the demo's log says: whose word counts.

use pulselog::artifact::Kind;
use pulselog::artifact::json::Value;

use crate::cli::demo::cast::Cast;
use crate::cli::demo::room::scene as room;
use crate::cli::demo::scene::{self, AGENT_USERNAME, HUMAN_USERNAME, INSTANCE};
use crate::cli::demo::submitters::{NOTIFIER, OBSERVER, POLLER, Submitters};
use crate::cli::demo::value::{now, object, texts};
use crate::cli::failure::Failure;

/// Whose word counts, and under which policy the agent runs.
pub fn audit_roots(cast: &Cast, policy_hash: &str, submitters: &Submitters) -> Result<Value<'static>, Failure> {
    let username = |instance: &str, name: &str| object([("instance", instance.into()), ("username", name.into())]);
    let observer = |role: &str, instance: &str, channels: &[&str]| {
        let name = submitters.name(role).unwrap_or_default();
        object([("submitter", name.into()), ("instance", instance.into()), ("channels", texts(channels))])
    };
    let agent_row = |did: &str, policy: &str, user: Value<'static>| {
        object([
            ("did", did.into()),
            ("default_policy", policy.into()),
            ("policies", texts(&[policy])),
            ("usernames", vec![user].into()),
        ])
    };
    let night_policy = cast.registry.sign(Kind::WorkPolicy, room::work_policy(), &now())?.payload_hash_b64u;
    let (agent, night) = (cast.agent.did(), cast.night_shift.did());
    Ok(object([
        ("origin", scene::ORIGIN.into()),
        ("policy_signers", texts(&[cast.registry.did()])),
        ("cst_issuers", texts(&[cast.issuer.did()])),
        ("cst_revokers", texts(&[cast.issuer.did()])),
        ("gateways", texts(&[cast.gateway.did()])),
        ("reviewers", texts(&[])),
        ("recorders", texts(&[cast.recorder.did()])),
        ("approvers", vec![object([("did", cast.approver.did().into()), ("instances", texts(&[INSTANCE]))])].into()),
        ("wrappers", vec![object([("did", cast.wrapper.did().into()), ("agents", texts(&[agent, night]))])].into()),
        (
            "observers",
            vec![
                observer(OBSERVER, INSTANCE, &["notify", "poll"]),
                observer(NOTIFIER, room::INSTANCE, &["notify"]),
                observer(POLLER, room::INSTANCE, &["poll", "k8s_event"]),
            ]
            .into(),
        ),
        (
            "agents",
            vec![
                agent_row(agent, policy_hash, username(INSTANCE, AGENT_USERNAME)),
                agent_row(night, &night_policy, username(room::INSTANCE, room::USERNAME)),
            ]
            .into(),
        ),
        ("humans", vec![username(INSTANCE, HUMAN_USERNAME), username(room::INSTANCE, HUMAN_USERNAME)].into()),
        ("instances", vec![scene::instance(INSTANCE), scene::instance(room::INSTANCE)].into()),
        ("distrusted", texts(&[])),
    ]))
}
