//! Fields of what the audit and the search answer.

use crate::server::api::wire::shapes::{Encoding, Field, Shape, always, maybe};

const SUBJECT: [Field; 5] = [
    maybe("job", Encoding::Text, "job that it is charged to"),
    maybe("run", Encoding::Text, "run that it is charged to"),
    maybe("agent", Encoding::Text, "DID of the agent that it is charged to"),
    maybe("token", Encoding::Hex, "hash of the token that it is charged to"),
    maybe("app", Encoding::Text, "application, as instance/namespace/name"),
];
const SUBMITTER: Field = maybe("submitter", Encoding::Text, "only where no job is charged: who sent it");
const ROOTS_DIGEST: Field =
    always("roots_digest", Encoding::OrNull(&Encoding::Hex), "digest of the newest roots in force");
const RULES: Field = always("rules_version", Encoding::Text, "version of the rules");

pub(super) const SCOPE_REPORT: Shape = Shape {
    name: "ScopeReport",
    fields: &[
        RULES,
        always("scope", Encoding::One("Scope"), "what findings and verdict are about"),
        always("as_of", Encoding::One("AsOf"), "the prefix that was audited"),
        ROOTS_DIGEST,
        always("absence", Encoding::One("Absence"), "how it was checked that nothing else stands in the log"),
        always("verdict", Encoding::Text, "`pass`, `fail`, `incomplete` or `not_applicable`"),
        always("findings", Encoding::Many("Finding"), "sorted by entries, then code"),
        always("pending", Encoding::Many("Pending"), "obligations whose window is open"),
        always("coverage", Encoding::Many("Coverage"), "what was seen and not judged"),
        always("jobs", Encoding::TextByName, "verdict of each job of the scope"),
        always("runs", Encoding::Many("Run"), "runs of the scope, by agent and run id"),
        always(
            "entries",
            Encoding::Many("EntryName"),
            "every entry that the report rests on, roots and policies included",
        ),
    ],
};

pub(super) const SCOPE: Shape = Shape {
    name: "Scope",
    fields: &[
        maybe("job", Encoding::Text, "id of the job"),
        maybe("agent", Encoding::Text, "DID of the run's agent"),
        maybe("run", Encoding::Text, "id of the run"),
        maybe("token", Encoding::Hex, "hash of the token"),
    ],
};

pub(super) const AS_OF: Shape = Shape {
    name: "AsOf",
    fields: &[
        always("size", Encoding::Number, "tree size"),
        always("logged_at", Encoding::OrNull(&Encoding::UnixMs), "time of the last entry below it"),
        maybe("beyond", Encoding::Number, "entries above it that a checkpoint at hand proves"),
    ],
};

pub(super) const ABSENCE: Shape = Shape {
    name: "Absence",
    fields: &[
        always("how", Encoding::Text, "`recomputed`, `attested` or `not_checked`"),
        maybe("entry", Encoding::Number, "the operator's statement, when attested"),
    ],
};

pub(super) const FINDING: Shape = Shape {
    name: "Finding",
    fields: &[
        always("entries", Encoding::Numbers, "leaf indexes that show it"),
        always("code", Encoding::Text, "stable; `pulselog explain CODE` says what it means"),
        always("severity", Encoding::Text, "`info`, `low`, `medium`, `high` or `critical`"),
        always("effect", Encoding::Text, "`shown`, `incomplete` or `fails`"),
        SUBJECT[0],
        SUBJECT[1],
        SUBJECT[2],
        SUBJECT[3],
        SUBJECT[4],
        SUBMITTER,
        always("detail", Encoding::Text, "this case in words; holds names from evidence"),
        maybe("not_here", Encoding::Many("NotHere"), "what it waits for: missing evidence that could settle it"),
    ],
};

pub(super) const NOT_HERE: Shape = Shape {
    name: "NotHere",
    fields: &[
        always("first", Encoding::Number, "leaf index of the entry, or of the first of a stretch"),
        always("last", Encoding::Number, "the same, or the last of a stretch"),
        maybe("kind", Encoding::Text, "kind of the entry whose body alone is missing"),
        maybe("file", Encoding::Text, "file of a packet that holds the body, as its list names it"),
    ],
};

pub(super) const PENDING: Shape = Shape {
    name: "Pending",
    fields: &[
        always("entries", Encoding::Numbers, "leaf indexes that oblige"),
        always("code", Encoding::Text, "what it becomes when nothing comes"),
        SUBJECT[0],
        SUBJECT[1],
        SUBJECT[2],
        SUBJECT[3],
        SUBJECT[4],
        SUBMITTER,
        always("until_ms", Encoding::UnixMs, "end of the window"),
    ],
};

pub(super) const COVERAGE: Shape = Shape {
    name: "Coverage",
    fields: &[
        always("what", Encoding::Text, "what was not judged"),
        always("entries", Encoding::Numbers, "where"),
        SUBJECT[0],
        SUBJECT[1],
        SUBJECT[2],
        SUBJECT[3],
        SUBJECT[4],
        SUBMITTER,
    ],
};

pub(super) const RUN: Shape = Shape {
    name: "Run",
    fields: &[
        always("agent", Encoding::Text, "DID of the agent"),
        always("run", Encoding::Text, "id of the run"),
        always("job", Encoding::OrNull(&Encoding::Text), "job of its token, when that is known"),
        always("token", Encoding::OrNull(&Encoding::Hex), "hash of its token, when that is known"),
        always("verdict", Encoding::Text, "`pass`, `fail`, `incomplete` or `not_applicable`"),
    ],
};

pub(super) const ENTRY_NAME: Shape = Shape {
    name: "EntryName",
    fields: &[always("index", Encoding::Number, "leaf index"), always("kind", Encoding::Text, "kind of the artifact")],
};

pub(super) const FINDING_LIST: Shape = Shape {
    name: "FindingList",
    fields: &[
        always("findings", Encoding::Many("Finding"), "each once over all pages"),
        maybe(
            "next",
            Encoding::Number,
            "give it as `after`, with the same filter and `at`, for the rest; absent at the end",
        ),
        always("as_of", Encoding::One("AsOf"), "the prefix that was audited"),
        RULES,
        ROOTS_DIGEST,
        always("scanned_to", Encoding::Number, "entries below this were looked through by this page and those before"),
        maybe("not_judged", Encoding::Numbers, "entries with which more hangs together than one answer reads"),
    ],
};

pub(super) const POLICY: Shape = Shape {
    name: "Policy",
    fields: &[
        always("policy_hash", Encoding::Hex, "SHA-256 of the policy's JCS form"),
        always("policy_hash_b64u", Encoding::Text, "the same as peers spell it"),
        always("index", Encoding::Number, "its first entry"),
        always("envelope", Encoding::Artifact, "the signed policy of that entry"),
        always("statements", Encoding::Numbers, "every entry of a holder of the role with this policy"),
    ],
};

pub(super) const LOOKUP: Shape = Shape {
    name: "Lookup",
    fields: &[
        always("q", Encoding::Text, "what was looked for"),
        always("tree_size", Encoding::Number, "published size that was searched"),
        always("groups", Encoding::Many("LookupGroup"), "what was found, by what it is"),
        always("tried", Encoding::Texts, "what it was taken for, found or not"),
    ],
};

pub(super) const LOOKUP_GROUP: Shape = Shape {
    name: "LookupGroup",
    fields: &[
        always("kind_of_match", Encoding::Text, "what the name or hash names"),
        always("entries", Encoding::Numbers, "leaf indexes, lowest first, at most 100"),
        always("more", Encoding::Bool, "whether there may be more"),
        always("href", Encoding::Text, "where to read on"),
    ],
};
