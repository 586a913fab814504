"""Exactness: kills at random moments during a load, and then board = history = the generator's own ledger."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from time import monotonic, sleep
from typing import Any, cast

from bench.house import House, Stuck, until
from bench.run import Bench, Figure
from dashboard.board import Board
from dashboard.doors.report import counts
from dashboard.ground.placefile import read_places
from dashboard.nouns.tally import Tickets
from dashboard.nouns.tickets import LIGHTS
from dashboard.sources.feed import rules_of
from dashboard.travel.history import History
from dashboard.travel.spool import Counters, Spool

FEED = "load"
SOURCE = "generator"
COMPARED = (
    "source", "number", "reported", "title", "category", "unit", "channel", "place", "lon", "lat", "due", "closed",
    "verdict",
)  # fmt: skip
CATEGORIES = ("noise", "water", "roads", "waste", "lights")
UNITS = ("east", "west", "north", "parks")
Row = dict[str, Any]


# -- the load and its ledger ---------------------------------------------------------------------------------


def load(seed: int, events: int, now: datetime, places: Sequence[str]) -> Iterator[list[Row]]:
    """Batches of CloudEvents, as JSON objects: about ``events`` different good ones before ``now``.

    About one in twenty is a deliberate duplicate, one in a hundred is bad, one in two hundred is an id used
    again with another content; a window of some hundred is out of order, so that closings come before reports.
    """
    chance = random.Random(seed)
    window: list[Row] = []
    batch: list[Row] = []
    past: list[Row] = []
    size = chance.randint(1, 400)
    for row in _good(chance, events, now, places):
        window.append(row)
        if len(window) > 200:
            batch.append(window.pop(chance.randrange(len(window))))
            past.append(batch[-1])
        luck = chance.random()
        if past and luck < 0.05:
            batch.append(past[chance.randrange(max(0, len(past) - 5000), len(past))])
        elif luck < 0.06:
            batch.append(_bad(chance, row))
        elif past and luck < 0.065:
            old = past[chance.randrange(len(past))]
            batch.append({**old, "time": _iso(now - timedelta(days=30))})
        if len(batch) >= size:
            yield batch
            batch, size = [], chance.randint(1, 400)
    chance.shuffle(window)
    yield batch + window


def _good(chance: random.Random, events: int, now: datetime, places: Sequence[str]) -> Iterator[Row]:
    made = number = 0
    while made < events:
        number += 1
        reported = now - timedelta(seconds=chance.randint(60, 12 * 86400))
        data = {
            "title": f"{chance.choice(CATEGORIES)} in the street",
            "category": chance.choice(CATEGORIES), "unit": chance.choice(UNITS),
            "channel": chance.choice(("hotline", "app")),
        }  # fmt: skip
        place = chance.random()
        if place < 0.95:
            data["place"] = chance.choice(places)
        elif place < 0.97:
            data["place"] = "nowhere"
        due = reported + timedelta(minutes=chance.randint(30, 10_000))
        more: Row = {}
        if chance.random() < 0.6:
            more["due"] = _iso(due)
        if chance.random() < 0.3:
            more["point"] = [113.0 + chance.random() / 10, 23.0 + chance.random() / 10]
        name = f"T-{number:06d}"
        yield _row(f"{name}-r", "ticket.reported", reported, name, {**data, **more})
        made += 1
        if chance.random() < 0.02:  # A second report of the same ticket, earlier or later than the first.
            other = reported + timedelta(seconds=chance.randint(-5000, 50))
            yield _row(f"{name}-s", "ticket.reported", other, name, {**data, "title": "again"})
            made += 1
        if chance.random() < 0.75:
            closed = min(now, reported + timedelta(seconds=chance.randint(-200, 400_000)))
            verdict = chance.choice(("", "on_time", "overdue"))
            yield _row(f"{name}-c", "ticket.closed", closed, name, {"verdict": verdict} if verdict else {})
            made += 1


def _row(name: str, kind: str, time: datetime, subject: str, data: Row) -> Row:
    return {
        "specversion": "1.0", "id": name, "source": SOURCE, "type": kind, "time": _iso(time), "subject": subject,
        "data": data,
    }  # fmt: skip


def _bad(chance: random.Random, row: Row) -> Row:
    fault = chance.choice(("type", "time", "field", "subject"))
    if fault == "field":
        return {**row, "id": row["id"] + "-x", "data": {"colour": "red"}}
    return {**row, "id": row["id"] + "-x", fault: {"type": "ticket.lost", "time": "yesterday", "subject": ""}[fault]}


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


class Ledger:
    """What was sent, on disk before it was sent: one line of source, id, hash and content for each record."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._out = file.open("a", encoding="utf-8")

    def note(self, batch: Sequence[Row]) -> None:
        """Write down a batch that is about to be sent."""
        for row in batch:
            text = json.dumps(row, sort_keys=True)
            mark = blake2b(text.encode(), digest_size=8).hexdigest()
            self._out.write(f"{row['source']}\t{row['id']}\t{mark}\t{text}\n")
        self._out.flush()

    def events(self) -> dict[tuple[str, str], Row]:
        """The good events by source and id; of an id that was used twice, the content that came first."""
        found: dict[tuple[str, str], Row] = {}
        with self.file.open(encoding="utf-8") as lines:
            for line in lines:
                source, name, mark, text = line.rstrip("\n").split("\t", 3)
                assert blake2b(text.encode(), digest_size=8).hexdigest() == mark, "the ledger is damaged"
                if not name.endswith("-x"):
                    found.setdefault((source, name), json.loads(text))
        return found


def derive(events: dict[tuple[str, str], Row], places: set[str]) -> dict[tuple[str, str], Row]:
    """The tickets that follow from events, worked out without any of the house's own code."""
    tickets: dict[tuple[str, str], Row] = {}
    told = [(datetime.fromisoformat(row["time"]).timestamp(), row["type"], row["id"], row) for row in events.values()]
    # In the order of time, a report before a closing of the same moment: the first report counts, and of the
    # closings the first behind it.
    for moment, kind, _, row in sorted(told, key=lambda one: (one[0], one[1] == "ticket.closed", one[2])):
        ticket = tickets.setdefault(
            (row["source"], row["subject"]),
            dict.fromkeys(COMPARED, "") | {"source": row["source"], "number": row["subject"]}
            | dict.fromkeys(("reported", "lon", "lat", "due", "closed")),
        )  # fmt: skip
        data = row["data"]
        if kind == "ticket.closed":
            if ticket["reported"] is not None and ticket["closed"] is None:
                ticket |= {"closed": moment, "verdict": data.get("verdict", "")}
        elif ticket["reported"] is None:
            lon, lat = data.get("point", (None, None))
            ticket |= {"reported": moment, "lon": lon, "lat": lat}
            ticket |= {name: data[name] for name in ("title", "category", "unit", "channel")}
            ticket["place"] = data["place"] if data.get("place") in places else ""
            ticket["due"] = datetime.fromisoformat(data["due"]).timestamp() if "due" in data else None
    return tickets


# -- counting --------------------------------------------------------------------------------------------------


def recount(tickets: Sequence[Row], parents: dict[str, str | None], limits: Callable[[str], float], now: float) -> Row:
    """Every count at every place, from tickets alone: code → the counts, and the open tickets' lights at ``now``."""
    root = next(code for code, parent in parents.items() if parent is None)
    names = ["total", "open", "closed", "with_target", "on_time", "overdue", "agree", "disagree"]
    names += [f"light {name}" for name in LIGHTS]
    found: dict[str, dict[str, int]] = {code: dict.fromkeys(names, 0) for code in parents}
    for ticket in tickets:
        if ticket["reported"] is None:
            continue
        due = ticket["due"] if ticket["due"] is not None else ticket["reported"] + 3600 * limits(ticket["category"])
        closed = ticket["closed"]
        what = ["total", "with_target"]
        if closed is None:
            span = max(0.0, due - ticket["reported"])
            shown = "normal" if now <= due - 0.3 * span else "soon" if now <= due else "overdue"
            what += ["open", "light worst" if now > due + span else f"light {shown}"]
        else:
            in_time = closed <= due
            what += ["closed", "on_time" if in_time else "overdue"]
            if ticket["verdict"] and ticket["due"] is not None:
                what.append("agree" if (ticket["verdict"] == "on_time") == in_time else "disagree")
        place: str | None = ticket["place"] or root
        while place is not None:
            for name in what:
                found[place][name] += 1
            place = parents[place]
    return found


# -- the trial -------------------------------------------------------------------------------------------------


@dataclass
class Outcome:
    """What a trial has shown; ``differing`` names the first tickets or counts that are not the same everywhere."""

    events: int
    sent: int
    kept: int
    tickets: int
    counters: Counters
    places: int
    differing: list[str] = field(default_factory=list)

    @property
    def exact(self) -> bool:
        """Whether nothing was lost, doubled or miscounted."""
        return not self.differing


class Trial:
    """A load with faults on one house; ``seed`` fixes what is sent and when it is killed."""

    def __init__(self, house: House, seed: int, patience: float = 120.0) -> None:
        self.house, self.patience = house, patience
        self.chance = random.Random(f"faults of {seed}")
        self.seed = seed
        self.places = read_places(house.city)
        self.ledger = Ledger(house.home / f"ledger-{seed}.tsv")
        self.now = datetime.now(UTC).replace(microsecond=0)
        self.sent = 0
        self.settled = 0.0

    def batches(self, events: int) -> list[list[Row]]:
        """The batches to be sent."""
        return list(load(self.seed, events, self.now, [place.code for place in self.places]))

    def send(self, batch: Sequence[Row]) -> None:
        """Post a batch until it is taken.

        Raises:
            Stuck: if it is not in time, or refused as a whole.
        """
        self.ledger.note(batch)
        body = json.dumps(batch).encode()
        end = monotonic() + self.patience
        while True:
            status, answer = self.house.post(FEED, body)
            if 200 <= status < 300:
                break
            if status not in (0, 503) or monotonic() > end:
                raise Stuck(f"the batch is not taken: {status} {answer[:300]!r}; {self.house.tail()}")
            sleep(0.05)
        self.sent += len(batch)

    def run(self, events: int, faults: Sequence[Callable[[House], None]] = (), pause: float = 0.4) -> list[float]:
        """Send a load, and meanwhile do the faults, one after the other; gives the moments when each had ended.

        Before each come up to ``pause`` seconds, in which a share of the load is let go, and another during it.
        """
        batches = self.batches(events)
        gate = threading.Semaphore(0)

        def send() -> None:
            for batch in batches:
                gate.acquire()
                self.send(batch)

        # The kernel ends a house with the thread that started it, so it is the sending that is done in another one.
        with ThreadPoolExecutor(1) as sender:
            sent = sender.submit(send)
            ended = []
            share = max(1, len(batches) // (2 * len(faults) + 1))
            try:
                for fault in faults:
                    gate.release(share)
                    sleep(self.chance.random() * pause)
                    threading.Timer(0.1, gate.release, (share,)).start()
                    fault(self.house)
                    ended.append(monotonic())
            finally:
                gate.release(len(batches))
            sent.result()
        return ended

    def check(self) -> Outcome:
        """Wait until all is taken in, end the house in order, and compare board, history and ledger."""
        self.house.settle(FEED, self.patience)
        self.settled = monotonic()
        if (code := self.house.stop()) != 0:
            raise Stuck(f"the house ended with code {code}: {self.house.tail()}")
        return compare(self.house, self.ledger, self.sent)


def compare(house: House, ledger: Ledger, sent: int) -> Outcome:
    """Hold the board's snapshot and history against the ledger, ticket for ticket and count for count."""
    places = read_places(house.city)
    events = ledger.events()
    wanted = derive(events, {place.code for place in places})
    board = Board.restore(rules_of(house.city), house.rooms.snapshot.read_bytes())
    part = cast(Tickets, board.slices["ticket"])
    history = History(house.rooms.database_url)
    stored = {(t.source, t.number): {name: getattr(t, name) for name in COMPARED} for t in history.all_tickets()}
    kept = history.count_events()
    history.close()
    shown = {(t.source, t.number): {name: getattr(t, name) for name in COMPARED} for t in part.tickets.values()}
    spool = Spool(house.rooms.spools / f"{FEED}.db")
    c = spool.counters
    spool.close()
    outcome = Outcome(len(events), sent, kept, len(wanted), c, len(places))
    wrong = outcome.differing
    for key in sorted(wanted.keys() | stored.keys() | shown.keys()):
        if not wanted.get(key) == stored.get(key) == shown.get(key):
            wrong.append(f"{key}: ledger {wanted.get(key)}, history {stored.get(key)}, board {shown.get(key)}")
    if kept != len(events):
        wrong.append(f"history has {kept} events, the ledger {len(events)}")
    if c.stored != len(events):
        wrong.append(f"the spool has stored {c.stored} events, the ledger {len(events)}")
    if c.received != c.stored + c.duplicate + c.dead or c.received < sent:
        wrong.append(f"the counters do not balance: {c}, {sent} sent")
    limits = house.city.limits

    def hours(category: str) -> float:
        return limits.hours.get(category, cast(float, limits.default_hours))

    parents = {place.code: place.parent for place in places}
    for code, counted in recount(list(wanted.values()), parents, hours, part.now).items():
        tally = part.tally(code)
        mine = {**counts(tally), **{f"light {name}": n for name, n in zip(LIGHTS, tally.lights, strict=True)}}
        wrong += [f"{code}: {name} is {n}, not {counted[name]}" for name, n in mine.items() if n != counted[name]]
    return outcome


WEIGHTS = {"feeds": 4, "projector": 4, "historian": 4, "valkey": 4, "web": 2, "all": 2}


def kill(what: str) -> Callable[[House], None]:
    """End one role, or everything, by SIGKILL; what the supervisor does not start again is started."""

    def fault(house: House) -> None:
        if what == "all":
            house.kill_all()
            house.start()
        else:
            until(lambda: house.kill(what), 20, f"{what} is there to be killed")

    return fault


def kills(seed: int, number: int) -> list[Callable[[House], None]]:
    """``number`` kills, each role among them if there is room, in a random order."""
    chance = random.Random(f"kills of {seed}")
    chosen = list(WEIGHTS)[:number]
    chosen += chance.choices(list(WEIGHTS), list(WEIGHTS.values()), k=number - len(chosen))
    chance.shuffle(chosen)
    return [kill(what) for what in chosen]


def run() -> Iterator[Figure]:
    """A hundred kills during a hundred thousand events."""
    seed, events, number = 20_261_121, 100_000, 100
    with House() as house:
        trial = Trial(house, seed)
        began = monotonic()
        trial.run(events, kills(seed, number), pause=3.0)
        loaded = monotonic()
        outcome = trial.check()
        for line in outcome.differing[:20]:
            print(line)
        yield Figure("exactness.kills", number, "kills")
        yield Figure("exactness.events_in_history", outcome.kept, "events", least=outcome.events, most=outcome.events)
        right = outcome.tickets - len(outcome.differing)
        yield Figure("exactness.tickets_board_history_ledger", right, "tickets", least=outcome.tickets)
        yield Figure("exactness.seconds_of_load", round(loaded - began, 1), "s")
        yield Figure("exactness.seconds_to_catch_up", round(trial.settled - loaded, 1), "s")


BENCH = Bench("exactness", "A hundred kills -9 during 100,000 events: board = history = ledger", run, long=True)
