//! `/docs`: how to read a proof, how to verify alone, what the API is, what every
//! code means. Nothing here is of the log but what every page's header says, and
//! at a closed log not even that: anybody may read these pages there.

pub(super) mod api;
pub(super) mod errors;
pub(super) mod proofs;
pub(super) mod verify;

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use crate::server::pages::reader::Shell;
use crate::server::pages::{Answer, Handles, serve};

#[derive(Template)]
#[template(path = "docs.html")]
struct DocsPage {
    shell: Shell,
}

pub(super) async fn page(State(handles): State<Handles>) -> Response {
    serve(handles, |reader| {
        let shell = reader.shell_of_docs("How to read this log");
        Ok(Answer::Page(DocsPage { shell }.render()?))
    })
    .await
}
