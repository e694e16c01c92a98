"""A whole log, as a directory or at an address (FORMATS 6.9 to 6.11, API), and one packet."""
import http.client
import json
import os
import urllib.error
import urllib.request

import artifact
import cbor
import notes
import packet
import proofs
import tree
from base import Refused, need, sha256


class Source:
    """Where a log's files are read from."""

    def __init__(self, place):
        self.place = place.rstrip("/")
        self.remote = place.startswith(("http://", "https://"))

    def get(self, path, accept="*/*"):
        if not self.remote:
            with open(os.path.join(self.place, path), "rb") as file:
                return file.read()
        request = urllib.request.Request(f"{self.place}/{path}", headers={"Accept": accept})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.read(64 << 20)
        except urllib.error.HTTPError as fault:
            if fault.code == 451:
                raise Withheld() from None
            raise
        except http.client.HTTPException as fault:
            raise OSError(type(fault).__name__) from None

    def json(self, path):
        return json.loads(self.get(path, "application/json"))

    def body(self, digest):
        return self.get(("v1/artifacts/" if self.remote else "artifacts/") + digest.hex())

    def policy(self, file):
        """The reader's own policy; else the one that lies beside the log, which proves less."""
        if file:
            with open(file, "rb") as handle:
                return notes.read_policy(handle.read())
        return notes.read_policy(self.get("v1/trust-policy" if self.remote else "trust.policy"))


class Withheld(Exception):
    """The operator withholds a body; its entry and proofs hold (API, body_withheld)."""


def tried(name, function, *arguments):
    """One case: it passes unless something refuses or cannot be got."""
    try:
        function(*arguments)
        return name, True, None
    except Withheld:
        return name, True, "body withheld"
    except Refused as fault:
        return name, False, str(fault)
    except (OSError, ValueError, KeyError, TypeError) as fault:
        return name, False, f"{type(fault).__name__} {fault}"


def read_entries(source, size):
    """Every entry below the size, from the bundles, and one case each bundle."""
    entries, cases = [], []
    for index in range((size + 255) // 256):
        width = min(256, size - 256 * index)
        path = tree.tile_path("entries", index, width)
        entries += tree.read_bundle(source.get(path), width)
        cases.append((path, True, None))
    return entries, cases


def tile_case(source, leaves, level, index, width):
    """A hash tile holds the roots of the leaves below it (6.9)."""
    hashes = tree.read_tile(source.get(tree.tile_path(level, index, width)), width)
    span = 256 ** level
    for i, found in enumerate(hashes):
        first = (index * 256 + i) * span
        need(found == tree.root(leaves[first:first + span]), "tile_differs", str(i))


def body_case(source, entry, raw):
    """Body, digest, signature, kind, signer, receipts root of an entry; made again it is the entry."""
    data = source.body(entry["digest"])
    need(sha256(data) == entry["digest"], "digest_mismatch")
    body = artifact.read_bytes(data)
    need(body["compact"] == data, "not_compact")
    artifact.check_body(entry, body)
    need(artifact.entry_of(body, entry["submitter"], entry["logged_at"]) == raw, "entry_differs")
    return body


def read_copy(files, policy):
    """How many bodies are missing from a whole log in {path: bytes}, or Refused (6.11)."""
    head = notes.believe(files["checkpoint"], policy)
    leaves, times, missing = [], [], 0
    for index in range((head["size"] + 255) // 256):
        width = min(256, head["size"] - 256 * index)
        for raw in tree.read_bundle(files[tree.tile_path("entries", index, width)], width):
            entry = cbor.read_entry(raw)
            leaves.append(tree.leaf(raw))
            times.append(entry["logged_at"])
            missing += not counts(entry, files.get("artifacts/" + entry["digest"].hex()))
    need(tree.root(leaves) == head["root"], "copy_other_root")
    need(times == sorted(times), "COPY_OUT_OF_ORDER")
    return missing


def counts(entry, data):
    """Whether a body counts (6.11)."""
    try:
        need(data is not None and sha256(data) == entry["digest"], "digest_mismatch")
        artifact.check_counts(entry, artifact.read_bytes(data))
        return True
    except Refused:
        return False


def log_cases(place, policy_file, bodies=True):
    source = Source(place)
    policy = source.policy(policy_file)
    head = notes.believe(source.get("checkpoint"), policy)
    yield "checkpoint", True, None
    raws, cases = read_entries(source, head["size"])
    yield from cases
    leaves = [tree.leaf(raw) for raw in raws]
    yield "root", tree.root(leaves) == head["root"], None
    for level, index, width in tree.tile_widths(head["size"]):
        yield tried(tree.tile_path(level, index, width), tile_case, source, leaves, level, index, width)
    entries, last = [], 0
    for i, raw in enumerate(raws):
        name, good, fault = tried(f"entry {i}", cbor.read_entry, raw)
        yield name, good, fault
        if good:
            entries.append((i, cbor.read_entry(raw), raw))
            yield f"time {i}", last <= entries[-1][1]["logged_at"], None
            last = entries[-1][1]["logged_at"]
    statements = {}
    for i, entry, raw in entries if bodies else []:
        yield tried(f"body {i}", collect, source, entry, raw, statements, i)
    yield from identity_cases(entries)
    yield from own_proof_cases(leaves)
    if source.remote:
        yield from api_cases(source, policy, head, raws, leaves, statements)


def collect(source, entry, raw, statements, index):
    body = body_case(source, entry, raw)
    statements.setdefault(artifact.statement_key(body), []).append((index, body))


def identity_cases(entries):
    """Nothing is logged twice (3.3)."""
    seen = set()
    for i, entry, _ in entries:
        key = artifact.identity({**entry, "signer": entry.get("signer")}, entry["submitter"])
        yield f"identity {i}", key not in seen, None
        seen.add(key)


def own_proof_cases(leaves):
    """Paths made from the tiles, checked by the verifier."""
    size, root = len(leaves), tree.root(leaves)
    for i, leaf in enumerate(leaves):
        yield tried(f"inclusion {i}", tree.check_inclusion, i, size, leaf, tree.inclusion_path(i, leaves), root)
    for m in sorted({1, size // 3, size // 2, size - 1, size} - {0, -1}):
        yield tried(f"consistency {m}", tree.check_consistency, m, size, tree.root(leaves[:m]), root,
                    tree.consistency_path(m, leaves))


def api_cases(source, policy, head, raws, leaves, statements):
    """What only a running log answers: its own proofs and published checkpoints (API)."""
    for i, raw in enumerate(raws):
        yield tried(f"tlog-proof {i}", api_proof, source, policy, i, raw, head)
    rows, after = [], None
    while True:
        page = source.json("v1/checkpoints?limit=1000" + (f"&after={after}" if after is not None else ""))
        rows += page["checkpoints"]
        after = page.get("next")
        if after is None:
            break
    for row in rows:
        yield tried(f"checkpoint {row['size']}", api_checkpoint, row, policy, leaves)
    sizes = sorted(row["size"] for row in rows)
    notes_of = {row["size"]: row["checkpoint"].encode() for row in rows}
    for m in sizes:
        for n in {sizes[-1], sizes[len(sizes) // 2]}:
            if m <= n:
                yield tried(f"consistency file {m} to {n}", api_consistency, source, policy, notes_of, m, n)
    for places in statements.values():
        yield tried(f"statement of {places[0][0]}", api_statement, source, places)


def api_proof(source, policy, index, raw, head):
    data = source.get(f"v1/entries/{index}.tlog-proof?size={head['size']}", "text/plain")
    place = proofs.proven(data, policy)
    need(place["raw"] == raw and place["index"] == index and place["checkpoint"] == head, "proof_of_another_entry")
    entry = source.json(f"v1/entries/{index}")
    need(entry["entry"] == raw.hex() and entry["leaf_hash"] == tree.leaf(raw).hex(), "entry_differs")


def api_checkpoint(row, policy, leaves):
    found = notes.believe(row["checkpoint"].encode(), policy)
    need(found["size"] == row["size"] and found["root"].hex() == row["root_hash"], "checkpoint_differs")
    need(found["size"] <= len(leaves) and tree.root(leaves[:found["size"]]) == found["root"], "root_differs")


def api_consistency(source, policy, notes_of, m, n):
    data = source.get(f"v1/proofs/consistency?from={m}&to={n}", "text/plain")
    newer = proofs.extends(notes.believe(notes_of[m], policy), data, policy)
    need(newer["size"] == n, "other_size")


def api_statement(source, places):
    """The log files the same entries under the statement (3.2)."""
    body = places[0][1]
    answer = source.json("v1/lookup?q=" + body["payload_hash"].hex())
    found = {i for group in answer["groups"] for i in group["entries"]}
    need({index for index, _ in places} <= found, "lookup_differs", str(sorted(found)))


def packet_cases(folder, policy_file):
    files = packet.read_folder(folder)
    policy_bytes = files.get("trust.policy", b"")
    if policy_file:
        with open(policy_file, "rb") as handle:
            policy_bytes = handle.read()
    result = packet.check_packet(files, notes.read_policy(policy_bytes))
    yield "proofs", bool(result["proven"]), None
    for index in sorted(result["proven"]):
        yield f"entry {index}", index in result["bodies"], None
    for state, code in result["open"]:
        yield f"{state} {code}", False, None
    if not result["open"]:
        yield "list of files, heads and consistency", True, None
    for index, covered in result["statements"]:
        yield f"statement {index}", covered, None
