"""Escalation: tickets fall due while roles are killed; what a real web hook receives is compared with what is due."""

from __future__ import annotations

import json
import random
import shutil
import tempfile
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from time import sleep, time
from typing import Any, Self

from bench.house import House, Stuck, until
from bench.run import Bench, Figure
from dashboard.travel.messages import Messages

FEED = "load"
VICTIMS = ("courier", "projector", "feeds", "historian", "courier", "valkey")  # The courier twice as often.
STEPS = ("reminder", "overdue")  # Of each ticket; and one of a fifth as many that nobody accepts.
WAITING = "unaccepted"
TICKETS = 10_000
CITY = """
name = "alarms"
title = { zh = "城", en = "City" }
zone = "Asia/Shanghai"

[places]
file = "places.csv"

[limits]
accept = "0.2 minutes"

[[feeds]]
kind = "clock"
name = "clock"

[[feeds]]
kind = "cloudevents"
name = "load"

[escalation]
steps = [
    { name = "reminder", at = "soon", to = "handler", TEMPLATE },
    { name = "overdue", at = "overdue", to = "duty", TEMPLATE },
    { name = "unaccepted", clock = "accept", at = "overdue", to = "intake", TEMPLATE },
]
anyone = { handler = ["hook"], duty = ["hook"], intake = ["hook"] }

[escalation.channels.hook]
url_file = "hook.url"
abreast = 32
""".replace("TEMPLATE", 'template = { zh = "{number} {step}", en = "{number} {step}" }')


@dataclass
class Receiver:
    """A web hook on loopback. Of what it is sent it refuses a share, and takes a share without saying so."""

    chance: random.Random
    refused: float = 0.0
    silent: float = 0.0
    keys: Counter[str] = field(default_factory=Counter)  # Idempotency-Key → how often it was delivered.
    said: dict[str, set[str]] = field(default_factory=dict)  # … → what it was delivered with.
    times: list[float] = field(default_factory=list)

    def __enter__(self) -> Self:
        lock = threading.Lock()
        receiver = self

        class Hook(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                try:
                    body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                except ValueError:  # The sender was killed in the middle of it.
                    self.close_connection = True
                    return
                key = self.headers["Idempotency-Key"] or ""
                with lock:
                    luck = receiver.chance.random()
                    taken = luck >= receiver.refused
                    if taken:
                        receiver.keys[key] += 1
                        receiver.said.setdefault(key, set()).add(body["message"])
                        receiver.times.append(time())
                if taken and luck < receiver.refused + receiver.silent:
                    self.close_connection = True  # The sender will never know.
                    return
                self.send_response(200 if taken else 503)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            request_queue_size = 128
            daemon_threads = True

            def handle_error(self, request: Any, address: Any) -> None:
                """A sender that was killed is no error of ours."""

        self.server = Server(("127.0.0.1", 0), Hook)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    @property
    def address(self) -> str:
        """Where it is, as Apprise writes it."""
        return f"json://127.0.0.1:{self.server.server_port}/hook/secret-path"


@dataclass
class Outcome:
    """What came of a trial: ``differing`` are sentences, none if every step was received exactly once."""

    expected: int
    received: int
    deliveries: int
    kills: Counter[str]
    last_late: float
    differing: list[str]


def tickets(count: int, now: datetime, first: float, last: float) -> Iterator[list[dict[str, Any]]]:
    """Reports of tickets that fall due from ``first`` to ``last`` seconds from now, as CloudEvents; and of others that
    are being verified and that nobody accepts.
    """

    def event(number: str, kind: str, **data: Any) -> dict[str, Any]:
        return {
            "specversion": "1.0", "id": f"{number}-{kind}", "source": "generator", "type": f"ticket.{kind}",
            "time": now.isoformat(), "subject": number, "data": data,
        }  # fmt: skip

    said: dict[str, Any] = {"category": "roads", "unit": "east", "place": "C"}
    rows = []
    for n in range(count):
        due = now + timedelta(seconds=first + (last - first) * n / count)
        rows.append(event(f"T-{n:05d}", "reported", title=f"case {n}", due=due.isoformat(), **said))
    for n in range(count // 5):
        rows += [event(f"V-{n:05d}", "reported", title=f"case {n}", **said), event(f"V-{n:05d}", "verifying")]
    for start in range(0, len(rows), 500):
        yield rows[start : start + 500]


def expected_of(count: int) -> set[str]:
    """What is to be received of so many tickets: number and step."""
    waiting = {f"V-{n:05d} {WAITING}" for n in range(count // 5)}
    return waiting | {f"T-{n:05d} {step}" for n in range(count) for step in STEPS}


@contextmanager
def city(receiver: Receiver) -> Iterator[Path]:
    """A city file whose messages all go to the receiver."""
    folder = Path(tempfile.mkdtemp(prefix="citywall-alarms-"))
    try:
        (folder / "places.csv").write_text("code,name,level,parent\nC,城,city,\n", encoding="utf-8")
        (folder / "hook.url").write_text(receiver.address, encoding="utf-8")
        (folder / "city.toml").write_text(CITY, encoding="utf-8")
        yield folder / "city.toml"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def trial(
    house: House, receiver: Receiver, count: int, *, seed: int, first: float, last: float, pause: float, patience: float
) -> Outcome:
    """Post ``count`` tickets, kill roles every ``pause`` seconds until all is due, and compare what was received."""
    outbox = Messages(house.rooms.database_url)
    until(lambda: _began(outbox), 60, lambda: f"the escalation has begun: {house.tail()}")
    now = datetime.now(UTC)
    for batch in tickets(count, now, first, last):
        body = json.dumps(batch).encode()
        until(lambda body=body: house.post(FEED, body)[0] in (200, 202), 60, "the tickets are taken")  # type: ignore[misc]
    chance, kills = random.Random(seed), Counter[str]()
    while time() < now.timestamp() + last:
        sleep(pause * chance.uniform(0.5, 1.5))
        victim = chance.choice(VICTIMS)
        kills[victim] += bool(house.kill(victim))
    expected = expected_of(count)
    try:
        until(lambda: len(receiver.keys) >= len(expected) and _idle(outbox), patience, "all is received")
    except Stuck:
        pass  # What is missing is said below.
    due = now.timestamp() + last
    late = max(receiver.times, default=due) - due
    differing = list(_compare(expected, receiver, outbox))
    outbox.close()
    return Outcome(len(expected), len(receiver.keys), sum(receiver.keys.values()), kills, late, differing)


def _began(outbox: Messages) -> bool:
    outbox.prepare()
    with outbox.engine.connect() as db:
        return bool(db.exec_driver_sql("SELECT count(*) FROM messages_about").scalar_one())


def _idle(outbox: Messages) -> bool:
    counts = outbox.counts()
    return counts["waiting"] == counts["sending"] == 0


def _compare(expected: set[str], receiver: Receiver, outbox: Messages) -> Iterator[str]:
    said = Counter(text for texts in receiver.said.values() for text in texts)
    for text in sorted(expected - set(said))[:5]:
        yield f"{text}: never received"
    for text in sorted(set(said) - expected)[:5]:
        yield f"{text}: received, and nothing of the kind was due"
    for text, n in said.items():
        if n != 1:
            yield f"{text}: received under {n} keys"
    for key, texts in receiver.said.items():
        if len(texts) != 1 or not key:
            yield f"the key {key!r} came with {len(texts)} texts"
    counts = outbox.counts()
    if counts["sent"] != len(expected) or sum(counts.values()) != len(expected):
        yield f"the log says {counts}, and {len(expected)} were due"


def run() -> Iterable[Figure]:
    """10,000 tickets within a minute, a role killed every two seconds or so."""
    return measure(TICKETS, first=60, last=120, pause=2.0, patience=600)


def measure(count: int, *, first: float, last: float, pause: float, patience: float) -> Sequence[Figure]:
    """The figures of one trial.

    Raises:
        Stuck: if any step was not received exactly once.
    """
    with Receiver(random.Random(2), refused=0.02, silent=0.005) as receiver, city(receiver) as file:
        with House(file) as house:
            outcome = trial(
                house, receiver, count, seed=1, first=first, last=last, pause=pause, patience=patience
            )  # fmt: skip
    if outcome.differing:
        raise Stuck("; ".join(outcome.differing[:5]))
    return [
        Figure("escalation.steps_due", outcome.expected, "steps"),
        Figure("escalation.steps_received", outcome.received, "steps", least=outcome.expected, most=outcome.expected),
        Figure("escalation.deliveries", outcome.deliveries, "deliveries", outcome.received),
        Figure("escalation.kills", sum(outcome.kills.values()), "kills"),
        Figure("escalation.last_after_s", outcome.last_late, "s"),
    ]


BENCH = Bench("escalation", "10,000 tickets fall due within a minute, roles are killed: each step once", run, long=True)
