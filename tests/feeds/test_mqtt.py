"""MQTT against a real broker: sessions, acknowledgements, retained messages, and what is refused."""

from __future__ import annotations

import json
import signal
from contextlib import aclosing
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import aiomqtt
import pytest

from dashboard.city import CityError
from dashboard.nouns.sensors import SensorReading
from dashboard.nouns.service import QueueSeen
from dashboard.sources.feed import SourceFailed, bind
from feeds.mqtt import Heard, Settings, parse
from tests.servers import Mosquitto, free_port
from tests.station import Station, soon
from tests.town import NOW, context, town

LEVEL = {"pattern": "water/{place}/level/{sensor}", "quantity": "level", "unit": "cm"}
HALL = {"pattern": "halls/{hall}/queue"}
QUEUES = {
    "event": "service.queue", "fields": {"subject": "topic_hall", "waiting": "n", "windows": "open", "time": "t"},
}  # fmt: skip
PARK = {
    "pattern": "parking/{sensor}", "quantity": "occupied", "unit": "spaces", "value": "taken", "time": "at",
    "capacity": "spaces",
}  # fmt: skip


def feed(url: str, *topics: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "kind": "mqtt",
        "name": "river",
        "url": url,
        "topics": list(topics or (LEVEL, PARK)),
        "interval": 1.0,
        **more,
    }


def message(minute: float = 0, value: object = 142, **more: Any) -> bytes:
    return json.dumps({"value": value, "time": (NOW + timedelta(minutes=minute)).isoformat(), **more}).encode()


def heard(payload: bytes, topic: str = "water/A/level/g1", retained: bool = False) -> Heard:
    return Heard(topic, payload, retained, NOW)


def read(folder: Path, *messages: Heard, **more: Any) -> tuple[list[Any], list[tuple[str, str]]]:
    city = town(folder, feed("mqtt://127.0.0.1:1883", **more))
    (bound,), ctx = bind(city), context(city)
    events: list[Any] = []
    refused: list[tuple[str, str]] = []
    for item in parse(list(messages), cast(Settings, bound.settings), ctx):
        if isinstance(item, SensorReading):
            events.append(item)
        else:
            refused.append((cast(Any, item).reason, cast(Any, item).where))
    return events, refused


def seen(folder: Path, *messages: Heard, **more: Any) -> list[Any]:
    """All that becomes of messages, in order."""
    city = town(folder, feed("mqtt://127.0.0.1:1883", **more))
    (bound,) = bind(city)
    return list(parse(list(messages), cast(Settings, bound.settings), context(city)))


def test_a_topic_tells_place_and_sensor_and_a_declared_unit_is_converted(tmp_path: Path) -> None:
    (event,), refused = read(tmp_path, heard(message()))
    assert not refused
    assert (event.subject, event.place, event.quantity, event.value, event.unit) == ("g1", "A", "level", 1.42, "m")
    assert (event.id, event.time) == (f"g1:level:{NOW.isoformat()}", NOW)


def test_a_place_may_be_named(tmp_path: Path) -> None:
    (event,), _ = read(tmp_path, heard(message(), "water/老甲/level/g1"))
    assert event.place == "A"


def test_a_list_is_many_readings_and_a_full_car_park_is_noted(tmp_path: Path) -> None:
    rows = [{"taken": n, "spaces": 100, "at": NOW.isoformat()} for n in (99, 101)]
    bodies = [heard(json.dumps(row).encode(), f"parking/p{n}") for n, row in enumerate(rows)]
    events, refused = read(tmp_path, *bodies, heard(json.dumps([rows[0]]).encode(), "parking/p9"))
    assert [(event.subject, event.value, event.capacity) for event in events] == [
        ("p0", 99, 100), ("p1", 101, 100), ("p9", 99, 100),
    ]  # fmt: skip
    assert [reason for reason, _ in refused].count("over_capacity") == 1


BAD = {
    "not_text": heard(b"\xff\xfe\x00"),
    "empty": heard(b""),
    "foreign_place": heard(message(), "water/Z/level/g1"),
    "foreign_topic": heard(message(), "sewage/A/level/g1"),
    "system_topic": heard(b"4711", "$SYS/broker/messages/received"),
    "too_large": heard(b"9" * 70_000),
    "not_json": heard(b'{"value": 1'),
    "not_finite": heard(b'{"value": NaN}'),
    "too_deep": heard(b"[" * 10_000 + b"]" * 10_000),
    "duplicate_key": heard(b'{"value": 1, "value": 2}'),
    "bad_number": heard(message(value="twelve")),
    "no_value": heard(message(value=None)),
    "no_time": heard(b"142"),
    "impossible_date": heard(b'{"value": 1, "time": "0000-01-01T00:00:00Z"}'),
    "time_in_future": heard(message(11)),
    "impossible_value": heard(message(value=1e17)),
    "bad_sensor": heard(message(), "water/A/level/1.1E+17"),
    "flood": Heard("", b"", False, NOW, dropped=7),
}


@pytest.mark.parametrize("reason", BAD)
def test_a_bad_message_is_refused_by_name_and_the_good_beside_it_passes(tmp_path: Path, reason: str) -> None:
    events, refused = read(tmp_path, heard(message()), BAD[reason], heard(message(1)))
    assert [event.time for event in events] == [NOW, NOW + timedelta(minutes=1)]
    assert [found for found, _ in refused] == [reason]


@pytest.mark.parametrize(
    ("value", "kept"), [("1,234.5", 12.345), ("１２３", 1.23), ("1.2万", 120.0), (" 7 ", 0.07), (7, 0.07), (-3, -0.03)]
)
def test_numbers_as_people_write_them(tmp_path: Path, value: object, kept: float) -> None:
    (event,), refused = read(tmp_path, heard(message(value=value)))
    assert (event.value, refused) == (pytest.approx(kept), [])


@pytest.mark.parametrize(
    ("value", "reason"),
    [("12%", "wrong_unit"), ("1,2", "ambiguous_number"), ("∞", "not_finite"), (1e300, "bad_number")]
    + [(value, "bad_number") for value in ("1.2.3", "0x10", "1e", True, [1], {"a": 1}, "1_000")],
)
def test_what_is_no_number_is_never_bent_into_one(tmp_path: Path, value: object, reason: str) -> None:
    events, refused = read(tmp_path, heard(message(value=value)))
    assert (events, [found for found, _ in refused]) == ([], [reason])


def test_a_bare_number_is_as_of_its_arrival_where_that_is_allowed(tmp_path: Path) -> None:
    topic = {**LEVEL, "arrival": True}
    (event,), _ = read(tmp_path, heard(b"142"), topics=[topic])
    assert (event.value, event.time) == (1.42, NOW)
    events, refused = read(tmp_path, heard(b"142", retained=True), topics=[topic])
    assert (events, refused) == ([], [("retained_without_time", "water/A/level/g1")])


def test_a_clock_nine_minutes_fast_passes(tmp_path: Path) -> None:
    events, refused = read(tmp_path, heard(message(9)), heard(message(-600)))
    assert (len(events), refused) == (2, [])


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"topics": [{**LEVEL, "unit": "bar"}]}, "bar is no unit of level"),
        ({"topics": [{**LEVEL, "pattern": "$SYS/#"}]}, "is no pattern"),
        ({"topics": [{**LEVEL, "pattern": "water/#"}]}, "is no pattern"),
        ({"topics": []}, "topics"),
        ({"topics": [{"pattern": "a/{sensor}"}]}, "add quantity and unit, or a map"),
        ({"topics": [{"pattern": "a/{sensor}", "quantity": "level"}]}, "unit"),
        ({"map": QUEUES}, "is read by the map; it takes pattern and arrival alone"),
        ({"topics": [HALL], "map": {**QUEUES, "fields": {"subject": "topic_hall", "waiting": "n"}}}, "time is missing"),
        ({"topics": [HALL], "map": {**QUEUES, "event": "service.nothing"}}, "is none of"),
        ({"topics": [HALL], "map": {**QUEUES, "fields": {"subject": "topic_hall"}}}, "needs waiting"),
        ({"url": "http://x"}, "is no broker"),
        ({"url": "mqtt://me:secret@x"}, "holds a password"),
    ],
)
def test_settings_that_cannot_work_say_why(tmp_path: Path, wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(CityError, match=said.replace("$", r"\$")):
        bind(town(tmp_path, {**feed("mqtt://127.0.0.1:1883"), **wrong}))


def test_a_map_makes_any_event_of_a_message_and_of_its_topic(tmp_path: Path) -> None:
    body = {"n": 12, "open": 4, "t": NOW.isoformat()}
    table: dict[str, Any] = {"topics": [HALL], "map": QUEUES}
    messages = [
        heard(json.dumps([body, {**body, "n": -1}]).encode(), "halls/north/queue"),
        heard(json.dumps({**body, "topic_hall": "forged"}).encode(), "halls/南厅/queue", retained=True),
        heard(b'{"n": 3}', "halls/north/queue"), heard(b"7", "halls/x/other"), heard(b'{"n": "', "halls/x/queue"),
    ]  # fmt: skip
    found = seen(tmp_path, *messages, **table)
    queues = [one for one in found if isinstance(one, QueueSeen)]
    assert [(one.subject, one.waiting, one.windows, one.time) for one in queues] == [
        ("north", 12, 4, NOW), ("南厅", 12, 4, NOW)
    ]  # fmt: skip
    refused = [(one.reason, one.where) for one in found if not isinstance(one, QueueSeen)]
    assert sorted(refused) == [
        ("foreign_topic", "halls/x/other"), ("impossible_value", "halls/north/queue"),
        ("missing_field", "halls/north/queue"), ("not_json", "halls/x/queue"),
    ]  # fmt: skip
    assert queues == [one for one in seen(tmp_path, *messages, **table) if isinstance(one, QueueSeen)], "the same ids"


def test_a_map_by_arrival_takes_a_bare_number_and_nothing_that_the_broker_kept(tmp_path: Path) -> None:
    table: dict[str, Any] = {
        "topics": [{**HALL, "arrival": True}],
        "map": {"event": "service.queue", "fields": {"subject": "topic_hall", "waiting": "value"}},
    }
    found = seen(tmp_path, heard(b"7", "halls/a/queue"), heard(b"8", "halls/a/queue", retained=True), **table)
    assert [getattr(one, "waiting", None) or one.reason for one in found] == [7, "retained_without_time"]
    assert found[0].time == NOW


# -- against a real broker -------------------------------------------------------------------------------------


async def publish(server: Mosquitto, *messages: tuple[str, bytes], qos: int = 1, retain: bool = False) -> None:
    async with aiomqtt.Client("127.0.0.1", server.port) as client:
        for topic, payload in messages:
            await client.publish(topic, payload, qos=qos, retain=retain)


def station(server: Mosquitto, folder: Path, *topics: dict[str, Any], **more: Any) -> Station:
    return Station(town(folder, feed(server.url, *topics, **more)), folder, now=lambda: NOW)


async def test_live_and_retained_messages_come_through(mosquitto_server: Mosquitto, tmp_path: Path) -> None:
    topic = {**LEVEL, "pattern": "one/{place}/{sensor}"}
    await publish(mosquitto_server, ("one/A/kept", message()), retain=True)
    async with station(mosquitto_server, tmp_path, topic).working() as at_work:
        await soon(lambda: at_work.counted() == (1, 0, 0))
        await publish(mosquitto_server, ("one/B/live", message()), ("one/B/live", b"\xff"), ("one/Z/x", message()))
        await soon(lambda: at_work.counted() == (2, 0, 2))
        assert at_work.spool.reasons() == {"foreign_place": 1, "not_text": 1}
    await publish(mosquitto_server, ("one/A/kept", b""), retain=True)


async def test_mapped_messages_fill_their_noun(mosquitto_server: Mosquitto, tmp_path: Path) -> None:
    here = station(mosquitto_server, tmp_path, {"pattern": "mapped/{hall}/queue"}, map=QUEUES)
    body = json.dumps({"n": 5, "t": NOW.isoformat()}).encode()
    async with here.working() as at_work:
        await soon(lambda: at_work.runner.last_success)  # Before it listens nothing is sent to it.
        await publish(mosquitto_server, *[("mapped/north/queue", body)] * 2, ("mapped/north/queue", b"?"))
        await soon(lambda: at_work.counted() == (1, 1, 1))
    assert [event.subject for event in here.events()] == ["north"]
    assert here.bound.nouns == ("service",)


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_what_comes_while_we_are_away_is_not_lost(
    own_mosquitto: Mosquitto, tmp_path: Path, protocol: str
) -> None:
    first = station(own_mosquitto, tmp_path, protocol=protocol)
    async with first.working():
        await soon(lambda: first.runner.last_success)
        await publish(own_mosquitto, ("water/A/level/g1", message(0)))
        await soon(lambda: first.counted() == (1, 0, 0))
    first.close()
    await publish(own_mosquitto, *[("water/A/level/g1", message(-n)) for n in range(1, 51)])
    own_mosquitto.stop()  # The broker too goes and comes.
    own_mosquitto.start()
    again = station(own_mosquitto, tmp_path, protocol=protocol)
    async with again.working():
        # What the broker had not heard acknowledged it may bring once more, and that changes nothing.
        await soon(lambda: (again.counted()[0], again.counted()[2]) == (51, 0), 20, again.counted)


async def test_nothing_is_acknowledged_before_it_is_on_disk(own_mosquitto: Mosquitto, tmp_path: Path) -> None:
    at_work = station(own_mosquitto, tmp_path)
    broken = True
    at_work.sink.refuse = lambda: broken
    async with at_work.working():
        await soon(lambda: at_work.runner.restarts > 0)  # The quiet broker's sign of life already finds the disk full.
        await publish(own_mosquitto, *[("water/A/level/g1", message(-n)) for n in range(20)])
        before = at_work.runner.restarts
        await soon(lambda: at_work.runner.restarts > before + 1, 30)
        assert at_work.counted() == (0, 0, 0)
        broken = False
        await soon(lambda: at_work.counted()[0] == 20, 20, at_work.counted)


async def test_a_broker_that_is_killed_is_found_again(own_mosquitto: Mosquitto, tmp_path: Path) -> None:
    at_work = station(own_mosquitto, tmp_path)
    async with at_work.working():
        await soon(lambda: at_work.runner.last_success)
        await publish(own_mosquitto, ("water/A/level/g1", message(0)))
        await soon(lambda: at_work.counted() == (1, 0, 0))
        own_mosquitto.stop(signal.SIGKILL)
        await soon(lambda: at_work.runner.error)
        own_mosquitto.start()
        await soon(lambda: not at_work.runner.error, 20)
        await publish(own_mosquitto, ("water/A/level/g1", message(-1)))
        await soon(lambda: at_work.counted()[0] == 2, 20, at_work.counted)


async def test_a_frozen_broker_is_noticed(own_mosquitto: Mosquitto, tmp_path: Path) -> None:
    at_work = station(own_mosquitto, tmp_path)
    async with at_work.working():
        await soon(lambda: at_work.runner.last_success is not None)
        assert own_mosquitto.process is not None
        own_mosquitto.process.send_signal(signal.SIGSTOP)
        try:
            await soon(lambda: "does not answer" in at_work.runner.error, 20, lambda: at_work.runner.error)
        finally:
            own_mosquitto.process.send_signal(signal.SIGCONT)
        await soon(lambda: not at_work.runner.error, 20)


async def test_a_huge_message_never_reaches_us(mosquitto_server: Mosquitto, tmp_path: Path) -> None:
    topic = {**LEVEL, "pattern": "huge/{place}/{sensor}"}
    async with station(mosquitto_server, tmp_path, topic).working() as at_work:
        await soon(lambda: at_work.runner.last_success is not None)
        await publish(mosquitto_server, ("huge/A/g1", b"9" * (32 << 20)), ("huge/A/g1", message()))
        await soon(lambda: at_work.counted() == (1, 0, 0))
        assert at_work.runner.restarts == 0


async def test_a_flood_of_the_brokers_own_topics_is_not_even_sent(mosquitto_server: Mosquitto, tmp_path: Path) -> None:
    wide = {**LEVEL, "pattern": "{place}/{sensor}"}
    async with station(mosquitto_server, tmp_path, wide).working() as at_work:
        await soon(lambda: at_work.runner.last_success is not None)
        before = at_work.sink.puts
        await publish(mosquitto_server, *[(f"A/g{n}", message()) for n in range(300)], qos=0)
        await soon(lambda: at_work.counted() == (300, 0, 0), 10, at_work.counted)
        await soon(lambda: at_work.sink.puts > before + 2)
        assert at_work.spool.reasons() == {}


async def test_a_stranger_is_told_so(tmp_path: Path) -> None:
    if Mosquitto.tool() is None:
        pytest.skip("mosquitto is not installed (Debian: apt-get install mosquitto)")
    server = Mosquitto("allow_anonymous false")
    try:
        city = town(tmp_path, feed(server.url))
        (bound,), ctx = bind(city), context(city)
        assert bound.feed.open is not None
        with pytest.raises(SourceFailed, match=r"(?i)not authori[sz]ed"):
            async with aclosing(cast(Any, bound.feed.open(bound.settings, ctx))) as source:
                await anext(source)
    finally:
        server.close()


async def test_nobody_there_is_one_plain_sentence(tmp_path: Path) -> None:
    city = town(tmp_path, feed(f"mqtt://127.0.0.1:{free_port()}"))
    (bound,), ctx = bind(city), context(city)
    assert bound.feed.open is not None
    with pytest.raises(SourceFailed, match="nobody is there; is the server up"):
        async with aclosing(cast(Any, bound.feed.open(bound.settings, ctx))) as source:
            await anext(source)
