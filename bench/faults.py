"""Faults beside plain kills: a torn or wiped stream, SQL gone, a lost snapshot, a full disk; the long form of each."""

from __future__ import annotations

import random
import resource
import shutil
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from time import sleep, time
from typing import Protocol

from bench.exactness import FEED, Trial
from bench.house import House, Stuck, until
from bench.run import Bench, Figure
from dashboard.travel.roles import only_one
from dashboard.travel.stream import connect

Fault = Callable[[House], None]


class Server(Protocol):
    """A database server that can be killed and started again."""

    def kill(self) -> None:
        """End it as a crash would."""

    def start(self) -> None:
        """Start it again."""


def cut_tail(size: int = 6000) -> Fault:
    """Valkey killed, and the last ``size`` bytes of its file never written."""

    def fault(house: House) -> None:
        with house.without_valkey() as folder:
            file = max((folder / "appendonlydir").glob("*.incr.aof"))
            whole = file.stat().st_size
            with file.open("r+b") as stream:
                stream.truncate(max(0, whole - size))

    return fault


def torn(size: int = 3000) -> Fault:
    """Valkey killed, and the last ``size`` bytes of its file are zeros, as some file systems leave them."""

    def fault(house: House) -> None:
        with house.without_valkey() as folder:
            file = max((folder / "appendonlydir").glob("*.incr.aof"))
            whole = file.stat().st_size
            with file.open("r+b") as stream:
                stream.seek(max(0, whole - size))
                stream.write(bytes(min(size, whole)))

    return fault


def lose_stream(house: House) -> None:
    """Valkey killed, and all its data gone."""
    with house.without_valkey() as folder:
        shutil.rmtree(folder)


def flush(house: House) -> None:
    """FLUSHALL on the living server: nobody's connection breaks, and everything is gone."""
    with connect(house.rooms.redis_url) as redis:
        redis.flushall()


def mistype(house: House) -> None:
    """All our keys replaced by ones of another type."""
    keys = house.rooms.keys
    with connect(house.rooms.redis_url) as redis, redis.pipeline() as pipe:
        for key, kind in keys.kinds.items():
            pipe.delete(key)
            if kind == "string":
                pipe.rpush(key, "not", "ours")
            else:
                pipe.set(key, "not ours")
        pipe.execute()


def trim(house: House) -> None:
    """The stream emptied by hand."""
    with connect(house.rooms.redis_url) as redis:
        redis.xtrim(house.rooms.keys.log, maxlen=0, approximate=False)


def unread(fault: Fault, seconds: float = 0.3) -> Fault:
    """The fault while there is something in the stream that nobody has read yet."""

    def both(house: House) -> None:
        with house.frozen("historian"), house.frozen("projector"):
            sleep(seconds)
            fault(house)

    return both


def lock_sqlite(seconds: float) -> Fault:
    """Somebody else holds history's SQLite file."""

    def fault(house: House) -> None:
        with closing(sqlite3.connect(house.home / "history.db", isolation_level=None, timeout=20)) as db:
            db.execute("BEGIN EXCLUSIVE")
            sleep(seconds)
            db.execute("ROLLBACK")

    return fault


def stop_sql(server: Server, seconds: float) -> Fault:
    """The database server killed, and started again after a while."""

    def fault(house: House) -> None:
        server.kill()
        try:
            sleep(seconds)
        finally:
            server.start()

    return fault


@contextmanager
def projector_ended(house: House, number: int) -> Iterator[None]:
    """The projector ended by a signal, its snapshot being written too, and not started again before the block ends."""
    with house.frozen("supervisor"):
        house.signal("projector", number)
        with only_one(house.home, "projector"):
            yield


def lose_snapshot(house: House) -> None:
    """The projector killed, and its snapshot gone."""
    with projector_ended(house, signal.SIGKILL):
        house.rooms.snapshot.unlink(missing_ok=True)


def damage_snapshot(house: House) -> None:
    """The projector ended in order, and one bit of its snapshot another."""
    began = time()  # A projector that has not spoken yet has nothing to save when it is ended.
    until(lambda: "spoken" not in house.behind(FEED, began), 20, "the board has spoken")
    with projector_ended(house, signal.SIGTERM):
        data = bytearray(house.rooms.snapshot.read_bytes())
        data[random.Random(len(data)).randrange(len(data))] ^= 4
        house.rooms.snapshot.write_bytes(data)


@contextmanager
def full_disk(house: House, role: str) -> Iterator[None]:
    """A disk on which a role can make no file longer, as the kernel says it (RLIMIT_FSIZE); Linux only."""
    pid = house.pid(role)
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (1, before[1]))
    try:
        yield
    finally:
        if house.pid(role) == pid:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, before)


def fill_disk(role: str, seconds: float) -> Fault:
    """A role's disk is full for a while."""

    def fault(house: House) -> None:
        with full_disk(house, role):
            sleep(seconds)

    return fault


def freeze(role: str, seconds: float) -> Fault:
    """A role gets no time for a while."""

    def fault(house: House) -> None:
        with house.frozen(role):
            sleep(seconds)

    return fault


STREAM: dict[str, Fault] = {
    "tail_cut": cut_tail(), "tail_torn": torn(), "stream_lost": lose_stream, "stream_flushed": flush,
    "stream_trimmed": trim, "keys_mistyped": mistype,
}  # fmt: skip


def faults(seconds: float) -> dict[str, Fault]:
    """Every fault that needs nothing but the house; those that last do so for ``seconds``."""
    found: dict[str, Fault] = {
        "sqlite_locked": lock_sqlite(seconds), "snapshot_lost": lose_snapshot, "snapshot_damaged": damage_snapshot,
    }  # fmt: skip
    for name, fault in STREAM.items():
        found |= {name: fault, f"{name}_unread": unread(fault)}
    for role in ("feeds", "projector", "historian", "valkey", "web"):
        found[f"{role}_frozen"] = freeze(role, seconds)
    if hasattr(resource, "prlimit"):
        for role in ("feeds", "projector", "historian", "valkey"):
            found[f"{role}_disk_full"] = fill_disk(role, seconds)
    return found


def run() -> Iterator[Figure]:
    """Each fault once, for a minute where it lasts, in the middle of 20,000 events."""
    seconds = 60.0
    for name, fault in faults(seconds).items():
        yield from trial(name, fault)
    from tests.servers import Postgres  # Only here: a database server is the tests' own.

    if Postgres.tools() is not None:
        server = Postgres()
        try:
            yield from trial("postgresql_gone", stop_sql(server, seconds), DATABASE_URL=server.url)
        finally:
            server.close()


def trial(name: str, fault: Fault, events: int = 20_000, **environment: str) -> Iterator[Figure]:
    """One fault: how many tickets are right afterwards, and how long it took from the fault's end."""
    with House(environment=environment) as house:
        run_ = Trial(house, 7, patience=180)
        ended = run_.run(events, [fault])
        try:
            outcome = run_.check()
        except Stuck as stuck:
            print(f"{name}: {stuck}")
            yield Figure(f"faults.{name}.tickets_right", 0, "tickets", least=1)
            return
        for line in outcome.differing[:10]:
            print(f"{name}: {line}")
        right = outcome.tickets - len(outcome.differing)
        yield Figure(f"faults.{name}.tickets_right", right, "tickets", least=outcome.tickets)
        yield Figure(f"faults.{name}.seconds_to_right", round(run_.settled - max(ended), 1), "s", most=10.0)


BENCH = Bench("faults", "Each fault for a minute during 20,000 events: board = history = ledger", run, long=True)
