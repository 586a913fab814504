"""Any JSON or XML service: how records become events, how pages are followed, and what is refused by which name."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing
from pathlib import Path
from typing import Any, cast

import pytest

from dashboard.city import CityError
from dashboard.doors.feedtry import attempt
from dashboard.nouns.cloud import CloudSample
from dashboard.nouns.sensors import SensorReading
from dashboard.nouns.tickets import TicketClosed, TicketReported
from dashboard.sources.feed import BoundFeed, Context, Delivery, Rejected, SourceFailed, SourceNonsense, bind
from dashboard.sources.fetch import Reply
from tests.source import Asked, reply, source
from tests.town import DATA, NOW, context, deliveries, parsed, reasons, town

SENSOR = {
    "event": "sensor.reading",
    "fields": {"subject": "id", "quantity": "'level'", "unit": "'m'", "value": "v", "time": "t", "place_code": "p"},
}
TICKET = {
    "fields": {
        "number": "id",
        "title": "t",
        "reported": "at",
        "closed": "done",
        "verdict": "ok",
        "place_name": "where",
    },
    "values": {"verdict": {"按时": "on_time", "超时": "overdue"}},
}


def feed(url: str = "http://hall.example/", **more: Any) -> dict[str, Any]:
    return {"kind": "http", "name": "hall", "url": url, "interval": 0.01, **more}


def bound(folder: Path, **more: Any) -> tuple[BoundFeed, Context]:
    city = town(folder, feed(**more))
    return bind(city)[0], context(city)


def read(folder: Path, document: Any, **more: Any) -> tuple[list[Any], list[Rejected]]:
    """The events and refusals of one reply."""
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    feed, ctx = bound(folder, **more)
    return parsed(feed, ctx, [Delivery(Reply(body))])


def reading(**more: Any) -> dict[str, Any]:
    return {"id": "g1", "v": 1.5, "t": "2026-03-01 11:00", "p": "A", **more}


# -- records to events -----------------------------------------------------------------------------------------


def test_a_record_becomes_a_reading_with_unit_and_place(tmp_path: Path) -> None:
    events, rejected = read(tmp_path, [reading()], **SENSOR)
    assert rejected == []
    (event,) = events
    assert isinstance(event, SensorReading)
    assert (event.subject, event.value, event.unit, event.quantity, event.place) == ("g1", 1.5, "m", "level", "A")
    assert event.time.isoformat() == "2026-03-01T03:00:00+00:00"
    assert event.source == "hall"


def test_the_same_record_is_the_same_event_and_another_value_is_another(tmp_path: Path) -> None:
    events, _ = read(tmp_path, [reading(), reading(), reading(v=1.6)], **SENSOR)
    assert events[0] == events[1]
    assert events[0].id != events[2].id


def test_records_become_tickets_and_their_closings(tmp_path: Path) -> None:
    record = {"id": 440605202601010013, "t": "灯不亮 13800138000", "at": "2026-02-01 08:00", "where": "甲"}
    done = record | {"id": "8", "done": "2026-02-01 09:00", "ok": "超时"}
    events, rejected = read(tmp_path, {"data": [record, done]}, records="data", **TICKET)
    assert rejected == []
    assert [(type(event), event.subject) for event in events] == [
        (TicketReported, "440605202601010013"), (TicketReported, "8"), (TicketClosed, "8"),
    ]  # fmt: skip
    assert events[0].title == "灯不亮 138******00"
    assert events[0].place == "A"
    assert events[2].verdict == "overdue"


FIGURE = {"subject": "c", "period": "p", "span": "'single'", "unit": "'亿元'", "value": "v"}


@pytest.mark.parametrize(
    ("period", "found"),
    [("202409", "2024-09"), ("2024年三季度", "2024Q3"), ("去年", "bad_period"), ("9999", "bad_period")],
)
def test_indicators_have_the_period_and_the_place_of_the_city(tmp_path: Path, period: str, found: str) -> None:
    given = [{"c": "GDP", "p": period, "v": "7.5"}]
    events, rejected = read(tmp_path, given, event="indicator.reported", fields=FIGURE)
    assert (events[0].period if events else reasons(rejected)[0]) == found
    assert [event.place for event in events] == ["T"] * len(events)
    elsewhere = read(tmp_path, [given[0] | {"r": "外省", "p": "2024"}], event="indicator.reported",
                     fields=FIGURE | {"region": "r"})[0]  # fmt: skip
    assert elsewhere[0].place == ""


def test_words_are_translated(tmp_path: Path) -> None:
    fields = {"subject": "n", "resource": "'host'", "metric": "'up'", "value": "s"}
    words = {"value": {"在线": "1", "离线": "0"}}
    events, rejected = read(
        tmp_path, [{"n": "h1", "s": "在线"}, {"n": "h2", "s": "离线"}, {"n": "h3", "s": "?"}],
        event="cloud.sample", fields=fields, values=words,
    )  # fmt: skip
    assert [(type(event), event.value, event.time) for event in events] == [
        (CloudSample, 1, NOW),
        (CloudSample, 0, NOW),
    ]
    assert reasons(rejected) == ["bad_number"]


def test_xml_is_mapped_like_json(tmp_path: Path) -> None:
    one = b"<r><s id='g1'><v>1.5</v><t>2026-03-01 11:00</t><p>A</p></s></r>"
    two = one.replace(b"</r>", b"<s id='g2'><v>1.5</v><t>2026-03-01 11:00</t><p>A</p></s></r>")
    fields = SENSOR["fields"] | {"subject": '"@id"'}  # type: ignore[operator]
    for body, number in ((one, 1), (two, 2), (b"<r><s/></r>", 0)):
        events, _ = read(tmp_path, body, event="sensor.reading", fields=fields, records="r.s")
        assert len(events) == number


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("1,234.5", 1234.5), ("１２３．５", 123.5), ("1.2万", 12000.0), (7, 7.0), ("7 m", 7.0), ("-0.5", -0.5),
        ("−0.5", -0.5), (".5", 0.5), ("1e2", 100.0), ("12%", "wrong_unit"), ("7 ft", "wrong_unit"),
        ("1.234,5", "ambiguous_number"),
        ("1,23", "ambiguous_number"), ("1.2.3", "bad_number"), ("七", "bad_number"), ("—", "no_value"),
        ("", "no_value"), (None, "no_value"), ("#N/A", "no_value"), (True, "bad_number"),
        ([1], "wrong_type"), ("Infinity", "not_finite"),
        ("9" * 300, "bad_number"), (2**63, "bad_number"), ("1e19", "bad_number"), ("1e999", "not_finite"),
        ("2026-03-01", "bad_number"), ("<b>1</b>", "bad_number"), ("1\x00", "bad_number"),
    ],
)  # fmt: skip
def test_numbers_are_read_exactly_or_refused_by_name(tmp_path: Path, value: Any, found: float | str) -> None:
    events, rejected = read(tmp_path, [reading(v=value), reading(id="beside")], **SENSOR)
    assert [event.subject for event in events][-1] == "beside"
    assert (events[0].value if len(events) == 2 else reasons(rejected)[0]) == found


@pytest.mark.parametrize(
    ("time", "found"),
    [
        ("2026-03-01T03:00:00Z", 1772334000), (1772334000000, 1772334000), ("1772334000000", 1772334000),
        ("0000-00-00 00:00", "impossible_date"), ("9999-12-31 23:59", "impossible_date"), ("", "missing_field"),
        (None, "missing_field"), ("2026-03-05 00:00", "time_in_future"), ("01/03/2026", "impossible_date"),
        (1e300, "impossible_date"), ("nan", "impossible_date"), (True, "wrong_type"),
    ],
)  # fmt: skip
def test_times(tmp_path: Path, time: Any, found: float | str) -> None:
    events, rejected = read(tmp_path, [reading(t=time)], time_formats=["iso", "unix_ms"], **SENSOR)
    assert (events[0].time.timestamp() if events else reasons(rejected)[0]) == found


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"id": "1.1E+17"}, "bad_number"), ({"id": None}, "missing_field"), ({"id": "x" * 200}, "bad_number"),
        ({"id": "a\x00b"}, "bad_number"), ({"id": "\ud800"}, "bad_number"), ({"id": {"a": 1}}, "wrong_type"),
    ],
)  # fmt: skip
def test_identifiers(tmp_path: Path, record: dict[str, Any], reason: str) -> None:
    assert reasons(read(tmp_path, [reading(**record)], **SENSOR)[1]) == [reason]


@pytest.mark.parametrize("record", [None, 7, "x", [], [[]], {}])
def test_what_is_no_record(tmp_path: Path, record: Any) -> None:
    events, rejected = read(tmp_path, [record, reading()], **SENSOR)
    assert len(events) == 1
    assert reasons(rejected)[0] in ("wrong_type", "missing_field")


def test_a_point_places_it_and_a_flawed_one_is_noted(tmp_path: Path) -> None:
    fields = SENSOR["fields"] | {"lon": "x", "lat": "y"}  # type: ignore[operator]
    given = [
        reading(p=None, x=113.05, y=23.05), reading(p="Z", x="113.15", y="23.05"), reading(p=None, x=0, y=0),
        reading(p=None, x=23.05, y=113.05), reading(p=None, x="north", y=1), reading(p="A", x=500, y=1),
    ]  # fmt: skip
    events, rejected = read(tmp_path, given, event="sensor.reading", fields=fields)
    assert [event.place for event in events] == ["A", "B", "", "", "", "A"]
    assert [event.flaw for event in events] == ["", "", "zero_point", "swapped_point", "bad_coordinates", ""]
    assert events[2].point is None
    assert reasons(rejected) == []
    assert reasons(rejected, kept=True) == ["zero_point", "swapped_point", "bad_coordinates", "bad_coordinates"]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"data": NaN}', "not_finite"), (b'{"stations": []}', "no_records"), (b'{"data": 7}', "no_records"),
        (b'{"data": [], "data": []}', "duplicate_key"), (b"[" * 10_000, "too_deep"), (b"", "not_json"),
        ('{"data": "市民"}'.encode("gbk"), "bad_encoding"), (b'{"data": [{"v": 1e400}]}', "not_finite"),
        (b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "forbidden_xml"), (b'{"data": [1, 2', "not_json"),
    ],
)  # fmt: skip
def test_a_payload_that_is_nonsense_has_a_reason(tmp_path: Path, body: bytes, reason: str) -> None:
    with pytest.raises(SourceNonsense) as error:
        read(tmp_path, body, records="data", **SENSOR)
    assert error.value.reason == reason
    assert error.value.detail


def test_a_renamed_list_is_said_with_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(SourceNonsense, match=r"nothing at records = 'data'; it has 'stations', 'next'"):
        read(tmp_path, {"stations": [], "next": 1}, records="data", **SENSOR)


def test_an_expression_that_does_not_fit_the_data_is_no_fault_of_ours(tmp_path: Path) -> None:
    fields = SENSOR["fields"] | {"value": "max(v)"}  # type: ignore[operator]
    events, rejected = read(tmp_path, [reading(v="x"), reading(v=[1, 2])], event="sensor.reading", fields=fields)
    assert [event.value for event in events] == [2]
    assert reasons(rejected) == ["wrong_type"]


def test_real_replies_of_a_river_gauge(tmp_path: Path) -> None:
    """The recorded reply names feet per second cubed, local offsets, and a value for "no data"."""
    file = DATA / "sensors/usgs_iv_response.json"
    if not file.exists():
        pytest.skip(f"the recorded reply is not beside the project ({file})")
    document = json.loads(file.read_text("utf-8"))
    series = document["value"]["timeSeries"][0]
    assert series["variable"]["unit"]["unitCode"] == "ft3/s"
    fields = {"subject": "'01491000'", "quantity": "'flow'", "unit": "'ft3/s'", "value": "value", "time": "dateTime"}
    events, rejected = read(
        tmp_path, file.read_bytes(), event="sensor.reading", fields=fields,
        records="value.timeSeries[0].values[0].value",
    )  # fmt: skip
    assert rejected == []
    assert [(event.value, event.unit) for event in events[:2]] == [(974.0, "ft3/s")] * 2
    assert len(events) == len(series["values"][0]["value"])


# -- pages -----------------------------------------------------------------------------------------------------


async def pages(folder: Path, answer: Any, limit: int, **more: Any) -> tuple[list[Any], list[Rejected], list[Asked]]:
    async with source(answer) as served:
        city = town(folder, feed(served.url, **SENSOR, **more))
        (found,), ctx = bind(city), context(city)
        async with asyncio.timeout(20):
            events, rejected = parsed(found, ctx, await deliveries(found, ctx, limit))
    return events, rejected, served.asked


def paged(asked: Asked) -> bytes:
    page = int(asked.query.get("page", "1"))
    return reply(json.dumps({"data": [reading(id=f"g{page}")] if page <= 3 else [], "next": None if page == 3 else
                             f"/?page={page + 1}", "token": page + 1 if page < 3 else ""}))  # fmt: skip


@pytest.mark.parametrize(
    ("paging", "requests"),
    [
        ({"next": "next"}, 3),
        ({"parameter": "page"}, 4),
        ({"parameter": "page", "next": "token"}, 3),
        ({"next": "gone"}, 1),
    ],
)
async def test_pages_are_followed_to_their_end(tmp_path: Path, paging: dict[str, str], requests: int) -> None:
    events, rejected, asked = await pages(tmp_path, paged, requests, records="data", paging=paging)
    assert rejected == []
    assert [event.subject for event in events] == ["g1", "g2", "g3"][:requests]
    assert len(asked) == requests


async def test_pages_by_the_link_header(tmp_path: Path) -> None:
    def answer(asked: Asked) -> bytes:
        more = "" if "page" in asked.query else '<?page=2>; rel="next", <?page=9>; rel="last"'
        return reply(json.dumps([reading(id=asked.query.get("page", "1"))]), link=more)

    events, _, _ = await pages(tmp_path, answer, 2, paging={})
    assert [event.subject for event in events] == ["1", "2"]


async def test_endless_pages_end(tmp_path: Path) -> None:
    def answer(asked: Asked) -> bytes:
        page = int(asked.query.get("page", "1"))
        return reply(json.dumps({"data": [reading(id=f"g{page}")], "next": f"?page={page + 1}"}))

    events, rejected, _ = await pages(tmp_path, answer, 4, records="data", paging={"next": "next", "most": 3})
    assert len(events) == 3
    assert reasons(rejected) == ["endless_paging"]
    assert "more than 3 pages" in rejected[0].detail


async def test_a_source_that_ignores_the_page_is_not_asked_for_ever(tmp_path: Path) -> None:
    same = reply(json.dumps([reading()]))
    events, rejected, asked = await pages(tmp_path, same, 2, paging={"parameter": "page"})
    assert len(events) == 1
    assert reasons(rejected) == ["endless_paging"]
    assert [one.query["page"] for one in asked] == ["1", "2"]


async def test_a_next_page_elsewhere_is_not_fetched(tmp_path: Path) -> None:
    answer = reply(json.dumps({"data": [reading()], "next": "http://169.254.169.254/latest"}))
    with pytest.raises(SourceFailed, match=r"169\.254\.169\.254:80 is not among the feed's hosts"):
        await pages(tmp_path, answer, 2, records="data", paging={"next": "next"})


# -- on a timer --------------------------------------------------------------------------------------------------


async def test_it_asks_again_and_again_and_what_has_not_changed_costs_nothing(tmp_path: Path) -> None:
    def answer(asked: Asked) -> bytes:
        return reply(status=304) if asked.headers.get("if-none-match") else reply(json.dumps([reading()]), etag='"1"')

    async with source(answer) as served:
        city = town(tmp_path, feed(served.url, **SENSOR))
        (found,), ctx = bind(city), context(city)
        given = await deliveries(found, ctx, 3)
    assert [len(parsed(found, ctx, [delivery])[0]) for delivery in given] == [1, 0, 0]


@pytest.mark.parametrize("paging", [{"parameter": "page"}, {"next": "next"}, {}])
@pytest.mark.parametrize("changed", [1, 2, 3])
async def test_pages_are_read_on_though_others_have_not_changed(
    tmp_path: Path, paging: dict[str, str], changed: int
) -> None:
    """A source that marks each page with an ETag, and whose page ``changed`` alone is another the second time."""
    rounds = 0

    def answer(asked: Asked) -> bytes:
        nonlocal rounds
        page = int(asked.query.get("page", "1"))
        rounds += page == 1
        records = [reading(id=f"g{page}", v=rounds if page == changed else 1)] if page <= 3 else []
        tag = f'"{page}-{rounds if page == changed else 1}"'
        if asked.headers.get("if-none-match") == tag:
            return reply(status=304, etag=tag)
        onward = f"/?page={page + 1}" if page < 3 else None
        link = f'<{onward}>; rel="next"' if onward else ""
        return reply(json.dumps({"data": records, "next": onward}), etag=tag, link=link)

    given = 8 if "parameter" in paging else 6
    events, rejected, _ = await pages(tmp_path, answer, given, records="data", paging=paging)
    assert rejected == []
    assert [event.subject for event in events] == ["g1", "g2", "g3"] * 2
    assert [event.value for event in events if event.subject == f"g{changed}"] == [1, 2]


async def test_a_page_that_leads_to_itself_ends_by_its_name_though_it_has_an_etag(tmp_path: Path) -> None:
    def answer(asked: Asked) -> bytes:
        if asked.headers.get("if-none-match"):
            return reply(status=304, etag='"1"')
        page = asked.query.get("page", "1")
        return reply(json.dumps({"data": [reading(id=page)], "next": "/?page=2"}), etag='"1"')

    _, rejected, _ = await pages(tmp_path, answer, 3, records="data", paging={"next": "next"})
    assert reasons(rejected) == ["endless_paging"]


async def test_a_post_with_a_body(tmp_path: Path) -> None:
    answer = reply(json.dumps([reading()]))
    _, _, asked = await pages(tmp_path, answer, 1, method="POST", body={"area": "A"}, parameters={"v": "2"})
    assert (asked[0].method, asked[0].body, asked[0].query) == ("POST", b'{"area":"A"}', {"v": "2"})


async def test_a_page_is_on_disk_before_the_next_is_asked_for(tmp_path: Path) -> None:
    async with source(paged) as served:
        city = town(tmp_path, feed(served.url, records="data", paging={"next": "next"}, **SENSOR))
        (found,), ctx = bind(city), context(city)
        async with aclosing(cast(Any, found.feed.open)(found.settings, ctx)) as given:
            await anext(given)
            assert len(served.asked) == 1


# -- the city file -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"event": "sensor.told"}, "event: 'sensor.told' is none of"),
        ({"event": "clock.tick"}, "event: 'clock.tick' is none of"),
        ({"fields": {"subject": "id"}}, "fields: sensor.reading needs quantity, unit, value"),
        ({"fields": {**SENSOR["fields"], "colour": "c"}}, "sensor.reading has no field 'colour'; it has"),  # type: ignore[dict-item]
        ({"fields": {**SENSOR["fields"], "value": "a["}}, "is no JMESPath"),  # type: ignore[dict-item]
        ({"fields": {**SENSOR["fields"], "lon": "x"}}, "lon and lat go together"),  # type: ignore[dict-item]
        ({"records": "]"}, "is no JMESPath"),
        ({"paging": {"next": "]"}}, "is no JMESPath"),
        ({"paging": {"most": 0}}, "paging.most"),
        ({"body": {}}, 'a body goes with method = "POST" only'),
        ({"zone": "Mars/Olympus"}, "is no time zone; write one such as Asia/Shanghai"),
        ({"url": "ftp://x.example/"}, "is no web address"),
    ],
)
def test_settings_that_cannot_be(tmp_path: Path, changed: dict[str, Any], says: str) -> None:
    with pytest.raises(CityError) as error:
        bind(town(tmp_path, feed(**(SENSOR | changed))))
    assert says in str(error.value)
    assert "feeds.hall" in str(error.value)


def test_it_fills_the_noun_of_its_event_alone(tmp_path: Path) -> None:
    assert bound(tmp_path, **SENSOR)[0].nouns == ("sensor",)
    assert bound(tmp_path, **TICKET)[0].nouns == ("ticket",)


# -- citywall feed try -------------------------------------------------------------------------------------------


async def tried(folder: Path, answer: Any, capsys: pytest.CaptureFixture[str], **more: Any) -> tuple[int, str, str]:
    async with source(answer) as served:
        code = await attempt(town(folder, feed(served.url, **SENSOR, **more)), "hall", 20)
    said = capsys.readouterr()
    return code, said.out, said.err


async def test_try_prints_what_would_be_sent_with_units_and_places(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = await tried(tmp_path, reply(json.dumps([reading(), reading(v="x")])), capsys)
    assert (code, err) == (0, "")
    assert "2026-03-01T11:00:00+08:00 sensor.reading subject=g1 quantity=level value=1.5 m place=A(甲)" in out
    assert "1 events would be sent, 1 records refused" in out
    assert "bad_number at record 2: value 'x' is no number" in out


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (reply("<html><title>登录</title>", content_type="text/html"), "answers with a web page (登录)"),
        (reply(status=500), "answers 500: the server is in trouble"),
        (reply("{}"), "would send nothing: missing_field: "),
        (reply('{"a": NaN}'), "would send nothing: not_finite: NaN is no number in JSON"),
        (reply(status=302, location="file:///etc/passwd"), "only http and https are followed"),
    ],
)
async def test_try_says_in_one_sentence_what_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], answer: bytes, says: str
) -> None:
    code, _, err = await tried(tmp_path, answer, capsys)
    assert code == 1
    assert says in err
    assert err.count("\n") == 1
