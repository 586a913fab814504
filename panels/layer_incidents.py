"""The map's layer of incidents: the open emergencies where they are, in the light of the time they have left."""

from __future__ import annotations

from dashboard.nouns.tickets import LIGHTS as ORDER
from dashboard.screens.layer import Layer, State
from dashboard.words import LIGHTS, Words

LAYER = Layer(
    id="incidents",
    title=Words("突发事件", "Incidents"),
    points="incident_points",
    states="incident_states",
    looks=tuple(State(name, LIGHTS[name][1]) for name in ORDER),
    rate=Words("时限内", "In time"),
    home=("emergency",),
    rank=20,
    frame="ring",
    leads="ticket",
)
