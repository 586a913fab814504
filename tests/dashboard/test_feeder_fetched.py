"""What the feeds' process makes of a source that talks nonsense, and of one that asks to be left alone."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from time import monotonic

from tests.source import Asked, reply, source
from tests.station import Lines, Station, soon
from tests.town import town

FEED = {
    "kind": "http", "name": "hall", "interval": 0.05, "event": "sensor.reading",
    "fields": {"subject": "id", "quantity": "'level'", "unit": "'m'", "value": "v", "time": "t"},
}  # fmt: skip
GOOD = reply(json.dumps([{"id": "g", "v": 1.5, "t": "2026-01-01T00:00:00Z"}]))


async def test_a_source_that_talks_nonsense_looks_failing_and_not_alive(tmp_path: Path) -> None:
    answers = [reply('{"a": NaN}')]
    lines = Lines()
    async with source(lambda asked: answers[0]) as served:
        station = Station(town(tmp_path, {**FEED, "url": served.url}), tmp_path)

        def heard() -> datetime | None:
            return station.runner.last_success

        async with station.working():
            await soon(lambda: station.counted()[2] >= 3)
            assert station.runner.error.startswith("what it sends cannot be read: not_finite: NaN")
            assert heard() is None
            answers[0] = GOOD
            await soon(lambda: not station.runner.error and station.events())
            assert heard() is not None
        station.close()
    assert (len(lines.of("hall", "down")), len(lines.of("hall", "up"))) == (1, 1)
    lines.close()


async def test_a_source_that_asks_to_be_left_alone_is_for_that_long(tmp_path: Path) -> None:
    moments: list[float] = []

    def answer(asked: Asked) -> bytes:
        moments.append(monotonic())
        return reply(status=503, retry_after="2") if len(moments) == 1 else GOOD

    async with source(answer) as served:
        station = Station(town(tmp_path, {**FEED, "url": served.url}), tmp_path)
        async with station.working():
            await soon(lambda: station.events())
        station.close()
    assert moments[1] - moments[0] >= 2
