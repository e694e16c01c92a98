//! Resources of version 2 statements as places of one project: only exact
//! ones become lines, since `*` of RBAC matches a slash where that of a
//! statement does not (PEERS 6.6, 7.12).

use crate::policy::Glob;

/// Where a resource lies, seen from one project of one instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place<'a> {
    Exact {
        namespace: &'a str,
        app: &'a str,
    },
    /// It may match applications of this project that it does not name.
    Pattern,
    /// It matches none of them.
    Elsewhere,
}

/// What every resource of this sort begins with.
const ARGO: &str = "argocd/";

pub(super) fn place_of<'a>(resource: &'a str, instance: &str, project: &str) -> Place<'a> {
    if resource == "*" {
        return Place::Pattern;
    }
    if resource.contains("**") {
        return if may_begin(resource, &format!("{ARGO}{instance}/{project}/")) {
            Place::Pattern
        } else {
            Place::Elsewhere
        };
    }
    // Without `**`, a slash is matched by a slash alone.
    let parts: Vec<_> = resource.split('/').collect();
    let [argo, on, of, namespace, app] = parts[..] else { return Place::Elsewhere };
    let is = |pattern: &str, name: &str| Glob::new(pattern).matches(name);
    match is(argo, ARGO.trim_end_matches('/')) && is(on, instance) && is(of, project) {
        false => Place::Elsewhere,
        true if has_wildcard(namespace) || has_wildcard(app) => Place::Pattern,
        true => Place::Exact { namespace, app },
    }
}

/// Whether what a resource matches on Argo CD may depend on the instance.
pub(super) fn asks_instance(resource: &str) -> bool {
    match resource.strip_prefix(ARGO) {
        Some(rest) => !(rest.starts_with("*/") || rest == "**"),
        None => resource != "*" && resource != "**" && may_begin(resource, ARGO),
    }
}

/// Whether a match of the pattern may begin with `text`, judged by what stands
/// before its first wildcard.
fn may_begin(pattern: &str, text: &str) -> bool {
    let before = pattern.split(['*', '?']).next().unwrap_or_default();
    text.starts_with(before) || before.starts_with(text)
}

fn has_wildcard(text: &str) -> bool {
    text.contains(['*', '?'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_exact_places_patterns_and_other_places() {
        let exact = |namespace, app| Place::Exact { namespace, app };
        for (resource, place) in [
            ("argocd/prod/payments/canary/api", exact("canary", "api")),
            ("argocd/*/payments/canary/api", exact("canary", "api")),
            ("argocd/p?od/pay*/canary/api", exact("canary", "api")),
            ("argocd/prod/payments/canary/[ab]", exact("canary", "[ab]")),
            ("argocd/prod/payments/canary/api-*", Place::Pattern),
            ("argocd/prod/payments/*/api", Place::Pattern),
            ("argocd/prod/payments/**", Place::Pattern),
            ("argocd/**", Place::Pattern),
            ("**", Place::Pattern),
            ("**/api", Place::Pattern),
            ("*", Place::Pattern),
            ("argocd/prod/billing/**", Place::Elsewhere),
            ("argocd/prod/payments-2/**", Place::Elsewhere),
            ("argocd/staging/payments/canary/api", Place::Elsewhere),
            ("argocd/prod/billing/canary/api", Place::Elsewhere),
            ("argocd/prod/payments/api", Place::Elsewhere),
            ("argocd/*", Place::Elsewhere),
            ("model/**", Place::Elsewhere),
            ("model/openai/gpt-5", Place::Elsewhere),
        ] {
            assert_eq!(place_of(resource, "prod", "payments"), place, "{resource}");
        }
    }

    #[test]
    fn asks_for_the_instance_where_it_may_matter() {
        for asks in
            ["argocd/prod/p/n/a", "argocd/p*/p/n/a", "argocd/**/n/a", "arg*/prod/p/n/a", "**/a", "?rgocd/x/y/z/a"]
        {
            assert!(asks_instance(asks), "{asks}");
        }
        for no in ["*", "**", "argocd/**", "argocd/*/p/n/a", "model/**", "argocd.app.sync"] {
            assert!(!asks_instance(no), "{no}");
        }
    }
}
