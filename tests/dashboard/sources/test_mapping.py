"""Maps of records to events: any noun's event by its own fields, and what does not fit refused by name."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import pytest

from dashboard.board import CODEC
from dashboard.city import CityError
from dashboard.events import Event
from dashboard.sources.feed import Rejected, bind
from dashboard.sources.mapped import mapped
from dashboard.sources.mapping import MapSettings, mappable, needed
from dashboard.sources.readings import Record
from dashboard.sources.rows import RowSettings, read_rows
from tests.town import NOW, context, town


class ToyCounted(Event, frozen=True, kw_only=True, omit_defaults=True, tag="toy.counted"):
    """An event with a field of each form that a map can fill."""

    of_the_city = True

    shop: str
    stars: Annotated[int, msgspec.Meta(ge=1, le=5)]
    mood: Literal["good", "bad"] = "good"
    cost: float | None = None
    until: datetime | None = None
    rated: bool = False
    tags: tuple[str, ...] = ()
    place: str = ""
    flaw: str = ""
    point: tuple[float, float] | None = None

    @classmethod
    def as_kept(cls, fields: Mapping[str, Any]) -> dict[str, Any]:
        if not fields["shop"].startswith("s"):
            raise ValueError("shop: begins with an s")
        return {"shop": fields["shop"].upper()}


class ToyNested(Event, frozen=True, kw_only=True, omit_defaults=True, tag="toy.nested"):
    """An event that no map can fill."""

    all: dict[str, int] = msgspec.field(default_factory=dict)


@pytest.fixture(autouse=True)
def toys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CODEC.types, "toy.counted", ToyCounted)
    monkeypatch.setitem(CODEC.types, "toy.nested", ToyNested)


FIELDS = {"subject": "id", "shop": "shop", "stars": "n", "mood": "m", "cost": "c", "until": "u", "tags": "tags[]",
          "place_name": "where", "id": "id"}  # fmt: skip
RECORD = {
    "id": "7",
    "shop": "s1",
    "n": "5",
    "m": "坏",
    "c": "1.2万",
    "u": "2026-03-02",
    "tags": ["a", "b"],
    "where": "甲",
}


def rules(**more: Any) -> MapSettings:
    given = {"event": "toy.counted", "fields": FIELDS, "values": {"mood": {"坏": "bad"}}} | more
    return MapSettings(name="shops", kind="http", **given)


def read(folder: Path, *records: Any, **more: Any) -> tuple[list[ToyCounted], list[Rejected]]:
    found = list(mapped(records, rules(**more), context(town(folder))))
    refused = [item for item in found if isinstance(item, Rejected)]
    return [item for item in found if isinstance(item, ToyCounted)], refused


def test_an_event_nobody_here_knows_is_filled_by_its_own_fields(tmp_path: Path) -> None:
    (event,), refused = read(tmp_path, RECORD)
    assert refused == []
    assert event == ToyCounted(
        id="7", source="shops", time=NOW, subject="7", shop="S1", stars=5, mood="bad", cost=12000.0,
        until=datetime(2026, 3, 1, 16, tzinfo=UTC), tags=("a", "b"), place="A",
    )  # fmt: skip


def test_what_a_record_leaves_out_is_as_the_type_has_it(tmp_path: Path) -> None:
    (event,), _ = read(tmp_path, {"id": "7", "shop": "s1", "n": 1})
    assert (event.mood, event.cost, event.until, event.tags) == ("good", None, None, ())
    assert (event.place, event.flaw) == ("T", "")  # Of the city itself, where nobody says a place.


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [({"n": 6}, "impossible_value"), ({"n": "4.5"}, "bad_number"), ({"n": None}, "no_value"),
     ({"m": "?"}, "unknown_word"), ({"c": "3 ft"}, "wrong_unit"),
     ({"shop": "x"}, "bad_shop"), ({"shop": None}, "missing_field"), ({"c": "3 ft/x2y"}, "bad_number"),
     ({"u": "0000-01-01"}, "impossible_date"), ({"tags": [["a"]]}, "wrong_type"), ({"id": "1.1E+17"}, "bad_number")],
)  # fmt: skip
def test_a_value_that_does_not_fit_is_refused_alone(tmp_path: Path, wrong: dict[str, Any], reason: str) -> None:
    events, refused = read(tmp_path, RECORD | wrong, RECORD, fields=FIELDS | {"tags": "tags"})
    assert [letter.reason for letter in refused] == [reason]
    assert len(events) == 1


def test_what_a_map_may_name(tmp_path: Path) -> None:
    assert "toy.counted" in mappable()
    assert "toy.nested" not in mappable()
    assert "clock.tick" not in mappable()  # It is not kept.
    assert needed("toy.counted") == {"subject", "shop", "stars"}
    for fault, said in (
        ({"event": "toy.gone"}, "is none of"),
        ({"fields": FIELDS | {"colour": "c"}}, "has no field 'colour'"),
        ({"fields": {"shop": "s", "stars": "n"}}, "needs subject"),
        ({"fields": FIELDS | {"cost": "c["}}, "is no JMESPath"),
    ):
        with pytest.raises(ValueError, match=said):
            rules(**fault)


def test_rows_and_messages_become_any_event_by_a_map(tmp_path: Path) -> None:
    """The table ``[feeds.map]`` of the kinds ``sql`` and ``websocket``."""
    rule = {"event": "toy.counted", "fields": FIELDS, "values": {"mood": {"坏": "bad"}}}
    settings = RowSettings.model_validate({"name": "shops", "kind": "sql", "map": rule})
    rows = [Record(RECORD, "id 7"), Record(RECORD | {"n": 9}, "id 8")]
    event, letter = read_rows(rows, settings, context(town(tmp_path)))
    assert isinstance(event, ToyCounted)
    assert isinstance(letter, Rejected)
    assert (letter.reason, letter.where) == ("impossible_value", "id 8")
    assert settings.wanted()["map.fields.shop"] == "shop"


def test_a_feed_of_rows_names_its_noun_by_the_map(tmp_path: Path) -> None:
    table = {"kind": "sql", "name": "rows", "url": "sqlite:///x.db", "query": "SELECT 1", "watermark": "w", "key": "k"}
    fields = {"subject": "a", "resource": "'host'", "metric": "'up'", "value": "v"}
    (bound,) = bind(town(tmp_path, table | {"map": {"event": "cloud.sample", "fields": fields}}))
    assert bound.nouns == ("cloud",)
    with pytest.raises(CityError, match="say what the rows are"):
        bind(town(tmp_path, table))
