"""What rests on a broken entry of the data catalogue: from the city file to the projector's pulse and the paint."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from dashboard.board import NOUNS
from dashboard.city import CityError
from dashboard.nouns.clock import ClockTick
from dashboard.nouns.sharing import CatalogueEntry
from dashboard.nouns.thresholds import SharingTable
from dashboard.places import Place, PlaceTree
from dashboard.screens.audience import Hello, Screen
from dashboard.screens.panel import Context, all_panels, check_rests, rests_of
from dashboard.screens.push import Hub
from dashboard.travel.projector import Projector
from tests.flow import rules
from tests.town import town

RESTS = {"企业登记信息": ["sharing"], "人口": ["hotline"], "水位": ["today"], "空气": []}
T0 = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)


def city(folder: Path, rests: dict[str, list[str]] = RESTS) -> Any:
    feed = {"kind": "cloudevents", "name": "hotline"}
    return town(folder, feed, sharing={"rests": rests}, translations={"企业登记信息": "Company register"})


def test_a_panel_rests_on_what_its_nouns_its_feeds_and_it_itself_rest_on(tmp_path: Path) -> None:
    panels, mine = all_panels(), city(tmp_path)
    assert rests_of(panels["sharing_calls"], ["gate"], mine, "zh") == {"企业登记信息": "企业登记信息"}
    assert rests_of(panels["sharing_calls"], ["hotline"], mine, "en") == {
        "企业登记信息": "Company register",
        "人口": "人口",
    }
    assert rests_of(panels["today"], [], mine, "zh") == {"水位": "水位"}
    assert rests_of(panels["units"], ["gate"], mine, "zh") == {}
    assert "sharing" in NOUNS


@pytest.mark.parametrize("name", ["nobody", "", "市场监管"])
def test_what_rests_on_an_entry_has_to_be_there(tmp_path: Path, name: str) -> None:
    check_rests(city(tmp_path))
    with pytest.raises(CityError, match=r"sharing\.rests\.人口: there is no feed, noun or panel"):
        check_rests(city(tmp_path, {"人口": ["today", name]}))


def test_the_pulse_tells_what_is_broken_while_it_is(tmp_path: Path) -> None:
    table = SharingTable(rests={"企业登记信息": ("ticket",), "人口": ("ticket",)})
    projector = Projector(replace(rules(), sharing=table), tmp_path / "board.snapshot")

    def told(minute: int, state: Any) -> dict[str, Any]:
        time = T0.replace(minute=minute)
        entry = CatalogueEntry(
            id=f"e{minute}", source="s", subject="7", time=time, name="企业登记信息", department="市监局", state=state,
            since=T0 if state == "broken" else None, updated=T0, cycle=24,
        )  # fmt: skip
        projector.board.take([entry, ClockTick(id=f"t{minute}", source="clock", time=time, wall=time)])
        found: dict[str, Any] = projector.pulse()["broken"]
        return found

    assert told(0, "open") == {}
    assert told(5, "broken") == {"企业登记信息": {"since": T0.timestamp(), "why": "said"}}
    assert told(9, "open") == {}


def test_a_paint_says_what_it_rests_on_and_nothing_where_that_is_nothing(tmp_path: Path) -> None:
    hub = Hub(city(tmp_path), PlaceTree.of([Place("T", "镇", "city")]), "unix:///nowhere", "v1")
    screen = Screen("s")
    hub.join(screen, Hello("s", ["units", "today"], "T", "zh"))
    for view in {view for name in ("units", "today") for view in all_panels()[name].reads}:
        hub.views[f"{view}|T"] = {"data": {}, "offset": 1, "as_of": 1.0, "feeds": []}
    (audience,) = hub.audiences.values()
    audience.dirty |= {"units", "today"}
    hub._paint(audience)
    panels = json.loads(hub.bundle(screen))["panels"]
    assert panels["today"]["rests"] == {"水位": "水位"}
    assert "rests" not in panels["units"]
    assert isinstance(audience.ctx, Context)
