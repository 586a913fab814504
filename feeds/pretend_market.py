"""A simulated district's market: entities, inspections, certificates near their end and food samples, by seed.

Nothing here is measured. Offices register and inspect on working days; a plan is behind its time, the elevators of
one village are overdue, and one kind of food fails more often than the others.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Annotated, Any, NamedTuple

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from dashboard.daysoff import calendar_of
from dashboard.events import Event
from dashboard.nouns.market import (
    CertificateTold,
    EntityCancelled,
    EntityListed,
    EntityRegistered,
    EntityUnlisted,
    FoodFollowedUp,
    FoodSampled,
    InspectionTold,
    StockTold,
)
from dashboard.nouns.worktime import WorkCalendar
from dashboard.sources.feed import Context, Delivery, Feed, SourceFailed
from dashboard.sources.feed import Settings as Common
from dashboard.sources.telling import QUIET, Told, begun, day_by_day, events_of, midnight

DAY = 86400.0
FOLLOWED = 120  # Days within which a failed sample is followed up; few need more than the ninety they should.
NEAR, CYCLE = 0.012, 40.0  # The share of certificates that are near their end, and within how many days they are.
FORMS = (("个体工商户", 0.62), ("有限责任公司", 0.33), ("合伙与独资企业", 0.035), ("外商投资企业", 0.01),
         ("农民专业合作社", 0.005))  # fmt: skip
SECTORS = (("批发零售", 34), ("住宿餐饮", 17), ("制造业", 14), ("租赁商务", 10), ("居民服务", 8), ("交通物流", 6),
           ("信息技术", 5), ("建筑业", 3), ("文体娱乐", 3))  # fmt: skip
ESTATE = "电梯"  # Of those that are overdue at first most stand in one place.
WHYS = (("经营不善", 5), ("转行或搬迁", 3), ("长期停业", 2), ("吊销", 1))
ROLLS = (("经营异常名录", 8600, 11.0, 7.0), ("严重违法失信名单", 420, 0.4, 0.2))  # Entities on it, in and out a day.
EQUIPMENT = (("电梯", 38_200, 0.010), ("压力容器", 11_900, 0.006), ("叉车", 9_400, 0.009), ("锅炉", 640, 0.008),
             ("起重机械", 7_300, 0.004))  # fmt: skip
LICENCES = (("食品经营许可", 61_500, 0.003), ("药品经营许可", 1_480, 0.004))
FOODS = (("蔬菜", 30, 0.016), ("水果", 10, 0.006), ("水产品", 14, 0.046), ("肉及肉制品", 14, 0.008), ("粮油", 8, 0.004),
         ("餐饮食品", 18, 0.022), ("糕点", 8, 0.012), ("酒类", 4, 0.006))  # fmt: skip
FAULTS = {"水产品": "恩诺沙星超标", "蔬菜": "农药残留超标", "餐饮食品": "大肠菌群超标", "糕点": "防腐剂超标"}
PLANS = (
    ("餐饮服务单位", 2400, 0.98, 0.13, True), ("电梯使用单位", 900, 0.74, 0.10, False),
    ("加油站计量", 160, 1.04, 0.06, True), ("危险化学品生产", 210, 1.00, 0.16, True),
    ("学校食堂", 780, 1.06, 0.09, True), ("农贸市场", 130, 0.90, 0.19, False), ("药店", 640, 0.95, 0.08, False),
    ("广告经营", 300, 0.62, 0.11, False),
)  # fmt: skip
KINDS: dict[str, Any] = {
    "stock": StockTold, "registered": EntityRegistered, "cancelled": EntityCancelled, "listed": EntityListed,
    "unlisted": EntityUnlisted, "inspection": InspectionTold, "certificate": CertificateTold, "sampled": FoodSampled,
    "followed_up": FoodFollowedUp,
}  # fmt: skip


class Town(BaseModel):
    """A town's share of the market."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    place: str
    share: Annotated[float, Field(gt=0)]


class Settings(Common):
    """What market to pretend. Another seed or other towns are another district: begin with an empty folder."""

    seed: int = 1
    towns: Annotated[dict[str, Town], Field(min_length=1)]
    entities: Annotated[int, Field(gt=0)] = 420_000
    growth: Annotated[float, Field(gt=-0.5, lt=0.5)] = 0.058  # By how much they grow in a year.
    days: Annotated[int, Field(ge=0, le=60)] = 35  # How many past days are told one by one at the first start.
    scale: Annotated[float, Field(gt=0, le=10)] = 1.0  # Of certificates, inspections and samples.


class Paper(NamedTuple):
    """A certificate: its number, category, place, its end and when it is renewed."""

    number: str
    category: str
    place: str
    expires: float
    renewed: float


@dataclass
class District:
    """The towns with their villages, and the days that have been worked out."""

    settings: Settings
    calendar: WorkCalendar
    towns: list[tuple[str, float, tuple[str, ...]]]  # Place, share, villages.
    start: int  # The local day on which the telling began.
    _days: dict[int, list[Told]] = field(default_factory=dict)
    _papers: dict[int, list[Paper]] = field(default_factory=dict)
    _failed: dict[int, list[str]] = field(default_factory=dict)  # Day → numbers of the samples that failed.

    def midnight(self, day: int) -> float:
        """The moment at which a local day (``date.toordinal``) begins."""
        return midnight(day, self.calendar.zone)

    def told(self, day: int) -> list[Told]:
        """What is told on a day, in order; on the first one also what was before."""
        if day not in self._days:
            while len(self._days) > 5:
                del self._days[min(self._days)]
            found = list(_day(self, day))
            if day == self.start:
                found += _before(self)
            self._days[day] = sorted(found)
        return self._days[day]

    def papers(self, day: int) -> list[Paper]:
        """The certificates that come near their end on a day."""
        if day not in self._papers:
            self._papers[day] = _papers(self, day)
            for old in [born for born in self._papers if self.start <= born < day - 100]:
                del self._papers[old]
        return self._papers[day]

    def failures(self, day: int) -> list[tuple[str, int]]:
        """The failed samples that are followed up on a working day, and after how many days."""
        if not self._failed:
            first = self.start - 330
        else:
            first = max(self._failed) + 1
        for past in range(first, day):
            self._failed[past] = [told.subject for told in _samples(self, past) if not told.about["passed"]]
        found = []
        for past in range(max(self.start - 330, day - FOLLOWED - 15), day):
            for at, number in enumerate(self._failed[past]):
                random = np.random.default_rng([self.settings.seed, 37, past, at])
                took = min(FOLLOWED, 8 + int(random.gamma(3.0, 12.0)))
                due = past + took
                while not self.calendar.is_workday(due):
                    due += 1
                if due == day:
                    found.append((number, took))
        return found

    def somewhere(self, random: np.random.Generator) -> str:
        """A village, by the shares of the towns."""
        shares = np.array([share for _, share, _ in self.towns])
        place, _, villages = self.towns[int(random.choice(len(self.towns), p=shares / shares.sum()))]
        return villages[int(random.integers(len(villages)))] if villages else place


def district_of(settings: Settings, context: Context, start: int) -> District:
    """The district of these settings.

    Raises:
        SourceFailed: if a town is none of the city's places.
    """
    towns = []
    for name, town in settings.towns.items():
        if town.place not in context.places:
            raise SourceFailed(f"towns.{name}: the place {town.place!r} is none of the city's")
        towns.append((town.place, town.share, tuple(place.code for place in context.places.children(town.place))))
    return District(settings, calendar_of(context.city), towns, start)


def _pick(random: np.random.Generator, table: tuple[tuple[Any, ...], ...]) -> Any:
    weights = np.array([row[1] for row in table], dtype=float)
    return table[int(random.choice(len(table), p=weights / weights.sum()))]


# -- what was before -------------------------------------------------------------------------------------------


def _before(district: District) -> Iterator[Told]:
    """At the first start: the stocks of fourteen months, what is near its end, and the year's food samples."""
    settings, begin = district.settings, district.midnight(district.start)
    random = np.random.default_rng([settings.seed, 31])
    first = date.fromordinal(district.start)
    for back in range(14, -1, -1):
        month = 12 * first.year + first.month - 1 - back
        end = begin
        if back:
            end = district.midnight(date((month + 1) // 12, (month + 1) % 12 + 1, 1).toordinal()) - 60
        for told in _stocks(district, (end - begin) / (365 * DAY), random):
            yield told._replace(moment=round(1000 * end), id=f"{told.id}:{month}")
    for paper in district.papers(district.start - 1):
        yield _certificate(begin, paper, paper.expires)
    for day in range(district.start - 330, district.start):
        yield from _samples(district, day)
        yield from _follow_ups(district, day)


def _stocks(district: District, years: float, random: np.random.Generator) -> Iterator[Told]:
    """How many there are of everything, so many years from the first day."""
    settings = district.settings
    whole = sum(share for _, share, _ in district.towns)
    factor = (1 + settings.growth) ** years
    for place, share, _ in district.towns:
        for form, part in FORMS:
            count = round(settings.entities * part * share / whole * factor * float(random.normal(1, 0.0006)))
            yield Told.at(0, f"{place}:{form}", form, "stock", group="entity", count=count, place=place)
        if years == 0:
            for roll, count, _, _ in ROLLS:
                yield Told.at(0, f"{place}:{roll}", roll, "stock", group="listed", place=place,
                    count=round(count * share / whole))  # fmt: skip
            for group, table in (("equipment", EQUIPMENT), ("licence", LICENCES)):
                for name, count, _ in table:
                    yield Told.at(0, f"{place}:{name}", name, "stock", group=group, place=place,
                        count=round(count * share / whole * settings.scale))  # fmt: skip


def _papers(district: District, day: int) -> list[Paper]:
    """The certificates that come near their end on a day; on the one before the first, all that were near it by then.

    Most are renewed in time, some after their end.
    """
    first = day < district.start
    random = np.random.default_rng([district.settings.seed, 35, day])
    begin, found = district.midnight(day + 1 if first else day), []
    for letter, (category, count, share) in zip("DRCGQSY", (*EQUIPMENT, *LICENCES), strict=True):
        often = count * NEAR * district.settings.scale
        for at in range(round(often) if first else int(random.poisson(often / CYCLE))):
            left = float(random.uniform(0, CYCLE)) if first else CYCLE
            place = district.somewhere(random)
            if first and random.random() < 2.2 * share:
                left = -float(random.exponential(800 * share))
                if category == ESTATE and random.random() < 0.6:
                    place = (district.towns[-1][2] or (district.towns[-1][0],))[0]
            expires = begin + DAY * left
            if left < 0 or random.random() < 1.4 * share:
                renewed = max(begin, expires) + DAY * float(random.uniform(3, 60))
            else:
                renewed = max(expires - DAY * float(random.gamma(2.0, 5.0)), begin + 3600)
            number = f"C{date.fromordinal(day):%y%m%d}-{letter}{at:04d}"
            found.append(Paper(number, category, place, expires, renewed))
    return found


def _certificate(moment: float, paper: Paper, expires: float) -> Told:
    return Told.at(
        moment, f"{paper.number}:{round(expires)}", paper.number, "certificate", category=paper.category,
        place=paper.place, expires=datetime.fromtimestamp(expires, UTC), name=f"{paper.category} {paper.number}",
    )  # fmt: skip


# -- a day -----------------------------------------------------------------------------------------------------


def _day(district: District, day: int) -> Iterator[Told]:
    """What happens on a day: offices work on working days, and a little on line on the others."""
    settings, midnight = district.settings, district.midnight(day)
    random = np.random.default_rng([settings.seed, 32, day])
    worked = district.calendar.is_workday(day)
    size = settings.entities / 420_000 * (1.0 if worked else 0.12)

    def moment() -> float:
        hour = float(random.triangular(8.5, 10.5, 17.5)) if worked else float(random.uniform(8, 22))
        return midnight + 3600 * hour

    for at in range(int(random.poisson(212 * size))):
        number = f"E{date.fromordinal(day):%y%m%d}-{at:04d}"
        yield Told.at(moment(), f"{number}:r", number, "registered", form=_pick(random, FORMS)[0],
            sector=_pick(random, SECTORS)[0], place=district.somewhere(random))  # fmt: skip
    for at in range(int(random.poisson(118 * size))):
        number = f"Z{date.fromordinal(day):%y%m%d}-{at:04d}"
        yield Told.at(moment(), f"{number}:c", number, "cancelled", form=_pick(random, FORMS)[0],
            why=_pick(random, WHYS)[0], place=district.somewhere(random))  # fmt: skip
    for roll, _, came, went in ROLLS:
        for what, often in (("listed", came), ("unlisted", went)):
            for at in range(int(random.poisson(often * size))):
                number = f"{what[0].upper()}{date.fromordinal(day):%y%m%d}-{at:03d}-{roll[:2]}"
                more = {"why": "通过登记的住所无法联系" if random.random() < 0.6 else "未按期公示年报"} \
                    if what == "listed" else {}  # fmt: skip
                yield Told.at(moment(), number, number, what, roll=roll, place=district.somewhere(random), **more)
    if worked:
        yield from _inspections(district, day)
    yield from _samples(district, day)
    yield from _follow_ups(district, day)
    for paper in district.papers(day):
        yield _certificate(midnight + 60, paper, paper.expires)
    for born in range(max(district.start - 1, day - 90), day + 1):
        for paper in district.papers(born):
            if midnight <= paper.renewed < midnight + DAY:
                yield _certificate(paper.renewed, paper, paper.expires + 365 * DAY)


def _inspections(district: District, day: int) -> Iterator[Told]:
    """How far each plan is, told four times a day: by its own pace, and with what was found and put right."""
    settings = district.settings
    year = date.fromordinal(day).year
    begins, ends = date(year, 3, 1), date(year, 12, 20)
    passed = (day - begins.toordinal()) / (ends.toordinal() - begins.toordinal())
    if not 0 <= passed <= 1:
        return
    whole = sum(share for _, share, _ in district.towns)
    for number, (name, planned, pace, found, joint) in enumerate(PLANS):
        for at, (place, share, _) in enumerate(district.towns):
            random = np.random.default_rng([settings.seed, 33, number, at])
            mine = max(4, round(planned * share / whole * settings.scale))
            own = pace * float(random.normal(1, 0.05))
            for hour in (11.5, 17.0):
                reached = passed + hour / 24 / (ends - begins).days
                done = min(mine, int(mine * min(1.0, reached * own)))
                bad = int(done * found * float(random.uniform(0.9, 1.1))) if hour == 11.5 else int(done * found)
                right = max(0, min(bad, int(bad * 0.9) - number % 2))
                moment = district.midnight(day) + 3600 * hour
                yield Told.at(
                    moment, f"P{number}-{at}:{round(moment)}", f"P{year}-{number}-{at}", "inspection", name=name,
                    begins=begins.isoformat(), ends=ends.isoformat(), planned=mine, done=done, found=bad,
                    put_right=right, joint=joint, place=place,
                )  # fmt: skip


def _samples(district: District, day: int) -> Iterator[Told]:
    """The food samples that were judged on a day."""
    if not district.calendar.is_workday(day):
        return
    random = np.random.default_rng([district.settings.seed, 34, day])
    for at in range(int(random.poisson(10 * district.settings.scale))):
        category, _, share = _pick(random, FOODS)
        number = f"S{date.fromordinal(day):%y%m%d}-{at:03d}"
        failed = bool(random.random() < share)
        more = {"found": FAULTS.get(category, "标签不符合规定")} if failed else {}
        moment = district.midnight(day) + 3600 * float(random.uniform(9, 17.4))
        yield Told.at(moment, number, number, "sampled", category=category, passed=not failed,
            name=f"{category} {number}", place=district.somewhere(random), **more)  # fmt: skip


def _follow_ups(district: District, day: int) -> Iterator[Told]:
    """What followed on a working day from samples that had failed: mostly within two months, of some only late."""
    if not district.calendar.is_workday(day):
        return
    for number, took in district.failures(day):
        random = np.random.default_rng([district.settings.seed, 36, day, took])
        moment = district.midnight(day) + 3600 * float(random.uniform(9, 17.4))
        how = "已下架召回并立案" if random.random() < 0.4 else "已约谈并责令整改"
        yield Told.at(moment, f"{number}:u", number, "followed_up", how=how)


# -- the feed --------------------------------------------------------------------------------------------------


async def open(settings: Settings, context: Context) -> AsyncIterator[Delivery]:  # noqa: A001
    """What was before and has happened since the cursor (at first: in the last ``days`` days), then what happens.

    The cursor holds the first day that was told, and moment and id of the last thing.

    Raises:
        SourceFailed: if a town is none of the city's places.
    """
    start = begun(context, settings.days)
    district = district_of(settings, context, start.first)
    async for delivery in day_by_day(context, start, district.told):
        yield delivery


def parse(payload: list[Told], settings: Settings, context: Context) -> Iterator[Event]:
    """One event for each thing told."""
    return events_of(payload, KINDS, settings)


FEED = Feed(
    kind="pretend_market",
    caption="A simulated district's market and its supervision, by seed",
    open=open,
    parse=parse,
    Settings=Settings,
    nouns=("market",),
    interval=2 * QUIET,
    mapped="entities, inspections, certificates and food samples of `towns` by `seed`: fourteen months of stocks, the "
    "last `days` days one by one, then as time passes.",
    refused="nothing: it is made up here; a town that is none of the city's places is a failed source that names it.",
    example="""\
[[feeds]]
kind = "pretend_market"
name = "market"
towns = { "桂城" = { place = "440605011", share = 0.24 } }
""",
)
