//! `/findings/{code}`: what a code means, what to do, what it does not prove.
//! The same words as `pulselog explain`.

use askama::Template;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;

use crate::codes::service;
use crate::explain::{explain, nearest};
use crate::server::addresses::page;
use crate::server::pages::finding::{Grade, effect};
use crate::server::pages::preview::Preview;
use crate::server::pages::reader::{Shell, segments};
use crate::server::pages::trouble::Trouble;
use crate::server::pages::{Answer, Handles, serve};

#[derive(Template)]
#[template(path = "code.html")]
struct CodePage {
    shell: Shell,
    code: &'static str,
    meanings: Vec<Meaning>,
}

/// What a code means in one part of the program.
struct Meaning {
    area: &'static str,
    title: &'static str,
    means: String,
    action: String,
    note: Option<&'static str>,
    /// Only rules of the audit have these.
    rule: Option<RuleWords>,
}

struct RuleWords {
    severity: Grade,
    effect: &'static str,
    limits: &'static str,
}

pub(super) async fn page(State(handles): State<Handles>, code: Result<Path<String>, PathRejection>) -> Response {
    serve(handles, move |reader| {
        let asked = segments(code)?;
        let rows = explain(&asked);
        let Some(first) = rows.first() else {
            let trouble = Trouble::new(&service::CODE_UNKNOWN, "This program prints no such code.").about(&asked);
            return Err(trouble.with_nearest(nearest(&asked)));
        };
        if first.code != asked {
            return Ok(Answer::Redirect(page::code(first.code)));
        }
        let meanings = rows.iter().map(|row| Meaning {
            area: row.area,
            title: row.title,
            means: sentence(row.means),
            action: sentence(row.action),
            note: row.note,
            rule: row.rule.map(|rule| RuleWords {
                severity: Grade::of(rule.severity),
                effect: effect(rule.effect),
                limits: rule.does_not_prove,
            }),
        });
        let shell = reader.shell(&format!("{} · {}", first.title, first.code), &Preview::of("What a code means"));
        let page = CodePage { shell, code: first.code, meanings: meanings.collect() };
        Ok(Answer::Page(page.render()?))
    })
    .await
}

/// Rooms write a phrase or a sentence; here it is a sentence.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let mut out: String = chars.next().into_iter().flat_map(char::to_uppercase).chain(chars).collect();
    if !out.ends_with('.') {
        out.push('.');
    }
    out
}
