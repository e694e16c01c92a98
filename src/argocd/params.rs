//! Parameters of an operation in the one spelling of binds (FORMATS 5.2): only
//! what is unlike the default, lists sorted.

use std::collections::{BTreeMap, BTreeSet};

use crate::argocd::members::{at, digested, fitted, flag, objects, text, texts};
use crate::artifact::digest::sha256;
use crate::artifact::json::{Object, Value, to_jcs};
use crate::artifact::shape::ShapeError;
use crate::text::hex;

/// Sync options that an observation holds, and bytes of one.
const OPTIONS_MAX: usize = 64;
const OPTION_BYTES_MAX: usize = 256;
/// Resources of a partial sync that an observation holds, bytes of each of
/// their names, and bytes of all of them.
const RESOURCES_MAX: usize = 4096;
const NAME_BYTES_MAX: usize = 253;
const RESOURCES_BYTES_MAX: usize = 1 << 20;

/// The member `params` of an operation state.
pub(super) fn of(state: &Value) -> Result<Object<'static>, ShapeError> {
    let mut params = Object::new();
    let is_forced = flag(state, "operation.sync.syncStrategy.apply.force")?
        || flag(state, "operation.sync.syncStrategy.hook.force")?;
    for (name, is_set) in [
        ("prune", flag(state, "operation.sync.prune")?),
        ("dry_run", flag(state, "operation.sync.dryRun")?),
        ("retry_refresh", flag(state, "operation.retry.refresh")?),
        ("strategy_force", is_forced),
    ] {
        if is_set {
            params.set(name, true.into());
        }
    }
    let options = sync_options(state)?;
    if !options.is_empty() {
        params.set("sync_options", options.into());
    }
    let resources = resources(state)?;
    if !resources.is_empty() {
        params.set("resources", resources.into());
    }
    let manifests = at(state, "operation.sync.manifests")?;
    if !texts(state, "operation.sync.manifests")?.is_empty() {
        let digest = manifests.map(|manifests| hex::encode(&sha256(to_jcs(manifests).as_bytes())));
        digest.into_iter().for_each(|digest| params.set("local_manifests_digest", digest.into()));
    }
    Ok(params)
}

/// More than a decision can bind end in the digest of all: it makes the list
/// like none that was allowed.
fn sync_options(state: &Value) -> Result<Vec<Value<'static>>, ShapeError> {
    let said = texts(state, "operation.sync.syncOptions")?;
    let mut options: BTreeSet<String> =
        said.iter().map(|option| fitted(option, OPTION_BYTES_MAX).into_owned()).collect();
    if options.len() > OPTIONS_MAX {
        let all = digested(options.iter().map(String::as_str).collect::<Vec<_>>().join("\n").as_bytes());
        options = options.into_iter().take(OPTIONS_MAX - 1).collect();
        options.insert(all);
    }
    Ok(options.into_iter().map(Value::from).collect())
}

/// As with [`sync_options`].
fn resources(state: &Value) -> Result<Vec<Value<'static>>, ShapeError> {
    let within = |error: ShapeError| error.within("resources").within("sync").within("operation");
    let mut sorted: BTreeMap<String, Value<'static>> = BTreeMap::new();
    let mut bytes = 0;
    for resource in objects(state, "operation.sync.resources")? {
        let mut row = Object::new();
        for (name, may_be_empty) in [("group", true), ("kind", false), ("namespace", true), ("name", false)] {
            let said = text(resource, name).map_err(within)?.unwrap_or_default();
            let is_nothing = said.is_empty() && may_be_empty;
            let fitted = if is_nothing { "".into() } else { fitted(said, NAME_BYTES_MAX).into_owned() };
            row.set(name, fitted.into());
        }
        let row = Value::Object(row);
        let jcs = to_jcs(&row);
        bytes += jcs.len();
        sorted.insert(jcs, row);
    }
    if sorted.len() <= RESOURCES_MAX && bytes <= RESOURCES_BYTES_MAX {
        return Ok(sorted.into_values().collect());
    }
    let all = digested(sorted.keys().map(String::as_str).collect::<Vec<_>>().join("\n").as_bytes());
    let mut row = Object::new();
    for (name, value) in [("group", ""), ("kind", all.as_str()), ("namespace", ""), ("name", all.as_str())] {
        row.set(name, value.into());
    }
    Ok(vec![row.into()])
}
