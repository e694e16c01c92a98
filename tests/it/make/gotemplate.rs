//! As much of Go's `text/template` as the printed configuration uses: fields,
//! variables, pipes, parentheses, `if`/`else`, and a handful of functions.
//! Written for tests alone, from the language's own description.

use pulselog::artifact::json::{Object, Value, to_compact};

/// The text of a template for an application.
pub fn render(template: &str, app: &Value<'static>) -> String {
    let mut root = Object::new();
    root.set("app", app.clone());
    let mut scope = Scope { root: root.into(), variables: Vec::new() };
    let mut out = String::new();
    let parts = parts(template);
    let end = scope.block(&parts, 0, &mut out, true);
    assert_eq!(end, parts.len(), "an end without a beginning");
    out
}

enum Part {
    Text(String),
    Action(String),
}

/// Text and actions; a dash inside the braces takes the blanks beside them.
fn parts(template: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut rest = template;
    let mut is_trimmed = false;
    while let Some((text, after)) = rest.split_once("{{") {
        let (action, after) = after.split_once("}}").expect("an end of an action");
        let text = if is_trimmed { text.trim_start() } else { text };
        let text = if action.starts_with("- ") { text.trim_end() } else { text };
        is_trimmed = action.ends_with(" -");
        let action = action.strip_prefix("- ").unwrap_or(action);
        let action = action.strip_suffix(" -").unwrap_or(action);
        parts.push(Part::Text(text.to_owned()));
        parts.push(Part::Action(action.trim().to_owned()));
        rest = after;
    }
    parts.push(Part::Text(if is_trimmed { rest.trim_start() } else { rest }.to_owned()));
    parts
}

struct Scope {
    root: Value<'static>,
    variables: Vec<(String, Value<'static>)>,
}

impl Scope {
    /// Runs parts from `at` on until the `else` or `end` that belongs to whoever
    /// called; returns where that stands.
    fn block(&mut self, parts: &[Part], mut at: usize, out: &mut String, is_live: bool) -> usize {
        while let Some(part) = parts.get(at) {
            at += 1;
            match part {
                Part::Text(text) if is_live => out.push_str(text),
                Part::Text(_) => {}
                Part::Action(word) if word == "end" || word == "else" => return at - 1,
                Part::Action(action) => match action.strip_prefix("if ") {
                    Some(condition) => at = self.choice(parts, at, condition, out, is_live),
                    None if is_live => self.act(action, out),
                    None => {}
                },
            }
        }
        at
    }

    fn choice(&mut self, parts: &[Part], at: usize, condition: &str, out: &mut String, is_live: bool) -> usize {
        let is = |at: usize, wanted: &str| matches!(parts.get(at), Some(Part::Action(word)) if word == wanted);
        let holds = is_live && truth(&self.pipeline(condition));
        let mut end = self.block(parts, at, out, holds);
        if is(end, "else") {
            end = self.block(parts, end + 1, out, is_live && !holds);
        }
        assert!(is(end, "end"), "an if without end");
        end + 1
    }

    fn act(&mut self, action: &str, out: &mut String) {
        if let Some((name, value)) = action.split_once(" := ") {
            let value = self.pipeline(value);
            self.variables.push((name.to_owned(), value));
            return;
        }
        match self.pipeline(action) {
            Value::String(text) => out.push_str(&text),
            other => out.push_str(&to_compact(&other)),
        }
    }

    fn pipeline(&self, text: &str) -> Value<'static> {
        let mut stages = split(text, '|').into_iter();
        let first = stages.next().expect("a stage");
        stages.fold(self.call(&first, None), |value, stage| self.call(&stage, Some(value)))
    }

    fn call(&self, stage: &str, piped: Option<Value<'static>>) -> Value<'static> {
        let words = split(stage, ' ');
        let mut arguments: Vec<_> = words.iter().skip(1).map(|word| self.operand(word)).collect();
        let is_function = words[0].bytes().all(|byte| byte.is_ascii_alphabetic());
        if !is_function {
            assert!(piped.is_none() && arguments.is_empty(), "{stage}");
            return self.operand(&words[0]);
        }
        arguments.extend(piped);
        let name = |value: &Value| value.as_str().expect("a name").to_owned();
        match (words[0].as_str(), &arguments[..]) {
            ("toJson", [value]) => escaped(&to_compact(value)).into(),
            ("default", [default, value]) => {
                if truth(value) {
                    value.clone()
                } else {
                    default.clone()
                }
            }
            ("last", [Value::Array(items)]) => items.last().cloned().unwrap_or(Value::Null),
            ("list", []) => Value::Array(Vec::new()),
            ("dict", pairs) => {
                let pairs = pairs.chunks(2).map(|pair| (name(&pair[0]), pair[1].clone()));
                // Go prints maps by their names.
                let sorted: std::collections::BTreeMap<_, _> = pairs.collect();
                Object::from_members(sorted.into_iter().collect()).expect("names once").into()
            }
            ("omit", [Value::Object(members), names @ ..]) => {
                let mut members = members.clone();
                names.iter().for_each(|omitted| drop(members.remove(&name(omitted))));
                members.into()
            }
            (other, arguments) => panic!("{other} of {} arguments", arguments.len()),
        }
    }

    fn operand(&self, word: &str) -> Value<'static> {
        if let Some(inner) = word.strip_prefix('(') {
            return self.pipeline(inner.strip_suffix(')').expect("a bracket"));
        }
        if let Some(text) = word.strip_prefix('"') {
            return text.strip_suffix('"').expect("a quote").into();
        }
        if let Ok(number) = word.parse::<u32>() {
            return number.into();
        }
        if !word.starts_with(['.', '$']) {
            return self.call(word, None);
        }
        let (from, path) = match word.strip_prefix('$') {
            Some(_) => {
                let (name, path) = word.split_once('.').unwrap_or((word, ""));
                let found = self.variables.iter().rfind(|(known, _)| known == name);
                (&found.unwrap_or_else(|| panic!("no variable {name}")).1, path)
            }
            None => (&self.root, &word[1..]),
        };
        path.split('.')
            .filter(|name| !name.is_empty())
            .fold(from.clone(), |value, name| value.get(name).cloned().unwrap_or(Value::Null))
    }
}

/// As Go writes text in JSON that may stand in HTML.
fn escaped(json: &str) -> String {
    json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

fn truth(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64() != 0.0,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
    }
}

/// Words or stages at the top: what stands in brackets or quotes stays whole.
fn split(text: &str, at: char) -> Vec<String> {
    let (mut words, mut word, mut depth, mut is_quoted) = (Vec::new(), String::new(), 0, false);
    for character in text.chars() {
        match character {
            '"' => is_quoted = !is_quoted,
            '(' if !is_quoted => depth += 1,
            ')' if !is_quoted => depth -= 1,
            _ => {}
        }
        if character == at && depth == 0 && !is_quoted {
            words.push(std::mem::take(&mut word));
        } else {
            word.push(character);
        }
    }
    words.push(word);
    words.into_iter().map(|word| word.trim().to_owned()).filter(|word| !word.is_empty()).collect()
}
