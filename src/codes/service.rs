//! What the log service answers. These rows stand in the verifier without a server
//! too: whoever got the code may ask there.

use super::Code;

rows! {
    /// Answers of the API, beside those of admission.
    pub ANSWERS "log service":
    TOKEN_MISSING "token_missing" 401: "Token missing", "writing needs a token: Authorization: Bearer plg_…", "send the token that the operator gave you";
    TOKEN_UNKNOWN "token_unknown" 401: "Token unknown", "this log knows no such token", "check that the token is of this log and was copied whole";
    TOKEN_EXPIRED "token_expired" 401: "Token expired", "the token's time is over", "ask the operator for a new token";
    TOKEN_REVOKED "token_revoked" 401: "Token revoked", "the operator revoked the token", "ask the operator why, and for a new token";
    TOKEN_NOT_REPLACED "token_not_replaced" 401: "Token not replaced", "the header holds the name of a secret, or the place of a token, where the token should stand", "put the token into argocd-notifications-secret under the name that the header says; Argo CD leaves a name that it does not find";
    TOKENS_UNREADABLE "tokens_unreadable" 503: "Token file unreadable", "the token file cannot be read, so nobody may submit", "operator: look at tokens.json in the data directory";
    TOKENS_MISSING "tokens_missing" 503: "No token file", "the log has no token file, so nobody may submit", "operator: make a token with pulselog token new, or put tokens.json back";
    HOST_INVALID "host_invalid" 400: "Host missing or refused", "a request names the host that it is for, once, and as a host is spelled", "send one Host header with the name and port of the log";
    INVALID_PARAMETER "invalid_parameter" 400: "Parameter refused", "a part of the address breaks its rule or is not known", "correct the named parameter";
    SIZE_ZERO "size_zero" 400: "Empty tree", "there is no proof about the empty tree: every log extends it", "ask from size 1 on";
    SIZES_SWAPPED "sizes_swapped" 400: "Sizes swapped", "from is larger than to", "swap them";
    TILE_PATH_INVALID "tile_path_invalid" 400: "Tile path not canonical", "the tile path is not canonical", "ask for the path as C2SP tlog-tiles spells it";
    TILE_NOT_FOUND "tile_not_found" 404: "No such tile", "the published tree does not imply this tile", "read the checkpoint first, and ask for the tiles that its size implies";
    ENTRY_NOT_FOUND "entry_not_found" 404: "No such entry", "no such entry at this size", "ask for an index below the size";
    SIZE_NOT_PUBLISHED "size_not_published" 404: "Size not published", "no checkpoint of this size was published", "ask for a size that a checkpoint has";
    LEAF_NOT_FOUND "leaf_not_found" 404: "No such leaf", "no published entry has this leaf hash", "check the hash; what was just submitted is there once it is published";
    ARTIFACT_NOT_FOUND "artifact_not_found" 404: "Artifact not logged", "no published entry is about this artifact", "check the digest; what was just submitted is there once it is published";
    BODY_WITHHELD "body_withheld" 451: "Body withheld", "the operator withholds this body; its entry and proofs hold", "look for the withholding statement in the log: it gives the reason";
    WITHHOLDING_REFUSED "withholding_refused" 422: "Withholds nothing", "the operator's withholding names no logged artifact, or one that is never withheld, or gives no reason", "name the digest of a logged artifact of a kind that may be withheld, and say why";
    WITHHELD_ALREADY "withheld_already" 409: "Withheld already", "an earlier entry withholds this artifact, or the statement of which this is another envelope", "nothing needs to be done: the named entry withholds it";
    SCOPE_NOT_FOUND "scope_not_found" 404: "Nobody speaks of it", "nobody whose word counts speaks of this at this size", "check the id and the size; names that only strangers use are found by /v1/lookup";
    POLICY_NOT_FOUND "policy_not_found" 404: "Policy not logged", "no holder of the role logged a policy with this hash", "check the hash: it is over the JCS form of the payload";
    BUNDLE_NOT_FOUND "bundle_not_found" 404: "Bundle not logged", "no proof bundle of this digest stands below this size", "check the digest, or send the bundle to /v1/verify";
    NOT_A_DOCUMENT "not_a_document" 422: "No document with verdicts", "the body is no bundle, export, aggregate or commit signature", "send one of these; other artifacts are verified with their proofs";
    SCOPE_TOO_LARGE "scope_too_large" 422: "Too much hangs together", "more entries hang together than one answer reads", "audit the log yourself with pulselog verify --log";
    INDEX_BEHIND "index_behind" 503: "Search not there yet", "the search rows do not reach this size yet; try again", "try again after a second; after a rebuild it takes minutes";
    ACCESS_CLOSED "access_closed" 403: "Access closed", "bodies, names and findings are shown to this log's readers alone", "come through the log's proxy, or, where readers have tokens, sign in at /login; programs send Authorization: Bearer plr_…, our commands that of PULSELOG_READER_TOKEN_FILE; tiles, checkpoints and proofs stay public";
    NOT_FOUND "not_found" 404: "Nothing there", "there is nothing at this address", "see /openapi.json for what there is";
    METHOD_NOT_ALLOWED "method_not_allowed" 405: "Method not allowed", "this address does not take this method", "see /openapi.json for what it takes";
    BODY_TOO_LARGE "body_too_large" 413: "Body too large", "the body has more bytes than the limit", "send less at once";
    CONTENT_ENCODING_REFUSED "content_encoding_refused" 415: "Content encoding refused", "bodies are taken without content encoding only", "send the body uncompressed";
    CONTENT_TYPE_REFUSED "content_type_refused" 415: "Content type refused", "the body is announced as another media type than this address takes", "send the Content-Type that /openapi.json names, or none";
    NOT_ACCEPTABLE "not_acceptable" 406: "Nothing acceptable", "Accept-Encoding refuses every form that there is", "let Accept-Encoding allow identity or gzip";
    BODY_INCOMPLETE "body_incomplete" 400: "Body cut short", "the body ended before its announced length", "send it again; submitting again is safe";
    BODY_TOO_SLOW "body_too_slow" 408: "Body too slow", "the body arrived more slowly than the least rate", "send less at once, or over a faster way; submitting again is safe";
    NOTIFICATION_REFUSED "notification_refused" 422: "Not what Argo CD sends", "the body is not of the notification configuration that this log prints", "compare the template with pulselog argocd notifications-config; the named member is at fault";
    NOT_TAKEN_NOW "not_taken_now" 503: "Not taken now", "the log cannot take notifications at this time", "operator: explain the code that the detail begins with; Argo CD sends again by itself";
    BATCH_EMPTY "batch_empty" 400: "Batch empty", "the batch holds no line", "send one artifact a line";
    BATCH_TOO_LARGE "batch_too_large" 413: "Batch too large", "the request holds more entries than could ever be queued", "send smaller batches";
    QUEUE_FULL "queue_full" 503: "Queue full", "too many entries wait; try again", "try again after a second";
    VERIFY_BUSY "verify_busy" 429: "Too many to judge", "too many documents wait to be judged; try again", "try again after a second, or run pulselog verify yourself: it needs no log";
    ANSWERS_FULL "answers_full" 503: "Answers wait", "answers wait for their readers; try again", "try again after a second; take answers as fast as you can";
    CLOCK_UNSOUND "clock_unsound" 503: "Clock unsound", "the log's clock is not believed; writes wait for it", "operator: set the clock right; where it is right and the last entry or mark is wrong, start once with --accept-clock TIME";
    LOG_STOPPED "log_stopped" 503: "Log stopped", "the log stopped; submit again when it is back", "submit again when it is back; submitting again is safe";
    TIMEOUT "timeout" 503: "Timed out", "the request took longer than the limit; submitting again is safe", "submit again, or less at once";
    DISK_LOW "disk_low" 507: "Disk nearly full", "a disk of the log is nearly full; reads go on", "operator: make room on the named disk";
    READ_ONLY "read_only" 507: "Read only", "the head guard cannot be written; reads go on", "operator: see that the guard's disk can be written, then start again";
    SERVED_READ_ONLY "served_read_only" 503: "Served for reading alone", "the log is served for reading alone; writes are refused", "submit where the log runs; operator: start it without --read-only when the store is whole";
    DEGRADED "degraded" 507: "Store damaged in part", "a part of the store is damaged: writes stop, reads that do not need it go on", "operator: the log line names the file; run pulselog fsck, and put a whole copy of the newest data in its place";
    NOT_READY "not_ready" 503: "Not ready", "the newest checkpoint does not verify, or the sequencer ended", "operator: read the service's last lines, then run pulselog fsck";
    STORE_DAMAGED "store_damaged" 500: "Store damaged", "the store is damaged or contradicts the checkpoint; nothing is served from it", "operator: run pulselog fsck and restore; until then pulselog serve --read-only shows what is whole";
    STORE_FAILED "store_failed" 500: "Store did not answer", "the store did not answer", "try again; operator: look at the disk";
    INTERNAL "internal" 500: "Service failed", "the service failed; it was recorded", "report the time to the operator";
}

rows! {
    /// What only a page can meet.
    pub(super) PAGES "pages":
    PAGE_NOT_FOUND "page_not_found" 404: "No such page", "this server has no page at this address", "start from the first page";
    PULSE_NOT_FOUND "pulse_not_found" 404: "Trust Pulse not logged", "no Trust Pulse of this digest stands in the log", "check the digest; what was just submitted is there once it is published";
    ORIGIN_REFUSED "origin_refused" 403: "Form of another page", "a form to sign in or out was not sent from a page of this log", "sign in from /login; operator: public_url must be the address that readers use";
    LOGIN_REFUSED "login_refused" 403: "Not a reader", "the token is not one of this log's readers, or has ended", "check that it was copied whole; ask the operator for a new one";
    LOGIN_TOO_OFTEN "login_too_often" 429: "Too many tries", "this address tried five times within a minute", "wait a minute";
    CODE_UNKNOWN "code_unknown" 404: "No such code", "no part of this program prints this code", "choose one of the codes that are spelled alike";
    ADDRESS_NOT_UNDERSTOOD "address_not_understood" 404: "Address not text", "the address is no UTF-8 when decoded", "copy the address again, whole";
    QUERY_NOT_UNDERSTOOD "query_not_understood" 400: "Choice given twice", "a choice or filter stands in the address more than once, or is no text", "give each once";
    NUMBER_NOT_UNDERSTOOD "number_not_understood" 400: "No decimal number", "a number in the address is not decimal", "give digits without sign or leading zeros";
    PROOF_NOT_DRAWN "proof_not_drawn" 500: "Proof not drawn", "what is stored does not give the proof that this page is about", "operator: run pulselog fsck; readers: get the proof files, which are made apart";
    PAGE_RENDER "page_render" 500: "Page not drawn", "the page could not be drawn; it was recorded", "report the time to the operator";
}

/// What passes by itself: the same request may be answered after a wait. Every
/// other refusal stays until somebody does something about it.
static PASSING: &[&Code] =
    &[&QUEUE_FULL, &VERIFY_BUSY, &ANSWERS_FULL, &INDEX_BEHIND, &TIMEOUT, &LOG_STOPPED, &CLOCK_UNSOUND];

/// Whether a refusal of this name passes by waiting: what `Retry-After` stands
/// on, and what a client sends again.
#[must_use]
pub fn passes(name: &str) -> bool {
    PASSING.iter().any(|code| code.name == name)
}
