"""A million tickets in history: how long a page of what is asked takes, and a month's rates of all units."""

from __future__ import annotations

import os
import pwd
import random
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import text

from bench.run import Figure
from dashboard.casework.ticketasks import Asked
from dashboard.casework.ticketquery import TicketQuery
from dashboard.nouns.periods import Calendar
from dashboard.places import Place, PlaceTree
from dashboard.travel.history import History, tickets, upsert

NUMBER = 1_000_000
ASKS = 200  # Random filters per database.
NOW = 1_795_000_000.0
YEAR = 365 * 86400.0
WORDS = (
    "井盖缺损", "路灯不亮", "占道经营", "垃圾堆放", "噪声扰民", "排水堵塞", "树枝遮挡", "电动车违规充电", "南海大道",
    "桂澜路", "海五路", "中心小学旁", "市场门口", "小区北门", "三楼", "夜间", "再次反映", "污水外溢",
)  # fmt: skip
LIMITS = (2, 4, 24, 48, 168, 360)  # Hours.


def district() -> PlaceTree:
    """A district of 11 streets, 79 communities and 1,080 grids."""
    chance = random.Random(11)
    streets = [Place(f"S{n:02d}", f"街道{n}", "street", "D") for n in range(11)]
    communities = [Place(f"C{n:03d}", f"社区{n}", "community", streets[n % 11].code) for n in range(79)]
    grids = [Place(f"G{n:04d}", f"网格{n}", "grid", chance.choice(communities).code) for n in range(1080)]
    return PlaceTree.of([Place("D", "区", "district"), *streets, *communities, *grids])


def rows(number: int, places: PlaceTree, seed: int = 3) -> Iterator[dict[str, Any]]:
    """Tickets of a year, as history keeps them: a few common matters and units, and many rare ones."""
    chance = random.Random(seed)
    grids = [place.code for place in places if place.level in ("grid", "community")]
    matters, units = [f"事项{n}" for n in range(180)], [f"单位{n}" for n in range(69)]
    often, busy = [1 / (n + 1) for n in range(180)], [(n + 1) ** -0.6 for n in range(69)]
    categories, handlers = chance.choices(matters, often, k=number), chance.choices(units, busy, k=number)
    for n in range(number):
        reported = NOW - YEAR * chance.random()
        limit = 3600.0 * chance.choice(LIMITS)
        is_open = chance.random() < (0.6 if NOW - reported < 3 * 86400 else 0.006)
        closed = None if is_open else min(NOW, reported + limit * chance.random() * 1.15)
        deadline = reported + limit
        long = chance.random() < 0.7
        state = ("in_progress" if long else "reported") if is_open else "closed"
        yield {
            "source": chance.choice(("hotline", "grid", "video")), "number": f"NH2026{n:08d}", "reported": reported,
            "title": "".join(chance.choices(WORDS, k=3)) + f"{chance.randrange(400)} 号", "category": categories[n],
            "unit": handlers[n], "channel": chance.choice(("12345 热线", "随手拍", "网格巡查", "视频", "信箱")),
            "place": chance.choice(grids), "lon": 113.0 + chance.random() / 3, "lat": 22.9 + chance.random() / 3,
            "flaw": "" if chance.random() < 0.999 else "outside", "state": state, "closed": closed, "done_at": closed,
            "stage": "close" if closed else "handle", "filed": reported + 300 if long else None, "deadline": deadline,
            "dispatched": reported + 600 if long else None, "signed": reported + 4000 if long else None,
            "contacted": reported + 9000 if long else None,
            "since": closed or reported, "first_dispatched": reported + 600 if long else None,
            "responded": int(chance.random() < 0.95) if long else None, "called": closed if long else None,
            "soon_at": deadline - 0.3 * limit if is_open else None,
            "worst_at": deadline + limit if is_open else None, "verdict": "",
            "on_time": None if closed is None else int(closed <= deadline or n % 29 == 0),
            "exempted": int(n % 29 == 0),
            "extensions": int(chance.random() < 0.03), "returns": int(chance.random() < 0.04),
            "reworks": int(chance.random() < 0.03), "level": int(chance.random() < 0.005),
            "whistle": int(chance.random() < 0.003), "caller": f"{chance.randrange(400_000):08x}",
            "solved": int(chance.random() < 0.9) if closed and long else None,
            "satisfied": int(chance.random() < 0.85) if closed and long else None, "reopened": 0,
            "plain": int(not long), "anomalies": "" if chance.random() < 0.999 else "not_from_closed",
            "trail": chance.randbytes(300 if long else 90),
        }  # fmt: skip


def fill(history: History, number: int, places: PlaceTree) -> None:
    """Write so many tickets into a history, and let the database look at what it has."""
    names = [column.name for column in tickets.c]
    chunk: list[tuple[Any, ...]] = []
    for row in rows(number, places):
        chunk.append(tuple(row.get(name) for name in names))
        if len(chunk) == 50_000:
            _write(history, chunk)
            chunk = []
    _write(history, chunk)
    with history.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as db:
        db.execute(text("VACUUM ANALYZE tickets" if history.postgres else "ANALYZE"))


def _write(history: History, chunk: list[tuple[Any, ...]]) -> None:
    if not chunk:
        return
    with history.engine.begin() as db:
        upsert(db, tickets, chunk)


def random_ask(chance: random.Random, places: PlaceTree) -> Asked:
    """One to four filters of any kind, and any order."""
    streets = [place.code for place in places if place.level != "grid"]
    day = f"2026-{chance.randint(1, 10):02d}"
    any_filter: dict[str, str] = {
        "unit": f"单位{chance.randrange(69)}", "category": f"事项{int(chance.paretovariate(0.5)) % 180}",
        "channel": chance.choice(("12345 热线", "随手拍", "视频")), "source": chance.choice(("hotline", "grid")),
        "stage": chance.choice(("handle", "close")), "light": chance.choice(("normal", "soon", "overdue", "worst")),
        "open": "1", "late": "1", "done": "1", "on_time": chance.choice("01"), "returned": "1",
        "exempted": "1", "reworked": "1",
        "supervised": "1", "whistle": "any", "unplaced": "1", "due_in": "60", "reported": day, "closed": day,
        "deadline": day, "q": chance.choice((*WORDS, "井", "0042", "小学旁夜间", "没有这样的字")),
    }  # fmt: skip
    names = chance.sample(sorted(any_filter), chance.randint(0, 4))
    place = chance.choice(streets) if chance.random() < 0.6 else places.root.code
    filters = tuple((name, (any_filter[name],)) for name in sorted(names))
    if chance.random() < 0.1:
        filters = (
            ("rate", (chance.choice(("on_time", "closing", "satisfaction")),)),
            ("period", (day,)),
            ("met", ("0",)),
        )
    sort = chance.choice(("", "deadline", "reported", "closed", "number", "unit", "category"))
    return Asked(place, filters, sort, bool(sort) and chance.random() < 0.5)


def figures(number: int = NUMBER) -> Iterator[Figure]:
    """The figures on SQLite and, where it is installed, on PostgreSQL; without a database's name, the slower one's."""
    places = district()
    found: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="citywall-bench-") as folder:
        found += _measure("sqlite", f"sqlite:///{folder}/history.db", number, places)
    with postgres() as url:
        if url:
            found += _measure("postgres", url, number, places)
    yield from found
    for name in dict.fromkeys(figure.name.rpartition(".")[0] for figure in found):
        yield max((replace(f, name=name) for f in found if f.name.startswith(f"{name}.")), key=lambda f: f.value)


def _measure(name: str, url: str, number: int, places: PlaceTree) -> Iterator[Figure]:
    history = History(url)
    try:
        history.prepare()
        fill(history, number, places)
        query = TicketQuery(history, places, Calendar(ZoneInfo("Asia/Shanghai")))
        chance = random.Random(7)
        pages, counts, rates = [], [], []
        for _ in range(ASKS):
            ask = random_ask(chance, places)
            begun = perf_counter()
            page = query.page(ask, NOW)
            pages.append(perf_counter() - begun)
            begun = perf_counter()
            query.counts(ask, NOW)
            counts.append(perf_counter() - begun)
            if page.after:  # And the page after it, as one scrolls.
                begun = perf_counter()
                query.page(ask, NOW, page.after)
                pages.append(perf_counter() - begun)
        for month in ("2026-05", "2026-08", "2026-09", "2026-10"):
            begun = perf_counter()
            query.rates(places.root.code, month, NOW, by="unit")
            rates.append(perf_counter() - begun)
    finally:
        history.close()
    ends = "" if number == NUMBER else f".of_{number}"
    for what, found, share, wanted in (
        ("page_p95_ms", pages, 0.95, 300.0), ("count_p95_ms", counts, 0.95, 300.0), ("rates_ms", rates, 1.0, 1000.0),
    ):  # fmt: skip
        found.sort()
        value = 1000 * found[min(len(found) - 1, int(share * len(found)))]
        yield Figure(f"tickets.{what}{ends}.{name}", round(value, 1), "ms", most=wanted)


@contextmanager
def postgres() -> Iterator[str | None]:
    """The address of a PostgreSQL of its own; None where it is not installed."""
    tools = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if not tools:
        yield None
        return
    tool = tools[-1].parent
    folder = Path(tempfile.mkdtemp(prefix="citywall-pg-"))
    user = None
    if os.getuid() == 0:  # It refuses root.
        entry = next((e for e in pwd.getpwall() if e.pw_name == "postgres"), None) or pwd.getpwnam("nobody")
        os.chown(folder, entry.pw_uid, entry.pw_gid)
        user = entry.pw_name
    command = [f"{tool}/initdb", "-D", f"{folder}/data", "-U", "citywall", "-A", "trust", "-E", "UTF8", "--locale=C"]
    subprocess.run([*command, "-N"], user=user, cwd=folder, check=True, capture_output=True)
    where = ["-D", f"{folder}/data", "-w", "-l", f"{folder}/log", "-o", f"-k {folder} -c listen_addresses="]
    server = [f"{tool}/pg_ctl", *where]
    subprocess.run([*server, "start"], user=user, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    try:
        yield f"postgresql://citywall@/postgres?host={folder}"
    finally:
        subprocess.run([*server, "-m", "immediate", "stop"], user=user, cwd=folder, check=False, capture_output=True)
        shutil.rmtree(folder, ignore_errors=True)
