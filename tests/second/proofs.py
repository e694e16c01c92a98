"""tlog-proofs (FORMATS 7.1), consistency files (7.2), disclosures (7.3), one artifact (7.5)."""
import artifact
import notes
import shapes
import sjson
import tree
from base import Refused, b64, b64_read, decimal, hex_read, need, sha256
from cbor import leaf_hash, leaf_input, read_entry
from kinds import ARRAYS, KINDS

FIRST = "c2sp.org/tlog-proof@v1"
DISCLOSURE = shapes.Notation(
    '{ disclosure_version: "1" proof: text(1..872232) receipts: [1..7000] { array: '
    + " | ".join(f'"{a}"' for a in ARRAYS)
    + " index: int(0..999) leaf_index: int(0..6999) count: int(1..7000) path: [0..13] hex64 receipt: { ... } } }"
).shape()


class Incomplete(Exception):
    """Nothing failed, and not everything was shown."""

    def __init__(self, code):
        super().__init__(code)
        self.code = code


def split_note(data, most):
    """The lines before the first empty line, and the bytes of the note behind it."""
    need(len(data) <= most, "receipt_too_large")
    top, empty, note = data.partition(b"\n\n")
    need(empty, "receipt_lines")
    try:
        return top.decode("utf-8").split("\n"), note
    except UnicodeDecodeError:
        raise Refused("receipt_lines") from None


def hashes(lines):
    need(len(lines) <= 63, "receipt_too_many_hashes")
    found = [b64_read(line, "receipt_hash") for line in lines]
    need(all(len(h) == 32 for h in found), "receipt_hash")
    return found


def read_proof(data):
    """{extra, index, path, note} of a tlog-proof; it prints back to the same bytes."""
    lines, note = split_note(data, 872232)
    need(lines[0] == FIRST, "receipt_lines")
    del lines[0]
    extra = None
    if lines and lines[0].startswith("extra "):
        extra = b64_read(lines.pop(0)[6:], "receipt_extra")
        need(len(extra) <= 65535, "receipt_extra")
    need(lines and lines[0].startswith("index "), "receipt_lines" if not lines else "receipt_index")
    proof = {"extra": extra, "index": decimal(lines[0][6:], "receipt_index"), "path": hashes(lines[1:]), "note": note}
    need(print_proof(proof) == data, "receipt_lines")
    return proof


def print_proof(proof):
    lines = [FIRST] + ([] if proof["extra"] is None else ["extra " + b64(proof["extra"])])
    lines += [f"index {proof['index']}"] + [b64(h) for h in proof["path"]]
    return ("\n".join(lines) + "\n\n").encode() + proof["note"]


def read_consistency(data):
    """{old, path, note} of a consistency file."""
    lines, note = split_note(data, 784788)
    need(lines[0].startswith("old "), "receipt_lines")
    return {"old": decimal(lines[0][4:], "receipt_old"), "path": hashes(lines[1:]), "note": note}


def extends(older, data, policy):
    """The newer checkpoint of a consistency file that extends a believed one, or Refused (7.2)."""
    file = read_consistency(data)
    newer = notes.believe(file["note"], policy)
    need(newer["origin"] == older["origin"], "other_origin")
    need(file["old"] == older["size"], "receipt_other_old_size")
    if older["size"] == 0:
        need(not file["path"], "proof_path_length")
        need(newer["size"] or newer["root"] == older["root"], "proof_new_root_mismatch")
    else:
        tree.check_consistency(older["size"], newer["size"], older["root"], newer["root"], file["path"])
    return newer


def proven(data, policy):
    """{entry, index, checkpoint, raw} that a tlog-proof proves: 7.5 up to inclusion."""
    proof = read_proof(data)
    checkpoint = notes.believe(proof["note"], policy)
    need(proof["extra"] is not None, "entry_missing")
    entry = read_entry(proof["extra"])
    tree.check_inclusion(proof["index"], checkpoint["size"], leaf_hash(proof["extra"]), proof["path"],
                         checkpoint["root"])
    return {"entry": entry, "index": proof["index"], "checkpoint": checkpoint, "raw": proof["extra"]}


def verify(body, proof, policy):
    """7.5: an artifact (or None) under its proof."""
    place = proven(proof, policy)
    if body is None:
        raise Incomplete("body_not_shown")
    value = sjson.parse(body)
    text = sjson.compact(value)
    need(sha256(text) == place["entry"]["digest"], "digest_mismatch")
    need(len(text) == place["entry"]["body_bytes"], "length_mismatch")
    read = artifact.read(value)
    artifact.check_named(place["entry"], read)
    artifact.check_receipts(place["entry"], read)
    return place


def check_disclosure(data, policy):
    """7.3: passes, Incomplete or Refused."""
    value = sjson.parse(data)
    need(isinstance(value, dict), "wrong_type")
    version = value.get("disclosure_version")
    need(not isinstance(version, str) or version == "1", "unknown_version")
    shapes.check(DISCLOSURE, value, "")
    shown = value["receipts"]
    places = [(ARRAYS.index(r["array"]), r["index"]) for r in shown]
    need(all(a < b for a, b in zip(places, places[1:])), "disclosure_order")
    need(all(a["leaf_index"] < b["leaf_index"] for a, b in zip(shown, shown[1:])), "disclosure_order")
    need(all(r["index"] <= r["leaf_index"] for r in shown), "disclosure_order")
    entry = proven(value["proof"].encode(), policy)["entry"]
    need(entry["kind"] == "proof_bundle" and "receipts_root" in entry, "disclosure_no_receipts_root")
    for receipt in shown:
        check_shown(receipt, entry)
    open_codes = [code for code in map(judge_shown, shown) if code]
    if open_codes:
        raise Incomplete(open_codes[0])


def check_shown(receipt, entry):
    """The path proves the leaf of 3.4, made anew."""
    need(receipt["count"] == entry["receipts_count"], "disclosure_count")
    digest = sha256(sjson.compact(receipt["receipt"]))
    leaf = tree.leaf(leaf_input(receipt["array"], int(receipt["index"]), digest))
    path = [hex_read(h) for h in receipt["path"]]
    try:
        tree.check_inclusion(int(receipt["leaf_index"]), entry["receipts_count"], leaf, path, entry["receipts_root"])
    except Refused as fault:
        code = "disclosure_not_in_bundle" if fault.code == "proof_root_mismatch" else fault.code
        raise Refused(code) from None


def judge_shown(receipt):
    """None for a receipt that its signer wrote, the code of what stays open, or Refused."""
    if receipt["array"] in ("vir_receipts", "web_receipts"):
        return "receipt_not_judged"
    if not artifact.has_envelope(receipt["receipt"]):
        return "receipt_without_envelope"
    inner = artifact.read(receipt["receipt"])
    need(KINDS[inner["kind"]]["array"] == receipt["array"], "kind_not_expandable")
    return None
