use crate::artifact::json::{Value, to_compact};

/// Where a value breaks its schema, from the value outwards. Making one at the
/// value itself costs nothing.
#[derive(Debug, Default)]
pub(in crate::protocol) struct Fault {
    /// Innermost first.
    steps: Vec<Step>,
}

#[derive(Debug)]
enum Step {
    Element(usize),
    Member(String),
    /// The name of a member that is missing or undeclared.
    Property(String),
}

impl Fault {
    /// The value itself is wrong.
    pub(in crate::protocol) fn here() -> Self {
        Self::default()
    }

    /// A member is missing, or there and not declared.
    pub(in crate::protocol) fn property(name: &str) -> Self {
        Self { steps: vec![Step::Property(name.to_owned())] }
    }

    pub(in crate::protocol) fn in_member(mut self, name: &str) -> Self {
        self.steps.push(Step::Member(name.to_owned()));
        self
    }

    pub(super) fn in_element(mut self, at: usize) -> Self {
        self.steps.push(Step::Element(at));
        self
    }

    /// The path as the peer writes it, e.g. `payload.receipts[0].payload`;
    /// `None` for the root itself.
    pub(in crate::protocol) fn field(&self) -> Option<String> {
        let mut out = String::new();
        for step in self.steps.iter().rev() {
            match step {
                Step::Element(at) => out.push_str(&format!("[{at}]")),
                // The peer's paths go through JSON pointers, which cannot show an empty name.
                Step::Member(name) if name.is_empty() => {}
                Step::Member(name) if name.bytes().all(|byte| byte.is_ascii_digit()) => {
                    out.push_str(&format!("[{name}]"));
                }
                Step::Member(name) | Step::Property(name) => push_name(name, &mut out),
            }
        }
        Some(out).filter(|field| !field.is_empty())
    }
}

fn push_name(name: &str, out: &mut String) {
    let starts = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || c == '$');
    if starts && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '$') {
        if !out.is_empty() {
            out.push('.');
        }
        out.push_str(name);
    } else {
        out.push_str(&format!("[{}]", to_compact(&Value::from(name))));
    }
}
