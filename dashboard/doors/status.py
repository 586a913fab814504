"""How the house is doing: what ``citywall status``, ``/readyz`` and ``/metrics`` say."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from time import time
from typing import TYPE_CHECKING, Any, cast

import msgspec
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from redis import Redis
from redis.exceptions import RedisError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from dashboard.board import ODDITIES
from dashboard.daysoff import unknown_years
from dashboard.nouns.duty import one_line
from dashboard.nouns.health import COUNTERS
from dashboard.travel.messages import STATES
from dashboard.travel.stream import Keys, connect, view_key

if TYPE_CHECKING:
    from dashboard.screens.push import Hub

OLD = 10.0  # Seconds after which a board that says nothing is not ready.


def note(data: Path, city: str, root: str, years: Sequence[int] | None = None) -> None:
    """Leave in the data folder what ``running`` finds there.

    ``years`` are those whose public holidays are known, in a city where holidays matter.
    """
    file = data / "run" / "house.json"
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    file.write_text(json.dumps({"city": city, "root": root, "years": years}), encoding="utf-8")


def running(data: Path) -> dict[str, Any] | None:
    """Name, root place's code and known years of the city whose house was started in this folder; None if none was."""
    try:
        return cast("dict[str, Any]", json.loads((data / "run" / "house.json").read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return None


def roles(data: Path) -> dict[str, dict[str, Any]]:
    """The supervisor's word on each role, and whether its process is there."""
    try:
        said = json.loads((data / "run" / "supervisor.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    found = said.get("roles", said)
    return {name: {**about, "alive": alive(int(about.get("pid") or 0))} for name, about in found.items()}


def alive(pid: int) -> bool:
    """Whether a process with this number is there."""
    try:
        os.kill(pid, 0)
    except (OSError, OverflowError):
        return False
    return pid > 0


def stream_status(redis: Redis, keys: Keys, root: str) -> dict[str, Any]:
    """Offsets, lags and feeds, read from the stream in one go.

    Raises:
        redis.exceptions.RedisError: if it cannot be reached.
    """
    with redis.pipeline(transaction=False) as pipe:
        for name in (keys.sent, keys.folded, keys.board, keys.history):
            pipe.hgetall(name)
        pipe.xlen(keys.log)
        pipe.get(keys.pulse)
        asked = [view_key(view, root) for view in ("feeds", *ODDITIES)]
        pipe.xadd(keys.asks, {"keys": msgspec.json.encode(asked)}, maxlen=1000)
        pipe.hmget(keys.views, asked)
        pipe.get(keys.courier)
        sent, folded, saved, recorded, length, pulse, _, views, courier = pipe.execute()
    sent, folded, saved, recorded = (
        {spool.decode(): int(seq) for spool, seq in found.items()} for found in (sent, folded, saved, recorded)
    )
    said = msgspec.json.decode(pulse) if pulse else {}
    feeds, *odd = (msgspec.json.decode(view)["data"] if view else {} for view in views)
    anomalies: dict[str, dict[str, int]] = {}
    some: dict[str, dict[str, list[str]]] = {}
    for view in odd:
        for source, reasons in view.get("sources", {}).items():
            anomalies[source] = {**anomalies.get(source, {}), **reasons}
            some[source] = {**some.get(source, {}), **view.get("some", {}).get(source, {})}

    def reader(position: dict[str, int]) -> dict[str, int]:
        return {
            "offset": sum(position.values()),
            "lag": sum(max(0, seq - position.get(spool, 0)) for spool, seq in sent.items()),
        }

    return {
        "stream": {"length": int(length), "offset": sum(sent.values())},
        "readers": {"projector": reader(folded), "snapshot": reader(saved), "historian": reader(recorded)},
        "board": {name: said.get(name) for name in ("epoch", "offset", "as_of", "wall")},
        "courier": msgspec.json.decode(courier) if courier else None,
        "feeds": {
            row["name"]: {name: value for name, value in row.items() if name != "name"}
            for row in feeds.get("feeds", [])
        },
        "anomalies": anomalies,
        "anomalous": some,
    }


def status(data: Path, redis_url: str, city: str, root: str) -> dict[str, Any]:
    """All of it; what cannot be reached is said under ``problems``."""
    found: dict[str, Any] = {"city": city, "at": time(), "roles": roles(data), "warnings": warnings(data)}
    try:
        with connect(redis_url) as redis:
            found |= stream_status(redis, Keys(city), root)
    except (RedisError, OSError) as error:
        found["problems"] = [f"the stream cannot be reached: {error}"]
        return found
    found["warnings"] += _complaints(found["courier"] or {})
    found["problems"] = list(_problems(found))
    return found


def warnings(data: Path) -> list[str]:
    """What somebody should see to before it becomes a problem."""
    years = (running(data) or {}).get("years")
    return [] if years is None else list(unknown_years(set(years), datetime.now().astimezone().date()))


def _complaints(courier: dict[str, Any]) -> Iterator[str]:
    for name, reason in courier.get("failing", {}).items():
        yield f"the channel {name} takes no messages: {reason}"
    if courier.get("failed"):
        yield f"{courier['failed']:,} messages did not arrive: see citywall messages --failed"


def _problems(found: dict[str, Any]) -> Iterator[str]:
    for name, about in found["roles"].items():
        if not about["alive"]:
            yield f"the role {name} is not running"
    wall = found["board"]["wall"]
    if wall is None:
        yield "the board has not spoken yet"
    elif time() - wall > OLD:
        yield f"the board's last tick is {time() - wall:.0f} s old"
    if "courier" in found["roles"] and time() - (found["courier"] or {}).get("at", 0) > OLD:
        yield "the courier has not spoken of late"
    if found["readers"]["historian"]["lag"] > 1000:
        yield f"history is {found['readers']['historian']['lag']} batches behind"


class HouseCollector(Collector):
    """The same as Prometheus metrics."""

    def __init__(self, found: dict[str, Any], hub: Hub) -> None:
        self.found, self.hub = found, hub

    def collect(self) -> Iterable[Metric]:
        """One family per thing that is measured."""
        hub = self.hub
        shown = sum(bool(audience.screens) for audience in hub.audiences.values())
        for name, value, text in (
            ("screens", len(hub.screens), "Screens on this web process."),
            ("audiences", shown, "Different pictures shown by this web process."),
            ("up", int("problems" in self.found and not self.found["problems"]), "1 if nothing is wrong."),
        ):
            yield GaugeMetricFamily(f"citywall_{name}", text, value)
        for name, value, text in (
            ("paints", hub.painted, "Panels painted."),
            ("messages", hub.sent, "Paint messages sent."),
            ("paint_faults", hub.faults, "Panels that could not be painted."),
        ):
            yield CounterMetricFamily(f"citywall_{name}", text, value)
        if "stream" not in self.found:
            return
        yield GaugeMetricFamily("citywall_stream_entries", "Batches in the stream.", self.found["stream"]["length"])
        lag = GaugeMetricFamily("citywall_reader_lag_batches", "Batches a reader is behind.", labels=["reader"])
        for name, reader in self.found["readers"].items():
            lag.add_metric([name], reader["lag"])
        yield lag
        records = CounterMetricFamily(
            "citywall_feed_records", "Records by what became of them.", labels=["feed", "fate"]
        )
        heard = GaugeMetricFamily(
            "citywall_feed_last_success_timestamp_seconds", "When a feed last succeeded.", labels=["feed"]
        )
        live = GaugeMetricFamily("citywall_feed_live", "1 if a feed is live.", labels=["feed", "state"])
        for name, row in self.found["feeds"].items():
            live.add_metric([name, row["state"]], int(row["state"] == "live"))
            for counter in COUNTERS:
                if counter in row:
                    records.add_metric([name, counter], row[counter])
            if row.get("heard"):
                heard.add_metric([name], row["heard"])
        anomalies = GaugeMetricFamily(
            "citywall_anomalies", "Events that did not fit, as those of a ticket's life.", labels=["source", "reason"]
        )
        for source, reasons in self.found["anomalies"].items():
            for reason, n in reasons.items():
                anomalies.add_metric([source, reason], n)
        yield from (records, heard, live, anomalies)
        courier = self.found["courier"]
        if courier:
            messages = GaugeMetricFamily(
                "citywall_escalation_messages", "Messages of the escalation by what became of them.", labels=["state"]
            )
            for state in STATES:
                messages.add_metric([state], courier[state])
            waits = time() - courier["oldest"] if courier["oldest"] else 0.0
            yield messages
            yield GaugeMetricFamily("citywall_escalation_waiting_seconds", "How long the oldest has waited.", waits)
            failing = GaugeMetricFamily(
                "citywall_channel_failing", "1 if a channel fails.", labels=["channel", "reason"]
            )
            for name, reason in courier["failing"].items():
                failing.add_metric([name, reason], 1)
            yield failing


def routes(data: Path, redis_url: str, hub: Hub) -> list[BaseRoute]:
    """``/healthz`` (this process is alive), ``/readyz`` (the house works, or why not) and ``/metrics``."""
    root = hub.places.root.code
    redis = connect(redis_url)

    def look() -> dict[str, Any]:
        found: dict[str, Any] = {"city": hub.city.name, "roles": roles(data)}
        try:
            found |= stream_status(redis, hub.keys, root)
        except (RedisError, OSError) as error:
            return {**found, "problems": [f"the stream cannot be reached: {error}"]}
        return {**found, "problems": list(_problems(found))}

    async def healthz(request: Request) -> Response:
        return PlainTextResponse("alive\n")

    async def readyz(request: Request) -> Response:
        problems = (await run_in_threadpool(look))["problems"]
        return JSONResponse({"ready": not problems, "reasons": problems}, 503 if problems else 200)

    async def metrics(request: Request) -> Response:
        registry = CollectorRegistry()
        registry.register(HouseCollector(await run_in_threadpool(look), hub))
        return PlainTextResponse(generate_latest(registry), media_type="text/plain; version=0.0.4")

    return [
        cast(BaseRoute, Route(path, answer))
        for path, answer in (("/healthz", healthz), ("/readyz", readyz), ("/metrics", metrics))
    ]


def lines(found: dict[str, Any]) -> Iterator[str]:
    """The same for people."""
    for name, about in found["roles"].items():
        state = f"pid {about['pid']}" if about["alive"] else "not running"
        yield f"{name:<12}{state:<16}restarts {about.get('restarts', 0)}"
    if "stream" in found:
        yield f"{'stream':<12}{found['stream']['length']:,} batches waiting, {found['stream']['offset']:,} sent"
        for name, reader in found["readers"].items():
            yield f"{name:<12}at {reader['offset']:,}, {reader['lag']:,} behind"
        if found["courier"]:
            said = ", ".join(f"{found['courier'][state]:,} {state}" for state in STATES)
            yield f"{'messages':<12}{said}"
        for name, row in found["feeds"].items():
            said = " ".join(f"{counter} {row[counter]:,}" for counter in COUNTERS if counter in row)
            yield f"{name:<12}{row['state']:<8}{said} {row.get('error') or ''}".rstrip()
        for source, reasons in found["anomalies"].items():
            numbers = found["anomalous"].get(source, {})
            said = " ".join(
                f"{reason} {n:,}" + (f" ({one_line(', '.join(numbers[reason]))})" if reason in numbers else "")
                for reason, n in sorted(reasons.items())
            )
            yield f"{'anomalies':<12}of {source}: {said}"
    for warning in found["warnings"]:
        yield f"? {warning}"
    for problem in found["problems"] or ["nothing is wrong"]:
        yield f"! {problem}" if found["problems"] else problem
