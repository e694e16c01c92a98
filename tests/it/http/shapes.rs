//! What the service answers is what its description says: no member more, none
//! less, each as it is described.

use std::collections::BTreeSet;

use pulselog::artifact::digest::PayloadHash;
use pulselog::artifact::json::{parse, to_jcs};
use serde_json::{Value, json};

use crate::house::schemas::{must_fit, validator};
use crate::make::audit::Story;
use crate::make::told::Told;

/// A description of one shape that takes no member which it does not name.
fn closed(document: &Value, shape: &str) -> Value {
    let mut schemas = document["components"]["schemas"].clone();
    for schema in schemas.as_object_mut().expect("schemas").values_mut() {
        if schema["properties"].is_object() {
            schema["additionalProperties"] = json!(false);
        }
    }
    json!({"$ref": format!("#/components/schemas/{shape}"), "components": {"schemas": schemas}})
}

#[test]
fn answers_are_of_the_shapes_that_the_description_names() {
    let story = Story::clean();
    let told = Told::of(&story);
    let get = |path: &str| -> Value {
        let answer = told.service.get(path);
        serde_json::from_str(&answer.text()).unwrap_or_else(|error| panic!("{path}: {error}: {}", answer.text()))
    };
    let document = get("/openapi.json");
    let bundle = get("/v1/entries?kind=proof_bundle")["entries"][0].clone();
    let policy = get("/v1/entries?kind=work_policy")["entries"][0]["artifact"].clone();
    let report = get("/v1/jobs/job-1");
    let run = &report["runs"][0];
    let token = run["token"].as_str().expect("a token");
    let (agent, run) = (run["agent"].as_str().expect("a DID"), run["run"].as_str().expect("a run"));
    let artifact = bundle["artifact"].as_str().expect("a digest");
    let index = bundle["index"].as_u64().expect("an index");
    let policy = told.service.get(&format!("/v1/artifacts/{}", policy.as_str().expect("a digest"))).text();
    let policy = parse(policy.as_bytes(), 64).expect("a policy");
    let hash = PayloadHash::of(to_jcs(policy.get("payload").expect("a payload")).as_bytes());
    let size = get("/v1/checkpoints?limit=1")["checkpoints"][0]["size"].as_u64().expect("a size");
    let asked = [
        ("Entry", format!("/v1/entries/{index}")),
        ("EntryList", "/v1/entries?limit=2".to_owned()),
        ("EntryList", "/v1/entries?kind=gateway_receipt&limit=1".to_owned()),
        ("InclusionProof", format!("/v1/proofs/inclusion?index={index}")),
        ("ConsistencyProof", "/v1/proofs/consistency?from=1".to_owned()),
        ("CheckpointList", "/v1/checkpoints?limit=1".to_owned()),
        ("Checkpoint", format!("/v1/checkpoints/{size}")),
        ("Health", "/healthz".to_owned()),
        ("Health", "/readyz".to_owned()),
        ("ScopeReport", "/v1/jobs/job-1".to_owned()),
        ("ScopeReport", format!("/v1/runs/{agent}/{run}")),
        ("FindingList", "/v1/findings".to_owned()),
        ("Policy", format!("/v1/policies/{hash}")),
        ("ScopeReport", format!("/v1/tokens/{token}")),
        ("Lookup", "/v1/lookup?q=job-1".to_owned()),
        ("Verification", format!("/v1/bundles/{artifact}/report")),
        ("Problem", "/v1/entries/99999".to_owned()),
        ("Problem", "/v1/entries/1?surprise=1".to_owned()),
    ];
    let named: BTreeSet<_> = asked.iter().map(|(shape, _)| *shape).collect();
    let read = pulselog::server::api::ROUTES.iter().filter(|route| route.method == "GET");
    let answered: BTreeSet<_> = read.flat_map(|route| route.answers).filter_map(|answer| answer.shape).collect();
    let left: Vec<_> = answered.difference(&named).collect();
    assert!(left.is_empty(), "no answer of these shapes is asked for here: {left:?}");
    for (shape, path) in asked {
        must_fit(&path, &validator(&closed(&document, shape)), &get(&path));
    }
}

#[test]
fn every_named_shape_of_a_route_is_described() {
    let shapes = pulselog::server::api::wire::shapes::shapes();
    for route in pulselog::server::api::ROUTES {
        for shape in route.answers.iter().filter_map(|answer| answer.shape) {
            assert!(shapes.contains_key(shape), "{} answers {shape}, which no struct writes", route.path);
        }
    }
}
