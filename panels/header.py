"""The header: whose city this is, where we are in it, what kind of data, how the sources do, and the time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import html

from dashboard.nouns.noun import Document
from dashboard.screens.layout import all_layouts
from dashboard.screens.marks import amount, both, named, tip
from dashboard.screens.panel import Context, Painted, Panel
from dashboard.screens.topbar import LANGUAGES
from dashboard.words import Words

SIMULATED = Words("模拟数据", "Simulated data")
REPLAYED = Words("历史回放", "Replay")
FEEDS = Words("数据源", "Feeds")
ALERTS = Words("待确认告警", "unacknowledged")
GRAVE = ("1", "2")  # Severities that are told of in the header, at whatever screen.
LAYOUTS = Words("屏幕", "Screens")
SCREENS = Words("管理屏幕", "All displays")
WELL = Words("正常", "OK")
THEMES = {"light": ("○", Words("浅色", "Light")), "dark": ("●", Words("深色", "Dark"))}


def frame(ctx: Context) -> Any:
    """Title, way, badges; sources, language, date and clock."""
    badges = []
    if ctx.city.simulated:
        note = Words("所有数据均由程序生成，非真实工单", "All data are generated; there are no real tickets")
        badges.append(html.Span(both(SIMULATED), className="badge news", **tip(note)))
    if ctx.city.replayed:
        note = Words("按城市时间回放的历史工单", "Past tickets, replayed by the city's time")
        badges.append(html.Span(both(REPLAYED), className="badge news", **tip(note)))
    switch = [
        html.A(LANGUAGES[language], href=f"?lang={language}", lang=language, **{"data-set-lang": language})
        for language in ctx.city.languages
    ]
    themes = [
        html.A([shape, " ", both(words)], href=f"?theme={theme}", **{"data-set-theme": theme})
        for theme, (shape, words) in THEMES.items()
    ]
    layouts = all_layouts()
    screens = [
        html.A(both(layouts[screen].title), href=f"/{screen}", **{"data-go-screen": screen})
        for screen in ctx.city.screens
        if screen in layouts
    ]
    screens.append(html.A(both(SCREENS), href="/screens", className="all", **{"data-go-screen": "screens"}))
    return html.Div(
        [
            html.H1(both(ctx.city.title.words)),
            html.Nav(id="header-path", className="path"),
            html.Details(
                [html.Summary(html.Span(id="header-screen")), html.Nav(screens, **named(LAYOUTS))],
                className="screens",
                hidden=len(screens) < 2,
            ),
            html.Div(badges, className="badges"),
            html.Div(id="header-playlist", className="playlist"),
            html.Div(className="gap"),
            html.Div(id="header-alerts", className="alerts"),
            html.Div(id="header-sources", className="sources"),
            html.Nav(switch if len(switch) > 1 else [], className="languages"),
            html.Nav(themes, className="themes"),
            html.Time(className="date", **{"data-clock": "date"}),
            html.Time(
                [html.Span(**{"data-clock": "time"}), html.Span(className="seconds", **{"data-clock": "seconds"})],
                className="clock",
                **{"data-zone": ctx.city.zone},
            ),
        ],
        className="header",
        **{"data-answers": "own"},
    )


def path(ctx: Context) -> list[Any]:
    """The way from the city to the place: each step up is a link, the last one is where we are."""
    codes = ctx.places.path(ctx.place)
    steps: list[Any] = []
    for code in codes:
        if steps:
            steps.append(html.Span("›", className="then", **{"aria-hidden": "true"}))
        title = ctx.places[code].title(ctx.language)
        here = {"aria-current": "location"} if code == codes[-1] else {}
        steps.append(html.A(title, href=f"?place={code}", **{"data-place": code}, **here))
    return steps


def paint(views: Mapping[str, Document], ctx: Context) -> Painted:
    """The way, the grave alerts that nobody has taken note of, and how many sources are well."""
    feeds = views["feeds"].get("feeds", [])
    well = sum(feed["state"] == "live" for feed in feeds)
    shape, kind = ("●", "well") if feeds and well == len(feeds) else ("▲", "ill")
    open_ = views["alerts"].get("open", {})
    grave = sum(open_.get(severity, 0) for severity in GRAVE)
    number = html.B(amount(grave, ctx.language, "", 3))
    words = [html.Span("◆", className="shape"), " ", number, f" {ALERTS[ctx.language]}"]
    sources = [
        html.Span(shape, className=f"shape {kind}"),
        f" {FEEDS[ctx.language]} ",
        html.B(f"{well} / {len(feeds)}"),
        f" {WELL[ctx.language]}",
    ]
    return {
        "header-path.children": path(ctx),
        "header-alerts.children": _leading(words, ctx) if grave else [],
        "header-sources.children": _leading(sources, ctx),
    }


def _leading(words: list[Any], ctx: Context) -> Any:
    """What leads to the desk, which has every alert and source; where the city has none, the words alone."""
    if "desk" in ctx.city.screens:
        return html.A(words, href="/desk", **{"data-go-screen": "desk"})
    return html.Span(words)


PANEL = Panel(
    id="header",
    title=Words("页眉", "Header"),
    reads=("feeds", "alerts"),
    frame=frame,
    paint=paint,
    example={
        "feeds": {"feeds": [{"name": "pretend", "state": "live"}, {"name": "post", "state": "late"}]},
        "alerts": {"open": {"1": 1, "2": 3, "3": 12, "4": 0}, "unacknowledged": 16},
    },
    bare=True,
)
