"""What a panel is, and how panels are found.

A panel is one module in ``panels/`` with ``PANEL = Panel(...)``: what it reads, how it is drawn once
(``frame``), and, purely, which properties it sets when its views change (``paint``). Title, age and state
are drawn around it by the house.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, cast
from urllib.parse import urlencode

from dashboard.board import NOUNS, VIEWS
from dashboard.city import City, CityError
from dashboard.discovery import declaring
from dashboard.nouns.noun import Document
from dashboard.places import PlaceTree
from dashboard.words import Words

Painted = dict[str, Any]
"""``component.property`` → value, as plain JSON values or Dash components."""


@dataclass(frozen=True)
class Context:
    """Where and for whom a panel is painted. ``size`` is ``small``, ``normal`` or ``large``."""

    city: City
    places: PlaceTree
    place: str
    language: str = "zh"
    size: str = "normal"

    def behind(self, place: str | None = None, **filters: str | int | Sequence[str]) -> str:
        """The address of the tickets that a number counts, at this place (or another): filters by name, as
        ``dashboard.casework.ticketasks`` has them; several values of one are alternatives.

        >>> ctx.behind(open=1, unit="城管")  # doctest: +SKIP
        '/tickets?place=440605124&open=1&unit=%E5%9F%8E%E7%AE%A1'
        """
        where = self.place if place is None else place
        words: dict[str, str | int | Sequence[str]] = {} if where == self.places.root.code else {"place": where}
        words |= filters
        if self.language != self.city.languages[0]:
            words["lang"] = self.language
        return "/tickets" + (f"?{urlencode(words, doseq=True)}" if words else "")

    def below(self, code: str) -> str:
        """The name of the place directly below this one in which the place ``code`` lies; of the place itself where it
        is not above it, and nothing where it is this very place or none that is known.
        """
        path = self.places.path(code) if code in self.places else ()
        if not path or code == self.place:
            return ""
        at = path.index(self.place) + 1 if self.place in path else -1
        return self.places[path[at]].title(self.language)

    def named(self, name: str) -> str:
        """A place, a unit or whatever a source names, as this language calls it."""
        code = self.places.named(name)
        return self.places[code].title(self.language) if code else self.city.translated(name, self.language)

    def rates(self, by: str) -> str:
        """The address of this place's rates of the month by unit, place, category, feed or channel."""
        words = {} if self.place == self.places.root.code else {"place": self.place}
        words |= {} if by == "unit" else {"by": by}
        if self.language != self.city.languages[0]:
            words["lang"] = self.language
        return "/rates" + (f"?{urlencode(words)}" if words else "")

    def case(self, key: str) -> str:
        """The address of one ticket's page."""
        words = {"key": key} if self.language == self.city.languages[0] else {"key": key, "lang": self.language}
        return f"/ticket?{urlencode(words)}"


@dataclass(frozen=True)
class Record:
    """One of the things that stand behind a number: a ticket, or a hall, a link, a camera … ``light`` names the
    light it bears, ``who`` says whose or how much, ``behind`` is the address of its own page; ``due`` and ``since`` are
    in seconds since 1970.
    """

    title: str
    who: str
    light: str
    behind: str
    due: float | None = None
    since: float | None = None


@dataclass(frozen=True)
class Behind:
    """What stands behind numbers: the ``records`` as ``title`` calls them, the one to look at first in front, from the
    views it ``reads``. ``why`` says what else is to be known of them, or why there are none: a sum that its source
    tells as such has no single ones.
    """

    title: Words
    reads: tuple[str, ...] = ()
    records: Callable[[Mapping[str, Document], Context], Sequence[Record]] = lambda views, ctx: ()
    why: Words = Words("", "")
    all: Callable[[Context], str] = lambda ctx: ""  # The address of all of them, where that is no screen of panels.


@dataclass(frozen=True)
class Panel:
    """A thing on a screen.

    ``reads`` names the views it needs, all at the screen's place, or of the whole city where the panel is ``whole``.
    ``paint(views, ctx)`` gets view name → ``data`` of that view. ``example`` is one such set of views. ``formula`` says
    how its numbers come about, ``period`` what time they are about and in what unit, in a few words beside the title.
    ``records`` say what stands behind its numbers: by the name that a component bears after the panel's own, as
    ``late`` of ``service-late``, and by "" behind all others. They are asked for when somebody asks the number, and
    cost no painting.
    """

    id: str
    title: Words
    reads: tuple[str, ...]
    frame: Callable[[Context], Any]
    paint: Callable[[Mapping[str, Document], Context], Painted]
    example: Mapping[str, Document] = field(default_factory=dict)
    formula: Words = Words("", "")
    period: Words = Words("", "")
    records: Mapping[str, Behind] = field(default_factory=dict)
    bare: bool = False  # Without card and title, as the map and the header are.
    whole: bool = False  # Of the whole city, wherever the screen is, as the desk's queue: nobody must miss an alert.


def under(panel: Panel, feeds: Iterable[str]) -> frozenset[str]:
    """The names under which an entry can be said to have the panel rest on it: its own, those of its nouns, and those
    of the ``feeds`` behind its numbers.
    """
    return frozenset({panel.id, *feeds, *(VIEWS[view].name for view in panel.reads if view in VIEWS)})


def rests_of(panel: Panel, feeds: Iterable[str], city: City, language: str) -> dict[str, str]:
    """The entries of the data catalogue that a panel rests on, by name → as it is called in ``language``: those that
    the city file says the panel itself, one of the ``feeds`` behind its numbers or one of its nouns rests on.
    """
    mine = under(panel, feeds)
    found = [name for name, rests in city.sharing.rests.items() if not mine.isdisjoint(rests)]
    return {name: city.translated(name, language) for name in found}


def check_rests(city: City) -> None:
    """See that whatever the city file says rests on an entry is there.

    Raises:
        CityError: naming what is not.
    """
    known = {*(feed.name for feed in city.feeds), *NOUNS, *all_panels()}
    for entry, rests in city.sharing.rests.items():
        for name in rests:
            if name not in known:
                raise CityError(
                    f"{city.where}: sharing.rests.{entry}: there is no feed, noun or panel {name!r}; "
                    f"nouns are {', '.join(sorted(NOUNS))}, and panels those of the gallery"
                )


PANELS: dict[str, Panel] = {}


def all_panels() -> dict[str, Panel]:
    """All panels, by id."""
    if not PANELS:
        for _, value in declaring(import_module("panels"), "PANEL"):
            panel = cast(Panel, value)
            PANELS[panel.id] = panel
    return PANELS
