"""The catalogue of captions: every text of the panels, the house and the pages' scripts, in Chinese and in English.

A text stands beside what it names: in Python as ``Words(zh, en)``, in a script in a table ``{ zh: …, en: … }``. Here
they are read as they are written, without running any of it, so that there is one list of them per language and a
place where all that is missing is said.
"""

from __future__ import annotations

import ast
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from dashboard.doors.wordtables import CHINESE, Unreadable, differing, pairs, tables

FOLDERS = ("panels", "layouts", "dashboard", "feeds")
SCRIPTS = "assets"
LANGUAGE = re.compile(r"\bzh\b\s*:")
MEASURE = 2  # Chinese counts with words that English has none for (件, 号); such a word has at most so many characters.
WIDEST = 32  # Columns to which a list's first language is filled up; a longer text moves what follows.


@dataclass(frozen=True, slots=True)
class Caption:
    """One text in both languages. ``where`` is its file and line, and in a script's table its name.

    What a text is told when it is said stands in braces: ``{n} 件``; where it says one thing or another, both do,
    with a bar between them.
    """

    where: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All captions in the order of their files, and what is amiss with them, a line each with its place."""

    captions: tuple[Caption, ...]
    amiss: tuple[str, ...]


def gathered(root: Path) -> Catalogue:
    """The catalogue of a source tree, ``root`` being the folder that ``panels`` and ``assets`` stand in."""
    found: list[Caption] = []
    amiss: list[str] = []
    for folder in FOLDERS:
        for file in sorted((root / folder).rglob("*.py")):
            _module(file.read_text(encoding="utf-8"), file.relative_to(root).as_posix(), found, amiss)
    for file in sorted((root / SCRIPTS).rglob("*.mjs")):
        _script(file.read_text(encoding="utf-8"), file.relative_to(root).as_posix(), found, amiss)
    return Catalogue(tuple(found), tuple(amiss))


# -- the modules -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Text:
    """A text of a module as it is shown, and what of it is written out: all but the data it is told."""

    shown: str
    said: str
    foreign: bool  # There is Chinese in it, be it in the expression that finds what it is told.


def _module(source: str, file: str, found: list[Caption], amiss: list[str]) -> None:
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        amiss.append(f"{file}:{error.lineno}: is no Python: {error.msg}")
        return
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    for call in sorted(calls, key=lambda call: (call.lineno, call.col_offset)):
        both = spoken(call)
        if both is None:
            continue
        zh, en = (_text_of(part) for part in both)
        if zh.said.strip() or en.said.strip():  # Else it is data that have the same name in both languages.
            where = f"{file}:{call.lineno}"
            found.append(Caption(where, zh.shown, en.shown))
            amiss += (f"{where}: {fault}" for fault in _faults(zh, en))


def spoken(call: ast.Call) -> tuple[ast.expr, ast.expr] | None:
    """The Chinese and the English of a call that makes a text: ``Words(…)``, or what has a ``zh`` and an ``en``."""
    name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
    named = {keyword.arg: keyword.value for keyword in call.keywords}
    if name != "Words" and not {"zh", "en"} <= named.keys():
        return None
    if any(isinstance(part, ast.Starred) for part in call.args):
        return None
    parts = dict(zip(("zh", "en"), call.args, strict=False)) | named
    nothing = ast.Constant("")
    return parts.get("zh", nothing), parts.get("en", nothing)


def _text_of(node: ast.expr) -> _Text:
    constants = [part.value for part in ast.walk(node) if isinstance(part, ast.Constant)]
    foreign = any(isinstance(value, str) and CHINESE.search(value) for value in constants)
    return _Text(*_template(node), foreign)


def _template(node: ast.expr) -> tuple[str, str]:
    """How a text is shown, and what of it is written out."""
    match node:
        case ast.Constant(value=str(text)):
            return text, text
        case ast.JoinedStr(values=parts):
            return _joined(_template(part) for part in parts)
        case ast.FormattedValue(value=value):
            return _template(value)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _joined((_template(left), _template(right)))
        case ast.IfExp(body=one, orelse=other):
            (shown, said), (or_shown, or_said) = _template(one), _template(other)
            if said or or_said:
                return f"{{{shown}|{or_shown}}}", f"{said} {or_said}"
        case ast.BoolOp(op=ast.Or(), values=values):
            said = " ".join(_template(value)[1] for value in values).strip()
            return f"{{{ast.unparse(node)}}}", said
    return f"{{{ast.unparse(node)}}}", ""


def _joined(parts: Iterable[tuple[str, str]]) -> tuple[str, str]:
    shown, said = zip(*parts, strict=True)
    return "".join(shown), "".join(said)


def _faults(zh: _Text, en: _Text) -> Iterator[str]:
    """What is amiss with a text of a module. What it is told may differ between the languages, being data."""
    if not en.said and len(zh.said) > MEASURE:
        yield f"{zh.shown!r} has no English"
    if en.said and not zh.shown:
        yield f"{en.shown!r} has no Chinese"
    if en.foreign:
        yield f"{en.shown!r} is no English"
    if re.search("[A-Za-z]{4,}", en.said) and zh.shown and not zh.foreign:
        yield f"{zh.shown!r} is no Chinese"


# -- the scripts -----------------------------------------------------------------------------------------------


def _script(script: str, file: str, found: list[Caption], amiss: list[str]) -> None:
    try:
        read = list(tables(script))
    except Unreadable as error:
        amiss.append(f"{file}: {error}")
        return
    if len(read) != len(LANGUAGE.findall(script)):
        amiss.append(f"{file}: a word of Chinese (zh:) stands in no table of words that begins with it")
    for table in read:
        where = f"{file}:{table.line}"
        zh, en = (table.values.get(language, "") for language in ("zh", "en"))
        others = sorted({"zh", "en"} ^ table.values.keys())
        amiss += (f"{where}: {one} is {'missing' if one in ('zh', 'en') else 'no language here'}" for one in others)
        amiss += differing(zh, en, where) if not others else ()
        for name, in_zh, in_en in pairs(zh, en):
            if _plain(in_zh) or _plain(in_en):
                found.append(Caption(f"{where} {name}".rstrip(), _plain(in_zh), _plain(in_en)))


def _plain(source: str) -> str:
    """A text of a script without its quotes; of a function that only fills one in, the text with what it is told in
    braces; any other function as it is written.

    >>> _plain('"确定"'), _plain("(n) => `${n} 件`"), _plain("(n) => (n ? `${n} 件` : '无')")
    ('确定', '{n} 件', "(n) => (n ? `${n} 件` : '无')")
    """
    filled = re.fullmatch(r"(?:(?:\([\w, ]*\)|\w+) => )?`((?:[^`\\]|\\.)*)`", source)
    if filled:
        return filled[1].replace("${", "{")
    if re.fullmatch(r'"(?:[^"\\]|\\.)*"', source):
        try:
            return str(json.loads(source))
        except ValueError:
            return source[1:-1]
    return source[1:-1] if re.fullmatch(r"'[^'\\]*'", source) else source


# -- the lists -------------------------------------------------------------------------------------------------


Texts = tuple[str, ...]


def grouped(captions: Iterable[Caption], language: str | None = None, find: str = "") -> dict[Texts, list[str]]:
    """The texts in both languages, or in one, each with all the places where it stands.

    ``find`` leaves only captions that hold it, in either language, in small or capital letters.
    """
    found: dict[Texts, list[str]] = {}
    wanted = find.casefold()
    for caption in captions:
        if wanted in caption.zh.casefold() or wanted in caption.en.casefold():
            texts = (caption.zh, caption.en) if language is None else (getattr(caption, language),)
            found.setdefault(texts, []).append(caption.where)
    return found


def columns(text: str) -> int:
    """The columns a text takes on a terminal, where a Chinese sign is two of them wide.

    >>> columns("在办 Open")
    9
    """
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)


def lines(found: dict[Texts, list[str]]) -> Iterator[str]:
    """The list as it is read on a terminal: the texts, and behind them their places."""
    widths = [min(WIDEST, max(map(columns, texts))) for texts in zip(*found, strict=True)]
    for texts, places in found.items():
        filled = [text + " " * (width - columns(text)) for text, width in zip(texts, widths, strict=True)]
        yield "  ".join([*filled, ", ".join(places)]).replace("\n", " ")
