//! Whom the audit believes, as the operator declares it (FORMATS 5.4, JUDGING 2.2). Each
//! replaces the one before as a whole.

use std::collections::HashSet;

use crate::artifact::binds::{
    CHANNEL, CLUSTER_NAME, CLUSTER_SERVER, DID, FREE_TEXT, INSTANCE, NONCE, ONE, POLICY_HASH,
};
use crate::artifact::fact::Fact;
use crate::artifact::json::Value;
use crate::artifact::keys::Keys;
use crate::artifact::kind::{About, Form, HashForm, Kind, KindRow, Voice};
use crate::artifact::shape::{Broken, Shape, ShapeError, Text, list, object, optional, required};
use crate::artifact::view::{Read, Rows, Texts, View, view};
use crate::artifact::{AdmitError, Artifact};

pub(crate) const ROW: KindRow = KindRow {
    name: "audit_roots",
    envelope_type: "audit_roots",
    forms: &[Form::ours("audit_roots_version", &PAYLOAD)],
    hash_form: HashForm::Compact,
    unsigned: false,
    title: "Roots of trust",
    withholdable: false,
    voice: Voice::Operator,
    id_given_once: None,
    ids: &[],
    about: About::NOTHING,
    summary: &[],
    bundle_array: None,
    check: |payload| observers_have_one_name(payload).and_then(|()| instances_have_one_row(payload)),
    complete: KindRow::NOTHING_FOLLOWS,
    keys: |_| Keys::default(),
    facts: &[
        ("Log", "origin"),
        ("Policy signers", "policy_signers"),
        ("Token issuers", "cst_issuers"),
        ("Token revokers", "cst_revokers"),
        ("Gateways", "gateways"),
        ("Reviewers", "reviewers"),
        ("Recorders", "recorders"),
    ],
    more_facts,
};

view! {
    /// Whose word counts.
    AuditRoots<'a> {
        Texts<'a>: issuers = "cst_issuers", gateways, reviewers;
        Rows<'a, ApproverRow<'a>>: approvers;
        Rows<'a, WrapperRow<'a>>: wrappers;
        Rows<'a, ObserverRow<'a>>: observers;
        Rows<'a, AgentRow<'a>>: agents;
        Rows<'a, Username<'a>>: humans;
        Rows<'a, InstanceRow<'a>>: instances;
        Rows<'a, DistrustedRow<'a>>: distrusted;
    }
    ApproverRow<'a> { Option<&'a str>: did; Texts<'a>: instances; }
    WrapperRow<'a> { Option<&'a str>: did; Texts<'a>: agents; }
    ObserverRow<'a> { Option<&'a str>: submitter, did, instance; Texts<'a>: channels; }
    AgentRow<'a> {
        Option<&'a str>: did, default_policy;
        Texts<'a>: policies;
        Rows<'a, Username<'a>>: usernames;
    }
    Username<'a> { Option<&'a str>: instance, username; }
    InstanceRow<'a> {
        Option<&'a str>: instance;
        Option<bool>: closed_writes, humans_complete;
        Rows<'a, ClusterRow<'a>>: clusters;
    }
    ClusterRow<'a> { Option<&'a str>: name, server; }
    DistrustedRow<'a> { Option<&'a str>: did, reason; Option<u64>: since = "from_index"; }
}

impl Username<'_> {
    pub(crate) fn is(self, instance: &str, username: &str) -> bool {
        self.instance() == Some(instance) && self.username() == Some(username)
    }
}

impl<'a> AuditRoots<'a> {
    /// The DIDs of a list that [`Voice::Listed`] names.
    pub(crate) fn list(self, name: &str) -> Texts<'a> {
        Read::read(self.value().and_then(|roots| roots.get(name)))
    }
}

/// Rows of each role, and elements of each row.
const ROWS_MAX: usize = 1024;
const CHANNELS_MAX: usize = 4;

const DIDS: Shape = list(&DID, 0, ROWS_MAX);
const INSTANCES: Shape = list(&INSTANCE, 0, ROWS_MAX);
const USERNAME: Shape = object(&[required("instance", &INSTANCE), required("username", &FREE_TEXT)]);
const USERNAMES: Shape = list(&USERNAME, 0, ROWS_MAX);

const PAYLOAD: Shape = object(&[
    required("audit_roots_version", &ONE),
    required("nonce", &NONCE),
    required("origin", &Shape::Text(Text::Origin)),
    required("policy_signers", &DIDS),
    required("cst_issuers", &DIDS),
    required("cst_revokers", &DIDS),
    required("gateways", &DIDS),
    required("reviewers", &DIDS),
    required("recorders", &DIDS),
    required("approvers", &list(&APPROVER, 0, ROWS_MAX)),
    required("wrappers", &list(&WRAPPER, 0, ROWS_MAX)),
    required("observers", &list(&OBSERVER, 0, ROWS_MAX)),
    required("agents", &list(&AGENT, 0, ROWS_MAX)),
    required("humans", &USERNAMES),
    optional("instances", &list(&INSTANCE_ROW, 0, ROWS_MAX)),
    required("distrusted", &list(&DISTRUSTED, 0, ROWS_MAX)),
]);

const APPROVER: Shape = object(&[required("did", &DID), required("instances", &INSTANCES)]);
const WRAPPER: Shape = object(&[required("did", &DID), required("agents", &DIDS)]);

/// Either `submitter` (unsigned observations) or `did` (signed ones).
const OBSERVER: Shape = object(&[
    optional("submitter", &Shape::Text(Text::Submitter)),
    optional("did", &DID),
    required("instance", &INSTANCE),
    required("channels", &list(&CHANNEL, 1, CHANNELS_MAX)),
]);

const AGENT: Shape = object(&[
    required("did", &DID),
    required("default_policy", &POLICY_HASH),
    required("policies", &list(&POLICY_HASH, 0, ROWS_MAX)),
    required("usernames", &USERNAMES),
]);

/// What the operator knows of an Argo CD: whether nobody else can write its
/// Application resources, whether `humans` names all of its people, and which
/// cluster name stands for which server.
const INSTANCE_ROW: Shape = object(&[
    required("instance", &INSTANCE),
    required("closed_writes", &Shape::Bool),
    required("humans_complete", &Shape::Bool),
    required("clusters", &list(&CLUSTER, 0, ROWS_MAX)),
]);
const CLUSTER: Shape = object(&[required("name", &CLUSTER_NAME), required("server", &CLUSTER_SERVER)]);

const DISTRUSTED: Shape = object(&[
    required("did", &DID),
    required("from_index", &Shape::Integer { min: 0, max: 9_007_199_254_740_991 }),
    required("reason", &FREE_TEXT),
]);

/// Refuses roots that withdraw trust from an index above their own: whoever
/// signed them could not know what stands there. `size`: entries that the log
/// has, and so the lowest index that these roots may get.
///
/// # Errors
/// [`AdmitError::DistrustAhead`], with the row.
pub fn fits_in_log(artifact: &Artifact, size: u64) -> Result<(), AdmitError> {
    if artifact.kind() != Kind::AuditRoots {
        return Ok(());
    }
    let rows = artifact.payload().get("distrusted").and_then(Value::as_array).unwrap_or_default();
    let from = |row: &Value| row.get("from_index").and_then(Value::as_i64).and_then(|from| u64::try_from(from).ok());
    match rows.iter().position(|row| from(row).is_some_and(|from| from > size)) {
        Some(at) => Err(AdmitError::DistrustAhead { path: format!("payload.distrusted[{at}].from_index"), size }),
        None => Ok(()),
    }
}

fn observers_have_one_name(payload: &Value) -> Result<(), ShapeError> {
    let observers = payload.get("observers").and_then(Value::as_array).unwrap_or_default();
    let wrong = observers.iter().position(|row| row.get("submitter").is_some() == row.get("did").is_some());
    match wrong {
        Some(at) => {
            let rule = "or did must name the observer, and only one of them";
            Err(ShapeError::at("submitter", Broken::InvalidValue, rule).within_element("observers", at))
        }
        None => Ok(()),
    }
}

/// One row an instance, and in it one row a cluster name: what the roots say
/// of an instance has one place. Several names of one server are fine.
fn instances_have_one_row(payload: &Value) -> Result<(), ShapeError> {
    let instances = rows(payload, "instances");
    if let Some(at) = repeated(instances, "instance") {
        let rule = "must name each instance once";
        return Err(ShapeError::at("instance", Broken::InvalidValue, rule).within_element("instances", at));
    }
    for (at, row) in instances.iter().enumerate() {
        if repeated(rows(row, "clusters"), "name").is_some() {
            let rule = "must name each cluster once";
            return Err(ShapeError::at("clusters", Broken::InvalidValue, rule).within_element("instances", at));
        }
    }
    Ok(())
}

fn rows<'a>(value: &'a Value<'a>, list: &str) -> &'a [Value<'a>] {
    value.get(list).and_then(Value::as_array).unwrap_or_default()
}

/// Position of the first row whose member `name` an earlier one has too.
fn repeated(rows: &[Value], name: &str) -> Option<usize> {
    let mut seen = HashSet::new();
    rows.iter().position(|row| !seen.insert(row.text_at(name)))
}

fn more_facts(payload: &Value) -> Vec<Fact> {
    let says = AuditRoots::of(payload);
    let named = |label| move |name: &str| Fact { label, value: name.to_owned() };
    let names = says.approvers().filter_map(ApproverRow::did).map(named("Approver"));
    let names = names.chain(says.wrappers().filter_map(WrapperRow::did).map(named("Wrapper")));
    let observers = says.observers().filter_map(|row| row.did().or(row.submitter()));
    let names = names.chain(observers.map(named("Observer")));
    let names = names.chain(says.agents().filter_map(AgentRow::did).map(named("Agent")));
    let names = names.chain(says.distrusted().filter_map(DistrustedRow::did).map(named("Distrusted")));
    names.chain(says.instances().filter_map(InstanceRow::instance).map(named("Argo CD instance"))).collect()
}
