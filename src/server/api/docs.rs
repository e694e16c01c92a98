//! The reference, made from the tables: docs/API.md.

use std::fmt::Write;

use crate::codes::Code;
use crate::server::answered::status_of;
use crate::server::api::problem::codes;
use crate::server::api::{COMMON_CODES, ROUTES, STORE_CODES, SUBMIT_CODES};

mod fields;

/// Media type of a page.
pub const HTML: &str = "text/html; charset=utf-8";

/// docs/API.md, whole.
#[must_use]
pub fn reference() -> String {
    let mut page = String::from(INTRODUCTION);
    routes(&mut page);
    fields::write(&mut page);
    code_table(&mut page);
    page
}

const INTRODUCTION: &str = "\
# API reference

Made from the tables in `src/server/api.rs`, `src/server/api/wire.rs` and `src/codes`; a test compares.

- Writing needs `Authorization: Bearer plg_…`; reading needs nothing. TLS is the proxy's.
- What is no HTTP, or beyond the bounds of a head (16 KiB in all, 100 lines), is answered without a code, with \
  400, 414 or 431, and an address that holds too many connections with 429; the connection closes.
- Every answer speaks about the newest *published* checkpoint. What was answered 201 is covered by one.
- What is answered about one size never changes; how many entries the log proves beyond it by now stands in the \
header `Pulselog-Beyond`, never in the document. What only a clock knows stands beside it too: since when something that \
is pending at the newest size is past its time (`Pulselog-Overdue-Since`).
- `/b/{digest}` and `/jobs/{id}`, the pages that tickets link, answer in other forms by suffix, by `?format=` or by \
`Accept`: `.json` the report of `/v1/bundles/{digest}/report` or `/v1/jobs/{id}`, `.txt` and `.md` a note with verdicts, \
coverage, acts and the command that judges again, `.svg` a badge. The id is one percent-encoded segment; a job that is \
called as the whole segment comes before a suffix. `?at=` takes published sizes; for another, 404 names the nearest two.
- `/apps/{instance}/{namespace}/{name}`, `/pulses/{digest}` (the report is of the pulse's run) and `/incidents` (of its \
whole scope, the note's acts of its time; no badge) have the same forms.
- A query parameter that a route does not know refuses. Lists are read by cursor: `after`, `limit`, and `next` in the answer.
- `Accept: text/plain` (or a browser) gets C2SP text where a route has it, `Accept: application/json` gets JSON.
- Limits (settings of the same names): artifact 2 MiB, single body 4 MiB, batch 16 MiB or 4,096 lines, 30 s a request. \
Where an answer has `Retry-After`, wait so long and send the same again: the same artifact is never logged twice. \
An answer without it stays as it is until somebody does something about it.

";

fn routes(page: &mut String) {
    page.push_str("## Routes\n\n");
    for route in ROUTES {
        let _ = writeln!(page, "### `{} {}`\n\n{}\n", route.method, route.path, route.summary);
        if let Some(media) = route.takes {
            let token = if route.token { ", with a token" } else { "" };
            let _ = writeln!(page, "Takes `{media}`{token}.\n");
        }
        if !route.query.is_empty() {
            page.push_str("| parameter | takes | required | meaning |\n|---|---|---|---|\n");
            for param in route.query {
                let takes = param.takes.words();
                let required = if param.required { "yes" } else { "no" };
                let _ = writeln!(page, "| `{}` | {takes} | {required} | {} |", param.name, param.meaning);
            }
            page.push('\n');
        }
        for answer in route.answers {
            let shape = answer.shape.map(|s| format!(" [{s}](#{})", s.to_ascii_lowercase())).unwrap_or_default();
            let media = if answer.media.is_empty() { String::new() } else { format!(" `{}`", answer.media) };
            let _ = writeln!(page, "- {}{media}{shape}, `Cache-Control: {}`", answer.status, answer.cache);
            for (name, meaning) in answer.headers {
                let _ = writeln!(page, "- header `{name}`: {meaning}");
            }
        }
        if !route.codes.is_empty() && route.codes != SUBMIT_CODES {
            let _ = writeln!(page, "- codes: {}", list(route.codes));
        }
        if route.shows {
            page.push_str("- passes the access check\n");
        }
        page.push('\n');
    }
    let _ = writeln!(
        page,
        "Every route may answer {}. Routes that read the store may answer {}, and `access_closed` (a page, the \
         same bytes at every address) where they pass the access check of a closed log. Submissions may answer {}, and every code of admission.\n",
        list(COMMON_CODES),
        list(STORE_CODES),
        list(SUBMIT_CODES)
    );
}

fn list(codes: &[&Code]) -> String {
    codes.iter().map(|code| format!("`{code}`")).collect::<Vec<_>>().join(", ")
}

fn code_table(page: &mut String) {
    page.push_str("## Codes\n\n| code | status | meaning |\n|---|---|---|\n");
    for row in codes() {
        let _ = writeln!(page, "| `{}` | {} | {} |", row.name, status_of(row).as_u16(), row.means);
    }
}
