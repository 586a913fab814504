"""The network as a star: the core in the middle, towns around it, at the sides what hangs on them; links by state."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from math import cos, hypot, pi, sin
from typing import Any, NamedTuple

from dash import html

from dashboard.nouns.noun import Document
from dashboard.screens.marks import clipped, drawing, empty, light, outline
from dashboard.screens.networkrecords import LINKS
from dashboard.screens.panel import Context, Painted, Panel
from dashboard.words import GRADES, Words, compact

RING = (17.0, 36.0)  # Half axes of the ring, in hundredths of the field, …
COLUMNS = (79.0, 21.0)  # … and where the columns stand, at the right and at the left.
APART = 0.55  # Half of what two links of the same nodes are apart.
LEAN = 12.0  # Nodes of the ring nearer to the middle than that have their names lean outwards.
MANY = 56  # Nodes at the sides that are all named; of more, those with a link that is not well.
ELSEWHERE = Words("未画", "not drawn")
EMPTY = Words("尚无链路", "No links yet")


class Star(NamedTuple):
    """Where nodes stand, in hundredths of the field: ``hub`` is the one in the middle, ``ring`` those around it, and
    ``rim`` those in the two columns at the sides.
    """

    hub: str
    ring: tuple[str, ...]
    rim: tuple[str, ...]
    places: Mapping[str, tuple[float, float]]


def star_of(links: Sequence[Mapping[str, Any]]) -> Star | None:
    """A place for each node: the node that is near the most others in the middle, its neighbours that have others in
    a ring; at the sides what hangs on these, beside it what hangs on the middle alone. What is further has no place.
    """
    near: dict[str, set[str]] = {}
    for start, end in sorted({(link["start"], link["end"]) for link in links if link["start"] and link["end"]}):
        near.setdefault(start, set()).add(end)
        near.setdefault(end, set()).add(start)
    if not near:
        return None
    hub = max(
        sorted(near), key=lambda node: (len(near[node].union(*(near[one] for one in near[node]))), len(near[node]))
    )
    ring = tuple(node for node in sorted(near[hub]) if near[node] - {hub})
    alone = [node for node in sorted(near[hub]) if node not in ring]
    places = {hub: (50.0, 50.0)}
    sectors, taken = max(1, len(ring)), {hub, *ring, *alone}
    sides: tuple[list[tuple[float, str]], list[tuple[float, str]]] = ([], [])
    for at in range(sectors):
        # Half a sector on, so that none stands just above the middle, where it would hide its own links.
        middle = 2 * pi * (at + 0.5) / sectors - pi / 2
        rim = alone[at * len(alone) // sectors : (at + 1) * len(alone) // sectors]
        if ring:
            places[ring[at]] = (50 + RING[0] * cos(middle), 50 + RING[1] * sin(middle))
            below = [node for node in sorted(near[ring[at]]) if node not in taken]
            taken |= set(below)
            rim = [*rim[: len(rim) // 2], *below, *rim[len(rim) // 2 :]]
        for n, node in enumerate(rim):
            angle = middle + 2 * pi / sectors * ((n + 0.5) / len(rim) - 0.5)
            sides[cos(angle) < 0].append((sin(angle), node))
    for column, side in zip(COLUMNS, sides, strict=True):
        for n, (_, node) in enumerate(sorted(side)):
            places[node] = (column, 100 * (n + 0.5) / len(side))
    return Star(hub, ring, tuple(node for side in sides for _, node in side), places)


def frame(ctx: Context) -> Any:
    """The picture and its legend."""
    return html.Div(
        [html.Div(id="cloud_network-star", className="star"), html.Div(id="cloud_network-legend", className="legend")],
        className="cloud-network",
    )


def paint(views: Mapping[str, Document], ctx: Context) -> Painted:
    """Each link in the colour of its grade; the names of the core, of the ring, and of what is not well."""
    view, language = views["network"], ctx.language
    links = view.get("links", [])
    star = star_of(links)
    grades = view.get("grades", {})
    legend = [
        html.Span([light(look, language), f" {words[language]} ", html.B(compact(grades[name], language, 4))])
        for name, (look, words) in reversed(GRADES.items())
        if grades.get(name)
    ]
    if star is None:
        return {"cloud_network-star.children": empty(EMPTY, language), "cloud_network-legend.children": legend}
    drawn = [link for link in links if link["start"] in star.places and link["end"] in star.places]
    if len(drawn) < view.get("total", 0):
        legend.append(
            html.Span(f"{ELSEWHERE[language]} {compact(view['total'] - len(drawn), language, 4)}", className="quiet")
        )
    return {
        "cloud_network-star.children": [
            drawing(_edges(drawn, star), 100, 100, "edges"),
            *_nodes(drawn, star, ctx),
        ],
        "cloud_network-legend.children": legend,
    }


def _edges(links: Sequence[Mapping[str, Any]], star: Star) -> list[Any]:
    """The links as lines, the worst on top; several of the same nodes run beside each other."""
    number = Counter((link["start"], link["end"]) for link in links)
    done: Counter[tuple[str, str]] = Counter()
    shapes = []
    for link in sorted(links, key=lambda link: link["key"]):
        pair = (link["start"], link["end"])
        (x, y), (u, v) = star.places[pair[0]], star.places[pair[1]]
        far = hypot(u - x, v - y) or 1.0
        aside = APART * (2 * done[pair] - number[pair] + 1) if number[pair] > 1 else 0.0
        done[pair] += 1
        dx, dy = -aside * (v - y) / far, aside * (u - x) / far
        path = f"M{x + dx:.2f} {y + dy:.2f}L{u + dx:.2f} {v + dy:.2f}"
        shapes.append((list(GRADES).index(link["grade"]), outline(path, f"edge {link['grade']}")))
    return [shape for _, shape in sorted(shapes, key=lambda one: -one[0])]


def _nodes(links: Sequence[Mapping[str, Any]], star: Star, ctx: Context) -> list[Any]:
    """A dot for each node in the colour of its worst link, unless another way to it is well."""
    ways: dict[str, list[str]] = {}
    for link in links:
        outer = link["end"] if link["start"] in (star.hub, *star.ring) and link["end"] != star.hub else link["start"]
        ways.setdefault(outer, []).append(link["grade"])
    order = list(GRADES)
    ill = [node for node, found in ways.items() if min(map(order.index, found)) < order.index("normal")]
    named = {star.hub, *star.ring, *(star.rim if len(star.rim) <= MANY else ill)}
    found = []
    for node, (x, y) in star.places.items():
        # With a second way that is well a node is reached: it is no worse than its best link.
        grade = order[max(map(order.index, ways[node]))] if node in ways else "normal"
        look = GRADES[grade][0]
        kind = "hub" if node == star.hub else "inner" if node in star.ring else "outer"
        aside = "left" if x < 50 else "right"
        side = aside if kind == "outer" else "top" if y < 50 else "bottom"
        lean = f" lean-{aside}" if kind == "inner" and 1 < abs(x - 50) < LEAN else ""
        name = clipped(ctx.named(node))
        label = [html.Span(name, className="label")] if node in named else []
        found.append(
            html.Span(
                [html.Span(className=f"dot {look}"), *label],
                className=f"node {kind} {side}{lean}", style={"left": f"{x:.2f}%", "top": f"{y:.2f}%"}, title=name,
            )
        )  # fmt: skip
    return found


def _link(start: str, end: str, grade: str = "normal", line: str = "") -> Document:
    return {
        "key": f"c|link|{start}{end}{line}", "name": line, "subject": f"{start}{end}{line}", "resource": "link",
        "grade": grade, "start": start, "end": end, "place": "", "metrics": {}, "since": None,
        "availability": [288, 288], "falls": 0,
    }  # fmt: skip


PANEL = Panel(
    id="cloud_network",
    title=Words("网络拓扑", "The network"),
    reads=("network",),
    frame=frame,
    paint=paint,
    example={
        "network": {
            "links": [
                _link("区核心", "九江镇", "down", "B"), _link("区核心", "九江镇", "normal", "A"),
                _link("区核心", "狮山镇"), _link("九江镇", "敦根社区", "warn"), _link("狮山镇", "大榄社区"),
                _link("狮山镇", "塘头社区", "unknown"), _link("区核心", "<b>教育局</b>", "alarm"),
                _link("区核心", "财政局"),
            ],
            "total": 9, "grades": {"down": 1, "alarm": 1, "unknown": 1, "warn": 1, "normal": 5},
            "availability": [2500, 2592], "latency": 0.0049, "peak": None,
        }
    },
    period=Words("此刻 · 示意", "now · schematic"),
    formula=Words(
        "线为链路，颜色为其状态；圆点为节点，取其最好的一条通路的状态；位置为示意，与地理无关",
        "A line is a link in the colour of its state, a dot a node as its best link is; positions are schematic "
        "and say nothing of geography",
    ),
    records={"": LINKS},
)  # fmt: skip
