"""Screens as things: who a screen is, what it is wished to show, what it says of itself, and what follows from both.

What people wish is kept for good; what a screen reports is only of the moment. All of this is pure: time is an
argument, and the tables are the city file's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import tzinfo
from typing import Any

import msgspec

from dashboard.board import NOUNS
from dashboard.city import City, CityError
from dashboard.masking import mask
from dashboard.places import PlaceTree
from dashboard.scenes import Options, Play, PlaylistTable, SceneTable, advance, begin

ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
ONLINE = 25.0  # Seconds after its latest report for which a screen counts as there; it reports each ten.
KEPT = 600.0  # Seconds for which a screen is listed that nobody ever named or sent anywhere.
TEXT = 200  # Characters of a text that a screen says of itself.


class Unknown(ValueError):
    """What is asked of a screen cannot be; the text says why and what there is."""


class Show(msgspec.Struct, frozen=True, omit_defaults=True):
    """What stands on a screen: a layout at a place, how it is shown, and the panel that has it to itself, if any."""

    layout: str
    place: str = ""
    panel: str = ""
    scene: str = ""
    options: dict[str, str] = {}


class Wish(msgspec.Struct, frozen=True, omit_defaults=True):
    """What people want of a screen. ``n`` rises with every change.

    ``show`` is where it was sent; ``playlist`` what plays on it: None where nobody has said anything, empty where
    nothing is to play. ``over`` lies over both, until ``until`` if that is set. Moments are seconds since 1970 UTC.
    """

    n: int = 0
    name: str = ""
    show: Show | None = None
    playlist: str | None = None
    paused: float | None = None  # Since when.
    over: Show | None = None
    until: float | None = None
    at: float = 0.0

    @property
    def blank(self) -> bool:
        """Whether nobody has ever wished anything."""
        return self.n == 0


class Report(msgspec.Struct, omit_defaults=True):
    """What a screen says of itself: memory in MB, frames a second, seconds since its latest paint and since its page
    was loaded, how many panels are in which state, whether its machine has a font for Chinese (None: it cannot tell).
    """

    id: str
    show: Show
    link: str = ""
    did: int = 0
    size: tuple[int, int] = (0, 0)
    ratio: float = 1.0
    lang: str = ""
    theme: str = ""
    version: str = ""
    playlist: str = ""  # Named in its address.
    memory: float | None = None
    fps: float | None = None
    nodes: int = 0
    painted: float | None = None
    errors: int = 0
    error: str = ""
    up: float = 0.0
    restarts: int = 0
    idle: float | None = None
    polls: bool = False
    states: dict[str, int] = {}
    chinese: bool | None = None
    kept: Wish | None = None  # What it remembers to have been wished.
    seen: float = 0.0  # When it was said, by the server's clock.
    gone: bool = False  # Whether its link has ended since.


def checked(report: Report) -> Report:
    """A report whose texts are short and harmless.

    Raises:
        Unknown: if it is of no screen.
    """
    if not ID.fullmatch(report.id):
        raise Unknown("a screen's name has small letters, digits, - and _, at most 40")
    report.error = mask(report.error[:TEXT])
    report.states = {name[:20]: count for name, count in list(report.states.items())[:10]}
    report.playlist, report.version = report.playlist[:40], report.version[:40]
    return report


class Target(msgspec.Struct, frozen=True):
    """What a screen is to show now, and the playlist it plays, if any. Without a ``show`` it stays as it is."""

    show: Show | None = None
    playlist: PlaylistTable | None = None
    play: Play | None = None
    paused: bool = False


class Stage:
    """What screens of a city can be sent to, and what follows from what is wished of one."""

    def __init__(self, city: City, places: PlaceTree) -> None:
        self.city, self.places = city, places
        self.zone: tzinfo = city.tz
        self.scenes: dict[str, SceneTable] = {scene.id: scene for scene in city.scenes}
        self.playlists: dict[str, PlaylistTable] = {playlist.id: playlist for playlist in city.playlists}

    def check(self, panels: Mapping[str, object]) -> None:
        """Look whether the city file's scenes are of places and panels that there are, and its alarms of such alerts.

        Raises:
            CityError: naming scene or playlist, and key.
        """
        for scene in self.city.scenes:
            where = f"{self.city.where}: scenes.{scene.id}"
            if scene.place and scene.place not in self.places:
                raise CityError(f"{where}.place: there is no place {scene.place!r}; give the code of one")
            if scene.panel and (scene.panel not in panels or scene.panel == "header"):
                known = ", ".join(sorted(set(panels) - {"header"}))
                raise CityError(f"{where}.panel: there is no panel {scene.panel!r}; there are {known}")
        for playlist in self.city.playlists:
            for noun in playlist.alarms:
                if noun not in NOUNS or NOUNS[noun].alerts is None:
                    known = ", ".join(sorted(name for name, one in NOUNS.items() if one.alerts is not None))
                    where = f"{self.city.where}: playlists.{playlist.id}.alarms"
                    raise CityError(f"{where}: there are no alerts of {noun!r}; there are those of {known}")

    def scene(self, name: str, place: str = "") -> Show:
        """A scene of the city file, at its own place unless another is given.

        Raises:
            Unknown: if there is no such scene.
        """
        found = self.scenes.get(name)
        if found is None:
            raise Unknown(f"there is no scene {name!r}; there are {', '.join(self.scenes) or 'none'}")
        where = place if place in self.places else found.place
        return Show(found.layout, where, found.panel, found.id, found.options.given)

    def show(self, said: Mapping[str, Any], panels: Mapping[str, object]) -> Show:
        """What somebody sends a screen to, as it came: ``{"scene": …}`` or ``{"layout", "place", "panel", "options"}``.

        Raises:
            Unknown: naming what is not known here.
        """
        if said.get("scene"):
            return self.scene(str(said["scene"]), str(said.get("place") or ""))
        layout, place, panel = (str(said.get(key) or "") for key in ("layout", "place", "panel"))
        if layout not in self.city.screens:
            raise Unknown(f"there is no layout {layout!r}; there are {', '.join(self.city.screens)}")
        if place and place not in self.places:
            raise Unknown(f"there is no place {place!r}")
        if panel and (panel not in panels or panel == "header"):
            raise Unknown(f"there is no panel {panel!r}")
        try:
            options = Options.model_validate(said.get("options") or {})
        except ValueError as error:
            raise Unknown("options are map, layer, lang (zh, en) and theme (dark, light)") from error
        if any(len(value) > TEXT for value in options.given.values()):
            raise Unknown("an option is too long")
        return Show(layout, place, panel, "", options.given)

    def playlist_of(self, screen: str, wish: Wish, address: str) -> PlaylistTable | None:
        """What plays on a screen: what was wished, else what the city file gives it, else what its address names."""
        if wish.playlist is not None:
            return self.playlists.get(wish.playlist)
        if wish.show is not None:
            return None
        mine = next((one for one in self.city.playlists if one.plays_on(screen)), None)
        return mine or self.playlists.get(address)

    def target(
        self, report: Report, wish: Wish, play: Play | None, now: float, alert: Mapping[str, Any] | None
    ) -> Target:
        """What the screen is to show at ``now``. ``alert`` is the one that presses most for its playlist, if any."""
        over = wish.over if wish.over is not None and (wish.until is None or now < wish.until) else None
        playlist = self.playlist_of(report.id, wish, report.playlist)
        if playlist is None:
            return Target(over or wish.show)
        paused = resting(wish, playlist, now)
        play = play or begin(playlist, now, self.zone)
        # What lies over a playlist holds it as a pause does, so that it goes on where it was.
        play = advance(play, playlist, now, self.zone, paused=paused or over is not None, alert=alert)
        if play.alarm:
            show = self.scene(play.scene, play.place)
        elif over is not None:
            show = over
        else:
            show = self.scene(playlist.scenes[play.at].scene)
        return Target(show, playlist, play, paused)


def resting(wish: Wish, playlist: PlaylistTable, now: float) -> bool:
    """Whether the playlist rests because somebody asked for it; such a pause ends by itself."""
    return wish.paused is not None and now < wish.paused + 60 * playlist.pause_minutes


# -- what people do --------------------------------------------------------------------------------------------


def sent(wish: Wish, show: Show, standing: Show | None, now: float, minutes: float | None = None) -> Wish:
    """Somebody sends a screen somewhere: for good, or for some minutes, after which it returns."""
    if minutes is None:
        return _changed(wish, now, show=show, playlist=None, paused=None, over=None, until=None)
    base = wish.show if wish.show is not None or wish.playlist is not None else _lasting(standing)
    return _changed(wish, now, show=base, over=show, until=now + 60 * minutes)


def panelled(wish: Wish, panel: str, standing: Show, now: float) -> Wish:
    """Somebody gives a panel the whole screen, or (with none) takes that back."""
    if not panel:
        back = _changed(wish, now, over=None, until=None)
        if back.show is None and back.playlist is None:
            back = msgspec.structs.replace(back, show=_lasting(standing))
        return back
    base = wish.show if wish.show is not None or wish.playlist is not None else _lasting(standing)
    over = msgspec.structs.replace(standing, panel=panel, scene="")
    return _changed(wish, now, show=base, over=over, until=None)


def played(wish: Wish, playlist: str | None, standing: Show | None, now: float) -> Wish:
    """Somebody starts a playlist on a screen, or (with None) ends it: what stands there then stays."""
    if playlist is None:
        return _changed(wish, now, playlist="", show=_lasting(standing), paused=None, over=None, until=None)
    return _changed(wish, now, playlist=playlist, show=None, paused=None, over=None, until=None)


def rested(wish: Wish, paused: bool, now: float) -> Wish:
    """Somebody pauses what plays, or lets it go on."""
    return _changed(wish, now, paused=now if paused else None)


def named(wish: Wish, name: str, now: float) -> Wish:
    """Somebody names a screen."""
    return _changed(wish, now, name=" ".join(name.split())[:40])


def _changed(wish: Wish, now: float, **change: Any) -> Wish:
    return msgspec.structs.replace(wish, n=wish.n + 1, at=now, **change)


def _lasting(show: Show | None) -> Show | None:
    """What stood on a screen, without the panel that was pushed over it."""
    return None if show is None else msgspec.structs.replace(show, panel="")
