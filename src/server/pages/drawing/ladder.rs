//! An inclusion proof, drawn as a ladder that is read downwards: the entry on
//! top, the root at the bottom.
//!
//! ```text
//!               [ entry 5 ]
//!   [ 4 ]            |
//!     └─────────────(1)
//!               [  entry  ]
//!                    |            [ 6–7 ]
//!                   (2)──────────────┘
//! ```
//!
//! Left or right in the drawing is left or right in the hash:
//! SHA-256(0x01 ‖ left ‖ right).

use std::ops::Range;

use crate::merkle::{LeafIndex, Plan, Side, TreeSize};
use crate::server::pages::drawing::{BOX_HEIGHT, Canvas, Svg, block_label, fitting, range_words};

/// Height of one step.
const STEP: u64 = 48;
/// Middle of the first row.
const FIRST_ROW: u64 = 26;
const PATH_X: u64 = 96;
const PATH_WIDTH: u64 = 96;
const PATH_MIDDLE: u64 = 144;
const PATH_CHARS_MAX: usize = 12;
const SIBLING_WIDTH: u64 = 80;
const SIBLING_CHARS_MAX: usize = 10;
const LEFT_X: u64 = 8;
const RIGHT_X: u64 = 200;
const JOINT_RADIUS: u64 = 9;

/// One step of the proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rung {
    /// Its number, from 1.
    pub step: usize,
    /// The entries below the sibling's hash.
    pub sibling: Range<u64>,
    /// Where the sibling stands in the hash, and in the drawing.
    pub side: Side,
    /// The entries below the hash of the pair.
    pub covers: Range<u64>,
}

/// An inclusion proof without its hashes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ladder {
    index: LeafIndex,
    size: TreeSize,
    rungs: Vec<Rung>,
}

impl Ladder {
    /// The ladder of entry `index` in the tree of `size` entries. `None` when
    /// there is no such entry or the siblings do not add up to the whole tree.
    #[must_use]
    pub fn new(index: LeafIndex, size: TreeSize) -> Option<Self> {
        let plan = Plan::inclusion(index, size).ok()?;
        let mut covers = index.get()..index.get() + 1;
        let mut rungs = Vec::new();
        for (at, block) in plan.blocks().iter().enumerate() {
            match block.side {
                Side::Left if block.range.end == covers.start => covers.start = block.range.start,
                Side::Right if block.range.start == covers.end => covers.end = block.range.end,
                Side::Left | Side::Right => return None,
            }
            rungs.push(Rung { step: at + 1, sibling: block.range.clone(), side: block.side, covers: covers.clone() });
        }
        (covers == (0..size.get())).then_some(Self { index, size, rungs })
    }

    /// The steps, leaf side first, as the proof lists its hashes.
    #[must_use]
    pub fn rungs(&self) -> &[Rung] {
        &self.rungs
    }

    /// The drawing. Ids begin with `inclusion`.
    #[must_use]
    pub fn svg(&self) -> Svg {
        let mut canvas = Canvas::new();
        let steps = self.rungs.len() as u64;
        for rung in &self.rungs {
            let y = FIRST_ROW + STEP * (rung.step as u64 - 1);
            let (x, edge) = match rung.side {
                Side::Left => (LEFT_X, PATH_MIDDLE - JOINT_RADIUS),
                Side::Right => (RIGHT_X, PATH_MIDDLE + JOINT_RADIUS),
            };
            canvas.line(format_args!("M{PATH_MIDDLE} {}V{}", y + 14, y + 34));
            canvas.line(format_args!("M{} {}V{}H{edge}", x + SIBLING_WIDTH / 2, y + 14, y + 24));
            let label = block_label(&rung.sibling, SIBLING_CHARS_MAX);
            canvas.labelled_box("given", x, y - BOX_HEIGHT / 2, SIBLING_WIDTH, &label);
            canvas.joint(PATH_MIDDLE, y + 24, rung.step);
        }
        for row in 0..=steps {
            let label = self.path_label(row, steps);
            canvas.labelled_box("node", PATH_X, FIRST_ROW + STEP * row - BOX_HEIGHT / 2, PATH_WIDTH, &label);
        }
        let covers = range_words(&(0..self.size.get()));
        let title = match steps {
            0 => format!("Entry {covers} is the whole tree: its leaf hash is the root"),
            1 => format!("Path from entry {} to the root of {} entries, 1 step", self.index, self.size),
            _ => format!("Path from entry {} to the root of {} entries, {steps} steps", self.index, self.size),
        };
        canvas.finish("inclusion", &title, 72 + STEP * steps)
    }

    fn path_label(&self, row: u64, steps: u64) -> String {
        if row == 0 {
            return fitting(format!("entry {}", self.index), PATH_CHARS_MAX, "entry");
        }
        if row == steps {
            return fitting(format!("root of {}", self.size), PATH_CHARS_MAX, "root");
        }
        // The union that the pair so far covers; the whole range rarely fits.
        let covers = &self.rungs[row as usize - 1].covers;
        block_label(covers, PATH_CHARS_MAX)
    }
}
