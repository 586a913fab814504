"""Every recorded payload beside the project parses, or is refused with a reason that stands here."""

from __future__ import annotations

from fnmatch import fnmatch
from typing import Any

import pytest

from bench import fuzz
from bench.targets import NOW, TARGETS, Target
from dashboard.nouns.video import CamerasListed
from dashboard.sources.fetch import Reply
from dashboard.sources.figures import Report
from feeds.folder import File
from tests.town import DATA

FILES = sorted(str(file.relative_to(DATA)) for file in DATA.rglob("*") if file.is_file()) if DATA.is_dir() else []
NAMED = {f"{target.kind}-{target.name}": target for target in TARGETS}


def table(kind: str, name: str, **settings: Any) -> Target:
    """A reader for one form of table."""
    if kind == "folder":
        return Target(kind, name, {"path": "x", **settings}, lambda body: File(name, body), ())
    return Target(kind, name, {"path": "x", **settings}, lambda body: Report(name, body, NOW), ())


BOSTON = {"number": "case_enquiry_id", "reported": "open_dt", "closed": "closed_dt", "title": "case_title"}
CASES = table(
    "folder", "a.csv", columns=BOSTON, time_formats=["iso", "%d/%m/%Y %H:%M:%S", "%d-%m-%Y %H:%M", "%d/%m/%Y"]
)
LINES = table("folder", "a.jsonl", columns=BOSTON)
RIVER = table("folder", "a.csv", event="sensor.reading", zone="UTC",
              columns={"time": "datetimeUTC", "value": "USGS:01589330:00065:00000"},
              constants={"subject": "01589330", "quantity": "level", "unit": "ft"})  # fmt: skip
PARKS = table("folder", "a.csv", event="sensor.reading", zone="Europe/London",
              columns={"subject": "system_code", "time": "timestamp", "value": "occupancy", "capacity": "capacity"},
              constants={"quantity": "occupied", "unit": "spaces"})  # fmt: skip
PROVINCES = table("statistics", "a.csv", table={"period": "", "across": "region"}, series="GDP")
WORLD = table("statistics", "a.csv", table={"period": "Year", "value": "Value", "series": "Country Code",
              "name": "Country Name"})  # fmt: skip
AMERICA = table("statistics", "a.csv", table={"period": "{year}Q{quarter}", "across": "series"})
USGS = Target("http", "usgs", {
    "url": "http://x.example/", "event": "sensor.reading", "records": "value.timeSeries[].values[].value[]",
    "fields": {"subject": "'g'", "quantity": "'level'", "unit": "'ft'", "value": "value", "time": "dateTime"},
}, Reply, ())  # fmt: skip
MOST = 400_000  # Bytes of a table.
ELSEWHERE = "it describes a system, and is none of its replies: the places, outlines and settings have their own tests"

# A file → how it is read, and as what it is refused if it is; empty where it is read.
READ: dict[str, tuple[Target | str, str]] = {
    "README.md": (ELSEWHERE, ""),
    "boston311/*.geojson": (ELSEWHERE, ""),
    "divisions/*.csv": (ELSEWHERE, ""),
    "video/*.y*ml": (ELSEWHERE, ""),
    "video/wvp/*.csv": (ELSEWHERE, ""),
    "video/zlmediakit/openapi.json": (ELSEWHERE, ""),
    "economy/_requests_index.json": (ELSEWHERE, ""),
    "boston311/service_requests_2011.csv": (CASES, ""),
    "tickets_dirty/*.csv": (CASES, ""),
    "tickets_dirty/*.t*": (NAMED["folder-tsv"], ""),
    "tickets_dirty/*.jsonl": (LINES, ""),
    "open311/cfa_403.xml": (NAMED["open311-xml"], "not_json"),  # It was recorded with the head of its reply.
    "open311/cfa_post_service_request.xml": (NAMED["open311-xml"], "no_reported_time"),
    "open311/cfa_request_id_from_token.xml": (NAMED["open311-xml"], "no_reported_time"),
    "open311/*not_found.xml": (NAMED["open311-xml"], "source_error"),
    "open311/cfa_services.xml": (NAMED["open311-xml"], "no_requests"),
    "open311/services_giessen.xml": (NAMED["open311-xml"], "no_requests"),
    "open311/*definition*": (NAMED["open311-xml"], "no_requests"),
    "open311/mysociety_services.json": (NAMED["open311-json"], "no_requests"),
    "open311/service_list.json": (NAMED["open311-json"], "no_requests"),
    "open311/*empty.xml": (NAMED["open311-xml"], "nothing"),
    "open311/*.xml": (NAMED["open311-xml"], ""),
    "open311/*.json": (NAMED["open311-json"], ""),
    "economy/test_*.json": (NAMED["statistics-easyquery"], ""),
    "economy/china_province*.csv": (PROVINCES, ""),
    "economy/worldbank_gdp.csv": (WORLD, ""),
    "economy/us_macro*.csv": (AMERICA, ""),
    "sensors/DeadRun*.csv": (RIVER, ""),
    "sensors/birmingham*.csv": (PARKS, ""),
    "sensors/usgs*.json": (USGS, ""),
    "video/probe_output_0.prom": (NAMED["prometheus-probe"], ""),
    "video/zlmediakit/*getMediaList*": (NAMED["zlmediakit-streams"], ""),
    "video/zlmediakit/*": (NAMED["zlmediakit-streams"], "another"),
    "video/captured/*": (NAMED["probe-cameras"], ""),
    "video/onvif/*": (NAMED["probe-cameras"], ""),
}


def found(name: str) -> tuple[Target | str, str]:
    """How a file is read."""
    for pattern, how in READ.items():
        if fnmatch(name, pattern):
            return how
    return "", "nobody has said how it is read"


@pytest.mark.skipif(not FILES, reason="the recorded payloads are not there (../shared/data)")
def test_it_is_said_of_every_file_how_it_is_read() -> None:
    assert [name for name in FILES if found(name)[0] == ""] == []
    assert len(FILES) > 90


@pytest.mark.parametrize("name", FILES or ["README.md"])
def test_it_parses_or_is_refused_by_its_reason(name: str) -> None:
    target, refused = found(name)
    if isinstance(target, str):
        assert target == ELSEWHERE
        return
    body = (DATA / name).read_bytes()
    if len(body) > MOST:  # All of it is read by the tests of its kind.
        body = body[:MOST].rpartition(b"\n")[0] + b"\n"
    events, letters = fuzz.outcome(target, body)
    reasons = {letter.reason for letter in letters if not letter.kept}
    assert all(reason.isidentifier() for reason in reasons)
    if not refused:
        assert events, reasons
    elif refused == "another":  # A reply to another question: a list without streams, or refused.
        assert not [event for event in events if isinstance(event, CamerasListed) and event.cameras]
    elif refused == "nothing":
        assert (events, reasons) == ([], set())
    else:
        assert reasons & set(refused.split()), reasons
    assert not any(letter.whole for letter in letters) or refused
