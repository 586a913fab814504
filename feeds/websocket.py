"""An upstream that pushes over a WebSocket: its messages numbered, what is missing asked for again."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI, PayloadTooBig

from dashboard.sources.credentials import Auth, secret_of
from dashboard.sources.documents import read_json
from dashboard.sources.feed import Context, Delivery, Feed, Parsed, Rejected, SourceFailed, SourceNonsense
from dashboard.sources.fetch import Fetcher, WebSettings
from dashboard.sources.mapping import fillable
from dashboard.sources.plainly import usual, why
from dashboard.sources.readings import Record, find
from dashboard.sources.rows import RowSettings, read_rows
from dashboard.sources.trust import TrustSettings, trust_of
from dashboard.sources.values import RAW

BATCH = 200  # Messages of one delivery.
AHEAD = 10_000  # Numbers that are remembered as come while one before them is missing.
ASKED = 3  # Times that a gap is asked for before it is given up.
logging.getLogger("websockets").setLevel(logging.WARNING)  # It writes down every header, and with them the token.


class Settings(TrustSettings, RowSettings):
    """Where the upstream is, what we say to it, and how its messages are read."""

    url: str  # ws:// or wss://
    auth: Auth | None = None
    hello: str | None = None  # Sent after connecting; {after} is the last number we have, 0 at first.
    records: str = "@"  # JMESPath to the record or records of a message.
    sequence: str | None = None  # Key or JMESPath of a message's number; they go up by one.
    resume_message: str | None = None  # Sent for what is missing: {after} and {to} (both numbers we have).
    resume_url: str | None = None  # Or fetched: gives a list of messages.
    heartbeat: str | None = None  # JMESPath that is true of a message that only says that all is well.
    patience: Annotated[float, Field(gt=0)] | None = None  # Seconds without a message before it is called dead.
    frozen_after: Annotated[float, Field(gt=0)] | None = None  # Seconds the same message may come for.
    resume_wait: Annotated[float, Field(gt=0)] = 10.0  # Seconds in which what was asked for has to come.
    max_bytes: Annotated[int, Field(gt=0, le=1 << 28)] = 1 << 20  # Of one message, unpacked.

    @field_validator("url")
    @classmethod
    def _url(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("ws", "wss") or not parts.hostname:
            raise ValueError(f"{value!r} is no WebSocket; write one such as wss://push.example/feed")
        if parts.username or parts.password:
            raise ValueError("holds a password; name its file in auth")
        return value

    @model_validator(mode="after")
    def _resume(self) -> Settings:
        if (self.resume_message or self.resume_url) and self.sequence is None:
            raise ValueError("sequence is missing: without numbers nobody knows what to ask for again")
        if self.resume_message and self.resume_url:
            raise ValueError("name either resume_message or resume_url")
        if self.auth is not None and (self.auth.kind == "basic" or self.auth.query):
            raise ValueError("auth: a WebSocket takes a bearer token or a key in a header")
        return self


@dataclass(frozen=True, slots=True)
class Push:
    """One message as it came; ``lost`` names instead numbers that were asked for and never came."""

    body: str | bytes
    number: int | None = None
    lost: str = ""

    def __str__(self) -> str:
        return self.body if isinstance(self.body, str) else self.body[:RAW].decode("utf-8", "backslashreplace")


@dataclass(slots=True)
class Sequence:
    """Which numbers have come: all up to ``upto``, and some ahead of it."""

    upto: int | None = None
    ahead: set[int] = field(default_factory=set)
    asked: int = 0
    since: float = 0.0

    def take(self, number: int) -> None:
        """One has come. A number that goes far back begins anew: its upstream was started again."""
        if self.upto is None or (number < self.upto and (number <= 1 or self.upto - number > AHEAD)):
            self.upto, self.asked = number, 0
            self.ahead.clear()
        elif number > self.upto:
            self.ahead.add(number)
            self._close()

    def _close(self) -> None:
        assert self.upto is not None
        before = self.upto
        while self.upto + 1 in self.ahead:
            self.upto += 1
            self.ahead.discard(self.upto)
        if self.upto != before:
            self.asked = 0

    @property
    def gap(self) -> tuple[int, int] | None:
        """The numbers on both sides of the first gap."""
        return None if self.upto is None or not self.ahead else (self.upto, min(self.ahead))

    def give_up(self) -> str:
        """Go on behind the first gap, and name it."""
        assert self.gap is not None
        after, to = self.gap
        self.upto, self.asked = to - 1, 0
        self._close()
        return f"{after + 1}–{to - 1}" if to - after > 2 else str(after + 1)


@dataclass(slots=True)
class Mark:
    """Where we are: the numbers, and since when the upstream has been saying the same."""

    numbers: Sequence
    same: str = ""
    since: float = 0.0

    @classmethod
    def of(cls, cursor: str | None) -> Mark:
        """The mark that a cursor holds."""
        known = json.loads(cursor) if cursor else {}
        return cls(Sequence(known.get("upto")), known.get("same", ""), known.get("since", 0.0))

    def cursor(self) -> str:
        """The mark as a cursor; what has come ahead of a gap will be asked for again."""
        return json.dumps({"upto": self.numbers.upto, "same": self.same, "since": self.since})


async def open(settings: Settings, context: Context) -> AsyncIterator[Delivery]:  # noqa: A001
    """Messages as they come. One whose number skips some makes us ask for those, a limited number of times.

    Pings alone are no news: without a message for ``patience`` seconds (three intervals), or with the same one
    for ``frozen_after`` (ten intervals), the upstream has failed; what comes then was all taken before.

    Raises:
        SourceFailed: if it is not there, refuses us, sends too much at once, falls silent or repeats itself.
    """
    mark = Mark.of(context.cursor)
    loop = asyncio.get_running_loop()
    patience = settings.patience or 3 * (settings.interval or 60.0)
    frozen = settings.frozen_after or 10 * (settings.interval or 60.0)
    try:
        async with AsyncExitStack() as stack:
            socket = await stack.enter_async_context(_connection(settings, context))
            web = await stack.enter_async_context(_fetcher(settings, context)) if settings.resume_url else None
            if settings.hello is not None:
                await socket.send(_filled(settings.hello, mark.numbers.upto or 0, 0))
            heard = loop.time()
            while True:
                gap = mark.numbers.gap
                wait = heard + patience - loop.time()
                if gap is not None:
                    wait = min(wait, mark.numbers.since + settings.resume_wait - loop.time())
                pushes = await _some(socket, settings, max(0.0, wait))
                if pushes:
                    heard = loop.time()
                elif loop.time() - heard >= patience:
                    raise SourceFailed(f"{settings.url} sends no message for {patience:g} s, only signs of life")
                lost: list[Push] = []
                for push in pushes:
                    if push.number is not None:
                        mark.numbers.take(push.number)
                gap = mark.numbers.gap
                waited = loop.time() - mark.numbers.since >= settings.resume_wait
                if gap is not None and (waited or not mark.numbers.asked):
                    lost = await _ask(settings, socket, web, mark.numbers, gap)
                same = _same(pushes, settings)
                if same and same != mark.same:
                    mark.same, mark.since = same, context.now().timestamp()
                elif same and context.now().timestamp() - mark.since >= frozen:
                    raise SourceFailed(f"{settings.url} has sent the same for {frozen:g} s: its source stands still")
                if pushes or lost:
                    yield Delivery([*pushes, *lost], mark.cursor())
    except ConnectionClosed as error:
        raise SourceFailed(f"{settings.url} {_closed(error, settings)}") from error
    except (OSError, InvalidHandshake, InvalidURI, TimeoutError) as error:
        raise SourceFailed(f"{settings.url}: {_plainly(error)}") from error


class _Straight(connect):
    """A connection that follows no redirect: only the host of the city file is reached."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        """No redirect is a way."""
        return exc


def _connection(settings: Settings, context: Context) -> connect:
    headers = {}
    secret = secret_of(settings.auth, context.city)
    if settings.auth is not None and secret is not None:
        bearer = settings.auth.kind == "bearer"
        headers = {"Authorization": f"Bearer {secret}"} if bearer else {settings.auth.header or "": secret}
    tls = trust_of(settings, context.city) if settings.url.startswith("wss:") else None
    quiet = settings.interval or 60.0
    return _Straight(
        settings.url, additional_headers=headers, ssl=tls, proxy=None, max_size=settings.max_bytes, max_queue=16,
        open_timeout=min(10.0, max(2.0, quiet)), ping_interval=max(0.5, quiet / 2), ping_timeout=max(0.5, quiet),
        close_timeout=0.5,
    )  # fmt: skip


def _fetcher(settings: Settings, context: Context) -> Fetcher:
    assert settings.resume_url is not None
    base = settings.resume_url.partition("{")[0].partition("?")[0]
    web = WebSettings(
        name=settings.name, kind=settings.kind, url=base, auth=settings.auth, ca_file=settings.ca_file,
        cert_file=settings.cert_file, key_file=settings.key_file,
        max_bytes=settings.max_bytes * 16, timeout=settings.resume_wait,
    )  # fmt: skip
    return Fetcher(web, context)


async def _some(socket: ClientConnection, settings: Settings, seconds: float) -> list[Push]:
    """The next messages: one that is waited for, and those that are here already."""
    pushes = []
    try:
        async with asyncio.timeout(seconds):
            pushes.append(_push(await socket.recv(), settings))
    except TimeoutError:
        return []
    while len(pushes) < BATCH:
        try:
            async with asyncio.timeout(0):
                pushes.append(_push(await socket.recv(), settings))
        except (TimeoutError, ConnectionClosed):  # A closed one is closed for the next call too.
            break
    return pushes


def _push(body: str | bytes, settings: Settings) -> Push:
    if settings.sequence is None or isinstance(body, bytes):
        return Push(body)
    try:
        number = find(read_json(body), settings.sequence)
    except SourceNonsense:
        return Push(body)
    whole = isinstance(number, int) and not isinstance(number, bool) and 0 <= number < 1 << 62
    return Push(body, number if whole else None)


def _filled(text: str, after: int, to: int) -> str:
    return text.replace("{after}", str(after)).replace("{to}", str(to))


async def _ask(
    settings: Settings, socket: ClientConnection, web: Fetcher | None, numbers: Sequence, gap: tuple[int, int]
) -> list[Push]:
    """Ask for what is missing; gives what was fetched, or names what has to be given up."""
    possible = settings.resume_message or web
    if not possible or numbers.asked >= ASKED or len(numbers.ahead) > AHEAD:
        return [Push("", None, numbers.give_up())]
    numbers.asked += 1
    numbers.since = asyncio.get_running_loop().time()
    if settings.resume_message:
        await socket.send(_filled(settings.resume_message, *gap))
        return []
    assert web is not None
    assert settings.resume_url is not None
    try:
        reply = await web.get(_filled(settings.resume_url, *gap))
        document = reply.document
    except (SourceFailed, SourceNonsense):
        return []  # It is asked again after a while, and then given up by name.
    found = document if isinstance(document, list) else find(document, "messages") or [document]
    pushes = [_push(json.dumps(one, ensure_ascii=False), settings) for one in found]
    for push in pushes:
        if push.number is not None and gap[0] < push.number < gap[1]:
            numbers.take(push.number)
    return pushes


def _hash(push: Push, settings: Settings) -> str:
    """What tells a message from another, its number and signs of life apart; empty for what has no content."""
    body = push.body if isinstance(push.body, bytes) else push.body.encode("utf-8", "backslashreplace")
    if push.number is not None or settings.heartbeat is not None:
        try:
            document = read_json(body.decode())
        except (SourceNonsense, UnicodeDecodeError):
            return ""
        if settings.heartbeat is not None and find(document, settings.heartbeat):
            return ""
        body = json.dumps(find(document, settings.records), sort_keys=True, default=str).encode()
    return blake2b(body, digest_size=8).hexdigest()


def _same(pushes: list[Push], settings: Settings) -> str:
    """What tells messages that came together from others, whatever their order; empty where none has content."""
    found = sorted({mark for push in pushes if (mark := _hash(push, settings))})
    return found[0] if len(found) == 1 else blake2b("".join(found).encode(), digest_size=8).hexdigest() if found else ""


def _closed(error: ConnectionClosed, settings: Settings) -> str:
    if isinstance(error.__cause__, PayloadTooBig) or (error.sent is not None and error.sent.code == 1009):
        return f"sends more than {settings.max_bytes:,} bytes in one message; raise max_bytes if that is right"
    if error.sent is not None and error.sent.code == 1011:
        return "does not answer our pings; is it stuck?"
    said = error.rcvd.reason if error.rcvd is not None else ""
    return f"has closed the connection{f' ({said[:80]})' if said else ''}"


def _plainly(error: BaseException) -> str:
    if isinstance(error, InvalidStatus):
        status = error.response.status_code
        if 300 <= status < 400:
            return "sends us elsewhere, which is not followed; name the last address as url"
        return f"answers {status} and not as a WebSocket; is this the right address?"
    if isinstance(error, InvalidHandshake):
        return f"does not speak WebSocket ({str(error)[:80]}); is this the right address?"
    if isinstance(error, TimeoutError):
        return "does not answer; is it up and the way to it open?"
    return usual(error) or f"cannot be reached ({why(error)}); is it up?"


def parse(payload: list[Push], settings: Settings, context: Context) -> Parsed:
    """The readings or tickets of messages; a message that cannot be read is refused alone."""
    refused: list[Rejected] = []
    records: list[Record] = []
    for at, push in enumerate(payload, 1):
        where = f"message {at}" if push.number is None else f"number {push.number}"
        try:
            records += _records(push, settings, where)
        except SourceNonsense as error:
            refused.append(Rejected(error.reason, str(push)[:RAW], where, error.detail))
    yield from read_rows(records, settings, context)
    yield from refused


def _records(push: Push, settings: Settings, where: str) -> list[Record]:
    if push.lost:
        raise SourceNonsense("gap", f"{push.lost} never came, though asked for {ASKED} times")
    if isinstance(push.body, bytes):
        raise SourceNonsense("binary", "is no text; a message is JSON")
    document = read_json(push.body)
    if settings.heartbeat is not None and find(document, settings.heartbeat):
        return []
    found = find(document, settings.records)
    if found is None:
        raise SourceNonsense("missing_field", f"has nothing at {settings.records}")
    many = found if isinstance(found, list) else [found]
    if not all(isinstance(one, dict) for one in many):
        raise SourceNonsense("wrong_type", f"what stands at {settings.records} are no objects")
    return [Record(one, where) for one in many]


FEED = Feed(
    kind="websocket",
    caption="An upstream that pushes over a WebSocket",
    parse=parse,
    open=open,
    Settings=Settings,
    nouns=fillable(),
    interval=60.0,
    mapped=(
        "`records` leads to the records of a message; `[feeds.columns]` reads them as tickets, `[[feeds.readings]]` as "
        "readings, `[feeds.map]` (`event`, `fields`) as any event. `sequence` names a message's number: what lacks "
        "is asked for by `resume_message` or fetched from `resume_url`, three times, and then named as lost."
    ),
    refused=(
        "binary messages, what is no JSON, more than `max_bytes` in one message (in fragments or packed), redirects. "
        "Pings alone, or the same message for `frozen_after` seconds, are a failed source."
    ),
    example="""\
[[feeds]]
kind = "websocket"
name = "stations"
url = "wss://push.example/stations"
auth = { secret_file = "stations.token" }
hello = '{"subscribe": "all", "after": {after}}'
records = "data"
sequence = "seq"
resume_url = "https://push.example/stations/since/{after}"
heartbeat = "type == 'heartbeat'"

[[feeds.readings]]
quantity = "rain"
unit = "mm"
value = "rain_1h"
sensor = "station"
time = "at"
place = "town"
""",
)
