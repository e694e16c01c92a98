//! The log service: its answers, and why it does not start. These rows stand
//! in the verifier without a server too: whoever got the code may ask there.

use super::Explanation;

rows! {
    ANSWERS "log service":
    token_missing, "Token missing", "writing needs a token: Authorization: Bearer plg_…", "send the token that the operator gave you";
    token_unknown, "Token unknown", "this log knows no such token", "check that the token is of this log and was copied whole";
    token_expired, "Token expired", "the token's time is over", "ask the operator for a new token";
    token_revoked, "Token revoked", "the operator revoked the token", "ask the operator why, and for a new token";
    tokens_unreadable, "Token file unreadable", "the token file cannot be read, so nobody may submit", "operator: look at tokens.json in the data directory";
    tokens_missing, "No token file", "the log has no token file, so nobody may submit", "operator: make a token with pulselog token new, or put tokens.json back";
    host_invalid, "Host missing or refused", "a request names the host that it is for, once, and as a host is spelled", "send one Host header with the name and port of the log";
    invalid_parameter, "Parameter refused", "a part of the address breaks its rule or is not known", "correct the named parameter";
    size_zero, "Empty tree", "there is no proof about the empty tree: every log extends it", "ask from size 1 on";
    sizes_swapped, "Sizes swapped", "from is larger than to", "swap them";
    tile_path_invalid, "Tile path not canonical", "the tile path is not canonical", "ask for the path as C2SP tlog-tiles spells it";
    tile_not_found, "No such tile", "the published tree does not imply this tile", "read the checkpoint first, and ask for the tiles that its size implies";
    entry_not_found, "No such entry", "no such entry at this size", "ask for an index below the size";
    size_not_published, "Size not published", "no checkpoint of this size was published", "ask for a size that a checkpoint has";
    leaf_not_found, "No such leaf", "no published entry has this leaf hash", "check the hash; what was just submitted is there once it is published";
    artifact_not_found, "Artifact not logged", "no published entry is about this artifact", "check the digest; what was just submitted is there once it is published";
    body_withheld, "Body withheld", "the operator withholds this body; its entry and proofs hold", "look for the withholding statement in the log: it gives the reason";
    scope_not_found, "Nobody speaks of it", "nobody whose word counts speaks of this at this size", "check the id and the size; names that only strangers use are found by /v1/lookup";
    bundle_not_found, "Bundle not logged", "no proof bundle of this digest stands below this size", "check the digest, or send the bundle to /v1/verify";
    not_a_document, "No document with verdicts", "the body is no bundle, export, aggregate or commit signature", "send one of these; other artifacts are verified with their proofs";
    policy_not_found, "Policy not logged", "no holder of the role logged a policy with this hash", "check the hash: it is over the JCS form of the payload";
    scope_too_large, "Too much hangs together", "more entries hang together than one answer reads", "audit the log yourself with pulselog verify --log";
    index_behind, "Search not there yet", "the search rows do not reach this size yet; try again", "try again after a second; after a rebuild it takes minutes";
    access_closed, "Access closed", "bodies, names and findings are shown to nobody here", "follow tiles, checkpoints and proofs, which stay public";
    not_found, "Nothing there", "there is nothing at this address", "see /openapi.json for what there is";
    method_not_allowed, "Method not allowed", "this address does not take this method", "see /openapi.json for what it takes";
    body_too_large, "Body too large", "the body has more bytes than the limit", "send less at once";
    content_encoding_refused, "Content encoding refused", "bodies are taken without content encoding only", "send the body uncompressed";
    content_type_refused, "Content type refused", "the body is announced as another media type than this address takes", "send the Content-Type that /openapi.json names, or none";
    not_acceptable, "Nothing acceptable", "Accept-Encoding refuses every form that there is", "let Accept-Encoding allow identity or gzip";
    body_incomplete, "Body cut short", "the body ended before its announced length", "send it again; submitting again is safe";
    body_too_slow, "Body too slow", "the body arrived more slowly than the least rate", "send less at once, or over a faster way; submitting again is safe";
    batch_empty, "Batch empty", "the batch holds no line", "send one artifact a line";
    batch_too_large, "Batch too large", "the request holds more entries than could ever be queued", "send smaller batches";
    queue_full, "Queue full", "too many entries wait; try again", "try again after a second";
    verify_busy, "Too many to judge", "too many documents wait to be judged; try again", "try again after a second, or run pulselog verify yourself: it needs no log";
    answers_full, "Answers wait", "large answers wait for their readers; try again", "try again after a second; take answers as fast as you can";
    clock_unsound, "Clock unsound", "the log's clock is not believed; writes wait for it", "operator: set the clock right; where it is right and the last entry or mark is wrong, start once with --accept-clock TIME";
    log_stopped, "Log stopped", "the log stopped; submit again when it is back", "submit again when it is back; submitting again is safe";
    timeout, "Timed out", "the request took longer than the limit; submitting again is safe", "submit again, or less at once";
    disk_low, "Disk nearly full", "a disk of the log is nearly full; reads go on", "operator: make room on the named disk";
    read_only, "Read only", "the head guard cannot be written; reads go on", "operator: see that the guard's disk can be written, then start again";
    served_read_only, "Served for reading alone", "the log is served for reading alone; writes are refused", "submit where the log runs; operator: start it without --read-only when the store is whole";
    not_ready, "Not ready", "the newest checkpoint does not verify, or the sequencer ended", "operator: read the service's last lines, then run pulselog fsck";
    degraded, "Store damaged in part", "a part of the store is damaged: writes stop, reads that do not need it go on", "operator: the log line names the file; run pulselog fsck, and put a whole copy of the newest data in its place";
    store_damaged, "Store damaged", "the store is damaged or contradicts the checkpoint; nothing is served from it", "operator: run pulselog fsck and restore; until then pulselog serve --read-only shows what is whole";
    store_failed, "Store did not answer", "the store did not answer", "try again; operator: look at the disk";
    internal, "Service failed", "the service failed; it was recorded", "report the time to the operator";
}

rows! {
    PAGES "pages":
    page_not_found, "No such page", "this server has no page at this address", "start from the first page";
    pulse_not_found, "Trust Pulse not logged", "no Trust Pulse of this digest stands in the log", "check the digest; what was just submitted is there once it is published";
    code_unknown, "No such code", "no part of this program prints this code", "choose one of the codes that are spelled alike";
    address_not_understood, "Address not text", "the address is no UTF-8 when decoded", "copy the address again, whole";
    query_not_understood, "Choice given twice", "a choice or filter stands in the address more than once, or is no text", "give each once";
    number_not_understood, "No decimal number", "a number in the address is not decimal", "give digits without sign or leading zeros";
    proof_not_drawn, "Proof not drawn", "what is stored does not give the proof that this page is about", "operator: run pulselog fsck; readers: get the proof files, which are made apart";
    page_render, "Page not drawn", "the page could not be drawn; it was recorded", "report the time to the operator";
}

rows! {
    START "log service, start and tools":
    runtime, "Runtime failed", "the service's threads could not be started", "look at the limits for threads and memory";
    listen, "Address not available", "the service cannot listen at this address", "choose another address, or stop what listens there";
    end_stuck, "Service did not end", "a part of the service did not end in time, and the process ended without it", "look at the disk; the next start recovers";
    config_missing, "Setting missing", "a required setting was not given", "give it as flag, environment variable or in pulselog.toml";
    config_invalid, "Setting refused", "a setting breaks its rule", "correct the named setting";
    config_file, "Configuration file unreadable", "the configuration file cannot be read or holds something unknown", "correct the named file";
    key_unreadable, "Key unreadable", "the log's key file cannot be read", "give the file that keygen wrote";
    key_mode, "Key open to others", "others may read the log's key file", "run chmod 600 on it; if somebody may have read it, make a new key";
    listen_not_public, "Address not private", "the address can be reached from other machines", "add --public if a TLS proxy stands before it";
    no_log, "No log there", "the directory holds no log", "give the directory that serve was given";
    remote_log, "Log not reachable", "the log's address did not answer as a log does", "check the address";
    guard_busy, "Guard in use", "another process holds the head guard", "stop the other process; one log, one process";
    guard_lost, "Guard moved by another", "the head guard names a head that this data does not have: another copy runs", "stop all copies and keep the one that the guard belongs to";
    clock_mark, "Clock mark not written", "the time that --accept-clock names cannot be written beside the head guard", "see that the guard's directory can be written";
    guard_whole, "Guard is whole", "the head guard belongs to this store as it is", "start the log; there is nothing to rebuild";
    seen_needed, "Checkpoint needed", "a head guard is rebuilt only under a checkpoint that was kept elsewhere", "give the newest checkpoint that anybody kept with --seen";
    guard_linked, "Guard under other names", "the head guard's path is a symbolic link, or the file has hard links", "give the path of the file itself, and remove its other names";
    guard_moved, "Guard not in its place", "the head guard was renamed over, unlinked or linked while the log ran", "stop whatever else uses this path, put the newest guard back and start again";
    guard_changed, "Guard damaged", "the head guard was damaged, or an older copy put over it, while the log ran", "start again; if that refuses, put the newest guard back";
    guard_io, "Guard not readable or writable", "the head guard cannot be read or written", "look at the guard's disk";
    data_dir, "Data directory refused", "the data directory cannot be made", "choose a directory that this user may write";
    key_name, "Key of another origin", "the key's name is not the origin of this log", "give the key that was made for this origin";
    store_fork, "Store is a fork", "this copy of the data lost against another copy, and never starts again", "use the copy that the guard belongs to";
    store_missing, "Store missing", "the guard speaks of a log that this data directory does not hold", "point --data at the log's data, or give a new log another guard";
    guard_missing, "Guard missing", "the head guard is missing beside a log", "put the guard back, or restore it from its disk; if it is lost for good, pulselog rebuild-guard --seen NEWEST";
    guard_inside, "Guard inside the data", "the head guard lies in the data directory, where one backup takes both", "put it beside the data directory, best on another disk";
    guard_directory, "No directory for the guard", "the directory of the head guard does not exist", "make it, or mount the disk that holds the guard";
    guard_unreadable, "Guard unreadable", "neither block of the head guard is readable", "restore the guard from its disk, or pulselog rebuild-guard --seen NEWEST";
    guard_origin, "Guard of another log", "the head guard belongs to another origin", "give each log its own guard";
    guard_newer, "Data is an old copy", "the head guard has seen more than this data holds", "use the newest copy of the data";
    guard_older, "Guard is an old copy", "the data has moved on further than this head guard", "put the newest guard back, or pulselog rebuild-guard --seen NEWEST";
    guard_other_root, "Two histories", "guard and data name different roots at one size", "find the data that the guard belongs to";
    pinned, "Not what was pinned", "origin, operator or key differ from those given when the log was made", "start with what was pinned";
    store_schema, "Store of another version", "the store was written by another version of the program", "use that version, or follow its notes on upgrading";
    seen_note, "Kept checkpoint unreadable", "the checkpoint given with --seen does not verify under the log's key", "give a checkpoint of this log, as it was kept";
    seen_newer, "Kept checkpoint is ahead", "the checkpoint given with --seen covers more than this store holds", "this is an old copy: use the newest one";
    seen_other_root, "Kept checkpoint contradicts", "the store does not extend the checkpoint given with --seen", "this store is of another history: use the right copy";
    key_silent, "Key does not answer", "the log's key did not sign at the start", "see that the key or signing service is reachable";
    store_holes, "Store has holes", "rows are missing below the newest head: a part of the data was lost, or an older copy was put over a newer one", "put a whole copy of the newest data in its place and start with --seen; nothing was changed, so keep this one for pulselog fsck";
    disk_full, "No room on the disk", "the disk has no room for what the log writes; nothing is damaged", "make room, then start again; until then pulselog serve --read-only shows the log";
    store_open, "Store does not open", "the database does not open", "read the reason; if it is damage, run pulselog fsck";
    nothing_to_show, "Nothing to show", "no checkpoint in the store can be read that the log's key signed", "give the log's own key; run pulselog fsck, and put a whole copy of the newest data in its place";
    store_busy, "Store in use", "another process holds the store", "stop the other process; one log, one process, and none while it is served with --read-only";
    store_read, "Store read failed", "the database could not be read", "look at the disk";
    store_write, "Store write failed", "the database could not be written", "look at the disk; the next start finds out what was written";
    store_family, "Store incomplete", "the database lacks a column family", "check that this is a log's store, and of this version";
    token_name_taken, "Name taken", "a token of this name was given before, and names are never reused", "choose another name";
    token_no_such_name, "No such token", "no token has this name", "see pulselog token list";
    token_options, "Token options refused", "the options of a token contradict each other or break a rule", "correct the named option";
    token_randomness, "No random bytes", "the system gives no random bytes", "look at the system; no token was made";
}

rows! {
    SEQUENCE "sequencing":
    tree_edge, "Right edge damaged", "a partial tile has not the width that the size implies", "run pulselog fsck";
    entry_too_long, "Entry too long", "an entry is longer than an entry bundle can hold", "report it: no admitted artifact makes such an entry";
    memory_unsound, "Memory not sound", "hashing an entry twice gave two results", "test this machine's memory before the log is started again; nothing was signed";
}
