"""Texts (FORMATS 1.5), spelling of ids (1.6) and times (1.7)."""
import re

from base import Refused, b64u_read, need

UNSEEN = [(0x00, 0x1F), (0x7F, 0xA0), (0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C), (0x115F, 0x1160),
          (0x1680, 0x1680), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x2000, 0x200F), (0x2028, 0x202F),
          (0x205F, 0x206F), (0x2800, 0x2800), (0x3000, 0x3000), (0x3164, 0x3164), (0xFDD0, 0xFDEF),
          (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0), (0xFFF0, 0xFFFB), (0xFFFE, 0xFFFF),
          (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF)]
PATTERNS = {
    "did": r"did:[a-z0-9]+:[A-Za-z0-9._%:-]+",
    "did_key": r"did:key:z[A-Za-z0-9._%:-]*",
    "hex64": r"[0-9a-f]{64}", "hex32": r"[0-9a-f]{32}", "hex16": r"[0-9a-f]{16}",
    "dns1123": r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*",
    "submitter": r"[a-z0-9._-]{1,64}",
    "origin": r"[\x21-\x2a\x2c-\x7e]{1,255}",
    "digits": r"[0-9]{1,32}",
    "eip155": r"eip155:[0-9]{1,32}:0x[0-9a-fA-F]{40}",
}
MOST = {"did": 256, "did_key": 256, "dns1123": 253}
TIME = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})([Tt ])([0-9]{2}):([0-9]{2}):([0-9]{2})"
                  r"(\.[0-9]+)?(Z|z|[+-][0-9]{2}:[0-9]{2})")


def size(text):
    return len(text.encode())


def seen(char):
    return not any(low <= ord(char) <= high for low, high in UNSEEN)


def spelled(text):
    """The one spelling of an id (1.6)."""
    return text != "" and text[0] != " " and text[-1] != " " and all(map(seen, text))


def day_exists(year, month, day):
    if not (1 <= month <= 12 and day >= 1):
        return False
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return day <= (29 if month == 2 and leap else (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)[month - 1])


def is_time(text, peer):
    """`time` or `peer_time` (1.7)."""
    match = TIME.fullmatch(text)
    if not match:
        return False
    year, month, day, mark, hour, minute, second, fraction, zone = match.groups()
    if not day_exists(int(year), int(month), int(day)) or int(hour) > 23 or int(minute) > 59 or int(second) > 59:
        return False
    if not peer:
        return mark == "T" and zone == "Z" and len(fraction or ".0") <= 4
    if len(zone) == 6 and (int(zone[1:3]) > 23 or int(zone[4:]) > 59):
        return False
    return 20 <= size(text) <= 35


def is_relative_path(text):
    return (1 <= size(text) <= 1024 and "\\" not in text and text[0] not in "/~"
            and ".." not in text.split("/"))


def check(rule, text, intake=False):
    """Refused unless `text` fits the named rule."""
    bounds = re.fullmatch(r"(text|b64u)\((\d+)\.\.(\d+)\)", rule)
    if bounds:
        need(int(bounds[2]) <= size(text) <= int(bounds[3]), "invalid_value")
        if bounds[1] == "b64u":
            b64u_read(text)
    elif rule in ("b64u43", "b64u86"):
        need(len(text) == int(rule[4:]), "invalid_value")
        b64u_read(text)
    elif rule == "id":
        need(1 <= size(text) <= 256 and (not intake or spelled(text)), "invalid_value")
    elif rule in ("time", "peer_time"):
        need(is_time(text, rule == "peer_time"), "invalid_value")
    elif rule == "relative_path":
        need(is_relative_path(text), "invalid_value")
    elif rule in PATTERNS:
        need(re.fullmatch(PATTERNS[rule], text) and size(text) <= MOST.get(rule, 1024), "invalid_value")
    else:
        raise Refused("rule_unknown", rule)
