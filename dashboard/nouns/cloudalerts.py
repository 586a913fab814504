"""Alerts of the cloud and the network: what is down, and certificates that have ended or are about to."""

from __future__ import annotations

from collections.abc import Iterator

from dashboard.nouns.cloud import SLOT, SLOTS, Cloud, Thing
from dashboard.nouns.noun import Alert
from dashboard.words import Words

DOWN = {
    "service": (2, Words("服务", "Service")),
    "link": (2, Words("链路", "Link")),
    "host": (3, Words("主机", "Host")),
}


def alerts(board: Cloud, now: float) -> Iterator[Alert]:
    """What of the cloud somebody has to see to, and what went down and came back within the last day."""
    silent = 60 * board.rules.cloud.silent_minutes
    for key in sorted(board.things):
        thing = board.things[key]
        if thing.resource in DOWN:
            yield from _down(thing, thing.state(now, silent), now)
        elif thing.resource == "certificate":
            yield from _certificate(board, thing, now)


def _down(thing: Thing, state: str, now: float) -> Iterator[Alert]:
    """The outage that lasts, or the latest one of the day that is over."""
    bad = sorted(number for number, up in thing.slots.items() if not up)
    if not bad or state == "unknown":
        return
    begin = len(bad) - 1
    while begin and bad[begin] - bad[begin - 1] <= 1:
        begin -= 1
    newest = max(thing.slots)
    if state == "up" and newest == bad[-1]:
        ended = thing.metrics["up"].at
    else:
        ended = (bad[-1] + 1) * SLOT
    if state == "down" and bad[-1] != newest:
        return
    severity, kind = DOWN[thing.resource]
    ends = f"{thing.start} – {thing.end} {thing.name}".strip() if thing.start and thing.end else ""
    name = ends or thing.name or thing.subject
    long = bad[begin] <= newest - SLOTS + 2
    yield Alert(
        f"cloud|down|{thing.key}|{'long' if long else bad[begin]}", severity, bad[begin] * SLOT,
        Words(f"{kind.zh}中断 · {name}", f"{kind.en} down · {name}"), Words("", ""), thing.place,
        ended=None if state == "down" else min(ended, now),
    )  # fmt: skip


def _certificate(board: Cloud, thing: Thing, now: float) -> Iterator[Alert]:
    sample, rules = thing.metrics.get("expires"), board.rules.cloud
    if sample is None:
        return
    days = (sample.value - now) / 86400
    if days > rules.certificate_warn_days:
        return
    if days <= 0:
        severity, since, words = 2, sample.value, Words("证书已过期", "Certificate has ended")
    else:
        near = days <= rules.certificate_alarm_days
        since = sample.value - 86400 * (rules.certificate_alarm_days if near else rules.certificate_warn_days)
        severity, words = (3, Words(f"证书 {days:.0f} 天后到期", f"Certificate ends in {days:.0f} d")) if near else (
            4, Words(f"证书 {days:.0f} 天后到期", f"Certificate ends in {days:.0f} d")
        )  # fmt: skip
    name = thing.name or thing.subject
    yield Alert(
        f"cloud|certificate|{thing.key}|{sample.value:.0f}", severity, since,
        Words(f"{words.zh} · {name}", f"{words.en} · {name}"), Words("", ""), thing.place,
    )  # fmt: skip
