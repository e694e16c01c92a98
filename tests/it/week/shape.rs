//! What a week is to be like: a row of `tests/golden/week/weeks.tsv`, or
//! thrown from a seed.

use super::dice::Dice;
use super::guilt::{KINDS, Kind};

#[derive(Clone)]
pub struct Shape {
    pub seed: u64,
    pub apps: usize,
    pub agents: usize,
    pub days: i64,
    /// Whether the roots say that nobody but Argo CD writes Applications.
    pub closed: bool,
    /// Whether they say that every person is listed.
    pub complete: bool,
    /// What is planted, and whether the channels are to lose it.
    pub plants: Vec<(&'static Kind, bool)>,
}

impl Shape {
    /// Every row of the table.
    pub fn committed() -> Vec<Self> {
        include_str!("../../golden/week/weeks.tsv").lines().skip(1).map(Self::of_row).collect()
    }

    fn of_row(row: &str) -> Self {
        let cells: Vec<&str> = row.split('\t').collect();
        let number = |at: usize| cells[at].parse::<u32>().expect("a number");
        let plant = |name: &str| {
            let kind = KINDS.iter().find(|kind| kind.name == name.trim_end_matches('~'));
            (kind.unwrap_or_else(|| panic!("no plant {name}")), name.ends_with('~'))
        };
        Self {
            seed: u64::from(number(0)),
            apps: number(1) as usize,
            agents: number(2) as usize,
            days: i64::from(number(3)),
            closed: cells[4] == "closed",
            complete: cells[5] == "complete",
            plants: cells[6].split(' ').filter(|name| *name != "-").map(plant).collect(),
        }
    }

    /// A week of this size that nobody wrote down.
    pub fn thrown(seed: u64, apps: usize, agents: usize, days: i64) -> Self {
        let mut dice = Dice::new(seed ^ 0x0073_6861_7065);
        let (closed, complete) = (dice.chance(50), dice.chance(50));
        let mut plants: Vec<(&'static Kind, bool)> = Vec::new();
        for _ in 0..dice.between(0, 8) {
            let kind = &KINDS[dice.below(KINDS.len())];
            let is_twice = plants.iter().any(|(other, _)| other.name == kind.name);
            if !is_twice && (complete || kind.name != "stranger") {
                plants.push((kind, kind.can_be_lost() && dice.chance(30)));
            }
        }
        Self { seed, apps, agents, days, closed, complete, plants }
    }

    pub fn is_full(&self) -> bool {
        self.apps >= 200
    }
}
