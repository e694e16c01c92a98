//! `/docs/verify`: how to check this log without this server.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use crate::server::pages::reader::Shell;
use crate::server::pages::{Answer, Handles, serve};

#[derive(Template)]
#[template(path = "docs_verify.html")]
struct VerifyPage {
    shell: Shell,
    base: String,
    vkey: String,
}

/// In place of a key, where the page is of no log.
const OF_LOG: &str = "THE KEY OF THE LOG";

pub(in crate::server::pages) async fn page(State(handles): State<Handles>) -> Response {
    serve(handles, |reader| {
        let shell = reader.shell_of_docs("Verify alone");
        let page = VerifyPage {
            base: reader.base_of_docs(),
            vkey: if shell.is_bare { OF_LOG.to_owned() } else { reader.facts.vkey.clone() },
            shell,
        };
        Ok(Answer::Page(page.render()?))
    })
    .await
}
