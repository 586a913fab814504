"""The map's layer of car parks: each where it lies, by how full it is."""

from __future__ import annotations

from dashboard.screens.layer import Layer, State
from dashboard.words import Words

LAYER = Layer(
    id="parking",
    title=Words("停车场", "Car parks"),
    points="park_points",
    states="park_states",
    looks=(
        State("normal", Words("有空位", "Spaces")),
        State("soon", Words("将满", "Filling")),
        State("overdue", Words("已满", "Full")),
        State("worst", Words("超容", "Over capacity")),
        State("paused", Words("不可信", "Faulty")),
    ),
    rate=Words("空位率", "Free"),
    rank=40,
    frame="plate",
    leads="card",
    thing="park_thing",
)
