"""The shelf of tickets: those in hand as they are, those that have ended packed, at less than half the memory.

A city's wall runs for months and most of its tickets have ended: nobody looks at them but a late event, for which
they are unpacked again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, MutableMapping
from typing import Any

import msgspec

from dashboard.nouns.ticketstate import Ticket

_into = msgspec.msgpack.Encoder().encode_into
_unpack = msgspec.msgpack.Decoder(Ticket).decode


class Shelf(MutableMapping[str, Ticket]):
    """Tickets by key. What ``put_away`` has packed comes back as an equal ticket, not as the same object."""

    __slots__ = ("_at_hand", "_buffer", "_packed")

    def __init__(self, tickets: Iterable[Ticket] = ()) -> None:
        self._buffer = bytearray()
        self._at_hand: dict[str, Ticket] = {ticket.key: ticket for ticket in tickets}
        self._packed: dict[str, bytes] = {}

    def __getitem__(self, key: str) -> Ticket:
        found = self._at_hand.get(key)
        return found if found is not None else _unpack(self._packed[key])

    def get(self, key: str, default: Any = None) -> Any:
        """The ticket of a key; asked for every event, most of which are of a ticket in hand or of a new one."""
        found = self._at_hand.get(key)
        if found is not None:
            return found
        packed = self._packed.get(key)
        return default if packed is None else _unpack(packed)

    def __setitem__(self, key: str, ticket: Ticket) -> None:
        self._at_hand[key] = ticket
        self._packed.pop(key, None)

    def __delitem__(self, key: str) -> None:
        if self._at_hand.pop(key, None) is None:
            del self._packed[key]

    def __contains__(self, key: object) -> bool:
        return key in self._at_hand or key in self._packed

    def __iter__(self) -> Iterator[str]:
        yield from self._at_hand
        yield from self._packed

    def __len__(self) -> int:
        return len(self._at_hand) + len(self._packed)

    def put_away(self, key: str) -> None:
        """Pack a ticket that has ended; nothing where it is packed already."""
        ticket = self._at_hand.pop(key, None)
        if ticket is not None:
            _into(ticket, self._buffer)  # What an encoder returns may be half as large again as what is in it.
            self._packed[key] = bytes(self._buffer)

    def dump(self) -> list[Ticket | msgspec.Raw]:
        """All tickets, to be encoded; the packed ones as they are."""
        return [*self._at_hand.values(), *map(msgspec.Raw, self._packed.values())]
