"""Prometheus' text: the recorded probe, a live /metrics, and what is refused of one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from prometheus_client import CollectorRegistry, Gauge, start_http_server

from dashboard.city import CityError
from dashboard.doors.feedtry import attempt
from dashboard.sources.feed import Rejected, bind
from dashboard.sources.fetch import Reply
from feeds.prometheus import Scrape, Settings, parse
from tests.servers import free_port
from tests.station import Station, soon
from tests.town import DATA, NOW, context, town

RECORDED = DATA / "video" / "probe_output_0.prom"


def feed(url: str = "http://127.0.0.1:1/metrics", **more: Any) -> dict[str, Any]:
    return {"kind": "prometheus", "name": "probes", "url": url, "interval": 0.2, **more}


def read(folder: Path, body: str | bytes, **more: Any) -> tuple[dict[tuple[str, str, str], Any], list[Rejected]]:
    city = town(folder, feed(**more))
    (bound,), ctx = bind(city), context(city)
    raw = body.encode() if isinstance(body, str) else body
    found = list(parse([Scrape(Reply(raw), NOW, "portal")], cast(Settings, bound.settings), ctx))
    events = [cast(Any, item) for item in found if not isinstance(item, Rejected)]
    refused = [item for item in found if isinstance(item, Rejected)]
    return {(event.resource, event.subject, event.metric): event for event in events}, refused


@pytest.mark.skipif(not RECORDED.exists(), reason="the recorded probe is not there (../shared/data/video)")
def test_the_recorded_probe_is_a_service_that_is_down(tmp_path: Path) -> None:
    events, refused = read(tmp_path, RECORDED.read_bytes(), place="甲")
    assert refused == []
    assert {key: event.value for key, event in events.items()} == {
        ("service", "portal", "up"): 0.0, ("service", "portal", "latency"): 0.065580871,
    }  # fmt: skip
    assert {(event.place, event.time, event.flaw) for event in events.values()} == {("A", NOW, "")}


NODE = """\
# HELP node_filesystem_avail_bytes Filesystem space available
# TYPE node_filesystem_avail_bytes gauge
node_filesystem_avail_bytes{device="/dev/sda1",fstype="ext4",mountpoint="/"} 1.073741824e+10
node_filesystem_avail_bytes{device="tmpfs",fstype="tmpfs",mountpoint="/run"} 5
node_filesystem_size_bytes{device="/dev/sda1",fstype="ext4",mountpoint="/"} 4.294967296e+10
node_memory_MemAvailable_bytes 2147483648
node_memory_MemTotal_bytes 8589934592
node_network_up{device="eth0"} 1
node_network_up{device="lo"} 0
node_network_up{device="eth1"} 0
"""


def test_a_host_is_pools_and_links(tmp_path: Path) -> None:
    events, refused = read(tmp_path, NODE)
    assert refused == []
    assert {key: (event.value, event.limit) for key, event in events.items()} == {
        ("pool", "portal/", "storage"): (30.0, 40.0), ("pool", "portal", "memory"): (6.0, 8.0),
        ("link", "eth0 at portal", "up"): (1.0, None), ("link", "eth1 at portal", "up"): (0.0, None),
    }  # fmt: skip


def test_a_switch_says_2_for_down(tmp_path: Path) -> None:
    text = 'ifOperStatus{ifName="ge1",instance="sw1"} 1\nifOperStatus{ifName="ge2",instance="sw1"} 2\n'
    events, _ = read(tmp_path, text)
    assert {key[1]: event.value for key, event in events.items()} == {"ge1 at sw1": 1.0, "ge2 at sw1": 0.0}


def test_a_rule_of_the_city_says_what_a_metric_means(tmp_path: Path) -> None:
    rule = {"sample": "vcpus_used", "resource": "pool", "metric": "cpu", "subject": "{zone}", "limit": "vcpus",
            "labels": {"zone": "a|b"}, "unit": "cores"}  # fmt: skip
    text = 'vcpus_used{zone="a"} 30\nvcpus{zone="a"} 40\nvcpus_used{zone="c"} 1\nvcpus_used{zone="b"} 7\n'
    events, refused = read(tmp_path, text, rules=[rule])
    assert [(event.subject, event.value, event.limit, event.unit) for event in events.values()] == [
        ("a", 30, 40, "cores")
    ]
    assert [(one.reason, one.detail) for one in refused] == [("no_limit", "b: there is no vcpus with the same labels")]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("probe_duration_seconds 1e300\n", "impossible_value"),
        ("node_memory_MemAvailable_bytes 5\nnode_memory_MemTotal_bytes -7\n", "impossible_value"),
        ("probe_success one\n", "bad_line"), ('probe_success{instance="x" 1\n', "bad_line"), ("\x00\n", "bad_line"),
        ("probe_duration_seconds NaN\n", "not_finite"), ("probe_duration_seconds +Inf\n", "not_finite"),
        ("probe_duration_seconds 0.0", "truncated"), ('up{instance="a|b"} 1\n', "bad_subject"),
        (f"up {{instance=\"{'x' * 300}\"}} 1\n".replace("up {", "up{"), "bad_subject"),
        (f"probe_duration_seconds 1 {round((NOW + timedelta(minutes=11)).timestamp() * 1000)}\n", "time_in_future"),
        ("node_memory_MemAvailable_bytes 5\n", "no_limit"), ("probe_duration_seconds 1e400\n", "not_finite"),
    ],
)  # fmt: skip
def test_a_bad_line_is_refused_alone(tmp_path: Path, line: str, reason: str) -> None:
    events, refused = read(tmp_path, "probe_success 1\n" + line)
    assert [(key, event.value) for key, event in events.items()] == [(("service", "portal", "up"), 1.0)]
    assert [one.reason for one in refused] == [reason]


@pytest.mark.parametrize(
    ("body", "reason"),
    [(b"", "nothing_mapped"), (b"a 1\nb 2\n", "nothing_mapped"), ("市".encode("gbk") + b"\n", "bad_encoding")],
)
def test_a_reply_of_which_nothing_is_understood_says_so(tmp_path: Path, body: bytes, reason: str) -> None:
    events, refused = read(tmp_path, body)
    assert (events, [one.reason for one in refused]) == ({}, [reason])


def test_a_bad_pattern_is_told(tmp_path: Path) -> None:
    rule = {"sample": "up", "resource": "host", "metric": "up", "labels": {"job": "("}}
    with pytest.raises(CityError, match="is no pattern"):
        bind(town(tmp_path, feed(rules=[rule])))
    with pytest.raises(CityError, match="free wants limit"):
        bind(town(tmp_path, feed(rules=[{"sample": "up", "resource": "pool", "metric": "cpu", "free": True}])))


@pytest.fixture
def exporter() -> Iterator[tuple[str, Gauge]]:
    """A live /metrics, served by prometheus_client itself."""
    registry = CollectorRegistry()
    success = Gauge("probe_success", "Whether the probe was a success", registry=registry)
    Gauge("probe_ssl_earliest_cert_expiry", "When it ends", registry=registry).set(NOW.timestamp() + 86400 * 5)
    success.set(1)
    port = free_port()
    server, thread = start_http_server(port, "127.0.0.1", registry)
    yield f"http://127.0.0.1:{port}/metrics", success
    server.shutdown()
    server.server_close()
    thread.join()


async def test_a_live_exporter_is_read_each_interval(tmp_path: Path, exporter: tuple[str, Gauge]) -> None:
    url, success = exporter
    clock = iter(NOW + timedelta(seconds=n) for n in range(100_000))
    at_work = Station(town(tmp_path, feed(url, target="portal")), tmp_path, now=lambda: next(clock))
    async with at_work.working():
        await soon(lambda: at_work.counted()[0] >= 2)
        success.set(0)
        await soon(lambda: [e for e in cast(Any, at_work.events()) if e.metric == "up"][-1].value == 0.0)
    assert at_work.counted()[1:] == (0, 0)


async def test_targets_are_probed_by_name(tmp_path: Path, exporter: tuple[str, Gauge]) -> None:
    targets = {"portal": "https://portal.example/", "hotline": "https://hotline.example/"}
    at_work = Station(town(tmp_path, feed(exporter[0], targets=targets, module="http_2xx")), tmp_path)
    async with at_work.working():
        await soon(lambda: at_work.counted()[0] >= 4)
    assert {event.subject for event in at_work.events()} == {"portal", "hotline"}


async def test_feed_try_shows_units_and_places(
    tmp_path: Path, exporter: tuple[str, Gauge], capsys: pytest.CaptureFixture[str]
) -> None:
    assert await attempt(town(tmp_path, feed(exporter[0], target="portal", place="A")), "probes", 5) == 0
    said = capsys.readouterr().out
    assert "cloud.sample subject=portal resource=service metric=up value=1 place=A(甲)" in said
    assert await attempt(town(tmp_path, feed(f"http://127.0.0.1:{free_port()}/metrics")), "probes", 5) == 1
    assert "cannot read its source" in capsys.readouterr().err
