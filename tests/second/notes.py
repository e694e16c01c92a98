"""Signed notes (FORMATS 6.4), vkeys (6.5), checkpoints (6.6), cosignatures (6.7), trust policies (6.8)."""
import re
import unicodedata

import keys
from base import Refused, b64, b64_read, decimal, need, sha256

ED25519, COSIGNATURE = 1, 4
EMPTY_ROOT = sha256(b"")


def check_name(name):
    """A key name (6.4)."""
    need(1 <= len(name.encode()) <= 255 and "+" not in name, "key_name_invalid")
    need(not any(c.isspace() or unicodedata.category(c) == "Cc" for c in name), "key_name_invalid")


def key_id(name, kind, key):
    return sha256(name.encode(), b"\n", bytes([kind]), key)[:4]


def make_vkey(name, kind, key):
    return f"{name}+{key_id(name, kind, key).hex()}+{b64(bytes([kind]) + key)}"


def read_vkey(text):
    """{name, id, type, key} (6.5)."""
    parts = text.split("+", 2)
    need(len(parts) == 3, "vkey_invalid")
    name, ident, data = parts
    check_name(name)
    need(re.fullmatch("[0-9a-f]{8}", ident), "vkey_invalid")
    data = b64_read(data, "vkey_invalid")
    need(data, "vkey_invalid")
    need(data[0] in (ED25519, COSIGNATURE), "key_type_unknown")
    need(len(data) == 33, "vkey_invalid")
    keys.check_key(data[1:])
    need(key_id(name, data[0], data[1:]).hex() == ident, "key_id_mismatch")
    return {"name": name, "id": bytes.fromhex(ident), "type": data[0], "key": data[1:]}


def read_note(data):
    """{text, lines [(name, id, signature)]} (6.4)."""
    need(len(data) <= 781889, "note_too_large")
    try:
        note = data.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused("note_not_utf8") from None
    need(note.endswith("\n"), "note_no_final_newline")
    at = note.rfind("\n\n")
    need(at >= 0, "note_no_empty_line")
    text, rest = note[:at + 1], note[at + 2:]
    need(not any(c < " " and c != "\n" for c in text), "note_control_character")
    need(len(text.encode()) <= 65536, "note_too_large")
    need(rest, "note_no_signature")
    lines = [read_line(line) for line in rest[:-1].split("\n")]
    need(len(lines) <= 64, "note_too_many_lines")
    return {"text": text, "lines": lines}


def read_line(line):
    match = re.fullmatch("\u2014 ([^ ]+) ([^ ]+)", line, re.DOTALL)
    need(match, "note_signature_line")
    check_name(match[1])
    data = b64_read(match[2], "note_signature_line")
    need(4 < len(data) <= 4 + 8192, "note_signature_line")
    return match[1], data[:4], data[4:]


def check_line(key, signature, text):
    """None, or the time of a cosignature; Refused when the line does not verify."""
    code = "note_signature_invalid"
    if key["type"] == ED25519:
        keys.verify(key["key"], signature, text.encode(), code)
        return None
    need(len(signature) == 72, code)
    time = int.from_bytes(signature[:8], "big")
    need(1 <= time < 1 << 63, code)
    keys.verify(key["key"], signature[8:], f"cosignature/v1\ntime {time}\n{text}".encode(), code)
    return time


def lines_of(note, key):
    """The times of the lines of one key, all verified."""
    return [check_line(key, signature, note["text"]) for name, ident, signature in note["lines"]
            if name == key["name"] and ident == key["id"]]


def read_checkpoint(note):
    """(origin, size, root) of a note's text: exactly three lines (6.6)."""
    lines = note["text"].split("\n")
    need(len(lines) >= 4, "checkpoint_lines")
    need(len(lines) == 4, "extension_line")
    check_name(lines[0])
    size = decimal(lines[1], "checkpoint_size")
    root = b64_read(lines[2], "checkpoint_root")
    need(len(root) == 32 and (size or root == EMPTY_ROOT), "checkpoint_root")
    return lines[0], size, root


def read_policy(data):
    """{logs, witnesses {name: key}, groups {name: (K, members)}, quorum} (6.8)."""
    need(len(data) <= 262144, "policy_too_large")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused("policy_not_utf8") from None
    policy = {"logs": [], "witnesses": {}, "groups": {}, "quorum": None, "members": set()}
    for number, line in enumerate(text.split("\n"), 1):
        try:
            need(not any((c < " " or c == "\x7f") and c != "\t" for c in line), "policy_control_character")
            words = [word for word in re.split("[ \t]+", line) if word]
            if words and not words[0].startswith("#"):
                need(words[0] in STATEMENTS, "policy_unknown_keyword")
                STATEMENTS[words[0]](policy, words[1:])
        except Refused as fault:
            raise Refused(fault.code, f"line {number}") from None
    need(policy["logs"], "policy_no_log")
    need(policy["quorum"] is not None, "policy_no_quorum")
    need(all(len(policy[part]) <= 256 for part in ("logs", "witnesses", "groups")), "policy_too_large")
    return policy


def policy_key(text, kind, others):
    key = read_vkey(text)
    need(key["type"] == kind, "key_type_wrong")
    need(all(k["key"] != key["key"] for k in others), "policy_duplicate_key")
    return key


def new_name(policy, name):
    need(name != "none", "policy_reserved_name")
    need(name not in policy["witnesses"] and name not in policy["groups"], "policy_duplicate_name")


def log_line(policy, words):
    need(1 <= len(words) <= 2, "policy_words")
    policy["logs"].append(policy_key(words[0], ED25519, policy["logs"]))


def witness_line(policy, words):
    need(2 <= len(words) <= 3, "policy_words")
    new_name(policy, words[0])
    policy["witnesses"][words[0]] = policy_key(words[1], COSIGNATURE, policy["witnesses"].values())


def group_line(policy, words):
    need(len(words) >= 3, "policy_words")
    name, rule, members = words[0], words[1], words[2:]
    new_name(policy, name)
    for member in members:
        need(member in policy["witnesses"] or member in policy["groups"], "policy_undefined_name")
        need(member not in policy["members"], "policy_member_twice")
        policy["members"].add(member)
    count = {"all": len(members), "any": 1}.get(rule)
    count = decimal(rule, "policy_threshold") if count is None else count
    need(1 <= count <= len(members), "policy_threshold")
    policy["groups"][name] = (count, members)


def quorum_line(policy, words):
    need(len(words) == 1, "policy_words")
    need(policy["quorum"] is None, "policy_second_quorum")
    name = words[0]
    need(name == "none" or name in policy["witnesses"] or name in policy["groups"], "policy_undefined_name")
    policy["quorum"] = name


STATEMENTS = {"log": log_line, "witness": witness_line, "group": group_line, "quorum": quorum_line}


def agrees(policy, name, times):
    if name == "none":
        return True
    if name in policy["groups"]:
        count, members = policy["groups"][name]
        return sum(agrees(policy, member, times) for member in members) >= count
    return bool(times[name])


def believe(data, policy):
    """{origin, size, root, witnesses} of a checkpoint that the policy believes, or Refused (6.8)."""
    note = read_note(data)
    origin, size, root = read_checkpoint(note)
    signed = [key for key in policy["logs"] if lines_of(note, key) and key["name"] == origin]
    need(signed, "log_unknown")
    times = {name: lines_of(note, key) for name, key in policy["witnesses"].items()}
    need(agrees(policy, policy["quorum"], times), "quorum_unmet")
    seen = [{"name": key["name"], "time": max(times[name])} for name, key in policy["witnesses"].items()
            if times[name]]
    return {"origin": origin, "size": size, "root": root, "witnesses": seen}
