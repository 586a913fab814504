"""Government service: today at a glance, who waits in which hall, what is late, and how people rate it."""

from __future__ import annotations

from dashboard.screens.layout import Layout
from dashboard.words import Words

LAYOUT = Layout(
    id="service",
    title=Words("政务服务", "Service"),
    pictures={
        "wide": """
            header        header          header
            service       service_waiting service_ratings
            service_items service_waiting service_ratings
            service_items service_halls   service_ratings
            service_items service_halls   service_redress
            service_items service_late    service_redress
        """,
        "small": """
            header        header          header
            service       service_waiting service_ratings
            service_items service_halls   service_redress
        """,
        "ultrawide": """
            header        header        header          header          header
            service       service_items service_waiting service_ratings service_redress
            service       service_items service_waiting service_ratings service_redress
            service_halls service_items service_late    service_ratings service_redress
        """,
        "tall": """
            header          header
            service         service_ratings
            service_waiting service_ratings
            service_waiting service_redress
            service_halls   service_halls
            service_items   service_late
        """,
    },
    columns={
        "wide": "56fr 74fr 58fr",
        "small": "50fr 54fr 52fr",
        "ultrawide": "76fr 58fr 84fr 62fr 66fr",
        "tall": "56fr 50fr",
    },
    rows={
        "wide": "7fr 35fr 9fr 6fr 28fr 24fr",
        "small": "6.5fr 50fr 40fr",
        "ultrawide": "7fr 36fr 20fr 42fr",
        "tall": "7.5fr 30fr 14fr 27fr 31fr 29fr",
    },
)
