"""The map's layer of gauges: water, rain and air where they are measured, by what they warn of."""

from __future__ import annotations

from dashboard.screens.layer import Layer, State
from dashboard.words import Words

LAYER = Layer(
    id="sensors",
    title=Words("监测点", "Gauges"),
    points="gauge_points",
    states="gauge_states",
    looks=(
        State("normal", Words("正常", "Normal")),
        State("soon", Words("警戒", "Warning")),
        State("overdue", Words("超限", "Alarm")),
        State("paused", Words("不可信", "Faulty")),
        State("none", Words("无阈值", "No threshold")),
    ),
    rate=Words("可信率", "Believed"),
    home=("emergency",),
    rank=30,
    frame="drop",
    leads="card",
    thing="gauge_thing",
    record="emergency",
)
