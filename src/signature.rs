//! Signatures of Ed25519, strictly: what `verify_strict` of ed25519-dalek takes
//! and nothing else, for less.
//!
//! ```text
//! S below the group order ─ A, R of no small order ─ k = SHA-512(R ‖ A ‖ M) ─ sB − kA, encoded, is the bytes of R
//! ```
//!
//! A point has one encoding here, so that bytes which are equal to it are a
//! canonical point: R is compared and never decompressed. Of a key that signs
//! often the multiples are kept ([`TabledKey`]); which keys these are, the
//! holder of the keys decides. Everything here is public: no step hides what it
//! works on by taking the same time.

mod comb;

use std::sync::LazyLock;

use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION};
use curve25519_dalek::edwards::EdwardsPoint;
use curve25519_dalek::scalar::Scalar;
use ed25519_dalek::{Signature, VerifyingKey};
use sha2::{Digest, Sha512};

use self::comb::Comb;

/// The encodings of the eight points of small order: anybody can give an R
/// among them that holds under a key of which a signature is known.
static SMALL_ORDER: LazyLock<[[u8; 32]; 8]> = LazyLock::new(|| EIGHT_TORSION.map(|point| point.compress().to_bytes()));

/// A key under which a signature says something: of no small order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StrictKey(VerifyingKey);

impl StrictKey {
    /// The key; `None` when it is of small order, under which forgeries verify.
    #[must_use]
    pub fn new(key: VerifyingKey) -> Option<Self> {
        (!key.is_weak()).then_some(Self(key))
    }

    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// Whether this is the key's signature over the message. Costs 0.87 of
    /// `verify_strict`, about 32 µs: R is not decompressed.
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &Signature) -> bool {
        self.sum(message, signature).is_some_and(Sum::holds)
    }

    /// All of [`StrictKey::verifies`] but its last step; `None` when it is
    /// refused before that. Costs 3.5 µs less.
    #[must_use]
    pub fn sum(&self, message: &[u8], signature: &Signature) -> Option<Sum> {
        sum(&self.0, message, signature, |k, s| {
            EdwardsPoint::vartime_double_scalar_mul_basepoint(k, &-self.0.to_edwards(), s)
        })
    }
}

/// A key beside its multiples.
#[derive(Debug)]
pub struct TabledKey {
    key: StrictKey,
    /// Of −A.
    multiples: Comb<5, 4>,
}

impl TabledKey {
    /// Bytes that the multiples of one key take.
    pub const TABLE_BYTES: usize = Comb::<5, 4>::BYTES;

    /// Costs little more than two signatures, about 75 µs.
    #[must_use]
    pub fn new(key: StrictKey) -> Self {
        Self { key, multiples: Comb::of(&-key.0.to_edwards()) }
    }

    /// As [`StrictKey::verifies`], with the same answer. Costs 0.6 of
    /// `verify_strict`, about 22 µs; 29 µs without the multiples of the base.
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &Signature, base: Option<&TabledBase>) -> bool {
        self.sum(message, signature, base).is_some_and(Sum::holds)
    }

    /// As [`StrictKey::sum`].
    #[must_use]
    pub fn sum(&self, message: &[u8], signature: &Signature, base: Option<&TabledBase>) -> Option<Sum> {
        sum(&self.key.0, message, signature, |k, s| {
            let of_base = base.map_or_else(|| EdwardsPoint::mul_base(s), |base| base.0.times(s));
            self.multiples.times(k) + of_base
        })
    }
}

/// Multiples of the base point, of which every signature needs one.
#[derive(Debug)]
pub struct TabledBase(Comb<8, 1>);

impl TabledBase {
    /// Bytes that they take.
    pub const TABLE_BYTES: usize = Comb::<8, 1>::BYTES;

    /// Costs what some twenty signatures cost, about 800 µs.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "it costs too much to be made by chance")]
    pub fn new() -> Self {
        Self(Comb::of(&ED25519_BASEPOINT_POINT))
    }
}

/// sB − kA of one signature, which holds if its encoding is the bytes of R.
///
/// Encoding a point divides once, an eighth of all that a signature with tables
/// costs; many points together divide once for all ([`Sum::which_hold`]).
#[derive(Clone, Copy, Debug)]
pub struct Sum {
    point: EdwardsPoint,
    r: [u8; 32],
}

impl Sum {
    /// The last step of one.
    #[must_use]
    pub fn holds(self) -> bool {
        self.point.compress().as_bytes() == &self.r
    }

    /// The last step of many, each for itself: the division is shared, nothing
    /// else. Costs 0.4 µs each, beside 4 µs of [`Sum::holds`].
    #[must_use]
    pub fn which_hold(sums: &[Self]) -> Vec<bool> {
        let points: Vec<EdwardsPoint> = sums.iter().map(|sum| sum.point).collect();
        let encoded = EdwardsPoint::compress_batch_alloc(&points);
        encoded.iter().zip(sums).map(|(encoded, sum)| encoded.as_bytes() == &sum.r).collect()
    }
}

/// The one place that says what a signature is, but for the last comparison.
/// `multiples` gives sB − kA; the key is of no small order.
fn sum(
    key: &VerifyingKey,
    message: &[u8],
    signature: &Signature,
    multiples: impl FnOnce(&Scalar, &Scalar) -> EdwardsPoint,
) -> Option<Sum> {
    // A second S for the same signature: found by the case "S + L".
    let s = Option::<Scalar>::from(Scalar::from_canonical_bytes(*signature.s_bytes()))?;
    // Found by the cases "R of small order, S solved" and "R is the identity, S solved".
    if SMALL_ORDER.contains(signature.r_bytes()) {
        return None;
    }
    let hash = Sha512::new().chain_update(signature.r_bytes()).chain_update(key.as_bytes()).chain_update(message);
    // Bytes will be compared, not points: found by "R of small order, S solved", where R is
    // spelled with a y that is not reduced or a sign at x = 0; no comparison by all that is refused.
    Some(Sum { point: multiples(&Scalar::from_hash(hash), &s), r: *signature.r_bytes() })
}
