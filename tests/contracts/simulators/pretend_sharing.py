"""Data sharing that is made up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.contracts.simulators.pretended import Pretended

CATALOGUE = """what,name,department,cycle_hours,weight,records
entry,人口基础信息,A office,24,,1000
entry,法人库,B office,1,,200
api,核验接口,A office,,1,
"""


class Catalogue(Pretended):
    """Two entries and an API of two departments."""

    kind = "pretend_sharing"
    city: Mapping[str, Any] = {"sharing": {"departments": ["A office", "B office"]}}
    least = 3

    def table(self) -> dict[str, Any]:
        """As it is in the district, and smaller."""
        (self.folder / "catalogue.csv").write_text(CATALOGUE, encoding="utf-8")
        return {"catalogue": "catalogue.csv", "requests": 1, "calls": 1000, "poll": 5}


SIMULATOR = Catalogue
