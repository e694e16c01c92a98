//! Notes, proofs and disclosures at the edges of the rules, by construction.

use base64ct::{Base64, Encoding as _};
use pulselog::checkpoint::cosignature::{CosignatureTime, CosignerKey};
use pulselog::checkpoint::{Checkpoint, Origin, TreeHead};
use pulselog::merkle::{Hash, RootHash, TreeSize, leaf_hash};
use pulselog::note::{KeyName, NoteSignature, SignerKey};

use sha2::{Digest as _, Sha256};

use super::verdicts::{of_disclosure, of_extension, of_lines, of_note, of_proof};
use super::{Ask, golden, unhex};
use crate::evidence::verify::World;

const ORIGIN: &str = "log.example/notes";

fn raw_line(name: &str, id: &str, body: &[u8]) -> String {
    format!("\u{2014} {name} {}\n", Base64::encode_string(&[&unhex(id)[..], body].concat()))
}

fn line(of: &NoteSignature) -> String {
    raw_line(of.name.as_str(), &of.key_id.to_string(), &of.body)
}

fn strange(name: &str, length: usize) -> String {
    raw_line(name, "01020304", &vec![7; length])
}

fn key(name: &str) -> SignerKey {
    SignerKey::new(KeyName::parse(name).expect("a name"), &[1; 32]).expect("a key")
}

fn text(origin: &str, size: &str) -> String {
    format!("{origin}\n{size}\n{}\n", Base64::encode_string(&[7; 32]))
}

/// A note over a text, signed by the log of the vectors, and what follows that line.
fn signed(text: &str, rest: &str) -> Vec<u8> {
    format!("{text}\n{}{rest}", line(&key(ORIGIN).sign(text))).into_bytes()
}

fn cosigned(number: u8, seconds: u64) -> String {
    let name = KeyName::parse(&format!("witness.example/w{number}")).expect("a name");
    let head = TreeHead { size: TreeSize::new(11), root: RootHash::new(Hash::from_bytes([7; 32])) };
    let checkpoint = Checkpoint { origin: Origin::parse(ORIGIN).expect("an origin"), head };
    let time = CosignatureTime::from_unix_seconds(seconds).expect("a time");
    line(&CosignerKey::new(name, &[100 + number; 32]).expect("a key").cosign(&checkpoint, time))
}

/// By the first witness at any time, also one that no time can be.
fn cosigned_at(text: &str, seconds: u64) -> String {
    use ed25519_dalek::{Signer as _, SigningKey};
    let signature =
        SigningKey::from_bytes(&[101; 32]).sign(format!("cosignature/v1\ntime {seconds}\n{text}").as_bytes());
    raw_line("witness.example/w1", "ea2ad007", &[&seconds.to_be_bytes()[..], &signature.to_bytes()].concat())
}

/// The first leaf of a tree so large that its path has this many hashes.
fn deep_proof(hashes: usize) -> Vec<u8> {
    let entry = World::new(1).entries[0].clone();
    let sibling = Hash::from_bytes([9; 32]);
    let node = |left: Hash| {
        let digest = Sha256::new().chain_update([1]).chain_update(left.as_bytes()).chain_update(sibling.as_bytes());
        Hash::from_bytes(digest.finalize().into())
    };
    let root = (0..hashes).fold(leaf_hash(&entry).hash(), |left, _| node(left));
    let size = if hashes == 64 { u64::MAX } else { 1 << hashes };
    let note = signed(&format!("{ORIGIN}\n{size}\n{}\n", root.to_base64()), "");
    let path = format!("{}\n", sibling.to_base64()).repeat(hashes);
    let head = format!("c2sp.org/tlog-proof@v1\nextra {}\nindex 0\n{path}\n", Base64::encode_string(&entry));
    [head.as_bytes(), &note].concat()
}

/// Names with what is white space or control in one table or another, and of lengths at the edge.
fn names() -> Vec<String> {
    let odd = "\u{7f}\u{80}\u{85}\u{a0}\u{ad}\u{180e}\u{200b}\u{2028}\u{3000}\u{feff}\u{fffd}\u{e0001}\u{10ffff}";
    let within = odd.chars().map(|sign| format!("a{sign}b"));
    let lengths = [(127, "a"), (127, "aa"), (126, "aaa"), (126, "aaaa")].map(|(n, end)| "é".repeat(n) + end);
    within.chain(lengths).chain(["é".to_owned(), "a/b".to_owned(), "a+b".to_owned()]).collect()
}

fn name_asks() -> Vec<Ask> {
    let (policy, good) = (golden("notes/log.policy"), text(ORIGIN, "11"));
    let mut asks = Vec::new();
    for name in names() {
        asks.push(of_note(format!("a stranger called {name:?}"), &signed(&good, &strange(&name, 9)), &policy));
        // Under a key of that very name, where there can be one.
        let key = KeyName::parse(&name).ok().and_then(|name| SignerKey::new(name, &[1; 32]).ok());
        let policy = key
            .as_ref()
            .map_or_else(|| policy.clone(), |key| format!("log {}\nquorum none\n", key.vkey()).into_bytes());
        let text = text(&name, "11");
        let note =
            key.map_or_else(|| signed(&text, ""), |key| format!("{text}\n{}", line(&key.sign(&text))).into_bytes());
        asks.push(of_note(format!("an origin called {name:?}"), &note, &policy));
    }
    asks
}

fn line_asks() -> Vec<Ask> {
    let (policy, quorum) = (golden("notes/log.policy"), golden("notes/two-of-three.policy"));
    let good = text(ORIGIN, "11");
    let mut asks = Vec::new();
    for strangers in [62, 63, 64] {
        asks.push(of_note("lines", &signed(&good, &strange("x", 3).repeat(strangers)), &policy));
    }
    for length in [0, 1, 8_192, 8_193] {
        asks.push(of_note("length", &signed(&good, &strange("x", length)), &policy));
    }
    let own = line(&key(ORIGIN).sign(&good));
    let broken = raw_line(ORIGIN, &key(ORIGIN).vkey().key_id().to_string(), &[0; 64]);
    for rest in [
        own.clone(),
        broken.clone(),
        strange(ORIGIN, 64),
        own.repeat(2) + &broken,
        own.clone() + "\n",
        own.replace(' ', "  "),
    ] {
        asks.push(of_note("behind the log's line", &signed(&good, &rest), &policy));
    }
    let (one, later, three) = (cosigned(1, 5), cosigned(1, 6), cosigned(3, 7));
    let forged = raw_line("witness.example/w1", "ea2ad007", &[1; 72]);
    for seconds in [0, 1, i64::MAX as u64, 1 << 63, u64::MAX] {
        let rest = three.clone() + &cosigned_at(&good, seconds);
        asks.push(of_note(format!("cosigned at {seconds}"), &signed(&good, &rest), &quorum));
    }
    for rest in [
        [&*one, &*later, &*three].concat(),
        [&*later, &*one, &*three].concat(),
        [&*one, &*later].concat(),
        [&*one, &*three, &*forged].concat(),
        [&*three, &*one, &*strange("witness.example/w2", 72)].concat(),
        cosigned(1, i64::MAX as u64) + &cosigned(2, 1),
    ] {
        asks.push(of_note("cosigned", &signed(&good, &rest), &quorum));
    }
    asks
}

fn text_asks() -> Vec<Ask> {
    let policy = golden("notes/log.policy");
    let sizes = [
        "0",
        "18446744073709551615",
        "18446744073709551616",
        "99999999999999999999999",
        "00",
        "+1",
        " 1",
        "1 ",
        "-0",
        "1e3",
        "\u{661}",
    ];
    let mut asks: Vec<_> =
        sizes.iter().map(|size| of_note(format!("size {size}"), &signed(&text(ORIGIN, size), ""), &policy)).collect();
    for bytes in [31, 33] {
        let text = format!("{ORIGIN}\n11\n{}\n", Base64::encode_string(&vec![7; bytes]));
        asks.push(of_note("root", &signed(&text, ""), &policy));
    }
    let good = text(ORIGIN, "11");
    for text in [
        format!("\n{good}"),
        format!("{good}\n"),
        format!("{good}\n\n"),
        good.replace("11", "11\n"),
        good.replace("BwcH", "BwcH "),
    ] {
        asks.push(of_note("text", &signed(&text, ""), &policy));
    }
    asks
}

/// Texts that are no checkpoint, which a note may hold.
fn lines_asks() -> Vec<Ask> {
    let line = strange("x", 9);
    let texts = [
        "\n",
        "",
        "a\n",
        "a",
        "\n\n",
        "a\n\nb\n",
        "a\n\n\n",
        "\na\n",
        "a\tb\n",
        "a\rb\n",
        "a\0b\n",
        "\u{1f}\n",
        "\u{7f}\n",
        "\u{85}\n",
        "\u{2028}\n",
        "\u{feff}a\n",
    ];
    let mut notes: Vec<String> = texts.iter().map(|text| format!("{text}\n{line}")).collect();
    notes.extend([65_535, 65_536].map(|length| format!("{}\n\n{line}", "x".repeat(length))));
    notes.extend([32_767, 32_768].map(|length| format!("{}\n\n{line}", "é".repeat(length))));
    for end in ["", "\n", "\n\n", "\n\n\n", "x", "\n\u{2014}", "\n\u{2014} x AAAAAAA="] {
        notes.push(format!("a\n{end}"));
        notes.push(format!("a\n\n{line}{end}"));
    }
    notes.push(format!("a\n\n{}", line.trim_end()));
    notes.iter().map(|note| of_lines("a note", note.as_bytes())).collect()
}

/// Proofs and disclosures of a log that the policy does not name, whatever is shown beside them.
fn unknown_asks() -> Vec<Ask> {
    let (world, unknown) = (World::new(1), golden("notes/log.policy"));
    let proof = world.proof(3);
    let bodies: [Option<&[u8]>; 4] =
        [None, Some(world.bodies[3].as_bytes()), Some(world.bodies[4].as_bytes()), Some(b"{")];
    let mut asks: Vec<_> =
        bodies.iter().map(|body| of_proof("a proof of an unknown log", *body, &proof, &unknown)).collect();
    asks.extend([62, 63, 64].map(|hashes| of_proof(format!("{hashes} hashes"), None, &deep_proof(hashes), &unknown)));
    asks.push(of_disclosure("a disclosure of an unknown log", &golden("disclosures/good.json"), &unknown));
    // Of an unknown origin, with a line of a known key beside.
    for rest in ["", &strange(ORIGIN, 64), &raw_line(ORIGIN, &key(ORIGIN).vkey().key_id().to_string(), &[0; 64])] {
        let other = text("log.example/other", "11");
        for note in [signed(&other, rest), format!("{other}\n{}{rest}", strange("log.example/other", 64)).into_bytes()]
        {
            let proof = [b"c2sp.org/tlog-proof@v1\nindex 0\n\n", &note[..]].concat();
            asks.push(of_proof("a proof of another origin", None, &proof, &unknown));
            asks.push(of_note("a note of another origin", &note, &unknown));
        }
    }
    asks
}

/// Consistency files that would do, but for the size or the log that they are of.
fn extension_asks() -> Vec<Ask> {
    let (log, notes) = (golden("log/trust.policy"), golden("notes/log.policy"));
    let text = |path: &str| String::from_utf8(golden(path)).expect("UTF-8");
    let other_size = text("proofs/good.consistency").replacen("old 6", "old 5", 1);
    let older = golden("proofs/older-6.checkpoint");
    // Both logs are believed, and every checkpoint extends one of size 0.
    let other = World::new(2);
    let first = other.policy().lines().find(|line| line.starts_with("log ")).expect("a log").to_owned();
    let both = [first.as_bytes(), b"\n", &notes[..]].concat();
    let (zero, from_zero) = (golden("notes/size-0.note"), other.consistency(0, other.size()));
    vec![
        of_extension("of another size", &older, other_size.as_bytes(), &log),
        of_extension("of another log", &zero, &from_zero, &both),
    ]
}

pub fn asks() -> Vec<Ask> {
    [name_asks(), line_asks(), text_asks(), lines_asks(), unknown_asks(), extension_asks()]
        .into_iter()
        .flatten()
        .collect()
}
