//! `/docs/errors`: every code that an answer may carry, where the `type` of a
//! problem leads; and every rule of the audit.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use crate::audit::RULE_GROUPS;
use crate::server::addresses::page as address;
use crate::server::answered::status_of;
use crate::server::api::problem::codes;
use crate::server::pages::finding::Grade;
use crate::server::pages::reader::Shell;
use crate::server::pages::{Answer, Handles, serve};

#[derive(Template)]
#[template(path = "docs_errors.html")]
struct ErrorsPage {
    shell: Shell,
    codes: Vec<CodeRow>,
    rules: Vec<RuleRow>,
}

struct CodeRow {
    code: &'static str,
    href: String,
    status: u16,
    means: &'static str,
    action: &'static str,
}

struct RuleRow {
    code: &'static str,
    href: String,
    title: &'static str,
    action: &'static str,
    severity: Grade,
}

pub(in crate::server::pages) async fn page(State(handles): State<Handles>) -> Response {
    serve(handles, |reader| {
        let code = |row: &'static crate::codes::Code| CodeRow {
            code: row.name,
            href: address::code(row.name),
            status: status_of(row).as_u16(),
            means: row.means,
            action: row.action,
        };
        let rule = |rule: &&'static crate::audit::Rule| RuleRow {
            code: rule.code,
            href: address::code(rule.code),
            title: rule.title,
            action: rule.what_to_do,
            severity: Grade::of(rule.severity),
        };
        let page = ErrorsPage {
            shell: reader.shell_of_docs("Codes"),
            codes: codes().map(code).collect(),
            rules: RULE_GROUPS.iter().copied().flatten().map(rule).collect(),
        };
        Ok(Answer::Page(page.render()?))
    })
    .await
}
