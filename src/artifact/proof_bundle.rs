//! A run packed as one artifact: event chain, receipts, metadata (PEERS 3.1).
//! Receipts inside are opaque here: one broken receipt must not hide the
//! bundle. Enveloped ones are admitted on their own, see `expansion`.

use crate::artifact::binding::Binding;
use crate::artifact::binding::{PEER_B64U, PEER_METADATA, PEER_TEXT};
use crate::artifact::did::Did;
use crate::artifact::digest::{PayloadHash, sha256};
use crate::artifact::fact::Fact;
use crate::artifact::json::{Object, Value, to_compact};
use crate::artifact::keys::{Keys, unique};
use crate::artifact::kind::{About, Form, HashForm, Kind, KindRow, Voice};
use crate::artifact::node::Node;
use crate::artifact::shape::{Broken, Shape, ShapeError, Text, list, object, optional, required};
use crate::artifact::spelling::spelled;
use crate::artifact::view::{Rows, Texts, View, view};
use crate::text::base64url;

pub(crate) const ROW: KindRow = KindRow {
    name: "proof_bundle",
    envelope_type: "proof_bundle",
    forms: &[Form::peers("bundle_version", &PAYLOAD)],
    hash_form: HashForm::Compact,
    unsigned: false,
    title: "Proof bundle",
    withholdable: true,
    voice: Voice::Agent("agent_did"),
    id_given_once: None,
    ids: &[],
    about: About { change: Some(CHANGE), ..About::NOTHING },
    summary: &[],
    bundle_array: None,
    check: holds_evidence,
    complete: KindRow::NOTHING_FOLLOWS,
    keys,
    facts: &[
        ("Bundle", "bundle_id"),
        ("Agent", "agent_did"),
        ("Job", "metadata.pulselog.job_id"),
        ("Change", "metadata.pulselog.change_ref.key"),
        ("Policy hash", "metadata.pulselog.policy_hash_b64u"),
        ("Token hashes", "metadata.pulselog.token_hashes"),
    ],
    more_facts,
};

view! {
    /// A run as its agent packed it.
    ProofBundle<'a> {
        Option<&'a str>: id = "bundle_id", agent = "agent_did";
        Rows<'a, Event<'a>>: events = "event_chain";
        // Model calls, each in its gateway's envelope.
        Rows<'a, HeldReceipt<'a>>: receipts;
        Pulselog<'a>: pulselog = "metadata.pulselog";
        Rows<'a, Review<'a>>: reviews = "metadata.reviewer_signoff_receipts";
    }
    Event<'a> {
        Option<&'a str>: id = "event_id", run = "run_id", sort = "event_type", prev_hash = "prev_hash_b64u",
            hash = "event_hash_b64u";
    }
    /// What the agent tells this log of its run.
    Pulselog<'a> {
        Option<&'a str>: job = "job_id", policy_hash = "policy_hash_b64u", change_system = "change_ref.system",
            change_key = "change_ref.key";
        Texts<'a>: token_hashes;
    }
    Review<'a> { Option<&'a str>: signer = "signer_did", reviewer = "payload.reviewer_did"; }
    /// A receipt of any array: in an envelope, or bare.
    HeldReceipt<'a> {
        Option<Node<'a>>: payload, signature = "signature_b64u";
        Option<&'a str>: signer = "signer_did", stated_hash = "payload_hash_b64u", sealed_id = "payload.receipt_id", bare_id = "receipt_id";
        Binding<'a>: sealed_binding = "payload.binding", bare_binding = "binding";
    }
    /// A receipt that the agent vouches for, of a tool call, a side effect or
    /// what a person said. Which of them it is shows in what it has.
    OwnReceipt<'a> {
        Option<&'a str>: id = "receipt_id", tool_name, args_hash = "args_hash_b64u", result_status, effect_class,
            target_hash = "target_hash_b64u", target_digest, request_hash = "request_hash_b64u", request_digest,
            response_status, approval_type;
        Binding<'a>: binding;
    }
}

impl<'a> ProofBundle<'a> {
    /// The run that it is about: that of its chain, else of its first receipt
    /// that names one; none where that is not in the one spelling of ids.
    pub(crate) fn run(self) -> Option<&'a str> {
        let of_chain = self.events().next().and_then(Event::run);
        spelled(of_chain.or_else(|| self.all_receipts().find_map(|(_, _, receipt)| HeldReceipt::of(receipt).run())))
    }

    /// Receipts of every array: its name, the place in it, the receipt.
    pub(crate) fn all_receipts(self) -> impl Iterator<Item = (&'static str, usize, Node<'a>)> {
        let arrays =
            RECEIPT_ARRAYS.into_iter().map(move |array| (array, self.value().and_then(|bundle| bundle.get(array))));
        arrays.flat_map(|(array, list)| {
            list.and_then(Node::elements).unwrap_or_default().enumerate().map(move |(at, receipt)| (array, at, receipt))
        })
    }

    /// Receipts that the agent vouches for, whether in an envelope or not.
    pub(crate) fn own_receipts(self) -> impl Iterator<Item = (&'static str, usize, OwnReceipt<'a>)> {
        let own = |(array, at, receipt): (_, _, Node<'a>)| {
            (array, at, OwnReceipt::of(HeldReceipt::of(receipt).payload().unwrap_or(receipt)))
        };
        self.all_receipts().filter(|(array, ..)| OWN_ARRAYS.contains(array)).map(own)
    }
}

impl<'a> HeldReceipt<'a> {
    /// The run that it names.
    pub(crate) fn run(self) -> Option<&'a str> {
        self.sealed_binding().run().or_else(|| self.bare_binding().run())
    }

    /// The hash of the event that it tells of.
    pub(crate) fn event(self) -> Option<&'a str> {
        self.sealed_binding().event_hash()
    }

    /// Its id.
    pub(crate) fn id(self) -> Option<&'a str> {
        self.sealed_id().or_else(|| self.bare_id())
    }

    /// The hash that its envelope signs; none without an envelope: then it is
    /// the agent's word.
    pub(crate) fn payload_hash(self) -> Option<PayloadHash> {
        self.payload().map(|payload| PayloadHash::of(to_compact(&payload.value()).as_bytes()))
    }
}

impl Event<'_> {
    /// What its hash must be (PEERS 2.9).
    pub(crate) fn computed_hash(self) -> String {
        const HASHED: [&str; 6] =
            ["event_id", "run_id", "event_type", "timestamp", "payload_hash_b64u", "prev_hash_b64u"];
        let mut hashed = Object::new();
        for name in HASHED {
            let member = self.value().and_then(|event| event.get(name));
            hashed.set(name, member.map_or(Value::Null, Node::to_value));
        }
        base64url::encode(&sha256(to_compact(&Value::Object(hashed)).as_bytes()))
    }
}

/// Where a bundle names the change that it is for.
const CHANGE: [&str; 2] = ["metadata.pulselog.change_ref.system", "metadata.pulselog.change_ref.key"];

/// Arrays of receipts, in the order of the receipts root and of expansion.
pub(crate) const RECEIPT_ARRAYS: [&str; 7] = [
    "receipts",
    "tool_receipts",
    "side_effect_receipts",
    "human_approval_receipts",
    "delegation_receipts",
    "vir_receipts",
    "web_receipts",
];

/// Those of the agent's own word. Receipts of delegations tell of no act.
const OWN_ARRAYS: [&str; 3] = ["tool_receipts", "side_effect_receipts", PEOPLE];
/// Those of what people said: they name neither tool nor request.
pub(crate) const PEOPLE: &str = "human_approval_receipts";

/// Most events, and most receipts in each array (PEERS 4.3).
pub(crate) const ELEMENTS_MAX: usize = 1000;
const ATTESTATIONS_MAX: usize = 100;
const RATE_LIMIT_CLAIMS_MAX: usize = 256;

const OPAQUE: Shape = Shape::Object { fields: &[], open: true };
const SOME_OPAQUE: Shape = list(&OPAQUE, 1, ELEMENTS_MAX);
const ANY_OPAQUE: Shape = list(&OPAQUE, 0, ELEMENTS_MAX);
const PEER_TIME: Shape = Shape::Text(Text::PeerTime);

const PAYLOAD: Shape = object(&[
    required("bundle_version", &Shape::Text(Text::Word("1"))),
    required("bundle_id", &PEER_TEXT),
    required("agent_did", &Shape::Text(Text::Did)),
    optional("eip8004_agent_id", &Shape::Text(Text::Digits)),
    optional("eip8004_registry", &Shape::Text(Text::Eip155)),
    optional("urm", &URM),
    optional("event_chain", &list(&EVENT, 1, ELEMENTS_MAX)),
    optional("receipts", &SOME_OPAQUE),
    optional("vir_receipts", &SOME_OPAQUE),
    optional("web_receipts", &SOME_OPAQUE),
    optional("coverage_attestations", &ANY_OPAQUE),
    optional("binary_semantic_evidence_attestations", &ANY_OPAQUE),
    optional("tool_receipts", &ANY_OPAQUE),
    optional("side_effect_receipts", &ANY_OPAQUE),
    optional("human_approval_receipts", &ANY_OPAQUE),
    optional("delegation_receipts", &ANY_OPAQUE),
    optional("rate_limit_claims", &list(&OPAQUE, 0, RATE_LIMIT_CLAIMS_MAX)),
    optional("attestations", &list(&OPAQUE, 1, ATTESTATIONS_MAX)),
    optional("metadata", &PEER_METADATA),
]);

/// PEERS 2.10: a reference, not the manifest.
const URM: Shape = object(&[
    required("urm_version", &Shape::Text(Text::Word("1"))),
    required("urm_id", &PEER_TEXT),
    required("resource_type", &PEER_TEXT),
    required("resource_hash_b64u", &PEER_B64U),
    optional("metadata", &PEER_METADATA),
]);

/// PEERS 2.9; that the chain links is judged by verification.
const EVENT: Shape = object(&[
    required("event_id", &PEER_TEXT),
    required("run_id", &PEER_TEXT),
    required("event_type", &PEER_TEXT),
    required("timestamp", &PEER_TIME),
    required("payload_hash_b64u", &PEER_B64U),
    required("prev_hash_b64u", &Shape::Nullable(&PEER_B64U)),
    required("event_hash_b64u", &PEER_B64U),
]);

/// Members of which at least one must be there.
const EVIDENCE: [&str; 11] = [
    "urm",
    "event_chain",
    "receipts",
    "vir_receipts",
    "web_receipts",
    "binary_semantic_evidence_attestations",
    "tool_receipts",
    "side_effect_receipts",
    "human_approval_receipts",
    "delegation_receipts",
    "attestations",
];

fn holds_evidence(payload: &Value) -> Result<(), ShapeError> {
    if EVIDENCE.iter().any(|name| payload.get(name).is_some()) {
        return Ok(());
    }
    let rule = "or another member with evidence is required";
    Err(ShapeError::at("event_chain", Broken::MissingField, rule))
}

/// Receipts in the arrays of `payload`, in the order of the receipts root:
/// array name, index in the array, receipt.
pub(crate) fn receipts<'v, 'a>(payload: &'v Value<'a>) -> impl Iterator<Item = (&'static str, usize, &'v Value<'a>)> {
    RECEIPT_ARRAYS.into_iter().flat_map(move |array| {
        let items = payload.get(array).and_then(Value::as_array).unwrap_or_default();
        items.iter().enumerate().map(move |(index, receipt)| (array, index, receipt))
    })
}

/// The statements whose envelopes a bundle holds, each by its kind, the hash of its
/// payload and its signer. The envelope says the signer; that the payload is there and
/// has the hash is seen, so that nobody hides a bundle behind a hash alone.
pub fn held_statements(payload: &Value) -> impl Iterator<Item = (Kind, PayloadHash, Did)> {
    receipts(payload).filter_map(|(array, _, receipt)| {
        let receipt = HeldReceipt::of(receipt);
        let kind = Kind::ALL.into_iter().find(|kind| kind.row().bundle_array == Some(array))?;
        let hash = base64url::decode(receipt.stated_hash()?).map(PayloadHash::from_bytes)?;
        let is_there = receipt.payload_hash() == Some(hash);
        is_there.then(|| Some((kind, hash, Did::parse(receipt.signer()?).ok()?))).flatten()
    })
}

fn keys(payload: &Value) -> Keys {
    let says = ProofBundle::of(payload);
    let of_receipts = receipts(payload).filter_map(|(.., receipt)| HeldReceipt::of(receipt).run());
    let token_hashes = unique(says.pulselog().token_hashes());
    Keys {
        agent: says.agent().map(str::to_owned),
        runs: unique(says.events().filter_map(Event::run).chain(of_receipts)),
        job: says.pulselog().job().map(str::to_owned),
        token_hash: if token_hashes.len() == 1 { token_hashes.first().cloned() } else { None },
        token_hashes,
        policy_hash: says.pulselog().policy_hash().map(str::to_owned),
        bundle_id: says.id().map(str::to_owned),
        ..Keys::default()
    }
}

fn more_facts(payload: &Value) -> Vec<Fact> {
    let mut facts: Vec<_> = keys(payload).runs.into_iter().map(|value| Fact { label: "Run", value }).collect();
    let counted = [
        ("Events", "event_chain"),
        ("Model call receipts", "receipts"),
        ("Tool call receipts", "tool_receipts"),
        ("Side effect receipts", "side_effect_receipts"),
        ("Approvals as the agent reports them", "human_approval_receipts"),
        ("Delegation receipts", "delegation_receipts"),
        ("Attestations", "attestations"),
    ];
    for (label, name) in counted {
        let count = payload.get(name).and_then(Value::as_array).map(<[Value]>::len);
        facts.extend(count.map(|count| Fact { label, value: count.to_string() }));
    }
    facts
}
