"""Fuzzing: each feed's parser under mutated payloads, guided by the lines they reach; no fault and no bent number."""

from __future__ import annotations

import html
import io
import json
import math
import random
import re
import sys
import tempfile
import traceback
import unicodedata
import zipfile
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import cache
from hashlib import blake2b
from pathlib import Path
from time import monotonic
from types import FrameType
from typing import Any

from bench.mutations import LARGEST, mutated, repacked
from bench.run import Bench, Figure
from bench.targets import NOW, TARGETS, Target
from dashboard.board import CODEC
from dashboard.city import make_city
from dashboard.events import Act, Event, pack, pack_batch
from dashboard.ground.outlines import Gazetteer
from dashboard.ground.placefile import read_places
from dashboard.sources.feed import BoundFeed, Context, Rejected, SourceFailed, SourceNonsense, bind
from dashboard.sources.values import EARLIEST, LATEST
from feeds.desk import LONGEST

ROOT = Path(__file__).resolve().parents[1]
CORPUS = ROOT / "tests" / "corpus"
DATA = ROOT / "../shared/data"
SMALL = 3000  # Bytes of a case that is kept.
KEPT = 24  # Cases of one target that are kept.
MINUTES = 4.0
NUMBER = re.compile(r"[+-]?(?:\d[\d,]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")


# -- what is run -----------------------------------------------------------------------------------------------


@cache
def bound(target: Target) -> tuple[BoundFeed, Context]:
    """The feed of a target in a city of its own."""
    folder = Path(tempfile.gettempdir())
    table = {"kind": target.kind, "name": "fuzzed", **target.table}
    city = make_city(
        {
            "name": "fuzz", "title": {"zh": "镇", "en": "Town"}, "zone": "Asia/Shanghai",
            "places": {"file": str(ROOT / "cities" / "nanhai.csv"), "outlines": "schematic"}, "feeds": [table],
        },
        folder / "fuzz.toml",
    )  # fmt: skip
    places = read_places(city)
    (feed,) = bind(city)
    return feed, Context(city, places, Gazetteer.of(city, places), None, lambda: NOW, folder)


def outcome(target: Target, body: bytes) -> tuple[list[Event], list[Rejected]]:
    """What a payload becomes; a payload refused as a whole is one refusal.

    Raises:
        Exception: whatever the parser raises beside ``SourceNonsense`` and ``SourceFailed``: a fault of ours.
    """
    feed, ctx = bound(target)
    events: list[Event] = []
    rejected: list[Rejected] = []
    try:
        for found in feed.feed.parse(target.payload(body), feed.settings, ctx):
            if isinstance(found, Rejected):
                rejected.append(found)
            else:
                events.append(found)
    except SourceNonsense as nonsense:
        rejected.append(Rejected(nonsense.reason, "", "", nonsense.detail, whole=True))
    except SourceFailed as failed:
        rejected.append(Rejected("source_failed", "", "", str(failed), whole=True))
    return events, rejected


def faults(target: Target, body: bytes) -> list[str]:
    """What is wrong with what a payload becomes, in sentences; empty if nothing is."""
    try:
        events, rejected = outcome(target, body)
    except Exception as error:  # noqa: BLE001 - that there is one at all is what is looked for.
        last = traceback.extract_tb(error.__traceback__)[-1]
        return [f"{type(error).__name__} at {Path(last.filename).name}:{last.lineno}: {str(error)[:160]}"]
    found = [wrong for event in events for wrong in _unfit(event)]
    found += [f"the refusal {letter.reason!r} has no word for a reason" for letter in rejected if not letter.reason]
    if events and target.exact:
        there = numbers_of(target, body)
        found += [wrong for event in events for wrong in _bent(event, there)]
    return found


def _unfit(event: Event) -> Iterator[str]:
    """What neither stream nor history could take, or no screen show."""
    for name in event.__struct_fields__:
        value = getattr(event, name)
        if isinstance(value, float) and not math.isfinite(value):
            yield f"{event.kind}.{name} is {value}"
        if isinstance(value, datetime):
            if value.tzinfo is None or value.utcoffset():
                yield f"{event.kind}.{name} is not in UTC: {value}"
            elif not EARLIEST - 1 <= value.year <= LATEST + 1:
                yield f"{event.kind}.{name} is in the year {value.year}"
        if isinstance(value, str) and any(sign == "\0" or "\ud800" <= sign <= "\udfff" for sign in value):
            yield f"{event.kind}.{name} holds what cannot be stored: {value[:40]!r}"
        if isinstance(value, str) and len(value) > (LONGEST if isinstance(event, Act) else 1000):
            yield f"{event.kind}.{name} has {len(value):,} characters"
        if name == "point" and value is not None and not (abs(value[0]) <= 180 and abs(value[1]) <= 180):
            yield f"{event.kind}.point is no point: {value}"
    try:
        (again,) = CODEC.unpack(pack_batch([pack(event)]))
        if again != event:
            yield f"{event.kind} is another after packing"
    except Exception as error:  # noqa: BLE001 - as above.
        yield f"{event.kind} cannot be packed: {type(error).__name__}: {error}"
    if not event.id or not event.source:
        yield f"{event.kind} has no id or source"


# -- whether a number is the one that was sent ---------------------------------------------------------------------


def numbers_of(target: Target, body: bytes) -> tuple[set[float], str]:
    """Every number that a reader could see in a payload, and its text. Found apart from all that the feeds use."""
    texts = []
    if target.packed:
        try:
            with zipfile.ZipFile(io.BytesIO(body)) as archive:
                texts = [archive.read(name).decode("utf-8", "replace") for name in archive.namelist()]
        except Exception:  # noqa: BLE001 - a broken workbook has no numbers.
            return set(), ""
    for encoding in ("utf-8", "gb18030", "utf-16"):
        texts.append(body.decode(encoding, "replace"))
    whole = "\n".join([*texts, target.known])
    whole += "\n" + re.sub(r"\\u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), whole) + html.unescape(whole)
    whole = unicodedata.normalize("NFKC", whole).replace("−", "-")
    found: set[float] = set()
    for token in NUMBER.findall(whole):
        for text in {token, token.replace(",", ""), *token.split(",")}:
            try:
                number = float(text)
            except ValueError:
                continue
            if math.isfinite(number):
                found.add(number)
    return found, whole


SCALES = (1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12)


def _bent(event: Event, there: tuple[set[float], str]) -> Iterator[str]:
    """Numbers of an event that stand nowhere in its payload, and identifiers that do not."""
    numbers, text = there
    scaled = bool(re.search("[十百千万亿]", text))
    wanted = [(name, getattr(event, name, None)) for name in ("value", "capacity", "limit")]
    point = getattr(event, "point", None)
    wanted += [("lon", point[0]), ("lat", point[1])] if point is not None else []
    for name, value in wanted:
        if value is None or value in numbers:
            continue
        if scaled and any(_near(value / scale, numbers) or _near(value * scale, numbers) for scale in SCALES):
            continue
        yield f"{event.kind}.{name} is {value!r}, which was not sent"
    subject = unicodedata.normalize("NFKC", event.subject)
    if subject not in text:
        try:
            if float(subject) in numbers and not re.fullmatch(r"\d+(\.\d+)?[eE]\+?\d+", subject):
                return
        except ValueError:
            pass
        if re.sub(r"\W", "", subject) not in re.sub(r"\W", "", text):
            yield f"{event.kind}.subject is {subject[:60]!r}, which was not sent"


def _near(value: float, numbers: set[float]) -> bool:
    if value in numbers or round(value, 9) in numbers or float(f"{value:.15g}") in numbers:
        return True
    # Of a number with more figures than a float has, the scaled one may end otherwise.
    return f"{value:.14g}" in {f"{number:.14g}" for number in numbers}


# -- the search ------------------------------------------------------------------------------------------------


class Lines:
    """The lines of our own modules that were reached."""

    def __init__(self) -> None:
        self.all: set[tuple[str, int]] = set()
        self._new: set[tuple[str, int]] = set()
        self._ours = (str(ROOT / "dashboard"), str(ROOT / "feeds"))

    def reached_by(self, work: Callable[[], list[str]]) -> tuple[list[str], int]:
        """What ``work`` says, and how many lines it was the first to reach."""
        self._new = set()
        before = sys.gettrace()
        sys.settrace(self._call)
        try:
            found = work()
        finally:
            sys.settrace(before)
        fresh = self._new - self.all
        self.all |= fresh
        return found, len(fresh)

    def _call(self, frame: FrameType, event: str, argument: object) -> Any:
        return self._line if frame.f_code.co_filename.startswith(self._ours) else None

    def _line(self, frame: FrameType, event: str, argument: object) -> Any:
        if event == "line":
            self._new.add((frame.f_code.co_filename, frame.f_lineno))
        return self._line


def corpus_of(target: Target) -> list[Path]:
    """The kept cases of a target."""
    return sorted((CORPUS / target.kind).glob(f"{target.name}-*"))


def recorded_of(target: Target) -> list[bytes]:
    """The recorded payloads of a target, where they lie beside the project."""
    found = [file for pattern in target.recorded for file in sorted(DATA.glob(pattern))]
    return [_beginning(file.read_bytes()) for file in found]


def _beginning(body: bytes) -> bytes:
    """The first records of a long payload, so that many mutations of it can be tried."""
    if len(body) <= SMALL:
        return body
    try:
        document = json.loads(body)
    except ValueError:
        return b"".join(body.splitlines(keepends=True)[:12])[:LARGEST]
    return json.dumps(document[:2], ensure_ascii=False).encode() if isinstance(document, list) else body[:LARGEST]


def search(
    target: Target, seed: int, seconds: float, most: int = sys.maxsize, *, recorded: bool = True, keep: bool = False
) -> tuple[int, int, dict[str, bytes]]:
    """Mutate for so long: how many cases were run, how many lines they reached, and each fault with its shortest case.

    What was derived from recorded payloads is never kept: they are not ours to copy.
    """
    chance, lines = random.Random(f"{target.kind}{target.name}{seed}"), Lines()
    own = [*target.seeds, *(file.read_bytes() for file in corpus_of(target))]
    foreign = recorded_of(target) if recorded else []
    found: dict[str, bytes] = {}
    change = repacked if target.packed else mutated
    pools = [pool for pool in (own, foreign) if pool]
    bound(target)[1].gazetteer.locate_many([(113.15, 23.03)])  # It makes its outlines when it is first asked.
    count, end = 0, monotonic() + seconds
    for body in [*own, *foreign]:
        said, _ = lines.reached_by(lambda body=body: faults(target, body))  # type: ignore[misc]
        for fault in said:
            found.setdefault(fault, body)
    kept = len(corpus_of(target))
    while count < most and monotonic() < end:
        pool = chance.choice(pools)
        body = change(chance.choice(pool), chance, pool)
        said, fresh = lines.reached_by(lambda body=body: faults(target, body))  # type: ignore[misc]
        count += 1
        for fault in said:
            if len(body) < len(found.get(fault, b"\0" * 10**9)):
                found[fault] = body
        if fresh and len(pool) < 400 and len(body) < LARGEST:
            pool.append(body)
            if keep and pool is own and len(body) <= SMALL and kept < KEPT:
                kept += 1
                write(target, body)
    return count, len(lines.all), found


def write(target: Target, body: bytes) -> Path:
    """Keep a case."""
    file = CORPUS / target.kind / f"{target.name}-{blake2b(body, digest_size=5).hexdigest()}"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(body)
    return file


def run(minutes: float = MINUTES, kind: list[str] | None = None, keep: bool = False) -> Iterator[Figure]:
    """Fuzz each kind for so many minutes, its targets in turn. A case that fails is written down and named.

    Raises:
        AssertionError: at the end, if anything was found.
    """
    kinds = sorted({target.kind for target in TARGETS})
    unknown = set(kind or ()) - set(kinds)
    assert not unknown, f"there is nothing to fuzz for {', '.join(unknown)}; there is for {', '.join(kinds)}"
    wrong: list[str] = []
    for name in kind or kinds:
        targets = [target for target in TARGETS if target.kind == name]
        cases = lines = 0
        for target in targets:
            ran, reached, found = search(target, 1, 60 * minutes / len(targets), keep=keep)
            cases, lines = cases + ran, max(lines, reached)
            for number, (fault, body) in enumerate(found.items(), 1):
                file = Path(tempfile.gettempdir()) / f"fuzz-{target.kind}-{target.name}-{number}"
                file.write_bytes(body)
                wrong.append(f"{target.kind}/{target.name}: {fault}; the case is {file}")
        yield Figure(f"fuzz.{name}.cases", cases, "payloads")
        yield Figure(f"fuzz.{name}.lines", lines, "lines")
        yield Figure(f"fuzz.{name}.faults", sum(one.startswith(f"{name}/") for one in wrong), "faults", most=0)
    assert not wrong, "\n".join(wrong)


BENCH = Bench(
    "fuzz", "Each feed's parser under mutated payloads (--minutes each, --kind, --keep)", run, long=True,
    options=("minutes", "kind", "keep"),
)  # fmt: skip
