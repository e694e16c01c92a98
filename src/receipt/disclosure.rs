//! The disclosure file (FORMATS 7.3): some receipts of a logged bundle, without
//! the rest. Schema in `schemas/disclosure.schema.json`.
//!
//! ```text
//! {"disclosure_version":"1",
//!  "proof":"c2sp.org/tlog-proof@v1\nextra …",     the bundle's entry and its proof
//!  "receipts":[{"array":"tool_receipts",            which of the bundle's arrays
//!               "index":0,                          place in that array
//!               "leaf_index":1,"count":6,           place among all receipts, and their number
//!               "path":["…"],                       RFC 6962 siblings, hex, leaf side first
//!               "receipt":{…}}]}
//! ```
//!
//! The leaf is recomputed from the shown receipt, so nothing in the file is
//! believed but the receipts root of the proven entry. What is not shown stays
//! hidden behind hashes; its number and the places of what is shown do not.

mod names;

use std::collections::BTreeSet;

use self::names::find;
pub use self::names::{Nameable, nameable};

use super::{LogProof, ReceiptError, tlog_proof};
use crate::artifact::digest::ArtifactDigest;
use crate::artifact::json::{self, DEPTH_MAX, Object, Value, to_compact};
use crate::artifact::receipts_root::{ReceiptsRoot, leaf_input, leaf_inputs};
use crate::artifact::shape::{Broken, Shape, ShapeError, Text, check, file_schema, list, object, plain, required};
use crate::artifact::{ELEMENTS_MAX, Kind, RECEIPT_ARRAYS, receipts};
use crate::codes::{self, Code};
use crate::entry::SequencedEntry;
use crate::merkle::{Hash, LeafIndex, ProofError, RootHash, SmallTree, TreeSize, leaf_hash, verify_inclusion};

/// Longest file, bytes.
pub const DISCLOSURE_BYTES_MAX: usize = 64 << 20;
/// Most receipts in one bundle: seven arrays of a thousand.
const RECEIPTS_MAX: usize = RECEIPT_ARRAYS.len() * ELEMENTS_MAX;
/// Longest path in a tree of so many leaves.
const PATH_MAX: usize = RECEIPTS_MAX.next_power_of_two().ilog2() as usize;
/// For so many receipts of one file a mismatch is explained; the others only
/// fail. Explaining hashes a path for every place that is tried.
const EXPLAINED_MAX: usize = 4;

const VERSION_FIELD: &str = "disclosure_version";
const VERSION: &str = "1";

const SHAPE: Shape = object(&[
    required(VERSION_FIELD, &Shape::Text(Text::Word(VERSION))),
    required("proof", &plain(1, tlog_proof::TLOG_PROOF_BYTES_MAX)),
    required("receipts", &list(&SHOWN, 1, RECEIPTS_MAX)),
]);

const SHOWN: Shape = object(&[
    required("array", &Shape::Enum(&RECEIPT_ARRAYS)),
    required("index", &Shape::Integer { min: 0, max: ELEMENTS_MAX as i64 - 1 }),
    required("leaf_index", &Shape::Integer { min: 0, max: RECEIPTS_MAX as i64 - 1 }),
    required("count", &Shape::Integer { min: 1, max: RECEIPTS_MAX as i64 }),
    required("path", &list(&Shape::Text(Text::Hex64), 0, PATH_MAX)),
    required("receipt", &Shape::Object { fields: &[], open: true }),
]);

/// Some receipts of one logged bundle. Unproven.
#[derive(Clone, Debug, PartialEq)]
pub struct Disclosure {
    proof: LogProof,
    receipts: Vec<ShownReceipt>,
}

/// One receipt and where it is said to stand. Unproven.
#[derive(Clone, Debug, PartialEq)]
pub struct ShownReceipt {
    array: &'static str,
    index: u32,
    leaf_index: u32,
    count: u32,
    path: Vec<Hash>,
    receipt: Value<'static>,
}

impl Disclosure {
    /// Shows receipts of `bundle` (the whole artifact) whose entry is in
    /// `proof`. Each of `wanted` names one: a receipt id, a place such as
    /// `tool_receipts[0]`, or the hex SHA-256 of its compact form. Cost: one
    /// pass over the bundle, one path each.
    ///
    /// # Errors
    /// A proof without entry, an entry that is not about this bundle, a name
    /// that fits no receipt or several.
    pub fn of(bundle: &Value, proof: LogProof, wanted: &[&str]) -> Result<Self, ReceiptError> {
        let payload = logged_payload(bundle, &proof)?;
        let all: Vec<_> = receipts(payload).collect();
        let places = wanted.iter().map(|name| find(&all, name)).collect::<Result<BTreeSet<usize>, _>>()?;
        let indexes: Vec<_> = places.iter().map(|place| LeafIndex::new(*place as u64)).collect();
        let paths = SmallTree::paths(&leaf_inputs(payload), &indexes)?;
        let shown = places.iter().zip(paths).map(|(place, path)| {
            let (array, index, receipt) = all[*place];
            let (index, leaf_index, count) = (small(index), small(*place), small(all.len()));
            ShownReceipt { array, index, leaf_index, count, path, receipt: receipt.clone().into_owned() }
        });
        let shown: Vec<_> = shown.collect();
        if shown.is_empty() {
            return Err(DisclosureError::NothingChosen.into());
        }
        Ok(Self { proof, receipts: shown })
    }

    /// Prints the file: compact JSON, one line.
    pub fn encode(&self) -> String {
        let mut file = Object::new();
        file.set(VERSION_FIELD, VERSION.into());
        file.set("proof", tlog_proof::encode(&self.proof).into());
        file.set("receipts", self.receipts.iter().map(ShownReceipt::to_value).collect::<Vec<_>>().into());
        format!("{}\n", to_compact(&file.into()))
    }

    /// Reads a file in any spelling of the same JSON.
    ///
    /// # Errors
    /// Not strict JSON, another version, a member that is missing, unknown or
    /// breaks its rule, a proof text that is none, receipts out of tree order.
    /// Nothing is proven yet.
    pub fn decode(bytes: &[u8]) -> Result<Self, ReceiptError> {
        if bytes.len() > DISCLOSURE_BYTES_MAX {
            return Err(ReceiptError::TooLarge { got: bytes.len(), limit: DISCLOSURE_BYTES_MAX });
        }
        let file = json::parse_within(bytes, DEPTH_MAX, json::room_for(bytes.len()))?;
        if file.text_at(VERSION_FIELD).is_some_and(|version| version != VERSION) {
            return Err(ShapeError::at(VERSION_FIELD, Broken::UnknownVersion, "names no known version").into());
        }
        check(&SHAPE, &file)?;
        let proof = tlog_proof::decode(file.text_at("proof").unwrap_or_default().as_bytes())?;
        let items = file.get("receipts").and_then(Value::as_array).unwrap_or_default();
        let receipts = items.iter().map(ShownReceipt::from_value).collect::<Result<Vec<_>, _>>()?;
        let in_order = receipts.is_sorted_by(|a, b| a.leaf_index < b.leaf_index && a.place() < b.place());
        if !in_order || receipts.iter().any(|shown| shown.index > shown.leaf_index) {
            return Err(DisclosureError::Order.into());
        }
        Ok(Self { proof, receipts })
    }

    /// Whether bytes look like such a file: JSON that names a version of it.
    #[must_use]
    pub fn is_one(bytes: &[u8]) -> bool {
        json::parse_within(bytes, DEPTH_MAX, json::room_for(bytes.len())).is_ok_and(|file| Self::is_in(&file))
    }

    /// Whether a document is such a file: it names a version of it.
    #[must_use]
    pub fn is_in(file: &Value) -> bool {
        file.get(VERSION_FIELD).is_some()
    }

    /// JSON Schema of the file, as committed in `schemas/`.
    #[must_use]
    pub fn schema() -> String {
        file_schema("disclosure", "Disclosure: some receipts of a logged bundle", &SHAPE)
    }

    /// Entry and proof of the bundle.
    #[must_use]
    pub fn proof(&self) -> &LogProof {
        &self.proof
    }

    /// What is shown, in tree order; at least one.
    #[must_use]
    pub fn receipts(&self) -> &[ShownReceipt] {
        &self.receipts
    }

    /// For each shown receipt whether its path leads to `root`, which has to
    /// come from a proven entry. Cost: one hash a level; a mismatch costs more,
    /// a bounded number of times.
    #[must_use]
    pub fn check(&self, root: &ReceiptsRoot) -> Vec<Result<(), ReceiptError>> {
        let mut explained = 0;
        let one = |shown: &ShownReceipt| match shown.check(root) {
            Err(ReceiptError::Proof(ProofError::RootMismatch)) if explained < EXPLAINED_MAX => {
                explained += 1;
                Err(shown.explain(root, &self.receipts).into())
            }
            Err(ReceiptError::Proof(error)) => Err(DisclosureError::Path(error).into()),
            other => other,
        };
        self.receipts.iter().map(one).collect()
    }
}

impl ShownReceipt {
    /// The bundle's array, e.g. `tool_receipts`.
    #[must_use]
    pub fn array(&self) -> &'static str {
        self.array
    }

    /// Place in that array.
    #[must_use]
    pub fn index(&self) -> u32 {
        self.index
    }

    /// Place among all receipts of the bundle.
    #[must_use]
    pub fn leaf_index(&self) -> u32 {
        self.leaf_index
    }

    /// The id that it gives itself. Untrusted.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        names::id_of(&self.receipt)
    }

    /// The receipt itself, as it stands in the bundle. Untrusted.
    #[must_use]
    pub fn receipt(&self) -> &Value<'static> {
        &self.receipt
    }

    fn digest(&self) -> ArtifactDigest {
        ArtifactDigest::of(to_compact(&self.receipt).as_bytes())
    }

    fn place(&self) -> (Option<usize>, u32) {
        (RECEIPT_ARRAYS.iter().position(|array| *array == self.array), self.index)
    }

    fn check(&self, root: &ReceiptsRoot) -> Result<(), ReceiptError> {
        if u64::from(self.count) != root.count {
            return Err(DisclosureError::Count { got: self.count, want: root.count }.into());
        }
        Ok(self.leads_to(root, self.array, self.index, &self.digest())?)
    }

    /// The path alone, for a leaf of this array, index and digest.
    fn leads_to(
        &self,
        root: &ReceiptsRoot,
        array: &str,
        index: u32,
        digest: &ArtifactDigest,
    ) -> Result<(), ProofError> {
        let leaf = leaf_hash(&leaf_input(array, u64::from(index), digest.as_bytes()));
        let wanted = RootHash::new(Hash::from_bytes(root.root));
        let place = LeafIndex::new(u64::from(self.leaf_index));
        verify_inclusion(place, TreeSize::new(root.count), &leaf, &self.path, &wanted)
    }

    /// Which statement of the file is the wrong one, when only one is.
    fn explain(&self, root: &ReceiptsRoot, others: &[Self]) -> DisclosureError {
        let digest = self.digest();
        let fits = |array: &str, index: u32, digest: &ArtifactDigest| self.leads_to(root, array, index, digest).is_ok();
        if RECEIPT_ARRAYS.iter().any(|array| fits(array, self.index, &digest)) {
            return DisclosureError::OtherArray;
        }
        if (0..ELEMENTS_MAX).any(|index| fits(self.array, small(index), &digest)) {
            return DisclosureError::OtherIndex;
        }
        if others.iter().any(|other| fits(self.array, self.index, &other.digest())) {
            return DisclosureError::Swapped;
        }
        DisclosureError::NotInBundle
    }

    fn to_value(&self) -> Value<'static> {
        let mut shown = Object::new();
        shown.set("array", self.array.into());
        shown.set("index", self.index.into());
        shown.set("leaf_index", self.leaf_index.into());
        shown.set("count", self.count.into());
        shown.set("path", self.path.iter().map(|hash| hash.to_hex().into()).collect::<Vec<Value>>().into());
        shown.set("receipt", self.receipt.clone());
        shown.into()
    }

    /// Reads what has the shape of [`SHOWN`]; another array is refused again,
    /// so that none is ever guessed.
    fn from_value(value: &Value) -> Result<Self, ReceiptError> {
        let missing = |name: &'static str| ShapeError::at(name, Broken::MissingField, "is required");
        let number = |name| {
            let number = value.get(name).and_then(Value::as_i64).and_then(|number| u32::try_from(number).ok());
            number.ok_or_else(|| missing(name))
        };
        let named = value.text_at("array");
        let array = RECEIPT_ARRAYS.into_iter().find(|array| Some(*array) == named).ok_or_else(|| missing("array"))?;
        let path = value.get("path").and_then(Value::as_array).unwrap_or_default();
        let path = path.iter().map(|hash| Hash::from_hex(hash.as_str().unwrap_or_default()));
        let path = path.collect::<Result<Vec<_>, _>>().map_err(ReceiptError::Hash)?;
        let receipt = value.get("receipt").ok_or_else(|| missing("receipt"))?.clone().into_owned();
        let (index, leaf_index, count) = (number("index")?, number("leaf_index")?, number("count")?);
        Ok(Self { array, index, leaf_index, count, path, receipt })
    }
}

/// The receipts root that the entry in `proof` commits to. Proven only if the
/// entry is.
///
/// # Errors
/// No entry in the proof, one that does not decode, or one that is not about a
/// bundle with receipts.
pub fn bundle_root(proof: &LogProof) -> Result<ReceiptsRoot, ReceiptError> {
    let entry = SequencedEntry::decode(entry_of(proof)?)?;
    let of_bundle = entry.receipts.filter(|_| entry.kind == Kind::ProofBundle);
    Ok(*of_bundle.ok_or(DisclosureError::NoReceiptsRoot)?)
}

fn entry_of(proof: &LogProof) -> Result<&[u8], DisclosureError> {
    proof.extra.as_deref().ok_or(DisclosureError::NoEntry)
}

/// The payload of `bundle`, once the proof's entry is about it.
fn logged_payload<'a>(bundle: &'a Value<'a>, proof: &LogProof) -> Result<&'a Value<'a>, ReceiptError> {
    let root = bundle_root(proof)?;
    let digest = ArtifactDigest::of(to_compact(bundle).as_bytes());
    let payload = bundle.get("payload").unwrap_or(bundle);
    if digest != SequencedEntry::decode(entry_of(proof)?)?.digest || ReceiptsRoot::of(payload) != Some(root) {
        return Err(DisclosureError::OtherBundle.into());
    }
    Ok(payload)
}

/// Counts and places lie below [`RECEIPTS_MAX`] in every admitted bundle; in
/// another one the receipts root does not fit.
fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// What is wrong with a disclosure beyond its form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DisclosureError {
    #[error("proof: must carry the bundle's entry in its extra line")]
    NoEntry,
    #[error("proof: its entry must be about a proof bundle with receipts")]
    NoReceiptsRoot,
    #[error("proof: its entry is about another bundle than the one given")]
    OtherBundle,
    #[error("receipts: name at least one")]
    NothingChosen,
    #[error("receipt {name}: the bundle holds none of this id, place or digest; without --receipt they are listed")]
    UnknownReceipt { name: String },
    #[error("receipt {name}: names {count} receipts of the bundle; give the place, as tool_receipts[0]")]
    Ambiguous { name: String, count: usize },
    #[error("receipts: must stand in the bundle's order, each once")]
    Order,
    #[error("count: is {got}, the entry commits to {want} receipts")]
    Count { got: u32, want: u64 },
    #[error("array: the logged bundle holds this receipt in another array")]
    OtherArray,
    #[error("index: the logged bundle holds this receipt at another place of its array")]
    OtherIndex,
    #[error("receipt: at this place of the logged bundle stands another receipt of this file")]
    Swapped,
    #[error("path: does not lead from this receipt to the receipts root of the entry")]
    NotInBundle,
    #[error("{}: {_0}", path_field(_0))]
    Path(ProofError),
}

/// Which member a path that cannot be walked is to blame on.
fn path_field(error: &ProofError) -> &'static str {
    match error {
        ProofError::IndexOutsideTree { .. } => "leaf_index",
        _ => "path",
    }
}

impl DisclosureError {
    #[must_use]
    pub fn code(&self) -> &'static Code {
        match self {
            Self::NoEntry => &codes::receipt::DISCLOSURE_NO_ENTRY,
            Self::NoReceiptsRoot => &codes::receipt::DISCLOSURE_NO_RECEIPTS_ROOT,
            Self::OtherBundle => &codes::receipt::DISCLOSURE_OTHER_BUNDLE,
            Self::NothingChosen => &codes::receipt::DISCLOSURE_NOTHING_CHOSEN,
            Self::UnknownReceipt { .. } => &codes::receipt::DISCLOSURE_UNKNOWN_RECEIPT,
            Self::Ambiguous { .. } => &codes::receipt::DISCLOSURE_AMBIGUOUS_RECEIPT,
            Self::Order => &codes::receipt::DISCLOSURE_ORDER,
            Self::Count { .. } => &codes::receipt::DISCLOSURE_COUNT,
            Self::OtherArray => &codes::receipt::DISCLOSURE_OTHER_ARRAY,
            Self::OtherIndex => &codes::receipt::DISCLOSURE_OTHER_INDEX,
            Self::Swapped => &codes::receipt::DISCLOSURE_SWAPPED,
            Self::NotInBundle => &codes::receipt::DISCLOSURE_NOT_IN_BUNDLE,
            Self::Path(error) => error.code(),
        }
    }
}
