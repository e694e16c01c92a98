//! The table of fields: what the reference and the OpenAPI document are made
//! from.

mod audited;
mod verdicts;

/// How a field is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// A count or position: JSON number.
    Number,
    /// Unix milliseconds: JSON number.
    UnixMs,
    /// Lowercase hex.
    Hex,
    /// Text.
    Text,
    /// A whole C2SP text, newlines included.
    C2sp,
    /// `true` or `false`.
    Bool,
    /// A list of numbers.
    Numbers,
    /// A list of lowercase hex hashes.
    Hashes,
    /// A list of texts.
    Texts,
    /// An object of texts by free names.
    TextByName,
    /// A logged artifact, compact.
    Artifact,
    /// Of another encoding, or null.
    OrNull(&'static Encoding),
    /// One object of another shape.
    One(&'static str),
    /// A list of objects of another shape.
    Many(&'static str),
}

/// One field of a shape.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Name.
    pub name: &'static str,
    /// How it is written.
    pub encoding: Encoding,
    /// Whether it is always there.
    pub always: bool,
    /// What it means.
    pub meaning: &'static str,
}

/// A shape of JSON that leaves.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Name in the reference.
    pub name: &'static str,
    /// Its fields, in order.
    pub fields: &'static [Field],
}

const fn always(name: &'static str, encoding: Encoding, meaning: &'static str) -> Field {
    Field { name, encoding, always: true, meaning }
}

const fn maybe(name: &'static str, encoding: Encoding, meaning: &'static str) -> Field {
    Field { name, encoding, always: false, meaning }
}

/// Every shape.
pub const SHAPES: &[Shape] = &[
    Shape {
        name: "Logged",
        fields: &[
            always("index", Encoding::Number, "leaf index of the entry"),
            always("leaf_hash", Encoding::Hex, "SHA-256(0x00 ‖ entry)"),
            always("artifact", Encoding::Hex, "SHA-256 of the compact form"),
            always("kind", Encoding::Text, "kind of the artifact"),
            always("tree_size", Encoding::Number, "size of a published checkpoint that covers the entry"),
            maybe(
                "same_statement",
                Encoding::Numbers,
                "other entries of the same kind, payload hash and signer, lowest first",
            ),
            maybe("expanded", Encoding::Numbers, "entries added for the receipts inside a bundle"),
            maybe(
                "not_expanded",
                Encoding::Many("NotExpanded"),
                "enveloped receipts inside that are not authentic on their own",
            ),
            maybe("redacted", Encoding::Texts, "where a token was replaced by its hash in an unsigned observation"),
            maybe("proof", Encoding::C2sp, "tlog-proof at tree_size, with ?proof=true"),
        ],
    },
    Shape {
        name: "NotExpanded",
        fields: &[
            always("path", Encoding::Text, "where in the submitted artifact"),
            always("code", Encoding::Text, "the admission step that failed"),
        ],
    },
    Shape {
        name: "BatchLine",
        fields: &[
            always("line", Encoding::Number, "line of the request, the first is 1"),
            always("status", Encoding::Number, "201 logged, 200 logged before, else the problem's status"),
            maybe(
                "problem",
                Encoding::One("Problem"),
                "why the line was refused; otherwise the fields of Logged follow",
            ),
        ],
    },
    Shape {
        name: "Entry",
        fields: &[
            always("index", Encoding::Number, "leaf index"),
            always("leaf_hash", Encoding::Hex, "SHA-256(0x00 ‖ entry)"),
            always("entry", Encoding::Hex, "the leaf bytes: deterministic CBOR"),
            always("version", Encoding::Number, "version of the entry"),
            always("kind", Encoding::Text, "kind of the artifact"),
            always("artifact", Encoding::Hex, "SHA-256 of the compact form"),
            always("body_bytes", Encoding::Number, "length of the compact form"),
            maybe("signer", Encoding::Text, "did:key that signed; absent when unsigned"),
            always("submitter", Encoding::Text, "name of the token that submitted"),
            always("logged_at", Encoding::UnixMs, "the log's clock, never smaller than in the entry before"),
            maybe("receipts_root", Encoding::Hex, "RFC 6962 root over a bundle's receipts"),
            maybe("receipts_count", Encoding::Number, "how many receipts that root covers"),
        ],
    },
    Shape {
        name: "EntryList",
        fields: &[
            always("entries", Encoding::Many("Entry"), "entries in index order"),
            maybe("next", Encoding::Number, "give it as `after` for the rest; absent at the end"),
            always("tree_size", Encoding::Number, "published size that was read"),
            maybe(
                "indexed_size",
                Encoding::Number,
                "with `kind`: entries below this are searched; ask again when it is below tree_size",
            ),
        ],
    },
    Shape {
        name: "InclusionProof",
        fields: &[
            always("index", Encoding::Number, "leaf index"),
            always("tree_size", Encoding::Number, "size of the checkpoint"),
            always("leaf_hash", Encoding::Hex, "SHA-256(0x00 ‖ entry)"),
            always("root_hash", Encoding::Hex, "root of the checkpoint"),
            always("path", Encoding::Hashes, "RFC 6962 audit path, leaf side first"),
            always("entry", Encoding::Hex, "the leaf bytes"),
            always("checkpoint", Encoding::C2sp, "the signed note"),
        ],
    },
    Shape {
        name: "ConsistencyProof",
        fields: &[
            always("from", Encoding::Number, "older size"),
            always("to", Encoding::Number, "newer size"),
            always("from_root", Encoding::Hex, "root at the older size"),
            always("to_root", Encoding::Hex, "root at the newer size"),
            always("path", Encoding::Hashes, "RFC 6962 consistency proof"),
            always("checkpoint", Encoding::C2sp, "the newer signed note"),
        ],
    },
    Shape {
        name: "Checkpoint",
        fields: &[
            always("size", Encoding::Number, "tree size"),
            always("root_hash", Encoding::Hex, "root"),
            always("checkpoint", Encoding::C2sp, "the signed note"),
        ],
    },
    Shape {
        name: "CheckpointList",
        fields: &[
            always("checkpoints", Encoding::Many("Checkpoint"), "newest first"),
            maybe("next", Encoding::Number, "give it as `after` for older ones; absent at the end"),
        ],
    },
    Shape {
        name: "Health",
        fields: &[
            always("status", Encoding::Text, "`up`, `ready`, or `degraded` where a read met damage in the store"),
            maybe("tree_size", Encoding::Number, "size of the newest checkpoint, which verified just now"),
            maybe("writes", Encoding::Bool, "whether submissions are taken"),
            maybe("writes_refused", Encoding::Texts, "codes of what refuses them"),
            maybe(
                "damaged",
                Encoding::Texts,
                "damaged parts of the store by name, as far as reads and scrub have met them; at most 32",
            ),
        ],
    },
    audited::SCOPE_REPORT,
    audited::SCOPE,
    audited::AS_OF,
    audited::ABSENCE,
    audited::FINDING,
    audited::NOT_HERE,
    audited::PENDING,
    audited::COVERAGE,
    audited::RUN,
    audited::ENTRY_NAME,
    audited::FINDING_LIST,
    audited::POLICY,
    audited::LOOKUP,
    audited::LOOKUP_GROUP,
    verdicts::VERIFICATION,
    verdicts::PROVEN_ENTRY,
    verdicts::DOCUMENT,
    verdicts::PROTOCOL_VERDICT,
    verdicts::AUDIT_VERDICT,
    verdicts::VERDICT_COVERAGE,
    verdicts::CHECK,
    Shape {
        name: "Problem",
        fields: &[
            always("type", Encoding::Text, "address of the code's explanation"),
            always("title", Encoding::Text, "what the code means"),
            always("status", Encoding::Number, "HTTP status"),
            always("detail", Encoding::Text, "what is wrong here, for people"),
            always("code", Encoding::Text, "stable code"),
            maybe("field", Encoding::Text, "field or parameter at fault"),
        ],
    },
];

/// The fields of a shape.
#[must_use]
pub fn shape(name: &str) -> Option<&'static Shape> {
    SHAPES.iter().find(|s| s.name == name)
}
