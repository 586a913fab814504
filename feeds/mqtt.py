"""Messages of an MQTT broker: topics by patterns, as readings or by a map as any event, acknowledged once on disk."""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Annotated, Any, Literal, cast
from urllib.parse import urlsplit

import aiomqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, field_validator, model_validator

from dashboard.sources.credentials import Auth, secret_of
from dashboard.sources.documents import read_json
from dashboard.sources.feed import Context, Delivery, Feed, Parsed, Rejected, SourceFailed, SourceNonsense
from dashboard.sources.mapped import mapped
from dashboard.sources.mapping import TICKET, EventMap, MapSettings, fillable
from dashboard.sources.plainly import usual, why
from dashboard.sources.readings import Reader, Reading, ReadingSettings, Record
from dashboard.sources.rows import plain
from dashboard.sources.trust import TrustSettings, trust_of
from dashboard.sources.values import RAW

BATCH = 500  # Messages of one delivery, and at most so many unacknowledged ones the broker sends ahead.
HELD = 20_000  # Messages of QoS 0 that are held while the disk is busy; more are counted and let go.
FIRST = 2.0  # Seconds that retained messages are waited for before a quiet broker is called quiet.
MOMENTS = frozenset({"time", "reported"})  # Fields that say when, of any event and of a ticket.
NAME = re.compile(r"\{([a-z_]+)\}")
LEVEL = re.compile(r"[^#+{}\0]*|\{[a-z_]+\}|\+")


class Pattern(BaseModel):
    """A pattern of topics: ``river/{place}/level/{sensor}``. A payload is JSON, or the number itself.

    With ``arrival`` a message that does not say when is as of its arrival.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    pattern: str
    arrival: bool = False

    @field_validator("pattern")
    @classmethod
    def _pattern(cls, value: str) -> str:
        if not value or value.startswith(("$", "/")) or not all(LEVEL.fullmatch(level) for level in value.split("/")):
            raise ValueError(f"{value!r} is no pattern; write levels such as river/{{place}}/level/{{sensor}}")
        return value

    @property
    def filter(self) -> str:
        """What is subscribed to."""
        return NAME.sub("+", self.pattern)

    @property
    def expression(self) -> re.Pattern[str]:
        """What a topic has to match, with a group for each name."""
        parts = [
            f"(?P<{found[1]}>[^/]+)" if (found := NAME.fullmatch(level)) else "[^/]*" if level == "+"
            else re.escape(level) for level in self.pattern.split("/")
        ]  # fmt: skip
        return re.compile("/".join(parts))


class Topic(Reading, Pattern):
    """A pattern and how its messages are read as readings.

    A level in braces tells ``place`` or ``sensor``; any other name, or ``+``, is passed over.
    """


def _sort(topic: Any) -> str:
    """Whether a topic says how it is read itself, or leaves that to the map."""
    plain = set(topic) <= {"pattern", "arrival"} if isinstance(topic, dict) else not isinstance(topic, Topic)
    return "mapped" if plain else "reading"


AnyTopic = Annotated[Annotated[Topic, Tag("reading")] | Annotated[Pattern, Tag("mapped")], Discriminator(_sort)]


class Settings(TrustSettings, ReadingSettings):
    """Where the broker is, who we are to it, and what its topics mean.

    Without a ``map`` each topic says how its messages become readings. With one, all become its event: a record is the
    payload's object, with the levels in braces under ``topic_`` and their name, and ``topic_arrived`` is when it came.
    """

    url: str  # mqtt://host:port, or mqtts:// over TLS.
    topics: Annotated[tuple[AnyTopic, ...], Field(min_length=1)]
    map: EventMap | None = None
    readings: tuple[Reading, ...] = Field(default=(), max_length=0)
    auth: Auth | None = None
    client: str | None = None  # The name our session has at the broker; one per house and feed by itself.
    protocol: Literal["5", "3.1.1"] = "5"
    session_hours: Annotated[float, Field(gt=0)] = 24.0  # For so long the broker keeps what we miss.
    max_bytes: Annotated[int, Field(gt=0, le=1 << 24)] = 1 << 16  # Of one message.

    @field_validator("url")
    @classmethod
    def _url(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname or parts.path not in ("", "/"):
            raise ValueError(f"{value!r} is no broker; write one such as mqtt://broker.example:1883")
        if parts.username or parts.password:
            raise ValueError("holds a password; name its file in auth")
        return value

    @model_validator(mode="after")
    def _who(self) -> Settings:
        if self.auth is not None and self.auth.kind != "basic":
            raise ValueError('auth: a broker wants a user and a password; use kind = "basic"')
        for topic in self.topics:
            if self.map is not None and isinstance(topic, Topic):
                raise ValueError(f"topics: {topic.pattern} is read by the map; it takes pattern and arrival alone")
            if self.map is None and not isinstance(topic, Topic):
                raise ValueError(f"topics: {topic.pattern} says not what it measures; add quantity and unit, or a map")
            if self.map is not None and not topic.arrival and MOMENTS.isdisjoint(self.map.fields):
                # By the moment of reading, what the broker sends again after a crash would be another event.
                raise ValueError("map.fields: time is missing; say where it stands, or that of a topic arrival is it")
        return self

    @property
    def fills(self) -> tuple[str, ...]:
        """The noun that these messages fill."""
        return ("sensor",) if self.map is None else self.map.noun


@dataclass(frozen=True, slots=True)
class Heard:
    """One message as it came; ``dropped`` says instead how many of QoS 0 had to be let go before it."""

    topic: str
    payload: bytes
    retained: bool
    arrived: datetime
    dropped: int = 0

    def __str__(self) -> str:
        return f"{self.topic} {self.payload[:RAW].decode('utf-8', 'backslashreplace')}"


class Inbox:
    """What has arrived and is not stored yet."""

    def __init__(self) -> None:
        self.waiting: deque[tuple[aiomqtt.Message, datetime]] = deque()
        self.fresh = asyncio.Event()
        self.dropped = 0
        self.ended: Exception | None = None

    async def fill(self, client: aiomqtt.Client, context: Context) -> None:
        """Take in messages until the connection ends."""
        try:
            async for message in client.messages:
                if message.qos == 0 and len(self.waiting) >= HELD:
                    self.dropped += 1
                    continue
                self.waiting.append((message, context.now()))
                self.fresh.set()
        except aiomqtt.MqttError as error:
            self.ended = error.__cause__ if isinstance(error.__cause__, Exception) else error
        self.fresh.set()

    async def some(self, seconds: float) -> list[tuple[aiomqtt.Message, datetime]]:
        """The next messages; none if ``seconds`` pass without any."""
        if not self.waiting and self.ended is None:
            self.fresh.clear()
            try:
                await asyncio.wait_for(self.fresh.wait(), seconds)
            except TimeoutError:
                return []
        return [self.waiting.popleft() for _ in range(min(BATCH, len(self.waiting)))]


async def open(settings: Settings, context: Context) -> AsyncIterator[Delivery]:  # noqa: A001
    """Messages in the order they came, and a sign of life of the broker twice an interval while there are none.

    The session is persistent and a message of QoS 1 is acknowledged after its delivery is on disk: what comes while
    we are away or is lost in a crash is sent again, and is then a duplicate or new, but never missing.

    Raises:
        SourceFailed: if the broker is not there, refuses us, or stops answering.
    """
    quiet = (settings.interval or 60.0) / 2
    inbox = Inbox()
    client = _client(settings, context, quiet)
    paho = client._client  # aiomqtt has no interface for acknowledging by hand; its own client has.
    paho.manual_ack_set(True)
    try:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(client)
            filling = asyncio.create_task(inbox.fill(client, context))
            stack.callback(filling.cancel)
            await _subscribe(client, settings)
            batch = await inbox.some(min(FIRST, quiet))
            while True:
                heard = [
                    Heard(str(message.topic), bytes(message.payload), message.retain, arrived)
                    for message, arrived in batch
                ]
                if inbox.dropped:
                    heard.append(Heard("", b"", False, context.now(), inbox.dropped))
                    inbox.dropped = 0
                yield Delivery(heard, "session")
                for message, _ in batch:
                    if message.qos:
                        paho.ack(message.mid, message.qos)
                batch = await inbox.some(quiet)
                if not batch and inbox.ended is not None:
                    raise SourceFailed(f"{settings.url} has closed the connection ({inbox.ended})")
                if not batch:
                    await client.subscribe(f"citywall/alive/{client.identifier}", timeout=max(quiet, 1.0))
    except (aiomqtt.MqttError, OSError, ValueError) as error:
        raise SourceFailed(f"{settings.url}: {_plainly(error)}") from error
    finally:
        paho._sock_close()  # Where it was given up before the broker answered, the socket would still be listened to.


def _client(settings: Settings, context: Context, quiet: float) -> aiomqtt.Client:
    where = urlsplit(settings.url)
    tls = trust_of(settings, context.city) if where.scheme == "mqtts" else None
    # A mere look must neither take the place of the house at work nor leave a session behind.
    own = blake2b(str(context.data.resolve()).encode(), digest_size=4).hexdigest()
    name = settings.client or f"citywall-{context.city.name}-{settings.name}-{own}"
    if context.trial:
        name += "-try"
    newer = settings.protocol == "5"
    return aiomqtt.Client(
        where.hostname or "", where.port or (8883 if tls else 1883), tls_context=tls,
        identifier=name,
        username=settings.auth.user if settings.auth else None, password=secret_of(settings.auth, context.city),
        protocol=aiomqtt.ProtocolVersion.V5 if newer else aiomqtt.ProtocolVersion.V311,
        clean_session=None if newer else context.trial, clean_start=context.trial if newer else 3,
        properties=_properties(
            PacketTypes.CONNECT, SessionExpiryInterval=0 if context.trial else int(3600 * settings.session_hours),
            ReceiveMaximum=BATCH, MaximumPacketSize=settings.max_bytes + 1024,
        ) if newer else None,
        keepalive=max(5, round(quiet)), timeout=min(10.0, max(quiet, 2.0)),
    )  # fmt: skip


def _properties(kind: int, **values: int) -> Properties:
    found: Properties = cast(Any, Properties)(kind)
    for name, value in values.items():
        setattr(found, name, value)
    return found


async def _subscribe(client: aiomqtt.Client, settings: Settings) -> None:
    for topic in settings.topics:
        for code in await client.subscribe(topic.filter, qos=1):
            if (code if isinstance(code, int) else code.value) >= 128:
                raise SourceFailed(f"{settings.url} does not let us listen to {topic.filter}; ask for the right to")


def _plainly(error: BaseException) -> str:
    text = why(error)
    if "timed out" in text.lower():
        return "does not answer; is the broker up and the way to it open?"
    if re.search(r"(?i)not authori[sz]ed|bad user", text):
        return f"does not let us in ({text}); check auth"
    return usual(error) or text


def parse(payload: list[Heard], settings: Settings, context: Context) -> Parsed:
    """The readings, or what the map makes, of messages, each refused or taken by itself."""
    patterns = [(topic.expression, topic) for topic in settings.topics]
    refused: list[Rejected] = []

    def records() -> Iterator[tuple[Record, Pattern]]:
        for heard in payload:
            try:
                yield from _records(heard, patterns, settings)
            except SourceNonsense as error:
                refused.append(Rejected(error.reason, str(heard)[:RAW], heard.topic[:200], error.detail))

    if settings.map is None:
        yield from Reader(settings, context).read((record, cast(Topic, topic)) for record, topic in records())
    else:
        rules, found = _rules(settings, settings.map), [record for record, _ in records()]
        yield from mapped([plain(record.data) for record in found], rules, context, [one.where for one in found])
    yield from refused


def _rules(settings: Settings, table: EventMap) -> MapSettings:
    """The map as records are read by it; where no time is mapped, it is that of the arrival."""
    given = dict(table)
    if MOMENTS.isdisjoint(table.fields):
        given["fields"] = {**table.fields, ("reported" if table.event == TICKET else "time"): "topic_arrived"}
    return MapSettings(
        name=settings.name, kind=settings.kind, source=settings.source, zone=settings.zone,
        time_formats=tuple(dict.fromkeys((*settings.time_formats, "iso"))), place_by=settings.place_by,
        coordinates=settings.coordinates, **given,
    )  # fmt: skip


def _records(
    heard: Heard, patterns: list[tuple[re.Pattern[str], Pattern]], settings: Settings
) -> Iterator[tuple[Record, Pattern]]:
    """The records of one message with how they are read.

    Raises:
        SourceNonsense: if it cannot be read, for a reason in one word.
    """
    if heard.dropped:
        raise SourceNonsense("flood", f"{heard.dropped:,} messages of QoS 0 came faster than the disk takes them")
    if heard.topic.startswith("$"):
        raise SourceNonsense("system_topic", "is about the broker itself")
    found = [(match.groupdict(), topic) for pattern, topic in patterns if (match := pattern.fullmatch(heard.topic))]
    if not found:
        raise SourceNonsense("foreign_topic", "is none of the patterns")
    if not heard.payload:
        raise SourceNonsense("empty", "is empty; so a retained message is taken back")
    if len(heard.payload) > settings.max_bytes:
        raise SourceNonsense("too_large", f"{len(heard.payload):,} bytes; at most {settings.max_bytes:,} are taken")
    try:
        text = heard.payload.decode("utf-8")
    except UnicodeDecodeError:
        raise SourceNonsense("not_text", "is not UTF-8") from None
    data: Any = read_json(text) if text.lstrip()[:1] in ("{", "[", '"') else {"value": text.strip()}
    for known, topic in found:
        if heard.retained and topic.arrival:
            data_time = isinstance(topic, Topic) and isinstance(data, dict) and topic.time in data
            if not data_time:
                raise SourceNonsense("retained_without_time", "was kept by the broker, and says nothing of its age")
        for one in data if isinstance(data, list) else [data]:
            arrived = heard.arrived if topic.arrival else None
            record = one if isinstance(one, dict) else {"value": one}
            if settings.map is not None:
                record = {**record, **{f"topic_{name}": value for name, value in known.items()}}
                if arrived is not None:
                    record["topic_arrived"] = arrived.isoformat()
            told = {name: value for name, value in known.items() if name in ("place", "sensor")}
            yield Record(record, heard.topic, told, arrived), topic


FEED = Feed(
    kind="mqtt",
    caption="Messages of an MQTT broker, by patterns of topics: readings, or by a map any event",
    parse=parse,
    open=open,
    Settings=Settings,
    nouns=fillable(),
    interval=60.0,
    mapped=(
        "the levels in braces of a topic tell `place` (code or name) and `sensor`; the payload is JSON, one object or "
        "a list, or a bare number. `value`, `time`, `name`, `lon`, `lat`, `capacity` name its keys (JMESPath). The "
        "unit is converted to the quantity's own. QoS 1 with a persistent session: acknowledged when it is on disk. A "
        "message without a time is taken only with `arrival = true`. With `[feeds.map]` (`event`, `fields`, `values`) "
        "every message becomes that event instead: a level in braces stands in its record as `topic_` and its name, "
        "and the moment of arrival as `topic_arrived`; its topics have `pattern` and `arrival` alone."
    ),
    refused=(
        "payloads that are not UTF-8, empty, larger than `max_bytes` (the broker does not even send those), topics of "
        "another district (`foreign_place`), `$SYS`, readings more than ten minutes ahead, units that do not convert."
    ),
    example="""\
[[feeds]]
kind = "mqtt"
name = "river"
url = "mqtt://127.0.0.1:1883"
auth = { kind = "basic", user = "wall", secret_file = "mqtt.password" }

[[feeds.topics]]
pattern = "water/{place}/level/{sensor}"   # a payload such as {"value": 1.42, "time": "2026-03-01T08:00:00+08:00"}
quantity = "level"
unit = "m"

[[feeds.topics]]
pattern = "parking/{sensor}"
quantity = "occupied"
unit = "spaces"
value = "taken"
time = "at"
capacity = "spaces"
place = "town"
""",
)
