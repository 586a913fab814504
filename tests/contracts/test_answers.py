"""Any number answers: each that a panel paints can be asked; what stands behind it is listed, or it is said why not."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dashboard.board import VIEWS
from dashboard.city import read_city
from dashboard.nouns.noun import Document
from dashboard.screens.keynumber import key_numbers
from dashboard.screens.marks import ASSETS
from dashboard.screens.page import to_json
from dashboard.screens.panel import Context, Panel, all_panels
from dashboard.screens.records import SHOWN, behind, document, drawn, panel_of, screen_of
from dashboard.sources.feed import rules_of
from tests.contracts.test_panels import context, empty_views

ANSWER = (ASSETS / "answer.mjs").read_text(encoding="utf-8")
CITY = read_city(Path(__file__).resolve().parents[2] / "cities" / "nanhai.toml")
LANGUAGES = ("zh", "en")
NUMBER = re.compile(r"[+−±]?[\d,.]+( ?/ ?[\d,.]+)?[万亿KMB]? ?[^\d\s]{0,3}")
PANELS = {name: panel for name, panel in all_panels().items() if not panel.bare}


def constant(name: str) -> str:
    """A selector or a number of the page's own module, so that it is said once."""
    found = re.search(rf'^const {name} = "?(.+?)"?;', ANSWER, re.MULTILINE)
    assert found, name
    return found[1]


def matches(node: Mapping[str, Any], selectors: str) -> bool:
    """Whether an element is meant by one of the simple selectors that the module has."""
    props = node["props"]
    classes = str(props.get("className", "")).split()
    for selector in selectors.split(", "):
        if selector.startswith("."):
            found = selector[1:] in classes
        elif selector.startswith("["):
            name, _, value = selector.strip("[]").partition("=")
            found = name in props and (not value or props[name] == value.strip("'"))
        else:
            found = str(node["type"]).lower() == selector
        if found:
            return True
    return False


@dataclass
class Piece:
    """A text of a card, with the elements around it from the outermost in."""

    text: str
    around: list[Mapping[str, Any]]
    siblings: str  # All text of the innermost element, or of the row's cell.

    @property
    def figure(self) -> str:
        return next(str(node["props"]["id"]) for node in reversed(self.around) if "id" in node["props"])

    def inside(self, selectors: str) -> bool:
        return any(matches(node, selectors) for node in self.around)


def text_of(node: Any) -> str:
    if isinstance(node, list):
        return "".join(map(text_of, node))
    if isinstance(node, Mapping):
        return text_of(node.get("props", {}).get("children"))
    return "" if node is None else str(node)


def pieces(panel: Panel, language: str) -> Iterator[Piece]:
    """Every text of a panel that is painted from its example into its frame."""
    ctx = context(language=language)
    painted = json.loads(to_json(panel.paint(panel.example, ctx)))

    def walk(node: Any, around: list[Mapping[str, Any]]) -> Iterator[Piece]:
        if isinstance(node, list):
            for part in node:
                yield from walk(part, around)
        elif isinstance(node, Mapping):
            inner = painted.get(f"{node['props'].get('id')}.children", node["props"].get("children"))
            yield from walk(inner, [*around, node])
        elif node is not None and around and any("id" in one["props"] for one in around):
            at = next((n for n, one in enumerate(around) if matches(one, ".row, .strip")), None)
            cell = around[at + 1] if at is not None and at + 1 < len(around) else around[-1]
            yield Piece(str(node), around, text_of(cell))

    yield from walk(json.loads(to_json(panel.frame(ctx))), [])


def example_of(view: str) -> Document:
    """A view as the examples have it: that of the panel that shows nothing else, which has all of its rows."""
    found = [panel for panel in all_panels().values() if view in panel.example and view in panel.reads]
    return min(found, key=lambda panel: len(panel.reads)).example[view]


@pytest.fixture(params=sorted(PANELS))
def panel(request: pytest.FixtureRequest) -> Panel:
    return PANELS[request.param]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_number_can_be_asked_and_what_stands_behind_it_is_said(panel: Panel, language: str) -> None:
    silent, unasked = [], []
    for piece in pieces(panel, language):
        if not NUMBER.fullmatch(piece.text.strip()) or piece.inside(constant("NO_NUMBER")):
            continue
        if piece.inside(constant("ELSEWHERE")):  # It leads to its tickets, to its place, or answers in its own way.
            continue
        drawn_as_one = piece.inside("[data-value], [data-whole]")
        if not drawn_as_one and len(piece.siblings) > int(constant("SHORT").partition(" ")[0]):
            unasked.append(piece.text)
        if behind(panel, piece.figure) is None:
            silent.append(f"{piece.figure}: {piece.text}")
    assert not unasked, f"{panel.id}: no click reaches {unasked}"
    assert not silent, f"{panel.id}: nothing is said of what stands behind {silent}"


def test_what_a_panel_says_stands_behind_its_numbers_keeps_to_the_contract(panel: Panel) -> None:
    ids = drawn(panel, context()) | {f"cockpit_numbers-{name}" for name in key_numbers()}  # A city chooses among them.
    for name, found in panel.records.items():
        assert not name or any(one == f"{panel.id}-{name}" for one in ids), f"{panel.id} draws no {name}"
        assert set(found.reads) <= set(VIEWS)
        assert all((found.title.zh, found.title.en))
        assert bool(found.why.zh) == bool(found.why.en)
        assert found.reads or found.why.zh, "without records it is said why"
        assert panel_of(f"{panel.id}-{name}" if name else panel.id, all_panels()) is panel


@pytest.mark.parametrize("language", LANGUAGES)
def test_records_come_from_the_examples_and_from_an_empty_board(panel: Panel, language: str) -> None:
    ctx = context(language=language)
    for name, found in panel.records.items():
        if not found.reads:
            continue
        said = document(found, {view: example_of(view) for view in found.reads}, ctx)
        assert len(said["records"]) <= SHOWN
        for one in said["records"]:
            assert 0 < len(one["title"]) <= 120, (panel.id, name)
            assert len(one["who"]) <= 120, (panel.id, name)
            assert not re.search(r"\b(nan|None|null)\b", f"{one['title']} {one['who']}"), (panel.id, name, one)
            assert one["behind"] == "" or one["behind"].startswith("/")
            assert one["due"] is None or one["since"] is None
        assert said["records"] or said["none"] or found.all(ctx)
        to_json(said)
        bare = Panel("bare", panel.title, found.reads, panel.frame, panel.paint)
        blank: Document = {view: {} for view in found.reads}
        for views in (empty_views(bare, "T"), blank):
            nothing = document(found, views, ctx)
            assert nothing["records"] or nothing["none"] or found.all(ctx), (panel.id, name)


def test_the_examples_hold_records_of_every_kind() -> None:
    """A kind that could never list anything would look like one of which there is nothing now."""
    ctx = Context(CITY, rules_of(CITY).places, "440605")
    listed: dict[tuple[str, str], bool] = {}
    for one in PANELS.values():
        for found in one.records.values():
            if not found.reads or one.id == "cockpit_numbers":
                continue
            examples = [{view: example_of(view) for view in found.reads}, one.example]
            there = any(found.records(views, ctx) for views in examples if set(found.reads) <= views.keys())
            key = (found.title.en, found.reads[0])
            listed[key] = listed.get(key, False) or there
    assert len(listed) > 20
    assert not [key for key, there in listed.items() if not there]


def test_records_lead_to_the_screen_on_which_they_are_listed() -> None:
    screens = CITY.screens
    led = {
        view: screen_of((view,), screens)
        for panel in PANELS.values() for found in panel.records.values() for view in found.reads[:1]
        if not panel.id.startswith("cockpit")
    }  # fmt: skip
    wrong = {view: screen for view, screen in led.items() if screen in ("", "wall", "cockpit")}
    assert not wrong
    assert (led["service_halls"], led["certificates"], led["indicators"], led["parking"], led["video_faults"]) == (
        "service", "cloud", "economy", "emergency", "video",
    )  # fmt: skip
    assert screen_of(("service_halls",), ["wall", "video"]) == "", "a city without the screen has no such way"


def test_a_row_finds_its_own_records_and_texts_are_masked_and_short() -> None:
    found = all_panels()["service_late"].records[""]
    case = {"key": "a|1", "number": "1", "hall": "大厅 13800138000", "place": "", "due": 5.0, "over": False}
    cases = [{**case, "item": item} for item in ("居住证办理", "长" * 300, *["公积金提取"] * 9)]
    views = {"service_late": {"cases": cases}}
    mine = document(found, views, context(), row="居住证")["records"]
    assert [one["title"] for one in mine] == ["居住证办理 · 1"]
    assert "13800138000" not in mine[0]["who"]
    every = document(found, views, context())["records"]
    assert len(every) == SHOWN
    assert len(every[1]["title"]) == 120
    assert document(found, views, context(), row="没有的")["none"]
