//! Conditions of version 2 statements (PEERS 6.7): a fact, an operator
//! and one text.
//!
//! A condition holds, does not hold, or cannot be decided: the fact is not
//! known, or either side is not what the operator compares. The peer takes
//! some of these for "holds" and drops a Deny for the others; here the
//! statement decides which way is safe.

use std::borrow::Cow;

use crate::artifact::json::Value;
use crate::policy::glob::Glob;
use crate::policy::{Action, Context};

/// Every operator, in the order in which they are printed.
pub(super) const OPERATORS: &[Operator] = &[
    Operator {
        name: "StringEquals",
        words: "is",
        compile: |text| Some(Test::Text { is: text.to_owned(), wanted: true }),
    },
    Operator {
        name: "StringNotEquals",
        words: "is not",
        compile: |text| Some(Test::Text { is: text.to_owned(), wanted: false }),
    },
    Operator {
        name: "StringLike",
        words: "is like",
        compile: |text| Some(Test::Like { glob: Glob::new(text), wanted: true }),
    },
    Operator {
        name: "StringNotLike",
        words: "is not like",
        compile: |text| Some(Test::Like { glob: Glob::new(text), wanted: false }),
    },
    Operator {
        name: "NumericEquals",
        words: "equals",
        compile: |text| Some(Test::Number { than: decimal(text)?, compare: |a, b| a == b }),
    },
    Operator {
        name: "NumericLessThan",
        words: "is below",
        compile: |text| Some(Test::Number { than: decimal(text)?, compare: |a, b| a < b }),
    },
    Operator {
        name: "NumericGreaterThan",
        words: "is above",
        compile: |text| Some(Test::Number { than: decimal(text)?, compare: |a, b| a > b }),
    },
    Operator { name: "Bool", words: "is", compile: |text| Some(Test::Bool(truth(text)?)) },
    Operator { name: "IpAddress", words: "is in", compile: |text| Some(Test::Network(Network::parse(text)?)) },
];

/// Fact that stands for a person's approval of exactly this act.
pub(super) const HAS_APPROVAL: &str = "Request:HasHumanApproval";

#[derive(Debug)]
pub(super) struct Operator {
    pub(super) name: &'static str,
    pub(super) words: &'static str,
    compile: fn(&str) -> Option<Test>,
}

#[derive(Clone, Debug)]
enum Test {
    Text { is: String, wanted: bool },
    Like { glob: Glob, wanted: bool },
    Number { than: f64, compare: fn(f64, f64) -> bool },
    Bool(bool),
    Network(Network),
}

/// One condition. `test` is absent when its text is nothing the operator
/// compares with.
#[derive(Clone, Debug)]
pub(super) struct Condition {
    pub(super) key: String,
    pub(super) words: &'static str,
    pub(super) expected: String,
    test: Option<Test>,
}

/// What is known while one statement is looked at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts<'a> {
    pub(super) action: &'a Action,
    pub(super) context: &'a Context,
    /// Whether to take the act as approved.
    pub(super) approved: bool,
}

impl<'a> Facts<'a> {
    /// What the action and the context answer themselves cannot be given from
    /// outside, not even where it is unknown.
    fn get(&self, key: &str) -> Option<&'a str> {
        match (key, self.action) {
            ("Agent:DID", _) => self.context.agent(),
            (HAS_APPROVAL, _) => Some(if self.approved { "true" } else { "false" }),
            ("Model:Provider", Action::ModelCall(call)) => Some(call.provider()),
            ("Model:Name", Action::ModelCall(call)) => Some(call.model()),
            ("Tool:Name", Action::Argo(action)) => Some(self.context.tool().unwrap_or(action.action().row().tool)),
            ("Model:Provider" | "Model:Name" | "Tool:Name", _) => None,
            (key, _) => self.context.fact(key),
        }
    }
}

/// Conditions together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Held<'a> {
    Yes,
    No,
    /// This fact decides nothing. It outweighs a condition that does not hold.
    Unknown(&'a str),
}

/// Compiles the `conditions` of a statement whose shape was checked. `None`
/// for an operator that nobody knows.
pub(super) fn compile(conditions: Option<&Value>) -> Option<Vec<Condition>> {
    let Some(conditions) = conditions else { return Some(Vec::new()) };
    let mut compiled = Vec::new();
    for (name, keys) in conditions.as_object()?.iter() {
        let operator = OPERATORS.iter().find(|operator| operator.name == name)?;
        for (key, expected) in keys.as_object()?.iter() {
            let expected = expected.as_str()?;
            compiled.push(Condition {
                key: key.to_owned(),
                words: operator.words,
                expected: expected.to_owned(),
                test: (operator.compile)(expected),
            });
        }
    }
    Some(compiled)
}

/// Whether all conditions hold.
pub(super) fn held<'a>(conditions: &'a [Condition], facts: &Facts<'_>) -> Held<'a> {
    let mut held = Held::Yes;
    for condition in conditions {
        match condition.holds(facts) {
            None => return Held::Unknown(&condition.key),
            Some(false) => held = Held::No,
            Some(true) => {}
        }
    }
    held
}

impl Condition {
    pub(super) fn is_understood(&self) -> bool {
        self.test.is_some()
    }

    fn holds(&self, facts: &Facts<'_>) -> Option<bool> {
        let actual = facts.get(&self.key)?;
        match self.test.as_ref()? {
            Test::Text { is, wanted } => Some((actual == is) == *wanted),
            Test::Like { glob, wanted } => Some(glob.matches(actual) == *wanted),
            Test::Number { than, compare } => Some(compare(decimal(actual)?, *than)),
            Test::Bool(wanted) => Some(truth(actual)? == *wanted),
            Test::Network(network) => Some(network.holds(ipv4(actual)?)),
        }
    }

    /// `Model:Provider is openai`.
    pub(super) fn in_words(&self) -> Cow<'_, str> {
        match (self.key.as_str(), &self.test) {
            (HAS_APPROVAL, Some(Test::Bool(true))) => Cow::Borrowed("a person approved that exact act"),
            (HAS_APPROVAL, Some(Test::Bool(false))) => Cow::Borrowed("no person approved that exact act"),
            _ => Cow::Owned(format!("{} {} {}", self.key, self.words, self.expected)),
        }
    }

    pub(super) fn asks_for_approval(&self) -> bool {
        self.key == HAS_APPROVAL && matches!(self.test, Some(Test::Bool(true)))
    }
}

/// A decimal number and nothing after it; the peer reads `10 apples` as 10.
fn decimal(text: &str) -> Option<f64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    text.parse().ok().filter(|number: &f64| plain && number.is_finite())
}

/// `true` or `false` in any case; the peer reads everything else as false.
fn truth(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

/// IPv4 addresses that share a prefix.
#[derive(Clone, Copy, Debug)]
struct Network {
    address: u32,
    mask: u32,
}

impl Network {
    fn parse(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, octet(bits).filter(|bits| *bits <= 32)?),
            None => (text, 32),
        };
        // A shift by 32 leaves nothing: the network of everybody.
        let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
        Some(Self { address: ipv4(address)?, mask })
    }

    fn holds(self, address: u32) -> bool {
        address & self.mask == self.address & self.mask
    }
}

fn ipv4(text: &str) -> Option<u32> {
    let octets: Vec<u32> = text.split('.').map(octet).collect::<Option<_>>()?;
    (octets.len() == 4).then(|| octets.iter().fold(0, |address, octet| address << 8 | octet))
}

/// 0 to 255 in decimal, without leading zeros.
fn octet(text: &str) -> Option<u32> {
    let one_spelling = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse::<u8>().ok().filter(|_| one_spelling).map(u32::from)
}
