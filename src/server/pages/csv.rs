//! Rows as a file for a spreadsheet. A cell that a spreadsheet would run is
//! text: it begins with an apostrophe.

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};

/// What a spreadsheet takes for the beginning of a formula, or passes over
/// before one.
const RUNS: [char; 14] =
    ['=', '+', '-', '@', '\t', '\r', '\n', '|', '%', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}', '\u{feff}'];

/// A file of rows.
#[derive(Debug)]
pub(crate) struct Csv {
    name: &'static str,
    text: String,
    /// Address of the rows that follow.
    next: Option<String>,
}

impl Csv {
    /// A file with its head.
    pub(crate) fn new(name: &'static str, head: &[&str]) -> Self {
        let mut csv = Self { name, text: String::new(), next: None };
        csv.row(head.iter().copied());
        csv
    }

    pub(crate) fn row<'a>(&mut self, cells: impl IntoIterator<Item = &'a str>) {
        let cells: Vec<_> = cells.into_iter().map(cell).collect();
        self.text.push_str(&cells.join(","));
        self.text.push_str("\r\n");
    }

    pub(crate) fn with_next(self, next: Option<String>) -> Self {
        Self { next, ..self }
    }

    pub(crate) fn answer(self) -> Response {
        let mut response = self.text.into_response();
        let headers = response.headers_mut();
        let fixed = [
            (header::CONTENT_TYPE, "text/csv; charset=utf-8; header=present"),
            (header::CACHE_CONTROL, "private, no-cache"),
            (header::CONTENT_SECURITY_POLICY, "default-src 'none'"),
            (header::REFERRER_POLICY, "no-referrer"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        ];
        for (name, value) in fixed {
            headers.insert(name, HeaderValue::from_static(value));
        }
        let said = [
            (header::CONTENT_DISPOSITION, Some(format!("attachment; filename=\"{}\"", self.name))),
            (header::LINK, self.next.map(|next| format!("<{next}>; rel=\"next\""))),
        ];
        for (name, value) in said {
            let value = value.and_then(|value| HeaderValue::from_str(&value).ok());
            value.map(|value| headers.insert(name, value));
        }
        response
    }
}

/// One cell: always quoted, never a formula.
fn cell(text: &str) -> String {
    let mark = if text.trim_start_matches(' ').starts_with(RUNS) { "'" } else { "" };
    format!("\"{mark}{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula_or_leaves_its_place() {
        for (text, shown) in [
            ("job-1", "\"job-1\""),
            ("=1+1", "\"'=1+1\""),
            ("  =HYPERLINK(\"http://x\")", "\"'  =HYPERLINK(\"\"http://x\"\")\""),
            ("+1", "\"'+1\""),
            ("-1", "\"'-1\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("\t=1", "\"'\t=1\""),
            ("\u{ff1d}1", "\"'\u{ff1d}1\""),
            ("a\",\"=1", "\"a\"\",\"\"=1\""),
            ("", "\"\""),
        ] {
            assert_eq!(cell(text), shown);
        }
    }
}
