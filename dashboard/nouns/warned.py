"""Warnings in force: blue, yellow, orange and red, of what and where, as their issuers say and lift them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any

import msgspec

from dashboard.events import Event
from dashboard.nouns.noun import Alert, Document, Noun, Rules, SetBack
from dashboard.words import Words

LEVELS = ("red", "orange", "yellow", "blue")  # 1 is the worst; the same order as the four levels of emergencies.


class WarningIssued(Event, frozen=True, kw_only=True, omit_defaults=True, tag="warning.issued"):
    """A warning (``subject``) of ``what`` is in force at ``level`` (1 red to 4 blue) from ``time`` on.

    Issued again under the same subject it replaces what was said before: so it is raised and lowered. ``place`` is a
    code, the root's for the whole city; ``until`` is when it ends by itself, if its issuer says so.
    """

    what: Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z_]{0,39}$")]
    level: Annotated[int, msgspec.Meta(ge=1, le=4)]
    place: str = ""
    text: str = ""
    until: datetime | None = None


class WarningLifted(Event, frozen=True, kw_only=True, omit_defaults=True, tag="warning.lifted"):
    """The warning ``subject`` is lifted at ``time``."""


class Said(msgspec.Struct, array_like=True, gc=False):
    """The latest word on a warning; ``level`` 0 is lifted."""

    at: float
    id: str
    level: int
    what: str = ""
    place: str = ""
    text: str = ""
    until: float | None = None


class Warnings:
    """The warnings' slice of the board: of each the latest word, whatever came in which order."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.said: dict[str, Said] = {}
        self._time = SetBack()

    def fold(self, event: Event) -> None:
        """Take in a warning, or that one is lifted."""
        if not isinstance(event, WarningIssued | WarningLifted):
            return
        event = self._time.held(event)
        word = Said(event.time.timestamp(), event.id, 0)
        if isinstance(event, WarningIssued):
            word.level, word.what, word.place, word.text = event.level, event.what, event.place, event.text
            word.until = None if event.until is None else event.until.timestamp()
        key = f"{event.source}|{event.subject}"
        known = self.said.get(key)
        if known is None or (word.at, word.id) > (known.at, known.id):
            self.said[key] = word

    def advance(self, now: float) -> None:
        """What has ended by itself is left out of the view; a clock that is put right takes back what is ahead."""
        if self._time.to(now):
            for word in self.said.values():
                word.at = min(word.at, now)

    def dump(self) -> object:
        """The words."""
        return self.said

    def load(self, dumped: object) -> None:
        """Take the words back."""
        self.said = msgspec.convert(dumped, dict[str, Said])


def view_warnings(board: Warnings, place: str, now: float) -> Document:
    """The warnings in force that concern a place: its own, those of all above it and those of all below it.

    The worst come first, then the latest. ``level`` is the worst of all, None where nothing is in force.
    """
    tree = board.rules.places
    above = set(tree.path(place))
    rows: list[dict[str, Any]] = [
        {
            "key": key, "level": word.level, "colour": LEVELS[word.level - 1], "what": word.what, "since": word.at,
            "until": word.until, "place": word.place if word.place in tree else tree.root.code, "text": word.text,
        }
        for key, word in board.said.items()
        if word.level and word.at <= now and (word.until is None or word.until > now)
        and (word.place not in tree or word.place in above or place in tree.path(word.place))
    ]  # fmt: skip
    rows.sort(key=lambda row: (row["level"], -row["since"], row["key"]))
    return {"warnings": rows, "level": rows[0]["level"] if rows else None}


KINDS: dict[str, Words] = {
    "rainstorm": Words("暴雨", "Rainstorm"), "typhoon": Words("台风", "Typhoon"), "flood": Words("洪水", "Flood"),
    "heat": Words("高温", "Heat"), "cold": Words("寒冷", "Cold"), "thunder": Words("雷雨大风", "Thunderstorm"),
    "thunderstorm": Words("雷雨大风", "Thunderstorm"), "fog": Words("大雾", "Fog"), "haze": Words("灰霾", "Haze"),
    "wind": Words("大风", "Wind"), "waterlogging": Words("内涝", "Waterlogging"),
    "fire": Words("森林火险", "Forest fire"), "geology": Words("地质灾害", "Geohazard"),
    "landslide": Words("地质灾害", "Landslide"),
}  # fmt: skip
"""What a warning may be of, as issuers name it; a kind that is not here is named in their own word."""
COLOURS: dict[str, Words] = {
    "red": Words("红色", "red"), "orange": Words("橙色", "orange"), "yellow": Words("黄色", "yellow"),
    "blue": Words("蓝色", "blue"),
}  # fmt: skip


def alerts(board: Warnings, now: float) -> Iterator[Alert]:
    """Warnings in force, each as severe as its colour; one that is raised is open again."""
    for row in view_warnings(board, board.rules.places.root.code, now)["warnings"]:
        other = row["what"].replace("_", " ")
        what, colour = KINDS.get(row["what"], Words(other, other.capitalize())), COLOURS[row["colour"]]
        place = "" if row["place"] == board.rules.places.root.code else row["place"]
        yield Alert(
            f"warning|{row['key']}", row["level"], row["since"],
            Words(f"{what.zh}{colour.zh}预警", f"{what.en} warning, {colour.en}"),
            Words(row["text"], row["text"]), place,
        )  # fmt: skip


NOUN = Noun(
    name="warning",
    events=(WarningIssued, WarningLifted),
    slice=Warnings,
    alerts=alerts,
    views={"warnings": view_warnings},
)
