"""A cloud that is made up."""

from __future__ import annotations

from typing import Any

from tests.contracts.simulators.pretended import Pretended


class Cloud(Pretended):
    """A few hosts, a pool and a service."""

    kind = "pretend_cloud"
    least = 3

    def table(self) -> dict[str, Any]:
        """As it is in the district, and smaller."""
        return {"hosts": 3, "services": ["portal"], "pools": {"cloud": {"cpu": 64}}, "poll": 10}


SIMULATOR = Cloud
