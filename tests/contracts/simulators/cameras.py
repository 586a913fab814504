"""What the simulated video platforms have in common: the latest lists have to hold all cameras."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dashboard.events import Event
from dashboard.nouns.video import CamerasListed, CamerasPolled
from tests.contracts.simulators.source import FAILS, REFUSES, WebSource


class Platform(WebSource):
    """A platform that is asked for all its cameras each second."""

    interval = 1.0
    faults: Mapping[str, str] = {
        "down": FAILS, "drip": FAILS, "half_open": FAILS, "too_many": FAILS, "server_error": FAILS,
        "login_page": FAILS, "truncated": FAILS, "duplicated": REFUSES,
        "skew": "what it says is as of the moment it is asked, its replies carry no time",
    }  # fmt: skip

    def inventory(self) -> str:
        """A list of cameras beside the city file; those of the platform come to it by themselves."""
        (self.folder / "cameras.csv").write_text("id,name\n", encoding="utf-8")
        return "cameras.csv"

    def right(self, events: Sequence[Event]) -> bool:
        """The latest list of each part, together, holds every camera once; it was polled since; no event is doubled."""
        latest: dict[str, CamerasListed] = {}
        polled = 0.0
        for event in events:
            if isinstance(event, CamerasListed) and (event.part not in latest or latest[event.part].time <= event.time):
                latest[event.part] = event
            elif isinstance(event, CamerasPolled):
                polled = max(polled, event.time.timestamp())
        names = sorted(int(camera.id.rpartition("-")[2]) for one in latest.values() for camera in one.cameras)
        since = all(one.time.timestamp() <= polled for one in latest.values())
        return names == self.wanted and since and len({event.id for event in events}) == len(events)
