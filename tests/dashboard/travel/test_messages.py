"""The outbox on both databases: a message is there before it is sent, and a crash loses and doubles nothing of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import reduce

import pytest

from dashboard.nouns.tickets import apply
from dashboard.travel.messages import FAILED, MOOT, SENT, SHOWN, WAITING, Message, Messages, Outcome, lines
from tests.flow import START, closed, reported, rules
from tests.lives import RULES, moment, told

NOW = 1000.0
RUN = START.timestamp()


@pytest.fixture
def outbox(database_url: str) -> Iterator[Messages]:
    made = Messages(database_url)
    made.prepare()
    yield made
    made.close()


def message(number: int, name: str = "overdue", channel: str = "sms", **more: object) -> Message:
    made = Message(
        f"hotline|{number}|{RUN:.6f}|{name}", channel, f"hotline|{number}", name, "duty", "east", RUN + 10, NOW, "城",
        f"工单 {number}", WAITING if channel else SHOWN,
    )  # fmt: skip
    return replace(made, **more)  # type: ignore[arg-type]


def states(outbox: Messages) -> dict[str, str]:
    return {f"{one.ticket}|{one.channel}": one.state for one in outbox.newest(100)}


def test_taken_once_claimed_once_settled_once(outbox: Messages) -> None:
    outbox.take([message(1), message(2), message(3, channel="")])
    outbox.take([message(1, body="changed"), message(2)])
    assert outbox.known([message(n).step for n in range(700)]) == {message(n).step for n in (1, 2, 3)}
    claimed = outbox.claim({"sms": 1, "mail": 8}, NOW)
    assert [(one.ticket, one.body) for one in claimed] == [("hotline|1", "工单 1")]
    claimed += outbox.claim({"sms": 8}, NOW)
    assert [one.ticket for one in claimed] == ["hotline|1", "hotline|2"]
    assert outbox.claim({"sms": 8}, NOW) == []
    outbox.settle([Outcome(one.step, one.channel, SENT, NOW + 1) for one in claimed])
    assert states(outbox) == {"hotline|1|sms": SENT, "hotline|2|sms": SENT, "hotline|3|": SHOWN}
    assert outbox.counts() == {"waiting": 0, "sending": 0, "sent": 2, "failed": 0, "moot": 0, "shown": 1}
    assert {one.sent for one in outbox.newest(9) if one.channel} == {NOW + 1}


def test_what_did_not_arrive_comes_again_at_its_time(outbox: Messages) -> None:
    outbox.take([message(1)])
    (first,) = outbox.claim({"sms": 8}, NOW)
    outbox.settle([Outcome(first.step, "sms", WAITING, NOW, "answered_503", NOW + 30)])
    assert outbox.claim({"sms": 8}, NOW + 29) == []
    assert outbox.oldest(NOW) == NOW
    assert [one.error for one in outbox.newest(9, failed=True)] == ["answered_503"]
    (again,) = outbox.claim({"sms": 8}, NOW + 30)
    assert (again.id, again.tries) == (first.id, 1)
    outbox.settle([Outcome(again.step, "sms", FAILED, NOW, "not_reached")])
    assert outbox.claim({"sms": 8}, NOW + 1e9) == []
    assert outbox.oldest(NOW + 1e9) is None


def test_a_quiet_message_is_not_late(outbox: Messages) -> None:
    outbox.take([message(1, next=NOW + 100)])
    assert outbox.claim({"sms": 8}, NOW) == []
    assert outbox.oldest(NOW) is None
    assert outbox.oldest(NOW + 100) == NOW


def test_what_was_under_way_in_a_crash_goes_again_under_its_id(outbox: Messages) -> None:
    outbox.take([message(1), message(2), message(3, channel="gone")])
    first, second = outbox.claim({"sms": 8}, NOW)
    assert outbox.doubt({(second.step, "sms")}, ["sms"]) == 1
    (again,) = outbox.claim({"sms": 8}, NOW)
    assert (again.id, again.doubts) == (first.id, 1)
    assert states(outbox)["hotline|3|gone"] == FAILED  # Its channel stands in the city file no more.


def test_what_was_handled_meanwhile_is_moot(outbox: Messages) -> None:
    """But not by what history knows from before the step was due: it may be behind the board."""
    ended = [apply(apply(None, reported(n, time=START)), closed(n, time=START + timedelta(seconds=s)))
             for n, s in ((1, 60), (2, 5))]  # fmt: skip
    open_ = apply(None, reported(3))
    outbox.history.rules = rules()
    outbox.history.write([], [*ended, open_], [], {})
    outbox.take([message(1), message(2), message(3), message(4)])
    assert [one.ticket for one in outbox.claim({"sms": 8}, NOW)] == ["hotline|2", "hotline|3", "hotline|4"]
    assert states(outbox)["hotline|1|sms"] == MOOT


def test_what_was_accepted_or_dispatched_meanwhile_is_moot(outbox: Messages) -> None:
    """Of a clock before the handling: as soon as the ticket has gone on, but not by where it stood before that run."""
    kinds = {"verifying": (), "accepted": ("accepted",), "filed": ("accepted", "filed"),
             "sent": ("filed", "dispatched"), "back": ("filed", "dispatched", "returned")}  # fmt: skip
    lives = {
        name: [told("reported", 0, name), *(told(kind, 5.0 * at, name) for at, kind in enumerate(some, 1))]
        for name, some in kinds.items()
    }
    outbox.history.rules = RULES
    tickets = [reduce(apply, life[1:], apply(None, life[0])) for life in lives.values()]
    outbox.history.write([], tickets, [], {})

    def about(number: str, clock: str, minutes: float) -> Message:
        run = moment(minutes).timestamp()
        return message(0, step=f"one|{number}|{run:.6f}|{clock}/late", ticket=f"one|{number}", moment=run + 900)

    wanted = [about("verifying", "accept", 0), about("accepted", "dispatch", 5), about("filed", "dispatch", 10),
              about("sent", "sign", 10), about("back", "dispatch", 15), about("verifying", "dispatch", 5)]  # fmt: skip
    moot = [about("accepted", "accept", 0), about("filed", "accept", 0), about("sent", "dispatch", 5),
            about("back", "sign", 10), about("back", "dispatch", 5), about("filed", "dispatch", 5)]  # fmt: skip
    outbox.take([*wanted, *moot])
    assert {one.step for one in outbox.claim({"sms": 20}, NOW)} == {one.step for one in wanted}
    assert {one.step for one in outbox.newest(20) if one.state == MOOT} == {one.step for one in moot}
    assert {one.clock for one in wanted} == {"accept", "dispatch", "sign"}
    assert message(1).clock == "handle"


def test_sent_again_by_hand(outbox: Messages) -> None:
    outbox.take([message(1), message(2), message(3, channel="")])
    arrived, failed = outbox.claim({"sms": 8}, NOW)
    outbox.settle([Outcome(arrived.step, "sms", SENT, NOW), Outcome(failed.step, "sms", FAILED, NOW, "refused")])
    assert outbox.resend() == 1
    (again,) = outbox.claim({"sms": 8}, NOW)
    assert again.id == failed.id
    assert outbox.resend(failed.id) == 0  # It is under way.
    assert outbox.resend(arrived.id) == 1
    (copy,) = outbox.claim({"sms": 8}, NOW)
    assert copy.id == arrived.id + "|1"
    outbox.settle([Outcome(copy.step, "sms", SENT, NOW)])
    assert outbox.resend(copy.id) == 1
    assert outbox.resend("nothing") == outbox.resend(message(3, channel="").id) == 0


def test_the_beginning_is_kept(outbox: Messages) -> None:
    assert outbox.began(5.0) == outbox.began(9.0) == 5.0


def test_the_log_for_people(outbox: Messages) -> None:
    outbox.take([message(1), message(2, channel="")])
    (one,) = outbox.claim({"sms": 8}, NOW)
    outbox.settle([Outcome(one.step, "sms", FAILED, NOW, "answered_401")])
    said = "\n".join(lines(outbox.newest(9), outbox.counts()))
    assert "to duty of east by sms: failed (answered_401)" in said
    assert "to duty of east, on the desk alone: shown" in said
    assert said.endswith("0 waiting, 0 sending, 0 sent, 1 failed, 0 moot, 1 shown")
