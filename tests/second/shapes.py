"""Shapes of payloads and envelopes: the notation of FORMATS 5.4, read from members.txt, and its check.

Faults answer in the order of 4.1 step 9: within an object in document order, missing members last.
"""
import os
import re

import texts
from base import Refused, need
from sjson import compact

TOKEN = re.compile(r'"[^"]*"|\w+\([^()\s]*\)|\w+|\[\d*\.\.\d+\]|\.\.\.|[{}()|?:]')


class Notation:
    """Reads one shape: ("object", members, open) ("map", name, value, most) ("list", low, high, item)
    ("any of", alternatives) ("rule", word)."""

    def __init__(self, text):
        self.tokens, self.at = TOKEN.findall(text), 0

    def peek(self):
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self):
        self.at += 1
        return self.tokens[self.at - 1]

    def shape(self):
        alternatives = [self.one()]
        while self.peek() == "|":
            self.take()
            alternatives.append(self.one())
        return alternatives[0] if len(alternatives) == 1 else ("any of", alternatives)

    def one(self):
        token = self.take()
        if token == "{":
            return self.object()
        if token == "(":
            inner = self.shape()
            self.take()
            return inner
        if token.startswith("["):
            low, high = token[1:-1].split("..")
            return ("list", int(low), int(high), self.one())
        return ("rule", token)

    def object(self):
        members, is_open = {}, False
        while self.peek() != "}":
            name = self.take()
            if name == "...":
                is_open = True
                continue
            optional = self.peek() == "?" and self.take()
            self.take()  # the colon
            value = self.shape()
            if "(" in name:
                self.take()
                return ("map", name, value, int(self.take()[3:-1]))
            members[name] = (not optional, value)
        self.take()
        return ("object", members, is_open)


def load():
    """{(kind, version member, version): shape}"""
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "members.txt")) as file:
        text = re.sub(r"\n  +", " ", file.read())
    named, shapes = {}, {}
    for line in text.split("\n"):
        if " = " in line and not line.startswith("#"):
            name, body = line.split(" = ", 1)
            body = re.sub(r"\$(\w+)", lambda m: named[m[1]], body)
            if name.startswith("$"):
                named[name[1:]] = body
            else:
                shapes[tuple(name.split())] = Notation(body).shape()
    return shapes


def below(path, name):
    return f"{path}.{name}" if path else name


def check(shape, value, path, intake=False):
    """Refused at the first fault."""
    what = shape[0]
    if what == "object":
        need(isinstance(value, dict), "wrong_type", path)
        check_members(shape[1], shape[2], value, path, intake)
    elif what == "map":
        need(isinstance(value, dict), "wrong_type", path)
        need(len(value) <= shape[3], "invalid_value", path)
        for name in value:
            check(("rule", shape[1]), name, below(path, name), intake)
            check(shape[2], value[name], below(path, name), intake)
    elif what == "list":
        need(isinstance(value, list), "wrong_type", path)
        need(shape[1] <= len(value) <= shape[2], "invalid_value", path)
        for index, item in enumerate(value):
            check(shape[3], item, f"{path}[{index}]", intake)
    elif what == "any of":
        check_any(shape[1], value, path, intake)
    else:
        check_rule(shape[1], value, path, intake)


def check_members(members, is_open, value, path, intake):
    for name, item in value.items():
        if name in members:
            check(members[name][1], item, below(path, name), intake)
        else:
            need(is_open, "unknown_field", below(path, name))
    for name, (required, _) in members.items():
        need(not required or name in value, "missing_field", below(path, name))


def check_any(alternatives, value, path, intake):
    if all(shape[0] == "object" for shape in alternatives):
        return check(by_event(alternatives, value, path), value, path, intake)
    faults = []
    for shape in alternatives:
        try:
            return check(shape, value, path, intake)
        except Refused as fault:
            faults.append(fault)
    raise next((f for f in faults if f.code != "wrong_type"), faults[0])


def by_event(alternatives, value, path):
    """The forms of an observation differ by their `event`."""
    need(isinstance(value, dict), "wrong_type", path)
    need("event" in value, "missing_field", below(path, "event"))
    for shape in alternatives:
        if shape[1]["event"][1] == ("rule", '"%s"' % (value["event"],)):
            return shape
    raise Refused("invalid_value", below(path, "event"))


def check_rule(rule, value, path, intake):
    bounds = re.fullmatch(r"(int|number|object)\((-?\d*)\.\.(\d*)\)", rule)
    if rule == "any":
        return
    if rule in ("true", "false", "null"):
        kind = type(None) if rule == "null" else bool
        need(isinstance(value, kind), "wrong_type", path)
        need(value is {"true": True, "false": False, "null": None}[rule], "invalid_value", path)
    elif rule == "number":
        need(isinstance(value, float), "wrong_type", path)
    elif bounds and bounds[1] == "object":
        need(isinstance(value, dict), "wrong_type", path)
        need(len(compact(value)) <= int(bounds[3]), "invalid_value", path)
    elif bounds:
        need(isinstance(value, float), "wrong_type", path)
        need(value.is_integer() or bounds[1] == "number", "invalid_value", path)
        need(not bounds[2] or value >= int(bounds[2]), "invalid_value", path)
        need(not bounds[3] or value <= int(bounds[3]), "invalid_value", path)
    else:
        need(isinstance(value, str), "wrong_type", path)
        if rule.startswith('"'):
            need(value == rule[1:-1], "invalid_value", path)
            return
        try:
            texts.check(rule, value, intake)
        except Refused as fault:
            raise Refused(fault.code, path) from None
