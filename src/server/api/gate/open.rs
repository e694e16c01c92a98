//! Addresses that are answered in every mode: a list, so that one that nobody
//! thought of is closed.

/// What is read in every mode: it shows leaves, checkpoints and hashes, or
/// nothing of the log at all.
const OPEN: &[&str] = &[
    "/checkpoint",
    "/v1/checkpoints",
    "/v1/proofs/inclusion",
    "/v1/proofs/consistency",
    "/v1/trust-policy",
    "/healthz",
    "/readyz",
    "/openapi.json",
    "/static/pulselog.css",
    "/static/favicon.svg",
    // Of the software: where the `type` of a problem leads, among others.
    "/docs",
    "/docs/api",
    "/docs/errors",
    "/docs/proofs",
    "/docs/verify",
];
/// What submitters send, who have tokens of their own.
const SENT: &[&str] = &["/v1/entries", "/v1/entries:batch", "/v1/ingest/argocd"];
/// Where readers come in.
pub const LOGIN: &str = "/login";
/// Where they go.
pub const LOGOUT: &str = "/logout";

/// Whether a request is answered in every mode. It looks at the address as it
/// was sent: another spelling of an open address is closed.
#[must_use]
pub fn is_open(method: &str, path: &str) -> bool {
    match method {
        "GET" | "HEAD" => OPEN.contains(&path) || is_open_below(path),
        "POST" => SENT.contains(&path),
        _ => false,
    }
}

fn is_open_below(path: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if let Some(tile) = path.strip_prefix("/tile/") {
        return !tile.is_empty();
    }
    if let Some(size) = path.strip_prefix("/v1/checkpoints/") {
        return is_number(size);
    }
    // The proof of one entry holds its leaf; without the suffix it is the entry decoded.
    let proof = path.strip_prefix("/v1/entries/").and_then(|rest| rest.strip_suffix(".tlog-proof"));
    proof.is_some_and(is_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_listed_is_open_and_only_as_it_is_spelled() {
        for path in ["/checkpoint", "/tile/0/000", "/tile/entries/000", "/v1/checkpoints/3", "/v1/entries/3.tlog-proof"]
        {
            assert!(is_open("GET", path) && is_open("HEAD", path), "{path}");
            assert!(!is_open("POST", path) && !is_open("PUT", path), "{path}");
        }
        let closed = [
            "/",
            "/checkpoint/",
            "//checkpoint",
            "/checkpoints",
            "/tile/",
            "/v1/checkpoints/",
            "/v1/checkpoints/3/x",
            "/v1/checkpoints/x",
            "/v1/entries",
            "/v1/entries/3",
            "/v1/entries/x.tlog-proof",
            "/v1/entries/.tlog-proof",
            "/v1/entries/3%2Etlog-proof",
            "/v1/entries/3/../4.tlog-proof",
            "/metrics",
            "/static/none",
            "/docs/",
            "/docs/none",
            "/docs/errors/",
            "/findings/TOKEN_REVOKED",
            "/%63heckpoint",
        ];
        for path in closed {
            assert!(!is_open("GET", path), "{path}");
        }
        assert!(is_open("POST", "/v1/entries") && !is_open("POST", "/v1/verify"));
    }
}
