"""What a feed is, and how the feeds of a city are found and checked.

A kind of feed is one module in ``feeds/`` with ``FEED = Feed(...)``. It says how to fetch (``open``) and,
apart from that and purely, how to read what was fetched (``parse``). Spool, retries, health, dead letters
and ``citywall feed try`` come free.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from pydantic import BaseModel, ConfigDict, ValidationError

from dashboard.board import NOUNS
from dashboard.city import City, CityError, explain
from dashboard.daysoff import calendar_of
from dashboard.discovery import declaring
from dashboard.events import Event
from dashboard.ground.outlines import Gazetteer
from dashboard.ground.placefile import read_places
from dashboard.limits import limits_of
from dashboard.masking import opaque
from dashboard.nouns.duty import Escalation
from dashboard.nouns.noun import FeedRule, Rules
from dashboard.places import PlaceTree


class SourceFailed(Exception):
    """The source could not be reached or did not answer as it should; the feed backs off and tries again.

    ``wait`` is for how many seconds at least the source asks to be left alone.
    """

    def __init__(self, said: str = "", wait: float = 0.0) -> None:
        super().__init__(said)
        self.wait = wait


class SourceNonsense(Exception):
    """A whole payload cannot be read. It is dead-lettered under ``reason``; the feed goes on."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason, self.detail = reason, detail


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record that is refused: why (one of few words, for counting), what it was, and where (line or id).

    With ``kept`` the record passed all the same, and this only notes its flaw.
    """

    reason: str
    raw: str
    where: str = ""
    detail: str = ""
    kept: bool = False
    whole: bool = False  # A whole payload was refused, so nothing is known of what its source has to say.


@dataclass(frozen=True, slots=True)
class Delivery:
    """What a source gave: the payload for ``parse``, and where to go on from once it is safely stored."""

    payload: Any
    cursor: str | None = None


class Settings(BaseModel):
    """The settings every kind has; a kind's own ``Settings`` extend them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    kind: str
    source: str = ""  # Names the outside system in events; the feed's name if empty.
    interval: float | None = None  # Seconds within which it should be heard again; None for no expectation.

    @property
    def fills(self) -> tuple[str, ...] | None:
        """The nouns that a feed with these settings fills, where that depends on them; else its kind's."""
        return None


@dataclass(frozen=True)
class Context:
    """What a feed may know of its surroundings. ``now`` is wall time, asked for only by kinds that keep time."""

    city: City
    places: PlaceTree
    gazetteer: Gazetteer
    cursor: str | None
    now: Callable[[], datetime]
    data: Path
    trial: bool = False  # Somebody only looks (``citywall feed try``): nothing that is given will be stored.

    def caller(self, text: str) -> str:
        """An opaque mark of who called; equal for the same number in all feeds of this house, and in no other's."""
        return opaque(text, _key(self.data)) if text.strip() else ""


@cache
def _key(data: Path) -> bytes:
    """The house's own key for callers, made when first asked for and never shown."""
    file = data / "caller.key"
    try:
        return file.read_bytes()
    except FileNotFoundError:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        mine = file.with_suffix(f".{os.getpid()}")
        mine.touch(mode=0o600)
        mine.write_bytes(secrets.token_bytes(32))
        try:
            os.link(mine, file)  # Who comes first has made it.
        except FileExistsError:
            pass
        mine.unlink()
        return file.read_bytes()


Parsed = Iterable["Event | Rejected"]


@dataclass(frozen=True)
class Feed:
    """A kind of feed.

    ``open(settings, context)`` yields deliveries; it is resumed only after the last one is on disk, which is
    the moment to acknowledge it to the source. ``parse(payload, settings, context)`` is pure. A kind without
    ``open`` is posted to at ``/ingest/<name>`` and its payload is a ``Post``. ``nouns`` are what it fills,
    ``example`` is a block of TOML that works; ``mapped`` and ``refused`` say in words, for the README, what becomes
    of a record and what is turned away.
    """

    kind: str
    caption: str
    parse: Callable[[Any, Any, Context], Parsed]
    open: Callable[[Any, Context], AsyncIterator[Delivery]] | None = None
    Settings: type[Settings] = Settings
    nouns: tuple[str, ...] = ()
    interval: float | None = None
    example: str = ""
    mapped: str = ""
    refused: str = ""
    everywhere: bool = False  # Every city has one, unless it names its own; it is posted to by a door of its own.


@dataclass(frozen=True, slots=True)
class Post:
    """One HTTP request to a feed: header names in lower case."""

    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class BoundFeed:
    """A feed of a city: its kind and its checked settings."""

    feed: Feed
    settings: Settings
    nouns: tuple[str, ...] = field(default=())

    @property
    def name(self) -> str:
        """The name the city file gives it."""
        return self.settings.name

    @property
    def source(self) -> str:
        """What its events name as their source."""
        return self.settings.source or self.settings.name


FEEDS: dict[str, Feed] = {}


def kinds() -> dict[str, Feed]:
    """All kinds of feed, by name."""
    if not FEEDS:
        found = [cast(Feed, value) for _, value in declaring(import_module("feeds"), "FEED")]
        FEEDS.update({feed.kind: feed for feed in found})  # At once: another thread must not meet some of them.
    return FEEDS


def bind(city: City) -> tuple[BoundFeed, ...]:
    """The feeds of a city, each checked by its kind.

    Raises:
        CityError: naming the feed, the key and what is allowed.
    """
    bound = []
    for table in city.feeds:
        where = f"{city.where}: feeds.{table.name}"
        kind = kinds().get(table.kind)
        if kind is None:
            raise CityError(
                f"{where}: kind: there is no feed of kind {table.kind!r}; known are {', '.join(sorted(kinds()))}"
            )
        try:
            settings = kind.Settings.model_validate(table.model_dump())
        except ValidationError as error:
            raise CityError(explain(error, where)) from error
        if "|" in (settings.source or settings.name):
            raise CityError(f"{where}: source: may not contain a '|'")
        if kind.interval is not None and settings.interval is None:
            settings = settings.model_copy(update={"interval": kind.interval})
        unknown = set(kind.nouns) - set(NOUNS)
        assert not unknown, f"feed kind {kind.kind} fills unknown nouns {unknown}"
        bound.append(BoundFeed(kind, settings, settings.fills or kind.nouns))
    return tuple(bound)


def every_feed(city: City) -> tuple[BoundFeed, ...]:
    """The feeds of a city, and those that every city has without naming them.

    Raises:
        CityError: as ``bind`` does, and if another kind of feed bears the name of such a one.
    """
    bound = bind(city)
    taken, there = {feed.name for feed in bound}, {feed.feed.kind for feed in bound}
    more = []
    for kind in kinds().values():
        if not kind.everywhere or kind.kind in there:
            continue
        if kind.kind in taken:
            raise CityError(f"{city.where}: feeds.{kind.kind}: is a name of the house's own; give the feed another")
        more.append(BoundFeed(kind, kind.Settings(name=kind.kind, kind=kind.kind, interval=kind.interval), kind.nouns))
    return (*bound, *more)


def rules_of(city: City, places: PlaceTree | None = None) -> Rules:
    """The rules the board folds by.

    Raises:
        CityError: as ``bind`` and ``read_places`` do.
    """
    return Rules(
        places=places or read_places(city),
        zone=city.tz,
        limits=limits_of(city),
        calendar=calendar_of(city),
        escalation=city.escalation or Escalation(),
        accept=city.limits.accept,
        dispatch=city.limits.dispatch,
        sign=city.limits.sign,
        weights=city.rates.weights,
        goal=city.rates.goal,
        units=city.units,
        levels=city.rates.levels,
        grassroots=city.rates.grassroots,
        whistle=city.rates.whistle,
        soon_share=city.limits.soon_share,
        worst_multiple=city.limits.worst_multiple,
        sensors=city.sensors,
        cloud=city.cloud,
        video=city.video,
        sharing=city.sharing,
        service=city.service,
        market=city.market,
        indicators=city.indicators,
        incidents=city.incidents,
        feeds=tuple(
            FeedRule(bound.name, bound.feed.kind, bound.nouns, bound.settings.interval, bound.source)
            for bound in every_feed(city)
        ),
    )
