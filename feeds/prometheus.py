"""Prometheus exporters and blackbox probes: hosts, links, services, pools and certificates out of their text."""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated

from prometheus_client.parser import text_string_to_metric_families
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from dashboard.events import Event
from dashboard.masking import clean, mask
from dashboard.nouns.cloud import CloudSample, Resource
from dashboard.sources.feed import Context, Delivery, Feed, Rejected, SourceNonsense
from dashboard.sources.fetch import Fetcher, Reply, WebSettings
from dashboard.sources.values import short_text

AHEAD = timedelta(minutes=10)  # By how much an exporter's clock may be fast.
LONGEST = 120  # Characters of a subject.
LARGEST = 1e15  # Nothing in a city's cloud is more, in whatever unit.
SAMPLES = 200_000  # Of one reply.
LABEL = re.compile(r"\{([A-Za-z_]\w*)\}")


class Rule(BaseModel):
    """What one metric means. ``subject`` and ``name`` are made of labels: ``{device} at {instance}``.

    Of a pool, ``limit`` is the metric with the same labels that says how much there is; with ``free`` the metric says
    what is left and not what is taken. ``good`` are the values that mean up, where 1 is not the only one.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    sample: Annotated[str, Field(pattern=r"^[a-zA-Z_:][\w:]*$")]
    resource: Resource
    metric: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
    subject: str = "{instance}"
    name: str = ""
    start: str = ""  # Of a link, the names of what it joins, made of labels too.
    end: str = ""
    labels: dict[str, str] = {}
    unit: str = ""
    scale: float = 1.0
    limit: str | None = None
    free: bool = False
    good: tuple[float, ...] = ()

    @field_validator("labels")
    @classmethod
    def _labels(cls, value: dict[str, str]) -> dict[str, str]:
        for name, pattern in value.items():
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"{name}: {pattern!r} is no pattern ({error})") from None
        return value

    @model_validator(mode="after")
    def _pool(self) -> Rule:
        if self.free and self.limit is None:
            raise ValueError("free wants limit: what is taken is worked out from it")
        return self


DISKS = {"fstype": "ext[234]|xfs|btrfs|zfs|ufs|ntfs|nfs4?", "mountpoint": "/|/data.*|/srv.*|/home.*|/var.*"}
USUAL: tuple[Rule, ...] = (
    Rule(sample="probe_success", resource="service", metric="up"),
    Rule(sample="probe_duration_seconds", resource="service", metric="latency", unit="s"),
    Rule(sample="probe_ssl_earliest_cert_expiry", resource="certificate", metric="expires", unit="s"),
    Rule(sample="up", resource="host", metric="up"),
    Rule(sample="node_load1", resource="host", metric="load1"),
    Rule(sample="node_network_up", resource="link", metric="up", subject="{device} at {instance}",
         labels={"device": "(?!lo$|veth|docker|br-|cali|flannel).*"}),
    Rule(sample="ifOperStatus", resource="link", metric="up", subject="{ifName} at {instance}", good=(1.0,)),
    Rule(sample="ifHighSpeed", resource="link", metric="speed", subject="{ifName} at {instance}", unit="Mbit/s"),
    Rule(sample="node_memory_MemAvailable_bytes", resource="pool", metric="memory", unit="GiB", scale=2**-30,
         limit="node_memory_MemTotal_bytes", free=True),
    Rule(sample="node_filesystem_avail_bytes", resource="pool", metric="storage", subject="{instance}{mountpoint}",
         labels=DISKS, unit="GiB", scale=2**-30, limit="node_filesystem_size_bytes", free=True),
)  # fmt: skip
"""What is understood without being told: blackbox_exporter, node_exporter and snmp_exporter (if_mib)."""


class Settings(WebSettings):
    """Where the exporter is, whom it probes for us, and what its metrics mean."""

    target: str = ""  # Stands in for the label ``instance`` where a reply has none: the feed's name if empty.
    targets: dict[str, str] = {}  # noqa: RUF012 - for blackbox_exporter: our name → the address to probe.
    module: str | None = None  # For blackbox_exporter.
    rules: tuple[Rule, ...] = ()
    usual: bool = True  # Also understand what the common exporters say.
    place: str = ""  # A code or a name.


@dataclass(frozen=True, slots=True)
class Scrape:
    """One reply, when it came, and whom it is about where it does not say so itself."""

    reply: Reply
    at: datetime
    instance: str

    def __str__(self) -> str:
        return str(self.reply)


async def open(settings: Settings, context: Context) -> AsyncIterator[Delivery]:  # noqa: A001
    """What the exporter says now, and again each interval; all targets of a probe in one delivery.

    Raises:
        SourceFailed: if it cannot be reached or answers with something else.
    """
    async with Fetcher(settings, context) as web:
        while True:
            began = asyncio.get_running_loop().time()
            if settings.targets:
                asked = [_probe(web, settings, context, name, address) for name, address in settings.targets.items()]
                found = list(await asyncio.gather(*asked))
            else:
                found = [Scrape(await web.get(), context.now(), settings.target or settings.name)]
            yield Delivery([scrape for scrape in found if not scrape.reply.unchanged])
            spent = asyncio.get_running_loop().time() - began
            await asyncio.sleep(max(0.0, (settings.interval or 30.0) - spent))


async def _probe(web: Fetcher, settings: Settings, context: Context, name: str, address: str) -> Scrape:
    parameters = {"target": address, **({"module": settings.module} if settings.module else {})}
    return Scrape(await web.get(params=parameters), context.now(), name)


@dataclass(frozen=True, slots=True)
class Line:
    """One sample."""

    name: str
    labels: Mapping[str, str]
    value: float
    at: datetime


def parse(payload: list[Scrape], settings: Settings, context: Context) -> Iterator[Event | Rejected]:
    """The samples that are understood; a line, or the whole reply of a target, that cannot be read is refused alone."""
    rules = (*settings.rules, *(USUAL if settings.usual else ()))
    latest = context.now() + AHEAD
    place = settings.place if settings.place in context.places else context.places.named(settings.place) or ""
    flaw = "" if place else "unknown_place" if settings.place else "no_place"
    for scrape in payload:
        refused: list[Rejected] = []
        try:
            lines = list(_lines(scrape, refused))
        except SourceNonsense as nonsense:
            yield Rejected(nonsense.reason, str(scrape), scrape.instance, nonsense.detail)
            continue
        yield from refused
        limits = _limits(lines, rules)
        mapped = 0
        for line in lines:
            for rule in rules:
                if rule.sample != line.name or not _fits(rule, line.labels):
                    continue
                mapped += 1
                try:
                    yield _sample(line, rule, limits, settings, place, flaw, latest)
                except SourceNonsense as nonsense:
                    raw = f"{line.name}{dict(line.labels)} {line.value}"
                    yield Rejected(nonsense.reason, mask(raw[:4096]), line.name, nonsense.detail)
                break
        if not mapped and not refused:
            known = sorted({line.name for line in lines})
            detail = f"has {', '.join(known[:5])}… and none is understood; name them in rules"
            detail = detail if known else "has no samples at all; is this the exporter's address?"
            yield Rejected("nothing_mapped", str(scrape), scrape.instance, detail)


def _lines(scrape: Scrape, refused: list[Rejected]) -> Iterator[Line]:
    text = scrape.reply.text
    if text and not text.endswith("\n"):  # The format ends each line; a last one without an end is half a line.
        text, _, half = text.rpartition("\n")
        refused.append(Rejected("truncated", mask(half[:4096]), "the last line", "breaks off"))
    try:
        found = list(_read(text + "\n", scrape))
    except (ValueError, IndexError, KeyError, OverflowError):
        found = []
        for number, line in enumerate(text.split("\n"), 1):
            if line.startswith("#") or not line.strip():
                continue
            try:
                found += _read(line + "\n", scrape)
            except (ValueError, IndexError, KeyError, OverflowError) as error:
                refused.append(Rejected("bad_line", mask(line[:4096]), f"line {number}", clean(str(error))[:160]))
    if len(found) > SAMPLES:
        raise SourceNonsense("too_large", f"has {len(found):,} samples; at most {SAMPLES:,} are read")
    yield from found


def _read(text: str, scrape: Scrape) -> Iterator[Line]:
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = {"instance": scrape.instance, **sample.labels}
            at = scrape.at
            if sample.timestamp is not None:
                at = datetime.fromtimestamp(float(sample.timestamp), UTC)  # A number already.
            try:
                value = float(sample.value)  # A number already.
            except OverflowError:
                value = math.inf
            yield Line(sample.name, labels, value, at)


def _fits(rule: Rule, labels: Mapping[str, str]) -> bool:
    return all(re.fullmatch(pattern, labels.get(name, "")) for name, pattern in rule.labels.items())


Limits = dict[tuple[str, frozenset[tuple[str, str]]], float]


def _limits(lines: Iterable[Line], rules: Iterable[Rule]) -> Limits:
    wanted = {rule.limit for rule in rules if rule.limit is not None}
    return {(line.name, frozenset(line.labels.items())): line.value for line in lines if line.name in wanted}


def _made(template: str, line: Line) -> str:
    """A text made of a line's labels."""
    return LABEL.sub(lambda found: line.labels.get(found[1], ""), template)


def _sample(
    line: Line, rule: Rule, limits: Limits, settings: Settings, place: str, flaw: str, latest: datetime
) -> CloudSample:
    """The event of a sample.

    Raises:
        SourceNonsense: in one word why there is none.
    """
    subject = _made(rule.subject, line).strip()
    if not subject or len(subject) > LONGEST or not subject.isprintable() or "|" in subject:
        raise SourceNonsense("bad_subject", f"{subject[:40]!r} is empty, too long, or holds what no name may hold")
    if not math.isfinite(line.value):
        raise SourceNonsense("not_finite", f"{subject}: {line.value} is no value")
    if line.at > latest:
        raise SourceNonsense("time_in_future", f"{line.at.isoformat()}; set the exporter's clock")
    value, limit = line.value * rule.scale, None
    if rule.limit is not None:
        there = limits.get((rule.limit, frozenset(line.labels.items())))
        if there is None or not math.isfinite(there):
            raise SourceNonsense("no_limit", f"{subject}: there is no {rule.limit} with the same labels")
        limit = there * rule.scale
        value = limit - value if rule.free else value
    if abs(value) > LARGEST or (limit is not None and not 0 <= limit <= LARGEST):
        raise SourceNonsense("impossible_value", f"{subject}: {line.value} is beyond all that can be")
    if rule.metric == "up":
        value = 1.0 if line.value in (rule.good or (1.0,)) else 0.0
    return CloudSample(
        id=f"{rule.resource}:{subject}:{rule.metric}:{round(line.at.timestamp() * 1000)}", time=line.at,
        source=settings.source or settings.name, subject=subject, resource=rule.resource, metric=rule.metric,
        value=value, unit=rule.unit, limit=limit, place=place, flaw=flaw,
        name=short_text(_made(rule.name, line)), start=short_text(_made(rule.start, line)),
        end=short_text(_made(rule.end, line)),
    )  # fmt: skip


FEED = Feed(
    kind="prometheus",
    caption="Prometheus exporters and blackbox probes",
    parse=parse,
    open=open,
    Settings=Settings,
    nouns=("cloud",),
    interval=30.0,
    mapped=(
        "what blackbox, node and snmp exporters say of services, certificates, hosts, links and pools without being "
        "told; anything else by `[[feeds.rules]]`: `sample`, `resource`, `metric`, `subject` made of labels, `unit`, "
        "`scale`, `limit` of a pool. Without a timestamp a sample is as of the moment it was fetched."
    ),
    refused=(
        "lines that cannot be read, a last line without its end (`truncated`), NaN and infinity, a pool without its "
        "limit, samples more than ten minutes ahead, a reply of which nothing is understood (`nothing_mapped`)."
    ),
    example="""\
[[feeds]]
kind = "prometheus"
name = "probes"
url = "http://127.0.0.1:9115/probe"
module = "http_2xx"
targets = { portal = "https://portal.example/", hotline = "https://hotline.example/" }

[[feeds.rules]]
sample = "openstack_nova_vcpus_used"
resource = "pool"
metric = "cpu"
subject = "{aggregate}"
unit = "cores"
limit = "openstack_nova_vcpus"
""",
)
