"""A table in a real PostgreSQL, behind a way that can be cut."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any, ClassVar

import psycopg

from tests.contracts.simulators.source import Proxy, ServerSource
from tests.servers import Postgres

NUMBERS = count(1)


class Database(ServerSource):
    """Each record is a row."""

    kind = "sql"
    asked = True
    missing = "" if Postgres.tools() else "PostgreSQL is not installed (Debian: apt-get install postgresql)"
    patience = 5.0  # A connection that is taken and never answered is waited for, two seconds at least.
    server: ClassVar[Postgres]

    @classmethod
    def provide(cls, fixture: Callable[[str], Any]) -> None:
        """One server for all."""
        cls.server = fixture("postgres_server")

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.name = f"conformance_{next(NUMBERS)}"
        self.proxy = Proxy(lambda: asyncio.open_unix_connection(str(self.server.folder / ".s.PGSQL.5432")))
        self._say(f"CREATE TABLE {self.name} (id INTEGER, changed TIMESTAMPTZ)")

    def _say(self, statement: str, values: tuple[Any, ...] = ()) -> None:
        with psycopg.connect(self.server.url) as db:
            db.execute(statement, values)

    def table(self) -> dict[str, Any]:
        """Rows as tickets."""
        return {
            "url": f"postgresql://citywall@127.0.0.1:{self.proxy.port}/postgres?sslmode=disable", "interval": 0.5,
            "query": f"SELECT 'c-' || id AS number, id, changed FROM {self.name}", "watermark": "changed", "key": "id",
            "timeout": 1.0, "overlap": 7200, "columns": {"number": "number", "reported": "changed"},
        }  # fmt: skip

    async def close(self) -> None:
        """Close the way and drop the table."""
        await super().close()
        await asyncio.to_thread(self._say, f"DROP TABLE {self.name}")

    async def add(self) -> None:
        """One more row."""
        await super().add()
        number = self.wanted[-1]
        for _ in range(2 if self.twice else 1):
            row = (number, self.stamps[number])
            await asyncio.to_thread(self._say, f"INSERT INTO {self.name} VALUES (%s, %s)", row)


SIMULATOR = Database
