//! The stylesheet as it is sent: what stands in `static/` without its comments
//! and the blanks that only its readers need.

/// The sheet without comments and blanks. Quoted text stays as it is; so does a
/// blank that stands before a colon or between two words, which says something.
pub(super) fn packed(sheet: &str) -> String {
    let mut out = String::with_capacity(sheet.len());
    let mut left = sheet;
    while let Some(next) = left.chars().next() {
        if let Some(comment) = left.strip_prefix("/*") {
            left = comment.split_once("*/").map_or("", |(_, rest)| rest);
        } else if let Some(quoted) = left.strip_prefix('"') {
            let end = quoted.find('"').map_or(quoted.len(), |end| end + 1);
            out.push('"');
            out.push_str(&quoted[..end]);
            left = &quoted[end..];
        } else {
            add(&mut out, next);
            left = &left[next.len_utf8()..];
        }
    }
    out
}

/// One character that is in no quotes.
fn add(out: &mut String, next: char) {
    const ALONE: &[char] = &['{', '}', ';', ',', '>'];
    let is_blank = next.is_ascii_whitespace();
    if is_blank && (out.is_empty() || out.ends_with(ALONE) || out.ends_with([' ', ':'])) {
        return;
    }
    if ALONE.contains(&next) && out.ends_with(' ') {
        out.pop();
    }
    if next == '}' && out.ends_with(';') {
        out.pop();
    }
    out.push(if is_blank { ' ' } else { next });
}

#[cfg(test)]
mod tests {
    use super::packed;

    #[test]
    fn what_only_readers_need_is_left_out_and_the_rest_says_the_same() {
        let cases = [
            ("/* a */ p , dd { margin: 0 auto; }\n", "p,dd{margin:0 auto}"),
            ("main > * :focus { content: \"a ; { /* b\" ; }", "main>* :focus{content:\"a ; { /* b\"}"),
            ("@media print and (x: 1) {\n  a:hover { top: 8px; }\n}", "@media print and (x:1){a:hover{top:8px}}"),
            ("@media (x: 1) { a { b: c; } }\n", "@media (x:1){a{b:c}}"),
            ("", ""),
        ];
        for (sheet, sent) in cases {
            assert_eq!(packed(sheet).trim_end(), sent);
        }
    }
}
