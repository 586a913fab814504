"""The courier: takes the steps that are due, and brings each to those on duty, once, through whatever dies on the way.

A step is written down before anything is sent, and what is under way is marked before it leaves; see ``messages``.
Sending itself is Apprise's, so a channel may be a gateway for SMS, WeCom, DingTalk, Feishu, mail or a web hook. What
does not arrive is tried again, at growing intervals, until the step is too old to be of use.
"""

from __future__ import annotations

import logging
import random
import re
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from time import monotonic, time
from typing import Any

import msgspec
from redis import Redis
from redis.exceptions import RedisError

from dashboard.city import City
from dashboard.ground.placefile import read_places
from dashboard.nouns.duty import Escalation, one_line
from dashboard.nouns.escalation import Due
from dashboard.places import PlaceTree
from dashboard.sources.credentials import Auth, secret_of
from dashboard.sources.feed import SourceFailed
from dashboard.travel.history import HistoryFailed
from dashboard.travel.messages import FAILED, SENT, SHOWN, WAITING, Message, Messages, Outcome
from dashboard.travel.roles import Backoff, House, Stop, Ups, only_one
from dashboard.travel.stepline import Listener
from dashboard.travel.stream import Keys, connect

log = logging.getLogger(__name__)

FIRST, CAP = 2.0, 600.0  # Seconds before the second try, and between tries at most.
FAILURES = 3  # So many in a row, and the channel is said to fail.
SPEAK = 2.0  # Seconds between two words on how it is going.
REMEMBERED = 200_000  # Steps whose having been taken is kept in memory.
ARRIVED = ""

Send = Callable[[str, str, str, str], str]
"""Sends (address, idempotency key, title, body); returns why it did not arrive, or nothing."""


# -- sending -------------------------------------------------------------------------------------------------


class _Reasons(logging.Handler):
    """Keeps, of what Apprise logs, the one thing that is no secret: the number of an answer."""

    def emit(self, record: logging.LogRecord) -> None:
        said = record.getMessage()
        answer = re.search(r"error[=:]\s*(\d{3})\b", said)
        _why.get([]).append(f"answered_{answer[1]}" if answer else "not_reached" if "onnection" in said else "refused")


_why: ContextVar[list[str]] = ContextVar("why")  # Apprise hands the context on to the threads it sends from.
_reasons = _Reasons(logging.WARNING)


def hush() -> None:
    """Let no library log where a message goes: the address is the secret."""
    apprise = logging.getLogger("apprise")
    apprise.handlers, apprise.propagate = [_reasons], False
    apprise.setLevel(logging.WARNING)
    for chatty in ("urllib3", "requests", "markdown"):
        logging.getLogger(chatty).setLevel(logging.ERROR)


def send(address: str, key: str, title: str, body: str) -> str:
    """Send one message by Apprise; a web hook is given ``key`` as ``Idempotency-Key``."""
    from apprise import Apprise, AppriseAsset, NotifyFormat, NotifyType, PersistentStoreMode

    asset = AppriseAsset(
        app_id="citywall", app_desc="citywall", storage_mode=PersistentStoreMode.MEMORY, async_mode=False,
        service_timeout=0,  # Else Apprise sends from six threads of its own, and one dead gateway holds up all.
    )  # fmt: skip
    _why.set(why := ["refused"])
    plugin = Apprise.instantiate(address, asset=asset, suppress_exceptions=True)
    if plugin is None:
        return "unreadable_address"
    headers = getattr(plugin, "headers", None)
    if isinstance(headers, dict):
        headers["Idempotency-Key"] = key
    house = Apprise(asset=asset)
    house.add(plugin)
    try:
        arrived = house.notify(body=body, title=title, notify_type=NotifyType.WARNING, body_format=NotifyFormat.TEXT)
    except Exception as error:  # noqa: BLE001 - a plugin's fault is the fate of one message, and its text may tell.
        return type(error).__name__
    return ARRIVED if arrived else why[-1]


def idempotency_key(message: Message) -> str:
    """The message's id, as short as a header should be and without what it is about."""
    return blake2b(message.id.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


# -- writing -------------------------------------------------------------------------------------------------


class Writer:
    """Makes messages of steps, in the words of the city."""

    def __init__(self, city: City, places: PlaceTree, plan: Escalation) -> None:
        self.city, self.places, self.plan = city, places, plan
        self.steps = {step.name: step for step in plan.steps}

    def write(self, due: Due, now: float) -> list[Message]:
        """The step's messages: one for each channel, or one that is only shown where nobody is on duty."""
        step = self.steps.get(due.step)
        if step is None:  # Of a city file that was another before.
            return []
        made = []
        for channel in self.plan.channels_for(due.unit, due.to) or ("",):
            title, body = self._words(due, channel)
            key, unit = (text.replace("\0", "\ufffd") for text in (due.key, due.unit))
            when = now if step.wake else self.plan.quiet_until(now, channel, self.city.tz)
            made.append(
                Message(
                    due.id, channel, key, due.step, due.to, unit, due.moment, now, title, body,
                    WAITING if channel else SHOWN, when,
                )
            )  # fmt: skip
        return made

    def _words(self, due: Due, channel: str) -> tuple[str, str]:
        of = self.plan.channels.get(channel)
        language = (of.language if of else None) or self.city.languages[0]
        template = self.steps[due.step].text
        place = self.places[due.place if due.place in self.places else self.places.root.code]
        facts = {
            "title": one_line(due.title),
            "number": one_line(due.key.partition("|")[2], 60),
            "category": one_line(self.city.translated(due.category, language), 60),
            "unit": one_line(self.city.translated(due.unit, language), 60),
            "place": (place.name_en if language == "en" else "") or place.name,
            "due": datetime.fromtimestamp(due.deadline, UTC).astimezone(self.city.tz).strftime("%m-%d %H:%M"),
            "step": due.step,
        }
        return self.city.title.words[language], (template.en if language == "en" else template.zh).format_map(facts)


# -- the role ------------------------------------------------------------------------------------------------


@dataclass
class _Line:
    """How a channel is doing."""

    room: int
    free: float = 0.0  # When it takes the next one, by ``monotonic``; for channels that take few a minute.
    failures: int = 0  # In a row.
    failing: str = ""


class Courier:
    """The work of the role, a turn at a time."""

    def __init__(self, city: City, places: PlaceTree, outbox: Messages, send: Send = send) -> None:
        assert city.escalation is not None
        self.city, self.plan, self.outbox, self._send = city, city.escalation, outbox, send
        self.writer = Writer(city, places, self.plan)
        self.lines = {name: _Line(channel.abreast) for name, channel in self.plan.channels.items()}
        self.pool = ThreadPoolExecutor(max(1, min(256, sum(line.room for line in self.lines.values()))), "courier")
        self._under_way: dict[Future[str], Message] = {}
        self._unsettled: list[Outcome] = []
        self._taken: OrderedDict[str, None] = OrderedDict()
        self._began: float | None = None

    def begin(self) -> None:
        """Find out what was under way when the last courier ended."""
        self.outbox.prepare()
        doubtful = self.outbox.doubt({(one.step, one.channel) for one in self._under_way.values()}, list(self.lines))
        if doubtful:
            log.warning("of %d messages nobody knows whether they were sent; they are, under the same id", doubtful)

    def take(self, city_time: float, steps: Sequence[Due]) -> None:
        """Write down the messages of steps that were not taken before; those from before the beginning are not."""
        if self._began is None:
            self._began = self.outbox.began(city_time)
        oldest = max(self._began, city_time - 3600 * self.plan.not_older_than_hours)
        new = {due.id: due for due in steps if due.moment >= oldest and due.id not in self._taken}
        if not new:
            return
        known = self.outbox.known(list(new))
        now = time()
        self.outbox.take(
            message for step, due in new.items() if step not in known for message in self.writer.write(due, now)
        )
        self._taken.update(dict.fromkeys(new))
        while len(self._taken) > REMEMBERED:
            self._taken.popitem(last=False)

    def turn(self, patience: float) -> bool:
        """Settle what has come back and send what is due; waits up to ``patience`` s. True if anything was done."""
        if self._under_way:
            wait(self._under_way, patience)  # For all: what comes back together is written down together.
        for future in [future for future in self._under_way if future.done()]:
            message = self._under_way.pop(future)
            self.lines[message.channel].room += 1
            self._unsettled.append(self._outcome(message, future.result()))
        done = bool(self._unsettled)
        claimed = self.outbox.claim(self._rooms(), time(), self._unsettled)
        self._unsettled.clear()
        for message in claimed:
            line = self.lines[message.channel]
            line.room -= 1
            limit = self.plan.channels[message.channel].per_minute
            line.free = monotonic() + (60 / limit if limit else 0.0)
            self._under_way[self.pool.submit(self._bring, message)] = message
            done = True
        return done

    def close(self, patience: float = 5.0) -> None:
        """Settle what comes back within ``patience`` seconds; the rest will be in doubt."""
        self.pool.shutdown(wait=False, cancel_futures=True)
        wait(self._under_way, patience)
        back = [(message, future) for future, message in self._under_way.items() if future.done()]
        settled = [self._outcome(message, future.result()) for message, future in back if not future.cancelled()]
        with suppress(HistoryFailed):
            self.outbox.settle([*self._unsettled, *settled])

    def state(self) -> dict[str, Any]:
        """How it is going, for ``citywall status``."""
        failing = {name: line.failing for name, line in self.lines.items() if line.failing}
        return {"at": time(), **self.outbox.counts(), "oldest": self.outbox.oldest(time()), "failing": failing}

    def _rooms(self) -> dict[str, int]:
        now = monotonic()
        return {
            name: (min(1, line.room) if line.free <= now else 0) if self.plan.channels[name].per_minute else line.room
            for name, line in self.lines.items()
        }

    def _bring(self, message: Message) -> str:
        channel = self.plan.channels[message.channel]
        try:
            address = secret_of(Auth(secret_file=channel.url_file, secret_env=channel.url_env), self.city)
        except SourceFailed:
            return "no_address"
        assert address is not None
        return self._send(address, idempotency_key(message), message.title, message.body)

    def _outcome(self, message: Message, reason: str) -> Outcome:
        line, now = self.lines[message.channel], time()
        line.failures = line.failures + 1 if reason else 0
        failing = reason if line.failures >= FAILURES else ""
        if bool(failing) != bool(line.failing):
            log.warning("channel %s: %s", message.channel, failing or "works again")
        line.failing = failing
        if not reason:
            return Outcome(message.step, message.channel, SENT, now)
        again = now + min(CAP, FIRST * 2 ** min(message.tries, 16)) * random.uniform(0.5, 1.0)
        step = self.writer.steps.get(message.name)
        if step is None or not step.wake:
            again = self.plan.quiet_until(again, message.channel, self.city.tz)
        given_up = again > message.noted + 3600 * self.plan.not_older_than_hours
        return Outcome(message.step, message.channel, FAILED if given_up else WAITING, now, reason, again)


def run(house: House, stop: Stop) -> None:
    """Take and bring until told to stop, through any failure of Redis, the database or the channels."""
    hush()
    with only_one(house.data, "courier"):
        _work(house, stop)


def _work(house: House, stop: Stop) -> None:
    redis = connect(house.redis_url)
    listener, keys = Listener(redis, house.keys), house.keys
    courier = Courier(house.city, read_places(house.city), Messages(house.database_url))
    backoff, stream, database = Backoff(), Ups(log, "the stream"), Ups(log, "the database")
    begun, spoken, busy = False, 0.0, False
    try:
        while not stop:
            try:
                if not begun:
                    courier.begin()
                    begun = True
                try:
                    for city_time, steps in listener.hear(1 if busy else 200):
                        courier.take(city_time, steps)
                    stream.up()
                except RedisError as error:
                    stream.down(error)
                    listener.rewind()
                busy = courier.turn(0.05)
                if monotonic() - spoken > SPEAK:
                    spoken = monotonic()
                    _speak(redis, keys, courier)
                database.up()
                backoff.reset()
                if stream.down_since is not None and not busy:
                    stop.wait(0.5)
            except HistoryFailed as error:
                database.down(error)
                begun = False  # What was being marked as under way may be so without being sent.
                listener.rewind()  # What was being taken is heard again.
                stop.wait(backoff.next())
    finally:
        courier.close()


def _speak(redis: Redis, keys: Keys, courier: Courier) -> None:
    with suppress(RedisError):
        redis.set(keys.courier, msgspec.json.encode(courier.state()), px=60_000)
