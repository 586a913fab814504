"""The wall: the map under the deciding numbers, the seven modules around it, what is urgent and what alerts."""

from __future__ import annotations

from dashboard.screens.layout import Layout
from dashboard.words import Words

LAYOUT = Layout(
    id="wall",
    title=Words("大屏", "Wall"),
    needs=frozenset({"service", "indicator", "market", "sharing", "cloud", "sensor"}),
    otherwise="intake",
    pictures={
        "wide": """
            header  header header
            service decide alerts
            service map    alerts
            service map    urgent
            economy map    urgent
            economy map    emergency
            market  map    emergency
            market  map    efficacy
            sharing map    efficacy
            sharing map    cloud
        """,
        "small": """
            header  header  header   header
            decide  decide  decide   decide
            service map     map      urgent
            market  map     map      emergency
            economy sharing efficacy cloud
        """,
        "ultrawide": """
            header  header  header header header
            service economy decide urgent emergency
            service economy map    urgent emergency
            service economy map    urgent efficacy
            market  sharing map    urgent efficacy
            market  sharing map    cloud  alerts
        """,
        "tall": """
            header   header
            decide   decide
            map      alerts
            map      urgent
            map      emergency
            service  economy
            market   sharing
            efficacy cloud
        """,
    },
    columns={
        "wide": "46fr 88fr 58fr",
        "small": "41.8fr 39fr 37fr 42.2fr",
        "ultrawide": "66fr 66fr 110fr 70fr 70fr",
        "tall": "49fr 57fr",
    },
    rows={
        "wide": "7.4fr 14.2fr 1.8fr 9.6fr 10fr 15fr 7fr 18fr 3.4fr 21.6fr",
        "small": "6.5fr 13fr 24fr 24fr 23fr",
        "ultrawide": "7fr 16fr 22fr 10fr 17fr 31fr",
        "tall": "7.5fr 13.4fr 15fr 17fr 22fr 24fr 23.5fr 23fr",
    },
)
