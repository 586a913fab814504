"""A batch replay: one file through the whole house as fast as it goes, ended when caught up, with a report."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import sleep, time
from typing import Any, cast

import msgspec
from redis import Redis
from redis.exceptions import RedisError

from dashboard.board import Board
from dashboard.doors.report import recount, report
from dashboard.refusal import Refused
from dashboard.sources.feed import bind, rules_of
from dashboard.travel.history import History
from dashboard.travel.roles import House
from dashboard.travel.spool import Spool
from dashboard.travel.stream import connect, view_key


def replay(house: House, command: Sequence[str], root: Path | None) -> dict[str, Any]:
    """Run ``command``, which starts the house without its screens, until all is read, folded and written.

    The file is read from its beginning, so a second replay gives duplicates and the same tickets. ``root`` is
    the folder the command is started in. Returns the report of ``report.report``.

    Raises:
        Refused: if the house ends early, the file cannot be read, or board and history differ afterwards.
    """
    rules = rules_of(house.city)
    feed = next(bound.name for bound in bind(house.city) if bound.feed.kind == "file")
    spool = Spool(house.spools / f"{feed}.db")
    spool.rewind()
    before, started_at = spool.counters, time()
    with connect(house.redis_url) as redis, started(command, root) as child:
        while True:
            if child.poll() is not None:
                raise Refused(f"the run ended early with code {child.returncode}; its reasons stand above")
            try:
                beat = _beat(redis, house, rules.places.root.code, feed)
                behind = _behind(redis, house, spool)
            except RedisError as error:
                raise Refused(f"the stream cannot be reached: {error}") from error
            fresh = (beat.get("began") or 0.0) >= started_at
            if fresh and beat["error"]:
                raise Refused(f"the feed {feed} cannot read its source: {beat['error']}")
            if fresh and beat["done"] and not behind:
                seconds = time() - beat["began"]
                break
            _progress(f"{beat.get('received', 0) - before.received:,} events read, {behind} batches to go")
            sleep(0.05)
    _progress("")
    spool.close()
    spool = Spool(house.spools / f"{feed}.db")
    board = Board.restore(rules, house.snapshot.read_bytes())
    written = report(board, spool, before, seconds)
    spool.close()
    history = History(house.database_url)
    again = recount(list(history.all_tickets()), board)
    history.close()
    if again != written["tickets"]:
        raise Refused(f"board and history differ: {written['tickets']} and {again}")
    return written


def _beat(redis: Redis, house: House, root: str, feed: str) -> dict[str, Any]:
    """The feed's row in the view of all feeds; empty while nobody has posted it."""
    key = view_key("feeds", root)
    redis.xadd(house.keys.asks, {"keys": msgspec.json.encode([key])}, maxlen=1000)
    found = cast("bytes | None", redis.hget(house.keys.views, key))
    rows = msgspec.json.decode(found)["data"]["feeds"] if found else []
    return next((row for row in rows if row["name"] == feed and "began" in row), {})


def _behind(redis: Redis, house: House, spool: Spool) -> int:
    """How many of the spool's batches have not reached the stream, the board or history."""
    keys = house.keys
    reached = [int(cast(Any, redis.hget(key, spool.id)) or 0) for key in (keys.sent, keys.folded, keys.history)]
    return sum(max(0, spool.last - seq) for seq in reached)


@contextmanager
def started(command: Sequence[str], root: Path | None) -> Iterator[subprocess.Popen[bytes]]:
    """A process that ends, in order, when the block does."""
    child = subprocess.Popen(command, cwd=root)
    try:
        yield child
    finally:
        child.send_signal(signal.SIGTERM)
        try:
            child.wait(30)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _progress(text: str) -> None:
    """One line that is written over, where somebody is looking."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
