"""Documents as outside systems write them: text, JSON and XML, read strictly or refused by the name of their fault."""

from __future__ import annotations

import codecs
import json
import math
import re
from itertools import chain
from typing import Any
from xml.etree.ElementTree import Element, ParseError, TreeBuilder

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from dashboard.sources.feed import SourceNonsense

DEPTH = 64  # Levels of brackets or elements; deeper than any honest reply.
ELEMENTS = 500_000  # Elements of one XML document.
MARKS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
# Python knows codecs that are no encodings of texts, or that turn letters into others.
ENCODINGS = ("utf-8", "utf-16", "utf-32", "gb18030", "big5", "ascii", "iso8859", "latin", "cp125", "shift_jis", "euc")
DECLARED = re.compile(rb"""^\s*<\?xml[^>]{0,200}?\sencoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
DECLARATION = re.compile(r"^\s*<\?xml[^>]{0,300}\?>")
PAGE = re.compile(rb"\s*(?:<!--.{0,2000}?-->\s*)*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL)
TITLE = re.compile(r"<title[^>]{0,200}>(.{0,500}?)</title>", re.IGNORECASE | re.DOTALL)


def text_of(body: bytes, encoding: str | None = None, said: str | None = None) -> str:
    """A document's text. ``encoding`` is what the city file knows it to be in, ``said`` what its sender calls it.

    Without either it is what a byte order mark or the XML declaration says, else UTF-8. GBK and GB2312 are
    read as GB18030, which holds both.

    Raises:
        SourceNonsense: ``bad_encoding``, if it is not in that encoding. It is never guessed at: the same bytes
            may be letters in one encoding and Chinese in another.
    """
    for mark, name in MARKS:
        if body.startswith(mark):
            chosen, body = name, body[len(mark) :]
            break
    else:
        declared = DECLARED.match(body[:300])
        chosen = encoding or said or (declared[1].decode() if declared else "utf-8")
    try:
        known = codecs.lookup(chosen).name
    except LookupError:
        known = ""
    if known in ("gbk", "gb2312"):
        known = "gb18030"
    if not known.startswith(ENCODINGS):
        raise SourceNonsense("bad_encoding", f"says it is in {chosen[:40]!r}, which is not read here; set encoding")
    try:
        return body.decode(known)
    except UnicodeError:
        hint = ' = "gb18030"' if _reads(body, "gb18030") else ""
        raise SourceNonsense("bad_encoding", f"is not {chosen} as it should be; set encoding{hint}") from None


def _reads(body: bytes, encoding: str) -> bool:
    try:
        body.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def page_title(body: bytes, kind: str = "") -> str | None:
    """The title of a web page, empty if it has none; None if this is no web page. ``kind`` is its content type."""
    if not PAGE.match(body[:4096].removeprefix(MARKS[0][0])) and kind.partition(";")[0].strip().lower() not in (
        "text/html",
        "application/xhtml+xml",
    ):
        return None
    found = TITLE.search(body[:20_000].decode("utf-8", "replace"))
    return found[1].strip() if found else ""


# -- JSON ------------------------------------------------------------------------------------------------------


def read_json(text: str) -> Any:
    """A JSON document as strictly as RFC 8259 has it, every key once and every number finite.

    Raises:
        SourceNonsense: ``not_json``, ``too_deep``, ``not_finite`` (NaN, Infinity, 1e400), ``number_too_long``
            or ``duplicate_key``.
    """
    try:
        found = json.loads(
            text.removeprefix("\ufeff"), object_pairs_hook=_once, parse_constant=_no_number, parse_float=_finite
        )
    except RecursionError:
        raise SourceNonsense("too_deep", f"is nested in more than {DEPTH} levels") from None
    except json.JSONDecodeError as error:
        ended = not text[error.pos :].strip() or error.msg.startswith("Unterminated")
        if not text.strip():
            raise SourceNonsense("not_json", "is empty") from None
        what = "breaks off" if ended else "is no JSON"
        raise SourceNonsense("not_json", f"{what}: {error.msg} at line {error.lineno} column {error.colno}") from None
    except ValueError as error:  # Python reads no integer of more than 4,300 digits.
        raise SourceNonsense("number_too_long", str(error)[:200]) from None
    shallow(found)
    return found


def shallow(document: object) -> None:
    """See that a document of lists and dicts is not too deep for those who walk it.

    Raises:
        SourceNonsense: ``too_deep``.
    """
    level = [document] if isinstance(document, dict | list) else []
    for _ in range(DEPTH):
        if not level:
            return
        inner = (node.values() if isinstance(node, dict) else node for node in level)
        level = [found for found in chain.from_iterable(inner) if isinstance(found, dict | list)]
    if level:
        raise SourceNonsense("too_deep", f"is nested in more than {DEPTH} levels")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise SourceNonsense("duplicate_key", f"the key {twice[:40]!r} comes twice in one object")
    return found


def _no_number(text: str) -> float:
    raise SourceNonsense("not_finite", f"{text} is no number in JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise SourceNonsense("not_finite", f"{text[:40]} is beyond all numbers")
    return number


# -- XML -------------------------------------------------------------------------------------------------------


class _Builder(TreeBuilder):
    """Builds the tree, and stops where it grows too deep or too large."""

    def __init__(self) -> None:
        super().__init__()
        self._depth = self._count = 0

    def start(self, tag: Any, attrs: Any, /) -> Element:
        self._depth += 1
        self._count += 1
        if self._depth > DEPTH:
            raise SourceNonsense("too_deep", f"is nested in more than {DEPTH} levels")
        if self._count > ELEMENTS:
            raise SourceNonsense("too_large", f"has more than {ELEMENTS:,} elements")
        return super().start(tag, attrs)

    def end(self, tag: Any, /) -> Element:
        self._depth -= 1
        return super().end(tag)


def read_xml(text: str) -> Element:
    """The root of an XML document. A document type is refused: entities and outside references hide in it.

    Raises:
        SourceNonsense: ``not_xml``, ``forbidden_xml``, ``too_deep`` or ``too_large``.
    """
    parser = DefusedXMLParser(target=_Builder(), forbid_dtd=True)
    try:
        parser.feed(DECLARATION.sub("", text.removeprefix("\ufeff"), count=1).encode("utf-8"))
        return parser.close()
    except DefusedXmlException as error:
        raise SourceNonsense("forbidden_xml", f"holds a document type or entities ({type(error).__name__})") from None
    except ParseError as error:
        what = "is empty" if not text.strip() else f"is no XML: {error}"
        raise SourceNonsense("not_xml", what) from None
    except (LookupError, ValueError) as error:  # An encoding nobody knows, or half a character.
        raise SourceNonsense("not_xml", f"is no XML: {str(error)[:120]}") from None


def local(name: str) -> str:
    """An element's name without its namespace."""
    return name.rpartition("}")[2]


def plain(element: Element) -> Any:
    """An XML element as JSON would have it: a text, or a dict of its children by local name.

    Attributes are ``@name``, text beside children is ``#text``, and children of one name become a list.
    """
    found: dict[str, Any] = {f"@{local(name)}": value for name, value in element.attrib.items()}
    for child in element:
        name, value = local(child.tag), plain(child)
        if name not in found:
            found[name] = value
        elif isinstance(found[name], list):
            found[name].append(value)
        else:
            found[name] = [found[name], value]
    text = (element.text or "").strip()
    if not found:
        return text
    if text:
        found["#text"] = text
    return found


def read_document(text: str) -> Any:
    """A JSON or XML document as plain data; which of the two is seen by its first character.

    An XML root stands under its own name, as in ``{"services": {"service": [...]}}``.

    Raises:
        SourceNonsense: as ``read_json`` and ``read_xml`` do.
    """
    if text.lstrip("\ufeff \t\r\n").startswith("<"):
        root = read_xml(text)
        return {local(root.tag): plain(root)}
    return read_json(text)
