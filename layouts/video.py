"""Video: the map of all cameras in the middle, how many are seen through at its left, what fails at its right."""

from __future__ import annotations

from dashboard.screens.layout import Layout
from dashboard.words import Words

LAYOUT = Layout(
    id="video",
    title=Words("视频", "Video"),
    pictures={
        "wide": """
            header         header header
            video_rate     map    video_faults
            video_recorded map    video_faults
            video_worst    map    video_time
        """,
        "ultrawide": """
            header         header         header header video_faults
            video_rate     video_worst    map    map    video_faults
            video_recorded video_worst    map    map    video_time
        """,
        "tall": """
            header         header
            video_rate     video_faults
            map            map
            video_recorded video_worst
            video_time     video_time
        """,
    },
    columns={
        "wide": "48fr 86fr 58fr",
        "ultrawide": "62fr 56fr 70fr 70fr 66fr",
        "tall": "40fr 41fr",
    },
    rows={
        "wide": "7fr 46fr 30fr 22fr",
        "ultrawide": "7fr 50fr 48fr",
        "tall": "7fr 30fr 42fr 28fr 18fr",
    },
)
