//! Fields of both verdicts on a document; `schemas/verification.schema.json`
//! says the same of the file that the command line writes.

use crate::server::api::wire::shapes::{Encoding, Shape, always, maybe};

pub(super) const VERIFICATION: Shape = Shape {
    name: "Verification",
    fields: &[
        always("report_version", Encoding::Text, "version of this shape"),
        always("verdict", Encoding::Text, "the worst of both: `pass`, `fail` or `incomplete`"),
        maybe("subject", Encoding::One("ProvenEntry"), "the document's entry, where a proof of it was given"),
        maybe("document", Encoding::One("Document"), "what the document calls itself"),
        maybe("protocol", Encoding::One("ProtocolVerdict"), "what the peer's verifier says of these bytes"),
        always("audit", Encoding::One("AuditVerdict"), "what the log says of the run"),
        maybe("coverage", Encoding::One("VerdictCoverage"), "how far the audit reaches"),
        always("checks", Encoding::Many("Check"), "of proof, evidence and token, where any was given"),
    ],
};

pub(super) const PROVEN_ENTRY: Shape = Shape {
    name: "ProvenEntry",
    fields: &[
        always("origin", Encoding::Text, "which log"),
        always("tree_size", Encoding::Number, "entries under the checkpoint"),
        always("root_hash", Encoding::Hex, "root of that tree"),
        always("index", Encoding::Number, "leaf index"),
        always("leaf_hash", Encoding::Hex, "SHA-256(0x00 ‖ entry)"),
        always("kind", Encoding::Text, "kind of the artifact"),
        always("artifact", Encoding::Hex, "SHA-256 of the compact form"),
        maybe("signer", Encoding::Text, "DID that signed; absent when unsigned"),
        always("submitter", Encoding::Text, "who submitted, as the log asserts"),
        always("logged_at", Encoding::UnixMs, "the log's clock at sequencing"),
    ],
};

pub(super) const DOCUMENT: Shape = Shape {
    name: "Document",
    fields: &[
        always("kind", Encoding::Text, "`proof_bundle`, `export_bundle`, `aggregate_bundle` or `commit_sig`"),
        always("digest", Encoding::Hex, "SHA-256 of the compact form"),
        maybe("bundle_id", Encoding::Text, "as the bundle says"),
        maybe("signer", Encoding::Text, "who is said to have signed the bundle"),
        maybe("agent", Encoding::Text, "DID, as the bundle says"),
        maybe("run", Encoding::Text, "run of its event chain, as the bundle says"),
        maybe("job", Encoding::Text, "job of the run's token, when that is known"),
    ],
};

pub(super) const PROTOCOL_VERDICT: Shape = Shape {
    name: "ProtocolVerdict",
    fields: &[
        always("status", Encoding::Text, "`pass`, `pass_except_not_checked` or `fail`"),
        always("reason_code", Encoding::Text, "`OK`, or why it failed"),
        always("field", Encoding::OrNull(&Encoding::Text), "where it failed"),
        always("proof_tier", Encoding::OrNull(&Encoding::Text), "where the evidence comes from"),
        always("trust_tier", Encoding::OrNull(&Encoding::Text), "how much of the bundle verified"),
        always("model_identity_tier", Encoding::OrNull(&Encoding::Text), "what is known about the model"),
        always("risk_flags", Encoding::Texts, "remarks that fail nothing"),
        always("not_checked", Encoding::Texts, "blocks that are present and not judged"),
        always("lacks", Encoding::Texts, "lists of trusted signers whose absence is all that it failed for"),
        always("bare", Encoding::Bool, "signed by nobody"),
        always("allowlists", Encoding::Text, "whose gateways count: `config`, `roots` or `none`"),
        always("verification_time", Encoding::UnixMs, "time that expiry was judged at"),
    ],
};

pub(super) const AUDIT_VERDICT: Shape = Shape {
    name: "AuditVerdict",
    fields: &[
        always("status", Encoding::Text, "`pass`, `fail`, `incomplete`, `not_applicable` or `not_asked`"),
        always("findings", Encoding::Many("Finding"), "sorted by entries, then code"),
        always("pending", Encoding::Many("Pending"), "obligations whose window is open"),
    ],
};

pub(super) const VERDICT_COVERAGE: Shape = Shape {
    name: "VerdictCoverage",
    fields: &[
        always("rules_version", Encoding::Text, "version of the rules"),
        always("operator", Encoding::OrNull(&Encoding::Text), "DID whose roots count here"),
        always("roots_digest", Encoding::OrNull(&Encoding::Hex), "digest of the newest roots in force"),
        always("as_of", Encoding::OrNull(&Encoding::One("AsOf")), "the prefix that was audited"),
        always("absence", Encoding::One("Absence"), "how it was checked that nothing else stands in the log"),
        always("entries", Encoding::Number, "entries that were read for it"),
        always("not_judged", Encoding::Many("Coverage"), "what was seen and not judged"),
    ],
};

pub(super) const CHECK: Shape = Shape {
    name: "Check",
    fields: &[
        always("name", Encoding::Text, "what was asked"),
        always("outcome", Encoding::Text, "`pass`, `fail`, `incomplete` or `not_checked`"),
        always("code", Encoding::Text, "stable reason code"),
        always("detail", Encoding::Text, "in words"),
        maybe("advice", Encoding::Text, "what to do, unless it passed"),
    ],
};

#[cfg(test)]
mod tests {
    use crate::artifact::digest::ArtifactDigest;
    use crate::audit::{Absence, AsOf};
    use crate::merkle::TreeSize;
    use crate::server::api::wire::tests::check;
    use crate::verify::report::{Check, Outcome, REPORT_VERSION, Subject};
    use crate::verify::verification::{
        Allowlists, AuditPart, AuditStatus, CoveragePart, DocumentName, ProtocolPart, Verification,
    };

    #[test]
    fn every_shape_of_a_verdict_lists_exactly_the_fields_that_are_written() {
        let some = || Some("x".to_owned());
        let digest = ArtifactDigest::of(b"");
        let subject = Subject {
            origin: String::new(),
            tree_size: 1,
            root_hash: String::new(),
            index: 0,
            leaf_hash: String::new(),
            kind: "approval",
            artifact: String::new(),
            signer: some(),
            submitter: String::new(),
            logged_at: 1,
        };
        check("ProvenEntry", &subject);
        let document = DocumentName {
            kind: "proof_bundle",
            digest,
            bundle_id: some(),
            signer: some(),
            agent: some(),
            run: some(),
            job: some(),
        };
        check("Document", &document);
        let protocol = ProtocolPart {
            status: "pass",
            reason_code: "OK",
            field: None,
            proof_tier: None,
            trust_tier: None,
            model_identity_tier: None,
            risk_flags: vec![],
            not_checked: vec![],
            lacks: vec![],
            bare: false,
            allowlists: Allowlists::Roots,
            verification_time: 1,
        };
        check("ProtocolVerdict", &protocol);
        let audit = AuditPart { status: AuditStatus::Pass, findings: vec![], pending: vec![] };
        check("AuditVerdict", &audit);
        let coverage = CoveragePart {
            rules_version: "x",
            operator: some(),
            roots_digest: Some(digest),
            as_of: Some(AsOf { size: TreeSize::new(1), logged_at: None, beyond: 0 }),
            absence: Absence::Recomputed,
            entries: 1,
            not_judged: vec![],
        };
        check("VerdictCoverage", &coverage);
        let asked = Check { name: "x", outcome: Outcome::Fail, code: "x", detail: String::new(), advice: Some("x") };
        check("Check", &asked);
        let verification = Verification {
            report_version: REPORT_VERSION,
            verdict: Outcome::Pass,
            subject: Some(subject),
            document: Some(document),
            protocol: Some(protocol),
            audit,
            coverage: Some(coverage),
            checks: vec![asked],
        };
        check("Verification", verification);
    }
}
