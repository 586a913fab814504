"""Data sharing: the day's calls in the middle, who keeps what up to date at the left, what is broken at the right."""

from __future__ import annotations

from dashboard.screens.layout import Layout
from dashboard.words import Words

LAYOUT = Layout(
    id="sharing",
    title=Words("数据共享", "Data sharing"),
    pictures={
        "wide": """
            header              header           header
            sharing             sharing_calls    sharing_broken
            sharing_departments sharing_calls    sharing_broken
            sharing_departments sharing_requests sharing_requests
        """,
        "small": """
            header              header           header
            sharing             sharing_calls    sharing_calls
            sharing_departments sharing_calls    sharing_calls
            sharing_departments sharing_requests sharing_broken
        """,
        "ultrawide": """
            header         header              header        header
            sharing        sharing_departments sharing_calls sharing_requests
            sharing_broken sharing_departments sharing_calls sharing_requests
        """,
        "tall": """
            header              header
            sharing             sharing_broken
            sharing_calls       sharing_calls
            sharing_departments sharing_requests
        """,
    },
    columns={
        "wide": "60fr 72fr 60fr",
        "small": "52fr 54fr 54fr",
        "ultrawide": "76fr 74fr 104fr 118fr",
        "tall": "51fr 51fr",
    },
    rows={
        "wide": "7fr 20fr 32fr 46fr",
        "small": "6.5fr 20fr 30fr 40fr",
        "ultrawide": "7fr 36fr 62fr",
        "tall": "7fr 28fr 44fr 62fr",
    },
)
