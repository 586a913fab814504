"""Events posted to us as CloudEvents 1.0 over HTTP: one, a batch of them, or one in the headers' form.

https://github.com/cloudevents/spec, "HTTP Protocol Binding" and "JSON Event Format". What cannot be read as a
whole is nonsense; in a batch each event is taken or refused by itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, cast
from urllib.parse import unquote

import msgspec
from pydantic import Field

from dashboard.board import CODEC
from dashboard.events import Act, Event
from dashboard.masking import UNSHOWABLE, clean, mask
from dashboard.sources.documents import read_json, text_of
from dashboard.sources.feed import Context, Feed, Post, Rejected, SourceNonsense
from dashboard.sources.feed import Settings as Common
from dashboard.sources.values import EARLIEST, LATEST, Refusal, place_of, point_of, reason_of, short_text, short_title

RAW = 4096  # Characters of a refused event that are passed on.
LONGEST = 200  # Characters of an id, a source or a subject.
AHEAD = timedelta(minutes=10)  # By how much a sender's clock may be fast.
STRUCTURED = "application/cloudevents+json"
BATCHED = "application/cloudevents-batch+json"
UTF_8 = ("charset=utf-8", 'charset="utf-8"')
ENVELOPE = ("specversion", "id", "source", "type", "time", "subject", "datacontenttype")


class Settings(Common):
    """Who may post, and how much at once."""

    token_file: str | None = None  # Holds the bearer token; without one only this machine may post.
    max_bytes: Annotated[int, Field(gt=0)] = 1 << 20


def parse(payload: Post, settings: Settings, ctx: Context) -> Iterable[Event | Rejected]:
    """The events of one post.

    Raises:
        SourceNonsense: ``wrong_content_type``, ``not_json`` or ``unknown_version``, if nothing of it can be read.
    """
    records, batched = _records(payload)
    if not batched and isinstance(records[0], dict) and records[0].get("specversion", "1.0") != "1.0":
        raise SourceNonsense("unknown_version", f"specversion is {str(records[0]['specversion'])[:40]!r}; send 1.0")
    latest = ctx.now() + AHEAD
    for number, record in enumerate(records, 1):
        known = record.get("id") if isinstance(record, dict) else None
        where = (clean(known[:LONGEST]) if isinstance(known, str) else "") or f"event {number}"
        try:
            event, flaws = _event(record, ctx, latest)
        except Refusal as refusal:
            yield Rejected(refusal.reason, _raw(record), where, clean(refusal.detail))
            continue
        for reason, detail in flaws:
            yield Rejected(reason, _raw(record), where, detail, kept=True)
        yield event


# -- from a post to records ----------------------------------------------------------------------------------


def _records(post: Post) -> tuple[list[Any], bool]:
    """The CloudEvents of a post as they stand in JSON, and whether they came as a batch."""
    kind, *parameters = (part.strip().lower() for part in post.headers.get("content-type", "").split(";"))
    foreign = [part for part in parameters if part.startswith("charset=") and part not in UTF_8]
    if foreign or post.headers.get("content-encoding", "identity") != "identity":
        raise SourceNonsense("wrong_content_type", "send UTF-8, not compressed")
    if kind == BATCHED:
        batch = _json(post.body)
        if not isinstance(batch, list):
            raise SourceNonsense("not_json", "a batch is a JSON array of events")
        return batch, True
    if kind == STRUCTURED:
        return [_json(post.body)], False
    if "ce-specversion" in post.headers and (kind == "application/json" or kind.endswith("+json")):
        names = [name for name in ENVELOPE if f"ce-{name}" in post.headers]
        return [{name: unquote(post.headers[f"ce-{name}"]) for name in names} | {"data": _json(post.body)}], False
    raise SourceNonsense("wrong_content_type", f"{kind[:60]!r} is none of {STRUCTURED} and {BATCHED}")


def _json(body: bytes) -> Any:
    """The body as JSON, as strictly as RFC 8259 has it, and with every key once."""
    try:
        return read_json(text_of(body, "utf-8"))
    except SourceNonsense as nonsense:
        raise SourceNonsense("not_json", nonsense.detail) from None


# -- from a record to an event -------------------------------------------------------------------------------


def _event(record: Any, ctx: Context, latest: datetime) -> tuple[Event, list[tuple[str, str]]]:
    """The event, and what is flawed in it.

    Raises:
        Refusal: if it cannot be used.
    """
    if not isinstance(record, dict):
        raise Refusal("wrong_type", "an event is a JSON object")
    if record.get("specversion") != "1.0":
        reason = "unknown_version" if "specversion" in record else "missing_field"
        raise Refusal(reason, "specversion must be 1.0")
    name, source, kind = (_word(record, key) for key in ("id", "source", "type"))
    if "|" in source:
        raise Refusal("bad_source", "the source holds a '|'")
    wanted = CODEC.types.get(kind)
    if wanted is None:
        raise Refusal("unknown_type", f"{kind!r} is none of {', '.join(_postable())}")
    if not _may_post(wanted):
        raise Refusal("forbidden_type", f"{kind} is the house's own; {', '.join(_postable())} may be posted")
    data = record.get("data")
    if not isinstance(data, dict) or "data_base64" in record:
        raise Refusal("missing_field" if data is None else "wrong_type", "data must be a JSON object")
    if str(record.get("datacontenttype", "application/json")).partition(";")[0].strip() != "application/json":
        raise Refusal("wrong_content_type", "datacontenttype must be application/json")
    envelope = {"id": name, "source": source, "subject": _word(record, "subject"), "time": _time(record, latest)}
    try:
        event = CODEC.typed(kind, envelope, data)
    except ValueError as error:
        raise Refusal(reason_of(str(error)), str(error)) from None
    try:
        contradiction = event.contradiction()
    except (TypeError, OverflowError, ValueError):  # A time without a zone cannot be compared; which one is said below.
        contradiction = None
    tidied = _tidy(event, ctx)
    if contradiction is not None:
        raise Refusal(*contradiction)
    return tidied


def _may_post(kind: type[Event]) -> bool:
    """Ticks and beats are the house's own, and what people do on its screens comes by a door of its own."""
    return kind.durable and not issubclass(kind, Act)


def _postable() -> list[str]:
    return sorted(kind for kind, wanted in CODEC.types.items() if _may_post(wanted))


def _word(record: Mapping[str, Any], key: str) -> str:
    """An id, source, type or subject: one non-empty printable string of bounded length."""
    value = record.get(key)
    if value is None or value == "":
        raise Refusal("missing_field", f"{key} is missing")
    if not isinstance(value, str):
        raise Refusal("wrong_type", f"{key} must be a string")
    if len(value) > LONGEST or UNSHOWABLE.search(value):
        raise Refusal(f"bad_{key}", f"{key} is too long, or holds what cannot be printed")
    return value


def _time(record: Mapping[str, Any], latest: datetime) -> datetime:
    text = record.get("time")
    if text is None:
        raise Refusal("missing_field", "time is missing")
    try:
        time = _utc(datetime.fromisoformat(text))
    except (ValueError, TypeError, OverflowError) as error:
        raise Refusal("bad_time", f"time: {error}") from None
    if not EARLIEST <= time.year <= LATEST:
        raise Refusal("bad_time", f"time: {text[:40]} is not between {EARLIEST} and {LATEST}")
    if time > latest:
        raise Refusal("time_in_future", f"time: {text[:40]}; set the sender's clock")
    return time


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError(f"{moment.isoformat()} names no zone; write Z or +08:00 behind it")
    return moment.astimezone(UTC)


def _tidy(event: Event, ctx: Context) -> tuple[Event, list[tuple[str, str]]]:
    """The event as it is kept: times in UTC, texts masked and of bounded length, the caller opaque, its place found."""
    changed: dict[str, Any] = {}
    flaws: list[tuple[str, str]] = []
    for field in event.__struct_fields__:
        value = getattr(event, field)
        if isinstance(value, datetime) and field != "time":
            try:
                moment = changed[field] = _utc(value)
            except (ValueError, OverflowError) as error:
                raise Refusal("bad_time", f"{field}: {error}") from None
            if not EARLIEST <= moment.year <= LATEST:  # The last day of 9999 has no local time east of Greenwich.
                raise Refusal("bad_time", f"{field}: {moment.isoformat()} is not between {EARLIEST} and {LATEST}")
        elif field == "title":
            changed[field], long = short_title(value)
            if long:
                flaws.append(("title_too_long", f"{len(value):,} characters, cut"))
        elif field == "caller":
            changed[field] = ctx.caller(value)
        elif isinstance(value, str) and field not in ("id", "source", "subject"):
            changed[field] = short_text(value)
        elif isinstance(value, tuple) and value and isinstance(value[0], str):
            changed[field] = tuple(map(short_text, value))
        elif isinstance(value, tuple) and value and isinstance(value[0], msgspec.Struct):
            changed[field] = tuple(_tidy_part(part, ctx) for part in value)
    if "place" in event.__struct_fields__:
        changed |= _placed(cast(Any, event), ctx, flaws)
    return msgspec.structs.replace(event, **changed), flaws


def _tidy_part(part: msgspec.Struct, ctx: Context) -> msgspec.Struct:
    """One of several things that an event tells of, such as a camera of a list: masked, and in its place."""
    changed: dict[str, Any] = {
        field: short_text(value)
        for field in part.__struct_fields__
        if isinstance(value := getattr(part, field), str) and field != "id"
    }
    if {"place", "lon", "lat"} <= set(part.__struct_fields__) and changed["place"] not in ctx.places:
        known: Any = part
        changed["place"] = ctx.places.named(changed["place"]) or ctx.gazetteer.locate(known.lon, known.lat)[0] or ""
    return msgspec.structs.replace(part, **changed)


def _placed(event: Any, ctx: Context, flaws: list[tuple[str, str]]) -> dict[str, Any]:
    """The event's place, its point if it is one, and the flaw of both."""
    try:
        point = event.point and point_of(str(event.point[0]), str(event.point[1]))
    except Refusal as refusal:
        point = None
        flaws.append((refusal.reason, refusal.detail))
    located = ctx.gazetteer.locate_many([point])[0]
    place, flaw = place_of(("code", "point"), event.place.strip(), "", located, ctx.places)
    if located[1] in ("zero_point", "swapped_point"):
        point = None
        flaws.append((located[1], "its place is known otherwise" if place else ""))
    elif flaw and flaws and flaws[-1][0] == "bad_coordinates":
        flaw = "bad_coordinates"
    elif flaw:
        flaws.append((flaw, short_text(event.place)))
    return {"place": place, "point": point, "flaw": flaw}


def _raw(record: Any) -> str:
    text = json.dumps(record, ensure_ascii=False)[:RAW]
    return mask(text.encode("utf-8", "backslashreplace").decode())


FEED = Feed(
    kind="cloudevents",
    caption="CloudEvents 1.0, posted to /ingest/<name>",
    parse=parse,
    Settings=Settings,
    nouns=("ticket",),
    mapped=(
        "every durable type of event of the house, structured, batched or in the headers' form; `place` is found by "
        "its code or by `point`. 2xx only after the durable write; the same source and id again is a duplicate."
    ),
    refused=(
        "a wrong content type, encoding or version; NaN, endless nesting, keys twice; unknown types and fields, times "
        "without a zone or ahead of ours; bodies beyond `max_bytes`, and senders without the token."
    ),
    example="""\
[[feeds]]
kind = "cloudevents"
name = "hotline"
max_bytes = 1048576
""",
)
