//! Proof files and disclosures.

use super::Code;

rows! {
    /// Proof files.
    pub(super) RECEIPT "proof file":
    RECEIPT_TOO_LARGE "receipt_too_large": "File too large", "a proof or disclosure file has more bytes than the limit", "check that the right file was given";
    RECEIPT_NOT_UTF8 "receipt_not_utf8": "File not UTF-8", "a proof file is not UTF-8", "get the file again; it must arrive byte for byte";
    RECEIPT_LINES "receipt_lines": "Line out of place", "a proof file lacks a line, or one stands where another must", "get the file again; it must arrive byte for byte";
    RECEIPT_EXTRA "receipt_extra": "Extra line malformed", "the extra line is no canonical base64 of an entry", "get the file again; it must arrive byte for byte";
    RECEIPT_INDEX "receipt_index": "Index malformed", "the index line holds no plain decimal number", "get the file again; it must arrive byte for byte";
    RECEIPT_OLD_SIZE "receipt_old_size": "Old size malformed", "the old line holds no plain decimal number", "get the file again; it must arrive byte for byte";
    RECEIPT_HASH "receipt_hash": "Hash malformed", "a line of the path is no hash in canonical base64 or hex", "get the file again; it must arrive byte for byte";
    RECEIPT_PATH_TOO_LONG "receipt_path_too_long": "Path too long", "the path holds more than 63 hashes", "do not rely on it; ask for the proof again";
    RECEIPT_OTHER_OLD_SIZE "receipt_other_old_size": "Another older size", "the consistency file starts at another size than the older checkpoint", "ask for the file from the size of the checkpoint that you kept";
    RECEIPT_OTHER_ORIGIN "receipt_other_origin": "Another log", "the consistency file is about another log than the older checkpoint", "give a file and a checkpoint of one log";
}

rows! {
    /// Disclosure files.
    pub(super) DISCLOSURE "disclosure file":
    DISCLOSURE_NO_ENTRY "disclosure_no_entry": "Proof without entry", "the proof does not carry the bundle's entry in its extra line", "ask the log for the proof of this bundle again";
    DISCLOSURE_NO_RECEIPTS_ROOT "disclosure_no_receipts_root": "Not a bundle with receipts", "the proven entry is not about a proof bundle with receipts", "give the proof of the bundle that holds the receipts";
    DISCLOSURE_OTHER_BUNDLE "disclosure_other_bundle": "Proof of another bundle", "the entry in the proof is about another bundle than the one given", "give bundle and proof of the same entry";
    DISCLOSURE_NOTHING_CHOSEN "disclosure_nothing_chosen": "Nothing chosen", "no receipt was named", "name one by its id, its place or its digest";
    DISCLOSURE_UNKNOWN_RECEIPT "disclosure_unknown_receipt": "No such receipt", "the bundle holds no receipt of this id, place or digest", "look at the bundle with pulselog show";
    DISCLOSURE_AMBIGUOUS_RECEIPT "disclosure_ambiguous_receipt": "Several such receipts", "the bundle holds several receipts of this id", "name the place, as tool_receipts[0]";
    DISCLOSURE_ORDER "disclosure_order": "Receipts out of order", "shown receipts do not stand in the bundle's order, or one stands twice", "have the file made again; do not rely on this one";
    DISCLOSURE_COUNT "disclosure_count": "Wrong number of receipts", "the file says another number of receipts than the entry commits to", "do not rely on it: somebody wants the bundle to look smaller or larger";
    DISCLOSURE_OTHER_ARRAY "disclosure_other_array": "Receipt of another array", "the logged bundle holds this receipt in another array than the file says", "do not rely on the file; ask for one that is made from the logged bundle";
    DISCLOSURE_OTHER_INDEX "disclosure_other_index": "Receipt of another place", "the logged bundle holds this receipt at another place of its array than the file says", "do not rely on the file; ask for one that is made from the logged bundle";
    DISCLOSURE_SWAPPED "disclosure_swapped": "Receipts swapped", "two receipts of the file stand in each other's places", "do not rely on the file; ask for one that is made from the logged bundle";
    DISCLOSURE_NOT_IN_BUNDLE "disclosure_not_in_bundle": "Receipt not in the bundle", "the path does not lead from this receipt to the receipts root of the entry", "do not rely on this receipt: nothing shows that the logged bundle holds it";
    RECEIPT_NOT_JUDGED "receipt_not_judged": "Receipt not judged", "receipts of this array are shown, but their signatures are not checked here", "have them checked by a verifier of their format";
    RECEIPT_WITHOUT_ENVELOPE "receipt_without_envelope": "Receipt without signature", "the receipt has no signature of its own, and the bundle that vouches for it is not shown", "ask for the whole bundle if it matters who said this";
}
