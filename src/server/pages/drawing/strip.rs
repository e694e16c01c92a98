//! A consistency proof, drawn as one strip of blocks between two roots.
//!
//! ```text
//!  [root of 6]
//!       ├──[ 3 · 0–3  ]──┐
//!       └──[ 1 · 4–5  ]──┤
//!  - - - - - size 6 - - -│- -
//!          [ 2 · 6–7  ]──┤
//!          [ 4 · 8–10 ]──┤
//!                   [root of 11]
//! ```
//!
//! Shared blocks stand above the boundary and fold into both roots, new ones
//! below it and fold into the newer root only. Rows are in leaf order; the
//! number in a box is the hash's place in the file.

use std::ops::Range;

use crate::merkle::{Block, Plan, TreeSize};
use crate::server::pages::drawing::{BOX_HEIGHT, Canvas, Svg, block_label, fitting};

/// Height of one block with its gap.
const ROW: u64 = 40;
const FIRST_BLOCK: u64 = 56;
const BOUNDARY_GAP: u64 = 24;
const BLOCK_X: u64 = 80;
const BLOCK_WIDTH: u64 = 128;
const BLOCK_CHARS_MAX: usize = 16;
const ROOT_WIDTH: u64 = 112;
const ROOT_CHARS_MAX: usize = 14;
const OLDER_X: u64 = 8;
const NEWER_X: u64 = 168;
const LEFT_RAIL: u64 = 40;
const RIGHT_RAIL: u64 = 248;

/// One block of the strip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Its place in the file, from 1; `None` for an older root that the file
    /// leaves out because the checkpoint says it.
    pub number: Option<usize>,
    /// The entries below its hash.
    pub range: Range<u64>,
    /// Whether the older tree holds it too.
    pub is_shared: bool,
}

/// One hash of the file joined with what was folded before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fold {
    /// Its place in the file, from 1.
    pub number: usize,
    /// The entries below it.
    pub range: Range<u64>,
    /// The entries below the older hash afterwards, when it took part.
    pub older: Option<Range<u64>>,
    /// The entries below the newer hash afterwards.
    pub newer: Range<u64>,
}

/// A consistency proof without its hashes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Strip {
    from: TreeSize,
    to: TreeSize,
    start: Piece,
    folds: Vec<Fold>,
    pieces: Vec<Piece>,
}

impl Strip {
    /// The strip between two sizes, 0 < from < to. `None` otherwise, and when
    /// the blocks do not fold into both trees.
    #[must_use]
    pub fn new(from: TreeSize, to: TreeSize) -> Option<Self> {
        if from >= to {
            return None;
        }
        let blocks = Plan::consistency(from, to).ok()?.blocks();
        let in_file =
            |at: usize, b: &Block| Piece { number: Some(at + 1), range: b.range.clone(), is_shared: b.is_shared(from) };
        let mut pieces: Vec<Piece> = blocks.iter().enumerate().map(|(at, b)| in_file(at, b)).collect();
        if !pieces.iter().any(|p| p.is_shared) {
            pieces.insert(0, Piece { number: None, range: 0..from.get(), is_shared: true });
        }
        let start = pieces.first()?.clone();
        let folds = fold(&start, pieces.get(1..)?, from, to)?;
        pieces.sort_by_key(|p| p.range.start);
        Some(Self { from, to, start, folds, pieces })
    }

    /// What both hashes begin with.
    #[must_use]
    pub const fn start(&self) -> &Piece {
        &self.start
    }

    /// The joins after the start, in file order.
    #[must_use]
    pub fn folds(&self) -> &[Fold] {
        &self.folds
    }

    /// The blocks in leaf order.
    #[must_use]
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// The drawing. Ids begin with `consistency`.
    #[must_use]
    pub fn svg(&self) -> Svg {
        let mut canvas = Canvas::new();
        let blocks = self.pieces.len() as u64;
        let shared = self.pieces.iter().filter(|p| p.is_shared).count() as u64;
        let top = |at: u64, piece: &Piece| FIRST_BLOCK + ROW * at + if piece.is_shared { 0 } else { BOUNDARY_GAP };
        let newer_top = ROW * blocks + 84;
        canvas.line(format_args!("M{LEFT_RAIL} 36V{}", FIRST_BLOCK + ROW * (shared - 1) + BOX_HEIGHT / 2));
        canvas.line(format_args!("M{RIGHT_RAIL} {}V{newer_top}", FIRST_BLOCK + BOX_HEIGHT / 2));
        canvas.boundary(ROW * shared + 62, &format!("size {}", self.from));
        let older = fitting(format!("root of {}", self.from), ROOT_CHARS_MAX, "older root");
        canvas.labelled_box("node", OLDER_X, 8, ROOT_WIDTH, &older);
        for (at, piece) in self.pieces.iter().enumerate() {
            let y = top(at as u64, piece);
            let middle = y + BOX_HEIGHT / 2;
            if piece.is_shared {
                canvas.line(format_args!("M{LEFT_RAIL} {middle}H{BLOCK_X}"));
            }
            canvas.line(format_args!("M{} {middle}H{RIGHT_RAIL}", BLOCK_X + BLOCK_WIDTH));
            canvas.labelled_box(class(piece), BLOCK_X, y, BLOCK_WIDTH, &piece_label(piece));
        }
        let newer = fitting(format!("root of {}", self.to), ROOT_CHARS_MAX, "newer root");
        canvas.labelled_box("node", NEWER_X, newer_top, ROOT_WIDTH, &newer);
        let title = format!(
            "The log of {} entries begins with the log of {}: {shared} shared, {} new",
            self.to,
            self.from,
            blocks - shared,
        );
        canvas.finish("consistency", &title, ROW * blocks + 120)
    }
}

const fn class(piece: &Piece) -> &'static str {
    match (piece.number, piece.is_shared) {
        (None, _) => "given from-checkpoint",
        (Some(_), true) => "given",
        (Some(_), false) => "new",
    }
}

fn piece_label(piece: &Piece) -> String {
    match piece.number {
        Some(number) => {
            let prefix = format!("{number} · ");
            format!("{prefix}{}", block_label(&piece.range, BLOCK_CHARS_MAX - prefix.chars().count()))
        }
        None => "older root".to_owned(),
    }
}

/// A block that ends where the older range begins goes left into both; one
/// that begins where the newer range ends goes right into the newer only;
/// anything else is no proof of these sizes.
fn fold(start: &Piece, rest: &[Piece], from: TreeSize, to: TreeSize) -> Option<Vec<Fold>> {
    let (mut older, mut newer) = (start.range.clone(), start.range.clone());
    let mut folds = Vec::with_capacity(rest.len());
    for piece in rest {
        let goes_left = piece.range.end == older.start && older.start == newer.start;
        if goes_left {
            older.start = piece.range.start;
            newer.start = piece.range.start;
        } else if piece.range.start == newer.end {
            newer.end = piece.range.end;
        } else {
            return None;
        }
        folds.push(Fold {
            number: piece.number?,
            range: piece.range.clone(),
            older: goes_left.then(|| older.clone()),
            newer: newer.clone(),
        });
    }
    (older == (0..from.get()) && newer == (0..to.get())).then_some(folds)
}
