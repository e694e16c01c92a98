//! The body of an answer that is kept: whole, or short.

use axum::body::Bytes;

/// Of so many parts, one at least must be saved.
const SAVED_OF: usize = 4;

/// What an answer's body is made of again. Shared by reference.
#[derive(Clone, Debug)]
pub(super) enum Stored {
    Whole(Bytes),
    /// An LZ4 block.
    Short {
        block: Bytes,
        /// Of the body, in bytes.
        whole_len: usize,
    },
}

impl Stored {
    /// Short, where that saves a quarter.
    pub(super) fn short(body: &Bytes) -> Self {
        match lz4::block::compress(body, None, false) {
            Ok(block) if block.len() <= body.len() - body.len() / SAVED_OF => {
                Self::Short { block: Bytes::from(block.into_boxed_slice()), whole_len: body.len() }
            }
            // Too long for LZ4, or not shorter by it.
            _ => Self::Whole(body.clone()),
        }
    }

    /// The body as it was; `None`, which sends the reader the whole way, where
    /// the block is none any more.
    pub(super) fn whole(self) -> Option<Bytes> {
        match self {
            Self::Whole(body) => Some(body),
            Self::Short { block, whole_len } => {
                let body = lz4::block::decompress(&block, Some(i32::try_from(whole_len).ok()?)).ok()?;
                (body.len() == whole_len).then(|| Bytes::from(body))
            }
        }
    }

    /// In memory.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Whole(bytes) | Self::Short { block: bytes, .. } => bytes.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_repeats_is_kept_short_and_comes_back_whole() {
        let body = Bytes::from("an entry and another entry ".repeat(1_000));
        let stored = Stored::short(&body);
        assert!(stored.len() < body.len() / 10);
        assert_eq!(stored.whole(), Some(body));
    }

    #[test]
    fn what_does_not_shrink_is_kept_as_it_is() {
        let body: Bytes = (0..4_096_u64).flat_map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes()).collect();
        assert!(matches!(Stored::short(&body), Stored::Whole(_)));
        assert!(matches!(Stored::short(&Bytes::new()), Stored::Whole(_)));
    }

    #[test]
    fn a_block_of_another_length_sends_the_reader_the_whole_way() {
        let body = Bytes::from("an entry and another entry ".repeat(1_000));
        let Stored::Short { block, whole_len } = Stored::short(&body) else { panic!("it is short") };
        for whole_len in [whole_len - 1, whole_len + 1] {
            assert_eq!(Stored::Short { block: block.clone(), whole_len }.whole(), None);
        }
        assert_eq!(Stored::Short { block: block.slice(1..), whole_len }.whole(), None);
    }
}
