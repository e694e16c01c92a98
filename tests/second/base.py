"""Refusals, hashes and base64 (FORMATS 1.4)."""
import base64
import hashlib
import re


class Refused(Exception):
    """Input that the formats refuse; `code` names the rule."""

    def __init__(self, code, where=""):
        super().__init__(code + (" at " + where if where else ""))
        self.code, self.where = code, where


def need(condition, code, where=""):
    if not condition:
        raise Refused(code, where)


def sha256(*parts):
    h = hashlib.sha256()
    for part in parts:
        h.update(part)
    return h.digest()


def b64u(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def b64u_read(text, code="base64url_not_canonical"):
    """base64url without padding, one spelling (1.4)."""
    need(re.fullmatch(r"[A-Za-z0-9_-]*", text) and len(text) % 4 != 1, code)
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    need(b64u(data) == text, code)
    return data


def b64(data):
    return base64.b64encode(data).decode()


def b64_read(text, code):
    """Standard base64 with padding, one spelling (1.4)."""
    need(re.fullmatch(r"[A-Za-z0-9+/]*={0,2}", text) and len(text) % 4 == 0, code)
    try:
        data = base64.b64decode(text)
    except ValueError:
        raise Refused(code) from None
    need(b64(data) == text, code)
    return data


def decimal(text, code):
    """Decimal without sign and leading zero, below 2^64 (1.4)."""
    need(re.fullmatch(r"0|[1-9][0-9]{0,19}", text), code)
    need(int(text) < 1 << 64, code)
    return int(text)


def hex_read(text, code="hex_invalid", size=None):
    need(isinstance(text, str) and re.fullmatch(r"(?:[0-9a-f]{2})*", text), code)
    data = bytes.fromhex(text)
    need(size is None or len(data) == size, code)
    return data
