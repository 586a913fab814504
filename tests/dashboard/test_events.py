"""Events: identity, packing, and what a CloudEvent must be to become one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest

from dashboard.board import CODEC, NOUNS
from dashboard.events import ENVELOPE, content, identity, pack, pack_batch, utc
from dashboard.nouns.tickets import TicketClosed, TicketReported

AT = datetime(2026, 11, 21, 9, 41, 26, 123456, tzinfo=UTC)
REPORTED = TicketReported(
    id="1:reported", source="hotline", subject="1", time=AT, title="井盖缺损", point=(113.1, 23.0), due=AT
)
CLOSED = TicketClosed(id="1:closed", source="hotline", subject="1", time=AT, verdict="on_time")


def test_a_batch_gives_back_what_was_packed() -> None:
    events = [REPORTED, CLOSED] * 400
    assert CODEC.unpack(pack_batch([pack(event) for event in events])) == events
    assert CODEC.unpack(pack_batch([])) == []


def test_history_text_gives_back_the_event() -> None:
    assert CODEC.read(msgspec.json.encode(REPORTED)) == REPORTED


def test_the_same_source_and_id_is_the_same_event() -> None:
    later = msgspec.structs.replace(REPORTED, title="other")
    assert identity(REPORTED) == identity(later)
    assert content(pack(REPORTED)) != content(pack(later))
    # The border between source and id counts: these are two events.
    one = msgspec.structs.replace(REPORTED, source="a", id="bc")
    other = msgspec.structs.replace(REPORTED, source="ab", id="c")
    assert identity(one) != identity(other)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"titel": "x"}, "unknown field titel"),
        ({"title": 5}, "title"),
        ({"point": [1.0]}, "point"),
        ({"due": "yesterday"}, "due"),
    ],
)
def test_a_wrong_field_is_named(data: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        CODEC.typed("ticket.reported", {"id": "1", "source": "s", "time": AT}, data)


def test_an_unknown_type_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        CODEC.typed("ticket.exploded", {"id": "1", "source": "s", "time": AT}, {})


def test_no_data_field_takes_an_envelope_fields_name() -> None:
    for noun in NOUNS.values():
        for kind in noun.events:
            own = kind.__struct_fields__[4:]
            assert not ENVELOPE & set(own), kind


def test_times_need_a_zone() -> None:
    assert utc(datetime(2026, 1, 1, 8, tzinfo=ZoneInfo("Asia/Shanghai"))) == datetime(2026, 1, 1, tzinfo=UTC)
    with pytest.raises(ValueError, match="no zone"):
        utc(datetime(2026, 1, 1))  # noqa: DTZ001 - that is the point.


def test_an_event_is_packed_as_older_houses_packed_it() -> None:
    """What a spool remembers of an event's content must not change because its type has learnt more fields."""
    moment = datetime(2011, 7, 1, tzinfo=UTC)
    event = TicketReported(
        id="1:reported", source="b", time=moment, subject="1", title="t", category="c", unit="u", channel="x",
        place="p", point=(1.0, 2.0), due=moment + timedelta(days=1),
    )  # fmt: skip
    assert pack(event) == (
        b"\x8c\xa4type\xafticket.reported\xa2id\xaa1:reported\xa6source\xa1b\xa4time\xd6\xffN\r\x0e\x00"
        b"\xa7subject\xa11\xa5title\xa1t\xa8category\xa1c\xa4unit\xa1u\xa7channel\xa1x\xa5place\xa1p"
        b"\xa5point\x92\xcb?\xf0\x00\x00\x00\x00\x00\x00\xcb@\x00\x00\x00\x00\x00\x00\x00\xa3due\xd6\xffN\x0e_\x80"
    )
    full = TicketReported(
        id="1", source="b", time=moment, subject="1", by="a", why="b", title="c", category="d", unit="e", channel="f",
        place="g", point=(1.0, 2.0), due=moment, flaw="h", condition="i", caller="j", urgent=True,
    )  # fmt: skip
    for one in (event, full):
        assert CODEC.unpack(pack_batch([pack(one)])) == [one]
