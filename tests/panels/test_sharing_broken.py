"""Broken entries: a panel that rests on several of them is greyed, and counted, once."""

from __future__ import annotations

from typing import Any

from dashboard.board import VIEWS
from dashboard.screens.panel import Context, all_panels, rests_of
from panels.sharing_broken import PANEL
from tests.contracts.test_panels import context
from tests.dashboard.screens.test_keynumber import here
from tests.panels.test_decide import said


def counted(resting: list[str], rows: list[dict[str, Any]], ctx: Context) -> str:
    view = {**PANEL.example["sharing_broken"], "broken": rows, "resting": resting}
    return said(PANEL.paint({"sharing_broken": view}, ctx), "sharing_broken-rests.children").rstrip("处")


def row(*rests: str) -> dict[str, Any]:
    return {**PANEL.example["sharing_broken"]["broken"][0], "rests": list(rests)}


def test_a_panel_is_counted_once_and_also_where_its_entry_is_not_listed() -> None:
    assert counted(["urgent"], [row("urgent")] * 3, context()) == "1"
    assert counted(["hour", "urgent"], [row("urgent")], context()) == "2"
    assert counted([], [], context()) == "0"


def test_as_many_are_counted_as_are_greyed() -> None:
    ctx = here()
    names = ["market", "service"]
    entries = {name for name, rests in ctx.city.sharing.rests.items() if not set(names).isdisjoint(rests)}
    greyed = [one.id for one in all_panels().values() if entries & rests_of(one, (), ctx.city, "zh").keys()]
    assert {"market", "market_due", "service"} <= set(greyed)
    assert counted(names, [row(*names)], ctx) == str(len(greyed))
    own = [one.id for one in all_panels().values() if "ticket" in {VIEWS[view].name for view in one.reads}]
    assert counted(["tickets"], [row("tickets")], ctx) == str(len(own)), "the feed behind all of these"
