"""A measurement of ``bench/`` that runs beside the tests, in processes of its own, and is read at the end."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

from tests.servers import ROOT


class Measured:
    """The measurement of a name; ``start`` begins it, ``figures`` waits for its end."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name, self.file, self.log = name, folder / "figures.json", folder / "log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *words: str) -> None:
        """Begin, with further words for the command line."""
        command = [sys.executable, "-P", "-m", "app", "bench", self.name, "--json", str(self.file), *words]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def figures(self) -> dict[str, float]:
        """What was measured, by name without the measurement's own."""
        assert self.process is not None
        code = self.process.wait()
        assert code == 0, self.log.read_text(encoding="utf-8")
        rows = json.loads(self.file.read_text(encoding="utf-8"))
        return {row["name"].removeprefix(f"{self.name}."): row["value"] for row in rows}

    def close(self) -> None:
        """End it, and what it has started, if it still runs."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(30)
