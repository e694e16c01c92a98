"""Packets (FORMATS 7.4): proofs, consistency files, bodies and the list of files."""
import os

import artifact
import notes
import proofs
import sjson
import tree
from base import Refused, need, sha256
from shapes import Notation, check

LIST = Notation('{ packet_version: "1" files: [0..65536] { name: text(0..65536) sha256: text(0..65536) ... } ... }').shape()


def read_folder(folder):
    """{path within the directory: bytes}"""
    files = {}
    for root, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(root, name)
            with open(path, "rb") as file:
                files[os.path.relpath(path, folder)] = file.read()
    need(len(files) <= 65536, "packet_too_many_files")
    return files


def sort_files(files):
    """What each file is, by what it holds: proofs, consistency files, artifacts, others."""
    sorts = {"proofs": {}, "consistency": {}, "bodies": {}, "others": []}
    for name, data in sorted(files.items()):
        if name == "packet.json":
            continue
        if data.startswith(b"c2sp.org/tlog-proof@v1\n"):
            sorts["proofs"][name] = data
        elif data.startswith(b"old "):
            sorts["consistency"][name] = data
        elif not add_bodies(sorts["bodies"], data):
            sorts["others"].append(name)
    return sorts


def add_bodies(bodies, data):
    """One JSON object, or one a line; in any layout."""
    if add_body(bodies, data):
        return True
    lines = [add_body(bodies, line) for line in data.split(b"\n") if line.strip()]
    return bool(lines) and all(lines)


def add_body(bodies, text):
    try:
        value = sjson.parse(text)
    except Refused:
        return False
    if isinstance(value, dict):
        bodies[sha256(sjson.compact(value))] = value
    return isinstance(value, dict)


def check_list(files):
    """[(outcome, code)] of the list of files."""
    if "packet.json" not in files:
        return [("incomplete", "packet_manifest_missing")]
    try:
        value = sjson.parse(files["packet.json"])
        check(LIST, value, "")
    except Refused:
        return [("fail", "packet_manifest_malformed")]
    if not value["files"]:
        return [("fail", "packet_manifest_empty")]
    for row in value["files"]:  # the first one answers
        if row["name"] not in files:
            return [("incomplete", "packet_file_missing")]
        if sha256(files[row["name"]]).hex() != row["sha256"]:
            return [("fail", "packet_file_changed")]
    return []


def check_packet(files, policy):
    """{proven: {index: entry}, bodies: {index: artifact}, missing: [index], head, open: [(outcome, code)],
    statements: [(index, covered)], others}"""
    sorts, open_checks = sort_files(files), check_list(files)
    places, checkpoints, leads = {}, [], []
    for name, data in sorted({**sorts["proofs"], **sorts["consistency"]}.items()):
        try:
            if name in sorts["proofs"]:
                place = proofs.proven(data, policy)
                add_checkpoint(checkpoints, place["checkpoint"])
                other = places.setdefault(place["index"], place)
                need(other["raw"] == place["raw"], "two_entries_at_one_index")
            else:
                file = proofs.read_consistency(data)
                newer = notes.believe(file["note"], policy)
                add_checkpoint(checkpoints, newer)
                leads.append((file, newer))
        except Refused as fault:
            open_checks.append((disbelief(data, policy, fault), fault.code))
    head = max(checkpoints, key=lambda c: c["size"], default=None)
    open_checks += check_heads(checkpoints, leads, head)
    result = {"proven": places, "head": head, "open": open_checks, "others": sorts["others"]}
    result["bodies"], result["missing"] = match_bodies(places, sorts["bodies"])
    times = [places[index]["entry"]["logged_at"] for index in sorted(places)]
    if times != sorted(times):
        open_checks.append(("fail", "COPY_OUT_OF_ORDER"))
    result["statements"] = statements(result["bodies"], places, leads, head)
    return result


def add_checkpoint(checkpoints, new):
    """7.4, 2: one origin, and one root of a size."""
    need(all(c["origin"] == new["origin"] for c in checkpoints), "other_origin")
    need(all(c["size"] != new["size"] or c["root"] == new["root"] for c in checkpoints), "fork")
    checkpoints.append(new)


def disbelief(data, policy, fault):
    """Nothing is said against a log that the policy does not name."""
    if fault.code != "log_unknown":
        return "fail"
    origin = notes.read_checkpoint(notes.read_note(proofs.split_note(data, len(data))[1]))[0]
    return "fail" if any(key["name"] == origin for key in policy["logs"]) else "incomplete"


def leads_to_head(size, root, leads, head):
    """Whether a consistency file proves that (size, root) is a prefix of the head."""
    if head is None or size == head["size"]:
        return head is not None and root == head["root"]
    for file, newer in leads:
        try:
            need(file["old"] == size and newer["size"] == head["size"] and newer["root"] == head["root"], "other")
            tree.check_consistency(size, newer["size"], root, newer["root"], file["path"])
            return True
        except Refused:
            continue
    return False


def check_heads(checkpoints, leads, head):
    """Every smaller checkpoint leads to the head."""
    roots = {c["size"]: c["root"] for c in checkpoints}
    return [("incomplete", "consistency_file_missing") for size, root in roots.items()
            if not leads_to_head(size, root, leads, head)]


def match_bodies(places, values):
    """A body counts when it passes 4.4 and is the entry's (6.11); any other is missing."""
    bodies, missing = {}, []
    for index, place in sorted(places.items()):
        try:
            need(place["entry"]["digest"] in values, "body_not_shown")
            body = artifact.read(values[place["entry"]["digest"]])
            artifact.check_counts(place["entry"], body)
            bodies[index] = body
        except Refused:
            missing.append(index)
    return bodies, missing


def statements(bodies, places, leads, head):
    """(index, whether it counts) of each operator's statement (7.4, 6)."""
    found = []
    for index, body in bodies.items():
        if body["kind"] == "audit_statement":
            size, root = int(body["payload"]["size"]), bytes.fromhex(body["payload"]["root_hash"])
            found.append((index, size - 1 in places and leads_to_head(size, root, leads, head)))
    return found
