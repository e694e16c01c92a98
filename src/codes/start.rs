//! Why the log service does not start, or stopped, and what its tools say.

use super::Code;

rows! {
    /// Starts, ends and tools.
    pub(super) START "log service, start and tools":
    RUNTIME "runtime": "Runtime failed", "the service's threads could not be started", "look at the limits for threads and memory";
    LISTEN "listen": "Address not available", "the service cannot listen at this address", "choose another address, or stop what listens there";
    END_STUCK "end_stuck": "Service did not end", "a part of the service did not end in time, and the process ended without it", "look at the disk; the next start recovers";
    CONFIG_MISSING "config_missing": "Setting missing", "a required setting was not given", "give it as flag, environment variable or in pulselog.toml";
    CONFIG_INVALID "config_invalid": "Setting refused", "a setting breaks its rule", "correct the named setting";
    CONFIG_FILE "config_file": "Configuration file unreadable", "the configuration file cannot be read or holds something unknown", "correct the named file";
    KEY_UNREADABLE "key_unreadable": "Key unreadable", "the log's key file cannot be read", "give the file that keygen wrote";
    KEY_MODE "key_mode": "Key open to others", "others may read the log's key file", "run chmod 600 on it; if somebody may have read it, make a new key";
    LISTEN_NOT_PUBLIC "listen_not_public": "Address not private", "the address can be reached from other machines", "add --public if a TLS proxy stands before it";
    NO_LOG "no_log": "No log there", "the directory holds no log", "give the directory that serve was given";
    REMOTE_LOG "remote_log": "Log not reachable", "the log's address did not answer as a log does", "check the address";
    GUARD_BUSY "guard_busy": "Guard in use", "another process holds the head guard", "stop the other process; one log, one process";
    GUARD_LOST "guard_lost": "Guard moved by another", "the head guard names a head that this data does not have: another copy runs", "stop all copies and keep the one that the guard belongs to";
    CLOCK_MARK "clock_mark": "Clock mark not written", "the time that --accept-clock names cannot be written beside the head guard", "see that the guard's directory can be written";
    GUARD_WHOLE "guard_whole": "Guard is whole", "the head guard belongs to this store as it is", "start the log; there is nothing to rebuild";
    SEEN_NEEDED "seen_needed": "Checkpoint needed", "a head guard is rebuilt only under a checkpoint that was kept elsewhere", "give the newest checkpoint that anybody kept with --seen";
    GUARD_LINKED "guard_linked": "Guard under other names", "the head guard's path is a symbolic link, or the file has hard links", "give the path of the file itself, and remove its other names";
    GUARD_MOVED "guard_moved": "Guard not in its place", "the head guard was renamed over, unlinked or linked while the log ran", "stop whatever else uses this path, put the newest guard back and start again";
    GUARD_CHANGED "guard_changed": "Guard damaged", "the head guard was damaged, or an older copy put over it, while the log ran", "start again; if that refuses, put the newest guard back";
    GUARD_IO "guard_io": "Guard not readable or writable", "the head guard cannot be read or written", "look at the guard's disk";
    DATA_DIR "data_dir": "Data directory refused", "the data directory cannot be made", "choose a directory that this user may write";
    KEY_NAME "key_name": "Key of another origin", "the key's name is not the origin of this log", "give the key that was made for this origin";
    STORE_FORK "store_fork": "Store is a fork", "this copy of the data lost against another copy, and never starts again", "use the copy that the guard belongs to";
    STORE_MISSING "store_missing": "Store missing", "the guard speaks of a log that this data directory does not hold", "point --data at the log's data, or give a new log another guard";
    GUARD_MISSING "guard_missing": "Guard missing", "the head guard is missing beside a log", "put the guard back, or restore it from its disk; if it is lost for good, pulselog rebuild-guard --seen NEWEST";
    GUARD_INSIDE "guard_inside": "Guard inside the data", "the head guard lies in the data directory, where one backup takes both", "put it beside the data directory, best on another disk";
    GUARD_DIRECTORY "guard_directory": "No directory for the guard", "the directory of the head guard does not exist", "make it, or mount the disk that holds the guard";
    GUARD_UNREADABLE "guard_unreadable": "Guard unreadable", "neither block of the head guard is readable", "restore the guard from its disk, or pulselog rebuild-guard --seen NEWEST";
    GUARD_ORIGIN "guard_origin": "Guard of another log", "the head guard belongs to another origin", "give each log its own guard";
    GUARD_NEWER "guard_newer": "Data is an old copy", "the head guard has seen more than this data holds", "use the newest copy of the data";
    GUARD_OLDER "guard_older": "Guard is an old copy", "the data has moved on further than this head guard", "put the newest guard back, or pulselog rebuild-guard --seen NEWEST";
    GUARD_OTHER_ROOT "guard_other_root": "Two histories", "guard and data name different roots at one size", "find the data that the guard belongs to";
    PINNED "pinned": "Not what was pinned", "origin, operator or key differ from those given when the log was made", "start with what was pinned";
    STORE_SCHEMA "store_schema": "Store of another version", "the store was written by another version of the program", "use that version, or follow its notes on upgrading";
    SEEN_NOTE "seen_note": "Kept checkpoint unreadable", "the checkpoint given with --seen does not verify under the log's key", "give a checkpoint of this log, as it was kept";
    SEEN_NEWER "seen_newer": "Kept checkpoint is ahead", "the checkpoint given with --seen covers more than this store holds", "this is an old copy: use the newest one";
    SEEN_OTHER_ROOT "seen_other_root": "Kept checkpoint contradicts", "the store does not extend the checkpoint given with --seen", "this store is of another history: use the right copy";
    KEY_SILENT "key_silent": "Key does not answer", "the log's key did not sign at the start", "see that the key or signing service is reachable";
    STORE_HOLES "store_holes": "Store has holes", "rows are missing below the newest head: a part of the data was lost, or an older copy was put over a newer one", "put a whole copy of the newest data in its place and start with --seen; nothing was changed, so keep this one for pulselog fsck";
    DISK_FULL "disk_full": "No room on the disk", "the disk has no room for what the log writes; nothing is damaged", "make room, then start again; until then pulselog serve --read-only shows the log";
    STORE_OPEN "store_open": "Store does not open", "the database does not open", "read the reason; if it is damage, leave the store as it lies and put a whole copy of the newest data in its place; the message says whether serve --read-only still shows something";
    NOTHING_TO_SHOW "nothing_to_show": "Nothing to show", "no checkpoint in the store can be read that the log's key signed", "give the log's own key; run pulselog fsck, and put a whole copy of the newest data in its place";
    STORE_BUSY "store_busy": "Store in use", "another process holds the store", "stop the other process; one log, one process, and none while it is served with --read-only";
    STORE_READ "store_read": "Store read failed", "the database could not be read", "look at the disk";
    STORE_WRITE "store_write": "Store write failed", "the database could not be written", "look at the disk; the next start finds out what was written";
    STORE_FAMILY "store_family": "Store incomplete", "the database lacks a column family", "check that this is a log's store, and of this version";
    NOT_WITHHELD "not_withheld": "Not withheld", "only bodies that the operator withholds are erased", "log the withholding first: pulselog withhold DIGEST --reason …";
    TOKEN_NAME_TAKEN "token_name_taken": "Name taken", "a token of this name was given before, and names are never reused", "choose another name";
    TOKEN_NO_SUCH_NAME "token_no_such_name": "No such token", "no token has this name", "see pulselog token list";
    TOKEN_OPTIONS "token_options": "Token options refused", "the options of a token contradict each other or break a rule", "correct the named option";
    TOKEN_RANDOMNESS "token_randomness": "No random bytes", "the system gives no random bytes", "look at the system; no token was made";
}
