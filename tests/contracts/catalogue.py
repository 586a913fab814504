"""The tables of words that the pages' scripts carry, ``{ zh: …, en: … }``, read as they are written."""

from __future__ import annotations

import re
from collections.abc import Iterator

TABLE = re.compile(r"\{\s*zh\s*:")
KEY = re.compile(r"(?:([A-Za-z_$][\w$]*|\d+)|\"([^\"\\]+)\")\s*:")
BLANK = re.compile(r"(?:\s|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
OPENING, CLOSING = "([{", ")]}"

Value = str | list["Value"] | dict[str, "Value"]


class Unreadable(Exception):
    """A table is written in a way that is not known here."""


def tables(script: str) -> Iterator[tuple[int, dict[str, Value]]]:
    """Every table of a script with the number of its line: texts and functions as their source, lists, and tables.

    Raises:
        Unreadable: naming the line, if a table is not closed, or holds something else than names with their values.
    """
    for found in TABLE.finditer(script):
        try:
            value, _ = _members(script, found.start())
        except IndexError:
            raise _fault(script, found.start(), "the table is not closed") from None
        yield script.count("\n", 0, found.start()) + 1, value


def _fault(script: str, at: int, what: str) -> Unreadable:
    return Unreadable(f"line {script.count(chr(10), 0, at) + 1}: {what}: {script[at : at + 40]!r}")


def _blank(script: str, at: int) -> int:
    found = BLANK.match(script, at)
    assert found is not None  # It may be empty.
    return found.end()


def _value(script: str, at: int) -> tuple[Value, int]:
    """The value that begins here, and where it has ended."""
    if script[at] == "{":
        return _members(script, at)
    if script[at] == "[":
        return _items(script, at)
    end = _end(script, at)
    return script[at:end].strip(), end


def _members(script: str, at: int) -> tuple[dict[str, Value], int]:
    found: dict[str, Value] = {}
    at = _blank(script, at + 1)
    while script[at] != "}":
        name = KEY.match(script, at)
        if name is None:
            raise _fault(script, at, "no name with its value")
        key = name[1] or name[2]
        if key in found:
            raise _fault(script, at, "a name twice")
        found[key], at = _value(script, _blank(script, name.end()))
        at = _next(script, at, "}")
    return found, at + 1


def _items(script: str, at: int) -> tuple[list[Value], int]:
    found: list[Value] = []
    at = _blank(script, at + 1)
    while script[at] != "]":
        value, at = _value(script, at)
        found.append(value)
        at = _next(script, at, "]")
    return found, at + 1


def _next(script: str, at: int, closing: str) -> int:
    """Where the next one begins, or the table closes."""
    at = _blank(script, at)
    if script[at : at + 1] == ",":
        at = _blank(script, at + 1)
    elif script[at : at + 1] != closing:
        raise _fault(script, at, f"neither a comma nor {closing}")
    return at


def _end(script: str, at: int) -> int:
    """Where an expression ends: at the comma after it, or the bracket around it."""
    depth, begun = 0, at
    while at < len(script):
        sign = script[at]
        if sign in "\"'":
            at = _quoted(script, at)
            continue
        if sign == "`":
            at = _template(script, at)
            continue
        if depth == 0 and (sign == "," or sign in CLOSING):
            return at
        depth += (sign in OPENING) - (sign in CLOSING)
        at += 1
    raise _fault(script, begun, "does not end")


def _quoted(script: str, at: int) -> int:
    found = re.compile(r"\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'").match(script, at)
    if found is None:
        raise _fault(script, at, "a text that does not end")
    return found.end()


def _template(script: str, at: int) -> int:
    begun, at = at, at + 1
    while at < len(script):
        if script[at] == "\\":
            at += 2
        elif script[at] == "`":
            return at + 1
        elif script.startswith("${", at):
            at = _end(script, at + 2) + 1
        else:
            at += 1
    raise _fault(script, begun, "a text that does not end")
