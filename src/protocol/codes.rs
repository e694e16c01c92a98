//! Every reason code and risk flag this room can give, with what it means and
//! what to do. A code exists only as a row here: nothing else can make one.

/// One printable code, in words.
#[derive(Debug)]
pub struct CodeRow {
    pub code: &'static str,
    /// A heading of a few words.
    pub title: &'static str,
    /// One sentence: what it means.
    pub means: &'static str,
    /// One sentence: what to do.
    pub action: &'static str,
}

/// A code of [`CODES`] or [`RISK_FLAGS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Code(&'static str);

impl Code {
    pub(super) fn text(self) -> &'static str {
        self.0
    }
}

/// The row of a code or risk flag.
#[must_use]
pub fn explain(code: &str) -> Option<&'static CodeRow> {
    CODES.iter().chain(RISK_FLAGS).find(|row| row.code == code)
}

macro_rules! rows {
    ($(#[$doc:meta])* $table:ident: $($name:ident, $title:literal, $means:literal, $action:literal;)*) => {
        $(pub(super) const $name: Code = Code(stringify!($name));)*
        $(#[$doc])*
        pub static $table: &[CodeRow] =
            &[$(CodeRow { code: stringify!($name), title: $title, means: $means, action: $action }),*];
    };
}

rows! {
    /// Reason codes: the peer's names, in the order in which checks meet them.
    CODES:
    OK, "Accepted by the protocol", "Every protocol check that applies to these bytes passed.",
        "Read the audit verdict too: the protocol says nothing about policy, tokens or approvals.";
    MALFORMED_ENVELOPE, "Envelope or payload malformed", "A member is missing, is no date, is not base64url, or a limit of size, number or order is broken.",
        "Look at the named field and ask the producer for the document as it was signed.";
    SCHEMA_VALIDATION_FAILED, "Shape not as published", "The named field is missing, undeclared, of the wrong type or outside its allowed values.",
        "Have the producer fix the named field and sign again.";
    MISSING_REQUIRED_FIELD, "Manifest incomplete", "The manifest of an export does not list exactly the artifacts it carries.",
        "Export again with a tool that writes one manifest entry for each artifact.";
    UNKNOWN_ENVELOPE_VERSION, "Envelope version unknown", "The envelope is of a version that no verifier of this protocol knows.",
        "Ask for version 1, or use a verifier made for that version.";
    UNKNOWN_ENVELOPE_TYPE, "Envelope type unknown", "The envelope says that it holds something other than what was to be verified.",
        "Check that the right file was given and name its kind.";
    UNKNOWN_ALGORITHM, "Signature algorithm unknown", "The envelope names a signature algorithm other than Ed25519.",
        "Have it signed with Ed25519.";
    UNKNOWN_HASH_ALGORITHM, "Hash algorithm not usable", "The named hash algorithm is unknown, or listed by the protocol but implemented by nobody.",
        "Have it hashed with SHA-256 and signed again.";
    UNKNOWN_VERSION, "Version unknown", "A receipt or commit signature is of a version that this protocol does not know.",
        "Ask the producer for a known version.";
    UNKNOWN_TYPE, "Not a commit signature", "The document does not say that it is a message signature.",
        "Check that the right file was given.";
    UNKNOWN_ALGO, "Commit signature algorithm unknown", "A commit signature names an algorithm other than ed25519.",
        "Sign the commit with ed25519.";
    COMMIT_MESSAGE_INVALID, "Signed message names no commit", "The message is not the word commit, a colon and 7 to 64 hexadecimal digits.",
        "Sign a message that names the commit.";
    INVALID_DID_FORMAT, "Signer gives no key", "A DID is malformed, is not the one that had to sign, or is of a method that carries no Ed25519 key.",
        "Check that the signer is a did:key and equal to the agent or issuer named inside.";
    EXPIRED_TTL, "Expired", "The document had expired at the time of verification.",
        "Verify at the time that matters, or ask for a fresh one.";
    FUTURE_TIMESTAMP_POISONING, "Issued in the future", "The document says that it was issued later than the time of verification allows.",
        "Check both clocks, then verify again.";
    HASH_MISMATCH, "Content does not match its hash", "A hash inside does not belong to the content it stands for, so something was changed or left out.",
        "Treat the content as altered and get the original from the producer.";
    SIGNATURE_INVALID, "Signature does not verify", "The signature was not made by the named signer over this content.",
        "Do not rely on it; ask the named signer.";
    CO_SIGNATURE_INVALID, "Co-signature does not verify", "Somebody named as co-signer did not sign this receipt.",
        "Do not count that co-signer; ask them for their signature.";
    RATE_LIMIT_CLAIM_INCONSISTENT, "Rate limit claim inconsistent", "A claim about limits is incomplete, names another run, or contradicts another claim of the same window.",
        "Compare the claims of that window and ask which limit was in force.";
    RATE_LIMIT_WINDOW_INVALID, "Rate limit window runs backwards", "A claim about limits starts after it ends.",
        "Have the producer correct the window.";
    RATE_LIMIT_EXCEEDED, "Rate limit exceeded", "By its own claim the agent made more requests or used more tokens than allowed.",
        "Find out who allowed the excess, or treat the run as over its limit.";
    PROMPT_COMMITMENT_MISMATCH, "Prompt report contradicts the run", "The report about system prompts names another run, agent, prompt pack or event.",
        "Ask for the report that belongs to this run.";
    URM_MISSING, "Run manifest not given", "The bundle refers to a run manifest and the document was not supplied.",
        "Supply the manifest file.";
    URM_MISMATCH, "Run manifest belongs elsewhere", "The supplied run manifest names another manifest id, agent, run or chain.",
        "Supply the manifest that the bundle refers to.";
    PROOF_BUNDLE_AGENT_MISMATCH, "Receipt of another agent", "A receipt inside names another agent than the bundle.",
        "Find out how a receipt of another agent came into this bundle.";
    RECEIPT_BINDING_MISMATCH, "Receipt belongs to another run", "A receipt names a run or an event that is not in this bundle's chain.",
        "Ask for the receipts of this run; these were taken from elsewhere.";
    RECEIPT_VERIFICATION_FAILED, "Gateway receipt does not verify", "At least one gateway receipt has a bad shape, hash, signature or an unlisted signer.",
        "Check the list of gateway signers, then the receipts.";
    DEPENDENCY_NOT_CONFIGURED, "No list of trusted signers", "Something signed by a third party is inside, and no list says whose signature counts.",
        "Give the lists with --config FILE; gateways also come from the operator's roots, with --operator DID and --log or --evidence.";
    CLAIM_NOT_FOUND, "Signer not on the list", "An attestation is signed by somebody who is not on the list of trusted signers.",
        "Add the signer if you trust them; otherwise do not rely on the attestation.";
    DISCLOSURE_ROOT_MISMATCH, "Disclosed values do not fit", "The disclosed and hidden values do not add up to what the receipt committed to.",
        "Do not believe the disclosed values; ask for an honest disclosure.";
    DISCLOSURE_TYPE_MISMATCH, "Disclosed value of another type", "A disclosed value is of another type than it says.",
        "Do not believe the disclosed value; ask for an honest disclosure.";
    CAUSAL_POLICY_PROFILE_INVALID, "Causal profile unknown", "The chosen causal profile is neither compat nor strict.",
        "Choose compat or strict.";
    CAUSAL_POLICY_PROFILE_DOWNGRADE, "Strict profile weakened", "The strict profile was chosen together with an option that weakens it.",
        "Leave the weaker option out, or choose compat.";
    CAUSAL_BINDING_NORMALIZATION_FAILED, "Causal id unreadable", "A span id or confidence in a receipt is empty or of the wrong type.",
        "Have the gateway write the field correctly.";
    CAUSAL_BINDING_FIELD_CONFLICT, "Causal id given twice, differently", "The two spellings of one field of a receipt hold different values.",
        "Find out which of the two was meant; the receipt is ambiguous.";
    CAUSAL_RECEIPT_REPLAY_DETECTED, "Receipt id used twice", "Two gateway receipts of this bundle have one id and different content.",
        "Ask the gateway which of the two it issued.";
    CAUSAL_CLOCK_CONTRADICTION, "Times contradict each other", "Something is said to have happened before its cause, or to have been issued before it happened.",
        "Compare the clocks of the parties that signed.";
    CAUSAL_PHASE_INVALID, "Phase unknown", "A receipt names a phase that does not exist.",
        "Have the gateway write a known phase.";
    CAUSAL_CONFIDENCE_OUT_OF_RANGE, "Confidence out of range", "The confidence of an attribution is not a number from 0 to 1.",
        "Have the gateway write a number from 0 to 1.";
    CAUSAL_REFERENCE_DANGLING, "Reference to an unknown span", "A receipt names a parent or tool span that no receipt of this bundle declares.",
        "Ask for the missing receipts.";
    CAUSAL_SPAN_REUSE_CONFLICT, "Span described twice, differently", "Two receipts describe one span with different parents, tools, phases or confidence.",
        "Ask the gateway which description is right.";
    CAUSAL_PHASE_TRANSITION_INVALID, "Impossible step between phases", "A span follows another one in a phase that cannot follow.",
        "Check the order of the receipts with the gateway.";
    CAUSAL_CYCLE_DETECTED, "Spans cause each other", "Following the parents of a span leads back to it.",
        "Treat the causal record as unusable and ask for the original.";
    CAUSAL_CONFIDENCE_EVIDENCE_INCONSISTENT, "More confidence than evidence", "A receipt claims more confidence than its links to other spans support.",
        "Count the attribution as weaker than claimed.";
    CAUSAL_GRAPH_DISCONNECTED, "Causal record falls apart", "Some spans reach no root, or the spans do not form one connected record.",
        "Ask for the receipts that connect them.";
    CAUSAL_SIDE_EFFECT_ORPHANED, "Side effect without a cause", "A side effect names no span that a gateway receipt declares.",
        "Record the write as a tool receipt, or have the gateway declare its span.";
    CAUSAL_HUMAN_APPROVAL_ORPHANED, "Approval without a cause", "A human approval names no span that a gateway receipt declares.",
        "Have the approval name the span it approves.";
    COVERAGE_CLDD_DISCREPANCY_ENFORCED, "Coverage figures contradict", "What the agent says about escaped processes and connections differs from the attestation, and that is enforced.",
        "Find out what ran outside observation.";
    INCLUSION_PROOF_INVALID, "Log inclusion not shown", "The enclosed proof does not lead from the leaf to the signed root of its log.",
        "Ask for a proof that does, and do not count the logging claim.";
    AGGREGATE_SIGNER_MISMATCH, "Aggregate signed by somebody else", "The signer of the aggregate is not the issuer named inside.",
        "Ask the named issuer for an aggregate of their own.";
    AGGREGATE_BUNDLE_INVALID, "Aggregate malformed", "The manifest or an expiry date inside the aggregate breaks a rule.",
        "Have the issuer build the aggregate again.";
    UNSORTED_MEMBER_ARRAY, "Members out of order", "The members of the aggregate are not sorted by their hashes.",
        "Have the issuer build the aggregate again.";
    AGGREGATE_DUPLICATE_MEMBER, "Member listed twice", "The same bundle stands twice in the aggregate.",
        "Count it once and ask for a corrected aggregate.";
    INCONSISTENT_RUN_ID, "Member without one run", "A member has no events, or events of several runs.",
        "Ask for a bundle of one run.";
    AGGREGATE_MEMBER_INVALID, "Member does not verify", "A bundle inside the aggregate fails its own verification.",
        "Verify that member alone to learn why.";
    CAUSAL_AGGREGATE_MEMBER_CONFLICT, "Members describe one span differently", "Two members give one span different meanings.",
        "Ask the gateways which description is right.";
    CAUSAL_AGGREGATE_RECEIPT_REPLAY, "Receipt id in two members", "Two members hold receipts with one id and different content.",
        "Ask the gateway which of the two it issued.";
    IDENTITY_CONFLICT, "Issuer vouches for itself", "The issuer of the aggregate is the agent of one of its members.",
        "Have somebody else issue the aggregate.";
    AGGREGATE_TTL_EXCEEDS_MEMBER, "Aggregate outlives a member", "The aggregate claims to be valid longer than one of its members.",
        "Have the issuer shorten its validity.";
    AGGREGATE_DUPLICATE_BUNDLE_ID, "Bundle id used twice", "Two members carry the same bundle id.",
        "Find out which of the two is genuine.";
    AGGREGATE_DUPLICATE_RUN_ID, "Run counted twice", "Two members are about the same run.",
        "Find out which of the two is genuine.";
    FLEET_SUMMARY_MISMATCH, "Summary does not fit the members", "The counts or the tier of the summary differ from what the members show.",
        "Believe the members and ask for a corrected summary.";
}

rows! {
    /// Risk flags: remarks of the peer that do not change its verdict.
    RISK_FLAGS:
    COVERAGE_CLDD_CLAIM_PARSE_FAILED, "Coverage claim unreadable", "The agent's own figures about coverage are malformed and were ignored.",
        "Ask for readable figures.";
    COVERAGE_CLDD_DISCREPANCY, "Coverage figures contradict", "What the agent says about escaped processes and connections differs from an attestation.",
        "Find out what ran outside observation.";
    COVERAGE_CLDD_ESCAPES_SUSPECTED_MISMATCH, "Suspected escapes contradict", "Agent and attestation differ on whether something escaped observation.",
        "Find out what ran outside observation.";
    COVERAGE_CLDD_UNMEDIATED_CONNECTIONS_MISMATCH, "Unmediated connections contradict", "Agent and attestation differ on how many connections went round the gateway.",
        "Find out where those connections went.";
    COVERAGE_CLDD_UNMONITORED_SPAWNS_MISMATCH, "Unmonitored processes contradict", "Agent and attestation differ on how many processes ran unobserved.",
        "Find out which processes those were.";
    MODEL_IDENTITY_EVIDENCE_MISSING, "Model evidence missing", "A receipt claims a stronger model identity than it carries evidence for.",
        "Count the model as unknown.";
    MODEL_IDENTITY_HASH_MISMATCH, "Model identity altered", "The hash of a model identity does not belong to it.",
        "Count the model as unknown.";
    MODEL_IDENTITY_HASH_MISSING, "Model identity without hash", "A receipt carries no hash of its model identity.",
        "Nothing to do unless your policy asks for it.";
    MODEL_IDENTITY_HETEROGENEOUS, "Several model identity tiers", "The receipts reach different model identity tiers; the lowest counts.",
        "Look at the receipts one by one.";
    MODEL_IDENTITY_MISSING_DEFAULTED, "Model identity assumed", "A receipt carries no model identity, so an opaque closed model was assumed.",
        "Nothing to do unless your policy asks for it.";
    MODEL_IDENTITY_MODEL_MISMATCH, "Model identity of another model", "The model identity names another model or provider than the receipt.",
        "Count the model as unknown.";
    MODEL_IDENTITY_NO_SIGNATURE_VERIFIED_RECEIPTS, "No receipt to judge the model by", "No gateway receipt of this bundle verifies, so nothing is known about the model.",
        "Check the list of gateway signers.";
    MODEL_IDENTITY_OPAQUE, "Closed model", "The model is closed and nothing about it can be measured.",
        "Nothing to do unless your policy asks for more.";
    MODEL_IDENTITY_SCHEMA_INVALID, "Model identity malformed", "A receipt carries a model identity that breaks its shape or names nothing.",
        "Count the model as unknown.";
}
