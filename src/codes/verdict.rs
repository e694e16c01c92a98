//! The checks of `verify`: the document, what lies beside it, its token.

use super::Code;

rows! {
    /// Checks of a verification.
    pub(super) REPORT "verification":
    OK "ok": "Passed", "the check passed", "nothing to do";
    NOT_CHECKED "not_checked": "Not checked", "something before it failed or was not shown, so this was not looked at", "look at the first check that did not pass";
    BODY_NOT_SHOWN "body_not_shown": "Body not shown", "the entry is proven, the artifact was not given", "give the artifact too";
    ENTRY_MISSING "entry_missing": "Proof without entry", "the proof carries no entry in its extra line", "ask the log for the proof again";
    JUDGED_BELOW_KNOWN "judged_below_known": "Older than what you know", "the verdict is about fewer entries than the log is known to have: what came later could change it", "ask for a newer packet, or judge beside the whole log with --log";
    SIZE_TOO_SMALL "size_too_small": "Checkpoint too old", "the checkpoint covers fewer entries than were asked for", "ask the log for the proof at a newer checkpoint";
    OTHER_ORIGIN "other_origin": "Another log", "the older checkpoint is of another log than the proof", "give a checkpoint of the same log";
    CONSISTENCY_OTHER_CHECKPOINT "consistency_other_checkpoint": "Leads to another checkpoint", "the consistency file leads to another checkpoint than the proof's", "ask for the file to the size of the proof";
    ANSWER_MALFORMED "answer_malformed": "Answer without its parts", "a log's answer lacks the digest, leaf hash, index or tree size of what was sent", "ask the log's operator; nothing shows that it is logged";
    ANSWER_OTHER_DIGEST "answer_other_digest": "Answer about another artifact", "a log's answer names another artifact than the one that was sent", "keep the answer and ask the log's operator; nothing shows that yours is logged";
    ANSWER_BEYOND_TREE "answer_beyond_tree": "Answer beyond the tree", "a log's answer names an index that its own tree does not have", "keep the answer and ask the log's operator; nothing shows that it is logged";
    ANSWER_OTHER_ENTRY "answer_other_entry": "Proof of another entry", "the proof that a log gives is of another entry than the one that its answer names", "keep answer and proof and ask the log's operator; nothing shows that it is logged";
    CONSISTENCY_FILE_MISSING "consistency_file_missing": "Growth not shown", "nothing shows that the tree of the proof or packet extends the kept one, so only sizes were compared", "keep both checkpoints, and fetch /v1/proofs/consistency?from=OLD&to=NEW as text/plain; where the log gives none that holds, they are evidence of a fork";
    FORK "fork": "Fork", "two signed trees of this log do not extend one another: it showed two histories", "keep both checkpoints, rely on neither, and show them to the log's operator and to others who read it; both signatures together are the proof";
    DIGEST_MISMATCH "digest_mismatch": "Another artifact", "the artifact is not the one that the entry names", "get the artifact of this proof";
    LENGTH_MISMATCH "length_mismatch": "Another length", "the artifact's compact form has another length than the entry says", "get the artifact again; bytes are missing or were added";
    KIND_MISMATCH "kind_mismatch": "Another kind", "the artifact is of another kind than the entry says", "do not rely on this packet: entry and artifact disagree";
    SIGNER_MISMATCH "signer_mismatch": "Another signer", "the artifact is signed by somebody else than the entry says", "do not rely on this packet: entry and artifact disagree";
    RECEIPTS_ROOT_MISMATCH "receipts_root_mismatch": "Other receipts", "the receipts in the bundle are not those that the entry commits to", "do not rely on the receipts inside this bundle";
}

rows! {
    /// The protocol verdict's own settings.
    pub(super) PROTOCOL "protocol verdict":
    CONFIG_ERROR "CONFIG_ERROR": "Configuration refused", "the peer's configuration file breaks a rule", "correct the named field of the configuration";
}

rows! {
    /// What lies beside a document.
    pub(super) EVIDENCE "evidence":
    EVIDENCE_WITHOUT_PROOFS "evidence_without_proofs": "No proofs among the files", "no file of the evidence is a .tlog-proof, so nothing in it is shown to be logged", "give each artifact with its .tlog-proof";
    PACKET_MANIFEST_MISSING "packet_manifest_missing": "No packet.json", "the directory does not say which files belong to it, so a missing one could not be noticed", "get the packet again, with its packet.json; or name single files";
    PACKET_MANIFEST_MALFORMED "packet_manifest_malformed": "packet.json malformed", "packet.json is not a list of names and digests in the known form", "get the packet again";
    PACKET_MANIFEST_EMPTY "packet_manifest_empty": "packet.json lists nothing", "packet.json is well formed and names no file, so nothing belongs to the packet", "get the packet again, whole";
    PACKET_FILE_MISSING "packet_file_missing": "File of the packet missing", "packet.json lists a file that is not there", "get the packet again, whole";
    PACKET_FILE_CHANGED "packet_file_changed": "File of the packet changed", "a file is not the one that the packet was made with", "get the packet again; it must arrive byte for byte";
    COPY_OTHER_ROOT "copy_other_root": "Entries are not the signed log", "the entries that were read lead to another root than the one that the checkpoint signs", "keep entries and checkpoint and ask the operator: one of them is not of this log";
    LOG_SHORTER "log_shorter": "The log that was read is older", "a checkpoint that was kept covers more entries than the proof or the log that was read, so nothing shows that both are of one tree", "ask for a newer proof or read the log again; if it stays so, keep the checkpoint: the log may have been cut";
    MEMORY_BUDGET "memory_budget": "Memory of the run is full", "what was read fills the memory that this run may take, so the rest was not read; nothing is said against it", "give more with --memory-max, or ask about less";
    RATE_TOO_LOW "rate_too_low": "The log sends too slowly", "an answer came slower than a log must send, so not everything was read; nothing is said against it", "try again, or give a lower rate with --least-rate";
    RUN_DEADLINE "run_deadline": "The run's time is over", "the run took longer than it may, so not everything was read; nothing is said against it", "give more time with --deadline";
    COPY_SHORT "copy_short": "Entries missing", "fewer entries were read than the checkpoint covers", "get the log again, whole";
    COPY_OUT_OF_ORDER "COPY_OUT_OF_ORDER": "The copy's times go back", "an entry was logged earlier than one before it says, and a log's times never decrease: windows and limits read off such a copy mean nothing", "keep the copy and its checkpoint, and ask whoever gave it to you; where the log itself serves it, its operator has signed what no sound log holds";
    COPY_BEYOND "copy_beyond": "Size beyond the log", "the log has no tree of the size that was asked for", "ask for a size up to that of the checkpoint";
}

rows! {
    /// A run's token.
    pub(super) TOKEN "scoped token":
    TOKEN_FORM "token_form": "No compact token", "the file does not hold three base64url parts joined by dots", "give the file that holds the compact token alone";
    TOKEN_HEADER "token_header": "Token header refused", "the token's header is not that of an EdDSA token with a kid", "ask the issuer which tokens it writes";
    TOKEN_CLAIMS "token_claims": "Token claims refused", "the token's claims break a rule, or their scope hash is not theirs", "ask the issuer for a token with job and scope hash";
    TOKEN_KEY_UNKNOWN "token_key_unknown": "Key of the token unknown", "the key set holds no key of the token's kid", "get the issuer's key set of the time when the token was issued";
    TOKEN_SIGNATURE_INVALID "token_signature_invalid": "Token signature invalid", "the token's signature does not verify under the issuer's key", "do not rely on this token";
    KEY_SET_INVALID "key_set_invalid": "Key set refused", "the key set is not a JWKS, holds no Ed25519 key, a kid is not that of its key, or it holds a private key", "get the issuer's key set again; if it held a private key, tell the issuer that the key is known";
    TOKEN_KEYS_NOT_GIVEN "token_keys_not_given": "Token signature not checked", "no key set was given, so nobody knows who signed the token", "give the issuer's key set with --jwks";
    TOKEN_OTHER_AGENT "token_other_agent": "Token of another agent", "the token's subject is not the agent of the document", "ask which token this run was given";
    TOKEN_OTHER_JOB "token_other_job": "Token of another job", "the token is bound to another job", "ask which token this run was given; treat the use as a replay";
    TOKEN_OTHER_GRANT "token_other_grant": "Receipt of another grant", "a receipt in the document names another scope hash than the token's", "compare with the issuance of the other grant";
    TOKEN_NOT_ISSUED_HERE "token_not_issued_here": "Issuance not shown", "the evidence holds no issuance of this token", "give the issuance with its proof, or the whole log";
    TOKEN_ISSUERS_DISAGREE "token_issuers_disagree": "Two issuers, two accounts", "two issuers whom the roots name say unlike things of the token's claims, and one of them says what it holds", "ask both issuers which claims the token holds; until then nothing rests on it";
    EVIDENCE_NOT_READ "evidence_not_read": "Evidence not read", "a path among the evidence is no regular file, or lies too deep, or may not be opened", "leave the named path out, or give what it holds as a file";
    TOKEN_NOT_OF_RUN "token_not_of_run": "Not the run's token", "the token is of the right agent and job, and none of those that the run names: neither the one it began with nor a renewal", "ask the issuer for a token whose hash the run's decisions or its bundle name";
    TOKEN_RUN_UNKNOWN "token_run_unknown": "Token of the run not shown", "nothing at hand shows which token the run had", "give the run's decisions with their proofs, or the whole log";
    TOKEN_NOT_COMPARED "token_not_compared": "Token not looked at", "the artifact is of no one run, so the token was compared with nothing", "give the token with the run's bundle";
    JOB_NOT_COMPARED "job_not_compared": "Job not looked at", "the artifact is of no one run, so the expected job was compared with nothing", "give the expected job with the run's bundle";
    TOKEN_OTHER_CLAIMS "token_other_claims": "Other claims than issued", "the token's claims are not those that its issuance lists", "ask the issuer; one of the two is not true";
}
