//! Who is there, under which policies, and whose word counts.

use super::json::Json;
use super::sealed::{MONDAY_MS, hex_of, nonce};
use super::world::{Agent, App, HOUR, INSTANCE, MINUTE, Op, World};

pub const PEOPLE: usize = 12;
pub const APPROVERS: usize = 3;
/// A user of the installation whom the roots list only where they list all.
pub const CI: &str = "ci-runner";

pub fn person(at: usize) -> String {
    format!("person-{at}")
}

/// Applications, agents, roots and policies, logged before the week begins.
pub fn set_up(world: &mut World) {
    let projects = (world.shape.apps / 25).max(2);
    for at in 0..world.shape.apps {
        let name = format!("app-{at:03}");
        world.apps.push(App {
            uid: hex_of(&format!("{} {name}", world.shape.seed))[..36].to_owned(),
            project: format!("team-{}", at % projects),
            namespace: format!("prod-{}", at % projects),
            auto: at / projects % 5 >= 3,
            is_of_set: at / projects % 5 == 4,
            busy: Vec::new(),
            ops: Vec::new(),
            flips: Vec::new(),
            spec_changes: Vec::new(),
            name,
        });
        first_sync(world, at);
    }
    let shares = world.shape.plants.iter().any(|(kind, _)| kind.name == "shared_name");
    for at in 0..world.shape.agents {
        // Two agents under one name, where that is planted.
        let of = if shares && at == 1 { 0 } else { at };
        let project = of % projects;
        let apps: Vec<usize> = (0..world.shape.apps).filter(|app| app % projects == project).take(10).collect();
        let name = format!("agent-{at}");
        let agent = Agent {
            did: world.keys.did(&name),
            name,
            wrapper: format!("wrapper-{at}"),
            username: format!("proj:team-{project}:agent-{of}"),
            apps,
            asks: at % 2 == 0,
            packs: at % 4 >= 2,
            policy: String::new(),
        };
        let text = policy(world, &agent);
        world.agents.push(agent);
        let (sealed, _) = world.say(MONDAY_MS - HOUR, "work_policy_contract", "registry", text);
        world.agents[at].policy = sealed.hash_b64u;
    }
    roots(world);
}

/// What Argo CD did before anybody listened.
fn first_sync(world: &mut World, app: usize) {
    let revision = world.apps[app].first_revision();
    let op = Op {
        app,
        user: person(app % PEOPLE),
        asked: MONDAY_MS - 48 * HOUR + app as i64 * MINUTE,
        deployed: revision.clone(),
        revision,
        phase: "Succeeded",
        ..Op::default()
    };
    world.ask(op, 5).expect("the first");
}

fn policy(world: &World, agent: &Agent) -> Json {
    let names: Vec<&str> = agent.apps.iter().map(|app| world.apps[*app].name.as_str()).collect();
    let mut namespaces: Vec<&str> = agent.apps.iter().map(|app| world.apps[*app].namespace.as_str()).collect();
    namespaces.dedup();
    let row = |action: &str| {
        let row = Json::map([
            ("action", action.into()),
            ("apps", names.clone().into()),
            ("namespaces", namespaces.clone().into()),
        ]);
        if agent.asks && action != "read" { row.with("require_approval", true) } else { row }
    };
    let deny = |action: &str| Json::map([("action", action.into())]);
    Json::map([
        ("wpc_version", "v1".into()),
        (
            "workload",
            Json::map([
                ("runtime", "openclaw".into()),
                ("agent_name", (&agent.name).into()),
                ("environment", "prod".into()),
            ]),
        ),
        (
            "tools",
            Json::map([(
                "argo_cd",
                Json::map([
                    ("mode", "official_api".into()),
                    ("allow", ["read", "sync", "rollback", "set_auto_sync"].map(row).to_vec().into()),
                    ("deny", ["edit_app_spec", "manage_projects", "cluster_admin"].map(deny).to_vec().into()),
                ]),
            )]),
        ),
        (
            "token",
            Json::map([(
                "cst",
                Json::map([
                    ("max_ttl_seconds", 3_600.into()),
                    ("scope_hash_required", true.into()),
                    ("policy_hash_pinning", "required".into()),
                ]),
            )]),
        ),
        (
            "audit",
            Json::map([("require_gateway_receipts", agent.packs.into()), ("produce_proof_bundle", agent.packs.into())]),
        ),
    ])
}

fn roots(world: &mut World) {
    let agents: Vec<Json> = (0..world.agents.len()).map(|at| agent_row(world, at)).collect();
    let wrappers: Vec<Json> = (0..world.agents.len())
        .map(|at| {
            let (wrapper, agent) = (world.agents[at].wrapper.clone(), world.agents[at].name.clone());
            let agents = vec![world.keys.did(&agent)];
            Json::map([("did", world.keys.did(&wrapper).into()), ("agents", agents.into())])
        })
        .collect();
    let approvers: Vec<Json> = (0..APPROVERS)
        .map(|at| {
            let did = world.keys.did(&format!("approver-{at}"));
            Json::map([("did", did.into()), ("instances", vec![INSTANCE].into())])
        })
        .collect();
    let observers: Vec<Json> =
        [("receiver", vec!["notify"]), ("poller", vec!["poll", "k8s_event"]), ("log-reader", vec!["server_log"])]
            .into_iter()
            .map(|(who, channels)| {
                Json::map([("submitter", who.into()), ("instance", INSTANCE.into()), ("channels", channels.into())])
            })
            .collect();
    let mut listed: Vec<String> = (0..PEOPLE).map(person).collect();
    if world.shape.complete {
        listed.push(CI.to_owned());
        listed.push("applicationset-controller".to_owned());
    }
    let user = |name: &String| Json::map([("instance", INSTANCE.into()), ("username", name.into())]);
    let humans: Vec<Json> = listed.iter().map(user).collect();
    let instance = Json::map([
        ("instance", INSTANCE.into()),
        ("closed_writes", world.shape.closed.into()),
        ("humans_complete", world.shape.complete.into()),
        ("clusters", Json::List(vec![])),
    ]);
    let mut one = |who: &str| Json::from(vec![world.keys.did(who)]);
    let payload = Json::map([
        ("audit_roots_version", "1".into()),
        ("nonce", nonce("roots").into()),
        ("origin", "log.example/week".into()),
        ("policy_signers", one("registry")),
        ("cst_issuers", one("issuer")),
        ("cst_revokers", one("issuer")),
        ("gateways", one("gateway")),
        ("reviewers", Json::List(vec![])),
        ("recorders", one("recorder")),
        ("approvers", approvers.into()),
        ("wrappers", wrappers.into()),
        ("observers", observers.into()),
        ("agents", agents.into()),
        ("humans", humans.into()),
        ("instances", vec![instance].into()),
        ("distrusted", Json::List(vec![])),
    ]);
    // Before the policies: their signer has the role when they come.
    world.say(MONDAY_MS - 2 * HOUR, "audit_roots", "operator", payload);
}

fn agent_row(world: &mut World, at: usize) -> Json {
    let did = world.keys.did(&world.agents[at].name.clone());
    let agent = &world.agents[at];
    let user = Json::map([("instance", INSTANCE.into()), ("username", (&agent.username).into())]);
    Json::map([
        ("did", did.into()),
        ("default_policy", (&agent.policy).into()),
        ("policies", vec![&agent.policy].into_iter().cloned().collect::<Vec<String>>().into()),
        ("usernames", vec![user].into()),
    ])
}
