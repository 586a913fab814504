"""Records as events, by a map: every value is read strictly, and a record that does not fit is refused alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Any, cast

import msgspec

from dashboard.board import CODEC
from dashboard.events import Event
from dashboard.sources.feed import Context, Rejected
from dashboard.sources.mapping import PLACING, TICKET, MapSettings, choices, hints, listed, optional, search
from dashboard.sources.quantities import COUNTED, quantity_of
from dashboard.sources.tables import AHEAD, ROLES, Chunk, Columns, TableSettings, read
from dashboard.sources.values import Moments, Refusal, moments, number_of, place_of, point_of, raw_of, short_text
from dashboard.sources.whereabouts import turned


def mapped(
    records: Sequence[Any], settings: MapSettings, ctx: Context, where: str | Sequence[str] = "record"
) -> Iterator[Event | Rejected]:
    """The events of records, each taken or refused by itself; ``where`` is counted from 1, or says it of each."""
    if settings.event == TICKET:
        yield from _tickets(records, settings, ctx, where)
        return
    clock = moments(settings.zone or ctx.city.zone, settings.time_formats)
    latest = ctx.now() + AHEAD
    for number, record in enumerate(records, 1):
        here = f"{where} {number}" if isinstance(where, str) else where[number - 1]
        try:
            event, flaws = _event(record, settings, ctx, clock, latest)
        except Refusal as refusal:
            yield Rejected(refusal.reason, raw_of(record), here, short_text(refusal.detail))
            continue
        for reason, detail in flaws:
            yield Rejected(reason, raw_of(record), here, short_text(detail), kept=True)
        yield event


def _tickets(
    records: Sequence[Any], settings: MapSettings, ctx: Context, where: str | Sequence[str]
) -> Iterator[Event | Rejected]:
    """Tickets by the way that rows of a table go."""
    lines = list[bytes]()
    words = where if isinstance(where, str) else "record"
    for record in records:
        try:
            picked = {name: _word(name, record, settings) for name in settings.fields}
            lines.append(msgspec.json.encode(picked))
        except Refusal as refusal:
            lines.append(b"")
            yield Rejected(refusal.reason, raw_of(record), f"{words} {len(lines)}", short_text(refusal.detail))
        except (UnicodeEncodeError, ValueError):
            lines.append(b"")
            yield Rejected("bad_encoding", raw_of(record), f"{words} {len(lines)}", "holds half a character")
    yield from tickets_of(lines, settings, ctx, words)


def tickets_of(lines: list[bytes], settings: MapSettings, ctx: Context, where: str) -> Iterator[Event | Rejected]:
    """The events of tickets that stand as JSON objects under the names of ``Columns``, one to a line."""
    table = TableSettings(
        name=settings.name, kind=settings.kind, source=settings.source, zone=settings.zone, format="jsonl",
        time_formats=settings.time_formats, place_by=settings.place_by, encoding="utf-8",
        columns=Columns(**{name: name for name in ROLES}),
        verdicts=cast(Any, {word: word for word in ("on_time", "overdue")}),
    )  # fmt: skip
    chunk = Chunk(b"\n".join(lines), 1, unit=where, read=ctx.now())
    yield from read(chunk, table, ctx).items


def _word(name: str, record: Any, settings: MapSettings) -> str | int | float | None:
    """What a field of a ticket is called in the record, in our word for it."""
    found = search(settings.fields[name], record)
    if found is None or (isinstance(found, str | int | float) and not isinstance(found, bool)):
        words = settings.values.get(name)
        return found if words is None or found is None else words.get(str(found).strip(), found)
    raise Refusal("wrong_type", f"{name} ({settings.fields[name]}) is a {type(found).__name__} and no value")


def _event(
    record: Any, settings: MapSettings, ctx: Context, clock: Moments, latest: datetime
) -> tuple[Event, list[tuple[str, str]]]:
    if not isinstance(record, dict | list):
        raise Refusal("wrong_type", f"is a {type(record).__name__} and no record")
    known, kind = hints(settings.event), CODEC.types[settings.event]
    given = {name: _word_of(name, record, settings, known.get(name)) for name in settings.fields}
    values, flaws = _values(given, known, settings, clock), list[tuple[str, str]]()
    if values.setdefault("time", ctx.now()) > latest:
        raise Refusal("time_in_future", f"time: {values['time'].isoformat()}")
    if "place" in known:
        values |= _placed(given, settings, ctx, flaws)
        if kind.of_the_city and all(given.get(key) in (None, "") for key in (*PLACING, "region")):
            values |= {"place": ctx.places.root.code} | ({"flaw": ""} if "flaw" in known else {})
    try:
        values |= kind.as_kept(values)
    except ValueError as error:
        name, _, said = str(error).partition(": ")
        raise Refusal(f"bad_{name}", said) from None
    if "id" in given:
        name = number_of(_text("id", given["id"], optional=False))
    else:
        digest = blake2b(msgspec.json.encode([values[key] for key in sorted(values)], order="sorted"), digest_size=6)
        name = f"{values['subject']}:{values['time'].isoformat()}:{digest.hexdigest()}"
    source = settings.source or settings.name
    try:
        event = msgspec.convert({**values, "id": name, "source": source, "type": settings.event}, kind)
    except msgspec.ValidationError as error:
        raise Refusal(_fault(str(error)), str(error)) from None
    contradiction = event.contradiction()
    if contradiction is not None:
        raise Refusal(*contradiction)
    return event, flaws


def _fault(said: str) -> str:
    """The word for what a type says of a value that it does not take."""
    if "Invalid enum value" in said:
        return "unknown_word"
    return "impossible_value" if " >" in said or " <" in said or "matching regex" in said else "wrong_type"


def _values(
    given: Mapping[str, Any], known: Mapping[str, Any], settings: MapSettings, clock: Moments
) -> dict[str, Any]:
    """The fields of an event but for its place, each read by what its type can hold."""
    values, free = dict[str, Any](), optional(settings.event)
    units = "unit" in known
    unit = _text("unit", given.get("unit"), optional=True) if units else ""
    for name, value in given.items():
        if name in PLACING or name in ("id", "unit"):
            continue
        kinds = choices(known[name])
        absent = type(None) in kinds
        if listed(known[name]):
            values[name] = tuple(short_text(_text(name, one, optional=False)) for one in value)
        elif datetime in kinds:
            moment = _moment(name, value, clock, absent)
            if moment is not None:
                values[name] = moment
        elif float in kinds or int in kinds:
            number, own = _number(name, value, unit if units else "", absent)
            if own and not units and not (int in kinds and own in COUNTED):
                raise Refusal("wrong_unit", f"{name} names the unit {own[:20]}, and {settings.event} has none")
            if number is not None:
                values[name] = number if float in kinds else _whole(name, number)
            if units and not unit and own:
                unit = own
        elif bool in kinds:
            values[name] = _truth(name, value)
        else:
            text = _text(name, value, optional=name in free)
            if text or str in kinds:
                values[name] = number_of(text) if name == "subject" else short_text(text)
    if units:
        if not unit and "unit" not in free:
            raise Refusal("missing_field", "unit is not there; a number without one says nothing")
        values["unit"] = short_text(unit)
    return values


def _word_of(name: str, record: Any, settings: MapSettings, hint: Any) -> Any:
    """What stands in a record for a field, in our words; a list of what stands there, where the field holds one."""
    found = search(settings.fields[name], record)
    words = settings.values.get(name, {})
    if hint is not None and listed(hint):
        many = found if isinstance(found, list) else [] if found in (None, "") else [found]
        return [words.get(str(one).strip(), one) for one in many]
    if isinstance(found, dict | list):
        raise Refusal("wrong_type", f"{name} ({settings.fields[name]}) is a {type(found).__name__} and no value")
    return found if found is None else words.get(str(found).strip(), found)


def _text(name: str, value: Any, *, optional: bool) -> str:
    if value is None or value == "":
        if optional:
            return ""
        raise Refusal("missing_field", f"{name} is not there")
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise Refusal("wrong_type", f"{name} is a {type(value).__name__} and no text")
    return str(value).strip()


def _moment(name: str, value: Any, clock: Moments, optional: bool) -> datetime | None:
    text = _text(name, value, optional=optional)
    if not text:
        return None
    try:
        return clock(text)
    except (ValueError, OverflowError) as error:
        raise Refusal("impossible_date", f"{name}: {error}") from None


def _number(name: str, value: Any, unit: str, optional: bool) -> tuple[float | None, str]:
    try:
        number, unit = quantity_of(value, unit)
    except Refusal as refusal:
        raise Refusal(refusal.reason, f"{name} {refusal.detail}") from None
    if number is None and not optional:
        raise Refusal("no_value", f"{name} says there is none")
    return number, unit


def _whole(name: str, number: float) -> int:
    if number != int(number):
        raise Refusal("bad_number", f"{name} is {number:g} and no whole number")
    return int(number)


def _truth(name: str, value: Any) -> bool:
    known = {"true": True, "1": True, "false": False, "0": False}
    found = known.get(str(value).lower())
    if found is None:
        raise Refusal("wrong_type", f"{name} is neither true nor false")
    return found


def _placed(
    given: Mapping[str, Any], settings: MapSettings, ctx: Context, flaws: list[tuple[str, str]]
) -> dict[str, Any]:
    """The place and the point of an event, with the flaw of both."""
    code, name, lon, lat = (_text(key, given.get(key), optional=True) for key in PLACING)
    wrong = ""
    try:
        point = turned(point_of(lon, lat), settings.coordinates)
    except Refusal as refusal:
        point, wrong = None, refusal.reason
        flaws.append((refusal.reason, refusal.detail))
    located = ctx.gazetteer.locate_many([point])[0]
    place, flaw = place_of(settings.place_by, code, name, located, ctx.places)
    if located[1] in ("zero_point", "swapped_point"):
        point = None
        flaws.append((located[1], "its place is known otherwise" if place else ""))
    elif wrong and flaw:
        flaw = wrong
    elif flaw and flaw != "no_place":
        flaws.append((flaw, code or name))
    return {"place": place, "point": point, "flaw": flaw}
