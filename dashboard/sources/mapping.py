"""Where things stand in the records of outside systems: which event each becomes, and JMESPath to each of its fields.

Any event of any noun can be named, without a line here: its fields are asked of its type. See ``mappable``.
"""

from __future__ import annotations

import types
import typing
from datetime import datetime
from functools import lru_cache
from typing import Annotated, Any, Literal, cast

import jmespath
import msgspec
from jmespath.exceptions import JMESPathError
from jmespath.parser import ParsedResult
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from dashboard.board import CODEC, NOUNS
from dashboard.events import ENVELOPE, Act, Event
from dashboard.masking import mask
from dashboard.sources.feed import Settings, SourceNonsense
from dashboard.sources.tables import ROLES, Columns, Zone
from dashboard.sources.values import Refusal
from dashboard.sources.whereabouts import PointSettings

TICKET = "ticket"  # Reported, and closed where it is: what a row of a table becomes.
MOST = 200_000  # Records of one payload.
PLACING = ("place_code", "place_name", "lon", "lat")


class EventMap(BaseModel):
    """Which event a record becomes, and where in it each of the event's fields stands.

    ``event`` is ``ticket``, or an event's type such as ``sensor.reading``; ``fields`` maps its fields to JMESPath
    expressions (a constant is ``"'m'"``), ``values`` a field's words to ours. Where ``time`` is not mapped, it is the
    moment of reading; where ``id`` is not, the content tells what is new.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    event: str = TICKET
    fields: dict[str, str]
    values: dict[str, dict[str, str]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _fits(self) -> EventMap:
        known = {TICKET: set(ROLES), **{kind: fields_of(kind) for kind in mappable()}}
        if self.event not in known:
            raise ValueError(f"event: {self.event!r} is none of {', '.join(sorted(known))}")
        for name, expression in self.fields.items():
            if name not in known[self.event]:
                listed = ", ".join(sorted(known[self.event]))
                raise ValueError(f"fields: {self.event} has no field {name!r}; it has {listed}")
            _compiled(expression)
        lacking = needed(self.event) - set(self.fields)
        if lacking:
            raise ValueError(f"fields: {self.event} needs {', '.join(sorted(lacking))}; say where they stand")
        if ("lon" in self.fields) != ("lat" in self.fields):
            raise ValueError("fields: lon and lat go together; name both or none")
        return self

    @property
    def noun(self) -> tuple[str, ...]:
        """The noun of the event."""
        return tuple(noun.name for noun in NOUNS.values() if _type_of(self.event) in noun.events)


class MapSettings(PointSettings, EventMap, Settings):
    """A map, the list of records it holds for, and how times, numbers and places are written in them."""

    records: str = "@"
    zone: Zone | None = None  # Of times that name none; the city's.
    time_formats: Annotated[tuple[str, ...], Field(min_length=1)] = ("iso",)
    place_by: tuple[Literal["code", "point", "name"], ...] = ("code", "point", "name")

    @field_validator("records")
    @classmethod
    def _records(cls, value: str) -> str:
        _compiled(value)
        return value

    @property
    def fills(self) -> tuple[str, ...]:
        """The noun of the event."""
        return self.noun

    @staticmethod
    def expression(text: str) -> None:
        """See that a text is a JMESPath expression.

        Raises:
            ValueError: saying what is wrong with it.
        """
        _compiled(text)


def mappable() -> dict[str, type[Event]]:
    """The types a record may become: those that are kept and whose fields each hold a word, a number or a few words.

    What befalls a ticket comes as ``ticket``, by the columns of a table; what people do comes from their screens.
    """
    return {
        kind: wanted
        for kind, wanted in CODEC.types.items()
        if wanted.durable
        and not issubclass(wanted, Act)
        and not kind.startswith("ticket.")
        and all(map(_plain, hints(kind).items()))
    }


def _plain(field: tuple[str, Any]) -> bool:
    """Whether a field can hold what a record says; a point is made of two of its values."""
    return (
        field[0] == "point"
        or listed(field[1])
        or all(
            kind in (str, int, float, bool, datetime, type(None)) or typing.get_origin(kind) is Literal
            for kind in choices(field[1])
        )
    )


def listed(hint: Any) -> bool:
    """Whether a field holds a list of words."""
    return typing.get_origin(hint) in (tuple, frozenset, list) and set(typing.get_args(hint)) <= {str, ...}


def choices(hint: Any) -> set[Any]:
    """The types a field may have."""
    return set(typing.get_args(hint)) if typing.get_origin(hint) in (typing.Union, types.UnionType) else {hint}


@lru_cache(maxsize=512)
def _compiled(expression: str) -> ParsedResult:
    try:
        return jmespath.compile(expression)
    except JMESPathError as error:
        said = str(error).splitlines()[0]
        raise ValueError(f"{expression!r} is no JMESPath ({said}); see jmespath.org, a constant is \"'m'\"") from None


def search(expression: str, document: Any) -> Any:
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
    kinds = (TICKET, *mappable())
    return tuple(noun.name for noun in NOUNS.values() if any(_type_of(kind) in noun.events for kind in kinds))


def search_quietly(expression: str, document: Any) -> Any:
    """What an expression finds, and None where it finds nothing or does not fit the data."""
    try:
        return search(expression, document)
    except Refusal:
        return None


@lru_cache(maxsize=256)
def hints(kind: str) -> dict[str, Any]:
    """The fields of an event's type with their types, what limits them left out."""
    found = typing.get_type_hints(CODEC.types[kind])
    return {name: found[name] for name in CODEC.types[kind].__struct_fields__}


def fields_of(kind: str) -> set[str]:
    """The names a map of this type may have."""
    names = set(hints(kind)) - (ENVELOPE - {"id", "time", "subject"}) - {"flaw", "point"}
    if "place" in names:
        names = (names - {"place"}) | set(PLACING)
    return names


@lru_cache(maxsize=256)
def optional(kind: str) -> frozenset[str]:
    """The names that a map of this type, and a record, may leave out."""
    info = cast(msgspec.inspect.StructType, msgspec.inspect.type_info(CODEC.types[kind]))
    return frozenset(field.name for field in info.fields if not field.required and field.name != "subject") | frozenset(
        PLACING
    )


def needed(kind: str) -> set[str]:
    """The names a map of this type must have."""
    if kind == TICKET:
        return {name for name, field in Columns.model_fields.items() if field.is_required()}
    return (fields_of(kind) - optional(kind)) - {"id", "time"}


# -- from a payload to records ---------------------------------------------------------------------------------


def records_of(document: Any, settings: MapSettings) -> list[Any]:
    """The records of a payload.

    Raises:
        SourceNonsense: ``no_records`` where there is no list of them, ``too_many_records``.
    """
    try:
        found = search(settings.records, document)
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
