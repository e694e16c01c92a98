//! Trust policies, proof files, disclosures and the checks of `verify`.

use super::Explanation;

rows! {
    TRUST "trust policy":
    log_unknown, "Log not trusted", "the trust policy lists no key that signed this checkpoint for its log: policy and checkpoint are of different logs, which says nothing against either, or the log's name stands in the policy with another key, which fails", "give the trust.policy of the log that the checkpoint names, from its operator; do not add a key that came with the packet";
    quorum_unmet, "Too few witnesses", "fewer witnesses cosigned the checkpoint than the trust policy asks for", "ask the log for a checkpoint with more cosignatures";
    policy_too_large, "Trust policy too large", "the trust policy has more bytes than the limit", "check that the right file was given";
    policy_not_utf8, "Trust policy not UTF-8", "the trust policy is not UTF-8", "get the trust policy again from the operator";
    policy_control_character, "Control character", "the trust policy holds a control character", "get the trust policy again; line ends must be newlines alone";
    policy_unknown_keyword, "Keyword unknown", "a line of the trust policy starts with no known keyword", "correct the line: log, witness, group or quorum";
    policy_line_form, "Line malformed", "a line of the trust policy has another form than its keyword asks for", "correct the named line";
    policy_duplicate_key, "Key listed twice", "the trust policy lists one key twice", "list each key once";
    policy_duplicate_name, "Name defined twice", "the trust policy defines one name twice", "give each witness and group its own name";
    policy_reserved_name, "Name reserved", "the trust policy defines the name none, which has a meaning of its own", "choose another name";
    policy_undefined_name, "Name not defined", "the trust policy uses a name that no line above defines", "define it above, or correct its spelling";
    policy_member_twice, "Member twice", "a witness or group is a member more than once", "list each member once";
    policy_threshold, "Threshold impossible", "a group's threshold is not any, all, or 1 to the number of its members", "correct the threshold";
    policy_too_many, "Too many lines", "the trust policy holds more keys, groups or members than are read", "shorten it";
    policy_no_log, "No log line", "the trust policy lists no log, so no checkpoint could ever be believed under it", "add the line that begins with log, as the operator publishes it";
    policy_second_quorum, "Second quorum line", "the trust policy holds more than one quorum line", "keep one";
    policy_no_quorum, "No quorum line", "the trust policy holds no quorum line", "add one; quorum none asks for no witnesses";
}

rows! {
    RECEIPT "proof file":
    receipt_too_large, "File too large", "a proof or disclosure file has more bytes than the limit", "check that the right file was given";
    receipt_not_utf8, "File not UTF-8", "a proof file is not UTF-8", "get the file again; it must arrive byte for byte";
    receipt_lines, "Line out of place", "a proof file lacks a line, or one stands where another must", "get the file again; it must arrive byte for byte";
    receipt_extra, "Extra line malformed", "the extra line is no canonical base64 of an entry", "get the file again; it must arrive byte for byte";
    receipt_index, "Index malformed", "the index line holds no plain decimal number", "get the file again; it must arrive byte for byte";
    receipt_old_size, "Old size malformed", "the old line holds no plain decimal number", "get the file again; it must arrive byte for byte";
    receipt_hash, "Hash malformed", "a line of the path is no hash in canonical base64 or hex", "get the file again; it must arrive byte for byte";
    receipt_path_too_long, "Path too long", "the path holds more than 63 hashes", "do not rely on it; ask for the proof again";
    receipt_other_old_size, "Another older size", "the consistency file starts at another size than the older checkpoint", "ask for the file from the size of the checkpoint that you kept";
    receipt_other_origin, "Another log", "the consistency file is about another log than the older checkpoint", "give a file and a checkpoint of one log";
}

rows! {
    DISCLOSURE "disclosure file":
    disclosure_no_entry, "Proof without entry", "the proof does not carry the bundle's entry in its extra line", "ask the log for the proof of this bundle again";
    disclosure_no_receipts_root, "Not a bundle with receipts", "the proven entry is not about a proof bundle with receipts", "give the proof of the bundle that holds the receipts";
    disclosure_other_bundle, "Proof of another bundle", "the entry in the proof is about another bundle than the one given", "give bundle and proof of the same entry";
    disclosure_nothing_chosen, "Nothing chosen", "no receipt was named", "name one by its id, its place or its digest";
    disclosure_unknown_receipt, "No such receipt", "the bundle holds no receipt of this id, place or digest", "look at the bundle with pulselog show";
    disclosure_ambiguous_receipt, "Several such receipts", "the bundle holds several receipts of this id", "name the place, as tool_receipts[0]";
    disclosure_order, "Receipts out of order", "shown receipts do not stand in the bundle's order, or one stands twice", "have the file made again; do not rely on this one";
    disclosure_count, "Wrong number of receipts", "the file says another number of receipts than the entry commits to", "do not rely on it: somebody wants the bundle to look smaller or larger";
    disclosure_other_array, "Receipt of another array", "the logged bundle holds this receipt in another array than the file says", "do not rely on the file; ask for one that is made from the logged bundle";
    disclosure_other_index, "Receipt of another place", "the logged bundle holds this receipt at another place of its array than the file says", "do not rely on the file; ask for one that is made from the logged bundle";
    disclosure_swapped, "Receipts swapped", "two receipts of the file stand in each other's places", "do not rely on the file; ask for one that is made from the logged bundle";
    disclosure_not_in_bundle, "Receipt not in the bundle", "the path does not lead from this receipt to the receipts root of the entry", "do not rely on this receipt: nothing shows that the logged bundle holds it";
    receipt_not_judged, "Receipt not judged", "receipts of this array are shown, but their signatures are not checked here", "have them checked by a verifier of their format";
    receipt_without_envelope, "Receipt without signature", "the receipt has no signature of its own, and the bundle that vouches for it is not shown", "ask for the whole bundle if it matters who said this";
}

rows! {
    REPORT "verification":
    ok, "Passed", "the check passed", "nothing to do";
    not_checked, "Not checked", "something before it failed or was not shown, so this was not looked at", "look at the first check that did not pass";
    body_not_shown, "Body not shown", "the entry is proven, the artifact was not given", "give the artifact too";
    entry_missing, "Proof without entry", "the proof carries no entry in its extra line", "ask the log for the proof again";
    judged_below_known, "Older than what you know", "the verdict is about fewer entries than the log is known to have: what came later could change it", "ask for a newer packet, or judge beside the whole log with --log";
    size_too_small, "Checkpoint too old", "the checkpoint covers fewer entries than were asked for", "ask the log for the proof at a newer checkpoint";
    other_origin, "Another log", "the older checkpoint is of another log than the proof", "give a checkpoint of the same log";
    consistency_other_checkpoint, "Leads to another checkpoint", "the consistency file leads to another checkpoint than the proof's", "ask for the file to the size of the proof";
    answer_malformed, "Answer without its parts", "a log's answer lacks the digest, leaf hash, index or tree size of what was sent", "ask the log's operator; nothing shows that it is logged";
    answer_other_digest, "Answer about another artifact", "a log's answer names another artifact than the one that was sent", "keep the answer and ask the log's operator; nothing shows that yours is logged";
    answer_beyond_tree, "Answer beyond the tree", "a log's answer names an index that its own tree does not have", "keep the answer and ask the log's operator; nothing shows that it is logged";
    answer_other_entry, "Proof of another entry", "the proof that a log gives is of another entry than the one that its answer names", "keep answer and proof and ask the log's operator; nothing shows that it is logged";
    consistency_file_missing, "Growth not shown", "nothing shows that the tree of the proof or packet extends the kept one, so only sizes were compared", "keep both checkpoints, and fetch /v1/proofs/consistency?from=OLD&to=NEW as text/plain; where the log gives none that holds, they are evidence of a fork";
    fork, "Fork", "two signed trees of this log do not extend one another: it showed two histories", "keep both checkpoints, rely on neither, and show them to the log's operator and to others who read it; both signatures together are the proof";
    digest_mismatch, "Another artifact", "the artifact is not the one that the entry names", "get the artifact of this proof";
    length_mismatch, "Another length", "the artifact's compact form has another length than the entry says", "get the artifact again; bytes are missing or were added";
    kind_mismatch, "Another kind", "the artifact is of another kind than the entry says", "do not rely on this packet: entry and artifact disagree";
    signer_mismatch, "Another signer", "the artifact is signed by somebody else than the entry says", "do not rely on this packet: entry and artifact disagree";
    receipts_root_mismatch, "Other receipts", "the receipts in the bundle are not those that the entry commits to", "do not rely on the receipts inside this bundle";
}

rows! {
    PROTOCOL "protocol verdict":
    CONFIG_ERROR, "Configuration refused", "the peer's configuration file breaks a rule", "correct the named field of the configuration";
}

rows! {
    EVIDENCE "evidence":
    evidence_without_proofs, "No proofs among the files", "no file of the evidence is a .tlog-proof, so nothing in it is shown to be logged", "give each artifact with its .tlog-proof";
    packet_manifest_missing, "No packet.json", "the directory does not say which files belong to it, so a missing one could not be noticed", "get the packet again, with its packet.json; or name single files";
    packet_manifest_malformed, "packet.json malformed", "packet.json is not a list of names and digests in the known form", "get the packet again";
    packet_manifest_empty, "packet.json lists nothing", "packet.json is well formed and names no file, so nothing belongs to the packet", "get the packet again, whole";
    packet_file_missing, "File of the packet missing", "packet.json lists a file that is not there", "get the packet again, whole";
    packet_file_changed, "File of the packet changed", "a file is not the one that the packet was made with", "get the packet again; it must arrive byte for byte";
    copy_other_root, "Entries are not the signed log", "the entries that were read lead to another root than the one that the checkpoint signs", "keep entries and checkpoint and ask the operator: one of them is not of this log";
    log_shorter, "The log that was read is older", "a checkpoint that was kept covers more entries than the proof or the log that was read, so nothing shows that both are of one tree", "ask for a newer proof or read the log again; if it stays so, keep the checkpoint: the log may have been cut";
    memory_budget, "Memory of the run is full", "what was read fills the memory that this run may take, so the rest was not read; nothing is said against it", "give more with --memory-max, or ask about less";
    rate_too_low, "The log sends too slowly", "an answer came slower than a log must send, so not everything was read; nothing is said against it", "try again, or give a lower rate with --least-rate";
    run_deadline, "The run's time is over", "the run took longer than it may, so not everything was read; nothing is said against it", "give more time with --deadline";
    copy_short, "Entries missing", "fewer entries were read than the checkpoint covers", "get the log again, whole";
    COPY_OUT_OF_ORDER, "The copy's times go back", "an entry was logged earlier than one before it says, and a log's times never decrease: windows and limits read off such a copy mean nothing", "keep the copy and its checkpoint, and ask whoever gave it to you; where the log itself serves it, its operator has signed what no sound log holds";
    copy_beyond, "Size beyond the log", "the log has no tree of the size that was asked for", "ask for a size up to that of the checkpoint";
}

rows! {
    TOKEN "scoped token":
    token_form, "No compact token", "the file does not hold three base64url parts joined by dots", "give the file that holds the compact token alone";
    token_header, "Token header refused", "the token's header is not that of an EdDSA token with a kid", "ask the issuer which tokens it writes";
    token_claims, "Token claims refused", "the token's claims break a rule, or their scope hash is not theirs", "ask the issuer for a token with job and scope hash";
    token_key_unknown, "Key of the token unknown", "the key set holds no key of the token's kid", "get the issuer's key set of the time when the token was issued";
    token_signature_invalid, "Token signature invalid", "the token's signature does not verify under the issuer's key", "do not rely on this token";
    key_set_invalid, "Key set refused", "the key set is not a JWKS, holds no Ed25519 key, a kid is not that of its key, or it holds a private key", "get the issuer's key set again; if it held a private key, tell the issuer that the key is known";
    token_keys_not_given, "Token signature not checked", "no key set was given, so nobody knows who signed the token", "give the issuer's key set with --jwks";
    token_other_agent, "Token of another agent", "the token's subject is not the agent of the document", "ask which token this run was given";
    token_other_job, "Token of another job", "the token is bound to another job", "ask which token this run was given; treat the use as a replay";
    token_other_grant, "Receipt of another grant", "a receipt in the document names another scope hash than the token's", "compare with the issuance of the other grant";
    token_not_issued_here, "Issuance not shown", "the evidence holds no issuance of this token", "give the issuance with its proof, or the whole log";
    token_issuers_disagree, "Two issuers, two accounts", "two issuers whom the roots name say unlike things of the token's claims, and one of them says what it holds", "ask both issuers which claims the token holds; until then nothing rests on it";
    evidence_not_read, "Evidence not read", "a path among the evidence is no regular file, or lies too deep, or may not be opened", "leave the named path out, or give what it holds as a file";
    token_not_of_run, "Not the run's token", "the token is of the right agent and job, and none of those that the run names: neither the one it began with nor a renewal", "ask the issuer for a token whose hash the run's decisions or its bundle name";
    token_run_unknown, "Token of the run not shown", "nothing at hand shows which token the run had", "give the run's decisions with their proofs, or the whole log";
    token_not_compared, "Token not looked at", "the artifact is of no one run, so the token was compared with nothing", "give the token with the run's bundle";
    job_not_compared, "Job not looked at", "the artifact is of no one run, so the expected job was compared with nothing", "give the expected job with the run's bundle";
    token_other_claims, "Other claims than issued", "the token's claims are not those that its issuance lists", "ask the issuer; one of the two is not true";
}
