//! Secrets that somebody pasted where a name or a file belongs. An argument is
//! seen by everybody on the machine and kept by the shell, a name may stand in
//! a log for ever: such a one is refused before anything reads it, whatever it
//! was given for, and is never said again.

use std::ffi::OsString;
use std::path::Path;

use pulselog::artifact::holds_token;

/// How every submitter's token begins.
const SUBMITTERS_PREFIX: &str = "plg_";
/// Hex digits after it.
const SUBMITTERS_DIGITS: usize = 64;

/// What is wrong with the first argument that is a secret.
pub fn given(args: impl Iterator<Item = OsString>) -> Option<String> {
    let mut before: Option<String> = None;
    for (place, arg) in args.enumerate() {
        let arg = arg.to_string_lossy().into_owned();
        let (flag, value) = match arg.split_once('=').filter(|(flag, _)| flag.starts_with('-')) {
            Some((flag, value)) => (Some(flag), value),
            None => (before.as_deref().filter(|before| before.starts_with('-')), arg.as_str()),
        };
        if let Some(why) = why_not(value) {
            let named = flag.filter(|flag| why_not(flag).is_none());
            let named = named.map_or_else(|| format!("argument {}", place + 1), str::to_owned);
            return Some(format!("{named}: {why}"));
        }
        before = Some(arg);
    }
    None
}

/// Whether a text is, or holds, what only its owner may know.
pub fn is_secret(text: &str) -> bool {
    why_not(text).is_some()
}

fn why_not(value: &str) -> Option<&'static str> {
    if is_submitters(value) {
        Some(
            "is a submitter's token, where a name or a file belongs; it is not repeated here, but your shell may keep \
             it: revoke it with pulselog token revoke NAME, and make another",
        )
    } else if holds_token(value) {
        Some(
            "is a token, where a name or a file belongs; what stands in an argument is seen by everybody on this \
             machine, so give it in a file; it is not repeated here",
        )
    } else {
        None
    }
}

/// Whatever begins like one, cut short or not, unless a file is called so; and
/// whatever holds a whole one.
fn is_submitters(value: &str) -> bool {
    let is_whole = |rest: &str| {
        let digits = rest.bytes().take(SUBMITTERS_DIGITS).filter(u8::is_ascii_hexdigit).count();
        digits == SUBMITTERS_DIGITS
    };
    let begins = value.trim_start().starts_with(SUBMITTERS_PREFIX) && !Path::new(value).exists();
    begins || value.match_indices(SUBMITTERS_PREFIX).any(|(at, _)| is_whole(&value[at + SUBMITTERS_PREFIX.len()..]))
}
