//! `/docs/api`: every route of the API in one line, from its table.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use crate::server::api::ROUTES;
use crate::server::pages::reader::Shell;
use crate::server::pages::{Answer, Handles, serve};

#[derive(Template)]
#[template(path = "docs_api.html")]
struct ApiPage {
    shell: Shell,
    base: String,
    routes: Vec<RouteRow>,
}

/// One route.
struct RouteRow {
    method: &'static str,
    path: &'static str,
    summary: &'static str,
    query: Vec<&'static str>,
    needs_token: bool,
}

pub(in crate::server::pages) async fn page(State(handles): State<Handles>) -> Response {
    serve(handles, |reader| {
        let row = |route: &'static crate::server::api::Route| RouteRow {
            method: route.method,
            path: route.path,
            summary: route.summary,
            query: route.query.iter().map(|param| param.name).collect(),
            needs_token: route.token,
        };
        let shell = reader.shell_of_docs("The API");
        let page = ApiPage { shell, base: reader.base_of_docs(), routes: ROUTES.iter().map(row).collect() };
        Ok(Answer::Page(page.render()?))
    })
    .await
}
