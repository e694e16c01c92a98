"""Every file of vectors/ against this implementation. A case is (name, agrees, note)."""
import json
import os

import artifact
import cbor
import jws
import keys
import logs
import notes
import packet
import proofs
import rules
import sjson
import texts
import tree
from base import Refused, b64u, sha256


class Files:
    def __init__(self, folder):
        self.folder = folder

    def bytes(self, name):
        with open(os.path.join(self.folder, name), "rb") as file:
            return file.read()

    def json(self, name):
        return json.loads(self.bytes(name))


def outcome(function, *arguments):
    """(code, exit, result) of a check."""
    try:
        return "ok", 0, function(*arguments)
    except Refused as fault:
        return fault.code, 1, None
    except proofs.Incomplete as rest:
        return rest.code, 3, None


def verdict(name, wanted, found, *more):
    """A case: accept and refuse must agree (and all of `more`); another code is a note only."""
    wanted = wanted or "ok"
    agrees = (wanted == "ok") == (found == "ok") and all(more)
    return name, agrees, None if wanted == found else f"code {found}, vector {wanted}"


def json_cases(files):
    for case in files.json("json.json"):
        data = bytes.fromhex(case["input_hex"]) if "input_hex" in case else case["input"].encode()
        code, _, value = outcome(sjson.parse, data)
        same = [True]
        if code == "ok" and "compact" in case:
            same = [sjson.compact(value) == case["compact"].encode(), sjson.jcs(value) == case["jcs"].encode(),
                    sha256(sjson.compact(value)).hex() == case["sha256"]]
        yield verdict(case["name"], case.get("code"), code, *same)


def signature_cases(files):
    for case in files.json("signatures.json"):
        key, signature = bytes.fromhex(case["public_key_hex"]), bytes.fromhex(case["signature_hex"])
        code = outcome(keys.verify, key, signature, case["message"].encode(), "note_signature_invalid")[0]
        yield verdict(case["name"], case["code"], code)


def text_cases(files):
    for case in files.json("texts.json"):
        for field, wanted in (("accepted", "ok"), ("refused", None)):
            for text in case[field]:
                code = outcome(texts.check, case["rule"], text, True)[0]
                yield f"{case['rule']} {text!r}", (code == "ok") == (wanted == "ok"), None


def key_cases(files):
    value = files.json("keys.json")
    for case in value["dids"]:
        public = keys.public_of(bytes.fromhex(case["seed_hex"]))
        yield case["name"], (public.hex(), keys.did_of(public)) == (case["public_key_hex"], case["did"]) \
            and outcome(keys.key_of, case["did"])[2] == public, None
    for case in value["refused"]:
        yield verdict(case["did"], case["code"], outcome(keys.key_of, case["did"])[0])
    for case in value["vkeys"]:
        key = outcome(notes.read_vkey, case["vkey"])[2] or {}
        public = bytes.fromhex(case["public_key_hex"])
        wanted = {"name": case["name"], "id": bytes.fromhex(case["key_id"]), "type": case["type"], "key": public}
        yield case["vkey"], key == wanted and notes.make_vkey(case["name"], case["type"], public) == case["vkey"], None
    for case in value["refused_vkeys"]:
        yield verdict(case["vkey"], case["code"], outcome(notes.read_vkey, case["vkey"])[0])


def hash_cases(files):
    value = files.json("hashes.json")
    for i, case in enumerate(value["grants"]):
        found = rules.grant_hash(sjson.parse(case["claims"].encode()))
        yield f"grant {i}", found == case["token_scope_hash_b64u"], None
    for i, case in enumerate(value["op_keys"]):
        found = rules.op_key(case["instance"], case["app_uid"], case["started_at"], case["operation_digest"])
        yield f"op_key {i}", found == case["op_key"], None


def artifact_cases(files):
    listed = set()
    for case in files.json("artifacts.json"):
        data = files.bytes(case["file"])
        listed.add(os.path.basename(case["file"]))
        code, _, found = outcome(artifact.read_bytes, data)
        if code != "ok":
            yield case["file"], False, code
            continue
        good, bad = artifact.expand(found)
        mine = {"artifact_digest": found["digest"].hex(), "compact_bytes": len(found["compact"]),
                "kind": found["kind"], "signer": found["signer"], "payload_hash": found["payload_hash"].hex(),
                "payload_hash_b64u": b64u(found["payload_hash"]), "file": case["file"],
                "statement_key": artifact.statement_key(found).hex(), "submitter": case["submitter"],
                "identity": artifact.identity(found, case["submitter"]).hex(),
                "expanded": [inner["digest"].hex() for inner in good],
                "not_expanded": [{"code": c, "path": p} for p, c in bad],
                "taken_in_today": outcome(artifact.read_bytes, data, True)[0] == "ok"}
        off = [name for name in case if mine.get(name) != case[name]]
        yield case["file"], not off and found["compact"] == data, ", ".join(off) or None
    yield "all files listed", listed == set(os.listdir(os.path.join(files.folder, "artifacts"))), None


def refused_cases(files):
    for case in files.json("refused.json"):
        try:
            artifact.read_bytes(case["text"].encode(), True)
            yield case["name"], False, "accepted"
        except Refused as fault:
            same = (fault.code, fault.where) == (case["code"], case["path"] or "")
            yield case["name"], True, None if same else f"{fault}, vector {case['code']} at {case['path']}"


def redacted_cases(files):
    for i, case in enumerate(files.json("redacted.json")):
        value, paths = jws.redact(sjson.parse(case["text"].encode()))
        logged = artifact.read_bytes(case["text"].encode(), True)["compact"]
        again = outcome(artifact.read_bytes, case["compact"].encode())[0]
        yield f"token {i}", sjson.compact(value) == logged == case["compact"].encode() \
            and paths == case["redacted"] and again == "ok", None


def entry_cases(files):
    value = files.json("entries.json")
    for case in value["good"]:
        data = bytes.fromhex(case["hex"])
        code, _, entry = outcome(cbor.read_entry, data)
        wanted = {"version": 1, **{k: v for k, v in case.items() if k not in ("artifact", "hex", "leaf_hash")}}
        mine = {k: v.hex() if isinstance(v, bytes) else v for k, v in (entry or {}).items()}
        body = artifact.read_bytes(files.bytes(case["artifact"]))
        made = artifact.entry_of(body, case["submitter"], case["logged_at"])
        off = sorted(k for k in set(wanted) | set(mine) if wanted.get(k) != mine.get(k))
        good = code == "ok" and made == data and cbor.leaf_hash(data).hex() == case["leaf_hash"] and not off
        yield case["artifact"], good, None if good else f"{code} {off}"
    for case in value["odd"]:
        yield verdict(case["name"], "ok", outcome(cbor.read_entry, bytes.fromhex(case["hex"]))[0])
    for case in value["refused"]:
        yield verdict(case["name"], case["code"], outcome(cbor.read_entry, bytes.fromhex(case["hex"]))[0])


def receipts_root_cases(files):
    for case in files.json("receipts_roots.json"):
        found = artifact.read_bytes(files.bytes(case["artifact"]))
        root, count = artifact.receipts_root(found)
        leaves = artifact.receipt_leaves(found)
        good = (root.hex() if root else None, count) == (case["root"], case["count"])
        good &= [x.hex() for x in leaves] == [x["input"] for x in case["leaves"]]
        good &= [tree.leaf(x).hex() for x in leaves] == [x["leaf_hash"] for x in case["leaves"]]
        places = [(a, i, sha256(sjson.compact(e)).hex()) for a, i, e in artifact.receipts(found["payload"])]
        yield case["artifact"], good and places == [(x["array"], x["index"], x["digest"]) for x in case["leaves"]], None


def unhex(path):
    return [bytes.fromhex(h) for h in path]


def tree_cases(files):
    value = files.json("tree.json")
    leaves = [tree.leaf(bytes.fromhex(x["entry_hex"])) for x in value["leaves"]]
    yield "leaves", [x.hex() for x in leaves] == [x["leaf_hash"] for x in value["leaves"]], None
    for case in value["roots"]:
        yield f"root {case['size']}", tree.root(leaves[:case["size"]]).hex() == case["root"], None
    for case in value["inclusion"]:
        path, i, n = unhex(case["path"]), case["index"], case["size"]
        code = outcome(tree.check_inclusion, i, n, bytes.fromhex(case["leaf_hash"]), path,
                       bytes.fromhex(case["root"]))[0]
        made = case["code"] != "ok" or tree.inclusion_path(i, leaves[:n]) == path
        yield verdict(f"inclusion {i} of {n}: {case['name']}", case["code"], code, made)
    for case in value["consistency"]:
        path, m, n = unhex(case["path"]), case["from"], case["to"]
        code = outcome(tree.check_consistency, m, n, bytes.fromhex(case["old_root"]),
                       bytes.fromhex(case["new_root"]), path)[0]
        made = case["code"] != "ok" or tree.consistency_path(m, leaves[:n]) == path
        yield verdict(f"consistency {m} to {n}: {case['name']}", case["code"], code, made)


def tile_cases(files):
    value = files.json("tiles.json")
    for case in value["paths"]:
        code, _, found = outcome(tree.read_tile_path, case["path"])
        level = "entries" if case.get("entries") else case.get("level")
        good = "code" in case or found == (level, case["index"], case["width"])
        yield verdict(case["path"], case.get("code"), code, good)
    for case in value["sizes"]:
        tiles = tree.tile_widths(case["size"])
        last = {level: (index, width) for level, index, width in tiles}
        wanted = {x["level"]: (x["last_index"], x["last_width"]) for x in case["levels"]}
        yield f"size {case['size']}", len(tiles) == case["tiles"] and last == wanted, None
    yield "fold", fold(value["fold"]), None
    for case in value["bundles"]:
        code, _, found = outcome(tree.read_bundle, bytes.fromhex(case["hex"]), case["count"])
        yield verdict(case["name"], case["code"], code, code != "ok" or found == unhex(case["entries"]))


def fold(case):
    hashes = [tree.leaf(b"entry %d" % i if i else b"") for i in range(257)]
    tile = b"".join(hashes[:256])
    return (tree.root(hashes[:256]).hex(), tree.root(hashes).hex(), sha256(tile).hex()) == (
        case["root_256"], case["root_257"], case["tile_0_000_sha256"]) \
        and tree.root(tree.read_tile(tile, 256)).hex() == case["tile_1_000_p_1"]


def note_cases(files):
    value = files.json("notes.json")
    for case in value["notes"]:
        policy = notes.read_policy(files.bytes(case["policy"]))
        code, _, found = outcome(notes.believe, files.bytes(case["file"]), policy)
        good = code != "ok" or {**found, "root": found["root"].hex()} == {
            k: case.get(k) for k in ("origin", "size", "root", "witnesses")}
        yield verdict(case["file"], case["code"], code, good)
    for case in value["odd_policies"]:
        code, _, policy = outcome(notes.read_policy, case["text"].encode())
        yield verdict(case["name"], "ok", code, code != "ok" or len(policy["logs"]) == case["logs"])
    for case in value["refused_policies"]:
        yield verdict(case["name"], case["code"], outcome(notes.read_policy, case["text"].encode())[0])


def proof_cases(files):
    value = files.json("proofs.json")
    for case in value["proofs"]:
        policy = notes.read_policy(files.bytes(case["policy"]))
        body = files.bytes(case["artifact"]) if case["artifact"] else None
        code, exits, _ = outcome(proofs.verify, body, files.bytes(case["file"]), policy)
        name, agrees, note = verdict(case["file"], case["code"], code)
        yield name, agrees and exits == case["exit"], note
    for case in value["consistency"]:
        policy = notes.read_policy(files.bytes(case["policy"]))
        older = notes.believe(files.bytes(case["older"]), policy)
        yield verdict(case["file"], case["code"], outcome(proofs.extends, older, files.bytes(case["file"]), policy)[0])


def disclosure_cases(files):
    for case in files.json("disclosures.json"):
        policy = notes.read_policy(files.bytes(case["policy"]))
        code, exits, _ = outcome(proofs.check_disclosure, files.bytes(case["file"]), policy)
        yield case["file"], exits == case["exit"], None if code == case["code"] else f"code {code}, vector {case['code']}"


def packet_cases(files):
    for case in files.json("packets.json"):
        policy = notes.read_policy(files.bytes(case["policy"]))
        folder = packet.read_folder(os.path.join(files.folder, case["packet"]))
        for name in case["without"]:
            del folder[name]
        folder.update((name, text.encode()) for name, text in case["replaced"].items())
        result = packet.check_packet(folder, policy)
        wanted = {(c["outcome"], c["code"]) for d in case["documents"] for c in d["open_checks"]
                  if c["check"] in ("packet", "evidence")}
        covered = [index for index, good in result["statements"] if good]
        attested = sorted({d["absence"]["entry"] for d in case["documents"] if "entry" in d["absence"]})
        good = len(result["proven"]) == case["proven_entries"] and set(result["open"]) == wanted
        good &= set(attested) <= set(covered)
        yield case["name"], good, None if good else f"{result['open']} {covered}"


def copies_cases(files):
    for case in files.json("logs.json"):
        policy = notes.read_policy(files.bytes(case["policy"]))
        held = packet.read_folder(os.path.join(files.folder, case["log"]))
        for name in case["without"]:
            del held[name]
        held.update((name, bytes.fromhex(data)) for name, data in case["replaced"].items())
        code, _, missing = outcome(logs.read_copy, held, policy)
        yield verdict(case["name"], case["code"], code, missing == case["bodies_missing"])


GROUPS = [("json.json", json_cases), ("texts.json", text_cases), ("keys.json", key_cases),
          ("signatures.json", signature_cases),
          ("hashes.json", hash_cases), ("artifacts.json", artifact_cases), ("refused.json", refused_cases),
          ("redacted.json", redacted_cases), ("entries.json", entry_cases),
          ("receipts_roots.json", receipts_root_cases), ("tree.json", tree_cases), ("tiles.json", tile_cases),
          ("notes.json", note_cases), ("proofs.json", proof_cases), ("disclosures.json", disclosure_cases),
          ("packets.json", packet_cases), ("logs.json", copies_cases)]
