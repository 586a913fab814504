"""The shelf of tickets: packed or not, they are the same tickets, and what has ended takes less room."""

from __future__ import annotations

import tracemalloc

import msgspec
import pytest

from dashboard.nouns.shelf import Shelf
from dashboard.nouns.tally import Tickets
from dashboard.nouns.tickets import apply
from dashboard.nouns.ticketstate import Ticket
from tests.dashboard.nouns.test_tickets import HOUR, NOW, closing, folded, report, view


def test_what_is_put_away_is_still_there() -> None:
    shelf = Shelf(apply(None, report(name, title=f"第 {name} 件")) for name in "abc")
    plain = {key: shelf[key] for key in shelf}
    shelf.put_away("s|b")
    shelf.put_away("s|b")
    assert shelf == plain
    assert (len(shelf), "s|b" in shelf, shelf.get("s|b"), shelf.get("s|z")) == (3, True, plain["s|b"], None)
    assert {ticket.key: ticket for ticket in msgspec.msgpack.decode(
        msgspec.msgpack.encode(shelf.dump()), type=list[Ticket]
    )} == plain  # fmt: skip
    shelf["s|b"] = apply(shelf["s|b"], closing("b", NOW + HOUR))
    assert (len(shelf), shelf["s|b"].state) == (3, "closed")
    del shelf["s|b"], shelf["s|a"]
    assert list(shelf) == ["s|c"]
    with pytest.raises(KeyError):
        shelf["s|b"]


def test_a_ticket_that_has_ended_is_packed_and_wakes_with_what_comes_late() -> None:
    tickets = folded(*(report(f"{n}", due=NOW + 10 * HOUR) for n in range(3)), closing("1", NOW + HOUR))
    assert view(tickets, "tickets")["open"] == 2
    assert list(tickets.tickets) == ["s|0", "s|2", "s|1"], "the closed one is put away, behind those in hand"
    again = Tickets(tickets.rules)
    again.load(msgspec.msgpack.decode(msgspec.msgpack.encode(tickets.dump())))
    assert again.tickets == tickets.tickets
    assert view(again, "tickets") == view(tickets, "tickets")


def test_it_takes_less_than_half_the_memory() -> None:
    made = [
        apply(apply(None, report(f"{n}", title="灯不亮", category="路灯")), closing(f"{n}", NOW + HOUR))
        for n in range(2000)
    ]
    packed = [msgspec.msgpack.encode(one) for one in made]

    def size(put_away: bool) -> int:
        tracemalloc.start()
        shelf = Shelf(msgspec.msgpack.decode(one, type=Ticket) for one in packed)
        if put_away:
            for key in list(shelf):
                shelf.put_away(key)
        taken, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return taken

    assert size(put_away=True) < size(put_away=False) / 2
