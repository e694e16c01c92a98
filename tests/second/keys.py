"""Keys and signatures (FORMATS 1.8)."""
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from base import need
from texts import size

P = 2 ** 255 - 19
ORDER = 2 ** 252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
SMALL = {bytes.fromhex(h) for h in """
0000000000000000000000000000000000000000000000000000000000000000
0000000000000000000000000000000000000000000000000000000000000080
0100000000000000000000000000000000000000000000000000000000000000
ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f
26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05
26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85
c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a
c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa""".split()}


def is_point(key):
    """Whether the bytes are the canonical encoding of a point."""
    sign, y = key[31] >> 7, int.from_bytes(key, "little") & (2 ** 255 - 1)
    if y >= P:
        return False
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P  # x^2; the divisor is never 0
    return sign == 0 if square == 0 else pow(square, (P - 1) // 2, P) == 1


def is_small(key):
    """Whether the bytes are a point of small order in any spelling."""
    y = (int.from_bytes(key, "little") & (2 ** 255 - 1)) % P
    return any((y | sign << 255).to_bytes(32, "little") in SMALL for sign in (0, 1))


def check_key(key, code="key_wrong_length"):
    need(len(key) == 32, code)
    need(is_point(key), "key_not_a_point")
    need(key not in SMALL, "key_small_order")
    return key


def verify(key, signature, message, code):
    """Strict Ed25519: S below the order, R not of small order, cofactorless."""
    check_key(key)
    need(len(signature) == 64, code)
    need(int.from_bytes(signature[32:], "little") < ORDER and signature[:32] not in SMALL, code)
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
        good = True
    except (InvalidSignature, ValueError):
        good = False
    need(good, code)


def base58(data):
    number, text = int.from_bytes(data, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        text = ALPHABET[digit] + text
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + text


def base58_read(text):
    need(text and all(c in ALPHABET for c in text), "invalid_did")
    number = 0
    for char in text:
        number = number * 58 + ALPHABET.index(char)
    data = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return bytes(len(text) - len(text.lstrip("1"))) + data


def did_of(key):
    return "did:key:z" + base58(b"\xed\x01" + key)


def bytes_of(did):
    """The 32 bytes in a did:key, whether they are a usable key or not, or Refused."""
    need(did.startswith("did:key:z") and size(did) <= 256, "invalid_did")
    data = base58_read(did[9:])
    need(data[:2] == b"\xed\x01", "invalid_did")
    need(len(data) == 34, "key_wrong_length")
    return data[2:]


def key_of(did):
    """The key of a did:key, or Refused."""
    key = bytes_of(did)
    need(not is_small(key), "key_small_order")
    return check_key(key)


def public_of(seed):
    key = Ed25519PrivateKey.from_private_bytes(seed)
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
