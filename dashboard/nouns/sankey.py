"""Sankey diagrams: where the nodes of a flow stand and what outline each of its ribbons has, as plain numbers.

Plotly's own needs its full bundle, four times the size of what the pages load. This one knows a flow that runs
from left to right through fixed columns, with what turns back led below everything; the outlines are SVG path
data, filled, so that a drawing may be stretched to any card without a line growing thick.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Link = tuple[str, str, float]


@dataclass(frozen=True)
class Node:
    """A node as a rectangle; ``amount`` is the larger of what comes in and what goes out."""

    name: str
    x: float
    y: float
    width: float
    height: float
    amount: float


@dataclass(frozen=True)
class Ribbon:
    """A link as a closed outline; ``back`` is true where it runs against the flow, ``middle`` is a label's place."""

    source: str
    target: str
    amount: float
    path: str
    back: bool
    middle: tuple[float, float]


@dataclass(frozen=True)
class Sankey:
    """A flow laid out in a rectangle of ``width`` × ``height``."""

    width: float
    height: float
    nodes: tuple[Node, ...]
    ribbons: tuple[Ribbon, ...]


def sankey(
    links: Sequence[Link],
    columns: Sequence[Sequence[str]],
    *,
    width: float = 1000.0,
    height: float = 400.0,
    thickness: float = 12.0,
    lane: float = 0.34,
    gap: float = 8.0,
    least: float = 1.5,
) -> Sankey:
    """Lay out ``links`` (from, to, amount) between the nodes of ``columns``, from left to right.

    Links of one pair are added up; amounts of zero, and links of a node to itself, are left out. ``lane`` is the
    share of the height kept at the bottom for what runs back, ``gap`` the space between nodes of a column and
    between lanes, ``least`` the height of the thinnest ribbon that is still drawn.

    Raises:
        ValueError: if a link names a node that stands in no column, or has a negative amount.

    >>> [round(node.height, 2) for node in sankey([("a", "b", 3.0)], [["a"], ["b"]], lane=0.0, height=100.0).nodes]
    [100.0, 100.0]
    """
    column = {name: at for at, names in enumerate(columns) for name in names}
    amounts: dict[tuple[str, str], float] = {}
    for source, target, amount in links:
        if source not in column or target not in column:
            raise ValueError(f"{source} → {target}: a node of this link stands in no column")
        if amount < 0:
            raise ValueError(f"{source} → {target}: an amount of {amount:g} cannot flow")
        if amount and source != target:
            amounts[source, target] = amounts.get((source, target), 0.0) + amount
    back = {pair for pair in amounts if column[pair[1]] <= column[pair[0]]}
    into = {name: sum(n for (_, target), n in amounts.items() if target == name) for name in column}
    out = {name: sum(n for (source, _), n in amounts.items() if source == name) for name in column}
    size = {name: max(into[name], out[name]) for name in column}
    field = height * (1 - lane) if back else height
    scale = min(
        (
            (field - gap * (len(names) - 1)) / total
            for names in columns
            if (total := sum(size[name] for name in names)) > 0
        ),
        default=0.0,
    )

    def high(amount: float) -> float:
        return max(least, amount * scale)

    step = (width - thickness) / max(1, len(columns) - 1)
    nodes: dict[str, Node] = {}
    for at, names in enumerate(columns):
        tall = sum(size[name] * scale for name in names) + gap * (len(names) - 1)
        y = (field - tall) / 2
        for name in names:
            nodes[name] = Node(name, at * step, y, thickness, size[name] * scale, size[name])
            y += size[name] * scale + gap
    # At each node what flows on stands at the top, the nearest first, and what runs back at the bottom.
    order = sorted(amounts, key=lambda pair: (pair in back, column[pair[1]] - column[pair[0]], pair))
    left = {name: nodes[name].y for name in nodes}
    right = dict(left)
    starts: dict[tuple[str, str], float] = {}
    ends: dict[tuple[str, str], float] = {}
    for pair in order:
        starts[pair] = right[pair[0]]
        right[pair[0]] += amounts[pair] * scale
    for pair in sorted(amounts, key=lambda pair: (pair in back, column[pair[1]] - column[pair[0]], pair)):
        ends[pair] = left[pair[1]]
        left[pair[1]] += amounts[pair] * scale
    ribbons = []
    for pair in order:
        if pair not in back:
            here, there = nodes[pair[0]], nodes[pair[1]]
            ribbons.append(_forward(pair, amounts[pair], high(amounts[pair]), here, there, starts, ends))
    # The shortest way back takes the highest of the lanes, which share their part of the height evenly.
    ways = sorted(back, key=lambda pair: (column[pair[0]] - column[pair[1]], pair))
    room = (height - field) / max(1, len(ways))
    for at, pair in enumerate(ways):
        tall = high(amounts[pair])
        thin = min(tall, max(least, room - gap))
        y = field + (at + 0.5) * room - thin / 2
        ribbons.append(_backward(pair, amounts[pair], tall, thin, y, step, nodes, starts[pair], ends[pair]))
    return Sankey(width, height, tuple(nodes.values()), tuple(ribbons))


def _forward(
    pair: tuple[str, str],
    amount: float,
    tall: float,
    source: Node,
    target: Node,
    starts: dict[tuple[str, str], float],
    ends: dict[tuple[str, str], float],
) -> Ribbon:
    x1, x2, y1, y2 = source.x + source.width, target.x, starts[pair], ends[pair]
    mid = (x1 + x2) / 2
    path = (
        f"M{_n(x1)} {_n(y1)}C{_n(mid)} {_n(y1)} {_n(mid)} {_n(y2)} {_n(x2)} {_n(y2)}"
        f"L{_n(x2)} {_n(y2 + tall)}C{_n(mid)} {_n(y2 + tall)} {_n(mid)} {_n(y1 + tall)} {_n(x1)} {_n(y1 + tall)}Z"
    )
    return Ribbon(*pair, amount, path, False, (mid, (y1 + y2 + tall) / 2))


def _backward(
    pair: tuple[str, str],
    amount: float,
    tall: float,
    thin: float,
    y: float,
    step: float,
    nodes: dict[str, Node],
    start: float,
    end: float,
) -> Ribbon:
    source, target = nodes[pair[0]], nodes[pair[1]]
    x1, x2 = source.x + source.width, target.x
    inner, outer = 0.10 * step, 0.10 * step + min(tall, 0.12 * step)
    low = y + thin

    def turn(x: float, by: float, y_from: float, y_to: float) -> str:
        return f"C{_n(x + by)} {_n(y_from)} {_n(x + by)} {_n(y_to)} {_n(x)} {_n(y_to)}"

    path = (
        f"M{_n(x1)} {_n(start)}{turn(x1, outer, start, low)}L{_n(x2)} {_n(low)}{turn(x2, -outer, low, end)}"
        f"L{_n(x2)} {_n(end + tall)}{turn(x2, -inner, end + tall, y)}L{_n(x1)} {_n(y)}"
        f"{turn(x1, inner, y, start + tall)}Z"
    )
    # A long way is named near its source, so that the name of a shorter one beside it has room.
    at = (x1 + x2) / 2 if x1 - x2 < 1.5 * step else x1 - 0.22 * (x1 - x2)
    return Ribbon(*pair, amount, path, True, (at, y + thin / 2))


def _n(value: float) -> str:
    """A coordinate as it stands in path data: two decimals, without trailing zeros."""
    return f"{value:.2f}".rstrip("0").rstrip(".")
