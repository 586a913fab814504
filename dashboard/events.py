"""What happened, as typed values: the one form in which anything enters the house.

The envelope follows CloudEvents 1.0 (``id source type time subject data``). The fields of ``data``
stand beside the envelope's in each type, so an event is one flat struct; a data field may therefore
not take an envelope field's name. The same ``source`` and ``id`` is the same event, however often it comes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Annotated, Any, ClassVar, Union, cast

import msgspec

ENVELOPE = frozenset({"id", "source", "type", "time", "subject", "specversion", "datacontenttype", "data"})
BATCH = 500  # Events packed into one stream entry; see the findings on packed entries.


Contradiction = tuple[str, str]
"""Why an event cannot be so: a reason in one word, and a sentence."""


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type"):
    """The envelope every event carries.

    ``source`` names the system it comes from, ``time`` (aware, UTC) is when it happened there, and
    ``subject`` is what it happened to (a ticket's number, a feed's name).
    """

    durable: ClassVar[bool] = True  # Ephemeral events (ticks, beats) are folded but not kept in history.
    stamped: ClassVar[bool] = False  # Its time is when it reached us first: coming again, it is the same at any time.

    of_the_city: ClassVar[bool] = False  # It is of the city itself where a record names no place and no region.

    id: str
    source: str
    time: datetime
    subject: str = ""

    def contradiction(self) -> Contradiction | None:
        """Why its fields cannot all be true together; None if they can. Who reads a source refuses such an event."""
        return None

    @property
    def kind(self) -> str:
        """The CloudEvents ``type``, for instance ``ticket.reported``."""
        return cast(str, self.__struct_config__.tag)

    def retold(self, at: datetime) -> Event | None:
        """What is new where the same id comes again at ``at`` with another content, of the same thing at the same time.

        None where an event is told once and for all, and the id was given to something else.
        """
        return None

    @classmethod
    def as_kept(cls, fields: Mapping[str, Any]) -> dict[str, Any]:
        """What is kept of fields in another form than that in which a record says them, by name.

        Raises:
            ValueError: ``name: what is wrong``, for a field that cannot be kept; its reason is ``bad_name``.
        """
        return {}


class Act(Event, frozen=True, kw_only=True, omit_defaults=True):
    """What a person did on a screen. It comes by ``POST /act`` alone, and any noun may declare acts of its own.

    ``by`` is the person's name. A field of type ``Ref`` names a thing of the house and is taken as it is; all other
    texts are written by people, and whatever number of a phone or identity card stands in them is masked.
    """

    stamped: ClassVar[bool] = True

    by: str


Ref = Annotated[str, msgspec.Meta(min_length=1, max_length=300, pattern=r"^[^\x00-\x1f\x7f]*$")]

_pack = msgspec.msgpack.Encoder()
_UNTIMED = datetime(1970, 1, 1, tzinfo=UTC)


def pack(event: Event) -> bytes:
    """One event in bytes; the same event always gives the same bytes, also when its type has learnt more fields."""
    packed = _pack.encode(event)
    if packed[:2] == b"\xde\x00" and packed[2] < 16:  # The long head of types of many fields, where the short one does.
        return bytes((0x80 | packed[2],)) + packed[3:]
    return packed


def pack_batch(packed: Sequence[bytes]) -> bytes:
    """Packed events as one batch: a MessagePack array of them (https://msgpack.org, format ``array 32``)."""
    return b"\xdd" + len(packed).to_bytes(4, "big") + b"".join(packed)


def identity(event: Event) -> bytes:
    """Sixteen bytes that are equal for the same event (source and id), and for no other."""
    return blake2b(f"{event.source}\0{event.id}".encode("utf-8", "surrogatepass"), digest_size=16).digest()


def content(packed: bytes) -> bytes:
    """Eight bytes that differ when an event comes again with another content."""
    return blake2b(packed, digest_size=8).digest()


def mark(event: Event, packed: bytes) -> bytes:
    """The same of an event and its bytes; of one whose time is ours, the time does not count."""
    return content(pack(msgspec.structs.replace(event, time=_UNTIMED)) if event.stamped else packed)


class Codec:
    """Reads packed batches of the given event types.

    >>> Codec([Event]) is not None
    True
    """

    def __init__(self, types: Iterable[type[Event]]) -> None:
        self.types: dict[str, type[Event]] = {cast(str, kind.__struct_config__.tag): kind for kind in types}
        # The members are only known at run time, which is nothing a type checker can follow.
        union: Any = Union[tuple(self.types.values())]  # noqa: UP007
        self._batch = msgspec.msgpack.Decoder(cast(Any, list)[union])
        self._row = msgspec.json.Decoder(union)

    def unpack(self, batch: bytes) -> list[Event]:
        """The events of a packed batch.

        Raises:
            msgspec.MsgspecError: if the bytes are not such a batch.
        """
        return cast("list[Event]", self._batch.decode(batch))

    def read(self, row: str | bytes) -> Event:
        """One event from the JSON text that history keeps."""
        return cast(Event, self._row.decode(row))

    def typed(self, kind: str, envelope: dict[str, Any], data: dict[str, Any]) -> Event:
        """An event of type ``kind`` from a CloudEvents envelope and its data.

        Raises:
            KeyError: if no such type is known here.
            ValueError: if a field is missing, unknown or of the wrong type; the text says which.
        """
        wanted = self.types[kind]
        unknown = set(data) - (set(wanted.__struct_fields__) - ENVELOPE)
        if unknown:
            raise ValueError(f"unknown field {', '.join(sorted(unknown))}")
        try:
            event = msgspec.convert({**envelope, **data, "type": kind}, wanted)
        except msgspec.ValidationError as error:
            raise ValueError(str(error)) from error
        return event


def utc(moment: datetime) -> datetime:
    """``moment`` in UTC.

    Raises:
        ValueError: if it has no zone: a naive time could mean any hour.
    """
    if moment.tzinfo is None:
        raise ValueError(f"the time {moment.isoformat()} has no zone")
    return moment.astimezone(UTC)
