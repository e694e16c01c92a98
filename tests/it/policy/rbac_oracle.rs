//! What Argo CD makes of lines of RBAC, written from its documents and knowing
//! nothing of how the lines are made: casbin with globs that have no separator,
//! some allow and no deny, the default role first; and which rights each call of
//! its API asks.

/// One line, taken apart as Argo CD takes it.
#[derive(Clone, Debug)]
pub struct Rule {
    subject: String,
    resource: String,
    action: String,
    object: String,
    allows: bool,
}

/// What a call asks for: resource, action, object.
pub type Asked = (&'static str, String, String);

impl Rule {
    pub fn parse(line: &str) -> Self {
        let parts: Vec<_> = line.split(',').map(str::trim).collect();
        let ["p", subject, resource, action, object, effect] = parts[..] else { panic!("{line}") };
        assert!(["allow", "deny"].contains(&effect), "{line}");
        let own = str::to_owned;
        Self {
            subject: own(subject),
            resource: own(resource),
            action: own(action),
            object: own(object),
            allows: effect == "allow",
        }
    }

    fn matches(&self, subject: &str, (resource, action, object): &Asked) -> bool {
        self.subject == subject
            && glob(&self.resource, resource)
            && glob(&self.action, action)
            && glob(&self.object, object)
    }
}

/// `*` is any run, slashes too; `?` one character. Classes and alternatives
/// are none of what may be printed.
pub fn glob(pattern: &str, text: &str) -> bool {
    assert!(!pattern.contains(['[', ']', '{', '}', '\\', '!']), "{pattern} is more than a name");
    let mut rest = pattern.chars();
    match rest.next() {
        None => text.is_empty(),
        Some('*') => {
            text.char_indices().map(|(at, _)| at).chain([text.len()]).any(|at| glob(rest.as_str(), &text[at..]))
        }
        Some(first) => {
            let mut tail = text.chars();
            tail.next().is_some_and(|c| first == '?' || first == c) && glob(rest.as_str(), tail.as_str())
        }
    }
}

/// Whether one request passes.
pub fn enforce(rules: &[Rule], default_role: Option<&str>, subject: &str, asked: &Asked) -> bool {
    let passes = |subject: &str| {
        let hits: Vec<_> = rules.iter().filter(|rule| rule.matches(subject, asked)).collect();
        hits.iter().any(|rule| rule.allows) && hits.iter().all(|rule| rule.allows)
    };
    default_role.is_some_and(passes) || passes(subject)
}

/// A call of the API: all that it asks must pass.
pub type Call = Vec<Asked>;

/// The calls that each do what a policy means by `action` on an application, by
/// a version that has the verb `rollback` and enforces it, or that has none.
pub fn calls(action: &str, object: &str, has_rollback: bool) -> Vec<Call> {
    let one = |resource, verb: &str| -> Asked { (resource, verb.to_owned(), object.to_owned()) };
    let app = |verb: &str| one("applications", verb);
    let toggle = "action/argoproj.io/Application/toggle-auto-sync";
    match action {
        "read" => vec![vec![app("get")], vec![app("get"), one("logs", "get")]],
        "refresh" => vec![vec![app("get")]],
        "sync" => vec![vec![app("get"), app("sync")]],
        "rollback" => vec![vec![app(if has_rollback { "rollback" } else { "sync" })]],
        "terminate" => vec![vec![app("sync")]],
        // A PATCH asks get beside update, a PUT does not.
        "set_auto_sync" => vec![vec![app("update")], vec![app(toggle)]],
        "edit_app_spec" => vec![
            vec![app("update")],
            vec![app("update/apps/Deployment/prod/api")],
            vec![app("action/apps/Deployment/restart")],
        ],
        "delete_app" => vec![vec![app("get"), app("delete")]],
        "exec" => vec![vec![app("get"), one("exec", "create")]],
        "manage_projects" => vec![vec![one("projects", "update")]],
        "manage_appsets" => vec![vec![one("applicationsets", "create")]],
        "cluster_admin" => vec![vec![one("clusters", "update")]],
        other => panic!("{other}"),
    }
}

/// Calls that nothing in a policy means.
pub fn other_calls(object: &str) -> Vec<Call> {
    let one = |verb: &str| vec![("applications", verb.to_owned(), object.to_owned())];
    ["create", "override", "delete/apps/Deployment/prod/api", "*"].into_iter().map(one).collect()
}

#[test]
fn the_oracle_knows_what_argo_cd_is_known_to_do() {
    let rules = |lines: &[&str]| lines.iter().map(|line| Rule::parse(line)).collect::<Vec<_>>();
    let asked = |object: &str| ("applications", "sync".to_owned(), object.to_owned());
    let on_all = rules(&["p, s, applications, sync, payments/*, allow"]);
    // Seen: without a separator the star crosses the namespace of the application.
    assert!(enforce(&on_all, None, "s", &asked("payments/team-payments/api")));
    assert!(!enforce(&on_all, None, "other", &asked("payments/api")));
    let denied = rules(&[
        "p, s, applications, sync, payments/api, deny",
        "p, s, applications, sync, payments/*, allow",
        "p, role:open, applications, *, */*, allow",
    ]);
    assert!(!enforce(&denied, None, "s", &asked("payments/api")), "a deny wins, whatever the order");
    assert!(enforce(&denied, None, "s", &asked("payments/web")));
    assert!(enforce(&denied, Some("role:open"), "s", &asked("payments/api")), "nothing denies the default role");
    assert!(!enforce(&[], None, "s", &asked("payments/api")));
    assert!(glob("action/*", "action//Pod/x") && !glob("update", "update/apps/Deployment/n/x") && glob("a?c", "abc"));
}
