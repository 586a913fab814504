"""The director: in each web process, it knows whose screens hang on it, what each is to show, and tells it.

What people wish reaches it through Redis wherever they said it; playlists and what interrupts them are looked at
several times a second. A screen is told again until it says that it has done it.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from time import monotonic, time
from typing import Any

import msgspec
from redis.exceptions import RedisError

from dashboard.scenes import Play, pressing
from dashboard.screens.audience import Screen
from dashboard.screens.registry import Registry
from dashboard.screens.screens import KEPT, Report, Stage, Target, Unknown, Wish, checked
from dashboard.travel.roles import Backoff, Ups
from dashboard.travel.stream import view_key

log = logging.getLogger("director")
LOOK = 0.2  # Seconds between two looks at what each screen is to show.
NOTE = 1.0  # Seconds between two notes of what screens have said.
AGAIN = 4.0  # Seconds after which a screen is told again that has not said it has done it.
MOST = 2000  # Screens of one process.
IDENTIFY = 8  # Seconds for which a screen shows its name.


@dataclass(eq=False)
class Member:
    """One screen that hangs on this process."""

    link: Screen
    report: Report
    wish: Wish = field(default_factory=Wish)
    play: Play | None = None
    target: Target | None = None
    number: int = 0  # Of the latest order.
    told: float = 0.0  # When it was told last, by our own clock.


class Director:
    """Of one web process. ``told`` gives the latest view by its key and the city's time, ``now`` the wall's; ``wants``
    is called when other views are needed than before.
    """

    def __init__(
        self,
        stage: Stage,
        registry: Registry,
        told: Callable[[str], tuple[Mapping[str, Any] | None, float]],
        wants: Callable[[], None],
        now: Callable[[], float] = time,
    ) -> None:
        self.stage, self.registry = stage, registry
        self.told, self.wants, self.now = told, wants, now
        self.members: dict[str, Member] = {}
        self.said: dict[str, Report] = {}
        self._tasks: set[asyncio.Future[None]] = set()
        self.alerts = view_key("alerts", stage.places.root.code)

    def wanted(self) -> set[str]:
        """The view that playlists need, where one is to be interrupted."""
        for member in self.members.values():
            playlist = member.target.playlist if member.target else None
            if playlist is not None and playlist.interrupt is not None:
                return {self.alerts}
        return set()

    # -- from the screens --------------------------------------------------------------------------------

    async def heard(self, link: Screen, report: Report) -> None:
        """A screen has said how it does. The first time it is looked up, and told where it belongs.

        Raises:
            Unknown: if it says nothing that can be.
        """
        report = checked(report)
        report.seen = self.now()
        member = self.members.get(report.id)
        if member is None or member.link is not link:
            if member is None and len(self.members) >= MOST:
                raise Unknown("there are too many screens")
            link.display = report.id
            member = self.members[report.id] = Member(link, report)
            await self._recall(member)
        member.report = report
        self.said[report.id] = msgspec.structs.replace(report, kept=None)
        self._look(member)

    def left(self, link: Screen) -> None:
        """A screen's link has ended."""
        member = self.members.get(link.display)
        if member is not None and member.link is link:
            del self.members[link.display]
            self.said[link.display] = msgspec.structs.replace(member.report, kept=None, gone=True)

    async def _recall(self, member: Member) -> None:
        """Put a screen that has just come on the list, and learn what is wished of it; where the house has lost that,
        the screen remembers. Whoever is told what to show can be found by then.
        """
        name, kept = member.report.id, member.report.kept
        try:
            await self.registry.note({name: msgspec.structs.replace(member.report, kept=None)})
            member.wish = await self.registry.wish(name)
            member.play = await self.registry.play(name)
            if kept is not None and kept.n > member.wish.n and await self.registry.put({name: kept}):
                log.warning("the screen %s remembered what the house had lost", name)
                member.wish = kept
                await self.registry.write({name: kept})
        except (RedisError, OSError):
            member.wish = kept or member.wish

    # -- to the screens ----------------------------------------------------------------------------------

    def _look(self, member: Member) -> None:
        """Tell a screen what it is to show, if that has changed or was not done."""
        now, before = self.now(), member.target
        playlist = self.stage.playlist_of(member.report.id, member.wish, member.report.playlist)
        alert = None
        if playlist is not None and playlist.interrupt is not None:
            found, city_now = self.told(self.alerts)
            if found is not None:
                alert = pressing(found["data"].get("alerts", ()), playlist, max(found["as_of"], city_now))
        try:
            target = self.stage.target(member.report, member.wish, member.play, now, alert)
        except Unknown as error:  # The city file is another than when it was wished.
            log.warning("screen %s: %s", member.report.id, error)
            target = Target()
        moved = target.play != member.play
        member.play, member.target = target.play, target
        if moved and target.play is not None:
            self._spawn(self.registry.note_play(member.report.id, target.play))
        changed = before is None or _differs(before, target)
        late = member.number > member.report.did and monotonic() - member.told > AGAIN
        if before is None or (before.playlist is None) != (target.playlist is None):
            self.wants()
        if changed:
            member.number = max(member.number, member.report.did) + 1
        if changed or late:
            member.told = monotonic()
            self.tell(member, "scene", n=member.number, **self._scene(member, target))

    def _scene(self, member: Member, target: Target) -> dict[str, Any]:
        playlist, play = target.playlist, target.play
        listed = None
        if playlist is not None and play is not None:
            title = [playlist.title.zh, playlist.title.en]
            listed = {
                "id": playlist.id, "title": title, "at": play.at, "of": len(playlist.scenes), "paused": target.paused,
                "alarm": play.alarm,
            }  # fmt: skip
        return {
            "show": msgspec.to_builtins(target.show), "playlist": listed, "name": member.wish.name,
            "wish": None if member.wish.blank else msgspec.to_builtins(member.wish),
        }  # fmt: skip

    def tell(self, member: Member, command: str, **more: Any) -> None:
        """Lay an order into a screen's mailbox; of each kind only the latest."""
        said = {"t": "command", "command": command, **more}
        member.link.orders[command] = json.dumps(said, ensure_ascii=False)
        member.link.ready.set()

    def _spawn(self, work: Awaitable[Any]) -> None:
        async def quietly() -> None:
            try:
                await work
            except (RedisError, OSError):
                pass  # It is noted again with its next turn.

        task = asyncio.ensure_future(quietly())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # -- at work -----------------------------------------------------------------------------------------

    def works(self) -> tuple[Callable[[], Awaitable[None]], ...]:
        """What is to be kept running."""
        return self._listen, self._keep_looking, self._keep_noting

    async def _listen(self) -> None:
        """Follow the orders; after each break bring back what was lost, and look at every wish anew."""
        backoff, ups = Backoff(), Ups(log, "the orders")
        redis = self.registry.redis
        while True:
            try:
                async with redis.pubsub() as channel:
                    await channel.subscribe(self.registry.keys.orders)
                    await self.registry.restore()
                    await self._renew(list(self.members))
                    ups.up()
                    backoff.reset()
                    while True:
                        message = await channel.get_message(ignore_subscribe_messages=True, timeout=3.0)
                        if message is None:
                            await redis.ping()
                            continue
                        await self._ordered(json.loads(message["data"]))
            except (RedisError, OSError) as error:
                ups.down(error)
                await asyncio.sleep(backoff.next())

    async def _ordered(self, order: dict[str, Any]) -> None:
        mine = [name for name in order["screens"] if name in self.members]
        if order["do"] == "wish":
            await self._renew(mine)
            return
        for name in mine:
            member = self.members[name]
            if order["do"] == "identify":
                self.tell(member, "identify", name=member.wish.name, seconds=IDENTIFY)
            elif order["do"] in ("reload", "thumbnail"):
                self.tell(member, order["do"])

    async def _renew(self, names: Iterable[str]) -> None:
        for name, wish in (await self.registry.wishes(names)).items():
            member = self.members.get(name)
            if member is None:
                continue
            if wish.n < member.wish.n:  # Redis has lost it, and we have not.
                await self.registry.put({name: member.wish})
            else:
                member.wish = wish
            self._look(member)

    async def _keep_looking(self) -> None:
        while True:
            for member in list(self.members.values()):
                self._look(member)
            await asyncio.sleep(LOOK)

    async def _keep_noting(self) -> None:
        rounds = 0
        while True:
            try:
                said, self.said = self.said, {}
                await self.registry.note(said)
                if rounds % 10 == 0:
                    await self._renew(list(self.members))
                if rounds % 60 == 0:
                    await self._prune()
                rounds += 1
            except (RedisError, OSError):
                self.said = {**said, **self.said}
            await asyncio.sleep(NOTE)

    async def _prune(self) -> None:
        """Whoever was never named nor sent anywhere is off the list some minutes after it has gone."""
        known, now = await self.registry.wishes(), self.now()
        old = [name for name, report in (await self.registry.reports()).items() if now - report.seen > KEPT]
        await self.registry.prune(name for name in old if name not in known)


def _differs(one: Target, other: Target) -> bool:
    """Whether a screen has to be told: not of each moment of a turn, but of turns, pauses and alerts."""

    def told(target: Target) -> tuple[Any, ...]:
        play = target.play
        where = None if play is None else (play.playlist, play.at, play.alarm)
        return target.show, where, target.paused

    return told(one) != told(other)
