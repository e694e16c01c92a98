"""Whole tokens in texts (FORMATS 4.3)."""
import base64
import json
import math
import re

from base import sha256

PARTS = re.compile(r"\.[A-Za-z0-9_-]*\.(?:[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*)?")
SPACE = b" \t\n\x0c\r"
LETTERS = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def header_start(run):
    """Where in the run before the first dot the header begins, or None."""
    attempts, skipped = 0, max(0, len(run) - 32768)
    for first in range(skipped, min(skipped + 4, len(run))):
        data = decoded(run[first:])
        if not data.rstrip(SPACE).endswith(b"}"):
            continue
        for at in filter(lambda at: opens(data[at:at + 3]), range(0, len(data), 3)):
            attempts += 1
            if attempts > 512 or is_header(data[at:]):
                return first + at // 3 * 4
    return None


def decoded(run):
    """Left-over bits and a last character that stands alone are ignored."""
    run = run[:len(run) - 1] if len(run) % 4 == 1 else run
    return base64.urlsafe_b64decode(run + "=" * (-len(run) % 4))


def opens(group):
    group = group.lstrip(SPACE)
    return group == b"" or group[:1] == b"{" and group[1:].lstrip(SPACE)[:1] in (b"", b'"')


def run_before(text, dot, least):
    """The base64url characters right before the dot."""
    start = dot
    while start > least and text[start - 1] in LETTERS:
        start -= 1
    return text[start:dot]


def is_header(data):
    """RFC 8259 in UTF-8; json.loads itself knows NaN and bare surrogates and no bound of depth."""
    try:
        value = json.loads(data.decode("utf-8"), parse_constant=refuse)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict) and "alg" in value and is_plain(value, 127)


def refuse(word):
    raise ValueError(word)


def is_plain(value, depth):
    if isinstance(value, str):
        return not any("\ud800" <= char <= "\udfff" for char in value)
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, int):
        return abs(value) < 2 ** 1024
    if isinstance(value, dict):
        return depth > 0 and all(is_plain(name, 1) and is_plain(value[name], depth - 1) for name in value)
    return depth > 0 and all(is_plain(item, depth - 1) for item in value) if isinstance(value, list) else True


def find(text):
    """The (start, end) of each token, left to right."""
    found, at = [], 0
    while True:
        dot = text.find(".", at)
        if dot < 0:
            return found
        parts = PARTS.match(text, dot)
        run = run_before(text, dot, at)
        start = header_start(run) if parts and len(run) >= 14 else None
        if start is None:
            at = dot + 1
            continue
        found.append((dot - len(run) + start, parts.end()))
        at = parts.end()


def place(value, path=""):
    """The path of the first text or member name that holds a token, or None."""
    if isinstance(value, str):
        return path if find(value) else None
    if isinstance(value, list):
        inside = ((item, f"{path}[{i}]") for i, item in enumerate(value))
    elif isinstance(value, dict):
        for name in value:
            if find(name):
                return path
        inside = ((item, f"{path}.{name}" if path else name) for name, item in value.items())
    else:
        return None
    return next((p for p in (place(*pair) for pair in inside) if p is not None), None)


def hashed(text):
    return "sha256:" + sha256(text.encode()).hex()


def redact(value, path="", paths=None):
    """The value with each token in a text replaced by its hash, and where."""
    paths = [] if paths is None else paths
    if isinstance(value, dict):
        value = {n: redact(v, f"{path}.{n}" if path else n, paths)[0] for n, v in value.items()}
    elif isinstance(value, list):
        value = [redact(v, f"{path}[{i}]", paths)[0] for i, v in enumerate(value)]
    elif isinstance(value, str) and find(value):
        paths.append(path)
        was = value
        for start, end in reversed(find(value)):
            value = value[:start] + hashed(value[start:end]) + value[end:]
        if find(value):
            value = hashed(was)
    return value, paths
