//! `/docs/verify`: how to check this log without this server.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use crate::server::pages::preview::Preview;
use crate::server::pages::reader::Shell;
use crate::server::pages::{Answer, Handles, serve};

#[derive(Template)]
#[template(path = "docs_verify.html")]
struct VerifyPage {
    shell: Shell,
    base: String,
    vkey: String,
}

pub(in crate::server::pages) async fn page(State(handles): State<Handles>) -> Response {
    serve(handles, |reader| {
        let shell = reader.shell("Verify alone", &Preview::of("Verify alone"));
        let page = VerifyPage { shell, base: reader.base.clone(), vkey: reader.facts.vkey.clone() };
        Ok(Answer::Page(page.render()?))
    })
    .await
}
