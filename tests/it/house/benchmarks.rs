//! BENCHMARKS.md prints commands: each names a target and a bench that are
//! there, and no bench is forgotten. What the documents say that memory sums up
//! to is the sum.

use super::readme::blocks;
use crate::make::project;

fn read(name: &str) -> String {
    std::fs::read_to_string(project(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Benches of Cargo.toml, and whether each needs the server.
fn benches() -> Vec<(String, bool)> {
    let manifest = read("Cargo.toml");
    let of = |part: &str| {
        let name = part.split_once("name = \"")?.1.split('"').next()?;
        Some((name.to_owned(), part.contains("required-features = [\"server\"]")))
    };
    // The last part goes on with other tables.
    let parts = manifest.split("[[bench]]").skip(1).map(|part| part.split("\n[").next().unwrap_or_default());
    parts.filter_map(of).collect()
}

#[test]
fn every_command_of_the_benchmarks_names_a_target_and_a_bench_that_are_there() {
    let (benches, makefile) = (benches(), read("Makefile"));
    let text: String = blocks(&read("BENCHMARKS.md")).into_iter().map(|block| block.text).collect();
    let mut named = Vec::new();
    for line in text.lines().filter(|line| line.contains("make ")) {
        let command = line.split_once("make ").expect("a target").1;
        let target = command.split_whitespace().next().unwrap_or_default();
        assert!(makefile.contains(&format!("\n{target}: ")), "no target {target}: {line}");
        if target == "soak" {
            named.push("soak".to_owned());
        }
        let Some(arguments) = command.split_once("--bench ").map(|(_, arguments)| arguments) else { continue };
        let name = arguments.split([' ', '"']).next().unwrap_or_default();
        let bench = benches.iter().find(|(bench, _)| bench == name);
        let (_, server) = bench.unwrap_or_else(|| panic!("no bench {name}: {line}"));
        assert_eq!(*server, target == "bench", "{name} is of the other build: {line}");
        named.push(name.to_owned());
    }
    let forgotten: Vec<_> = benches.iter().filter(|(bench, _)| !named.contains(bench)).collect();
    assert!(forgotten.is_empty(), "BENCHMARKS.md says nothing of {forgotten:?}");
}

#[test]
fn the_budgets_of_memory_sum_up_to_what_the_documents_say() {
    let architecture = read("ARCHITECTURE.md");
    let table = architecture.lines().skip_while(|line| !line.starts_with("| `store_cache_bytes`"));
    let sum: u64 = table
        .take_while(|line| line.starts_with('|'))
        .map(|line| line.split('|').nth(2).and_then(|cell| cell.trim().strip_suffix(" MiB")?.parse::<u64>().ok()))
        .map(|mib| mib.expect("a number of MiB in the second column"))
        .sum();
    assert!(architecture.contains(&format!("The defaults sum up to {sum} MiB")), "{sum}");
    let readme = read("README.md");
    assert!(readme.contains(&format!("a budget of its own, {sum} MiB in all by default")), "README.md: not {sum}");
}
