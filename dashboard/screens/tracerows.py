"""The numbers of a panel that fill no component of their own: in the rows of lists, and in lines such as a legend.

A number is found again by the component it stands in, the name of its row or the words beside it, and the cell. As
``assets/answer.mjs`` reads the same from the page, what counts as a row, a name or no number is the same in both.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from dashboard.screens.page import to_json
from dashboard.screens.panel import Painted
from dashboard.screens.tracehours import Noted

ROWS, HEADS = {"row", "strip"}, {"head", "named"}
QUIET = {"name", "head", "axis", "ends", "until", "rank", "plate", "plot"}
CLOSED = {"Time", "Button", "Summary", "Input", "Select", "Textarea", "svg", "path", "rect", "Graph"}
DIGIT = re.compile(r"\d")
WHOLE = re.compile(r"[-−]?\d[\d,]*(?:\.\d+)?$")
PAIR = re.compile(r"\W*(\d[\d,]*(?:\.\d+)?)\s?/\s?(\d[\d,]*(?:\.\d+)?)\s?\D{0,16}$")
SCALES = {"万": 1e4, "亿": 1e8, "K": 1e3, "M": 1e6, "B": 1e9}
"""The letters of a shortened number, which are no words."""
NUMBER = re.compile(rf"[^\w+−-]*?([-+−]?\d[\d,]*(?:\.\d+)?)(?:([{''.join(SCALES)}])(?!\w))?\s?\D{{0,16}}$")


class Row(NamedTuple):
    """One row of a list, or one number beside its words: its name, and its numbers by the cell they stand in."""

    name: str
    cells: Mapping[int, Noted | None]
    kept: bool = True
    """False for a ticket, which comes and goes and is no figure."""


def rows_of(painted: Painted) -> dict[str, list[Row]]:
    """All rows by the component they stand in, in their order, which is the same in every language.

    >>> from dashboard.screens.marks import amount, row
    >>> from dash import html
    >>> rows_of({"a-rows.children": [row([html.Span("甲", className="name"), amount(12_345, "zh"), "94.4 %"])]})
    {'a-rows': [Row(name='甲', cells={1: 12345.0, 2: 94.4}, kept=True)]}
    """
    reader = _Reader()
    for target, value in msgspec.json.decode(to_json(painted)).items():
        component, _, name = target.rpartition(".")
        if name == "children":
            reader.look(value, component, ())
    return reader.found


def silent(frame: Any) -> set[str]:
    """The components of a panel's frame in which no number is asked about: in names, scales and heads, and where a
    click leads on by itself.

    >>> from dash import html
    >>> silent(html.Div([html.B(id="a-name", className="name"), html.Ul(id="a-rows")]))
    {'a-name'}
    """
    found: set[str] = set()

    def look(node: Any, quiet: bool) -> None:
        if isinstance(node, dict):
            props = node.get("props", {})
            quiet = (
                quiet or bool(_kinds(node) & QUIET) or node.get("type") in CLOSED or props.get("data-answers") == "own"
            )
            if quiet and isinstance(props.get("id"), str):
                found.add(props["id"])
            for child in _children(node):
                look(child, quiet)

    for node in _flat(msgspec.json.decode(to_json(frame))):
        look(node, quiet=False)
    return found


def told_apart(rows: Mapping[str, Sequence[Row]]) -> dict[str, dict[str, dict[int, Noted]]]:
    """The numbers of the rows that can be told apart: by component, name and cell."""
    told = {
        component: {
            row.name: cells for row in found
            if row.kept and row.name in once
            and (cells := {at: value for at, value in row.cells.items() if value is not None})
        }
        for component, found in rows.items() if (once := _once(found))
    }  # fmt: skip
    return {component: named for component, named in told.items() if named}


def same(rows: Sequence[Row], name: str, theirs: Sequence[Row]) -> str | None:
    """The name that a row has where the same list is drawn in another language; None if it cannot be told."""
    if len(rows) != len(theirs):  # A language may say in digits what another says in words.
        rows, theirs = ([row for row in some if any(_known(row))] for some in (rows, theirs))
    if len(rows) != len(theirs) or name not in _once(rows):
        return None
    return theirs[[row.name for row in rows].index(name)].name


def _known(row: Row) -> list[bool]:
    return [number is not None for number in row.cells.values()]


def _once(rows: Sequence[Row]) -> set[str]:
    """The names that one row alone bears."""
    return {name for name, times in Counter(row.name for row in rows).items() if times == 1}


class _Reader:
    """Walks through what was painted, in the order of the document."""

    def __init__(self) -> None:
        self.found: dict[str, list[Row]] = {}
        self._beside: dict[tuple[str, int], dict[int, Noted | None]] = {}

    def look(self, node: Any, component: str, above: tuple[Any, ...]) -> None:
        """Find the rows within a node; ``above`` is what lies between it and its component."""
        if isinstance(node, list):
            for child in node:
                self.look(child, component, above)
        if not isinstance(node, dict):
            return
        kinds, props = _kinds(node), node.get("props", {})
        if kinds & ROWS:
            if not kinds & HEADS:
                self.found.setdefault(component, []).append(_row(node))
            return
        if kinds & QUIET or node.get("type") in CLOSED or _leads(node):
            return
        component, above = (props["id"], ()) if isinstance(props.get("id"), str) else (component, (*above, node))
        if DIGIT.search(_own(node)):
            self._put(node, component, above)
        self.look(_children(node), component, above)

    def _put(self, node: Any, component: str, above: Sequence[Any]) -> None:
        """Put a number into the row of the words beside it: its own, or those of the nearest element around it that has
        any. Where several stand beside the same words, they are cells of one row.
        """
        start = next((n for n, one in enumerate(above) if "number" in _kinds(one)), len(above))
        said = ((_letters(element), id(element)) for element in reversed(above[:start]))
        words, around = next((one for one in said if one[0]), ("", 0))
        cells = self._beside.get((component, around))
        if cells is None:
            cells = self._beside[component, around] = {}
            self.found.setdefault(component, []).append(Row(words, cells))
        cells[len(cells)] = _number(node)


def _row(node: Any) -> Row:
    cells = [child for child in _children(node) if isinstance(child, dict)]
    name = next((one for cell in cells for one in _within(cell) if "name" in _kinds(one)), None)
    ticket = any(str(one["props"].get("href", "")).startswith("/ticket?") for one in _within(node))
    numbers = {at: value for at, cell in enumerate(cells) if (value := _value(cell)) is not None}
    return Row("".join(_text(name).split()) if name else "", numbers, not ticket)


def _letters(element: Any) -> str:
    return "".join(sign for sign in _text(element) if sign.isalpha() and sign not in SCALES)


def _value(cell: Any) -> Noted | None:
    """The number of a cell: the first of them, or a numerator and its denominator."""
    if _kinds(cell) & QUIET or cell.get("type") in CLOSED or _leads(cell):
        return None
    if pair := PAIR.match(_text(cell).strip()):
        return (_float(pair[1]), _float(pair[2]))
    return next(_values(cell), None)


def _values(node: Any) -> Iterator[Noted]:
    """The numbers within an element, each as exactly as it is there."""
    for one in _within(node):
        props = one["props"]
        if _kinds(one) & QUIET or one.get("type") in CLOSED:
            continue
        if "data-whole" in props:
            yield (float(props["data-part"]), float(props["data-whole"]))
        elif "data-value" in props:
            yield float(props["data-value"])
        elif (value := _number(one)) is not None:
            yield value


def _leads(node: Any) -> bool:
    """Whether a click there leads on, and to no tickets, which are what a number answers with."""
    return node.get("type") == "A" and not str(node["props"].get("href", "")).startswith("/tickets")


def _number(node: Any) -> float | None:
    """The number of an element's own text, in full where its tooltip has it so."""
    title = str(node["props"].get("title") or "")
    if DIGIT.search(_own(node)) and WHOLE.match(title):
        return _float(title)
    for text in (child for child in _children(node) if isinstance(child, str)):
        if found := NUMBER.match(text.strip()):
            value = round(_float(found[1]) * SCALES.get(found[2], 1.0), 6)
            return 0.0 - value if "▼" in _text(node) else value
    return None


def _own(node: Any) -> str:
    """The text that stands in an element itself."""
    return "".join(child for child in _children(node) if isinstance(child, str))


def _float(text: str) -> float:
    return float(text.replace(",", "").replace("−", "-"))


def _kinds(node: Any) -> set[str]:
    return set(str(node.get("props", {}).get("className") or "").split()) if isinstance(node, dict) else set()


def _children(node: Any) -> list[Any]:
    children = node.get("props", {}).get("children")
    return [str(one) if isinstance(one, int | float) else one for one in _flat(children)]


def _flat(children: Any) -> Iterator[Any]:
    if isinstance(children, list):
        for child in children:
            yield from _flat(child)
    elif children is not None:
        yield children


def _within(node: Any) -> Iterator[Any]:
    """An element and all below it, as they stand in the document."""
    if isinstance(node, dict) and "props" in node:
        yield node
        for child in _children(node):
            yield from _within(child)


def _text(node: Any) -> str:
    """The text of an element without units, and without the times, which the page keeps itself."""
    if isinstance(node, str):
        return node
    if not isinstance(node, dict) or node.get("type") == "Time" or "unit" in _kinds(node):
        return ""
    return "".join(map(_text, _children(node)))
