"""A file that grows, is taken away, is half written, or is overwritten by something else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.contracts.simulators.source import FAILS, PASSES, Simulator

NO_NET = "a file is read from the disk, no network lies between"


class Table(Simulator):
    """Each record is a line."""

    kind = "file"
    faults: Mapping[str, str] = {
        "down": "a followed file that is taken away is waited for, as it is while another takes its place",
        "drip": PASSES, "truncated": PASSES, "login_page": FAILS, "duplicated": PASSES, "skew": PASSES,
        "half_open": NO_NET, "too_many": NO_NET, "server_error": NO_NET,
    }  # fmt: skip

    noted = frozenset(("login_page",))

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.file = folder / "cases.csv"
        self.mode = ""

    def table(self) -> dict[str, Any]:
        """Followed closely."""
        columns = {"number": "number", "reported": "reported"}
        return {"path": "cases.csv", "follow": True, "look": 0.05, "columns": columns, "interval": self.interval}

    async def start(self) -> None:
        """Be there."""
        self._write()

    def _line(self, number: int) -> str:
        return f"c-{number},{self.stamps[number].isoformat()}\n"

    def _write(self) -> None:
        text = "number,reported\n" + "".join(self._line(number) for number in self.wanted)
        other = self.file.with_suffix(".new")
        other.write_text(text)
        other.replace(self.file)

    async def fault(self, name: str) -> None:
        """Be something else."""
        self.mode, self.ahead = name, name == "skew"
        if name == "login_page":
            self.file.write_text("<html><title>log in</title></html>\n")

    async def clear(self) -> None:
        """Be whole again."""
        self.mode, self.ahead = "", False
        self._write()

    async def add(self) -> None:
        """One more line; while it is half written, only a half of it that nobody may take for a whole one."""
        await super().add()
        line = self._line(self.wanted[-1])
        if self.mode in ("login_page", "down"):
            return
        with self.file.open("a") as file:
            if self.mode in ("drip", "truncated"):
                for at in range(0, len(line), 8):
                    file.write(line[at : at + 8])
                    file.flush()
            else:
                file.write(line * (2 if self.mode == "duplicated" else 1))


SIMULATOR = Table
