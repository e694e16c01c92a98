//! Signed notes, their keys, checkpoints and cosignatures.

use base64ct::{Base64, Encoding};
use ed25519_dalek::{Signer, SigningKey};
use proptest::prelude::*;
use pulselog::checkpoint::cosignature::{self, CosignatureTime, CosignerKey};
use pulselog::checkpoint::{Checkpoint, CheckpointError, Origin, TreeHead};
use pulselog::merkle::{EMPTY_ROOT, Hash, RootHash, TreeSize};
use pulselog::note::{
    KeyId, KeyName, KeyType, NOTE_SIGNATURES_MAX, NOTE_TEXT_BYTES_MAX, NoteError, NoteSignature, NoteSigner,
    SignedNote, SignerError, SignerKey, VerifierKey,
};

/// The specification's own example, checked elsewhere with OpenSSL.
const VKEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
const TEXT: &str = "This is an example message.\n";
const BLOB: &str = "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=";

/// The specification's cosigned checkpoint. Its keys are not published with
/// it, so only the bytes can be checked.
const COSIGNED: &str = "example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==
";

fn example() -> String {
    format!("{TEXT}\n— example.com/foo {BLOB}\n")
}

fn name(text: &str) -> KeyName {
    KeyName::parse(text).unwrap()
}

fn signer(origin: &str, seed: u8) -> SignerKey {
    SignerKey::new(name(origin), &[seed; 32]).unwrap()
}

fn checkpoint(origin: &str, size: u64) -> Checkpoint {
    let root = if size == 0 { EMPTY_ROOT } else { RootHash::new(Hash::from_bytes([7; 32])) };
    Checkpoint { origin: Origin::parse(origin).unwrap(), head: TreeHead { size: TreeSize::new(size), root } }
}

fn code(bytes: impl AsRef<[u8]>) -> &'static str {
    SignedNote::parse(bytes.as_ref()).unwrap_err().code().name
}

#[test]
fn verifies_the_example_of_the_specification() {
    let key = VerifierKey::parse(VKEY).unwrap();
    assert_eq!(key.to_string(), VKEY);
    assert_eq!(key.key_id().to_string(), "530d903a");
    let note = SignedNote::parse(example().as_bytes()).unwrap();
    assert_eq!(note.text(), TEXT);
    assert_eq!(note.as_bytes(), example().as_bytes());
    key.verify(&note).unwrap();
    assert_eq!(SignedNote::assemble(TEXT, note.signatures().to_vec()).unwrap(), note);
}

#[test]
fn reads_the_cosigned_checkpoint_of_the_specification() {
    let note = SignedNote::parse(COSIGNED.as_bytes()).unwrap();
    let checkpoint = Checkpoint::parse_text(note.text()).unwrap();
    assert_eq!(checkpoint.origin.as_str(), "example.com/behind-the-sofa");
    assert_eq!(checkpoint.head.size, TreeSize::new(20_852_163));
    assert_eq!(checkpoint.to_text(), note.text());
    let witness = &note.signatures()[1];
    assert_eq!(witness.key_id.to_string(), "8d66cf3f");
    assert_eq!(witness.body.len(), 72);
    assert_eq!(witness.body[..8], 1_679_315_147_u64.to_be_bytes());
}

#[test]
fn text_may_hold_empty_lines_and_ends_at_the_last() {
    let note = SignedNote::parse(format!("a\n\nb\n\n— example.com/foo {BLOB}\n").as_bytes()).unwrap();
    assert_eq!(note.text(), "a\n\nb\n");
}

#[test]
fn refuses_notes_by_the_rule_they_break() {
    let line = format!("— example.com/foo {BLOB}\n");
    let named = |name: &str| format!("{TEXT}\n— {name} {BLOB}\n");
    let blob = |blob: &str| format!("{TEXT}\n— example.com/foo {blob}\n");
    let table: &[(&str, String, &str)] = &[
        ("empty", String::new(), "note_no_empty_line"),
        ("no empty line", format!("{TEXT}{line}"), "note_no_empty_line"),
        ("no signature", format!("{TEXT}\n"), "note_no_signature"),
        ("no final newline", example().trim_end().to_owned(), "note_no_final_newline"),
        ("carriage return", example().replace('\n', "\r\n"), "note_no_empty_line"),
        ("carriage return in text", example().replace("message.", "message.\r"), "note_control_character"),
        ("tab in text", example().replace("is an", "is\tan"), "note_control_character"),
        ("NUL in text", example().replace("is an", "is\0an"), "note_control_character"),
        ("trailing line", format!("{}junk\n", example()), "note_signature_line"),
        ("hyphen for dash", example().replace('—', "-"), "note_signature_line"),
        ("no space after dash", example().replace("— ", "—"), "note_signature_line"),
        ("no name", named(""), "key_name_invalid"),
        ("plus in name", named("a+b"), "key_name_invalid"),
        ("no-break space in name", named("a\u{a0}b"), "key_name_invalid"),
        ("long name", named(&"n".repeat(256)), "key_name_invalid"),
        ("second space", format!("{TEXT}\n— example.com/foo  {BLOB}\n"), "note_signature_line"),
        ("trailing space", format!("{TEXT}\n— example.com/foo {BLOB} \n"), "note_signature_line"),
        ("no padding", blob(BLOB.trim_end_matches('=')), "note_signature_line"),
        ("spare bits set", blob(&BLOB.replace("QM=", "QN=")), "note_signature_line"),
        ("url alphabet", blob("____AAAAAAA="), "note_signature_line"),
        ("key id alone", blob("Uw2QOg=="), "note_signature_line"),
        ("nothing after name", blob(""), "note_signature_line"),
        ("long signature", blob(&Base64::encode_string(&[0; 9_000])), "note_too_large"),
        ("long signature behind a short name", blob(&Base64::encode_string(&[0; 4 + 8_193])), "note_too_large"),
        ("long text", format!("{}\n\n{line}", "x".repeat(NOTE_TEXT_BYTES_MAX)), "note_too_large"),
        ("many lines", format!("{TEXT}\n{}", line.repeat(NOTE_SIGNATURES_MAX + 1)), "note_too_many_signatures"),
    ];
    for (defect, note, want) in table {
        assert_eq!(code(note), *want, "{defect}");
    }
    assert_eq!(code(b"\xef\xbb\xbf\xff\n\n"), "note_not_utf8");
    assert_eq!(code(vec![b'\n'; 4 << 20]), "note_too_large");
    assert!(SignedNote::parse(format!("{TEXT}\n{}", line.repeat(16)).as_bytes()).is_ok());
}

#[test]
fn assembles_only_what_reads_back() {
    let signature = signer("example.com/log", 1).sign("a\n");
    assert!(SignedNote::assemble("a\n", vec![signature.clone()]).is_ok());
    assert_eq!(SignedNote::assemble("a", vec![signature.clone()]).unwrap_err().code().name, "note_no_empty_line");
    assert!(SignedNote::assemble("", vec![signature.clone()]).is_err());
    assert!(SignedNote::assemble("a\r\n", vec![signature]).is_err());
    assert_eq!(SignedNote::assemble("a\n", Vec::new()).unwrap_err(), NoteError::NoSignature);
}

#[test]
fn refuses_vkeys_by_the_rule_they_break() {
    let identity = [&[1_u8], &[1; 1][..], &[0; 31]].concat();
    let order_eight = [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf,
        0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
    ];
    // y = p + 3 spells the point with y = 3 a second time.
    let mut second_spelling = [0xff; 32];
    (second_spelling[0], second_spelling[31]) = (0xed + 3, 0x7f);
    let with = |material: &[u8]| format!("example.com/foo+530d903a+{}", Base64::encode_string(material));
    let typed = |byte: u8, key: &[u8]| with(&[&[byte], key].concat());
    let good = VerifierKey::parse(VKEY).unwrap();
    let table: &[(&str, String, &str)] = &[
        ("empty", String::new(), "vkey_invalid"),
        ("two parts", "example.com/foo+530d903a".into(), "vkey_invalid"),
        ("no name", VKEY.replace("example.com/foo", ""), "key_name_invalid"),
        ("space in name", VKEY.replace("/foo", " foo"), "key_name_invalid"),
        ("other id", VKEY.replace("530d903a", "530d903b"), "key_id_mismatch"),
        ("upper-case id", VKEY.replace("530d903a", "530D903A"), "key_id_mismatch"),
        ("short id", VKEY.replace("530d903a", "530d90"), "key_id_mismatch"),
        ("other name", VKEY.replace("foo", "bar"), "key_id_mismatch"),
        ("trailing space", format!("{VKEY} "), "vkey_invalid"),
        ("padding added", format!("{VKEY}=="), "vkey_invalid"),
        ("no material", "example.com/foo+530d903a+".into(), "vkey_invalid"),
        ("ECDSA", typed(2, &[0; 32]), "key_type_unknown"),
        ("ML-DSA-44", typed(6, &[0; 1312]), "key_type_unknown"),
        ("private type", typed(0xff, &[0; 32]), "key_type_unknown"),
        ("31 bytes", typed(1, &good.public_key()[..31]), "key_length"),
        ("33 bytes", typed(1, &[good.public_key(), &[0_u8; 1][..]].concat()), "key_length"),
        ("identity", with(&identity), "key_small_order"),
        ("order eight", typed(4, &order_eight), "key_small_order"),
        ("second spelling", typed(1, &second_spelling), "key_not_a_point"),
        ("no point", typed(1, &[2; 32]), "key_not_a_point"),
    ];
    for (defect, vkey, want) in table {
        assert_eq!(VerifierKey::parse(vkey).unwrap_err().code().name, *want, "{defect}");
    }
}

#[test]
fn a_key_verifies_only_its_own_lines_and_all_of_them() {
    let (mine, other) = (signer("example.com/log", 1), signer("example.com/log", 2));
    let note = SignedNote::assemble("a\n", vec![mine.sign("a\n"), other.sign("b\n")]).unwrap();
    mine.vkey().verify(&note).unwrap();
    assert!(matches!(other.vkey().verify(&note), Err(NoteError::SignatureInvalid { .. })));
    let stranger = signer("example.com/other", 1).vkey();
    assert!(matches!(stranger.verify(&note), Err(NoteError::NotSigned { .. })), "same key, other name");
    let twice = SignedNote::assemble("a\n", vec![mine.sign("a\n"), mine.sign("b\n")]).unwrap();
    assert!(matches!(mine.vkey().verify(&twice), Err(NoteError::SignatureInvalid { .. })));
    let mut short = mine.sign("a\n");
    short.body.pop();
    let short = SignedNote::assemble("a\n", vec![short]).unwrap();
    assert!(matches!(mine.vkey().verify(&short), Err(NoteError::SignatureInvalid { .. })));
}

#[test]
fn key_files_round_trip_and_hold_one_key() {
    let key = signer("example.com/log", 9);
    let pem = key.to_pkcs8_pem().unwrap();
    // PKCS#8 version 1: what OpenSSL writes for `genpkey -algorithm ed25519`.
    assert!(pem.contains("\nMC4CAQAwBQYDK2VwBCIEI"), "version 1");
    let read = SignerKey::from_pkcs8_pem(name("example.com/log"), &pem).unwrap();
    assert_eq!(read.vkey(), key.vkey());
    assert!(!format!("{read:?}").contains(&Base64::encode_string(&[9; 32])[..8]), "secret stays out of Debug");
    for broken in ["", "junk", &pem[..pem.len() / 2], &pem.replace("PRIVATE", "PUBLIC"), &pem.repeat(100)] {
        assert_eq!(SignerKey::from_pkcs8_pem(name("a"), broken).unwrap_err(), SignerError::Pem);
    }
}

#[test]
fn refuses_checkpoint_texts_by_the_rule_they_break() {
    let good = checkpoint("example.com/log", 11).to_text();
    assert_eq!(Checkpoint::parse_text(&good).unwrap().to_text(), good);
    let root = Hash::from_bytes([7; 32]).to_base64();
    let table: &[(&str, String, &str)] = &[
        ("empty", String::new(), "checkpoint_lines"),
        ("two lines", "example.com/log\n11\n".into(), "checkpoint_lines"),
        ("no final newline", good.trim_end().into(), "checkpoint_lines"),
        ("extension line", format!("{good}more\n"), "extension_line"),
        ("empty extension line", format!("{good}\n"), "extension_line"),
        ("bytes after newline", format!("{good}more"), "extension_line"),
        ("no origin", good.replace("example.com/log", ""), "checkpoint_origin"),
        ("origin with space", good.replace("/log", " log"), "checkpoint_origin"),
        ("origin with plus", good.replace("/log", "+log"), "checkpoint_origin"),
        ("leading zero", good.replace("11", "011"), "checkpoint_size"),
        ("sign", good.replace("11", "+11"), "checkpoint_size"),
        ("beyond 64 bits", good.replace("11", "18446744073709551616"), "checkpoint_size"),
        ("short root", good.replace(&root, "AAAA"), "checkpoint_root"),
        ("unpadded root", good.replace('=', ""), "checkpoint_root"),
        ("size 0 with a root", good.replace("11", "0"), "checkpoint_empty_root"),
    ];
    for (defect, text, want) in table {
        assert_eq!(Checkpoint::parse_text(text).unwrap_err().code().name, *want, "{defect}");
    }
    assert!(Checkpoint::parse_text(&checkpoint("example.com/log", 0).to_text()).is_ok());
}

/// A signer that answers with what it was told to.
struct Answers(KeyName, Result<NoteSignature, SignerError>);

impl NoteSigner for Answers {
    fn name(&self) -> &KeyName {
        &self.0
    }

    fn key_id(&self) -> KeyId {
        KeyId::from_bytes([0; 4])
    }

    fn sign(&self, _text: &str) -> Result<NoteSignature, SignerError> {
        self.1.clone()
    }
}

#[test]
fn signs_a_checkpoint_only_under_its_origin_and_own_key() {
    let log = checkpoint("example.com/log", 11);
    let note = log.sign(&signer("example.com/log", 1)).unwrap();
    signer("example.com/log", 1).vkey().verify(&note).unwrap();
    assert_eq!(log.sign(&signer("example.com/else", 1)).unwrap_err().code().name, "checkpoint_key_name");
    let foreign = Answers(name("example.com/log"), Ok(signer("example.com/log", 1).sign("x\n")));
    assert_eq!(log.sign(&foreign).unwrap_err(), CheckpointError::ForeignSignature);
    let down = SignerError::Unavailable { name: name("example.com/log"), reason: "timed out".into() };
    assert_eq!(log.sign(&Answers(name("example.com/log"), Err(down))).unwrap_err().code().name, "signer_unavailable");
    let mut impossible = log;
    impossible.head.size = TreeSize::ZERO;
    assert_eq!(impossible.sign(&signer("example.com/log", 1)).unwrap_err().code().name, "checkpoint_empty_root");
}

#[test]
fn cosignature_signs_the_message_of_the_specification() {
    let key = CosignerKey::new(name("witness.example/w1"), &[3; 32]).unwrap();
    let time = CosignatureTime::from_unix_seconds(1_679_315_147).unwrap();
    let log = checkpoint("example.com/log", 11);
    let line = key.cosign(&log, time);
    let message = format!("cosignature/v1\ntime 1679315147\n{}", log.to_text());
    let plain = SigningKey::from_bytes(&[3; 32]).sign(message.as_bytes()).to_bytes();
    assert_eq!(line.body, [1_679_315_147_u64.to_be_bytes().as_slice(), &plain].concat());
    let note = SignedNote::assemble(&log.to_text(), vec![line]).unwrap();
    let seen = cosignature::verify(&key.vkey(), &note).unwrap();
    assert_eq!((seen.name().as_str(), seen.time()), ("witness.example/w1", time));
}

#[test]
fn refuses_cosignatures_that_are_not_exactly_right() {
    let key = CosignerKey::new(name("witness.example/w1"), &[3; 32]).unwrap();
    let log = checkpoint("example.com/log", 11);
    let time = |seconds| CosignatureTime::from_unix_seconds(seconds).unwrap();
    let good = key.cosign(&log, time(5));
    let verify = |body: Vec<u8>| {
        let line = NoteSignature { body, ..good.clone() };
        let note = SignedNote::assemble(&log.to_text(), vec![line]).unwrap();
        cosignature::verify(&key.vkey(), &note).map_err(|error| error.code().name)
    };
    assert!(verify(good.body.clone()).is_ok());
    assert_eq!(verify([good.body.as_slice(), &[0]].concat()), Err("cosignature_length"));
    assert_eq!(verify(good.body[..64].to_vec()), Err("cosignature_length"));
    for at in 0..72 {
        let mut flipped = good.body.clone();
        flipped[at] ^= 1;
        assert!(verify(flipped).is_err(), "byte {at}");
    }
    let mut timeless = good.body.clone();
    timeless[..8].fill(0);
    assert_eq!(verify(timeless), Err("cosignature_time"));
    assert!(CosignatureTime::from_unix_seconds(1 << 63).is_err());
    let note_key = signer("witness.example/w1", 3).vkey();
    let note = SignedNote::assemble(&log.to_text(), vec![good]).unwrap();
    assert_eq!(cosignature::verify(&note_key, &note).unwrap_err().code().name, "key_type_wrong");
    assert_eq!(key.vkey().verify(&note).unwrap_err().code().name, "key_type_wrong");
    assert_eq!(key.vkey().key_type(), KeyType::CosignatureV1);
}

proptest! {
    #[test]
    fn note_parser_never_panics_and_prints_back(bytes: Vec<u8>) {
        if let Ok(note) = SignedNote::parse(&bytes) { prop_assert_eq!(note.as_bytes(), bytes) }
    }

    #[test]
    fn edited_notes_are_refused_or_print_back(at: usize, byte: u8, cut: usize) {
        let mut bytes = COSIGNED.as_bytes().to_vec();
        let place = at % bytes.len();
        bytes[place] = byte;
        bytes.truncate(bytes.len() - cut % 3);
        if let Ok(note) = SignedNote::parse(&bytes) {
            prop_assert_eq!(SignedNote::assemble(note.text(), note.signatures().to_vec()), Ok(note.clone()));
            prop_assert_eq!(note.as_bytes(), bytes);
        }
    }

    #[test]
    fn any_flipped_bit_of_a_signed_note_is_refused(at: usize, bit in 0_u8..8) {
        let mut bytes = example().into_bytes();
        let place = at % bytes.len();
        bytes[place] ^= 1 << bit;
        let key = VerifierKey::parse(VKEY).unwrap();
        prop_assert!(SignedNote::parse(&bytes).and_then(|note| key.verify(&note)).is_err());
    }

    #[test]
    fn vkeys_and_checkpoints_print_back_or_are_refused(text in "[a-z/+0-9=A-Z\n]{0,80}") {
        if let Ok(key) = VerifierKey::parse(&text) { prop_assert_eq!(key.to_string(), text.clone()) }
        if let Ok(read) = Checkpoint::parse_text(&text) { prop_assert_eq!(read.to_text(), text) }
    }

    #[test]
    fn keys_of_any_seed_and_name_round_trip(seed: [u8; 32], label in "[a-zé/.0-9]{1,40}") {
        let key = SignerKey::new(name(&label), &seed).unwrap();
        prop_assert_eq!(VerifierKey::parse(&key.vkey().to_string()), Ok(key.vkey()));
        let note = SignedNote::assemble("x\n", vec![key.sign("x\n")]).unwrap();
        prop_assert_eq!(key.vkey().verify(&note), Ok(()));
    }
}
