//! `pulselog wpc rbac`: a policy as the rights of a project role of Argo CD.

use std::fmt::Write as _;

use pulselog::policy::rbac::{
    ArgoVersion, Ask, Broader, Grants, LeftOut, Name, Need, NoGrants, NotAName, RoleName, Unsaid, grants_of,
};
use pulselog::policy::{Lineage, Policy};
use pulselog::verify::plain_text::escape;

use crate::cli::failure::{Exit, Failure};
use crate::cli::wpc::{File, good};
use crate::cli::{print, print_json};

const AFTER: &str = "\
Prints a part of an AppProject: the role with its lines of RBAC, and destinations,
which together allow what the policy allows on Argo CD and nothing more. Comments
name what RBAC cannot say (approvals, prune, force, revisions, the namespace of one
call …), what a line allows beyond the policy, what was left out, and the settings
that all of it rests on. Merge it by hand: applied as it is, it takes the place of
the project's other roles and destinations.

Before 3.6 whoever may sync may roll back. Lines that allow what the policy denies
so are printed only with --accept-broader. Without --argocd-version nothing is taken
for granted that came after 3.0. Names must be exact: no pattern becomes a line.

Examples:
  pulselog wpc rbac policy.json --project payments --role argo-deploy-assistant \\
      --argocd-version 3.6 --server https://kubernetes.default.svc
  pulselog wpc rbac policy.signed.json --project payments --role agent --json | jq -r '.lines[].line'

Exit codes: 0 printed, 1 refused and nothing printed, 2 wrong usage, 3 printed, but
something that the policy allows has no line, or the policy inherits from another.";

/// Print the RBAC lines and destinations that match a work policy and nothing more.
#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub struct Args {
    #[command(flatten)]
    file: File,
    /// Project of Argo CD whose role it is.
    #[arg(long, value_name = "NAME")]
    project: String,
    /// Role of the project that the agent's token is of.
    #[arg(long, value_name = "NAME")]
    role: String,
    /// Version of Argo CD, e.g. 3.6 or v3.5.7.
    #[arg(long, value_name = "VERSION")]
    argocd_version: Option<String>,
    /// Our id of the installation, as the policy calls it, where it speaks of any.
    #[arg(long, value_name = "NAME")]
    instance: Option<String>,
    /// Address of the cluster of the destinations.
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// Print lines that allow more than the policy, too.
    #[arg(long)]
    accept_broader: bool,
}

/// Where a policy's namespaces lie; no cluster has this address.
const SERVER_TO_BE_NAMED: &str = "REPLACE with the address of the cluster";
const SERVER_BYTES_MAX: usize = 1024;

pub fn run(args: &Args) -> Result<Exit, Failure> {
    let wrong = |flag: &str, value: &str, error: NotAName| Failure::usage(format!("{flag} {value}: {error}"));
    let project = Name::parse(&args.project).map_err(|error| wrong("--project", &args.project, error))?;
    let role = RoleName::parse(&args.role).map_err(|error| wrong("--role", &args.role, error))?;
    let instance = args.instance.as_deref();
    let instance =
        instance.map(|text| Name::parse(text).map_err(|error| wrong("--instance", text, error))).transpose()?;
    let version = args.argocd_version.as_deref();
    let version = version
        .map(|text| ArgoVersion::parse(text).map_err(|error| wrong("--argocd-version", text, error)))
        .transpose()?;
    let server = args.server.as_deref().map(server).transpose()?.unwrap_or(SERVER_TO_BE_NAMED);
    let policy = good(&args.file.file)?;
    let lineage = Lineage::alone(&policy).map_err(|_| {
        let parent = policy.inherits().unwrap_or_default();
        Failure::incomplete(format!(
            "file {}: inherits {parent}, which may deny more and is not at hand; merge both into one policy",
            args.file.file.display()
        ))
    })?;
    let accept_broader = args.accept_broader;
    let ask = Ask { project: &project, role: &role, instance: instance.as_ref(), version, accept_broader };
    let grants = grants_of(&lineage, &ask).map_err(|why| refused(args, &why))?;
    let sheet = Sheet { policy: &policy, ask: &ask, server, grants: &grants };
    if args.file.json {
        print_json(&sheet.to_json())?;
    } else {
        print(&sheet.to_text())?;
    }
    Ok(if grants.left_out.is_empty() { Exit::Pass } else { Exit::Incomplete })
}

/// An address that Argo CD reads as it is and not as a pattern.
fn server(text: &str) -> Result<&str, Failure> {
    let is_exact = |byte: u8| byte.is_ascii_graphic() && !b"*?[]{}!\\\"".contains(&byte);
    if (1..=SERVER_BYTES_MAX).contains(&text.len()) && text.bytes().all(is_exact) {
        return Ok(text);
    }
    let rule = "must be an address such as https://kubernetes.default.svc, without globs or blanks";
    Err(Failure::usage(format!("--server {text}: {rule}")))
}

fn refused(args: &Args, why: &NoGrants) -> Failure {
    let message = |next: &str| format!("file {}: {why}{next}", args.file.file.display());
    match why {
        NoGrants::InstanceNeeded => Failure::usage(message("; give --instance")),
        NoGrants::Broader(_) => Failure::fail(message(
            "; nothing is printed: allow it in the policy, name a later --argocd-version if it is one, or take it with \
             --accept-broader",
        )),
        NoGrants::TooManyPlaces { .. } => Failure::fail(message("; split the policy")),
        NoGrants::NotAName { .. } => Failure::fail(message("; name it exactly")),
        NoGrants::NotGoverned { .. } | NoGrants::NothingAllowed { .. } => Failure::fail(message("")),
    }
}

/// All that is printed.
struct Sheet<'a> {
    policy: &'a Policy,
    ask: &'a Ask<'a>,
    server: &'a str,
    grants: &'a Grants,
}

impl Sheet<'_> {
    fn version(&self) -> String {
        self.ask.version.map_or_else(
            || "an Argo CD whose version is not given: what came after 3.0 is not used".to_owned(),
            |version| format!("Argo CD {version}"),
        )
    }

    /// YAML, in which only checked names and escaped comments stand.
    fn to_text(&self) -> String {
        let (project, role, grants) = (self.ask.project.as_str(), self.ask.role.as_str(), self.grants);
        let mut out = format!("# Rights of proj:{project}:{role} by the work policy {}\n", self.policy.hash());
        // Writing to a String never fails.
        let _ = writeln!(out, "# on {}", self.version());
        let _ =
            writeln!(out, "# To be merged into the project: its other roles and its destinations are not shown here.");
        comments(&mut out, "Allowed beyond the policy", grants.broader.iter().map(Broader::words));
        comments(&mut out, "Left out, though the policy allows it", grants.left_out.iter().map(LeftOut::words));
        comments(&mut out, "RBAC cannot say, so somebody else must see to it", grants.unsaid.iter().map(Unsaid::words));
        let need = |need: &Need| {
            let (map, key) = need.setting();
            format!("{map} {key}: {}", need.words())
        };
        comments(&mut out, "Holds only with", grants.needs.iter().map(need));
        let _ = write!(
            out,
            "apiVersion: argoproj.io/v1alpha1\nkind: AppProject\nmetadata:\n  name: \"{project}\"\nspec:\n  destinations:\n"
        );
        for namespace in &grants.namespaces {
            let _ = write!(out, "    - server: \"{}\"\n      namespace: \"{namespace}\"\n", self.server);
        }
        if !grants.cluster_scoped {
            out.push_str("  clusterResourceWhitelist: []\n");
        }
        let _ = write!(out, "  roles:\n    - name: \"{role}\"\n      policies:\n");
        for line in &grants.lines {
            let _ = writeln!(out, "        - {line}");
        }
        out
    }

    fn to_json(&self) -> serde_json::Value {
        let grants = self.grants;
        let names = |actions: &[pulselog::policy::PolicyAction]| actions.iter().map(|a| a.name()).collect::<Vec<_>>();
        let lines = grants.lines.iter().map(|line| {
            serde_json::json!({
                "line": line.to_string(), "resource": line.resource, "action": line.action, "object": line.object,
                "effect": line.effect.name(), "clauses": line.clauses,
            })
        });
        let destinations =
            grants.namespaces.iter().map(|name| serde_json::json!({"server": self.server, "namespace": name}));
        let broader = grants.broader.iter().map(|one| {
            serde_json::json!({
                "right": one.right.name(), "action": one.action.name(), "apps": one.apps,
                "namespaces": one.namespaces, "everywhere": one.everywhere, "denied_by": one.denied_by,
                "words": one.words(),
            })
        });
        let left_out = grants.left_out.iter().map(|one| {
            serde_json::json!({
                "actions": names(&one.actions), "what": one.what, "clause": one.clause, "why": one.why.name(),
                "words": one.words(),
            })
        });
        let unsaid = grants.unsaid.iter().map(|one| serde_json::json!({"what": one.name(), "words": one.words()}));
        let needs = grants.needs.iter().map(|need| {
            let (map, key) = need.setting();
            serde_json::json!({"config_map": map, "key": key, "words": need.words()})
        });
        serde_json::json!({
            "policy_hash": self.policy.hash().to_string(),
            "subject": format!("proj:{}:{}", self.ask.project.as_str(), self.ask.role.as_str()),
            "argocd_version": self.ask.version.map(|version| version.to_string()),
            "instance": self.ask.instance.map(Name::as_str),
            "lines": lines.collect::<Vec<_>>(),
            "destinations": destinations.collect::<Vec<_>>(),
            "cluster_scoped": grants.cluster_scoped,
            "broader": broader.collect::<Vec<_>>(),
            "left_out": left_out.collect::<Vec<_>>(),
            "not_expressed": unsaid.collect::<Vec<_>>(),
            "needs": needs.collect::<Vec<_>>(),
        })
    }
}

fn comments(out: &mut String, head: &str, lines: impl Iterator<Item = String>) {
    for (at, line) in lines.enumerate() {
        if at == 0 {
            // Writing to a String never fails.
            let _ = writeln!(out, "#\n# {head}:");
        }
        let _ = writeln!(out, "#   - {}", escape(&line));
    }
}
