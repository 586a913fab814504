"""A whole house for measurements and fault tests: real processes, which may be killed, frozen and started again."""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from http.client import HTTPException
from pathlib import Path
from time import monotonic, sleep, time
from typing import Any, Self, cast

from redis.exceptions import RedisError

import app
from dashboard.city import read_city
from dashboard.doors.status import alive
from dashboard.travel import valkey
from dashboard.travel.roles import House as Rooms
from dashboard.travel.stream import connect

LOAD_CITY = Path(__file__).with_name("load.toml")
ROLES = ("feeds", "projector", "historian", "web")


class Stuck(Exception):
    """What was waited for did not come."""


def until(condition: Callable[[], object], seconds: float = 30.0, what: str | Callable[[], str] = "") -> None:
    """Wait until ``condition`` is true.

    Raises:
        Stuck: if it is not within ``seconds``.
    """
    end = monotonic() + seconds
    while not condition():
        if monotonic() > end:
            raise Stuck(f"not within {seconds:.0f} s: {what if isinstance(what, str) else what()}")
        sleep(0.05)


def free_port() -> int:
    """A port of the loopback that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)  # PR_SET_PDEATHSIG


class House:
    """``citywall run`` on a folder and a port of its own; as a context manager it is always cleaned up.

    ``environment`` is added to the process's own: ``DATABASE_URL`` for PostgreSQL, or what the city file names.
    """

    def __init__(
        self,
        city: Path = LOAD_CITY,
        *,
        without: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        patience: float = 60.0,
    ) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="citywall-bench-"))
        self.city_file, self.without, self.patience = city, tuple(without), patience
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = self.home / "house.log"
        self.environment = {
            **{name: value for name, value in os.environ.items() if name not in ("REDIS_URL", "DATABASE_URL")},
            **(environment or {}),
        }
        self.process: subprocess.Popen[bytes] | None = None
        self.city = read_city(city, environment)
        database = self.environment.get("DATABASE_URL") or f"sqlite:///{self.home / 'history.db'}"
        self.rooms = Rooms(self.city, self.home, valkey.address(self.home), database)

    # -- life --------------------------------------------------------------------------------------------

    def start(self) -> Self:
        """Start it (again) and wait until every role is there and the web answers.

        Raises:
            Stuck: if it is not up in time; the text holds the end of its log.
        """
        words = ["run", "--city", str(self.city_file), "--home", str(self.home), "--port", str(self.port)]
        words += [word for role in self.without for word in ("--without", role)]
        root = Path(app.__file__).resolve().parent
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "app", *words], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={**self.environment, "PYTHONPATH": str(root)}, preexec_fn=_die_with_parent,
            )  # fmt: skip
        until(self.up, self.patience, lambda: f"the house is up: {self.tail()}")
        return self

    def up(self) -> bool:
        """Whether all roles run and the web, if there is one, answers."""
        if self.process is not None and self.process.poll() is not None:
            raise Stuck(f"the house has ended: {self.tail()}")
        if not all(alive(self.pid(role)) for role in ROLES if role not in self.without):
            return False
        return "web" in self.without or self.get("/healthz")[0] == 200

    def ready(self) -> bool:
        """Whether it says of itself that nothing is wrong."""
        return self.get("/readyz")[0] == 200

    def stop(self) -> int:
        """End it in order; the exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.kill_all()
            raise Stuck(f"the house did not end in order: {self.tail()}") from None

    def close(self) -> None:
        """End it by force, its Valkey too, and remove its folder."""
        if self.process is not None:
            self.kill_all()
        valkey.stop(self.home, 2.0)
        shutil.rmtree(self.home, ignore_errors=True)

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, *error: object) -> None:
        self.close()

    def tail(self) -> str:
        """The end of its log."""
        return self.log.read_text(encoding="utf-8", errors="replace")[-3000:] if self.log.exists() else ""

    # -- faults ------------------------------------------------------------------------------------------

    def pid(self, role: str) -> int:
        """The process of a role, ``valkey`` and ``supervisor`` included; 0 between two lives."""
        if role == "supervisor":
            return self.process.pid if self.process is not None and self.process.poll() is None else 0
        if role == "valkey":
            return valkey.pid(self.home) or 0
        try:
            state = json.loads((self.home / "run" / "supervisor.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return 0
        return int(state["roles"].get(role, {}).get("pid") or 0)

    def signal(self, role: str, number: int) -> int:
        """Send a signal to a role if it lives; its process, or 0."""
        pid = self.pid(role)
        if pid:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                return 0
        return pid

    def kill(self, role: str) -> int:
        """End a role by SIGKILL; the supervisor starts it again."""
        return self.signal(role, signal.SIGKILL)

    def kill_all(self) -> None:
        """End everything at once, as a power cut would."""
        # The supervisor first: it must not start again what is being killed.
        for role in ("supervisor", *ROLES, "valkey"):
            self.kill(role)
        if self.process is not None:
            self.process.wait()

        def ended() -> bool:
            self.kill("valkey")  # It may have been between two lives.
            return not valkey.running(self.home)

        until(ended, 30, "Valkey has ended")

    @contextmanager
    def frozen(self, role: str) -> Iterator[None]:
        """A role stopped as if the machine gave it no time."""
        pid = self.signal(role, signal.SIGSTOP)
        try:
            yield
        finally:
            if pid and alive(pid):
                os.kill(pid, signal.SIGCONT)

    @contextmanager
    def without_valkey(self) -> Iterator[Path]:
        """Valkey killed, and not started again before the block ends; gives the folder of its data.

        It is up before: one that has only just begun to start has no data that could be harmed.
        """
        until(self.answers, 30, "Valkey answers")
        locks: list[int] = []

        def ended() -> bool:
            """It has ended, and we have its lock: a role that is just starting would start it again."""
            self.kill("valkey")
            lock = valkey._take(self.home)
            if lock is None:  # The supervisor may be starting one, and hold the lock until it can see that it failed.
                self.signal("supervisor", signal.SIGCONT)
                sleep(0.05)
                self.signal("supervisor", signal.SIGSTOP)
                return False
            locks.append(lock)
            return True

        with self.frozen("supervisor"):
            try:
                until(ended, 30, "Valkey has ended")
                yield self.home / "valkey"
            finally:
                for lock in locks:
                    os.close(lock)

    def answers(self) -> bool:
        """Whether Valkey does."""
        with suppress(RedisError), connect(self.rooms.redis_url) as redis:
            return bool(redis.ping())
        return False

    @contextmanager
    def without_role(self, role: str) -> Iterator[None]:
        """A role killed, and not started again before the block ends."""
        with self.frozen("supervisor"):
            self.kill(role)
            sleep(0.1)
            yield

    # -- talk --------------------------------------------------------------------------------------------

    def get(self, path: str) -> tuple[int, bytes]:
        """Status and body of a page; status 0 if nobody answers."""
        return self._ask(urllib.request.Request(self.url + path))

    def post(self, feed: str, body: bytes, kind: str = "application/cloudevents-batch+json") -> tuple[int, bytes]:
        """Post to a feed once; status 0 if nobody answers."""
        return self._ask(
            urllib.request.Request(f"{self.url}/ingest/{feed}", body, {"content-type": kind}, method="POST")
        )

    def _ask(self, request: urllib.request.Request) -> tuple[int, bytes]:
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()
        except (OSError, HTTPException) as error:
            return 0, str(error).encode()

    def stored(self, feed: str) -> int:
        """How many events the feed's spool has stored since its first day."""
        try:
            with closing(sqlite3.connect(f"file:{self.rooms.spools / f'{feed}.db'}?mode=ro", uri=True)) as db:
                row = db.execute("SELECT value FROM about WHERE name = 'stored'").fetchone()
        except sqlite3.Error:  # It is not there yet.
            return 0
        return int(row[0]) if row else 0

    def behind(self, feed: str, since: float = 0.0) -> str:
        """What is still under way of a feed's events, in words; empty when board and history have them all.

        What the board has is told by a projector that has spoken after ``since`` (wall time).
        """
        try:
            with closing(sqlite3.connect(f"file:{self.rooms.spools / f'{feed}.db'}?mode=ro", uri=True)) as db:
                spool = f"{feed}@{db.execute('SELECT value FROM about WHERE name = ?', ('id',)).fetchone()[0]}"
                row = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'batch'").fetchone()
        except (sqlite3.Error, TypeError) as error:
            return f"the spool: {error}"
        last = int(row[0]) if row else 0
        keys = self.rooms.keys
        try:
            with connect(self.rooms.redis_url) as redis:
                pulse = json.loads(cast(bytes, redis.get(keys.pulse)) or b"{}")
                if not pulse or pulse["wall"] < since:
                    return "the board has not spoken"
                found = {
                    name: int(cast(Any, redis.hget(key, spool)) or 0)
                    for name, key in (("board", keys.folded), ("history", keys.history))
                }
        except (RedisError, OSError) as error:
            return f"the stream: {error}"
        return ", ".join(f"{name} at {at} of {last}" for name, at in found.items() if at < last)

    def settle(self, feed: str, seconds: float = 60.0) -> None:
        """Wait until board and history have all that the feed has on disk.

        Raises:
            Stuck: if they do not within ``seconds``.
        """
        began = time()
        until(lambda: not self.behind(feed, began), seconds, lambda: f"{self.behind(feed, began)}\n{self.tail()}")
