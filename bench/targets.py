"""What is fuzzed: for each kind of feed, how bytes become its payload, and cases of our own to begin with."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from dashboard.sources.feed import Post, kinds
from dashboard.sources.fetch import Reply
from dashboard.sources.figures import Report
from dashboard.sources.platforms import Asked
from dashboard.sources.tables import Chunk
from feeds.folder import File
from feeds.mqtt import Heard
from feeds.probe import Found
from feeds.prometheus import Scrape
from feeds.sql import Rows
from feeds.websocket import Push

NOW = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)
UNFUZZED = {
    "clock": "its payload is a number of our own clock, and nothing comes from outside",
    **{kind: "it is made by ourselves, from a seed" for kind in kinds() if kind.startswith("pretend")},
}


@dataclass(frozen=True, eq=False)
class Target:
    """One way a kind is used: its settings, how bytes become a payload, and the cases that mutations begin with.

    ``recorded`` are patterns of recorded replies that are used too where they lie beside the project. With
    ``exact`` every number of an event has to stand in the payload.
    """

    kind: str
    name: str
    table: dict[str, Any]
    payload: Callable[[bytes], Any]
    seeds: tuple[bytes, ...]
    recorded: tuple[str, ...] = ()
    exact: bool = True
    known: str = ""  # What is told beside the payload, such as by a topic.
    packed: bool = False  # A workbook: what is inside is mutated, and packed again.


def text(document: Any) -> bytes:
    """A seed in JSON."""
    return json.dumps(document, ensure_ascii=False).encode()


def book(*rows: list[str | float]) -> bytes:
    """A small workbook, written by hand so that it is the same each time."""
    cells = "".join(
        f'<row r="{at}">' + "".join(_cell(value, chr(65 + place), at) for place, value in enumerate(row)) + "</row>"
        for at, row in enumerate(rows, 1)
    )
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    kinds = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    override = f'<Override PartName="/xl/{{}}" ContentType="{kinds}.{{}}+xml"/>'
    relations = (
        f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" Type="{office}/{{}}" Target="{{}}"/>'
    )
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types"><Default Extension="rels" ContentType='
        '"application/vnd.openxmlformats-package.relationships+xml"/>'
        + override.format("workbook.xml", "sheet.main") + override.format("worksheets/sheet1.xml", "worksheet")
        + "</Types>",
        "_rels/.rels": relations.format("officeDocument", "xl/workbook.xml") + "</Relationships>",
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets>'
        '<sheet name="a" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": relations.format("worksheet", "worksheets/sheet1.xml") + "</Relationships>",
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{cells}</sheetData></worksheet>',
    }  # fmt: skip
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, part in parts.items():
            archive.writestr(zipfile.ZipInfo(name), part)
    return out.getvalue()


def _cell(value: str | float, column: str, row: int) -> str:
    if isinstance(value, str) and value.startswith("="):
        return f'<c r="{column}{row}"><f>{value[1:]}</f></c>'
    if isinstance(value, str):
        return f'<c r="{column}{row}" t="inlineStr"><is><t>{value}</t></is></c>'
    return f'<c r="{column}{row}"><v>{value!r}</v></c>'


TICKETS = {"number": "工单号", "title": "标题", "reported": "上报时间", "closed": "结案时间", "place_name": "镇街",
           "lon": "经度", "lat": "纬度"}  # fmt: skip
HEADER = list(TICKETS.values())
ROW: list[str | float] = ["7", "灯不亮", "2026-02-01 08:00", "2026-02-01 20:00", "桂城街道", "113.15", "23.03"]
NEXT: list[str | float] = ["8", "井盖", "2026-02-02 08:00", "", "", "", ""]
CSV = "\n".join(",".join(map(str, row)) for row in (HEADER, ROW, NEXT, ["合计", "2", "", "", "", "", ""])).encode()
LISTED = {"subject": "id", "quantity": "'level'", "unit": "'m'", "value": "v", "time": "t", "lon": "x", "lat": "y"}
READING = {"id": "g1", "v": "1,234.5", "t": "2026-03-01 11:00", "x": 113.15, "y": 23.03}
REQUEST = {
    "service_request_id": "14-1", "status": "closed", "service_name": "Pothole", "description": "deep", "lat": 23.03,
    "long": 113.15, "agency_responsible": "roads", "requested_datetime": "2026-02-01T08:00:00+08:00",
    "updated_datetime": "2026-02-02T08:00:00+08:00", "expected_datetime": "2026-02-03T08:00:00+08:00",
    "notes": [{"type": "closed", "datetime": "2026-02-02T07:00:00+08:00"}], "extended_attributes": {"channel": "phone"},
}  # fmt: skip
REQUEST_XML = (
    b'<?xml version="1.0" encoding="utf-8"?><service_requests><request><service_request_id>6</service_request_id>'
    b"<status>open</status><service_name>Curb</service_name><requested_datetime>2026-02-01T08:00:00+08:00"
    b"</requested_datetime><lat>23.03</lat><long>113.15</long><zipcode>440605</zipcode></request></service_requests>"
)
NODE = {
    "code": "x", "data": {"data": 6.2, "dotcount": 1, "hasdata": True, "strdata": "6.2"},
    "wds": [{"valuecode": "A1", "wdcode": "zb"}, {"valuecode": "202512", "wdcode": "sj"}],
}  # fmt: skip
EASYQUERY = {"returncode": 200, "returndata": {"datanodes": [NODE], "wdnodes": [
    {"wdcode": "zb", "nodes": [{"code": "A1", "cname": "增加值_累计值", "unit": "亿元"}]}]}}  # fmt: skip
BANK = [{"page": 1, "pages": 1, "lastupdated": "2026-01-28"}, [
    {"indicator": {"id": "GDP", "value": "GDP"}, "country": {"id": "CN", "value": "China"}, "date": "2024",
     "value": 187.25, "unit": ""}]]  # fmt: skip
EVENT = {
    "specversion": "1.0", "id": "1", "source": "s", "type": "ticket.reported", "subject": "1",
    "time": "2026-02-01T00:00:00Z", "data": {"title": "t", "place": "440605", "point": [113.15, 23.03]},
}  # fmt: skip
ACT = {"id": "0b8c3d8e-6a51-4a0f-9d5e-0a2d2f4b6c7d", "by": "陈静"}
PLAIN = {"alert": "ticket|hotline|7", "severity": 2, "comment": "已电话通知"}
ALARM = {"alert": "ticket|hotline|7", "title": ["积水", "Water"]}
ASKED = {"instruction": "7-1"}
ACTS = (text({"id": ACT["id"], "type": "alarm.acknowledged", "by": ACT["by"], "data": PLAIN}), *(
    text({**ACT, "type": kind, "data": data, "subject": "ticket|hotline|7"})
    for kind, data in (
        ("alarm.acknowledged", {**ALARM, "severity": 2, "comment": "已电话通知"}),
        ("alarm.reopened", ALARM), ("alarm.assigned", {**ALARM, "to": "李伟"}),
        ("alarm.snoozed", {**ALARM, "severity": 3, "until": 1772334000.5}),
        ("desk.noted", {"text": "致电 13800138000\n无人接听", "alert": "ticket|hotline|7"}),
        ("desk.handed_over", {"to": "李伟", "summary": "三件未结"}),
        ("instruction.given", {**ASKED, "to": "桂城城管", "text": "今日办结", "due": "2026-03-02T18:00:00+08:00",
                               "place": "440605011", "said": "12 件"}),
        ("instruction.reported", {**ASKED, "comment": "已办"}),
        ("instruction.returned", {**ASKED, "why": "照片不清", "due": "2026-03-03T18:00:00+08:00"}),
        ("instruction.closed", ASKED), ("instruction.withdrawn", {**ASKED, "why": "重复"}),
    )
))  # fmt: skip
PUSHED = {"seq": 1, "data": [{"station": "s1", "level": 1.5, "at": "2026-03-01T11:00:00+08:00", "town": "桂城街道"}]}
METRICS = b"""# HELP up Whether it is up.
# TYPE probe_success gauge
probe_success 1
probe_duration_seconds 0.125
probe_ssl_earliest_cert_expiry 1.8e+09
node_load1{instance="a"} 0.5
"""
GAUGE = {"quantity": "level", "unit": "m", "value": "level", "sensor": "station", "time": "at", "place": "town"}


def _chunk(body: bytes) -> Chunk:
    """Lines below the header that the file's own reader has found."""
    return Chunk(body, 2, tuple(HEADER), ",", read=NOW)


def _rows(body: bytes) -> Rows:
    """Rows of a database have any value that JSON has; what is no list of objects is one text."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = [{"id": body.decode("utf-8", "surrogateescape"), "opened": body}]
    rows = found if isinstance(found, list) else [found]
    return Rows([row if isinstance(row, dict) else {"id": row} for row in rows])


def _polled(body: bytes) -> Asked:
    return Asked(NOW.timestamp(), [Reply(body)])


SDP = b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=c\r\nt=0 0\r\nm=video 0 RTP/AVP 26\r\na=control:track1\r\n"
PLAYLIST = b"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:7\n#EXTINF:2.0,\nseg7.ts\n"
SOAP = b"""<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body><GetSystemDateAndTimeResponse
xmlns="http://www.onvif.org/ver10/device/wsdl"><SystemDateAndTime><UTCDateTime><Time><Hour>4</Hour><Minute>0</Minute>
<Second>0</Second></Time><Date><Year>2026</Year><Month>3</Month><Day>1</Day></Date></UTCDateTime></SystemDateAndTime>
</GetSystemDateAndTimeResponse></s:Body></s:Envelope>"""


def _probed(body: bytes) -> Asked:
    """The same bytes as what a camera describes, as its playlist and as its device's answer."""
    moment = NOW.timestamp()
    return Asked(moment, [
        Found("a", "rtsp", 200, body), Found("b", "hls", 200, body, before=(PLAYLIST, 10.0)),
        Found("c", "rtsp", 200, SDP, clock=(body.decode("utf-8", "replace"), moment)),
    ])  # fmt: skip


def _channels(body: bytes) -> Asked:
    """The channels of one device that is up."""
    device = text({"code": 0, "data": {"total": 1, "list": [{"deviceId": "d", "onLine": True}]}})
    return Asked(NOW.timestamp(), [("", Reply(device)), ("d", Reply(body))])


FIGURES = '年份,产值（亿元）,用电(万千瓦时)\n2024,"1,234.5",—\n2025年1-9月,1.2万,7\n'.encode()
TARGETS = (
    Target("http", "sensor", {"url": "http://x.example/", "event": "sensor.reading", "fields": LISTED,
           "records": "data", "time_formats": ["iso", "unix_ms"]}, Reply, (text({"data": [READING]}),
           text({"data": [READING | {"v": "1.2万", "t": 1772334000000}, READING | {"v": "12%"}]}),
           "<r><data id='7'><v>１２</v></data></r>".encode()), ("sensors/*.json",)),
    Target("http", "ticket", {"url": "http://x.example/", "fields": {"number": "id", "reported": "t", "title": "n",
           "lon": "x", "lat": "y", "closed": "d"}}, Reply, (text([READING | {"n": "灯", "d": "2026-03-01 11:30"}]),),
           ("tickets_dirty/*.jsonl",)),
    Target("http", "xml", {"url": "http://x.example/", "records": "service_requests.request",
           "fields": {"number": "service_request_id", "reported": "requested_datetime", "lon": "long", "lat": "lat"}},
           Reply, (REQUEST_XML,), ("open311/*.xml",)),
    Target("open311", "json", {"url": "http://x.example/"}, Reply, (text([REQUEST, REQUEST | {"status": "open"}]),
           text([{"code": 400, "description": "no"}])), ("open311/*.json",)),
    Target("open311", "xml", {"url": "http://x.example/", "format": "xml"}, Reply,
           (REQUEST_XML, b"<errors><error><code>1</code></error></errors>"), ("open311/*.xml",)),
    Target("folder", "csv", {"path": "x", "columns": TICKETS}, lambda body: File("a.csv", body),
           (CSV, CSV.decode().encode("gb18030")), ()),
    Target("folder", "tsv", {"path": "x", "columns": {"number": "case_enquiry_id", "reported": "open_dt",
           "closed": "closed_dt", "lon": "longitude", "lat": "latitude"}}, lambda body: File("a.tsv", body),
           (b"case_enquiry_id\topen_dt\tclosed_dt\tlongitude\tlatitude\n7\t2026-02-01 08:00\t\t113.1\t23.0\n",),
           ("tickets_dirty/*.t*",)),
    Target("folder", "jsonl", {"path": "x", "event": "sensor.reading", "columns": {"subject": "id", "value": "v",
           "time": "t"}, "constants": {"quantity": "level", "unit": "m"}}, lambda body: File("a.jsonl", body),
           (text(READING) + b"\n" + text(READING | {"v": 7}),), ()),
    Target("folder", "xlsx", {"path": "x", "columns": TICKETS}, lambda body: File("a.xlsx", body),
           (book(list(HEADER), ROW, NEXT), book(["表"], list(HEADER), [7.0, "x", 46054.5, "", "", 113.15, 23.03],
                                                ["=1+1", *ROW[1:]])), (), packed=True),
    Target("statistics", "easyquery", {"url": "http://x.example/"}, lambda body: Report("x", body, NOW),
           (text(EASYQUERY), text({"returncode": 501, "returndata": "?"})), ("economy/test_*.json",)),
    Target("statistics", "worldbank", {"url": "http://x.example/"}, lambda body: Report("x", body, NOW),
           (text(BANK), text([{"message": [{"value": "no"}]}]))),
    Target("statistics", "table", {"path": "x", "table": {"period": "年份", "across": "series"}},
           lambda body: Report("a.csv", body, NOW), (FIGURES,)),
    Target("file", "csv", {"path": "x", "columns": TICKETS}, _chunk, (CSV.split(b"\n", 1)[1],)),
    Target("cloudevents", "batch", {}, lambda body: Post({"content-type": "application/cloudevents-batch+json"}, body),
           (text([EVENT, EVENT | {"type": "ticket.closed", "data": {"verdict": "on_time"}}]),)),
    Target("desk", "act", {}, lambda body: Post({"content-type": "application/json"}, body), ACTS, exact=False),
    Target("websocket", "readings", {"url": "ws://x.example/", "records": "data", "readings": [GAUGE]},
           lambda body: [Push(body.decode("utf-8", "replace"))], (text(PUSHED),)),
    Target("mqtt", "readings", {"url": "mqtt://127.0.0.1", "topics": [GAUGE | {"pattern": "water/{place}/{sensor}"}]},
           lambda body: [Heard("water/440605/s1", body, False, NOW)], (text(PUSHED["data"]), b"1.5"),
           known="440605 s1"),
    Target("mqtt", "mapped", {"url": "mqtt://127.0.0.1", "topics": [{"pattern": "halls/{hall}/queue"}], "map": {
           "event": "service.queue", "fields": {"subject": "topic_hall", "waiting": "n", "time": "t"}}},
           lambda body: [Heard("halls/h1/queue", body, False, NOW)],
           (text({"n": 12, "t": "2026-03-01T11:00:00+08:00"}), text([{"n": "1.2万", "t": "2026-03-01 11:00"}]), b"12"),
           known="h1"),
    Target("sql", "tickets", {"url": "sqlite:///x.db", "query": "SELECT 1", "watermark": "opened", "key": "id",
           "columns": {"number": "id", "reported": "opened", "title": "title", "lon": "x", "lat": "y"}}, _rows,
           (text([{"id": 7, "opened": "2026-02-01 08:00:00", "title": "x", "x": 113.15, "y": 23.03}]),)),
    Target("prometheus", "probe", {"url": "http://127.0.0.1:9115/probe"}, lambda body: [Scrape(Reply(body), NOW, "a")],
           (METRICS,), ("video/*.prom",), exact=False),
    Target("probe", "cameras", {"inventory": "x.csv", "networks": ["10.0.0.0/8"]}, _probed, (SDP, PLAYLIST, SOAP),
           ("video/captured/*", "video/onvif/*.xml"), exact=False),
    Target("zlmediakit", "streams", {"url": "http://127.0.0.1/", "inventory": "x.csv"}, _polled, (text({"code": 0,
           "data": [{"app": "live", "stream": "a", "aliveSecond": 90, "bytesSpeed": 9, "tracks": [{"codec_type": 0}]}]}
           ),), ("video/zlmediakit/*getMediaList*.json",), exact=False),
    Target("mediamtx", "paths", {"url": "http://127.0.0.1/"}, _polled, (text({"itemCount": 1, "pageCount": 1, "items": [
           {"name": "a", "ready": True, "tracks": ["H264"]}]}),), (), exact=False),
    Target("wvp", "channels", {"url": "http://127.0.0.1/"}, _channels, (text({"code": 0, "data": {"total": 1,
           "list": [{"channelId": "c", "name": "n", "status": "ON", "longitude": 113.1, "latitude": 23.0}]}}),), (),
           exact=False),
)  # fmt: skip
