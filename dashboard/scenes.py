"""Scenes and playlists: what a screen shows, for how long and at which times of day, and what an alert does to that.

All of it is a pure function of the tables, of the time and of the alerts that press: a playlist that is asked once an
hour stands where one stands that is asked each second.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal

import msgspec
from pydantic import Field, field_validator, model_validator

from dashboard.schema import Model, Name, TimeOfDay, Title

DAY = 86400.0
BEHIND = DAY  # Seconds behind which a playlist does not catch up, but begins anew.


class Options(Model):
    """How a layout is shown, as the address of a page says it; what is left out stays as the screen has it."""

    map: str = ""
    layer: str = ""
    lang: Literal["", "zh", "en"] = ""
    theme: Literal["", "dark", "light"] = ""

    @property
    def given(self) -> dict[str, str]:
        """Those that say something."""
        return {name: value for name, value in self.model_dump().items() if value}


class SceneTable(Model):
    """What a screen can be sent to: a layout at a place. ``panel`` gives one panel of it the whole screen."""

    id: Name
    title: Title
    layout: Name
    place: str = ""  # Empty: the whole city.
    panel: str = ""
    options: Options = Options()


class Hours(Model):
    """A time of day from ``start`` up to ``end``; it may reach over midnight."""

    start: TimeOfDay
    end: TimeOfDay


def _hours(value: object) -> object:
    if isinstance(value, str) and value.count("-") == 1:
        start, _, end = value.partition("-")
        return {"start": start.strip(), "end": end.strip()}
    return value


class EntryTable(Model):
    """A scene's turn in a playlist: for so many ``seconds``, within its ``hours`` such as ``08:00-18:30``, if any."""

    scene: Name
    seconds: Annotated[float, Field(ge=5, le=86400)] = 45
    hours: tuple[Hours, ...] = ()

    @field_validator("hours", mode="before")
    @classmethod
    def _written(cls, value: object) -> object:
        return tuple(_hours(one) for one in value) if isinstance(value, (list, tuple)) else value

    def open_at(self, moment: float, zone: tzinfo) -> bool:
        """Whether its turn may begin at a moment (seconds since 1970 UTC)."""
        if not self.hours:
            return True
        time = datetime.fromtimestamp(moment, zone).strftime("%H:%M")
        return any(
            span.start <= time < span.end if span.start < span.end else time >= span.start or time < span.end
            for span in self.hours
        )

    def opens(self, moment: float, zone: tzinfo) -> float:
        """The first moment from this one on at which its turn may begin."""
        if self.open_at(moment, zone):
            return moment
        midnight = datetime.fromtimestamp(moment, zone).replace(hour=0, minute=0, second=0, microsecond=0)
        found = [
            (midnight + timedelta(days=days)).replace(hour=int(span.start[:2]), minute=int(span.start[3:])).timestamp()
            for span in self.hours
            for days in (0, 1, 2)
        ]
        return min(start for start in found if start >= moment)


class PlaylistTable(Model):
    """Scenes that follow each other, on the ``screens`` whose names fit (``hall-*``) and wherever one is sent to it.

    An alert nobody has acknowledged, of severity ``interrupt`` or worse (1 is the worst, 4 the least), interrupts it
    with the scene of its noun in ``alarms``, else with ``alarm``, at the alert's place; afterwards it goes on where it
    was. With ``alarm_minutes`` an alert does so no longer than that after it began: what stands open for days is the
    desk's matter. Somebody's pause ends by itself after ``pause_minutes``.
    """

    id: Name
    title: Title
    scenes: Annotated[tuple[EntryTable, ...], Field(min_length=1)]
    screens: tuple[Annotated[str, Field(pattern=r"^[a-z0-9*?][a-z0-9*?_-]{0,39}$")], ...] = ()
    interrupt: Annotated[int, Field(ge=1, le=4)] | None = None
    alarm: Name | None = None
    alarms: dict[Name, Name] = Field(default_factory=dict)
    alarm_minutes: Annotated[float, Field(gt=0)] | None = None
    pause_minutes: Annotated[float, Field(gt=0, le=1440)] = 10

    @model_validator(mode="after")
    def _alarm(self) -> PlaylistTable:
        if self.alarms and self.interrupt is None:
            raise ValueError("alarms say what an alert shows, and interrupt is missing; add interrupt = 2, say")
        return self

    def plays_on(self, screen: str) -> bool:
        """Whether a screen of this name plays it without being told."""
        return any(fnmatchcase(screen, pattern) for pattern in self.screens)

    def scene_for(self, noun: str) -> str:
        """The scene that an alert of a noun is shown by."""
        return self.alarms.get(noun) or self.alarm or self.scenes[0].scene


def faults(
    scenes: Sequence[SceneTable], playlists: Sequence[PlaylistTable], layouts: Iterable[str]
) -> Iterable[tuple[str, str]]:
    """What does not fit together, as key and remedy."""
    names = [scene.id for scene in scenes]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        yield "scenes", f"two scenes are called {twice[0]}; give each its own id"
    lists = [playlist.id for playlist in playlists]
    if twice := sorted({name for name in lists if lists.count(name) > 1}):
        yield "playlists", f"two playlists are called {twice[0]}; give each its own id"
    known = set(layouts)
    for scene in scenes:
        if scene.layout not in known:
            yield (
                f"scenes.{scene.id}.layout",
                f"{scene.layout!r} is none of the screens {', '.join(sorted(known))}; name one, or add it to screens",
            )
    for playlist in playlists:
        used = [("scenes", entry.scene) for entry in playlist.scenes]
        used += [("alarm", playlist.alarm)] if playlist.alarm else []
        used += [(f"alarms.{noun}", scene) for noun, scene in playlist.alarms.items()]
        for key, name in used:
            if name not in names:
                listed = ", ".join(names) or "none: add one as [[scenes]]"
                yield f"playlists.{playlist.id}.{key}", f"there is no scene {name!r}; there are {listed}"


# -- what plays ------------------------------------------------------------------------------------------------


class Play(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a playlist stands. The turn of the entry ``at`` began at ``since``; while it rests, ``ran`` is how long it
    had run by then. ``alarm`` is the key of the alert that interrupts it, with the ``scene`` and ``place`` it is shown
    by.
    """

    playlist: str
    at: int = 0
    since: float = 0.0
    ran: float | None = None
    alarm: str = ""
    scene: str = ""
    place: str = ""


def begin(playlist: PlaylistTable, now: float, zone: tzinfo) -> Play:
    """A playlist at its beginning: at the first entry whose hours hold, or that opens first."""
    at = min(range(len(playlist.scenes)), key=lambda i: (playlist.scenes[i].opens(now, zone), i))
    return Play(playlist.id, at, now)


def _turned(play: Play, playlist: PlaylistTable, now: float, zone: tzinfo) -> Play:
    """The play with all the turns taken that were over by ``now``."""
    entries, count = playlist.scenes, len(playlist.scenes)
    while now >= (over := play.since + entries[play.at].seconds):
        order = [(play.at + step) % count for step in range(1, count + 1)]
        moments = [entries[at].opens(over, zone) for at in order]
        begins = min(moments)  # Where nothing may follow yet, what is shown stays.
        if begins > now:
            break
        play = msgspec.structs.replace(play, at=order[moments.index(begins)], since=begins)
    return play


def advance(
    play: Play,
    playlist: PlaylistTable,
    now: float,
    zone: tzinfo,
    *,
    paused: bool = False,
    alert: Mapping[str, Any] | None = None,
) -> Play:
    """The play at ``now`` (seconds since 1970 UTC), with somebody's pause and the alert that presses most.

    One that is of another playlist, or more than a day behind, begins anew.
    """
    fits = play.playlist == playlist.id and 0 <= play.at < len(playlist.scenes)
    if not fits or (play.ran is None and not -BEHIND < now - play.since < BEHIND + playlist.scenes[play.at].seconds):
        play = begin(playlist, now, zone)
    rests = paused or alert is not None
    if play.ran is None:
        play = _turned(play, playlist, now, zone)
        if rests:
            play = msgspec.structs.replace(play, ran=max(0.0, now - play.since))
    elif not rests:
        play = msgspec.structs.replace(play, since=now - play.ran, ran=None)
    key, scene, place = "", "", ""
    if alert is not None:
        key, place = str(alert["key"]), str(alert.get("place") or "")
        scene = playlist.scene_for(str(alert.get("noun", "")))
    if (play.alarm, play.scene, play.place) != (key, scene, place):
        play = msgspec.structs.replace(play, alarm=key, scene=scene, place=place)
    return play


def pressing(alerts: Iterable[Mapping[str, Any]], playlist: PlaylistTable, now: float) -> Mapping[str, Any] | None:
    """The alert that interrupts a playlist: not acknowledged, not snoozed, as severe as it is to be and, where the
    playlist says so, young enough; of several the worst, of those the latest. None where there is none.

    ``now`` is the city's time.
    """
    if playlist.interrupt is None:
        return None
    oldest = float("-inf") if playlist.alarm_minutes is None else now - 60 * playlist.alarm_minutes
    found = [
        alert
        for alert in alerts
        if alert["severity"] <= playlist.interrupt
        and alert["since"] > oldest
        and not alert.get("acknowledged")
        and (alert.get("snoozed_until") or 0) <= now
    ]
    return min(found, key=lambda alert: (alert["severity"], -alert["since"], alert["key"]), default=None)
