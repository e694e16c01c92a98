//! Files with a few bytes changed, JSON of random shape, entries of random
//! members: whatever it is, both say the same. `SEED=n` asks about others.

use super::dice::Dice;
use super::verdicts::{
    of_artifact, of_disclosure, of_entry, of_extension, of_json, of_lines, of_note, of_policy, of_proof,
};
use super::{Ask, files, golden, golden_json, rows, text_of, unhex};

const JSON_TEXTS: usize = 1_500;
const ENTRIES: usize = 1_000;
/// Of each of the other kinds.
const FILES: usize = 250;

/// Pieces that parsers have opinions on.
const PIECES: &[&str] = &[
    "0",
    "1",
    "9",
    "-",
    "+",
    ".",
    "e",
    "E9",
    "\"",
    "\\",
    "\\u0000",
    "\\ud800",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    " ",
    "\n",
    "\n\n",
    "\t",
    "\r",
    "\0",
    "\u{7f}",
    "\u{a0}",
    "\u{feff}",
    "=",
    "/",
    "_",
    "A",
    "a",
    "z",
    "true",
    "null",
    "é",
    "\u{1f600}",
    "— ",
    "extra ",
    "index ",
    "old ",
    "quorum none\n",
    "log ",
    "00",
    "none",
];

/// A few places changed, cut, doubled or filled with something else.
fn damaged(dice: &mut Dice, bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=dice.below(2) {
        let at = dice.below(bytes.len() + 1);
        let end = (at + dice.below(4)).min(bytes.len());
        match dice.below(7) {
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(at..end)),
            2 => drop(bytes.splice(at..end, dice.one(PIECES).bytes())),
            3 => drop(bytes.splice(at..at, dice.one(PIECES).bytes())),
            4 if at < bytes.len() => bytes[at] = dice.number().to_le_bytes()[0],
            5 if at < bytes.len() => bytes[at] ^= 1 << dice.below(8),
            _ => swap_lines(dice, &mut bytes),
        }
    }
    bytes
}

fn swap_lines(dice: &mut Dice, bytes: &mut Vec<u8>) {
    let mut lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
    if lines.is_empty() {
        return;
    }
    let (one, other) = (dice.below(lines.len()), dice.below(lines.len()));
    match dice.below(3) {
        0 => lines.swap(one, other),
        1 => lines.insert(one, lines[other]),
        _ => drop(lines.remove(one)),
    }
    *bytes = lines.concat();
}

fn random_number(dice: &mut Dice) -> String {
    match dice.below(6) {
        0 => f64::from_bits(dice.number()).to_string(),
        1 => format!("{:e}", f64::from_bits(dice.number())),
        2 => format!("{}e{}", dice.number() % 100_000, dice.below(700) as i64 - 350),
        3 => (dice.number() >> dice.below(64)).to_string(),
        4 => format!("{}.{}", dice.number() >> 9, dice.number()),
        _ => format!("-0.{:020}", dice.number() >> dice.below(64)),
    }
}

fn random_text(dice: &mut Dice) -> String {
    let mut text = String::from("\"");
    for _ in 0..dice.below(5) {
        match dice.below(6) {
            0 => text.push_str(&format!("\\u{:04x}", dice.below(0x1_0000))),
            1 => text.push_str(&format!("\\ud83d\\ude{:02x}", dice.below(256))),
            2 => text.push_str(dice.one::<&str>(&["\\n", "\\/", "\\\\", "\\\"", "\\b"])),
            3 => {
                let any = char::from_u32(dice.below(0x11_0000) as u32);
                text.push(any.filter(|sign| *sign >= ' ' && !"\"\\".contains(*sign)).unwrap_or('x'));
            }
            4 => text.push_str(&dice.below(20).to_string()),
            _ => text.push(*dice.one(&['a', 'b', '\u{7f}'])),
        }
    }
    text + "\""
}

fn random_json(dice: &mut Dice, depth: usize, out: &mut String) {
    let blank = |dice: &mut Dice| *dice.one(&["", "", "", " ", "\n\t"]);
    out.push_str(blank(dice));
    match dice.below(if depth == 0 { 3 } else { 6 }) {
        0 => out.push_str(&random_number(dice)),
        1 => out.push_str(&random_text(dice)),
        2 => out.push_str(dice.one::<&str>(&["true", "false", "null", "0", "\"\""])),
        which => {
            let (open, close) = if which == 3 { ('[', ']') } else { ('{', '}') };
            out.push(open);
            for at in 0..dice.below(4) {
                if at > 0 {
                    out.push(',');
                }
                if open == '{' {
                    out.push_str(&random_text(dice));
                    out.push(':');
                }
                random_json(dice, depth - 1, out);
            }
            out.push_str(blank(dice));
            out.push(close);
        }
    }
    out.push_str(blank(dice));
}

fn json_asks(dice: &mut Dice) -> Vec<Ask> {
    let of = |at: usize| {
        let mut text = String::new();
        random_json(dice, 4, &mut text);
        let bytes = if at.is_multiple_of(3) { damaged(dice, text.as_bytes()) } else { text.into_bytes() };
        of_json(format!("random {at}"), &bytes)
    };
    (0..JSON_TEXTS).map(of).collect()
}

/// Heads, short and long, and values, good and bad, in an order that is mostly right.
fn random_entry(dice: &mut Dice, good: &[Vec<u8>]) -> Vec<u8> {
    let mut entry = dice.one(good).clone();
    if dice.below(2) == 0 {
        return damaged(dice, &entry);
    }
    // One head in another length, with the same or another value.
    let at = dice.below(entry.len());
    let major = entry[at] & 0xe0;
    let value = dice.one(&[0, 1, 23, 24, 32, 255, 256, 65_535, 65_536, u64::from(u32::MAX), u64::MAX]).to_be_bytes();
    let length = *dice.one(&[1, 2, 4, 8]);
    let head =
        [&[major | (24 + [1, 2, 4, 8].iter().position(|n| *n == length).unwrap_or(0) as u8)], &value[8 - length..]];
    entry.splice(at..=at, head.concat());
    entry
}

fn entry_asks(dice: &mut Dice) -> Vec<Ask> {
    let entries = golden_json("entries.json");
    let lists = ["good", "odd"].map(|list| rows(&entries[list]).iter());
    let good: Vec<_> = lists.into_iter().flatten().map(|row| unhex(text_of(row, "hex"))).collect();
    (0..ENTRIES).map(|at| of_entry(format!("entry {at}"), &random_entry(dice, &good))).collect()
}

fn file_asks(dice: &mut Dice) -> Vec<Ask> {
    let log = golden("log/trust.policy");
    let (proof, bundle_proof) = (golden("proofs/good.tlog-proof"), golden("proofs/good-bundle.tlog-proof"));
    let body = golden("log/artifacts/1e88d6690bfeac5c714a45993131e608abc16a93249d4cdbc3ede79e74a49498");
    let bundle = golden("log/artifacts/7ac2a6cee6673bdf458c2a33c7b27811136e4cd917d87d69e2d53a210505f7b9");
    let (quorum, cosigned) = (golden("notes/two-of-three.policy"), golden("notes/two-witnesses.note"));
    let (older, file) = (golden("proofs/older-6.checkpoint"), golden("proofs/good.consistency"));
    let shown = golden("disclosures/good--one.json");
    let mut asks = Vec::new();
    for at in 0..FILES {
        let name = |of: &str| format!("{of} {at}");
        let note = damaged(dice, &cosigned);
        asks.push(of_note(name("note"), &note, &quorum));
        asks.push(of_lines(name("note"), &note));
        asks.push(of_policy(name("policy"), &damaged(dice, &quorum)));
        asks.push(of_note(name("note under a policy"), &cosigned, &damaged(dice, &quorum)));
        asks.push(of_proof(name("proof"), Some(&body), &damaged(dice, &proof), &log));
        asks.push(of_proof(name("bundle's proof"), Some(&bundle), &damaged(dice, &bundle_proof), &log));
        asks.push(of_extension(name("consistency"), &older, &damaged(dice, &file), &log));
        asks.push(of_disclosure(name("disclosure"), &damaged(dice, &shown), &log));
        asks.push(of_proof(name("body"), Some(&damaged(dice, &body)), &proof, &log));
    }
    asks
}

fn artifact_asks(dice: &mut Dice) -> Vec<Ask> {
    let good = golden_json("artifacts.json");
    let texts: Vec<_> = rows(&good).iter().map(|row| golden(text_of(row, "file"))).collect();
    let of = |at: usize| {
        let text = damaged(dice, &texts[at % texts.len()]);
        String::from_utf8(text).ok().map(|text| of_artifact(format!("artifact {at}"), &text))
    };
    (0..FILES).filter_map(of).collect()
}

pub fn asks() -> Vec<Ask> {
    let mut dice = Dice::new();
    let mut asks = json_asks(&mut dice);
    asks.extend(entry_asks(&mut dice));
    asks.extend(file_asks(&mut dice));
    asks.extend(artifact_asks(&mut dice));
    // Beside the damaged ones, the good.
    asks.extend(files::entry_asks());
    asks
}
