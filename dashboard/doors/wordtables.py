"""The tables of words that the pages' scripts carry, ``{ zh: …, en: … }``, read as they are written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

CHINESE = re.compile("[\u3400-\u9fff]")
TABLE = re.compile(r"\{\s*zh\s*:")
KEY = re.compile(r"(?:([A-Za-z_$][\w$]*|\d+)|\"([^\"\\]+)\")\s*:")
BLANK = re.compile(r"(?:\s|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
OPENING, CLOSING = "([{", ")]}"

Value = str | list["Value"] | dict[str, "Value"]


class Unreadable(Exception):
    """A table is written in a way that is not known here."""


@dataclass(frozen=True, slots=True)
class Table:
    """One table: the line on which it begins, the characters from ``start`` up to ``end``, and what it holds.

    Texts and functions are their source, as they are written; else it is lists and tables.
    """

    line: int
    start: int
    end: int
    values: dict[str, Value]


def tables(script: str) -> Iterator[Table]:
    """Every table of a script.

    Raises:
        Unreadable: naming the line, if a table is not closed, or holds something else than names with their values.
    """
    for found in TABLE.finditer(script):
        try:
            values, end = _members(script, found.start())
        except IndexError:
            raise _fault(script, found.start(), "the table is not closed") from None
        yield Table(script.count("\n", 0, found.start()) + 1, found.start(), end, values)


def pairs(zh: Value, en: Value, name: str = "") -> Iterator[tuple[str, str, str]]:
    """Each text of a table as ``(dotted name, zh, en)``; a text that one language lacks is empty there."""
    if isinstance(zh, str) and isinstance(en, str):
        yield name, zh, en
        return
    of_zh, of_en = _members_of(zh), _members_of(en)
    for key in dict.fromkeys([*of_zh, *of_en]):
        yield from pairs(of_zh.get(key, ""), of_en.get(key, ""), f"{name}.{key}".lstrip("."))


def _members_of(value: Value) -> dict[str, Value]:
    if isinstance(value, dict):
        return value
    return {str(at): one for at, one in enumerate(value)} if isinstance(value, list) else {}


def differing(zh: Value, en: Value, where: str) -> Iterator[str]:
    """What is amiss between a table's two languages, name by name."""
    if isinstance(zh, dict) and isinstance(en, dict):
        for name in sorted(zh.keys() ^ en.keys()):
            yield f"{where}.{name} is in one language only"
        for name in sorted(zh.keys() & en.keys()):
            yield from differing(zh[name], en[name], f"{where}.{name}")
    elif isinstance(zh, list) and isinstance(en, list):
        if len(zh) != len(en):
            yield f"{where} is longer in one language"
        for number, (one, other) in enumerate(zip(zh, en, strict=False)):
            yield from differing(one, other, f"{where}.{number}")
    elif isinstance(zh, str) and isinstance(en, str):
        if ("=>" in zh) != ("=>" in en):
            yield f"{where} is made from what it is told in one language only"
        if CHINESE.search(en):
            yield f"{where}: {en} is no English"
        if re.search("[A-Za-z]{2,}", en) and not CHINESE.search(zh):
            yield f"{where}: {zh} is no Chinese"
        if (zh == '""') != (en == '""'):
            yield f"{where}: {zh} beside {en}, one of which says nothing"
    else:
        yield f"{where} has another shape in the other language"


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
