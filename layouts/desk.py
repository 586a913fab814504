"""Desk: the duty officer's place, with the queue, one alert in full, the map, the log and the sources."""

from __future__ import annotations

from dashboard.screens.layout import Layout
from dashboard.words import Words

LAYOUT = Layout(
    id="desk",
    title=Words("值守", "Desk"),
    pictures={
        "wide": """
            header     header      header
            desk_queue desk_detail map
            desk_queue desk_detail desk_log
            desk_queue desk_feeds  desk_log
        """,
        "small": """
            header     header      header
            desk_queue desk_detail map
            desk_queue desk_detail desk_log
            desk_queue desk_feeds  desk_log
        """,
        "ultrawide": """
            header     header      header header   header
            desk_queue desk_detail map    desk_log desk_feeds
        """,
        "tall": """
            header      header
            desk_queue  desk_queue
            desk_detail map
            desk_log    desk_feeds
        """,
    },
    columns={
        "wide": "60fr 58fr 70fr",
        "small": "54fr 50fr 56fr",
        "ultrawide": "84fr 78fr 92fr 66fr 60fr",
        "tall": "52fr 52fr",
    },
    rows={
        "wide": "7fr 47fr 24fr 29fr",
        "small": "6.5fr 42fr 24fr 26fr",
        "ultrawide": "7fr 100fr",
        "tall": "7fr 56fr 46fr 36fr",
    },
    orbits=False,
)
