"""The style sheets of the screens: no sheet reaches into another's panels."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

import pytest

from dashboard.screens.marks import ASSETS

SHARED = {
    "tokens.css",
    "wall.css",
    "cards.css",
    "charts.css",
}  # What all panels have in common; the others speak for their own.
NAME = re.compile(r"[.#][a-zA-Z][\w-]*|\[[^\]]+\]")
MINE = ("#", "[data-screen")  # What only styles within one panel or one screen claims no name.
ASIDE = re.compile(r":(?:not|has)\((?:[^()]|\([^()]*\))*\)")
SHEETS = {file.name: file.read_text(encoding="utf-8") for file in sorted(ASSETS.glob("*.css"))}


def alternatives(text: str) -> list[str]:
    """The selectors of a list, which commas part where they stand in no bracket."""
    found, depth = [""], 0
    for sign in text:
        depth += (sign in "([") - (sign in ")]")
        if sign == "," and not depth:
            found.append("")
        else:
            found[-1] += sign
    return [one.strip() for one in found]


def selectors(sheet: str) -> Iterator[str]:
    """All selectors of a sheet, also those within conditions; neither conditions themselves nor key frames."""
    for found in re.finditer(r"([^{};]+)\{", re.sub(r"/\*.*?\*/", "", sheet, flags=re.DOTALL)):
        if not re.match(r"@|from\b|to\b|[\d.]+%", text := found[1].strip()):
            yield from alternatives(text)


def names(selector: str) -> set[str]:
    """The classes, ids and attributes that an element or those around it must have."""
    return set(NAME.findall(ASIDE.sub("", selector)))


def reaching(sheets: dict[str, str]) -> list[str]:
    """The selectors in which nothing is their sheet's own, as ``sheet: selector``.

    Its own is a name that no other sheet says, a panel's id, or a screen's name.
    """
    saying = defaultdict(set)
    for sheet, text in sheets.items():
        for selector in selectors(text):
            said = names(selector)
            if not any(name.startswith(MINE) for name in said):
                for name in said:
                    saying[name].add(sheet)

    def own(name: str, sheet: str) -> bool:
        return name.startswith(MINE) or saying[name] == {sheet}

    return [
        f"{sheet}: {selector}"
        for sheet, text in sheets.items()
        for selector in selectors(text)
        if sheet not in SHARED and names(selector) and not any(own(name, sheet) for name in names(selector))
    ]


def test_the_sheets_are_found_and_read() -> None:
    assert len(SHEETS) > 10
    assert SHEETS.keys() > SHARED
    for sheet, text in SHEETS.items():
        assert list(selectors(text)), sheet


def test_no_sheet_reaches_into_the_panels_of_another() -> None:
    assert not reaching(SHEETS)


@pytest.mark.parametrize(
    ("one", "other", "found"),
    [
        (".net .node { x: y }", ".star .node { x: y }", []),
        (".net .node { x: y }", ".star .node, .node { x: y }", ["b.css: .node"]),
        (".row.late { x: y }", "@media print { .row.late > .days { x: y } }", ["a.css: .row.late"]),
        (
            ".row.late i { x: y }",
            "@media print { .row > .late { x: y } }",
            ["a.css: .row.late i", "b.css: .row > .late"],
        ),
        (".net .row { x: y }", '#mine .row { x: y } .wall[data-screen="b"] .row { x: y }', []),
        (".net .row { x: y }", ".row:not(.mine) b { x: y }", ["b.css: .row:not(.mine) b"]),
    ],
)
def test_what_reaches_another_is_found(one: str, other: str, found: list[str]) -> None:
    assert reaching({"a.css": one, "b.css": other}) == found
