//! Trees, notes, checkpoints, tiles, entries and the step that makes them.

use super::Code;

rows! {
    /// Trees and proofs.
    pub(super) MERKLE "inclusion and consistency":
    HASH_NOT_HEX "hash_not_hex": "Hash not hex", "a hash is not 64 lowercase hex characters", "give the hash as 64 lowercase hex characters";
    HASH_NOT_BASE64 "hash_not_base64": "Hash not base64", "a hash is not 32 bytes in canonical padded base64", "get the file again; it must arrive byte for byte";
    NUMBER_NOT_DIGITS "number_not_digits": "Not a number", "a size or index is not written in decimal digits", "write the number in digits alone";
    NUMBER_LEADING_ZERO "number_leading_zero": "Leading zero", "a size or index starts with a zero", "write the number without leading zero";
    NUMBER_TOO_LARGE "number_too_large": "Number too large", "a size or index does not fit 64 bits", "check the number; no log is that large";
    PROOF_SIZE_ZERO "proof_size_zero": "Empty tree", "nothing can be proven of an empty tree", "ask for a proof at a checkpoint that covers the entry";
    PROOF_INDEX_OUTSIDE_TREE "proof_index_outside_tree": "Index outside the tree", "the index is not below the number of leaves", "do not rely on it; ask for the proof again";
    PROOF_SIZES_REVERSED "proof_sizes_reversed": "Sizes reversed", "the older tree is larger than the newer one", "give the older checkpoint as the older one";
    PROOF_PATH_LENGTH "proof_path_length": "Proof of the wrong length", "the path does not hold exactly as many hashes as index and size require", "do not rely on it; ask for the proof again";
    PROOF_ROOT_MISMATCH "proof_root_mismatch": "Proof leads elsewhere", "the path does not lead to the signed root hash", "do not rely on it: nothing shows that the log holds this entry";
    PROOF_OLD_ROOT_MISMATCH "proof_old_root_mismatch": "Older root not reached", "the consistency proof does not lead to the older root hash", "keep both checkpoints: if the log can give no proof, they are evidence of a fork";
    PROOF_NEW_ROOT_MISMATCH "proof_new_root_mismatch": "Newer root not reached", "the consistency proof does not lead to the newer root hash", "keep both checkpoints: if the log can give no proof, they are evidence of a fork";
    PLAN_NODE_COUNT "plan_node_count": "Wrong number of nodes", "a proof was to be built from another number of nodes than planned", "report it with the request that led to it; the store answered incompletely";
    PLAN_NOT_A_ROOT "plan_not_a_root": "Plan of another sort", "a plan for a proof was used to compute a root", "report it with the request that led to it";
    FRONTIER_LENGTH "frontier_length": "Right edge incomplete", "the right edge of the tree has another number of hashes than its size requires", "run pulselog fsck";
    TREE_SIZE_LIMIT "tree_size_limit": "Tree full", "the tree cannot grow beyond the largest size", "start a new log";
}

rows! {
    /// Signed notes and their keys.
    pub(super) NOTE "signed note":
    NOTE_TOO_LARGE "note_too_large": "Note too large", "the signed note has more bytes than the limit", "get the checkpoint again from the log";
    NOTE_NOT_UTF8 "note_not_utf8": "Note not UTF-8", "the signed note is not UTF-8", "get the checkpoint again; it must arrive byte for byte";
    NOTE_CONTROL_CHARACTER "note_control_character": "Control character in the note", "the note holds a control character other than newline", "get the checkpoint again; line ends must be newlines alone";
    NOTE_NO_EMPTY_LINE "note_no_empty_line": "Note without signatures part", "no empty line parts the note's text from its signatures", "get the checkpoint again; it must arrive byte for byte";
    NOTE_TEXT_END "note_text_end": "Note's text ends wrongly", "the note's text does not end in exactly one newline", "get the checkpoint again; it must arrive byte for byte";
    NOTE_NO_SIGNATURE "note_no_signature": "Note unsigned", "the note holds no signature", "get the checkpoint again; it must arrive byte for byte";
    NOTE_NO_FINAL_NEWLINE "note_no_final_newline": "Note cut short", "the note does not end in a newline", "get the checkpoint again; it must arrive byte for byte";
    NOTE_TOO_MANY_SIGNATURES "note_too_many_signatures": "Too many signatures", "the note holds more signatures than are read", "ask the log for a checkpoint with fewer cosignatures";
    NOTE_SIGNATURE_LINE "note_signature_line": "Signature line malformed", "a signature line breaks the form of signed notes", "get the checkpoint again; it must arrive byte for byte";
    NOTE_NOT_SIGNED "note_not_signed": "Not signed by this key", "the note carries no signature of the key that was asked for", "check that checkpoint and key are of the same log";
    NOTE_SIGNATURE_INVALID "note_signature_invalid": "Note's signature does not verify", "a key that is trusted is named, and its signature does not verify", "do not rely on it; compare the log's key with the one its operator publishes";
    KEY_NAME_INVALID "key_name_invalid": "Key name malformed", "a key name is empty, too long, or holds a space, plus sign or control character", "choose another name; for a log it is the origin";
    VKEY_INVALID "vkey_invalid": "Verifier key malformed", "a verifier key is not name, key id and base64 key parted by plus signs", "copy the whole line that keygen printed";
    KEY_TYPE_UNKNOWN "key_type_unknown": "Key type unknown", "a verifier key is of a type that is not supported", "ask for an Ed25519 key";
    KEY_TYPE_WRONG "key_type_wrong": "Key of the wrong type", "a log's key stands where a witness's must, or the reverse", "list the key on a line of its own type";
    KEY_LENGTH "key_length": "Key of the wrong length", "a public key has not 32 bytes", "copy the whole verifier key";
    KEY_NOT_A_POINT "key_not_a_point": "Key is no key", "a verifier key is no canonical curve point", "copy the whole verifier key; no private key belongs to this one";
    KEY_SMALL_ORDER "key_small_order": "Weak key", "a verifier key has small order, so one signature fits many messages", "do not trust this key";
    KEY_ID_MISMATCH "key_id_mismatch": "Key id does not fit", "the key id is not the one of this name and key", "copy the whole verifier key; name or key were altered";
    KEY_FILE_INVALID "key_file_invalid": "Key file unreadable", "the file does not hold one Ed25519 private key in PKCS#8 PEM", "give a file that keygen wrote";
    SIGNER_UNAVAILABLE "signer_unavailable": "Signer did not sign", "the signer of the checkpoint did not answer", "see that the key or signing service is reachable; nothing was published meanwhile";
}

rows! {
    /// Checkpoints and cosignatures.
    pub(super) CHECKPOINT "checkpoint":
    CHECKPOINT_LINES "checkpoint_lines": "Checkpoint malformed", "the checkpoint is not origin, tree size and root hash on three lines", "get the checkpoint again from the log";
    EXTENSION_LINE "extension_line": "Extension line", "the checkpoint holds a line beyond the three that are known", "use a verifier that knows the extension; what it means is not known here";
    CHECKPOINT_ORIGIN "checkpoint_origin": "Origin malformed", "the checkpoint's origin is no name of a log", "get the checkpoint again from the log";
    CHECKPOINT_SIZE "checkpoint_size": "Tree size malformed", "the checkpoint's tree size is no plain decimal number", "get the checkpoint again from the log";
    CHECKPOINT_ROOT "checkpoint_root": "Root hash malformed", "the checkpoint's root hash is not 32 bytes in base64", "get the checkpoint again from the log";
    CHECKPOINT_EMPTY_ROOT "checkpoint_empty_root": "Wrong empty root", "the checkpoint says size 0 under another root than the empty tree's", "do not rely on this log";
    CHECKPOINT_KEY_NAME "checkpoint_key_name": "Key of another origin", "the key's name is not the origin that it was to sign for", "give the key that was made for this origin";
    SIGNER_FOREIGN_SIGNATURE "signer_foreign_signature": "Another key's signature", "the signer answered with the signature of another key", "check which key the signer holds";
    COSIGNATURE_TIME "cosignature_time": "Cosignature time impossible", "a witness's time is not 1 to 2^63 - 1 seconds", "do not count this witness";
    COSIGNATURE_LENGTH "cosignature_length": "Cosignature of the wrong length", "a cosignature has not 72 bytes", "get the checkpoint again; it must arrive byte for byte";
}

rows! {
    /// Tiles and entry bundles.
    pub(super) TILE "tile":
    TILE_PATH_INVALID "tile_path_invalid": "Tile path not canonical", "the path of a tile is not spelled in its one form", "ask for the path as C2SP tlog-tiles spells it";
    TILE_LENGTH "tile_length": "Tile of the wrong length", "a tile is not 1 to 256 hashes of 32 bytes", "fetch the tile again";
    TILE_TOO_NARROW "tile_too_narrow": "Tile too narrow", "a tile holds fewer hashes than the tree implies", "fetch the tile of the newest size";
    ENTRY_TOO_LARGE "entry_too_large": "Entry too large", "an entry is longer than a bundle of entries can hold", "report it: no admitted artifact makes such an entry";
    BUNDLE_COUNT "bundle_count": "Wrong number of entries", "an entry bundle does not hold 1 to 256 entries", "fetch the entry bundle again";
    BUNDLE_TRUNCATED "bundle_truncated": "Entry bundle cut short", "an entry bundle ends inside an entry", "fetch the entry bundle again";
    BUNDLE_TRAILING "bundle_trailing": "Bytes after the entries", "an entry bundle goes on after its last entry", "fetch the entry bundle again; do not rely on this one";
}

rows! {
    /// Entries.
    pub(super) ENTRY "entry":
    ENTRY_UNKNOWN_FORM "entry_unknown_form": "Not an entry", "the first byte begins no entry of ours", "use a newer pulselog; this log holds entries of another form";
    ENTRY_COSE_RESERVED "entry_cose_reserved": "COSE entry", "entries in COSE form are reserved and refused today", "use a newer pulselog";
    ENTRY_CBOR "entry_cbor": "Entry malformed", "the entry is not well-formed CBOR of the expected types", "get the entry again; do not rely on this one";
    ENTRY_NOT_DETERMINISTIC "entry_not_deterministic": "Entry not canonical", "the entry is not in the one deterministic encoding", "get the entry again; do not rely on this one";
    ENTRY_UNKNOWN_VERSION "entry_unknown_version": "Entry version unknown", "the entry is of a version that is not known here", "use a newer pulselog";
    ENTRY_UNKNOWN_KIND "entry_unknown_kind": "Entry kind unknown", "the entry names a kind that is not known here", "use a newer pulselog";
    ENTRY_UNKNOWN_KEY "entry_unknown_key": "Entry field unknown", "the entry holds a field that is not known here", "use a newer pulselog";
    ENTRY_MISSING_KEY "entry_missing_key": "Entry field missing", "the entry lacks a field, or one stands without its pair", "get the entry again; do not rely on this one";
    ENTRY_HASH_LENGTH "entry_hash_length": "Hash in entry malformed", "a hash in the entry is not 32 bytes", "get the entry again; do not rely on this one";
    ENTRY_SIGNER "entry_signer": "Signer in entry malformed", "the signer in the entry is no DID", "get the entry again; do not rely on this one";
    SUBMITTER_NAME "submitter_name": "Submitter name malformed", "a submitter's name is not 1 to 64 of a-z, 0-9, dot, underscore and hyphen", "choose another name";
}

rows! {
    /// The step that makes entries into a tree.
    pub(super) SEQUENCE "sequencing":
    TREE_EDGE "tree_edge": "Right edge damaged", "a partial tile has not the width that the size implies", "run pulselog fsck";
    ENTRY_TOO_LONG "entry_too_long": "Entry too long", "an entry is longer than an entry bundle can hold", "report it: no admitted artifact makes such an entry";
    MEMORY_UNSOUND "memory_unsound": "Memory not sound", "hashing an entry twice gave two results", "test this machine's memory before the log is started again; nothing was signed";
}
