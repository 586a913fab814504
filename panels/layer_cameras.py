"""The map's layer of cameras: each where it stands, in the shape and colour of its state."""

from __future__ import annotations

from dashboard.screens.layer import Layer, State
from dashboard.words import CAMERAS, Words

LAYER = Layer(
    id="cameras",
    title=Words("摄像头", "Cameras"),
    points="camera_points",
    states="camera_states",
    looks=tuple(State(look, words) for look, words in CAMERAS.values()),
    rate=Words("在线率", "Online"),
    home=("video",),
    rank=10,
    leads="card",
    thing="camera_thing",
    record="video",
)
