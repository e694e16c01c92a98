//! Multiples of a point, kept so that any multiple is a sum of a few of them.
//!
//! A scalar is read in windows of `BITS` bits, as digits from −2^(BITS−1) to
//! 2^(BITS−1). Every `STRIDE`th window has a row with the multiples by 1 to
//! 2^(BITS−1) of the point times two to the window's place; the windows between
//! two rows take the lower row, and are doubled to their places together:
//!
//! ```text
//! windows, STRIDE 4   0 1 2 3 │ 4 5 6 7 │ 8 …
//! rows                0       │ 1       │ 2
//! sum = (((windows 3, 7, …) · 2^BITS + (2, 6, …)) · 2^BITS + (1, 5, …)) · 2^BITS + (0, 4, …)
//! ```
//!
//! Sums are of points on the whole curve, parts of small order included: the
//! multiple is the scalar's as a number, never only modulo the group order.

use std::fmt;

use curve25519_dalek::edwards::EdwardsPoint;
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::Identity;

/// Scalars lie below the group order, which has 253 bits.
const SCALAR_BITS: usize = 253;
/// Windows of the narrowest digits that are read here, of 5 bits.
const WINDOWS_MAX: usize = SCALAR_BITS / 5 + 1;

pub(super) struct Comb<const BITS: usize, const STRIDE: usize> {
    /// Row after row.
    multiples: Box<[EdwardsPoint]>,
}

impl<const BITS: usize, const STRIDE: usize> Comb<BITS, STRIDE> {
    /// The last one is never full, so that a carry out of it cannot be.
    const WINDOWS: usize = SCALAR_BITS / BITS + 1;
    /// Multiples of a row.
    const ROW: usize = 1 << (BITS - 1);
    const ROWS: usize = Self::WINDOWS.div_ceil(STRIDE);
    pub(super) const BYTES: usize = Self::ROWS * Self::ROW * size_of::<EdwardsPoint>();

    /// Costs an addition a multiple, and 253 doublings.
    pub(super) fn of(point: &EdwardsPoint) -> Self {
        const { assert!(5 <= BITS && BITS <= 8 && STRIDE > 0) };
        let mut multiples = Vec::with_capacity(Self::ROWS * Self::ROW);
        let mut first = *point;
        for row in 0..Self::ROWS {
            if row > 0 {
                first = doubled(first, BITS * STRIDE);
            }
            let mut multiple = first;
            multiples.push(multiple);
            for _ in 1..Self::ROW {
                multiple += &first;
                multiples.push(multiple);
            }
        }
        Self { multiples: multiples.into_boxed_slice() }
    }

    /// The point times a scalar. Costs an addition a window, and the doublings
    /// of one stride.
    pub(super) fn times(&self, scalar: &Scalar) -> EdwardsPoint {
        let digits = Self::digits(scalar);
        // All are fetched before the first is added: of a table that no cache
        // holds, one would be waited for after the other.
        let mut picked = [EdwardsPoint::identity(); WINDOWS_MAX];
        for (window, (digit, slot)) in digits.iter().zip(&mut picked).enumerate().take(Self::WINDOWS) {
            if let Some(of_row) = usize::from(digit.unsigned_abs()).checked_sub(1) {
                *slot = self.multiples[window / STRIDE * Self::ROW + of_row];
            }
        }
        let mut sum = EdwardsPoint::identity();
        for of_stride in (0..STRIDE).rev() {
            if of_stride + 1 < STRIDE {
                sum = doubled(sum, BITS);
            }
            for window in (of_stride..Self::WINDOWS).step_by(STRIDE) {
                match digits[window] {
                    0 => {}
                    1.. => sum += &picked[window],
                    _ => sum -= &picked[window],
                }
            }
        }
        sum
    }

    /// The digits of a scalar, the lowest first.
    fn digits(scalar: &Scalar) -> [i16; WINDOWS_MAX] {
        let bytes = scalar.as_bytes();
        let mut digits = [0; WINDOWS_MAX];
        let mut carry = 0;
        for (window, slot) in digits.iter_mut().enumerate().take(Self::WINDOWS) {
            let (byte, bit) = (window * BITS / 8, window * BITS % 8);
            let two = u16::from_le_bytes([bytes[byte], bytes.get(byte + 1).copied().unwrap_or(0)]);
            let value = (two >> bit & ((1 << BITS) - 1)) as i16 + carry;
            carry = i16::from(value > Self::ROW as i16);
            *slot = value - (carry << BITS);
        }
        digits
    }
}

/// A point times two to `times`. Three doublings at once cost less than three.
fn doubled(mut point: EdwardsPoint, times: usize) -> EdwardsPoint {
    for _ in 0..times / 3 {
        point = point.mul_by_cofactor();
    }
    for _ in 0..times % 3 {
        point += point;
    }
    point
}

impl<const BITS: usize, const STRIDE: usize> fmt::Debug for Comb<BITS, STRIDE> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Comb({} multiples)", self.multiples.len())
    }
}

#[cfg(test)]
mod tests {
    use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION};
    use sha2::{Digest, Sha512};

    use super::*;

    /// Zero, one, the largest, digits at their bounds, and any.
    fn scalars() -> Vec<Scalar> {
        let mut scalars = vec![Scalar::ZERO, Scalar::ONE, -Scalar::ONE];
        for byte in [0x0f, 0x10, 0x11, 0x1f, 0x7f, 0x80, 0x81, 0xf0, 0xff] {
            let mut bytes = [byte; 32];
            bytes[31] &= 0x0f;
            scalars.push(Scalar::from_bytes_mod_order(bytes));
        }
        let any = |n: u8| Scalar::from_hash(Sha512::new().chain_update([n]));
        scalars.extend((0..24).map(any));
        scalars
    }

    fn agrees<const BITS: usize, const STRIDE: usize>() {
        let mixed = ED25519_BASEPOINT_POINT * Scalar::from(5_u8) + EIGHT_TORSION[1];
        for point in [ED25519_BASEPOINT_POINT, mixed, EIGHT_TORSION[1]] {
            let comb = Comb::<BITS, STRIDE>::of(&point);
            assert_eq!(size_of_val(&*comb.multiples), Comb::<BITS, STRIDE>::BYTES);
            for scalar in scalars() {
                assert_eq!(comb.times(&scalar), point * scalar, "{BITS} {STRIDE} {scalar:?}");
            }
        }
    }

    #[test]
    fn a_multiple_of_any_point_is_the_one_that_doubling_gives() {
        agrees::<5, 4>();
        agrees::<5, 1>();
        agrees::<6, 5>();
        agrees::<7, 3>();
        agrees::<8, 1>();
    }
}
