"""Artifacts (FORMATS 2), admission (4), statement keys and receipts roots (3.2 to 3.4)."""
import jws
import keys
import rules
import shapes
import tree
from base import Refused, b64u, b64u_read, need, sha256
from cbor import leaf_input, make_entry
from kinds import ARRAYS, KINDS
from sjson import compact, jcs, parse

SHAPES = shapes.load()
CO_SIGNATURE = '{ signature_b64u: b64u86 algorithm: "Ed25519" signer_did: did issued_at: peer_time ' \
               'role: "proxy" | "approver" | "auditor" | "supervisor" }'


def envelope_shape(kind, version):
    """The envelope of 2.1."""
    expires = "" if kind == "work_policy" else "expires_at?: peer_time "
    signatures = f"co_signatures?: [0..16] {CO_SIGNATURE}" if version == "2" else ""
    return shapes.Notation(
        f'{{ envelope_version: "{version}" envelope_type: "{KINDS[kind]["envelope_type"]}" payload: {{ ... }} '
        'payload_hash_b64u: b64u43 hash_algorithm: "SHA-256" signature_b64u: b64u86 algorithm: "Ed25519" '
        f'signer_did: did issued_at: peer_time {expires}{signatures} }}').shape()


def kind_of(value):
    """(kind, bare) by 4.1 step 4."""
    need(isinstance(value, dict), "unknown_kind")
    if "envelope_type" in value:
        for kind, row in KINDS.items():
            if value["envelope_type"] == row["envelope_type"]:
                return kind, False
        raise Refused("unknown_kind")
    need("envelope_version" not in value and "signature_b64u" not in value, "missing_field", "envelope_type")
    named = [kind for kind, row in KINDS.items() if any(form[0] in value for form in row["forms"])]
    need(named, "unknown_kind")
    for kind in named:
        if KINDS[kind]["bare"]:
            return kind, True
    raise Refused("unsigned_not_allowed")


def form_of(kind, payload, envelope, path):
    """The form that the version member of a payload names: 4.1 step 7."""
    forms = KINDS[kind]["forms"]
    named = [form for form in forms if form[0] in payload and envelope in (form[2], None)]
    need(named, "missing_field", shapes.below(path, forms[0][0]))
    for form in named:
        if form[1] == payload[form[0]]:
            return form
    raise Refused("unknown_version", shapes.below(path, named[-1][0]))


def expect_text(value, name, known, code):
    need(name in value, "missing_field", name)
    need(isinstance(value[name], str), "wrong_type", name)
    need(value[name] in known, code, name)


def check_payload(kind, form, payload, path, intake):
    need(not intake or len(form) < 4, "retired_version", shapes.below(path, form[0]))
    shapes.check(SHAPES[(kind, form[0], form[1])], payload, path, intake)
    rules.check(kind, payload)


def check_envelope(kind, value, intake):
    """Steps 7 to 12 of 4.1; the payload's hash."""
    expect_text(value, "envelope_version", [f[2] for f in KINDS[kind]["forms"]], "unknown_version")
    need("payload" in value, "missing_field", "payload")
    payload = value["payload"]
    need(isinstance(payload, dict), "wrong_type", "payload")
    form = form_of(kind, payload, value["envelope_version"], "payload")
    expect_text(value, "algorithm", ["Ed25519"], "unknown_algorithm")
    need(value.get("hash_algorithm") != "BLAKE3", "unsupported_hash_algorithm", "hash_algorithm")
    expect_text(value, "hash_algorithm", ["SHA-256"], "unknown_hash_algorithm")
    shapes.check(envelope_shape(kind, value["envelope_version"]), value, "", intake)
    check_payload(kind, form, payload, "payload", intake)
    form_bytes = jcs(payload) if KINDS[kind]["hash_form"] == "jcs" else compact(payload)
    digest = sha256(form_bytes)
    need(b64u(digest) == value["payload_hash_b64u"], "hash_mismatch", "payload_hash_b64u")
    check_signature(value, value["payload_hash_b64u"], "signature_invalid", "")
    for i, other in enumerate(value.get("co_signatures", [])):
        check_signature(other, value["payload_hash_b64u"], "co_signature_invalid", f"co_signatures[{i}]")
    return digest


def check_signature(holder, hash_text, code, path):
    """Signed are the 43 characters of the hash (2.3)."""
    try:
        key = keys.key_of(holder["signer_did"])
    except Refused as fault:
        raise Refused(fault.code, shapes.below(path, "signer_did")) from None
    try:
        keys.verify(key, b64u_read(holder["signature_b64u"]), hash_text.encode(), code)
    except Refused:
        raise Refused(code, shapes.below(path, "signature_b64u")) from None


def read(value, intake=False):
    """An artifact of a JSON value, as intake or as a reader of logs takes it (4.4)."""
    kind, bare = kind_of(value)
    redacted = []
    if bare and kind == "argocd_observation":
        value, redacted = jws.redact(value)
    text = compact(value)
    digest = sha256(text)
    if bare:
        check_payload(kind, form_of(kind, value, None, ""), value, "", intake)
        payload_hash, payload, signer = digest, value, None
    else:
        payload_hash, payload, signer = check_envelope(kind, value, intake), value["payload"], value["signer_did"]
    secret = jws.place(value)
    need(secret is None, "secret_in_artifact", secret or "")
    return {"kind": kind, "compact": text, "digest": digest, "payload": payload, "payload_hash": payload_hash,
            "signer": signer, "redacted": redacted}


def read_bytes(data, intake=False):
    return read(parse(data), intake)


def statement_key(artifact):
    """3.2."""
    signer = (artifact["signer"] or "").encode()
    return artifact["payload_hash"] + sha256(artifact["kind"].encode(), b"\0", signer)[:8]


def identity(artifact, submitter):
    """3.3."""
    tail = b"" if artifact["signer"] else b"\0" + submitter.encode()
    return artifact["digest"] + artifact["kind"].encode() + tail


def receipts(payload):
    """(array, index, element) of every receipt in the order of 3.4."""
    return [(a, i, e) for a in ARRAYS for i, e in enumerate(payload.get(a, []))]


def receipt_leaves(artifact):
    if artifact["kind"] != "proof_bundle":
        return []
    return [leaf_input(a, i, sha256(compact(e))) for a, i, e in receipts(artifact["payload"])]


def receipts_root(artifact):
    """(root or None, count): 3.4."""
    leaves = receipt_leaves(artifact)
    return (tree.root([tree.leaf(x) for x in leaves]) if leaves else None), len(leaves)


def has_envelope(element):
    return "envelope_type" in element or "envelope_version" in element


def expand(artifact, intake=True):
    """What a bundle expands to, and what it does not with the code (4.2)."""
    good, bad = [], []
    for array, index, element in receipts(artifact["payload"]) if artifact["kind"] == "proof_bundle" else []:
        if array in ("vir_receipts", "web_receipts") or not has_envelope(element):
            continue
        try:
            inner = read(element, intake)
            need(KINDS[inner["kind"]]["array"] == array, "kind_not_expandable")
            good.append(inner)
        except Refused as fault:
            bad.append((f"payload.{array}[{index}]", fault.code))
    return good, bad


def entry_of(artifact, submitter, logged_at):
    root, count = receipts_root(artifact)
    return make_entry(artifact["kind"], artifact["digest"], len(artifact["compact"]), artifact["signer"],
                      submitter, logged_at, root, count)


def check_counts(entry, artifact):
    """6.11: the body counts."""
    need(artifact["digest"] == entry["digest"], "digest_mismatch")
    check_named(entry, artifact)


def check_named(entry, artifact):
    need(artifact["kind"] == entry["kind"], "kind_mismatch")
    need(artifact["signer"] == entry.get("signer"), "signer_mismatch")


def check_body(entry, artifact):
    """Everything that an entry says of its body."""
    check_counts(entry, artifact)
    need(len(artifact["compact"]) == entry["body_bytes"], "length_mismatch")
    check_receipts(entry, artifact)


def check_receipts(entry, artifact):
    root, count = receipts_root(artifact)
    need((root, count) == (entry.get("receipts_root"), entry.get("receipts_count", 0)), "receipts_root_mismatch")
