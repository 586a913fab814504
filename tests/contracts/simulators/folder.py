"""Somebody who drops files into a folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.contracts.simulators.source import FAILS, PASSES, REFUSES, Simulator

NO_NET = "a file is read from the disk, no network lies between"


class Drop(Simulator):
    """Each record is a file with one line."""

    kind = "folder"
    faults: Mapping[str, str] = {
        "down": FAILS, "drip": PASSES, "login_page": REFUSES, "duplicated": PASSES, "skew": PASSES,
        "truncated": "a file that is cut off is waited for as one that is being copied, see drip",
        "half_open": NO_NET, "too_many": NO_NET, "server_error": NO_NET,
    }  # fmt: skip

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.place, self.away = folder / "drop", folder / "away"
        self.mode = ""
        self.waiting: list[int] = []

    def table(self) -> dict[str, Any]:
        """Looked into often."""
        columns = {"number": "number", "reported": "reported"}
        return {
            "path": "drop", "columns": columns, "look": 0.05, "settle": 0.1, "patience": 0.3, "interval": self.interval,
        }  # fmt: skip

    async def start(self) -> None:
        """The folder is there."""
        self.place.mkdir(exist_ok=True)

    async def fault(self, name: str) -> None:
        """The folder goes away, or something else is dropped."""
        self.mode, self.ahead = name, name == "skew"
        if name == "down":
            self.place.rename(self.away)

    async def clear(self) -> None:
        """The folder is back, and what waited is dropped."""
        if self.mode == "down":
            self.away.rename(self.place)
        self.mode, self.ahead = "", False
        for number in self.waiting:
            self._drop(number)
        self.waiting.clear()

    def _drop(self, number: int) -> None:
        file = self.place / f"cases-{number}.csv"
        line = f"c-{number},{self.stamps[number].isoformat()}\n"
        if self.mode == "login_page":
            file.write_text("<html><title>log in</title></html>\n" * 3)
            self.waiting.append(number)
            return
        with file.open("w") as out:
            out.write("number,reported\n")
            for at in range(0, len(line), 8 if self.mode == "drip" else len(line)):
                out.write(line[at : at + (8 if self.mode == "drip" else len(line))])
                out.flush()
        if self.mode == "duplicated":
            (self.place / f"again-{number}.csv").write_text(file.read_text())

    async def add(self) -> None:
        """One more file, or one that waits until the folder is back."""
        await super().add()
        if self.mode == "down":
            self.waiting.append(self.wanted[-1])
        else:
            self._drop(self.wanted[-1])


SIMULATOR = Drop
