"""Alerts of indicators: figures of the city whose release has passed, and a year's target that was missed.

Only what the city file expects is told of, and of the city itself: a series with a release calendar, a target for a
year that is over. Many that are overdue are one alert.
"""

from __future__ import annotations

from collections.abc import Iterator

from dashboard.nouns.indicators import Figures, Indicators, Vintage, progress, state_of
from dashboard.nouns.noun import Alert
from dashboard.nouns.releases import Period, Series
from dashboard.words import Words

GRAVE, PLAIN = 3, 4  # Severities.
TOGETHER = 4  # So many overdue figures are one alert.
NAMED = 4  # Names in a text.
DAY = 86400.0
LINK = "/economy"


def alerts(board: Indicators, now: float) -> Iterator[Alert]:
    """What of the figures somebody has to see to; a missed target is told for some days after it became known."""
    table, root = board.rules.indicators, board.rules.places.root.code
    overdue: list[tuple[float, str, str, str, float]] = []  # Since, code, name, period, when it was due.
    for code, rule in table.series.items():
        figures = board.of(code, root)
        name = rule.name or (figures.name if figures is not None else "") or code
        state, period, due = state_of(figures, rule, now, board.rules)
        if state in ("overdue", "never") and rule.release is not None and period is not None and due is not None:
            since = due + DAY * rule.release.grace_days
            if since < now:
                overdue.append((since, code, name, str(period), due))
        if figures is not None:
            yield from _missed(board, figures, rule, name, now)
    yield from _overdue(sorted(overdue), now, table.late_days)


def _overdue(found: list[tuple[float, str, str, str, float]], now: float, late_days: float) -> Iterator[Alert]:
    def severity(since: float) -> int:
        return GRAVE if now - since > DAY * late_days else PLAIN

    if len(found) >= TOGETHER:
        some = "、".join(f"{name} {period}" for _, _, name, period, _ in found[:NAMED])
        yield Alert(
            f"indicator|overdue|{found[-1][0]:.0f}", severity(found[0][0]), found[0][0],
            Words(f"{len(found)} 项指标逾期未发布", f"{len(found)} figures overdue"),
            Words(some, some), link=LINK,
        )  # fmt: skip
        return
    for since, code, name, period, due in found:
        days = (now - due) / DAY
        yield Alert(
            f"indicator|overdue|{code}|{period}", severity(since), since,
            Words(f"指标逾期未发布 · {name} {period}", f"Figure overdue · {name} {period}"),
            Words(f"应发布已过 {days:.0f} 天", f"Due {days:.0f} d ago"), link=LINK,
        )  # fmt: skip


def _missed(board: Indicators, figures: Figures, rule: Series, name: str, now: float) -> Iterator[Alert]:
    """A year whose last period is known and that did not reach what it was to; where less is better, went beyond it."""
    if not rule.good:
        return
    for year in sorted(rule.targets):
        last = _last(figures, int(year))
        if last is None:
            continue
        period, said = last
        found = progress(figures, rule, period)
        reached = found["reached"] if found is not None else None
        if found is None or reached is None:
            continue
        missed = reached < found["target"] if rule.good == "up" else reached > found["target"]
        ended = said.at + DAY * board.rules.indicators.missed_days
        if missed and said.at <= now < ended:
            unit = found["unit"]
            yield Alert(
                f"indicator|target|{figures.code}|{year}", GRAVE, said.at,
                Words(f"{year} 年目标未完成 · {name}", f"Target of {year} missed · {name}"),
                Words(f"{reached:,.6g} {unit}，目标 {found['target']:,.6g} {unit}",
                      f"{reached:,.6g} {unit}, target {found['target']:,.6g} {unit}"), link=LINK,
            )  # fmt: skip


def _last(figures: Figures, year: int) -> tuple[Period, Vintage] | None:
    """The period that ends a year, in the shortest periods the year has, and what was last said of it."""
    for months in (1, 3, 12):
        period = Period(12 * year + 12 - months, months)
        found = figures.value(period)
        if found is not None:
            return period, found
    return None
