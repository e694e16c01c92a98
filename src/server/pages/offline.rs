//! Files to take away and the commands that check them without this server.

use crate::artifact::Kind;
use crate::artifact::digest::ArtifactDigest;
use crate::merkle::TreeSize;
use crate::server::addresses;
use crate::server::log::view::StoredEntry;
use crate::server::pages::inline::Chip;
use crate::server::pages::reader::Reader;
use crate::server::pages::words;

/// The download group and the offline box.
pub(crate) struct Offline {
    pub files: Vec<File>,
    pub fetch: String,
    pub verify: String,
    pub vkey: String,
    /// Both verdicts on a bundle, from the whole log; with the operator's DID.
    pub judge: Option<Judge>,
}

/// The command that repeats what the server finds.
pub(crate) struct Judge {
    pub command: String,
    pub operator: String,
}

/// One file to take away.
pub(crate) struct File {
    pub href: String,
    pub name: String,
    pub what: &'static str,
    pub size: Option<String>,
    pub digest: Option<Chip>,
    /// What a command must say to get text where a browser gets it by itself.
    ask: &'static str,
}

/// Where a command goes on in the next line, so that no name is broken.
const NEXT: &str = " \\\n    ";

const ASK_FOR_TEXT: &str = "-H 'Accept: text/plain' ";

impl Offline {
    /// Files for one entry proven at `size`, and if `from` is given for the
    /// consistency of `size` with it.
    pub(crate) fn new(reader: &Reader, stored: &StoredEntry, size: TreeSize, from: Option<TreeSize>) -> Self {
        let digest = stored.entry.digest.to_string();
        let artifact = format!("{}-{}.json", stored.entry.kind.name().replace('_', "-"), stored.index);
        let proof = format!("entry-{}.tlog-proof", stored.index);
        let mut files = vec![
            File {
                href: addresses::artifact(&digest),
                name: artifact.clone(),
                what: "the artifact, compact form",
                size: Some(words::counted(stored.entry.body_bytes, "byte", "bytes")),
                digest: Some(Chip::hash(&digest)),
                ask: "",
            },
            File::plain(addresses::proof(stored.index, size), &proof, "entry, path, checkpoint"),
            File::plain(addresses::TRUST_POLICY.to_owned(), "trust.policy", "which keys you trust"),
        ];
        let mut verify = format!("pulselog verify {artifact}{NEXT}--proof {proof}{NEXT}--policy trust.policy");
        if let Some(from) = from.filter(|f| *f > TreeSize::ZERO && *f < size) {
            let (old, consistency) = (format!("{from}.checkpoint"), format!("{from}-{size}.consistency"));
            files.push(File {
                ask: ASK_FOR_TEXT,
                ..File::plain(addresses::checkpoint(from), &old, "the older signed note")
            });
            let href = addresses::consistency(from, size);
            files.push(File { ask: ASK_FOR_TEXT, ..File::plain(href, &consistency, "older to newer tree") });
            verify.push_str(&format!("{NEXT}--consistent-with {old}{NEXT}--consistency {consistency}"));
        }
        let fetch: Vec<String> =
            files.iter().map(|f| format!("curl -fsS {}-o {} '{}{}'", f.ask, f.name, reader.base, f.href)).collect();
        let judge = (stored.entry.kind == Kind::ProofBundle).then(|| {
            let (base, operator) = (&reader.base, reader.facts.operator.to_string());
            let command = format!(
                "pulselog verify {artifact} --log {base}{NEXT}--policy trust.policy{NEXT}--operator {operator}"
            );
            Judge { command, operator }
        });
        Self { fetch: fetch.join("\n"), verify, vkey: reader.facts.vkey.clone(), judge, files }
    }
}

/// The command that judges a logged bundle again.
pub(crate) fn bundle(reader: &Reader, digest: &ArtifactDigest) -> String {
    let (base, operator, digest) = (&reader.base, &reader.facts.operator, digest.to_string());
    let (file, artifact) = (format!("bundle-{}.json", &digest[..8]), addresses::artifact(&digest));
    format!(
        "curl -fsS -o trust.policy '{base}/v1/trust-policy'\ncurl -fsS -o {file} '{base}{artifact}'\n\
         pulselog verify {file} --log {base}{NEXT}--policy trust.policy{NEXT}--operator {operator}"
    )
}

/// Longest name that a command repeats.
const NAME_BYTES_MAX: usize = 128;

/// The command that makes the packet of an incident; `None` as for [`audit`].
pub(crate) fn incident(reader: &Reader, field: &str, name: &str, span: [&String; 2]) -> Option<String> {
    let times = ["from", "to"].into_iter().zip(span).filter(|(_, time)| !time.is_empty());
    let names: Vec<(&str, &str)> =
        [(field, name)].into_iter().chain(times.map(|(flag, time)| (flag, time.as_str()))).collect();
    if !names.iter().all(|(_, name)| is_plain(name)) {
        return None;
    }
    let (base, operator) = (&reader.base, &reader.facts.operator);
    let names: String = names.iter().map(|(flag, name)| format!("{NEXT}--{flag}={name}")).collect();
    Some(format!(
        "curl -fsS -o trust.policy '{base}/v1/trust-policy'\npulselog incident --log {base} --policy trust.policy{NEXT}\
         --operator {operator}{names}{NEXT}--out incident\npulselog verify incident --policy trust.policy{NEXT}\
         --operator {operator}"
    ))
}

/// Whether a shell takes a name as it stands.
fn is_plain(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"._:/+-".contains(&b);
    !name.is_empty() && name.len() <= NAME_BYTES_MAX && name.bytes().all(plain)
}

/// The command that makes the report of one scope again, from the whole log;
/// `None` when a name is not plain enough to be pasted into a shell.
pub(crate) fn audit(reader: &Reader, scope: &[(&str, &str)]) -> Option<String> {
    if !scope.iter().all(|(_, name)| is_plain(name)) {
        return None;
    }
    let (base, operator) = (&reader.base, &reader.facts.operator);
    let names: String = scope.iter().map(|(flag, name)| format!("{NEXT}--{flag}={name}")).collect();
    Some(format!(
        "curl -fsS -o trust.policy '{base}/v1/trust-policy'\npulselog audit --log {base} --policy trust.policy{NEXT}\
         --operator {operator}{names}"
    ))
}

impl File {
    fn plain(href: String, name: &str, what: &'static str) -> Self {
        Self { href, name: name.to_owned(), what, size: None, digest: None, ask: "" }
    }
}
