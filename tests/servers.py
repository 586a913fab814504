"""Real servers for the tests, on loopback and in folders of their own."""

from __future__ import annotations

import ctypes
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Self

from dashboard.travel import valkey

ROOT = Path(__file__).resolve().parent.parent
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def free_port() -> int:
    """A port of 127.0.0.1 that nobody had a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(true: Callable[[], Any], seconds: float = 10.0, what: str = "") -> Any:
    """Wait for a condition and return what it gave; fail with ``what`` when it is still false after ``seconds``."""
    end = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < end, f"not within {seconds:g} s: {what or true}"
        time.sleep(0.02)
    return found


def chromium() -> str | None:
    """The system's Chromium; None if there is none."""
    names = os.environ.get("CITYWALL_CHROMIUM", "chromium chromium-browser google-chrome google-chrome-stable").split()
    mac = (
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
        "/Applications/Chromium.app/Contents/MacOS/Chromium",
    )
    return next((found for name in (*names, *mac) if (found := shutil.which(name))), None)


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)


class Valkey:
    """An embedded Valkey on a data folder of its own. ``url`` stays the same over kill and restart."""

    def __init__(self) -> None:
        self.data = Path(tempfile.mkdtemp(prefix="citywall-valkey-"))
        self.url = valkey.ensure(self.data)

    def start(self) -> None:
        """Start it again, or see that it is there."""
        assert valkey.ensure(self.data) == self.url

    def kill(self) -> None:
        """End it by SIGKILL."""
        number = valkey.pid(self.data)
        assert number is not None
        os.kill(number, signal.SIGKILL)
        until(lambda: not valkey.running(self.data), what="Valkey gone")

    def close(self) -> None:
        """End it and remove its data."""
        valkey.stop(self.data)
        shutil.rmtree(self.data, ignore_errors=True)


class Postgres:
    """A PostgreSQL cluster of its own, on a Unix socket; as root it runs as another user, since it refuses root."""

    def __init__(self) -> None:
        tools = self.tools()
        assert tools is not None
        self.bin = tools
        self.folder = Path(tempfile.mkdtemp(prefix="citywall-pg-"))
        self.user: str | None = None
        if os.getuid() == 0:
            users = {entry.pw_name: entry for entry in pwd.getpwall()}
            owner = users.get("postgres") or users["nobody"]
            self.user = owner.pw_name
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)
        command = [
            str(self.bin / "initdb"),
            "-D",
            str(self.folder / "data"),
            "-U",
            "citywall",
            "-A",
            "trust",
            "-E",
            "UTF8",
        ]
        subprocess.run(
            [*command, "--no-sync", "--locale=C"], user=self.user, cwd=self.folder, check=True, capture_output=True
        )
        self.url = f"postgresql://citywall@/postgres?host={self.folder}"
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    @staticmethod
    def tools() -> Path | None:
        """The folder with initdb and postgres, the newest if there are several; None if it is not installed."""
        found = [path for pattern in _POSTGRES for path in Path("/").glob(pattern)]
        found.sort(
            key=lambda path: [int(part) for part in path.parts[-3].replace("-", "@").split("@") if part.isdigit()]
        )
        on_path = shutil.which("initdb")
        if on_path:
            found.append(Path(on_path).resolve())
        return next((path.parent for path in reversed(found) if (path.parent / "postgres").exists()), None)

    def start(self) -> None:
        """Start it (again) and wait until it accepts connections."""
        (self.folder / "data" / "postmaster.pid").unlink(missing_ok=True)
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [str(self.bin / "postgres"), "-D", str(self.folder / "data"), "-k", str(self.folder), "-c", "fsync=off",
                 "-c", "listen_addresses=", "-c", "max_connections=50"],
                user=self.user, cwd=self.folder, stdout=log, stderr=log, preexec_fn=_die_with_parent,
            )  # fmt: skip
        until(self._accepts, 30, f"PostgreSQL accepts connections, see {self.folder / 'log'}")

    def _accepts(self) -> bool:
        import psycopg

        try:
            psycopg.connect(self.url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def kill(self) -> None:
        """End it at once, as a crash would, its sessions with it."""
        assert self.process is not None
        children = subprocess.run(["pgrep", "-P", str(self.process.pid)], capture_output=True, text=True, check=False)
        self.process.kill()
        self.process.wait()
        numbers = [int(child) for child in children.stdout.split()]
        until(lambda: not any(map(_there, numbers)), what="the processes of PostgreSQL gone")

    def stop(self) -> None:
        """End it in order, without waiting for its clients."""
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        self.process.wait(30)

    def close(self) -> None:
        """End it and remove its data."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(30)
        shutil.rmtree(self.folder, ignore_errors=True)


_POSTGRES = (
    "usr/lib/postgresql/*/bin/initdb",
    "usr/pgsql-*/bin/initdb",
    "usr/libexec/postgresql*/initdb",
    "opt/homebrew/opt/postgresql*/bin/initdb",
)


def _there(number: int) -> bool:
    """Whether a process is there and not just waiting to be reaped."""
    try:
        os.kill(number, 0)
        state = Path(f"/proc/{number}/stat")
        return not state.exists() or state.read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


class Mosquitto:
    """An MQTT broker on a port of its own; ``url`` stays the same over kill and restart. It keeps sessions on disk."""

    def __init__(self, *lines: str) -> None:
        tool = self.tool()
        assert tool is not None
        self.tool_path = tool
        self.folder = Path(tempfile.mkdtemp(prefix="citywall-mqtt-"))
        self.port = free_port()
        self.url = f"mqtt://127.0.0.1:{self.port}"
        self.lines = lines or ("allow_anonymous true",)
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    @staticmethod
    def tool() -> str | None:
        """The broker's program; None if it is not installed."""
        return shutil.which(
            "mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin"
        )

    def start(self) -> None:
        """Start it (again) and wait until it takes connections."""
        file = self.folder / "mosquitto.conf"
        user = ["user root"] if os.getuid() == 0 else []
        text = [f"listener {self.port} 127.0.0.1", "persistence true", f"persistence_location {self.folder}/",
                "autosave_interval 1", "autosave_on_changes true", "max_queued_messages 0", "sys_interval 1",
                *user, *self.lines]  # fmt: skip
        file.write_text("\n".join(text) + "\n", encoding="utf-8")
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [self.tool_path, "-c", str(file)], stdout=log, stderr=log, preexec_fn=_die_with_parent
            )
        until(self._listens, 10, f"mosquitto takes connections, see {self.folder / 'log'}")

    def _listens(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.folder / "log").read_text()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self, number: int = signal.SIGTERM) -> None:
        """End it; by SIGTERM it writes its sessions down first."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(10)

    def close(self) -> None:
        """End it and remove its data."""
        self.stop(signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)


class House:
    """A whole house, ``citywall run``, on a folder and a port of its own.

    ``words`` come after ``run``, such as ``--city FILE``; ``command`` is ``run``, ``demo`` or ``replay``.
    """

    def __init__(
        self,
        *words: str,
        command: str = "run",
        env: Mapping[str, str] | None = None,
        wait: float = 60.0,
    ) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="citywall-house-"))
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.words = [command, *words, "--home", str(self.home), "--port", str(self.port)]
        self.env = {**os.environ, "PYTHONPATH": str(ROOT), **(env or {})}
        self.wait = wait
        self.log = self.home / "house.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        """Start it and wait until it says that it is ready."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "app", *self.words], env=self.env, stdout=log, stderr=log,
                stdin=subprocess.DEVNULL, preexec_fn=_die_with_parent,
            )  # fmt: skip
        until(self.ready, self.wait, f"{self.url}/readyz is fine; log: {self.tail()}")
        return self

    def tail(self) -> str:
        """The end of its log."""
        return self.log.read_text(encoding="utf-8", errors="replace")[-3000:] if self.log.exists() else ""

    def ready(self) -> bool:
        """Whether it says that it is ready."""
        assert self.process is None or self.process.poll() is None, f"the house has ended: {self.tail()}"
        try:
            return int(self.get("/readyz")[0]) == 200
        except OSError:
            return False

    def get(self, path: str, timeout: float = 5.0) -> tuple[int, bytes]:
        """Status and body of a page."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=timeout) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def post(self, path: str, body: bytes, headers: Iterable[tuple[str, str]] = ()) -> tuple[int, bytes]:
        """Status and body of what comes back for a post."""
        request = urllib.request.Request(self.url + path, body, dict(headers), method="POST")
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def pid(self, role: str) -> int:
        """The process of a role, ``valkey`` included."""
        state = json.loads((self.home / "run" / "supervisor.json").read_text(encoding="utf-8"))
        return int(state["roles"][role]["pid"] or 0)

    def kill(self, role: str, number: int = signal.SIGKILL) -> None:
        """Send a signal to a role; it may be between two lives just now."""
        pid = self.pid(role)
        if pid:
            os.kill(pid, number)

    def kill_all(self) -> None:
        """End the supervisor, all roles and Valkey at once, as a power cut would."""
        assert self.process is not None
        state = json.loads((self.home / "run" / "supervisor.json").read_text(encoding="utf-8"))
        for number in (self.process.pid, *(int(role["pid"] or 0) for role in state["roles"].values())):
            if number and _there(number):
                os.kill(number, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        """End it in order; the exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.kill_all()
            raise

    def close(self) -> None:
        """End it, Valkey too, and remove its folder."""
        if self.process is not None:
            self.stop()
        valkey.stop(self.home)
        shutil.rmtree(self.home, ignore_errors=True)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *error: object) -> None:
        self.close()
