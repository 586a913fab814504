"""Alerts of data sharing: entries that something rests on and that are broken, and APIs most of whose calls fail."""

from __future__ import annotations

from collections.abc import Iterator

from dashboard.nouns.noun import Alert
from dashboard.nouns.sharing import Api, Broken, Entry, Sharing
from dashboard.words import Words

WHYS = {
    "said": Words("数据目录中断", "Catalogue entry broken"),
    "late": Words("数据目录久未更新", "Catalogue entry long not updated"),
    "never": Words("数据目录从未更新", "Catalogue entry never updated"),
    "failing": Words("数据接口失败过半", "Most calls of an API fail"),
}
RESTED, OTHER = 2, 3  # Severities: what screens rest on, and a failing API that nothing here rests on.


def alerts(board: Sharing, now: float) -> Iterator[Alert]:
    """What of data sharing somebody has to see to; an entry that nothing rests on is its department's business."""
    rules = board.rules.sharing
    for api in sorted(board.apis.values(), key=lambda api: api.key):
        broken = api.broken(now, rules.failing_share, rules.failing_calls)
        if broken is not None:
            yield _alert(api, broken, RESTED if {api.name, api.subject} & rules.rests.keys() else OTHER, now)
    if not rules.rests:
        return
    rested = [one for one in board.entries.values() if one.name in rules.rests or one.subject in rules.rests]
    for entry in sorted(rested, key=lambda entry: entry.key):
        if entry.state == "withdrawn":
            continue
        broken = entry.broken(now, rules.broken_cycles)
        if broken is not None:
            yield _alert(entry, broken, RESTED, now)


def _alert(thing: Entry | Api, broken: Broken, severity: int, now: float) -> Alert:
    name, words = thing.name or thing.subject, WHYS[broken.why]
    said = " · ".join(filter(None, (thing.department, thing.reason if isinstance(thing, Entry) else "")))
    since = broken.since if broken.since is not None else min(thing.at, now)
    return Alert(
        f"sharing|{broken.why}|{thing.key}|{since:.0f}", severity, since,
        Words(f"{words.zh} · {name}", f"{words.en} · {name}"), Words(said, said), thing.place,
    )  # fmt: skip
