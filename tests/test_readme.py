"""The README is held to its word: its map to the modules' first lines, its examples to the contracts."""

from __future__ import annotations

import ast
import re
import tomllib
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from dashboard.board import CODEC
from dashboard.city import make_city
from dashboard.daysoff import calendar_of
from dashboard.display import Display
from dashboard.nouns.releases import IndicatorTable
from dashboard.nouns.sla import Limit
from dashboard.nouns.thresholds import MarketTable, ServiceTable, VideoTable
from dashboard.places import Place, PlaceTree
from dashboard.screens.page import to_json
from dashboard.screens.panel import Context, Panel, all_panels, rests_of
from dashboard.sources.feed import Feed, Rejected, bind, kinds
from dashboard.sources.mapped import mapped
from dashboard.sources.tablemap import ColumnSettings
from feeds.mqtt import Heard
from tests.town import NOW, context, town

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
ROOMS = ("dashboard", "panels", "feeds", "layouts", "bench")


def caption(file: Path) -> str:
    """The first line of a module's docstring."""
    return (ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or "").split("\n")[0]


def blocks(language: str) -> list[str]:
    """The README's code blocks in a language."""
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def example(start: str) -> dict[str, Any]:
    """The names a Python example that begins with ``start`` defines."""
    code = next(block for block in blocks("python") if block.startswith(f'"""{start}'))
    names: dict[str, Any] = {"__name__": "example"}
    exec(compile(code, "README.md", "exec"), names)
    return names


def section(name: str) -> str:
    """What stands between a pair of markers."""
    found = re.search(rf"<!-- {name} -->\n(.*?)<!-- /{name} -->", README, re.DOTALL)
    assert found, f"the README has no section between <!-- {name} --> and <!-- /{name} -->"
    return found[1].strip()


def rooms_of(folder: Path, indent: str) -> list[str]:
    """The modules of a folder, one line each, and behind them the rooms in it."""
    files = sorted(file for file in folder.glob("*.py") if file.name != "__init__.py")
    lines = [f"{indent}- `{file.name}` – {caption(file)}" for file in files]
    for room in sorted(file.parent for file in folder.glob("*/__init__.py")):
        lines += [f"{indent}- `{room.name}/` – {caption(room / '__init__.py')}", *rooms_of(room, f"{indent}  ")]
    return lines


def the_map() -> str:
    """The map of the house as it should stand in the README."""
    lines = [f"- `app.py` – {caption(ROOT / 'app.py')}"]
    for room in ROOMS:
        lines.append(f"- `{room}/` – {caption(ROOT / room / '__init__.py')}")
        lines += rooms_of(ROOT / room, "  ")
    return "\n".join(lines)


def the_feeds() -> str:
    """The kinds of feed as they should stand in the README."""
    parts = []
    for kind, feed in sorted(kinds().items()):
        parts.append(f"**`{kind}`** – {feed.caption}\n\n```toml\n{feed.example.strip()}\n```")
        if feed.mapped:
            parts.append(f"Mapped: {feed.mapped}")
        if feed.refused:
            parts.append(f"Refused: {feed.refused}")
    return "\n\n".join(parts)


@pytest.mark.parametrize(("name", "expected"), [("captions", the_map()), ("feeds", the_feeds())])
def test_the_readme_says_what_is_there(name: str, expected: str) -> None:
    assert section(name) == expected, f"put this between the markers of {name}:\n{expected}"


def test_the_panel_of_the_readme_paints() -> None:
    panel = cast(Panel, example("Open tickets")["PANEL"])
    places = PlaceTree.of([Place("d", "D", "district")])
    city = make_city(
        {"name": "c", "title": {"zh": "城", "en": "C"}, "zone": "UTC", "places": {"file": "c.csv"}}, Path("c")
    )
    ctx = Context(city, places, "d")
    assert panel.paint(panel.example, ctx) == {"inhand-number.children": "6,214"}
    assert panel.paint({"tickets": {}}, ctx) == {"inhand-number.children": "–"}
    assert b"inhand-number" in to_json(panel.frame(ctx))


def test_the_feed_of_the_readme_parses() -> None:
    names = example("Tickets from a web service")
    feed = cast(Feed, names["FEED"])
    settings = feed.Settings(name="hall", kind="listing", url="http://127.0.0.1/tickets")  # type: ignore[call-arg]
    good = {"id": "7", "at": datetime(2026, 11, 21, tzinfo=UTC), "title": "井盖缺损"}
    found = list(feed.parse([good, {"id": "8"}], settings, cast(Any, None)))
    assert [type(one).__name__ for one in found] == ["TicketReported", "Rejected"]
    assert cast(Rejected, found[1]).reason == "missing_field"
    assert CODEC.types["ticket.reported"] is type(found[0])


def test_the_city_of_the_readme_is_one() -> None:
    text = next(block for block in blocks("toml") if block.startswith("name ="))
    city = make_city(tomllib.loads(text), Path("mycity.toml"))
    for table in city.feeds:
        kinds()[table.kind].Settings.model_validate(table.model_dump())


def test_the_limits_of_the_readme_are_read() -> None:
    text = next(block for block in blocks("toml") if block.startswith("[limits]"))
    base = {"name": "c", "title": {"zh": "城", "en": "C"}, "zone": "Asia/Shanghai", "places": {"file": "c.csv"}}
    city = make_city({**base, **tomllib.loads(text)}, Path("c.toml"))
    assert city.limits.urgent == Limit(2)
    assert not calendar_of(city).is_workday(date(2026, 12, 24).toordinal())
    assert calendar_of(city).is_workday(date(2026, 12, 26).toordinal())


def test_the_escalation_of_the_readme_works() -> None:
    text = next(block for block in blocks("toml") if block.startswith("[escalation]"))
    base = {"name": "c", "title": {"zh": "城", "en": "C"}, "zone": "Asia/Shanghai", "places": {"file": "c.csv"}}
    plan = make_city({**base, **tomllib.loads(text)}, Path("c.toml")).escalation
    assert plan is not None
    assert plan.channels_for("环卫中心", "duty") == ("sanitation", "duty-phone")
    assert plan.channels_for("环卫中心", "chief") == ("mail",)
    assert plan.channels_for("环卫中心", "district") == ()


def test_the_thresholds_of_the_readme_are_ones_a_city_may_have() -> None:
    text = next(block for block in blocks("toml") if block.startswith("[sensors]"))
    base = {"name": "c", "title": {"zh": "城", "en": "C"}, "zone": "UTC", "places": {"file": "c.csv"}}
    city = make_city({**base, **tomllib.loads(text)}, Path("c"))
    assert city.sensors.of("gauge-07", "level").alarm == 1.2
    assert city.sensors.of("gauge-07", "level").stuck_hours == 12
    assert city.cloud.certificate_warn_days == 30


def test_every_command_of_the_readme_is_one() -> None:
    from app import parser

    known = set(cast(Any, parser()._subparsers)._group_actions[0].choices)
    said = re.findall(r"(?:`|\./)citywall ([a-z]+)", README)
    assert {"demo", "replay", "check", "run", "status", "feed"} <= set(said)
    assert set(said) - known <= {"test"}


def test_the_thresholds_of_video_in_the_readme_are_what_they_are_without_it() -> None:
    text = next(block for block in blocks("toml") if "[video]" in block)
    assert VideoTable.model_validate(tomllib.loads(text)["video"]) == VideoTable()


def test_service_and_market_in_the_readme_are_what_they_are_without_it_but_for_names() -> None:
    tables = tomllib.loads(next(block for block in blocks("toml") if "[service]" in block))
    assert tables["service"].pop("halls") == {"区行政服务中心": "440605011"}
    assert tables["market"].pop("complaints") == ["消费纠纷"]
    assert tables["service"].keys() | {"halls"} == ServiceTable.model_fields.keys(), "it names every key there is"
    assert tables["market"].keys() | {"complaints"} == MarketTable.model_fields.keys()
    assert ServiceTable.model_validate(tables["service"]) == ServiceTable()
    assert MarketTable.model_validate(tables["market"]) == MarketTable()
    assert IndicatorTable.model_validate(tables["indicators"]) == IndicatorTable()


def test_the_queues_of_the_readme_come_from_a_broker(tmp_path: Path) -> None:
    table = tomllib.loads(next(block for block in blocks("toml") if '"service.queue"' in block))
    city = town(tmp_path, *table["feeds"])
    (bound,) = bind(city)
    heard = Heard("halls/north/queue", b'{"n": 12, "open": 4, "t": "2026-03-01T11:00:00+08:00"}', False, NOW)
    (queue,) = cast(Any, bound.feed.parse([heard], cast(Any, bound.settings), context(city)))
    assert (bound.nouns, queue.subject, queue.waiting, queue.windows) == (("service",), "north", 12, 4)


def test_the_catalogue_of_the_readme_is_read_and_greys_what_rests_on_it(tmp_path: Path) -> None:
    table = tomllib.loads(next(block for block in blocks("toml") if "[sharing.rests]" in block))
    city = town(tmp_path, **table)
    (bound,) = bind(city)
    row = {
        "目录编号": "E-7", "目录名称": "企业登记信息", "提供部门": "市监局", "更新周期": "每日",
        "更新时间": "2026/2/27",
    }  # fmt: skip
    records = [row, row | {"更新周期": "不定期"}, row | {"更新周期": "0"}]
    found = list(mapped(records, cast(ColumnSettings, bound.settings).mapping, context(city)))
    entries, letters = [one for one in found if not isinstance(one, Rejected)], found[2:]
    assert [cast(Any, entry).cycle for entry in entries] == [24, None]
    assert [cast(Rejected, letter).reason for letter in letters] == ["impossible_value"]
    assert rests_of(all_panels()["units"], (), city, "zh") == {"企业登记信息": "企业登记信息"}


def test_the_scenes_of_the_readme_are_ones_a_city_may_have() -> None:
    text = next(block for block in blocks("toml") if "[[playlists]]" in block)
    base = {"name": "c", "title": {"zh": "城", "en": "C"}, "zone": "UTC", "places": {"file": "c.csv"}}
    city = make_city({**base, **tomllib.loads(text)}, Path("c.toml"))
    (day,) = city.playlists
    assert day.plays_on("hall-3")
    assert day.scene_for("sensor") == "flood"
    assert [scene.id for scene in city.scenes] == ["overview", "flood", "trend"]
    assert (city.display.memory, city.display.afresh_hours) == (Display().memory, Display().afresh_hours)
