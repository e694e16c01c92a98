"""Whole tokens in texts (FORMATS 4.3)."""
import base64
import json
import re

from base import sha256

PARTS = re.compile(r"\.[A-Za-z0-9_-]*\.(?:[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*)?")
LETTERS = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def header_start(run):
    """Where in the run before the first dot the header begins, or None."""
    attempts = 0
    for start in range(max(0, len(run) - 32768), len(run) - 1):
        first = base64.urlsafe_b64decode(run[start:start + 2] + "==")[0]
        if first not in b"{ \t\r\n" or (len(run) - start) % 4 == 1:
            continue
        attempts += 1
        if attempts > 512:
            return 0
        if is_header(run[start:]):
            return start
    return None


def run_before(text, dot, least):
    """The base64url characters right before the dot."""
    start = dot
    while start > least and text[start - 1] in LETTERS:
        start -= 1
    return text[start:dot]


def is_header(part):
    try:
        data = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
        value = json.loads(data.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict) and "alg" in value


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


def redact(value, path="", paths=None):
    """The value with each token in a text replaced by its hash, and where."""
    paths = [] if paths is None else paths
    if isinstance(value, dict):
        value = {n: redact(v, f"{path}.{n}" if path else n, paths)[0] for n, v in value.items()}
    elif isinstance(value, list):
        value = [redact(v, f"{path}[{i}]", paths)[0] for i, v in enumerate(value)]
    elif isinstance(value, str) and find(value):
        paths.append(path)
        for start, end in reversed(find(value)):
            value = value[:start] + "sha256:" + sha256(value[start:end].encode()).hex() + value[end:]
    return value, paths
