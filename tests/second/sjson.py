"""Strict JSON (FORMATS 1.1), compact form (1.2) and JCS (1.3).

Objects are dicts in the order of the text, numbers are floats.
"""
import json
import math
import re

from base import Refused, need

SPACE = " \t\n\r"
NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
PLAIN = re.compile(r'[^"\\\x00-\x1f]+')
ESCAPES = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
WORDS = (("true", True), ("false", False), ("null", None))


def parse(data, limit=67108864):
    """The one JSON value of these bytes, or Refused."""
    need(len(data) <= limit, "artifact_too_large")
    need(not data.startswith(b"\xef\xbb\xbf"), "json_bom")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused("json_not_utf8") from None
    reader = Reader(text)
    value = reader.value(0)
    reader.skip()
    need(reader.at == len(text), "json_trailing_data")
    return value


class Reader:
    def __init__(self, text):
        self.text, self.at = text, 0

    def skip(self):
        while self.at < len(self.text) and self.text[self.at] in SPACE:
            self.at += 1

    def peek(self):
        need(self.at < len(self.text), "json_truncated")
        return self.text[self.at]

    def expect(self, char):
        need(self.peek() == char, "json_syntax")
        self.at += 1

    def value(self, depth):
        self.skip()
        char = self.peek()
        if char in "{[":
            need(depth < 64, "json_too_deep")
            return self.object(depth + 1) if char == "{" else self.array(depth + 1)
        if char == '"':
            return self.string()
        if char == "-" or char.isascii() and char.isdigit():
            return self.number()
        for word, value in WORDS:
            if self.text.startswith(word, self.at):
                self.at += len(word)
                return value
            need(not word.startswith(self.text[self.at:]), "json_truncated")
        raise Refused("json_syntax")

    def object(self, depth):
        self.at += 1
        members = {}
        self.skip()
        if self.peek() == "}":
            self.at += 1
            return members
        while True:
            self.skip()
            need(self.peek() == '"', "json_syntax")
            name = self.string()
            need(name not in members, "json_duplicate_key", name)
            self.skip()
            self.expect(":")
            members[name] = self.value(depth)
            self.skip()
            if self.peek() == "}":
                self.at += 1
                return members
            self.expect(",")

    def array(self, depth):
        self.at += 1
        items = []
        self.skip()
        if self.peek() == "]":
            self.at += 1
            return items
        while True:
            items.append(self.value(depth))
            self.skip()
            if self.peek() == "]":
                self.at += 1
                return items
            self.expect(",")

    def string(self):
        self.at += 1
        out = []
        while True:
            plain = PLAIN.match(self.text, self.at)
            if plain:
                out.append(plain.group())
                self.at = plain.end()
            char = self.peek()
            self.at += 1
            if char == '"':
                return "".join(out)
            need(char == "\\", "json_syntax")
            out.append(self.escape())

    def escape(self):
        char = self.peek()
        self.at += 1
        if char != "u":
            need(char in ESCAPES, "json_syntax")
            return ESCAPES[char]
        unit = self.unit()
        if 0xD800 <= unit <= 0xDFFF:
            need(unit < 0xDC00 and self.text.startswith("\\u", self.at), "json_lone_surrogate")
            self.at += 2
            low = self.unit()
            need(0xDC00 <= low <= 0xDFFF, "json_lone_surrogate")
            unit = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00)
        return chr(unit)

    def unit(self):
        digits = self.text[self.at:self.at + 4]
        need(len(digits) == 4, "json_truncated")
        need(re.fullmatch("[0-9a-fA-F]{4}", digits), "json_syntax")
        self.at += 4
        return int(digits, 16)

    def number(self):
        match = NUMBER.match(self.text, self.at)
        need(match, "json_syntax" if self.at + 1 < len(self.text) else "json_truncated")
        self.at = match.end()
        # "01", "1." and "1e" leave a rest that is no number's end
        need(not re.match(r"[0-9.eE+-]", self.text[self.at:self.at + 1]), "json_syntax")
        double = float(match.group())
        need(math.isfinite(double), "json_number_overflow")
        need(abs(double) <= 2 ** 53 - 1, "json_number_unsafe")
        mantissa = re.split("[eE]", match.group())[0]
        need(double != 0 or not re.search("[1-9]", mantissa), "json_number_underflow")
        return double + 0.0 if double else 0.0


def number_text(double):
    """ECMAScript Number::toString (RFC 8785 3.2.2.3)."""
    if double == 0:
        return "0"
    sign = "-" if double < 0 else ""
    mantissa, _, exponent = repr(abs(double)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    if fraction == "0":
        fraction = ""
    n = len(whole) + int(exponent or 0)
    digits = whole + fraction
    n -= len(digits) - len(digits.lstrip("0"))
    digits = digits.lstrip("0").rstrip("0")
    k = len(digits)
    if k <= n <= 21:
        return sign + digits + "0" * (n - k)
    if 0 < n <= 21:
        return sign + digits[:n] + "." + digits[n:]
    if -6 < n <= 0:
        return sign + "0." + "0" * -n + digits
    point = "." + digits[1:] if k > 1 else ""
    return f"{sign}{digits[0]}{point}e{'+' if n > 0 else '-'}{abs(n - 1)}"


def is_index(name):
    return bool(re.fullmatch(r"0|[1-9][0-9]{0,9}", name)) and int(name) <= 2 ** 32 - 2


def compact_order(names):
    return sorted(filter(is_index, names), key=int) + [n for n in names if not is_index(n)]


def jcs_order(names):
    return sorted(names, key=lambda name: name.encode("utf-16-be"))


def write(value, order):
    if isinstance(value, dict):
        return "{" + ",".join(json.dumps(n, ensure_ascii=False) + ":" + write(value[n], order)
                              for n in order(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(write(item, order) for item in value) + "]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if value is None or isinstance(value, bool):
        return {True: "true", False: "false", None: "null"}[value]
    return number_text(float(value))


def compact(value):
    return write(value, compact_order).encode()


def jcs(value):
    return write(value, jcs_order).encode()
