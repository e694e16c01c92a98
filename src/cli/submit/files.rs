//! Which files a person means: those named, and the artifacts of a directory.

use std::path::{Path, PathBuf};

use crate::cli::failure::Failure;
use crate::cli::folder::is_logs_own;
use crate::cli::input;

/// Adds the files of `path` in name order; `named` by a person, or found in a directory. What a
/// directory holds besides artifacts is passed over.
pub fn gather(path: &Path, named: bool, files: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let at = |error: std::io::Error| input::unread(&format!("path {}", path.display()), &error);
    let found = std::fs::metadata(path).map_err(at)?;
    if !found.is_dir() {
        if named || is_lines(path) || has_extension(path, &["json"]) {
            // What is named is a person's choice; what stands in a folder is not.
            if !named && !found.is_file() {
                return Err(at(std::io::Error::other(input::irregular(found.file_type()))));
            }
            files.push(path.to_owned());
        }
        return Ok(());
    }
    if is_logs_own(path) {
        let why = "is a log's own directory, which holds no artifacts; name the files to submit";
        return Err(Failure::usage(format!("path {}: {why}", path.display())));
    }
    let mut inside = std::fs::read_dir(path).map_err(at)?.collect::<Result<Vec<_>, _>>().map_err(at)?;
    inside.sort_by_key(std::fs::DirEntry::file_name);
    for entry in inside {
        // Following links could go round in circles.
        if !entry.file_type().map_err(at)?.is_symlink() {
            gather(&entry.path(), false, files)?;
        }
    }
    Ok(())
}

pub fn is_lines(path: &Path) -> bool {
    has_extension(path, &["ndjson", "jsonl"])
}

fn has_extension(path: &Path, wanted: &[&str]) -> bool {
    path.extension().and_then(|text| text.to_str()).is_some_and(|text| wanted.contains(&text))
}
