"""Whatever is posted of sensors, cloud, service and market: what passes is counted, and every view can be sent."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dashboard.board import NOUNS, Board
from dashboard.sources.feed import Post, bind, rules_of
from dashboard.travel.feeder import read
from dashboard.travel.spool import Spool
from tests.flow import packed, tick
from tests.town import context, town

NASTY = st.one_of(
    st.text(max_size=20),
    st.sampled_from(["", "\0", "\ud800", "|", "a|b", "\u202e", "m", "ft", "bar", "level", "up", "A", "NaN", "1e400"]),
    st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.booleans(), st.none(),
    st.sampled_from([2**63, -(2**63), 1e308, -1e308, 5e-324, 10**400]),
    st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=3),
)  # fmt: skip
GOOD: dict[str, dict[str, Any]] = {
    "sensor.reading": {"quantity": "level", "value": 1.5, "unit": "m"},
    "cloud.sample": {"resource": "host", "metric": "up", "value": 1},
    "service.case_accepted": {"item": "licence", "hall": "north", "promised_days": 3, "legal_days": 9, "place": "A"},
    "service.rated": {"stars": 1, "hall": "north", "place": "A"},
    "service.queue": {"waiting": 3, "windows": 2, "longest": 4.5, "mean": 3, "called": 9, "place": "B"},
    "market.stock": {"group": "entity", "count": 9, "place": "A"},
    "market.registered": {"form": "shop", "sector": "trade", "place": "A"},
    "market.listed": {"roll": "abnormal", "place": "A"},
    "market.inspection": {"begins": "2026-01-01", "ends": "2026-12-31", "planned": 9, "done": 4, "place": "B"},
    "market.certificate": {"category": "lift", "expires": "2026-02-20T00:00:00Z", "place": "A"},
    "market.sampled": {"category": "fish", "passed": False, "place": "A"},
    "service.day": {"day": "2026-02-01", "accepted": 9, "due": 4, "kept": 4, "place": "A"},
}
FIELDS = {
    "sensor.reading": ("quantity", "value", "unit", "name", "capacity", "place", "point", "flaw"),
    "service.case_accepted": ("item", "hall", "promised", "promised_days", "legal_days", "place"),
    "service.case_finished": ("item",),
    "service.rated": ("stars", "hall", "about", "place"),
    "service.redressed": ("how", "stars"),
    "service.queue": ("waiting", "windows", "longest", "mean", "called", "place", "point"),
    "service.day": ("day", "accepted", "due", "kept", "stars5", "place"),
    "market.stock": ("group", "count", "place", "point"),
    "market.registered": ("form", "sector", "place"),
    "market.cancelled": ("form", "why", "place"),
    "market.listed": ("roll", "why", "place"),
    "market.inspection": ("begins", "ends", "planned", "done", "found", "put_right", "joint", "place"),
    "market.certificate": ("category", "expires", "name", "gone", "place"),
    "market.sampled": ("category", "passed", "found", "place"),
    "cloud.sample": ("resource", "metric", "value", "unit", "limit", "name", "place", "point"),
}


@st.composite
def records(draw: st.DrawFn) -> dict[str, Any]:
    """A good event with some of its fields replaced by something nasty."""
    kind = draw(st.sampled_from(sorted(FIELDS)))
    data = dict(GOOD.get(kind, {}))
    if kind == "cloud.sample":
        data["resource"] = draw(st.sampled_from(["host", "pool", "certificate", "link"]))
        data["metric"] = draw(st.sampled_from(["up", "memory", "expires"]))
    if kind in ("sensor.reading", "cloud.sample") and draw(st.booleans()):
        data["quantity" if kind == "sensor.reading" else "limit"] = draw(st.sampled_from(["occupied", 0, 2.5]))
    for name in draw(st.lists(st.sampled_from(FIELDS[kind]), max_size=2, unique=True)):
        data[name] = draw(NASTY)
    minute = draw(st.integers(0, 59))
    return {
        "specversion": "1.0", "id": draw(st.text("abcdef", min_size=1, max_size=4)), "source": "s", "type": kind,
        "subject": draw(st.sampled_from(["g1", "g2", "a|b"])), "time": f"2026-02-01T00:{minute:02}:00Z", "data": data,
    }  # fmt: skip


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(records(), min_size=1, max_size=15))
def test_what_passes_the_door_passes_the_board(batch: list[dict[str, Any]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        city = town(folder, {"kind": "cloudevents", "name": "hotline"})
        (bound,), ctx = bind(city), context(city)
        body = json.dumps(batch).encode()
        events, rejected = read(bound, Post({"content-type": "application/cloudevents-batch+json"}, body), ctx)
        spool = Spool(folder / "hotline.db", durable=False)
        counted = spool.put(events, rejected)
        assert counted.received == counted.stored + counted.duplicate + counted.dead == len(batch)
        board = Board(rules_of(city))
        for found in spool.batches(0):
            board.fold(spool.id, found.seq, found.packed)
        spool.close()
        views = [view for noun in ("sensor", "cloud", "service", "market") for view in NOUNS[noun].views]
        for number, hours in enumerate((0, 1, 30, 24 * 365), 1):
            board.fold("clock@1", number, packed([tick(3600.0 * hours - 28 * 86400)]))
            for place in ("T", "A", "B"):
                for view in views:
                    assert json.dumps(board.view(view, place)["data"], allow_nan=False)
        again = Board.restore(rules_of(city), board.dump())
        assert [again.view(view, "T") for view in views] == [board.view(view, "T") for view in views]
