"""The escalation's table: who stands for a post, and when quiet hours are over."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from dashboard.nouns.duty import Channel, Escalation, Step, Template, one_line

SHANGHAI, NEW_YORK = ZoneInfo("Asia/Shanghai"), ZoneInfo("America/New_York")
PLAN = Escalation(
    channels={"sms": Channel(url_env="SMS"), "mail": Channel(url_env="MAIL", quiet=()), "odd": Channel(
        url_env="ODD", quiet=("12:00-13:00", "13:00-14:00"))},
    units={"east": {"handler": ("sms", "mail", "sms"), "duty": ()}},
    anyone={"handler": ("mail",), "duty": ("sms",)},
    quiet=("22:00-07:00",),
)  # fmt: skip


def test_who_stands_for_a_post() -> None:
    assert PLAN.channels_for("east", "handler") == ("sms", "mail")
    assert PLAN.channels_for("west", "handler") == ("mail",)
    assert PLAN.channels_for("east", "duty") == ()  # The unit says: nobody.
    assert PLAN.channels_for("west", "duty") == ("sms",)
    assert PLAN.channels_for("west", "leader") == ()


@pytest.mark.parametrize(
    ("at", "channel", "zone", "over"),
    [
        ("2026-03-04 21:59:59", "sms", SHANGHAI, "2026-03-04 21:59:59"),
        ("2026-03-04 22:00:00", "sms", SHANGHAI, "2026-03-05 07:00:00"),
        ("2026-03-05 00:30:00", "sms", SHANGHAI, "2026-03-05 07:00:00"),
        ("2026-03-05 06:59:59", "sms", SHANGHAI, "2026-03-05 07:00:00"),
        ("2026-03-05 07:00:00", "sms", SHANGHAI, "2026-03-05 07:00:00"),
        ("2026-02-28 23:00:00", "unknown", SHANGHAI, "2026-03-01 07:00:00"),  # Over a month's end.
        ("2026-03-04 23:00:00", "mail", SHANGHAI, "2026-03-04 23:00:00"),  # Has none.
        ("2026-03-04 12:30:00", "odd", SHANGHAI, "2026-03-04 14:00:00"),  # One after the other.
        ("2026-03-07 23:00:00", "sms", NEW_YORK, "2026-03-08 07:00:00"),  # The clocks are changed meanwhile.
        ("2026-10-31 23:00:00", "sms", NEW_YORK, "2026-11-01 07:00:00"),
    ],
)
def test_quiet_hours(at: str, channel: str, zone: ZoneInfo, over: str) -> None:
    moment = datetime.fromisoformat(at).replace(tzinfo=zone).timestamp()
    found = PLAN.quiet_until(moment, channel, zone)
    assert datetime.fromtimestamp(found, zone).strftime("%Y-%m-%d %H:%M:%S") == over


def test_the_usual_words() -> None:
    assert Step(name="a", at=0.5, to="b").text == Step(name="a", at="soon", to="b").text
    assert Step(name="a", at=2, to="b").text == Step(name="a", at="overdue", to="b").text
    early = [Step(name="a", clock=clock, at=at, to="b").text.zh for clock in ("accept", "dispatch", "sign")
             for at in ("soon", "overdue")]  # fmt: skip
    assert [text.split(":")[0] for text in early] == [
        "待受理", "超时未受理", "待派遣", "超时未派遣", "待签收", "超时未签收",
    ]  # fmt: skip
    own = Template(zh="{title}", en="{title}")
    assert Step(name="a", at=2, to="b", template=own).text == own


def test_what_a_message_may_hold() -> None:
    assert one_line("a\r\nb\x00\u202ec\t d") == "a b c d"
    assert one_line("长" * 300) == "长" * 199 + "…"
