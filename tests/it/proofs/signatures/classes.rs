//! Signatures by construction: under keys whose secret scalar is known, with
//! parts of small order added to A and R, so that the equation holds or just
//! does not.

use std::sync::LazyLock;

use curve25519_dalek::constants::EIGHT_TORSION;
use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::scalar::Scalar;
use sha2::{Digest as _, Sha512};

/// What somebody is asked about, and the answer where construction gives it.
pub struct Case {
    pub key: [u8; 32],
    pub message: Vec<u8>,
    pub signature: [u8; 64],
    pub taken: Option<bool>,
}

/// A class of cases, each made from its number and the dice.
pub struct Class {
    pub name: &'static str,
    pub make: fn(&mut Dice, usize) -> Case,
}

pub const CLASSES: &[Class] = &[
    Class { name: "good", make: |dice, _| good(dice) },
    Class { name: "another message", make: another_message },
    Class { name: "a bit is not the same", make: bit_flipped },
    Class { name: "A and R with parts of small order, equation holds", make: mixed_that_holds },
    Class { name: "A and R with parts of small order", make: mixed },
    Class { name: "A of small order, S solved", make: small_a },
    Class { name: "R of small order, S solved", make: small_r },
    Class { name: "A and R of small order, S zero", make: small_both },
    Class { name: "R is the identity, S solved", make: identity_r },
    Class { name: "S + L", make: s_plus_order },
    Class { name: "y at or above p", make: y_beyond },
    Class { name: "sign bit at x = 0", make: sign_at_zero },
];

/// The order of the group of the base point, lowest byte first.
const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

/// Every encoding of a point of small order: the one of each, then the others.
static SMALL: LazyLock<Vec<[u8; 32]>> = LazyLock::new(|| {
    let mut all: Vec<_> = EIGHT_TORSION.iter().map(|point| point.compress().to_bytes()).collect();
    // y = p and p + 1 under both signs, and x = 0 with a sign.
    all.extend([spelled(0xed, false), spelled(0xed, true), spelled(0xee, false), spelled(0xee, true)]);
    all.extend(SIGNED_ZERO.iter());
    assert!(all.iter().all(|bytes| point(bytes).is_some_and(|point| point.is_small_order())));
    all
});

/// y = 1 and y = −1, where x is 0, under the sign that 0 has not.
static SIGNED_ZERO: LazyLock<[[u8; 32]; 2]> = LazyLock::new(|| {
    let mut one = [0; 32];
    (one[0], one[31]) = (1, 0x80);
    [one, spelled(0xec, true)]
});

/// The bytes of 2^255 − 256 + `low`, which is p + `low` − 0xed.
fn spelled(low: u8, sign: bool) -> [u8; 32] {
    let mut bytes = [0xff; 32];
    bytes[0] = low;
    bytes[31] = if sign { 0xff } else { 0x7f };
    bytes
}

fn point(bytes: &[u8; 32]) -> Option<EdwardsPoint> {
    CompressedEdwardsY(*bytes).decompress()
}

/// The same numbers at every run.
pub struct Dice(Sha512);

impl Dice {
    pub fn new(seed: &str) -> Self {
        Self(Sha512::new().chain_update(seed))
    }

    fn bytes(&mut self) -> [u8; 64] {
        self.0.update([0]);
        self.0.clone().finalize().into()
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::from(self.bytes()[0]) % bound
    }

    fn scalar(&mut self) -> Scalar {
        Scalar::from_bytes_mod_order_wide(&self.bytes())
    }

    fn message(&mut self) -> Vec<u8> {
        let length = self.below(44);
        self.bytes()[..length].to_vec()
    }

    fn torsion(&mut self) -> EdwardsPoint {
        EIGHT_TORSION[self.below(8)]
    }

    /// One of a few keys, so that a table serves several cases.
    fn secret(&mut self) -> Scalar {
        Scalar::from_bytes_mod_order([self.below(12) as u8 + 1; 32])
    }
}

fn challenge(r: &[u8; 32], key: &[u8; 32], message: &[u8]) -> Scalar {
    Scalar::from_hash(Sha512::new().chain_update(r).chain_update(key).chain_update(message))
}

fn joined(r: &[u8; 32], s: &[u8; 32]) -> [u8; 64] {
    let mut signature = [0; 64];
    signature[..32].copy_from_slice(r);
    signature[32..].copy_from_slice(s);
    signature
}

/// A signature by `secret` under a key and an R that may be off by points of
/// small order; the equation may hold or not.
fn signed(secret: Scalar, of_key: EdwardsPoint, of_r: EdwardsPoint, dice: &mut Dice) -> (Case, bool) {
    let (nonce, message) = (dice.scalar(), dice.message());
    let key = (EdwardsPoint::mul_base(&secret) + of_key).compress().to_bytes();
    let r = (EdwardsPoint::mul_base(&nonce) + of_r).compress().to_bytes();
    let k = challenge(&r, &key, &message);
    let s = nonce + k * secret;
    let case = Case { key, message, signature: joined(&r, s.as_bytes()), taken: None };
    (case, of_r == -(of_key * k))
}

pub fn good(dice: &mut Dice) -> Case {
    let none = EIGHT_TORSION[0];
    let (case, holds) = signed(dice.secret(), none, none, dice);
    Case { taken: Some(holds), ..case }
}

fn another_message(dice: &mut Dice, _: usize) -> Case {
    let mut case = good(dice);
    case.message.push(0);
    Case { taken: Some(false), ..case }
}

fn bit_flipped(dice: &mut Dice, _: usize) -> Case {
    let mut case = good(dice);
    let bit = dice.below(256);
    match dice.below(3) {
        0 => case.key[bit / 8] ^= 1 << (bit % 8),
        1 => case.signature[bit / 8] ^= 1 << (bit % 8),
        _ => case.signature[32 + bit / 8] ^= 1 << (bit % 8),
    }
    Case { taken: Some(false), ..case }
}

fn mixed(dice: &mut Dice, _: usize) -> Case {
    let (of_key, of_r) = (dice.torsion(), dice.torsion());
    let (case, holds) = signed(dice.secret(), of_key, of_r, dice);
    Case { taken: Some(holds), ..case }
}

fn mixed_that_holds(dice: &mut Dice, n: usize) -> Case {
    loop {
        let (of_key, of_r) = (EIGHT_TORSION[n % 8], dice.torsion());
        if let (case, true) = signed(dice.secret(), of_key, of_r, dice) {
            return Case { taken: Some(true), ..case };
        }
    }
}

/// sB − kA is R, and A says nothing.
fn small_a(dice: &mut Dice, n: usize) -> Case {
    let key = SMALL[n % SMALL.len()];
    loop {
        let (nonce, message, of_r) = (dice.scalar(), dice.message(), dice.torsion());
        let r = (EdwardsPoint::mul_base(&nonce) + of_r).compress().to_bytes();
        if of_r == -(point(&key).expect("a point") * challenge(&r, &key, &message)) {
            return Case { key, message, signature: joined(&r, nonce.as_bytes()), taken: Some(false) };
        }
    }
}

/// sB − kA is R as a point, whatever its bytes, and R says nothing.
fn small_r_of(r: [u8; 32], of_key: Option<EdwardsPoint>, dice: &mut Dice) -> Case {
    loop {
        let (secret, message) = (dice.secret(), dice.message());
        let of_key = of_key.unwrap_or_else(|| dice.torsion());
        let key = (EdwardsPoint::mul_base(&secret) + of_key).compress().to_bytes();
        let k = challenge(&r, &key, &message);
        if point(&r).expect("a point") == -(of_key * k) {
            return Case { key, message, signature: joined(&r, (k * secret).as_bytes()), taken: Some(false) };
        }
    }
}

fn small_r(dice: &mut Dice, n: usize) -> Case {
    small_r_of(SMALL[n % SMALL.len()], None, dice)
}

fn small_both(dice: &mut Dice, n: usize) -> Case {
    let (key, r) = (SMALL[n % SMALL.len()], SMALL[dice.below(SMALL.len())]);
    Case { key, message: dice.message(), signature: joined(&r, &[0; 32]), taken: Some(false) }
}

fn identity_r(dice: &mut Dice, _: usize) -> Case {
    small_r_of(SMALL[0], Some(EIGHT_TORSION[0]), dice)
}

/// The same number modulo the order: S + L to S + 14 L.
fn s_plus_order(dice: &mut Dice, n: usize) -> Case {
    let mut case = good(dice);
    for _ in 0..=n % 14 {
        let mut carry = 0;
        for (byte, add) in case.signature[32..].iter_mut().zip(ORDER) {
            carry += u16::from(*byte) + u16::from(add);
            (*byte, carry) = (carry.to_le_bytes()[0], carry >> 8);
        }
        assert_eq!(carry, 0);
    }
    Case { taken: Some(false), ..case }
}

/// A or R spelled with a y that is not reduced.
fn y_beyond(dice: &mut Dice, n: usize) -> Case {
    let case = good(dice);
    let spelled = spelled(0xed + (n / 4 % 19) as u8, n / 2 % 2 == 1);
    let [r, s] = [&case.signature[..32], &case.signature[32..]].map(|half| half.try_into().expect("32 bytes"));
    let (key, r) = if n.is_multiple_of(2) { (spelled, r) } else { (case.key, spelled) };
    // With a solved S where nothing of it depends on A's logarithm.
    let is_small = point(&r).is_some_and(|point| point.is_small_order());
    if is_small {
        small_r_of(r, None, dice)
    } else {
        Case { key, signature: joined(&r, &s), ..Case { taken: None, ..case } }
    }
}

fn sign_at_zero(dice: &mut Dice, n: usize) -> Case {
    let spelled = SIGNED_ZERO[n % 2];
    match n / 2 % 2 {
        0 => small_r_of(spelled, None, dice),
        _ => Case { key: spelled, taken: Some(false), ..good(dice) },
    }
}
