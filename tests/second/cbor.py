"""Deterministic CBOR (FORMATS 1.9), entries (3.1) and receipt leaves (3.4)."""
import re

from base import Refused, need, sha256
from keys import bytes_of
from kinds import KINDS
from texts import PATTERNS

UNSIGNED, BYTES, TEXT, ARRAY, MAP = 0, 2, 3, 4, 5
TYPES = {1: UNSIGNED, 2: TEXT, 3: BYTES, 4: UNSIGNED, 5: TEXT, 6: TEXT, 7: UNSIGNED, 8: BYTES, 9: UNSIGNED}
NAMES = {1: "version", 2: "kind", 3: "digest", 4: "body_bytes", 5: "signer", 6: "submitter",
         7: "logged_at", 8: "receipts_root", 9: "receipts_count"}


def head(major, number):
    """The shortest head."""
    if number < 24:
        return bytes([major << 5 | number])
    for info, width in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if number < 1 << 8 * width:
            return bytes([major << 5 | info]) + number.to_bytes(width, "big")
    raise Refused("entry_cbor")


def encode(value):
    if isinstance(value, int):
        return head(UNSIGNED, value)
    if isinstance(value, bytes):
        return head(BYTES, len(value)) + value
    if isinstance(value, str):
        return head(TEXT, len(value.encode())) + value.encode()
    if isinstance(value, list):
        return head(ARRAY, len(value)) + b"".join(map(encode, value))
    return head(MAP, len(value)) + b"".join(encode(k) + encode(value[k]) for k in sorted(value))


class Reader:
    """Heads and strings of definite length, whether shortest or not: encoding again tells."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        need(self.at + count <= len(self.data), "entry_cbor")
        self.at += count
        return self.data[self.at - count:self.at]

    def head(self):
        first = self.take(1)[0]
        major, info = first >> 5, first & 31
        if info < 24:
            return major, info
        need(info <= 27, "entry_cbor")  # indefinite lengths and reserved heads
        return major, int.from_bytes(self.take(1 << info - 24), "big")

    def item(self, wanted):
        major, number = self.head()
        need(major == wanted, "entry_cbor")
        if wanted == UNSIGNED:
            return number
        data = self.take(number)
        if wanted == BYTES:
            return data
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            raise Refused("entry_cbor") from None


def read_entry(data):
    """The members of an entry by name, or Refused (3.1)."""
    need(len(data) <= 65535, "entry_too_large")
    need(data[:1] != b"\xd2", "entry_cose_reserved")
    need(data and 0xA0 <= data[0] <= 0xBB, "entry_unknown_form")
    reader = Reader(data)
    members, last = {}, -1
    for _ in range(reader.head()[1]):
        key = reader.item(UNSIGNED)
        need(key > last, "entry_not_deterministic")
        need(key in TYPES, "entry_unknown_key")
        members[key], last = reader.item(TYPES[key]), key
    check_entry(members)
    need(encode(members) == data, "entry_not_deterministic")
    return {NAMES[key]: value for key, value in members.items()}


def check_entry(members):
    for key in (1, 2, 3, 4, 6, 7):
        need(key in members, "entry_missing_key", NAMES[key])
    need(members[1] == 1, "entry_unknown_version")
    need(members[2] in KINDS, "entry_unknown_kind")
    need(len(members[3]) == 32 and len(members.get(8, bytes(32))) == 32, "entry_hash_length")
    if 5 in members:
        try:
            bytes_of(members[5])
        except Refused:
            raise Refused("entry_signer") from None
    need(re.fullmatch(PATTERNS["submitter"], members[6]), "submitter_name")
    need((8 in members) == (9 in members), "entry_missing_key")
    if 8 in members:
        need(members[2] == "proof_bundle", "entry_unknown_key")
        need(members[9] >= 1, "entry_missing_key")


def make_entry(kind, digest, length, signer, submitter, logged_at, root=None, count=0):
    members = {1: 1, 2: kind, 3: digest, 4: length, 6: submitter, 7: logged_at}
    if signer is not None:
        members[5] = signer
    if root is not None:
        members[8], members[9] = root, count
    return encode(members)


def leaf_input(array, index, digest):
    """One leaf of the receipts root (3.4)."""
    return encode([array, index, digest])


def leaf_hash(entry):
    return sha256(b"\0", entry)
