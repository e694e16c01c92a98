//! Vectors for other implementations, `tests/golden/vectors`: made by this
//! project's code with fixed keys. `PULSELOG_BLESS=1` writes them anew. Their
//! README is written by hand.

pub mod artifacts;
pub mod entries;
pub mod logs;
pub mod notes;
pub mod packets;
pub mod proofs;
pub mod refused;
pub mod signatures;
pub mod texts;
pub mod tree;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::make::{blessing, project};

/// Files by their path below the folder.
pub type Files = BTreeMap<String, Vec<u8>>;

/// A list or object as the vectors write it.
pub fn json_file(value: &Value) -> Vec<u8> {
    // Maps of texts: writing them cannot fail.
    let mut bytes = serde_json::to_vec_pretty(value).expect("JSON");
    bytes.push(b'\n');
    bytes
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn made() -> Files {
    let parts = [
        crate::vectors::texts::files(),
        crate::vectors::artifacts::files(),
        crate::vectors::refused::files(),
        crate::vectors::signatures::files(),
        crate::vectors::entries::files(),
        crate::vectors::tree::files(),
        crate::vectors::notes::files(),
        crate::vectors::proofs::files(),
        crate::vectors::logs::files(),
        crate::vectors::packets::files(),
    ];
    let mut all = Files::new();
    for (name, bytes) in parts.into_iter().flatten() {
        assert!(all.insert(name.clone(), bytes).is_none(), "{name} is made twice");
    }
    all
}

fn committed(root: &Path) -> Files {
    let (mut found, mut waiting) = (Files::new(), vec![root.to_owned()]);
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            waiting.extend(std::fs::read_dir(&path).expect("a folder").flatten().map(|entry| entry.path()));
        } else {
            let name = path.strip_prefix(root).expect("below").display().to_string();
            found.insert(name, std::fs::read(&path).expect("readable"));
        }
    }
    found
}

fn write(root: &Path, made: &Files) {
    for stale in committed(root).keys().filter(|name| *name != README && !made.contains_key(*name)) {
        std::fs::remove_file(root.join(stale)).expect("removed");
    }
    for (name, bytes) in made {
        let path: PathBuf = root.join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(path, bytes).expect("written");
    }
}

const README: &str = "README.md";

#[test]
fn vectors_are_what_the_code_makes() {
    let root = project("tests/golden/vectors");
    let made = made();
    if blessing() {
        write(&root, &made);
    }
    let mut held = committed(&root);
    assert!(held.remove(README).is_some(), "the vectors have a README");
    let names = |files: &Files| files.keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!(names(&held), names(&made));
    for (name, bytes) in &made {
        assert!(held.get(name) == Some(bytes), "{name} is not what the code makes: PULSELOG_BLESS=1 writes it anew");
    }
}

#[test]
fn the_readme_of_the_vectors_names_every_file_or_its_folder() {
    let readme = std::fs::read_to_string(project("tests/golden/vectors/README.md")).expect("the README");
    for name in made().keys() {
        let top = name.split_once('/').map_or(name.clone(), |(folder, _)| format!("{folder}/"));
        assert!(readme.contains(&format!("`{top}`")), "{top} is not in the README");
    }
}
