"""A person at a screen whose acts are sent again until they are taken."""

from __future__ import annotations

import json
from collections.abc import Mapping
from uuid import UUID

from dashboard.events import Event
from tests.contracts.simulators.cloudevents import Sender
from tests.contracts.simulators.source import PASSES, REFUSES


class Person(Sender):
    """Each record is an alarm that was acknowledged."""

    kind = "desk"
    faults: Mapping[str, str] = {
        **Sender.faults, "login_page": REFUSES, "truncated": REFUSES, "duplicated": PASSES,
        "skew": "an act is of the moment at which it reaches us, whatever the screen's clock says",
    }  # fmt: skip

    def bodies(self) -> list[bytes]:
        """Each act by itself."""
        return [
            json.dumps({
                "id": str(UUID(int=number)), "type": "alarm.acknowledged", "by": "陈静",
                "data": {"alert": f"t|hotline|{number}", "severity": 2},
            }).encode()
            for number in self.kept
        ]  # fmt: skip

    def number(self, event: Event) -> int | None:
        """The alarm that was acknowledged."""
        return UUID(event.id).int


SIMULATOR = Person
