"""What stands behind the numbers of data sharing, cloud and video: entries, APIs, links, services, faults."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from dashboard.nouns.noun import Document
from dashboard.screens.marks import clipped
from dashboard.screens.panel import Behind, Context, Record
from dashboard.screens.servicerecords import joined, place_of
from dashboard.words import CAMERAS, DASH, GRADES, LINES, METRICS, Words, compact, duration, percent

Views = Mapping[str, Document]
Row = Mapping[str, Any]

# -- data sharing --------------------------------------------------------------------------------------------

WHYS = {
    "said": Words("中断", "broken"), "failing": Words("失败", "failing"), "late": Words("久未更新", "long late"),
    "never": Words("从未更新", "never updated"),
}  # fmt: skip
CALLS = Words("失败 {} / 调用 {}", "{} failed of {} calls")


def _broken(views: Views, ctx: Context) -> Sequence[Record]:
    language = ctx.language
    return [
        Record(
            ctx.city.translated(one["name"], language),
            joined(
                ctx.city.translated(one["department"], language), WHYS.get(one["why"], WHYS["said"])[language],
                ctx.city.translated(one["reason"], language),
            ),
            "overdue" if one["why"] in ("said", "failing") else "soon", "", since=one["since"],
        )
        for one in views["sharing_broken"].get("broken", [])
    ]  # fmt: skip


def _late(views: Views, ctx: Context) -> Sequence[Record]:
    return [
        Record(
            ctx.city.translated(one["name"], ctx.language), ctx.city.translated(one["department"], ctx.language),
            "soon", "", since=one["since"],
        )
        for one in views["sharing_broken"].get("late", [])
    ]  # fmt: skip


def _stale(views: Views, ctx: Context) -> Sequence[Record]:
    """What keeps the rate below a hundred: the broken entries and the late ones."""
    return [*_broken(views, ctx), *_late(views, ctx)]


def _apis(views: Views, ctx: Context) -> Sequence[Record]:
    return [
        Record(
            ctx.city.translated(api["name"], ctx.language),
            joined(
                ctx.city.translated(api["department"], ctx.language),
                CALLS[ctx.language].format(compact(api["failures"], ctx.language), compact(api["calls"], ctx.language)),
            ),
            "normal" if api["failing"] is None else "overdue", "", since=api["failing"],
        )
        for api in views["sharing_calls"].get("apis", [])
        if api["calls"] or api["failing"] is not None
    ]  # fmt: skip


def _requests(views: Views, ctx: Context) -> Sequence[Record]:
    return [
        Record(
            ctx.city.translated(one["entry"], ctx.language) or DASH,
            " ← ".join(filter(None, (ctx.city.translated(one[by], ctx.language) for by in ("owner", "department")))),
            "overdue" if one["late"] else "normal", "", one["due"],
        )
        for one in views["sharing_requests"].get("waiting", [])
    ]  # fmt: skip


BROKEN_ENTRIES = Behind(Words("中断的目录与接口", "Broken entries and APIs"), ("sharing_broken",), _broken)
LATE_ENTRIES = Behind(Words("超过周期的目录", "Entries past their cycle"), ("sharing_broken",), _late)
STALE = Behind(Words("中断与超期的目录", "Broken and late entries"), ("sharing_broken",), _stale)
APIS = Behind(
    Words("接口", "APIs"), ("sharing_calls",), _apis,
    Words("调用由各接口按小时报合计，不逐次留存", "Each API tells its calls as sums of an hour, and not one by one"),
)  # fmt: skip
REQUESTS = Behind(
    Words("待办的需求", "Pending requests"),
    ("sharing_requests",),
    _requests,
    Words("已答复的需求计入合计，逐条列出的是待办者", "Requests that are answered are counted; listed are the pending"),
)

# -- cloud and network ---------------------------------------------------------------------------------------

FALLS = Words("24 小时断 {} 次", "{}× down in 24 h")
AVAILABLE = Words("可用率 {} %", "up {} %")
POOL_LOOKS = {"alarm": "overdue", "warn": "soon", "normal": "normal"}
WORSE = ("alarm", "warn", "normal", "none")


def called(link: Row, ctx: Context) -> str:
    """A link by what it joins, with its line where there are several."""
    start, end = (clipped(ctx.named(link[part])) for part in ("start", "end"))
    line = LINES.get(link["name"])
    name = f"{start} – {end}" if start and end else clipped(link["name"] or link["subject"])
    return f"{name} {line[ctx.language]}" if line and start and end else name


def _living(view: str, rows: str, kind: str = "") -> Callable[..., Sequence[Record]]:
    """Links, services or hosts that are not well, or were not always within a day, the worst first."""

    def records(views: Views, ctx: Context) -> Sequence[Record]:
        found = []
        for one in views[view].get(rows, []):
            if (one["grade"] == "normal" and not one["falls"]) or (kind and one["resource"] != kind):
                continue
            light, word = GRADES[one["grade"]]
            up, seen = one["availability"]
            name = called(one, ctx) if rows == "links" else ctx.city.translated(
                one["name"] or one["subject"], ctx.language
            )  # fmt: skip
            said = joined(
                word[ctx.language], FALLS[ctx.language].format(one["falls"]) if one["falls"] else "",
                AVAILABLE[ctx.language].format(percent(up, seen)) if seen else "",
            )  # fmt: skip
            found.append(Record(name, said, light, "", since=one["since"]))
        return found

    return records


def _certificates(*grades: str) -> Callable[..., Sequence[Record]]:
    looks = {"ended": "overdue", "alarm": "worst", "warn": "soon"}

    def records(views: Views, ctx: Context) -> Sequence[Record]:
        return [
            Record(
                one["name"], datetime.fromtimestamp(one["expires"], ctx.city.tz).strftime("%Y-%m-%d"),
                looks.get(one["grade"], "normal"), "", one["expires"],
            )
            for one in views["certificates"].get("certificates", [])
            if one["grade"] in grades
        ]  # fmt: skip

    return records


def _pools(metric: str = "") -> Callable[..., Sequence[Record]]:
    def records(views: Views, ctx: Context) -> Sequence[Record]:
        found = []
        for pool in views["pools"].get("pools", []):
            cells = {name: cell for name, cell in pool["cells"].items() if metric in ("", name)}
            if not cells:
                continue
            said = joined(*(
                f"{METRICS.get(name, Words(name, name))[ctx.language]} "
                f"{compact(cell['used'], ctx.language)}"
                + (f" / {compact(cell['limit'], ctx.language)}" if cell["limit"] else "")
                for name, cell in cells.items()
            ))  # fmt: skip
            worst = min((cell["grade"] for cell in cells.values()), key=WORSE.index)
            found.append(Record(
                ctx.city.translated(pool["name"], ctx.language), said, POOL_LOOKS.get(worst, "none"), "",
            ))  # fmt: skip
        return found

    return records


LINKS = Behind(
    Words("异常的链路", "Links that are not well"),
    ("network",),
    _living("network", "links"),
    Words("其余链路一日之内正常", "All other links were well for a day"),
)
NOT_WELL = Behind(
    Words("异常的服务、主机与链路", "Services, hosts and links that are not well"), ("services", "network"),
    lambda views, ctx: sorted(
        [*_living("services", "services")(views, ctx), *_living("network", "links")(views, ctx)],
        key=lambda one: [light for light, _ in GRADES.values()].index(one.light),
    ),
)  # fmt: skip
ILL = Words("异常的服务与主机", "Services and hosts that are not well")
WELL = Words("其余一日之内正常", "All others were well for a day")
THINGS = Behind(ILL, ("services",), _living("services", "services"), WELL)
SERVICES = Behind(ILL, ("services",), _living("services", "services", "service"), WELL)
HOSTS = Behind(ILL, ("services",), _living("services", "services", "host"), WELL)
CERTIFICATE = Words("证书", "Certificates")
CERTIFICATES = {
    name: Behind(CERTIFICATE, ("certificates",), _certificates(name)) for name in ("ended", "alarm", "warn", "normal")
}
NEAR_CERTIFICATES = Behind(CERTIFICATE, ("certificates",), _certificates("ended", "alarm", "warn"))
ALL_CERTIFICATES = Behind(CERTIFICATE, ("certificates",), _certificates("ended", "alarm", "warn", "normal"))
POOL = Words("资源池", "Pools")
ALL_POOLS = Behind(POOL, ("pools",), _pools())
POOLS_OF = {metric: Behind(POOL, ("pools",), _pools(metric)) for metric in METRICS}

# -- video ---------------------------------------------------------------------------------------------------

DOWN = Words("{} 路离线", "{} cameras off")
MISSING = Words("缺录 {} 路时", "{} camera hours missing")


def _faults(keep: Callable[[Row], bool] = lambda fault: True) -> Callable[..., Sequence[Record]]:
    def records(views: Views, ctx: Context) -> Sequence[Record]:
        return [
            Record(
                ctx.city.translated(fault["name"], ctx.language) or ", ".join(fault["some"]),
                joined(
                    DOWN[ctx.language].format(compact(fault["down"], ctx.language)), place_of(fault["place"], ctx),
                    ctx.city.translated(fault["platform"], ctx.language),
                ),
                "overdue", "", since=fault["since"],
            )
            for fault in views["video_faults"].get("faults", [])
            if keep(fault)
        ]  # fmt: skip

    return records


def _recordings(views: Views, ctx: Context) -> Sequence[Record]:
    rows = [row for row in views["video_time"].get("platforms", []) if row[2]]
    rows.sort(key=lambda row: (row[1] / row[2], row[0]))
    return [
        Record(
            ctx.city.translated(name, ctx.language),
            joined(f"{percent(part, whole, 2)} %",
                   MISSING[ctx.language].format(compact((whole - part) / 3600, ctx.language, 6))),
            "normal" if part >= 0.98 * whole else "soon", "",
        )
        for name, part, whole in rows
    ]  # fmt: skip


def _away(views: Views, ctx: Context) -> Sequence[Record]:
    return [
        Record(
            camera["name"], joined(place_of(camera["place"], ctx), duration(camera["seconds"])),
            CAMERAS.get(camera["state"], CAMERAS["unknown"])[0], "",
        )
        for camera in views["video_time"].get("longest", [])
    ]  # fmt: skip


FAULT = Words("视频故障", "Video faults")
FAULTS = Behind(FAULT, ("video_faults",), _faults())
SHARED_FAULTS = Behind(FAULT, ("video_faults",), _faults(lambda fault: fault["cause"] != "camera"))
AWAY = Behind(Words("今日离线的摄像头", "Cameras that were offline today"), ("video_time",), _away)
RECORDINGS = Behind(
    Words("各平台", "The platforms"),
    ("video_time",),
    _recordings,
    Words("录像时长由各平台报合计", "Each platform tells the time it has recorded as a sum"),
)
