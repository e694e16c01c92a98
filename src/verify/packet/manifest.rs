//! The manifest of a packet: which files it has, and what each is.

use std::collections::BTreeMap;

use crate::artifact::digest::sha256;
use crate::artifact::json::{self, DEPTH_MAX, Value};
use crate::codes::verdict;
use crate::text::hex;
use crate::verify::packet::MANIFEST;
use crate::verify::report::Check;

/// The manifest beside the files that are there, each by its digest alone.
#[derive(Debug, Default)]
pub struct Manifest {
    bytes: Option<Vec<u8>>,
    held: BTreeMap<String, String>,
}

impl Manifest {
    /// Takes a file, the manifest itself among them.
    pub fn take(&mut self, name: &str, bytes: &[u8]) {
        if name == MANIFEST {
            self.bytes = Some(bytes.to_vec());
        }
        self.held.insert(name.to_owned(), hex::encode(&sha256(bytes)));
    }

    /// Whether a packet was meant: there is a manifest.
    #[must_use]
    pub fn is_there(&self) -> bool {
        self.bytes.is_some()
    }

    /// Name and hex digest of each listed file; none where there is no list, or
    /// one that cannot be read.
    pub(super) fn listed(&self) -> Vec<(String, String)> {
        self.bytes.as_ref().and_then(|bytes| listed(bytes).ok()).unwrap_or_default()
    }

    /// Names of listed files that are not there.
    pub(super) fn gone(&self) -> Vec<String> {
        let names = self.listed().into_iter().map(|(name, _)| name);
        names.filter(|name| !self.held.contains_key(name)).collect()
    }

    /// Compares the files with what is listed.
    #[must_use]
    pub fn check(&self) -> Check {
        let Some(manifest) = &self.bytes else {
            let detail = "the directory holds no packet.json, so nobody can say whether files are missing";
            return Check::incomplete("packet", &verdict::PACKET_MANIFEST_MISSING, detail);
        };
        let listed = match listed(manifest) {
            Ok(listed) => listed,
            Err(why) => return Check::fail("packet", &verdict::PACKET_MANIFEST_MALFORMED, why),
        };
        if listed.is_empty() {
            let detail = "packet.json lists no file, so it is the packet of nothing";
            return Check::fail("packet", &verdict::PACKET_MANIFEST_EMPTY, detail);
        }
        // Each file once, however often the manifest lists it.
        for (name, digest) in &listed {
            match self.held.get(name) {
                None => {
                    let detail = format!("{name} is not there");
                    return Check::incomplete("packet", &verdict::PACKET_FILE_MISSING, detail);
                }
                Some(held) if held != digest => {
                    let detail = format!("{name} is not the file that the packet was made with");
                    return Check::fail("packet", &verdict::PACKET_FILE_CHANGED, detail);
                }
                Some(_) => {}
            }
        }
        Check::pass("packet", format!("all {} files of the packet are there", listed.len()))
    }
}

/// Name and hex digest of each listed file.
pub(super) fn listed(manifest: &[u8]) -> Result<Vec<(String, String)>, String> {
    let value =
        json::parse_within(manifest, DEPTH_MAX, json::room_for(manifest.len())).map_err(|error| error.to_string())?;
    if value.text_at("packet_version") != Some("1") {
        return Err("packet_version must be the text 1".to_owned());
    }
    let files = value.get("files").and_then(Value::as_array).ok_or("files must be a list")?;
    let file = |file: &Value| Some((file.text_at("name")?.to_owned(), file.text_at("sha256")?.to_owned()));
    files.iter().map(|f| file(f).ok_or_else(|| "every file must have name and sha256".to_owned())).collect()
}
