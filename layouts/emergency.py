"""Emergency: the map with gauges and incidents in the middle, water at its left, what is under way at its right."""

from __future__ import annotations

from dashboard.screens.layout import Layout
from dashboard.words import Words

LAYOUT = Layout(
    id="emergency",
    title=Words("应急调度", "Emergency"),
    pictures={
        "wide": """
            header           header header
            emergency        map    emergency_incidents
            emergency_water  map    emergency_incidents
            emergency_water  map    emergency_warnings
            emergency_water  map    parking
            emergency_faults map    parking
        """,
        "small": """
            header           header header
            emergency        map    emergency_incidents
            emergency_water  map    emergency_incidents
            emergency_water  map    emergency_warnings
            emergency_water  map    parking
            emergency_faults map    parking
        """,
        "ultrawide": """
            header    header          header header emergency_incidents
            emergency emergency_water map    map    emergency_incidents
            parking   emergency_water map    map    emergency_incidents
            parking   emergency_faults map   map    emergency_warnings
        """,
        "tall": """
            header             header
            emergency          emergency_incidents
            map                map
            emergency_water    emergency_warnings
            emergency_water    parking
            emergency_faults   parking
        """,
    },
    columns={
        "wide": "56fr 78fr 58fr",
        "small": "56fr 50fr 54fr",
        "ultrawide": "60fr 66fr 62fr 62fr 74fr",
        "tall": "54fr 50fr",
    },
    rows={
        "wide": "7fr 24fr 21fr 17fr 18fr 18fr",
        "small": "6.5fr 25fr 17fr 16fr 14fr 18fr",
        "ultrawide": "7fr 36fr 28fr 32fr",
        "tall": "7fr 25fr 44fr 20fr 24fr 22fr",
    },
)
