"""Records of outside systems as events: JMESPath says where each field stands, and every value is read strictly."""

from __future__ import annotations

import json
import types
import typing
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from hashlib import blake2b
from typing import Annotated, Any, Literal, cast

import jmespath
import msgspec
from jmespath.exceptions import JMESPathError
from jmespath.parser import ParsedResult
from pydantic import Field, field_validator, model_validator

from dashboard.board import CODEC, NOUNS
from dashboard.events import ENVELOPE, Event
from dashboard.feed import Context, Rejected, Settings, SourceNonsense
from dashboard.masking import mask
from dashboard.quantities import quantity_of
from dashboard.releases import Period
from dashboard.tables import AHEAD, RAW, ROLES, Chunk, Columns, TableSettings, Zone, read
from dashboard.values import Moments, Refusal, moments, number_of, place_of, point_of, short_text

TICKET = "ticket"  # Reported, and closed where it is: what a row of a table becomes.
MOST = 200_000  # Records of one payload.
PLACING = ("place_code", "place_name", "lon", "lat")


class MapSettings(Settings):
    """Which event each record becomes, and where in the record (or, for ``records``, the payload) things stand.

    ``event`` is ``ticket``, or an event's type such as ``sensor.reading``; ``fields`` maps its fields to JMESPath
    expressions (a constant is ``"'m'"``), ``values`` a field's words to ours, ``records`` gives the list of them.
    Where ``time`` is not mapped, it is the moment of reading.
    """

    records: str = "@"
    event: str = TICKET
    fields: dict[str, str]
    values: dict[str, dict[str, str]] = Field(default_factory=dict)
    zone: Zone | None = None  # Of times that name none; the city's.
    time_formats: Annotated[tuple[str, ...], Field(min_length=1)] = ("iso",)
    place_by: tuple[Literal["code", "point", "name"], ...] = ("code", "point", "name")

    @field_validator("records")
    @classmethod
    def _records(cls, value: str) -> str:
        _compiled(value)
        return value

    @model_validator(mode="after")
    def _fits(self) -> MapSettings:
        known = {TICKET: set(ROLES), **{kind: _fields_of(kind) for kind in events()}}
        if self.event not in known:
            raise ValueError(f"event: {self.event!r} is none of {', '.join(sorted(known))}")
        for name, expression in self.fields.items():
            if name not in known[self.event]:
                listed = ", ".join(sorted(known[self.event]))
                raise ValueError(f"fields: {self.event} has no field {name!r}; it has {listed}")
            _compiled(expression)
        lacking = _needed(self.event) - set(self.fields)
        if lacking:
            raise ValueError(f"fields: {self.event} needs {', '.join(sorted(lacking))}; say where they stand")
        if ("lon" in self.fields) != ("lat" in self.fields):
            raise ValueError("fields: lon and lat go together; name both or none")
        return self

    @property
    def fills(self) -> tuple[str, ...]:
        """The noun of the event."""
        return tuple(noun.name for noun in NOUNS.values() if _type_of(self.event) in noun.events)

    @staticmethod
    def expression(text: str) -> None:
        """See that a text is a JMESPath expression.

        Raises:
            ValueError: saying what is wrong with it.
        """
        _compiled(text)


def events() -> dict[str, type[Event]]:
    """The types a record may become."""
    return {
        kind: wanted
        for kind, wanted in CODEC.types.items()
        if wanted.durable and not kind.startswith("ticket.") and all(map(_plain, _hints(kind).items()))
    }


def _plain(field: tuple[str, Any]) -> bool:
    """Whether a field can hold what a record says in one word or number; a point is made of two."""
    kinds = _kinds(field[1])
    return field[0] == "point" or all(
        kind in (str, int, float, bool, datetime, type(None)) or typing.get_origin(kind) is Literal for kind in kinds
    )


@lru_cache(maxsize=512)
def _compiled(expression: str) -> ParsedResult:
    try:
        return jmespath.compile(expression)
    except JMESPathError as error:
        said = str(error).splitlines()[0]
        raise ValueError(f"{expression!r} is no JMESPath ({said}); see jmespath.org, a constant is \"'m'\"") from None


def _search(expression: str, document: Any) -> Any:
    """What an expression finds.

    Raises:
        Refusal: ``wrong_type``, where it was written for other data.
    """
    try:
        return _compiled(expression).search(document)
    except (JMESPathError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        raise Refusal("wrong_type", f"{expression}: {str(error).splitlines()[0][:160]}") from None


def _type_of(kind: str) -> type[Event]:
    return CODEC.types["ticket.reported" if kind == TICKET else kind]


def fillable() -> tuple[str, ...]:
    """The nouns that can be filled by a mapping."""
    kinds = (TICKET, *events())
    return tuple(noun.name for noun in NOUNS.values() if any(_type_of(kind) in noun.events for kind in kinds))


def search_quietly(expression: str, document: Any) -> Any:
    """What an expression finds, and None where it finds nothing or does not fit the data."""
    try:
        return _search(expression, document)
    except Refusal:
        return None


@lru_cache(maxsize=64)
def _hints(kind: str) -> dict[str, Any]:
    hints = typing.get_type_hints(CODEC.types[kind])
    return {name: hints[name] for name in CODEC.types[kind].__struct_fields__}


def _fields_of(kind: str) -> set[str]:
    """The names a mapping of this type may have."""
    names = set(_hints(kind)) - (ENVELOPE - {"id", "time", "subject"}) - {"flaw", "point"}
    if "place" in names:
        names = (names - {"place"}) | set(PLACING)
    return names


def _needed(kind: str) -> set[str]:
    """The names a mapping of this type must have."""
    if kind == TICKET:
        return {name for name, field in Columns.model_fields.items() if field.is_required()}
    return (set(_fields_of(kind)) - _optional(kind)) - {"id", "time"}


# -- from a payload to records ---------------------------------------------------------------------------------


def records_of(document: Any, settings: MapSettings) -> list[Any]:
    """The records of a payload.

    Raises:
        SourceNonsense: ``no_records`` where there is no list of them, ``too_many_records``.
    """
    try:
        found = _search(settings.records, document)
    except Refusal as refusal:
        raise SourceNonsense("no_records", refusal.detail) from None
    if found == "" or (isinstance(document, dict) and list(document.values()) == [""]):
        return []  # An empty element of XML: its list is there, and has nothing in it.
    if found is None:
        keys = f"; it has {', '.join(map(repr, list(document)[:8]))}" if isinstance(document, dict) else ""
        raise SourceNonsense("no_records", f"there is nothing at records = {settings.records!r}{mask(keys)}")
    if isinstance(found, dict):
        found = [found]  # One child of XML, or one record for itself.
    if not isinstance(found, list):
        raise SourceNonsense("no_records", f"records = {settings.records!r} is a {type(found).__name__} and no list")
    if len(found) > MOST:
        raise SourceNonsense(
            "too_many_records", f"{len(found):,} records are more than {MOST:,}; ask for fewer at once"
        )
    return found


# -- from a record to an event ---------------------------------------------------------------------------------


def mapped(
    records: list[Any], settings: MapSettings, ctx: Context, where: str = "record"
) -> Iterator[Event | Rejected]:
    """The events of records, each taken or refused by itself."""
    if settings.event == TICKET:
        yield from _tickets(records, settings, ctx, where)
        return
    clock = moments(settings.zone or ctx.city.zone, settings.time_formats)
    latest = ctx.now() + AHEAD
    for number, record in enumerate(records, 1):
        try:
            event, flaws = _event(record, settings, ctx, clock, latest)
        except Refusal as refusal:
            yield Rejected(refusal.reason, raw_of(record), f"{where} {number}", short_text(refusal.detail))
            continue
        for reason, detail in flaws:
            yield Rejected(reason, raw_of(record), f"{where} {number}", short_text(detail), kept=True)
        yield event


def raw_of(record: Any) -> str:
    """A record as it is kept where it is refused."""
    text = record if isinstance(record, str) else json.dumps(record, ensure_ascii=False, default=str)
    return mask(text[:RAW].encode("utf-8", "backslashreplace").decode())


def _tickets(records: list[Any], settings: MapSettings, ctx: Context, where: str) -> Iterator[Event | Rejected]:
    """Tickets by the way that rows of a table go."""
    lines = []
    for record in records:
        try:
            picked = {name: _word(name, record, settings) for name in settings.fields}
            lines.append(msgspec.json.encode(picked))
        except Refusal as refusal:
            lines.append(b"")
            yield Rejected(refusal.reason, raw_of(record), f"{where} {len(lines)}", short_text(refusal.detail))
        except (UnicodeEncodeError, ValueError):
            lines.append(b"")
            yield Rejected("bad_encoding", raw_of(record), f"{where} {len(lines)}", "holds half a character")
    yield from tickets_of(lines, settings, ctx, where)


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
    found = _search(settings.fields[name], record)
    if found is None or (isinstance(found, str | int | float) and not isinstance(found, bool)):
        words = settings.values.get(name)
        return found if words is None or found is None else words.get(str(found).strip(), found)
    raise Refusal("wrong_type", f"{name} ({settings.fields[name]}) is a {type(found).__name__} and no value")


def _event(
    record: Any, settings: MapSettings, ctx: Context, clock: Moments, latest: datetime
) -> tuple[Event, list[tuple[str, str]]]:
    if not isinstance(record, dict | list):
        raise Refusal("wrong_type", f"is a {type(record).__name__} and no record")
    given = {name: _word_of(name, record, settings) for name in settings.fields}
    hints, values, flaws = _hints(settings.event), dict[str, Any](), list[tuple[str, str]]()
    units = "unit" in hints
    unit = _text("unit", given.get("unit"), optional=True) if units else ""
    for name, value in given.items():
        if name in PLACING or name in ("id", "unit"):
            continue
        kinds = _kinds(hints[name])
        optional = type(None) in kinds
        if datetime in kinds:
            moment = _moment(name, value, clock, optional)
            if moment is not None:
                values[name] = moment
        elif float in kinds or int in kinds:
            number, own = _number(name, value, unit if units else "", optional)
            if number is not None:
                values[name] = number if float in kinds else _whole(name, number)
            if units and not unit and own:
                unit = own
        elif bool in kinds:
            values[name] = _truth(name, value)
        else:
            text = _text(name, value, optional=name in _optional(settings.event))
            values[name] = number_of(text) if name == "subject" else short_text(text)
    if units:
        if not unit and "unit" not in _optional(settings.event):
            raise Refusal("missing_field", "unit is not there; a number without one says nothing")
        values["unit"] = short_text(unit)
    if values.setdefault("time", ctx.now()) > latest:
        raise Refusal("time_in_future", f"time: {values['time'].isoformat()}")
    if "place" in hints:
        values |= _placed(given, settings, ctx, flaws)
    if settings.event == "indicator.reported":
        values |= _dated(values, given, ctx)
    source = settings.source or settings.name
    if "id" in given:
        name = number_of(_text("id", given["id"], optional=False))
    else:
        digest = blake2b(msgspec.json.encode([values[key] for key in sorted(values)], order="sorted"), digest_size=6)
        name = f"{values['subject']}:{values['time'].isoformat()}:{digest.hexdigest()}"
    try:
        event = msgspec.convert(
            {**values, "id": name, "source": source, "type": settings.event}, events()[settings.event]
        )
    except msgspec.ValidationError as error:
        raise Refusal("wrong_type", str(error)) from None
    return event, flaws


def _dated(values: dict[str, Any], given: Mapping[str, Any], ctx: Context) -> dict[str, Any]:
    """The period of an indicator as we write it, and its place: the city's own where nobody names one."""
    try:
        period = str(Period.of(values["period"]))
    except ValueError as error:
        raise Refusal("bad_period", str(error)) from None
    named = any(given.get(key) not in (None, "") for key in (*PLACING, "region"))
    return {"period": period} if named else {"period": period, "place": ctx.places.root.code}


def _word_of(name: str, record: Any, settings: MapSettings) -> Any:
    found = _search(settings.fields[name], record)
    words = settings.values.get(name)
    if isinstance(found, dict | list):
        raise Refusal("wrong_type", f"{name} ({settings.fields[name]}) is a {type(found).__name__} and no value")
    return found if words is None or found is None else words.get(str(found).strip(), found)


def _kinds(hint: Any) -> set[Any]:
    """The types a field may have."""
    return set(typing.get_args(hint)) if typing.get_origin(hint) in (typing.Union, types.UnionType) else {hint}


@lru_cache(maxsize=64)
def _optional(kind: str) -> frozenset[str]:
    info = cast(msgspec.inspect.StructType, msgspec.inspect.type_info(CODEC.types[kind]))
    return frozenset(field.name for field in info.fields if not field.required and field.name != "subject") | frozenset(
        PLACING
    )


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
        point = point_of(lon, lat)
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
