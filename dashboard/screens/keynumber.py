"""What a key number is: one figure of a leader's tablet, with its line, its target, its parts and its places.

Modules of this room declare theirs as ``KEY_NUMBERS = (…)`` beside nothing else, each from views that exist; a city
chooses among them by name. What no feed of the city fills is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from typing import cast

from dashboard.board import VIEWS
from dashboard.city import City, CityError
from dashboard.discovery import declaring
from dashboard.nouns.noun import Document
from dashboard.screens.panel import Behind, Context, Record
from dashboard.sources.feed import bind
from dashboard.words import DASH, Words, in_percent

Views = Mapping[str, Document]
FEWEST, USUAL, MOST = 8, 10, 12  # Numbers a cockpit shows.
ALWAYS = frozenset({"instruction"})  # Nouns that people fill by what they do, and no source.


@dataclass(frozen=True)
class Piece:
    """A part of what a number is made of. ``light`` names the light whose shape it bears, ``behind`` is the address of
    what it counts.
    """

    words: Words
    value: int | float | None
    unit: str = ""
    light: str = ""
    behind: str = ""


@dataclass(frozen=True)
class Row:
    """The number at a place directly below, or of something that is named. For a rate ``part`` and ``whole`` are given,
    else ``value``; ``behind`` is the address of what it counts.
    """

    place: str
    value: float | None
    part: int | None = None
    whole: int | None = None
    name: str = ""
    behind: str = ""


@dataclass(frozen=True)
class Reading:
    """What a number says now. ``value`` is None where there is none, a dash on the screen; a rate is in percent.

    ``line`` are its values of the past, the running one last; None where there is none. ``before`` is what ``value`` is
    compared with. ``period`` is the period of a figure that is not of now, such as ``2026-09``.
    """

    value: float | None
    part: int | None = None
    whole: int | None = None
    line: Sequence[float | None] = ()
    before: float | None = None
    pieces: Sequence[Piece] = ()
    period: str = ""
    target: float | None = None


@dataclass(frozen=True)
class KeyNumber:
    """A description of one. ``reads`` are the views it needs. ``good`` says which way is better, ``up`` or ``down``;
    empty where neither is. ``caption`` is what its line shows, ``compared`` what ``before`` is; ``digits`` decimals.
    ``behind`` gives the address of all it counts; ``stands`` is what stands behind it for whoever asks it, where its
    own ``records``, which are painted, are not it. ``example`` has the views it reads, for pictures and tests.
    """

    id: str
    title: Words
    unit: Words
    reads: tuple[str, ...]
    read: Callable[[Views, Context], Reading]
    formula: Words
    caption: Words = Words("", "")
    compared: Words = Words("", "")
    good: str = ""
    digits: int = 0
    rows: Callable[[Views, Context], Sequence[Row]] = lambda views, ctx: ()
    records: Callable[[Views, Context], Sequence[Record]] = lambda views, ctx: ()
    behind: Callable[[Context], str] = lambda ctx: ""
    stands: Behind | None = None
    example: Mapping[str, Document] = field(default_factory=dict)
    large: str = ""  # The panel that shows it on a wall, where it is sent alone.
    rank: int = 50  # Where it stands among those a city has not chosen by name: small ones first.

    @property
    def nouns(self) -> frozenset[str]:
        """The nouns its views are of."""
        return frozenset(VIEWS[view].name for view in self.reads)


@cache
def key_numbers() -> dict[str, KeyNumber]:
    """All key numbers whose views this house has, by id and in the order of their rank."""
    found = [
        one
        for _, declared in declaring(import_module("dashboard.screens"), "KEY_NUMBERS")
        for one in cast("tuple[KeyNumber, ...]", declared)
        if set(one.reads) <= VIEWS.keys()
    ]
    found.sort(key=lambda one: (one.rank, one.id))
    return {one.id: one for one in found}


def chosen(city: City) -> tuple[KeyNumber, ...]:
    """The numbers of a city's cockpit: those it names in ``[cockpit] numbers``, else the first that its feeds fill.

    Those of modules that no feed fills are left out; of a city without any such feed all are taken.

    Raises:
        CityError: if a number is named that nobody knows.
    """
    key = id(city)
    if key not in _CHOSEN or _CHOSEN[key][0] is not city:
        _CHOSEN[key] = city, _choose(city)
    return _CHOSEN[key][1]


_CHOSEN: dict[int, tuple[City, tuple[KeyNumber, ...]]] = {}


def _choose(city: City) -> tuple[KeyNumber, ...]:
    known = key_numbers()
    for name in (*city.cockpit.numbers, *city.cockpit.targets):
        if name not in known:
            raise CityError(f"{city.where}: cockpit: there is no number {name!r}; known are {', '.join(sorted(known))}")
    filled = feeds_of(city)
    wanted = [known[name] for name in city.cockpit.numbers] or list(known.values())
    mine = [one for one in wanted if all(filled.get(noun) for noun in one.nouns - ALWAYS)]
    fed = any(one.nouns - ALWAYS for one in mine)
    return tuple(mine if fed else wanted)[: MOST if city.cockpit.numbers else USUAL]


def feeds_of(city: City) -> dict[str, tuple[str, ...]]:
    """Noun → the names of the city's feeds that fill it."""
    found: dict[str, tuple[str, ...]] = {}
    for bound in bind(city):
        for noun in bound.nouns:
            found[noun] = (*found.get(noun, ()), bound.name)
    return found


def missed(reading: Reading, good: str, target: float | None) -> bool | None:
    """Whether a number misses its target; None where there is no number, no target, or no better side."""
    aim = reading.target if reading.target is not None else target
    if reading.value is None or aim is None or not good:
        return None
    return reading.value < aim if good == "up" else reading.value > aim


def lowest_first(rows: Sequence[Row]) -> list[Row]:
    """Places by their rate, the lowest first; those without a denominator come last."""
    return sorted(rows, key=lambda row: (row.value is None, row.value or 0.0, row.place, row.name))


def highest_first(rows: Sequence[Row]) -> list[Row]:
    """Places by their number, the highest first."""
    return sorted(rows, key=lambda row: (-(row.value or 0.0), row.place, row.name))


def rated(reading: Reading, digits: int) -> str:
    """The value of a rate as it is written on a tile, in an instruction and wherever else: 100 where it is all."""
    full = reading.value is not None and reading.part == reading.whole
    return DASH if reading.value is None else "100" if full else in_percent(reading.value, digits)


def percent_of(part: int, whole: int) -> float | None:
    """A rate in percent; None where there is nothing to divide by."""
    return 100 * part / whole if whole else None
