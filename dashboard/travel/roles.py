"""What the four roles have in common: where they live, how they are told to stop, and how they speak."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import random
import resource
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep, time
from types import FrameType

from dashboard.city import City
from dashboard.refusal import Refused
from dashboard.travel.stream import Keys


@dataclass(frozen=True)
class House:
    """A city with the addresses of its servers and the folder all its files are in."""

    city: City
    data: Path
    redis_url: str
    database_url: str

    @property
    def keys(self) -> Keys:
        """The city's keys in Redis."""
        return Keys(self.city.name)

    @property
    def spools(self) -> Path:
        """The folder of the feeds' disks."""
        return self.data / "spool"

    @property
    def snapshot(self) -> Path:
        """The board's snapshot."""
        return self.data / "board.snapshot"


@contextmanager
def only_one(folder: Path, role: str, patience: float = 30.0) -> Iterator[None]:
    """Be the only process in this role at work in ``folder``.

    A process that was killed may have left a child that still writes; the lock is held until that has ended too.

    Raises:
        Refused: if another has it for longer than ``patience`` seconds.
    """
    file = folder / "run" / f"{role}.lock"
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    until = monotonic() + patience
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            if monotonic() > until:
                os.close(lock)
                raise Refused(f"the role {role} of {folder} is at work in another process; end that first") from None
            sleep(0.05)
    try:
        yield
    finally:
        os.close(lock)


def roomy() -> None:
    """Let this process open as many files as it may: 1,024 are usual, a feed's disk and source take seven, and each
    screen one at least.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65_536 if hard == resource.RLIM_INFINITY else hard
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class Stop:
    """Set by SIGTERM and SIGINT; loops look at it and sleep on it."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def listen(self) -> Stop:
        """Be set by signals from now on; call it in the main thread."""

        def stop(number: int, frame: FrameType | None) -> None:
            self._event.set()

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        return self

    def set(self) -> None:
        """Ask to stop."""
        self._event.set()

    def __bool__(self) -> bool:
        return self._event.is_set()

    def wait(self, seconds: float) -> bool:
        """Sleep, but not past the stop; True if it is set."""
        return self._event.wait(seconds)


class Backoff:
    """Waits that double up to a cap, each with jitter, so that many who wait do not come back at once."""

    def __init__(self, first: float = 0.1, cap: float = 5.0) -> None:
        self.first, self.cap = first, cap
        self.tries = 0

    def next(self) -> float:
        """Seconds to wait now."""
        wait: float = min(self.cap, self.first * 2 ** min(self.tries, 16))
        self.tries += 1
        return wait * random.uniform(0.5, 1.0)

    def reset(self) -> None:
        """All is well again."""
        self.tries = 0


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {"at": round(record.created, 3), "level": record.levelname.lower()}
        line |= {"from": record.name, "say": record.getMessage()}
        if record.exc_info:
            line["why"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def speak(level: str = "INFO") -> None:
    """Send log records to stderr, one JSON object a line."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonLines())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for chatty in ("httpx", "websockets", "uvicorn.access"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    # Below that it writes down the headers of every screen that comes, and with them its cookies.
    logging.getLogger("uvicorn.error").setLevel(max(logging.INFO, logging.getLogger().level))


class Ups:
    """Says once that something is down and once that it is up again, however often it is tried in between."""

    def __init__(self, log: logging.Logger, what: str) -> None:
        self.log, self.what = log, what
        self.down_since: float | None = None

    def down(self, error: BaseException | str) -> None:
        """It failed."""
        if self.down_since is None:
            self.down_since = time()
            self.log.warning("%s: down: %s", self.what, error)

    def up(self) -> None:
        """It works."""
        if self.down_since is not None:
            self.log.warning("%s: up again after %.1f s", self.what, time() - self.down_since)
            self.down_since = None
