//! Our configuration beside what stands in a ConfigMap already.

use crate::argocd::notifications::{CONFIG_MAP, NAME, Notifications};
use crate::artifact::json::{Object, Value};

/// What the API server writes and nobody applies.
const SERVER_OWNED: [&str; 6] =
    ["resourceVersion", "uid", "creationTimestamp", "managedFields", "generation", "selfLink"];
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Why a ConfigMap is not merged into.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    #[error("is no ConfigMap as kubectl writes it; give what this prints: kubectl get configmap {CONFIG_MAP} -o json")]
    NoConfigMap,
    #[error("is another ConfigMap than {CONFIG_MAP}")]
    AnotherName,
    #[error("data.{0} must be a text")]
    NoText(String),
    /// Its writer has a style that adding lines would break.
    #[error("data.subscriptions is no list with an item a line; add the lines above to it by hand, then merge again")]
    Subscriptions,
}

/// The ConfigMap with our members in it, everything else as it was. Merging
/// again changes nothing.
///
/// # Errors
/// [`MergeError`]: nothing is repaired, and nothing guessed.
pub fn merged(existing: &Value<'static>, ours: &Notifications) -> Result<Value<'static>, MergeError> {
    let Value::Object(map) = existing else { return Err(MergeError::NoConfigMap) };
    if existing.text_at("kind") != Some("ConfigMap") || existing.text_at("apiVersion") != Some("v1") {
        return Err(MergeError::NoConfigMap);
    }
    if existing.text_at("metadata.name") != Some(CONFIG_MAP) {
        return Err(MergeError::AnotherName);
    }
    let mut data = match map.get("data") {
        None | Some(Value::Null) => Object::new(),
        Some(Value::Object(data)) => data.clone(),
        Some(_) => return Err(MergeError::NoText("*".to_owned())),
    };
    if let Some((name, _)) = data.iter().find(|(_, value)| value.as_str().is_none()) {
        return Err(MergeError::NoText(name.to_owned()));
    }
    let subscribed = data.get("subscriptions").and_then(Value::as_str).unwrap_or_default();
    let subscriptions = subscribed_to(subscribed)?;
    data.set("subscriptions", subscriptions.into());
    for (name, text) in ours.own_data() {
        data.set(&name, text.into());
    }
    let mut out = map.clone();
    out.set("metadata", metadata(map.get("metadata")));
    out.set("data", data.into());
    Ok(out.into())
}

fn metadata(existing: Option<&Value<'static>>) -> Value<'static> {
    let Some(Value::Object(existing)) = existing else { return Object::new().into() };
    let mut metadata = existing.clone();
    for name in SERVER_OWNED {
        metadata.remove(name);
    }
    if let Some(Value::Object(annotations)) = existing.get("annotations") {
        let mut annotations = annotations.clone();
        annotations.remove(LAST_APPLIED);
        metadata.set("annotations", annotations.into());
    }
    metadata.into()
}

/// The list with our item at its end, written as its own items are. It is a
/// text of YAML, of which only what is certain is understood: items that begin
/// with a dash at one depth, with lines below them that are deeper.
fn subscribed_to(existing: &str) -> Result<String, MergeError> {
    let ours = Notifications::subscription();
    let said = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    let mut lines = existing.lines().filter(said);
    let Some(first) = lines.next() else { return Ok(ours) };
    if first.trim() == "[]" && lines.next().is_none() {
        return Ok(ours);
    }
    let depth = first.len() - first.trim_start_matches(' ').len();
    let is_item = |line: &str| line.get(depth..).is_some_and(|rest| rest == "-" || rest.starts_with("- "));
    let is_below = |line: &str| line.bytes().take(depth + 1).all(|byte| byte == b' ') && line.len() > depth;
    if !is_item(first)
        || !existing.lines().filter(said).all(|line| is_below(line) || is_at(line, depth) && is_item(line))
    {
        return Err(MergeError::Subscriptions);
    }
    // Already ours: as this command wrote it, or by hand in the same words.
    let names_us = |line: &str| {
        let line = line.trim_start().trim_start_matches("- ").replace(' ', "");
        line == format!("recipients:[{NAME}]")
    };
    if existing.lines().any(names_us) {
        return Ok(existing.to_owned());
    }
    let end = if existing.ends_with('\n') { "" } else { "\n" };
    let item: String = ours.lines().map(|line| format!("{:depth$}{line}\n", "")).collect();
    Ok(format!("{existing}{end}{item}"))
}

fn is_at(line: &str, depth: usize) -> bool {
    line.bytes().take(depth).all(|byte| byte == b' ')
}
