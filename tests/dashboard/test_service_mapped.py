"""The service's and the market's events from the records of real systems: read by a map, or refused by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dashboard.sources.feed import Rejected
from dashboard.sources.mapped import mapped
from dashboard.sources.mapping import MapSettings
from tests.town import context, town

GOOD: dict[str, dict[str, Any]] = {
    "service.case_accepted": {"id": "c", "at": "2026-02-27 09:00", "item": "登记", "days": "3", "where": "甲"},
    "service.case_finished": {"id": "c", "at": "2026-02-27 10:00"},
    "service.rated": {"id": "r", "at": "2026-02-27 10:00", "stars": "5", "where": "甲"},
    "service.redressed": {"id": "r", "at": "2026-02-28 10:00"},
    "service.queue": {"id": "north", "at": "2026-03-01 11:58", "n": "1,200", "longest": 4.5, "where": "甲"},
    "service.day": {"id": "north", "at": "2026-02-28 23:00", "day": "2026-02-28", "n": 40, "where": "甲"},
    "market.stock": {"id": "个体户", "at": "2026-02-28 23:00", "group": "主体", "n": "1.2万", "where": "甲"},
    "market.registered": {"id": "e", "at": "2026-02-28 10:00", "form": "个体户", "where": "甲"},
    "market.cancelled": {"id": "e", "at": "2026-02-28 11:00", "form": "个体户", "where": "甲"},
    "market.inspection": {"id": "p", "at": "2026-02-28 10:00", "from": "2026-01-01", "to": "2026-12-31", "n": 90,
                          "done": 12, "where": "甲"},
    "market.certificate": {"id": "l", "at": "2026-02-28 10:00", "kind": "电梯", "until": "2026-05-01 00:00",
                           "where": "甲"},
    "market.sampled": {"id": "s", "at": "2026-02-28 10:00", "ok": "合格", "where": "甲"},
}  # fmt: skip
PLACE = {"subject": "id", "time": "at", "place_name": "where"}
FIELDS: dict[str, dict[str, str]] = {
    "service.case_accepted": {**PLACE, "item": "item", "promised_days": "days"},
    "service.case_finished": {"subject": "id", "time": "at"},
    "service.rated": {**PLACE, "stars": "stars"},
    "service.redressed": {"subject": "id", "time": "at"},
    "service.queue": {**PLACE, "waiting": "n", "longest": "longest"},
    "service.day": {**PLACE, "day": "day", "accepted": "n"},
    "market.stock": {**PLACE, "group": "group", "count": "n"},
    "market.registered": {**PLACE, "form": "form"},
    "market.cancelled": {**PLACE, "form": "form"},
    "market.inspection": {**PLACE, "begins": '"from"', "ends": "to", "planned": "n", "done": "done"},
    "market.certificate": {**PLACE, "category": "kind", "expires": "until"},
    "market.sampled": {**PLACE, "passed": "ok"},
}
WORDS = {
    "market.stock": {"group": {"主体": "entity"}},
    "market.sampled": {"passed": {"合格": "true", "不合格": "false"}},
}


def through_a_map(folder: Path, kind: str, /, **changed: Any) -> tuple[list[Any], list[str]]:
    """The events of a record, and why it is refused."""
    table = MapSettings(
        name="f", kind="http", event=kind, fields=FIELDS[kind], values=WORDS.get(kind, {}),
        time_formats=("%Y-%m-%d %H:%M",),
    )  # fmt: skip
    items = list(mapped([GOOD[kind] | changed], table, context(town(folder))))
    events = [item for item in items if not isinstance(item, Rejected)]
    return events, [item.reason for item in items if isinstance(item, Rejected)]


@pytest.mark.parametrize("kind", list(GOOD))
def test_a_map_reads_the_words_of_real_systems(tmp_path: Path, kind: str) -> None:
    (event,), refused = through_a_map(tmp_path, kind)
    assert refused == []
    assert event.kind == kind
    assert event.subject == GOOD[kind]["id"]
    assert getattr(event, "place", "A") == "A"


def test_numbers_are_read_as_people_write_them(tmp_path: Path) -> None:
    assert through_a_map(tmp_path, "market.stock")[0][0].count == 12_000
    assert through_a_map(tmp_path, "service.queue")[0][0].waiting == 1200
    assert through_a_map(tmp_path, "market.sampled", ok="不合格")[0][0].passed is False


@pytest.mark.parametrize(("kind", "changed", "reason"), [
    ("service.rated", {"stars": 6}, "impossible_value"),
    ("service.rated", {"stars": 0}, "impossible_value"),
    ("service.rated", {"stars": 4.5}, "bad_number"),
    ("service.queue", {"n": -1}, "impossible_value"),
    ("service.queue", {"longest": -0.5}, "impossible_value"),
    ("service.case_accepted", {"days": -3}, "impossible_value"),
    ("service.case_finished", {"at": "2026-02-30 10:00"}, "impossible_date"),
    ("service.case_finished", {"at": "2026-03-09 10:00"}, "time_in_future"),
    ("market.stock", {"n": -4}, "impossible_value"),
    ("market.certificate", {"until": "0000-00-00 00:00"}, "impossible_date"),
    ("market.certificate", {"kind": None}, "missing_field"),
    ("market.sampled", {"ok": "也许"}, "wrong_type"),
])  # fmt: skip
def test_what_cannot_be_is_refused_by_name(tmp_path: Path, kind: str, changed: dict[str, Any], reason: str) -> None:
    events, refused = through_a_map(tmp_path, kind, **changed)
    assert (events, refused) == ([], [reason])
