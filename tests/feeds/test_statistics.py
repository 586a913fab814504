"""Figures of bureaus: every recorded reply is read, nothing is bent, and what is missing is missing."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from dashboard.city import CityError
from dashboard.doors.feedtry import attempt
from dashboard.nouns.indicators import IndicatorReported, Indicators
from dashboard.nouns.indicatorviews import view_indicators
from dashboard.sources.feed import BoundFeed, Context, Delivery, Rejected, SourceFailed, SourceNonsense, bind, rules_of
from dashboard.sources.figures import Report
from tests.source import Asked, reply, source
from tests.town import DATA, NOW, context, deliveries, parsed, reasons, town

FOLDER = DATA / "economy"
URL = "http://stats.example/easyquery.htm"


def bound(folder: Path, now: datetime = NOW, **more: Any) -> tuple[BoundFeed, Context]:
    more = more if {"url", "path"} & set(more) else {"url": URL, **more}
    city = town(folder, {"kind": "statistics", "name": "bureau", "interval": 0.01, **more})
    return bind(city)[0], context(city, now=now)


def read(folder: Path, name: str, body: bytes | Any, **more: Any) -> tuple[list[IndicatorReported], list[Rejected]]:
    found, ctx = bound(folder, **more)
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return parsed(found, ctx, [Delivery(Report(name, raw, NOW))])


def recorded(name: str) -> bytes:
    if not (FOLDER / name).exists():
        pytest.skip(f"the recorded replies are not beside the project ({FOLDER / name})")
    return (FOLDER / name).read_bytes()


CHINA = {"table": {"period": "", "across": "region"}, "series": "GDP", "units": {"GDP": "亿元"}}
AMERICA = {"table": {"period": "{year}Q{quarter}", "across": "series"}, "region": "US"}
WORLD = {
    "table": {"period": "Year", "value": "Value", "region": "Country Name"}, "series": "NY.GDP.MKTP.CD",
    "units": {"NY.GDP.MKTP.CD": "USD"},
}  # fmt: skip
# What becomes of each recorded file: settings, figures, how many of them are missing; or the reason it is refused.
RECORDED: dict[str, tuple[dict[str, Any], int, int] | str] = {
    "_requests_index.json": "no_figures",
    "china_province_gdp_annual_zh.csv": (CHINA, 29 * 31, 0),
    "test_stats_as_df_0.json": ({}, 12, 2),
    "test_stats_as_df_1.json": ({}, 1, 1),
    "test_stats_gdp.json": ({}, 12, 2),
    "test_stats_industrial.json": ({}, 12, 2),
    "test_stats_multi_period.json": ({}, 2, 0),
    "test_stats_multi_zb.json": ({}, 6, 0),
    "test_stats_with_reg.json": ({}, 1, 0),
    "test_stats_with_reg_annual.json": ({}, 1, 1),
    "us_macro_quarterly_1959_2009.csv": (AMERICA, 203 * 12, 0),
    "worldbank_gdp.csv": (WORLD, 13979, 0),
}  # fmt: skip


def test_every_recorded_file_is_known_here() -> None:
    if not FOLDER.is_dir():
        pytest.skip(f"the recorded replies are not beside the project ({FOLDER})")
    assert {file.name for file in FOLDER.iterdir()} == set(RECORDED)


@pytest.mark.parametrize("name", RECORDED)
def test_every_recorded_file_is_read_or_refused_by_name(tmp_path: Path, name: str) -> None:
    body, expected = recorded(name), RECORDED[name]
    if isinstance(expected, str):
        with pytest.raises(SourceNonsense) as error:
            read(tmp_path, name, body)
        assert error.value.reason == expected
        return
    settings, number, missing = expected
    events, rejected = read(tmp_path, name, body, **settings)
    assert reasons(rejected) == []
    assert len(events) == number
    assert sum(event.value is None for event in events) == missing
    assert len({event.id for event in events}) == number


def test_the_growth_of_industry_has_ten_of_twelve_months(tmp_path: Path) -> None:
    events, _ = read(tmp_path, "x.json", recorded("test_stats_industrial.json"), region="全国")
    told = {event.period: event.value for event in events}
    assert told["2024-12"] == 6.2
    assert (told["2024-01"], told["2024-02"]) == (None, None)
    assert {(event.unit, event.span, event.subject, event.region) for event in events} == {
        ("%", "single", "A020101", "全国")
    }
    assert events[0].name == "规上工业增加值_同比增长"
    found, ctx = bound(tmp_path)
    board = Indicators(rules_of(ctx.city))
    for event in events:
        board.fold(replace_place(event))
    (row,) = view_indicators(board, "T", NOW.timestamp())["series"]
    assert (row["value"], row["period"], row["change"]) == (6.2, "2024-12", None)
    assert dict(row["history"])["2024-01"] is None
    assert found.nouns == ("indicator",)


def replace_place(event: IndicatorReported) -> IndicatorReported:
    from msgspec.structs import replace

    return replace(event, place="T")


def test_money_is_a_level_and_its_growth_is_none(tmp_path: Path) -> None:
    events, _ = read(tmp_path, "x.json", recorded("test_stats_multi_zb.json"))
    assert {event.subject: (event.value, event.unit, event.span) for event in events} == {
        "A0D0101": (2431022.72, "亿元", "level"), "A0D0102": (9.8, "%", "single"),
        "A0D0103": (613859.35, "亿元", "level"), "A0D0104": (-1.9, "%", "single"),
        "A0D0105": (106188.87, "亿元", "level"), "A0D0106": (18.5, "%", "single"),
    }  # fmt: skip


def test_no_number_of_the_tables_is_bent(tmp_path: Path) -> None:
    events, _ = read(tmp_path, "china.csv", recorded("china_province_gdp_annual_zh.csv"), **CHINA)
    found = {(event.region, event.period): event.value for event in events}
    assert found["广东省", "2020"] == 110760.9
    assert found["北京市", "1992"] == 710.2
    events, _ = read(tmp_path, "us.csv", recorded("us_macro_quarterly_1959_2009.csv"), **AMERICA)
    assert {(event.subject, event.period): event.value for event in events}["realgdp", "2009Q3"] == 12990.341
    events, _ = read(tmp_path, "world.csv", recorded("worldbank_gdp.csv"), **WORLD)
    told = {(event.region, event.period): event.value for event in events}
    assert told["Zimbabwe", "2023"] == 26538273498.84614


def node(**more: Any) -> dict[str, Any]:
    data = {"data": 6.2, "dotcount": 1, "hasdata": True, "strdata": "6.2"}
    wds = [{"valuecode": "A1", "wdcode": "zb"}, {"valuecode": "202412", "wdcode": "sj"}]
    return {"code": "x", "data": data, "wds": wds} | more


def easyquery(*nodes: Any) -> dict[str, Any]:
    axis = {"wdcode": "zb", "nodes": [{"code": "A1", "cname": "增加值_累计值", "unit": "亿元"}]}
    return {"returncode": 200, "returndata": {"datanodes": list(nodes), "wdnodes": [axis]}}


@pytest.mark.parametrize(
    ("data", "found"),
    [
        ({"data": 6.2, "strdata": "6.2", "hasdata": True}, 6.2), ({"data": 0.0, "strdata": "", "hasdata": False}, None),
        ({"data": 1234.5, "strdata": "1,234.5", "hasdata": True}, 1234.5), ({"data": 7, "hasdata": True}, 7.0),
        ({"data": 6.2, "strdata": "6.3", "hasdata": True}, "contradiction"),
        ({"data": "x", "hasdata": True}, "bad_number"), ({"data": None, "hasdata": True}, None),
        ({"data": 1.2, "strdata": "12%", "hasdata": True}, "contradiction"),
        ({"data": 12, "strdata": "12%", "hasdata": True}, "wrong_unit"), ({"data": 1, "strdata": "—"}, None),
    ],
)  # fmt: skip
def test_values_of_the_bureau(tmp_path: Path, data: dict[str, Any], found: float | str | None) -> None:
    events, rejected = read(tmp_path, "x.json", easyquery(node(data=data), node()))
    assert events[-1].value == 6.2
    assert (events[0].span, events[0].unit) == ("cumulative", "亿元")
    assert (reasons(rejected)[0] if rejected else events[0].value) == found


@pytest.mark.parametrize(
    ("period", "reason"),
    [
        ("0000", "bad_period"),
        ("9999", "bad_period"),
        ("202613", "bad_period"),
        ("2027", "period_in_future"),
        ("", "bad_period"),
    ],
)
def test_periods_that_cannot_be(tmp_path: Path, period: str, reason: str) -> None:
    wds = [{"valuecode": "A1", "wdcode": "zb"}, {"valuecode": period, "wdcode": "sj"}]
    assert reasons(read(tmp_path, "x.json", easyquery(node(wds=wds)))[1]) == [reason]


@pytest.mark.parametrize(
    "broken", [7, None, {}, {"data": {}, "wds": []}, {"data": 7, "wds": 7}, {"data": {}, "wds": [7]}]
)
def test_nodes_that_are_none(tmp_path: Path, broken: Any) -> None:
    events, rejected = read(tmp_path, "x.json", easyquery(broken, node()))
    assert len(events) == 1
    assert reasons(rejected)[0] in ("wrong_type", "missing_field")


@pytest.mark.parametrize(
    ("body", "reason", "says"),
    [
        ({"returncode": 501, "returndata": "参数错误"}, "source_error", "the bureau says 501: 参数错误"),
        ({"a": 1}, "no_figures", "has no returncode"),
        ({"returncode": 200, "returndata": {}}, "no_figures", "no datanodes"),
        ([{"message": [{"id": "120", "value": "Invalid indicator"}]}], "source_error", "Invalid indicator"),
        ([{"page": 1}, 7], "no_figures", "no list"), ([], "no_figures", ""), ([7], "no_figures", ""),
        ([{"page": 1, "lastupdated": "soon"}, []], "impossible_date", "soon"),
        (b'{"returncode": NaN}', "not_finite", ""), (b"[" * 9999, "too_deep", ""), (b"1,2\n", "no_figures", ""),
    ],
)  # fmt: skip
def test_replies_that_are_none(tmp_path: Path, body: Any, reason: str, says: str) -> None:
    with pytest.raises(SourceNonsense) as error:
        read(tmp_path, "x.json", body)
    assert error.value.reason == reason
    assert says in error.value.detail


def bank(*rows: Any, **about: Any) -> list[Any]:
    return [{"page": 1, "pages": 1, "total": len(rows), "lastupdated": "2026-01-28", **about}, list(rows)]


def country(year: str, value: float | None, code: str = "CHN") -> dict[str, Any]:
    return {
        "indicator": {"id": "NY.GDP.MKTP.CD", "value": "GDP (current US$)"},
        "country": {"id": code[:2], "value": "China"},
        "countryiso3code": code, "date": year, "value": value, "unit": "", "obs_status": "", "decimal": 0,
    }  # fmt: skip


def test_the_world_bank_names_its_own_vintage(tmp_path: Path) -> None:
    events, rejected = read(tmp_path, "x", bank(country("2024", 18743803170827.2), country("2023", None), 7))
    assert [(event.period, event.value, event.published) for event in events] == [
        ("2024", 18743803170827.2, True), ("2023", None, True),
    ]  # fmt: skip
    assert {event.time.isoformat() for event in events} == {"2026-01-27T16:00:00+00:00"}
    assert reasons(rejected) == ["wrong_type"]


def test_regions_are_places_where_the_city_has_them(tmp_path: Path) -> None:
    text = "年份,甲,老乙,外省\n2024,1,2,3\n"
    events, _ = read(
        tmp_path, "a.csv", text.encode(), table={"period": "年份", "across": "region"}, series="GDP",
        units={"GDP": "亿元"}, places={"老乙": "B"},
    )  # fmt: skip
    assert [(event.region, event.place) for event in events] == [("甲", "A"), ("老乙", "B"), ("外省", "")]
    events, _ = read(tmp_path, "x.json", easyquery(node()))
    assert (events[0].region, events[0].place) == ("", "T")


def test_headings_carry_units_and_cells_their_gaps(tmp_path: Path) -> None:
    text = '表一,,\n月份,社零总额（亿元）,用电量(万千瓦时)\n2025年1-11月,1.2万,—\n2025年12月,"1,234.5",12%\n合计,1,2\n'
    events, rejected = read(tmp_path, "a.csv", text.encode("gb18030"), table={"period": "月份", "across": "series"})
    found = {(event.subject, event.period, event.span): (event.value, event.unit) for event in events}
    assert found == {
        ("用电量", "2025-11", "cumulative"): (None, "万千瓦时"),
        ("社零总额", "2025-12", "single"): (1234.5, "亿元"),
    }
    assert sorted(reasons(rejected)) == ["ambiguous_number", "totals_row", "wrong_unit"]


# -- over the web and from a file ----------------------------------------------------------------------------------


async def given(found: BoundFeed, ctx: Context, number: int) -> list[Delivery]:
    async with asyncio.timeout(20):
        return await deliveries(found, ctx, number)


async def test_the_recorded_reply_comes_by_post_and_only_a_change_is_told_again(tmp_path: Path) -> None:
    body = recorded("test_stats_industrial.json")
    revised = body.replace(b'"data":6.2,', b'"data":6.3,').replace(b'"strdata":"6.2"', b'"strdata":"6.3"')
    answers = [body, body, revised]
    moments = [NOW, NOW + timedelta(days=1), NOW + timedelta(days=2)]

    def answer(asked: Asked) -> bytes:
        return reply(answers.pop(0) if len(answers) > 1 else answers[0])

    async with source(answer) as served:
        found, ctx = bound(tmp_path, url=served.url, form={"m": "QueryData", "dbcode": "hgyd"})
        ctx = replace(ctx, now=lambda: moments.pop(0) if len(moments) > 1 else moments[0])
        told = await given(found, ctx, 3)
        assert served.asked[0].body == b"m=QueryData&dbcode=hgyd"
    assert [len(parsed(found, ctx, [one])[0]) for one in told] == [12, 0, 1]
    board = Indicators(rules_of(ctx.city))
    for event in parsed(found, ctx, told)[0]:
        board.fold(event)
    figures = next(iter(board.figures.values()))
    from dashboard.nouns.releases import Period

    assert [one.value for one in figures.revisions(Period.of("2024-12"))] == [6.2, 6.3]
    assert [one.value for one in figures.revisions(Period.of("2024-11"))] == [5.4]
    cursor = told[-1].cursor
    async with source(reply(revised)) as served:
        found, _ = bound(tmp_path, url=served.url)
        assert parsed(found, ctx, await given(found, replace(ctx, cursor=cursor), 1))[0] == []


async def test_a_revision_that_is_taken_back_is_told_again_and_a_refusal_once(tmp_path: Path) -> None:
    bad = node(data={"data": "x", "hasdata": True, "strdata": "x"})
    other = node(data={"data": 7.0, "hasdata": True, "strdata": "7.0"})
    values = [easyquery(node(), bad), easyquery(other, bad), easyquery(node(), bad)]

    async with source(lambda _: reply(json.dumps(values.pop(0) if len(values) > 1 else values[0]))) as served:
        found, ctx = bound(tmp_path, url=served.url)
        told = [parsed(found, ctx, [one]) for one in await given(found, ctx, 4)]
    assert [[event.value for event in events] for events, _ in told] == [[6.2], [7.0], [6.2], []]
    assert [len(rejected) for _, rejected in told] == [1, 0, 0, 0]


async def test_after_a_crash_between_two_pages_the_first_is_not_told_again(tmp_path: Path) -> None:
    def answer(asked: Asked) -> bytes:
        page = int(asked.query["page"])
        return reply(json.dumps(bank(country(str(2020 + page), 1.0), page=page, pages=2)))

    async with source(answer) as served:
        found, ctx = bound(tmp_path, url=f"{served.url}/v2/country/CHN/indicator/X", format="worldbank")
        (first,) = await given(found, ctx, 1)
        later = await given(found, replace(ctx, cursor=first.cursor), 2)
        assert [event.period for event in parsed(found, ctx, later)[0]] == ["2022"]
        again = await given(found, replace(ctx, cursor=later[-1].cursor), 1)
        assert parsed(found, ctx, again)[0] == []


async def test_the_world_bank_s_pages(tmp_path: Path) -> None:
    def answer(asked: Asked) -> bytes:
        page = int(asked.query["page"])
        assert asked.query["format"] == "json"
        return reply(json.dumps(bank(country(str(2020 + page), 1.0), page=page, pages=3)))

    async with source(answer) as served:
        found, ctx = bound(tmp_path, url=f"{served.url}/v2/country/CHN/indicator/X", format="worldbank")
        events, _ = parsed(found, ctx, await given(found, ctx, 3))
    assert [event.period for event in events] == ["2021", "2022", "2023"]


async def test_a_file_is_read_again_when_it_is_replaced(tmp_path: Path) -> None:
    file = tmp_path / "gdp.csv"
    file.write_text("年份,甲\n2024,1\n")
    settings: dict[str, Any] = {
        "path": "gdp.csv",
        "table": {"period": "年份", "across": "region"},
        "series": "GDP",
        "units": {"GDP": "亿元"},
    }
    found, ctx = bound(tmp_path, **settings)
    async with aclosing(cast(Any, found.feed.open)(found.settings, ctx)) as stream:
        assert len(parsed(found, ctx, [await anext(stream)])[0]) == 1
        assert parsed(found, ctx, [await anext(stream)])[0] == []
        file.write_text("年份,甲\n2024,2\n2025,3\n")
        assert len(parsed(found, ctx, [await anext(stream)])[0]) == 2
        file.unlink()
        with pytest.raises(SourceFailed, match=r"there is no file .*gdp.csv; put it there, or set path"):
            await anext(stream)


async def test_try_shows_figures_with_their_units(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with source(reply(json.dumps(easyquery(node())))) as served:
        _, ctx = bound(tmp_path, url=served.url)
        assert await attempt(ctx.city, "bureau", 5) == 0
    said = capsys.readouterr().out
    assert "subject=A1 period=2024-12 span=cumulative value=6.2 亿元 name=增加值_累计值 place=T(镇)" in said
    async with source(reply(json.dumps({"returncode": 501, "returndata": "参数错误"}))) as served:
        _, ctx = bound(tmp_path, url=served.url)
        assert await attempt(ctx.city, "bureau", 5) == 1
    assert "would send nothing: source_error: the bureau says 501: 参数错误" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"url": ""}, "name a url or a path, and not both"),
        ({"url": URL, "path": "a.csv"}, "name a url or a path, and not both"),
        ({"url": "ftp://x.example/"}, "is no web address"),
        ({"table": {"period": "a"}}, "name the column of the value, or with across"),
        ({"spans": {"a": "yearly"}}, "spans.a"),
    ],
)
def test_settings_that_cannot_be(tmp_path: Path, changed: dict[str, Any], says: str) -> None:
    with pytest.raises(CityError) as error:
        bound(tmp_path, **changed)
    assert says in str(error.value)
