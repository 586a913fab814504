"""Mutations of payloads: one to four things changed, cut, doubled or spliced, as senders and networks do."""

from __future__ import annotations

import io
import json
import random
import re
import zipfile
from collections.abc import Callable
from typing import Any

LARGEST = 20_000  # Bytes of a recorded payload that is mutated; of a larger one the beginning.
NASTY = (
    "1,234.5", "1.2万", "12%", "１２３．５", "1.1E+17", "1e400", "-0", "NaN", "Infinity", "9" * 400, "0x10",
    "1.234,5", "—", "", "null", "true", "0000-00-00 00:00", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z",
    "2026-02-30", "3 ft", "合计", "1969-12-31T23:59Z", "2100-12-31T23:59:59.999999+14:00", "\\ud800", "\0",
    "\u202e", "<img src=x onerror=1>", "a|b", "9223372036854775808", "'", '"', "[[[[", "}", "]]>",
    "<!DOCTYPE a [<!ENTITY b 'c'>]>", "&b;", "&#0;", "\r\n", "\ufeff", "13800138000", "113.15", "23.03",
    "440605", "-999999", "2025年1-9月", "1772334000000", "{}", "[]", '{"a":' * 80, "#REF!",
)  # fmt: skip
TOKEN = re.compile(rb"\"[^\"\\]{0,60}\"|-?\d+(?:\.\d+)?|[\w\x80-\xff]+|>[^<]{1,60}<")


def mutated(body: bytes, chance: random.Random, others: list[bytes]) -> bytes:
    """A payload with one to four things changed."""
    for _ in range(chance.choice((1, 1, 2, 4))):
        body = chance.choice(CHANGES)(body, chance, others)
    return body[: 4 * LARGEST]


def _flip(body: bytes, chance: random.Random, others: list[bytes]) -> bytes:
    if not body:
        return b"\0"
    at = chance.randrange(len(body))
    return body[:at] + bytes([body[at] ^ (1 << chance.randrange(8))]) + body[at + 1 :]


def _cut(body: bytes, chance: random.Random, others: list[bytes]) -> bytes:
    if not body:
        return body
    start = chance.randrange(len(body))
    return body[:start] + (body[start + chance.choice((1, 2, 8, 64)) :] if chance.random() < 0.7 else b"")


def _double(body: bytes, chance: random.Random, others: list[bytes]) -> bytes:
    if not body:
        return body
    start = chance.randrange(len(body))
    piece = body[start : start + chance.choice((1, 4, 16, 200))]
    return body[:start] + piece * chance.choice((2, 3, 50)) + body[start:]


def _insert(body: bytes, chance: random.Random, others: list[bytes]) -> bytes:
    at = chance.randrange(len(body) + 1)
    return body[:at] + _nasty(chance) + body[at:]


def _replace(body: bytes, chance: random.Random, others: list[bytes]) -> bytes:
    """Another word, number or text in the place of one."""
    found = list(TOKEN.finditer(body[:20_000]))
    if not found:
        return _insert(body, chance, others)
    token = chance.choice(found)
    word = _nasty(chance)
    if token[0][:1] == b'"':
        word = json.dumps(word.decode("utf-8", "replace")).encode() if chance.random() < 0.7 else word
    elif token[0][:1] == b">":
        word = b">" + word + b"<"
    return body[: token.start()] + word + body[token.end() :]


def _splice(body: bytes, chance: random.Random, others: list[bytes]) -> bytes:
    other = chance.choice(others)
    return body[: chance.randrange(len(body) + 1)] + other[chance.randrange(len(other) + 1) :]


def _tree(body: bytes, chance: random.Random, others: list[bytes]) -> bytes:
    """JSON with one value, key or list changed, and still JSON."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return _replace(body, chance, others)
    spots: list[tuple[Any, Any]] = []
    stack = [document]
    while stack and len(spots) < 2000:
        node = stack.pop()
        inner = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
        for key, value in inner:
            spots.append((node, key))
            stack.append(value)
    if not spots:
        return _insert(body, chance, others)
    node, key = chance.choice(spots)
    kind = chance.randrange(6)
    if kind == 0:
        del node[key]
    elif kind == 1 and isinstance(node, dict):
        node[str(key) + "_"] = node.pop(key)
    elif kind == 2:
        node[key] = [node[key]] if chance.random() < 0.5 else {"value": node[key]}
    elif kind == 3 and isinstance(node, list):
        node[:] = node * chance.choice((2, 20))
    else:
        node[key] = chance.choice((None, True, 0, -1, 2**63, 10**30, 1e300, [], {}, 1.5, *NASTY))
    return json.dumps(document, ensure_ascii=chance.random() < 0.5).encode("utf-8", "surrogatepass")


CHANGES: tuple[Callable[[bytes, random.Random, list[bytes]], bytes], ...] = (
    _flip, _cut, _double, _insert, _replace, _replace, _splice, _tree, _tree,
)  # fmt: skip


def _nasty(chance: random.Random) -> bytes:
    text = chance.choice(NASTY).encode("utf-8", "surrogatepass")
    return text.decode().encode("gb18030", "replace") if chance.random() < 0.1 else text


def repacked(body: bytes, chance: random.Random, others: list[bytes]) -> bytes:
    """A workbook with one of its parts mutated; sometimes the archive itself."""
    if chance.random() < 0.15:
        return mutated(body, chance, others)
    out = io.BytesIO()
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as before, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as after:
            names = before.namelist()
            chosen = chance.choice(names + [name for name in names if "sheet" in name] * 4)
            for name in names:
                part = before.read(name)
                after.writestr(zipfile.ZipInfo(name), mutated(part, chance, [part]) if name == chosen else part)
    except Exception:  # noqa: BLE001 - an archive that a mutation broke is mutated as bytes.
        return mutated(body, chance, others)
    return out.getvalue()
