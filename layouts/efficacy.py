"""Service efficacy: the rates at the left, the places in the middle, the units at the right."""

from __future__ import annotations

from dashboard.screens.layout import Layout
from dashboard.words import Words

LAYOUT = Layout(
    id="efficacy",
    title=Words("效能", "Efficacy"),
    pictures={
        "wide": """
            header     header   header
            efficacy   map      units
            rates      map      units
            grassroots map      units
            forecast   places   stuck
        """,
        "small": """
            header     header   header
            efficacy   map      units
            rates      map      units
            grassroots forecast stuck
        """,
        "ultrawide": """
            header     header     header header header
            efficacy   rates      map    places units
            grassroots forecast   map    places units
            stuck      supervised map    hour   units
        """,
        "tall": """
            header     header
            efficacy   rates
            map        map
            places     units
            grassroots forecast
        """,
    },
    columns={
        "wide": "49fr 91fr 52fr",
        "small": "50fr 56fr 54fr",
        "ultrawide": "66fr 66fr 90fr 76fr 76fr",
        "tall": "51fr 51fr",
    },
    rows={
        "wide": "7fr 20fr 28fr 18fr 32fr",
        "small": "6.5fr 22fr 34fr 30fr",
        "ultrawide": "7fr 30fr 32fr 34fr",
        "tall": "7fr 34fr 44fr 34fr 24fr",
    },
)
