"""What is taken of the cloud: each pool with its processors, memory, storage and cards, and what is in no sum."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import html

from dashboard.nouns.noun import Document
from dashboard.screens.marks import both, clipped, empty, number, row, share
from dashboard.screens.networkrecords import ALL_POOLS, POOLS_OF
from dashboard.screens.panel import Context, Painted, Panel
from dashboard.words import DASH, METRICS, Words, compact, in_percent, percent

ROWS = 24
COLUMNS = ("cpu", "memory", "storage", "gpu")
UNITS = {"cores": Words("核", "cores"), "cards": Words("卡", "cards")}
OUT = {"old": Words("过时", "old"), "no_limit": Words("总量未报", "no limit"), "unit": Words("单位不同", "other unit")}
LEFT = Words("未计入", "left out")
POOLS = Words("池", "pools")
POOL = Words("资源池", "Pool")
EMPTY = Words("尚无资源池", "No pools yet")
KINDS = {"normal": "high", "warn": "middle", "alarm": "low", "none": "none"}


def frame(ctx: Context) -> Any:
    """A figure for each resource, and a table of pools."""
    figures = [
        html.Div([
            html.H3(both(METRICS[metric])),
            html.Div(id=f"cloud_pools-{metric}", className="figure"),
            html.Div(id=f"cloud_pools-{metric}-bar", className="fill"),
            html.Div(id=f"cloud_pools-{metric}-why", className="why"),
        ])
        for metric in COLUMNS
    ]  # fmt: skip
    head = [html.Span(both(POOL), className="name"), *[html.Span(both(METRICS[metric])) for metric in COLUMNS]]
    return html.Div(
        [
            html.Div(figures, className="figures four"),
            html.Div(head, className="row head"),
            html.Div(id="cloud_pools-rows", className="rows"),
        ],
        className="list cloud-pools",
    )


def unit_of(name: str, language: str) -> str:
    """A unit as the screens write it."""
    return UNITS[name][language] if name in UNITS else name


def _cell(cell: Mapping[str, Any] | None, language: str) -> Any:
    """What is taken of a pool: the share with a bar, or why there is none."""
    if cell is None:
        return html.Div(html.Span(DASH, className="quiet"), className="pool-cell")
    if not cell["limit"]:
        used = f"{compact(cell['used'], language)} {unit_of(cell['unit'], language)}"
        return html.Div([html.Span(OUT["no_limit"][language], className="quiet"), html.Span(used, className="of")],
                        className="pool-cell")  # fmt: skip
    part = cell["used"] / cell["limit"]
    said = [html.Span(f"{in_percent(100 * part, 0)} %", className=f"n {cell['grade']}")]
    if cell["out"]:
        said.append(html.Span(OUT[cell["out"]][language], className="quiet"))
    of = f"{compact(cell['used'], language)}/{compact(cell['limit'], language)}"
    return html.Div(
        [html.Div(said, className="said"), share(part, KINDS[cell["grade"]]), html.Span(of, className="of")],
        className="pool-cell",
    )


def paint(views: Mapping[str, Document], ctx: Context) -> Painted:
    """Each sum with numerator and denominator and the number of pools it is over; then pool by pool."""
    view, language = views["pools"], ctx.language
    sums = view.get("allocation", {})
    painted: Painted = {}
    for metric in COLUMNS:
        found = sums.get(metric)
        limit = found["limit"] if found else 0
        painted[f"cloud_pools-{metric}.children"] = number(percent(found["used"], limit) if found else DASH, "%")
        painted[f"cloud_pools-{metric}-bar.children"] = (
            share(found["used"] / limit if limit else 0, KINDS[found["grade"]]) if found else ""
        )
        said = []
        if found and limit:
            unit = unit_of(found["unit"], language)
            said.append(html.Span(f"{compact(found['used'], language)} / {compact(limit, language)} {unit}"))
        if found:
            said.append(html.Span(f"{compact(found['pools'], language)} {POOLS[language]}", className="quiet"))
            if found["left_out"]:
                said.append(html.Span(f"{LEFT[language]} {compact(found['left_out'], language, 4)}", className="quiet"))
        painted[f"cloud_pools-{metric}-why.children"] = said
    rows = []
    for pool in view.get("pools", [])[:ROWS]:
        name = clipped(ctx.city.translated(pool["name"], language))
        rows.append(
            row(
                [html.Span(name, className="name"), *[_cell(pool["cells"].get(metric), language) for metric in COLUMNS]]
            )
        )
    painted["cloud_pools-rows.children"] = rows or empty(EMPTY, language)
    return painted


def _cells(**cells: tuple[float, float | None, str, str, str]) -> Document:
    names = ("used", "limit", "unit", "out", "grade")
    return {metric: dict(zip(names, cell, strict=True)) for metric, cell in cells.items()}


def _sum(used: float, limit: float, unit: str, pools: int, left_out: int, grade: str) -> Document:
    return {"used": used, "limit": limit, "unit": unit, "pools": pools, "left_out": left_out, "grade": grade}


PANEL = Panel(
    id="cloud_pools",
    title=Words("资源池", "Pools"),
    reads=("pools",),
    frame=frame,
    paint=paint,
    example={
        "pools": {
            "pools": [
                {
                    "key": "c|pool|1", "name": "<b>政务云</b>",
                    "cells": _cells(cpu=(4081.0, 6144.0, "cores", "", "normal"),
                                    memory=(21635.0, 24576.0, "GiB", "", "warn"),
                                    storage=(1704.0, 1800.0, "TiB", "old", "none")),
                },
                {
                    "key": "c|pool|2", "name": "智算区",
                    "cells": _cells(cpu=(824.0, 1024.0, "cores", "", "warn"),
                                    storage=(400.0, None, "TiB", "no_limit", "none"),
                                    gpu=(180.0, 192.0, "cards", "", "alarm")),
                },
            ],
            "number": 2,
            "allocation": {
                "cpu": _sum(4905.0, 7168.0, "cores", 2, 0, "normal"), "gpu": _sum(180.0, 192.0, "cards", 1, 0, "alarm"),
                "memory": _sum(21635.0, 24576.0, "GiB", 1, 0, "warn"), "storage": _sum(0.0, 0.0, "", 0, 2, "none"),
            },
        }
    },
    period=Words("此刻 · 已分配", "now · allocated"),
    formula=Words(
        "分配率 = 已分配 ÷ 总量；只计总量已报、未过时且单位相同的池，其余计为未计入",
        "Allocated ÷ there is, over the pools that tell their limit, lately and in the same unit; "
        "the others are left out",
    ),
    records={"": ALL_POOLS, **POOLS_OF},
)  # fmt: skip
