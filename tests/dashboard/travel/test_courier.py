"""The courier: each step once, in the city's words, through refusals and crashes, and no address is ever told."""

from __future__ import annotations

import json
import logging
import random
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import time
from typing import Any

import pytest

from bench.escalation import Receiver
from dashboard.board import Board
from dashboard.city import City
from dashboard.ground.placefile import read_places
from dashboard.nouns.escalation import AlarmClock, Due
from dashboard.travel import courier as role
from dashboard.travel.courier import Courier, Writer, idempotency_key, send
from dashboard.travel.messages import FAILED, SENT, WAITING, Messages
from dashboard.travel.stepline import Listener, Speaker
from dashboard.travel.stream import Keys, connect
from tests.flow import START, reported, rules, tick
from tests.servers import until
from tests.town import town

RUN = START.timestamp()
PLAN: dict[str, Any] = {
    "channels": {"hook": {"url_file": "hook.url"}, "mail": {"url_env": "CITYWALL_TEST_MAIL", "language": "en"}},
    "units": {"东区": {"duty": ["hook"]}},
    "anyone": {"handler": ["hook", "mail"]},
}


def due(number: int, step: str = "overdue", to: str = "duty", **more: Any) -> Due:
    given = {
        "key": f"hotline|{number}", "run": RUN, "step": step, "moment": RUN + 60, "to": to, "unit": "东区",
        "place": "A", "category": "路灯", "title": "灯\n不亮 {unit}", "deadline": RUN + 60,
    }  # fmt: skip
    return Due(**{**given, **more})


class Line:
    """Stands for Apprise: refuses as it is told to, and remembers what it took."""

    def __init__(self, answer: Callable[[str], str] = lambda key: "") -> None:
        self.answer, self.taken, self.tried = answer, list[tuple[str, str, str, str]](), 0
        self._lock = threading.Lock()

    def __call__(self, address: str, key: str, title: str, body: str) -> str:
        with self._lock:
            self.tried += 1
            reason = self.answer(key)
            if not reason:
                self.taken.append((address, key, title, body))
            return reason


@pytest.fixture
def city(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> City:
    (tmp_path / "hook.url").write_text("json://secret@127.0.0.1:1/x\n")
    monkeypatch.setenv("CITYWALL_TEST_MAIL", "mailto://secret@example.test")
    return town(tmp_path, escalation=PLAN, translations={"路灯": "Street lights", "东区": "East"})


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Messages]:
    made = Messages(f"sqlite:///{tmp_path / 'history.db'}")
    made.prepare()
    yield made
    made.close()


@pytest.fixture
def each_outbox(database_url: str) -> Iterator[Messages]:
    """One on SQLite, one on PostgreSQL."""
    made = Messages(database_url)
    made.prepare()
    yield made
    made.close()


def works(city: City, outbox: Messages, line: Any) -> Courier:
    made = Courier(city, read_places(city), outbox, line)
    made.begin()
    return made


def brought(courier: Courier, outbox: Messages) -> bool:
    courier.turn(0.05)
    counts = outbox.counts()
    return not counts["waiting"] and not counts["sending"]


def test_each_step_once_to_whom_it_may_concern(city: City, outbox: Messages) -> None:
    line = Line()
    courier = works(city, outbox, line)
    courier.take(RUN, [due(1), due(1, "reminder", "handler"), due(2, "leader", "leader")])
    courier.take(RUN, [due(1), due(1, "reminder", "handler")])
    works(city, outbox, line).take(RUN, [due(1), due(2, "leader", "leader")])  # The next courier knows them too.
    until(lambda: brought(courier, outbox))
    assert sorted((address, body) for address, _, _, body in line.taken) == [
        ("json://secret@127.0.0.1:1/x", "即将到期:东区 路灯“灯 不亮 {unit}”(1,甲)须于 03-01 12:01 前办结。"),
        ("json://secret@127.0.0.1:1/x", "已超期:东区 路灯“灯 不亮 {unit}”(1,甲)应于 03-01 12:01 办结。"),
        (
            "mailto://secret@example.test",
            'Due soon: East, Street lights "灯 不亮 {unit}" (1, Alpha) is due at 03-01 12:01.',
        ),
    ]
    assert {title for _, _, title, _ in line.taken} == {"镇", "Town"}
    assert outbox.counts()["shown"] == 1  # Nobody is the leader: it stands on the desk and in the log.
    courier.close()


def test_hostile_text_comes_through(city: City, each_outbox: Messages) -> None:
    line = Line()
    courier = works(city, each_outbox, line)
    hostile = "\0\u202e@all <script>{title.__class__}%s\r\n" + "x" * 5000
    courier.take(RUN, [due(1, key="hotline|\0|7\0", title=hostile, category=hostile, unit="\0")])
    courier.take(RUN, [due(2, "reminder", "handler", key="hotline|\0|7\0", title=hostile, category=hostile, unit="\0")])
    until(lambda: brought(courier, each_outbox))
    assert len(line.taken) == 2
    assert each_outbox.counts()["shown"] == 1
    for *_, body in line.taken:
        assert body.isprintable()
        assert len(body) < 500
        assert "{title.__class__}" in body
    courier.close()


def test_what_was_due_before_the_beginning_or_is_too_old_is_let_be(city: City, outbox: Messages) -> None:
    courier = works(city, outbox, Line())
    courier.take(RUN, [due(1, moment=RUN - 1), due(2, moment=RUN)])
    courier.take(RUN + 90_000, [due(3, moment=RUN + 100), due(4, moment=RUN + 80_000)])
    assert {one.ticket for one in outbox.newest(9)} == {"hotline|2", "hotline|4"}


def test_refused_and_sent_again_until_it_is_too_old(
    city: City, outbox: Messages, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(role, "FIRST", 0.02)
    refusals = iter(["answered_503"] * 4)
    line = Line(lambda key: next(refusals, ""))
    courier = works(city, outbox, line)
    with caplog.at_level(logging.WARNING):
        courier.take(RUN, [due(1)])
        until(lambda: brought(courier, outbox))
    assert (line.tried, len(line.taken)) == (5, 1)
    assert [record.getMessage() for record in caplog.records if "channel" in record.getMessage()] == [
        "channel hook: answered_503", "channel hook: works again",
    ]  # fmt: skip
    # One that is refused for a day has failed.
    refusals = iter(["answered_404"])
    courier.take(RUN, [due(2)])
    monkeypatch.setattr(role, "CAP", 400_000.0)
    monkeypatch.setattr(role, "FIRST", 400_000.0)
    until(lambda: brought(courier, outbox))
    (failed,) = outbox.newest(1, failed=True)
    assert (failed.ticket, failed.state, failed.error) == ("hotline|2", FAILED, "answered_404")
    assert courier.state()["failed"] == 1
    courier.close()


def test_a_channel_that_hangs_holds_up_no_other(city: City, outbox: Messages) -> None:
    free = threading.Event()

    def line(address: str, key: str, title: str, body: str) -> str:
        if address.startswith("json"):
            free.wait(20)
        return ""

    courier = works(city, outbox, line)
    courier.take(RUN, [due(n, "reminder", "handler") for n in range(30)])
    until(lambda: courier.turn(0.05) and outbox.counts()["sent"] == 30)
    assert {one.channel for one in outbox.newest(99) if one.state == SENT} == {"mail"}
    free.set()
    until(lambda: brought(courier, outbox))
    courier.close()


def test_a_channel_gets_no_more_a_minute_than_it_takes(tmp_path: Path, outbox: Messages) -> None:
    (tmp_path / "hook.url").write_text("json://127.0.0.1:1/x")
    slow = {**PLAN, "channels": {**PLAN["channels"], "hook": {"url_file": "hook.url", "per_minute": 120}}}
    line = Line()
    courier = works(town(tmp_path, escalation=slow), outbox, line)
    began = time()
    courier.take(RUN, [due(n) for n in range(4)])
    until(lambda: brought(courier, outbox))
    assert time() - began >= 1.5
    courier.close()


def test_quiet_hours_hold_back_all_but_what_wakes(tmp_path: Path, outbox: Messages) -> None:
    steps = [{"name": "overdue", "at": "overdue", "to": "duty"}, {"name": "fire", "at": 2, "to": "duty", "wake": True}]
    plan = {
        "steps": steps,
        "channels": PLAN["channels"],
        "units": PLAN["units"],
        "quiet": ["00:00-12:00", "12:00-23:59"],
    }
    city = town(tmp_path, escalation=plan)
    writer = Writer(city, read_places(city), city.escalation)  # type: ignore[arg-type]
    night = RUN + 60  # A minute past noon.
    (held,), (woken,) = writer.write(due(1), night), writer.write(due(1, "fire"), night)
    assert held.next - night == 11 * 3600 + 58 * 60
    assert woken.next == night
    assert writer.write(due(1, "no step of this plan"), night) == []


def test_a_secret_that_is_not_there_is_named_and_waited_for(city: City, outbox: Messages, tmp_path: Path,
                                                            monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.setattr(role, "FIRST", 0.02)
    address = (tmp_path / "hook.url").read_text()
    (tmp_path / "hook.url").unlink()
    line = Line()
    courier = works(city, outbox, line)
    courier.take(RUN, [due(1)])
    until(lambda: courier.turn(0.05) and [one.error for one in outbox.newest(1)] == ["no_address"])
    (tmp_path / "hook.url").write_text(address)
    until(lambda: brought(courier, outbox))
    assert len(line.taken) == 1
    courier.close()


def test_a_courier_that_dies_at_any_moment_brings_each_step_once(city: City, each_outbox: Messages) -> None:
    """Killed before, while and after messages leave: the receiver, which knows the keys, takes each once."""
    chance = random.Random(7)
    steps = [due(n) for n in range(60)]
    received: dict[str, int] = {}
    for _ in range(200):
        line = Line()
        dying = Courier(city, read_places(city), each_outbox, line)
        dying.begin()
        dying.take(RUN, chance.sample(steps, 40))
        for _ in range(chance.randrange(3)):
            dying.turn(0.0)
        dying.pool.shutdown(wait=True)  # What had left arrives; nobody writes down that it did.
        for _, key, _, _ in line.taken:
            received[key] = received.get(key, 0) + 1
        if each_outbox.counts()["sent"] == len(steps):
            break
    line = Line()
    last = works(city, each_outbox, line)
    last.take(RUN, steps)
    until(lambda: brought(last, each_outbox))
    for _, key, _, _ in line.taken:
        received[key] = received.get(key, 0) + 1
    log = each_outbox.newest(999)
    assert set(received) == {idempotency_key(one) for one in log}
    assert len(log) == len(steps) == each_outbox.counts()["sent"]
    assert sum(received.values()) > len(steps)  # Some went twice, under the same key.
    last.close()


def test_apprise_hands_over_the_key_and_tells_no_secret(caplog: pytest.LogCaptureFixture) -> None:
    role.hush()
    with caplog.at_level(logging.DEBUG), Receiver(random.Random(1)) as receiver:
        with ThreadPoolExecutor(4) as pool:
            assert set(pool.map(lambda n: send(receiver.address, f"key{n}", "城", f"第 {n} 条 <b>"), range(8))) == {""}
        assert receiver.said["key3"] == {"第 3 条 <b>"}
        receiver.refused = 1.0
        assert send(receiver.address, "key9", "城", "a") == "answered_503"
    assert send("json://127.0.0.1:1/secret-path", "key", "城", "a") == "not_reached"
    assert send("nonsense://secret-path", "key", "城", "a") == "unreadable_address"
    assert "secret-path" not in caplog.text
    assert json.dumps(sorted(receiver.keys.values())) == json.dumps([1] * 8)


def test_the_line_says_all_again_and_survives_being_lost(redis_url: str) -> None:
    redis, keys = connect(redis_url), Keys("town")
    clock = AlarmClock(rules())
    board = Board(rules())
    board.take([reported(n, time=START) for n in range(1200)])
    board.take([tick(49 * 3600)])
    tickets: Any = board.slices["ticket"]
    clock.look(tickets.tickets, tickets.tally("T").open, board.now)
    total = len(list(clock.due()))
    speaker, listener = Speaker(redis, keys, 1e6), Listener(redis, keys)
    speaker.say(clock, board.now, 0.0)
    assert sum(len(steps) for _, steps in listener.hear(10)) == total > 1200
    speaker.say(clock, board.now, 0.5)
    assert list(listener.hear(10)) == []  # Nothing new, and the time was said a moment ago.
    speaker.say(clock, board.now, 1.5)
    assert list(listener.hear(10)) == [(board.now, [])]
    redis.delete(keys.steps)
    lost = redis.time()
    until(lambda: redis.time() > (lost[0], lost[1] + 1000))  # Entries are numbered by the millisecond.
    speaker.say(clock, board.now, 40.0)
    assert sum(len(steps) for _, steps in listener.hear(10)) == total
    speaker.oldest = 3600.0
    speaker.say(clock, board.now, 80.0)
    said = [one for _, steps in listener.hear(10) for one in steps]
    assert said
    assert min(one.moment for one in said) >= board.now - 3600
    redis.close()


def test_a_waiting_message_keeps_its_words(city: City, outbox: Messages) -> None:
    """What goes again under the same key says the same, though the city file was changed meanwhile."""
    courier = works(city, outbox, Line())
    courier.take(RUN, [due(1)])
    courier.take(RUN, [due(1, title="another title")])
    (kept,) = outbox.newest(9)
    assert (kept.state, "灯 不亮" in kept.body) == (WAITING, True)


def test_a_dead_gateway_holds_up_no_other_in_apprise_either() -> None:
    """Twenty that hang are waited for by their own threads, and not by those of another channel."""
    role.hush()
    with socket.socket() as dead, Receiver(random.Random(1)) as receiver, ThreadPoolExecutor(21) as pool:
        dead.bind(("127.0.0.1", 0))
        dead.listen(50)  # It takes connections, and never says a word.
        began = time()
        hanging = [
            pool.submit(send, f"json://127.0.0.1:{dead.getsockname()[1]}/?rto=3", "k", "城", "a") for _ in range(20)
        ]
        assert pool.submit(send, receiver.address, "k", "城", "a").result() == ""
        assert not any(future.done() for future in hanging)
        assert time() - began < 3
        assert {future.result() for future in hanging} == {"not_reached"}


@pytest.mark.parametrize(
    "address",
    [
        "wecombot://6ba7b810-9dad-11d1-80b4-00c04fd430c8/",
        "dingtalk://secret@tokentokentoken/13800000000",
        "feishu://tokentokentoken",
        "mailtos://user:secret@mail.example.test?to=duty@example.test&smtp=mail.example.test",
        "jsons://hooks.example.test/x",
        "xmls://hooks.example.test/x",
        "forms://hooks.example.test/x",
        "clicksend://user:secret@13800000000",
        "twilio://AC00000000000000000000000000000000:secretsecretsecretsecretsecretse@13800000000/13900000000",
    ],
)
def test_the_gateways_of_the_readme_are_there(address: str) -> None:
    from apprise import Apprise

    assert Apprise.instantiate(address, suppress_exceptions=True) is not None
