//! Every shape that leaves: what the reference and the OpenAPI document are made
//! from.

use std::sync::LazyLock;

use schemars::SchemaGenerator;
use serde_json::{Map, Value};

use crate::server::api::problem::ProblemJson;
use crate::server::api::wire::audited::{FindingListJson, LookupJson, PolicyJson, ScopeReportJson};
use crate::server::api::wire::{
    BatchLineJson, CheckpointJson, CheckpointListJson, ConsistencyJson, EntryJson, EntryListJson, HealthJson,
    InclusionJson, LoggedJson, ObservedJson,
};
use crate::shapes::{add, components};
use crate::verify::verification::Verification;

/// Where OpenAPI keeps shapes.
const PATH: &str = "/components/schemas";
/// The one shape that no struct writes: an artifact as it was signed.
pub const ARTIFACT: &str = "#/components/schemas/Artifact";

/// What routes answer; what these hold comes along.
const ANSWERED: &[fn(&mut SchemaGenerator)] = &[
    add::<LoggedJson>,
    add::<ObservedJson>,
    add::<BatchLineJson>,
    add::<EntryJson>,
    add::<EntryListJson>,
    add::<InclusionJson>,
    add::<ConsistencyJson>,
    add::<CheckpointJson>,
    add::<CheckpointListJson>,
    add::<HealthJson>,
    add::<ScopeReportJson>,
    add::<FindingListJson>,
    add::<PolicyJson>,
    add::<LookupJson>,
    add::<Verification>,
    add::<ProblemJson>,
];

/// The schema of each shape by name.
#[must_use]
pub fn shapes() -> &'static Map<String, Value> {
    static SHAPES: LazyLock<Map<String, Value>> = LazyLock::new(|| components(PATH, ANSWERED));
    &SHAPES
}
