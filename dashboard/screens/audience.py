"""Who looks: a screen with its mailbox, and the audience of all screens that show the same."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from time import monotonic

import msgspec

from dashboard.screens.panel import Context
from dashboard.screens.screens import Report


class Hello(msgspec.Struct):
    """What a screen wants to see."""

    screen: str
    panels: list[str]
    place: str = ""
    lang: str = "zh"
    size: str = "normal"
    epoch: str | None = None
    offset: int | None = None
    seen: int = 0
    report: Report | None = None  # Where no socket carries it.


@dataclass(eq=False)
class Audience:
    """All screens that show the same, and the latest paint of each panel for them."""

    ctx: Context
    screens: set[Screen] = field(default_factory=set)
    lingering: dict[str, float] = field(default_factory=dict)  # What nobody shows any more → until when it is painted.
    paints: dict[str, tuple[int, bytes]] = field(default_factory=dict)  # panel → (tick, JSON member)
    dirty: set[str] = field(default_factory=set)
    bundles: dict[tuple[tuple[str, int], ...], str] = field(default_factory=dict)

    @property
    def panels(self) -> set[str]:
        """The panels that are painted: those any of its screens wants, and those one has wanted until just now."""
        return {panel for screen in self.screens for panel in screen.panels} | self.lingering.keys()

    def enter(self, screen: Screen) -> None:
        """A screen shows this from now on."""
        self.screens.add(screen)
        self.lingering = {panel: until for panel, until in self.lingering.items() if panel not in screen.panels}

    def leave(self, screen: Screen, until: float) -> None:
        """A screen shows it no more; what only that one has shown is painted until then, should it come back."""
        self.screens.discard(screen)
        alone = set(screen.panels)
        for other in self.screens:
            alone -= other.panels
            if not alone:
                break
        self.lingering |= dict.fromkeys(alone, until)

    def let_go(self, now: float) -> None:
        """Forget what lingers no longer, and its paints: nothing that is painted no more may be shown as it was."""
        self.lingering = {panel: until for panel, until in self.lingering.items() if until > now}
        panels = self.panels
        self.paints = {panel: paint for panel, paint in self.paints.items() if panel in panels}


@dataclass(eq=False)
class Screen:
    """One screen's mailbox."""

    id: str
    panels: frozenset[str] = frozenset()
    audience: Audience | None = None
    mail: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    beat: str | None = None
    orders: dict[str, str] = field(default_factory=dict)  # What it is told to do, the latest of each kind.
    display: str = ""  # Its name as a thing, once it has said so.
    unseen: deque[int] = field(default_factory=deque)
    heard: float = field(default_factory=monotonic)
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    turn: int = 0  # The latest of its polls.

    def acknowledge(self, number: int) -> None:
        """The screen has painted everything up to ``number``."""
        self.heard = monotonic()
        while self.unseen and self.unseen[0] <= number:
            self.unseen.popleft()
        self.ready.set()  # Also wakes a poll that waits: it sees whether it is still the latest.
