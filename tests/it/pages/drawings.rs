//! The two proof drawings: the worked examples as goldens, and for every small
//! tree and many large ones what must hold of the geometry.

use std::ops::Range;
use std::path::Path;

use proptest::prelude::*;
use pulselog::merkle::{LeafIndex, Plan, Side, TreeSize};
use pulselog::server::pages::drawing::Svg;
use pulselog::server::pages::drawing::ladder::Ladder;
use pulselog::server::pages::drawing::scale;
use pulselog::server::pages::drawing::strip::Strip;

fn golden(name: &str, svg: &Svg) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/drawings").join(name);
    if std::env::var_os("PULSELOG_WRITE_GOLDENS").is_some() {
        std::fs::write(&path, svg.as_str()).expect("the golden folder is writable when goldens are written");
    }
    let want = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(svg.as_str(), want, "{name} changed; look at it, then write it with PULSELOG_WRITE_GOLDENS=1");
}

#[test]
fn draws_the_worked_inclusion_proof() {
    let ladder = Ladder::new(LeafIndex::new(5), TreeSize::new(11)).expect("entry 5 is in 11");
    let steps: Vec<(Range<u64>, Side, Range<u64>)> =
        ladder.rungs().iter().map(|r| (r.sibling.clone(), r.side, r.covers.clone())).collect();
    assert_eq!(
        steps,
        [(4..5, Side::Left, 4..6), (6..8, Side::Right, 4..8), (0..4, Side::Left, 0..8), (8..11, Side::Right, 0..11),]
    );
    golden("inclusion-5-of-11.svg", &ladder.svg());
}

#[test]
fn draws_the_worked_consistency_proof() {
    let strip = Strip::new(TreeSize::new(6), TreeSize::new(11)).expect("6 is below 11");
    let rows: Vec<(Option<usize>, Range<u64>, bool)> =
        strip.pieces().iter().map(|p| (p.number, p.range.clone(), p.is_shared)).collect();
    assert_eq!(rows, [(Some(3), 0..4, true), (Some(1), 4..6, true), (Some(2), 6..8, false), (Some(4), 8..11, false)]);
    let folds: Vec<(usize, Option<Range<u64>>, Range<u64>)> =
        strip.folds().iter().map(|f| (f.number, f.older.clone(), f.newer.clone())).collect();
    assert_eq!(folds, [(2, None, 4..8), (3, Some(0..6), 0..8), (4, None, 0..11)]);
    golden("consistency-6-to-11.svg", &strip.svg());
}

#[test]
fn draws_an_older_root_that_the_file_leaves_out() {
    let strip = Strip::new(TreeSize::new(8), TreeSize::new(11)).expect("8 is below 11");
    assert_eq!(strip.start().number, None);
    golden("consistency-8-to-11.svg", &strip.svg());
}

#[test]
fn draws_the_smallest_and_the_largest_tree() {
    golden("inclusion-0-of-1.svg", &Ladder::new(LeafIndex::new(0), TreeSize::new(1)).expect("one entry").svg());
    let large = Ladder::new(LeafIndex::new(0), TreeSize::new(1 << 40)).expect("forty steps");
    assert_eq!(large.rungs().len(), 40);
    assert!(large.svg().as_str().contains("height=\"1992\""));
    let strip = Strip::new(TreeSize::new((1 << 39) + 1), TreeSize::new(1 << 40)).expect("many blocks");
    assert!(strip.pieces().len() <= 41);
}

#[test]
fn refuses_what_is_no_proof() {
    assert_eq!(Ladder::new(LeafIndex::new(11), TreeSize::new(11)), None);
    assert_eq!(Ladder::new(LeafIndex::new(0), TreeSize::ZERO), None);
    for (from, to) in [(0, 5), (5, 5), (6, 5)] {
        assert_eq!(Strip::new(TreeSize::new(from), TreeSize::new(to)), None);
    }
}

#[test]
fn every_small_drawing_is_sound() {
    for size in 1..=64 {
        for index in 0..size {
            sound_ladder(index, size);
        }
        for from in 1..size {
            sound_strip(from, size);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn every_large_ladder_is_sound((size, at) in (1_u64..=1 << 40, any::<u64>())) {
        sound_ladder(at % size, size);
    }

    #[test]
    fn every_large_strip_is_sound((to, at) in (2_u64..=1 << 40, any::<u64>())) {
        sound_strip(1 + at % (to - 1), to);
    }
}

fn sound_ladder(index: u64, size: u64) {
    let (index, size) = (LeafIndex::new(index), TreeSize::new(size));
    let ladder = Ladder::new(index, size).expect("every entry of every tree is drawn");
    let order: Vec<Range<u64>> = ladder.rungs().iter().map(|r| r.sibling.clone()).collect();
    let proof: Vec<Range<u64>> =
        Plan::inclusion(index, size).expect("in the tree").blocks().iter().map(|b| b.range.clone()).collect();
    assert_eq!(order, proof, "siblings stand in the order of the proof");
    let odd = order.iter().filter(|r| !(r.end - r.start).is_power_of_two()).count();
    assert!(odd <= 1);
    let boxes = sound_boxes(&ladder.svg(), 72 + 48 * order.len() as u64);
    for b in &boxes {
        let chars = if b.width == 96 { 12 } else { 10 };
        assert!(b.label.chars().count() <= chars, "{} of {index} in {size}", b.label);
    }
    for rung in ladder.rungs() {
        let x = if rung.side == Side::Left { 8 } else { 200 };
        let y = 12 + 48 * (rung.step as u64 - 1);
        assert!(boxes.iter().any(|b| (b.x, b.y, b.width) == (x, y, 80)), "sibling {} of {index} in {size}", rung.step);
    }
}

fn sound_strip(from: u64, to: u64) {
    let strip = Strip::new(TreeSize::new(from), TreeSize::new(to)).expect("every pair of sizes is drawn");
    let blocks = strip.pieces();
    let mut end = 0;
    for block in blocks {
        assert_eq!(block.range.start, end, "blocks tile the newer tree");
        assert_eq!(block.is_shared, block.range.end <= from);
        end = block.range.end;
    }
    assert_eq!(end, to);
    let widths: Vec<u64> = blocks.iter().filter(|b| b.is_shared).map(|b| b.range.end - b.range.start).collect();
    let binary: Vec<u64> = (0..64).rev().map(|bit| from & (1 << bit)).filter(|part| *part > 0).collect();
    assert_eq!(widths, binary, "shared blocks are the binary parts of the older size");
    for b in sound_boxes(&strip.svg(), 120 + 40 * blocks.len() as u64) {
        let chars = if b.width == 112 { 14 } else { 16 };
        assert!(b.label.chars().count() <= chars, "{} of {from} to {to}", b.label);
    }
}

struct Boxed {
    x: u64,
    y: u64,
    width: u64,
    height: u64,
    label: String,
}

/// Reads the boxes back and checks that all lie inside and none overlap.
fn sound_boxes(svg: &Svg, height: u64) -> Vec<Boxed> {
    let text = svg.as_str();
    assert!(text.contains(&format!("viewBox=\"0 0 288 {height}\"")), "{text}");
    let lines: Vec<&str> = text.lines().collect();
    let mut boxes = Vec::new();
    for pair in lines.windows(2) {
        if !pair[0].starts_with("<rect") || pair[0].contains("\"gap\"") {
            continue;
        }
        let number = |name: &str| -> u64 {
            let at = pair[0].find(&format!(" {name}=\"")).expect("a box has it") + name.len() + 3;
            pair[0][at..].split('"').next().and_then(|n| n.parse().ok()).expect("a number")
        };
        let label = pair[1].split('>').nth(1).and_then(|t| t.split('<').next()).expect("a label follows").to_owned();
        boxes.push(Boxed { x: number("x"), y: number("y"), width: number("width"), height: number("height"), label });
    }
    for (at, a) in boxes.iter().enumerate() {
        assert!(a.x + a.width <= 288 && a.y + a.height <= height, "{} lies outside", a.label);
        for b in &boxes[at + 1..] {
            let apart = a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y;
            assert!(apart, "{} and {} overlap", a.label, b.label);
        }
    }
    boxes
}

#[test]
fn growth_needs_time_and_never_leaves_its_frame() {
    assert_eq!(scale::growth(&[]), None);
    assert_eq!(scale::growth(&[(5, 1), (5, 2)]), None, "no time has passed");
    let svg = scale::growth(&[(0, 1), (50, 40), (100, 100)]).expect("two moments");
    assert!(svg.as_str().contains("points=\"0.00,28.72 50.00,17.80 100.00,1.00\""), "{svg}");
}

#[test]
fn share_is_percent_of_the_newer_size() {
    let svg = scale::share(TreeSize::new(6), TreeSize::new(11));
    assert!(svg.as_str().contains("width=\"54.54%\"") && svg.as_str().contains("width=\"45.46%\""), "{svg}");
}
