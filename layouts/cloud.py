"""Cloud and network: the star of links in the middle, what the cloud holds at its left, services at its right."""

from __future__ import annotations

from dashboard.screens.layout import Layout
from dashboard.words import Words

LAYOUT = Layout(
    id="cloud",
    title=Words("云网", "Cloud"),
    pictures={
        "wide": """
            header      header        header
            cloud       cloud_network cloud_services
            cloud_pools cloud_network cloud_services
            cloud_pools cloud_network cloud_certificates
            cloud_pools cloud_links   cloud_certificates
        """,
        "small": """
            header      header        header
            cloud       cloud_network cloud_services
            cloud_pools cloud_network cloud_services
            cloud_pools cloud_links   cloud_certificates
        """,
        "ultrawide": """
            header      header        header      header
            cloud       cloud_network cloud_links cloud_services
            cloud_pools cloud_network cloud_links cloud_certificates
        """,
        "tall": """
            header        header
            cloud         cloud_certificates
            cloud_network cloud_services
            cloud_pools   cloud_links
        """,
    },
    columns={
        "wide": "60fr 76fr 56fr",
        "small": "58fr 56fr 46fr",
        "ultrawide": "76fr 116fr 100fr 78fr",
        "tall": "52fr 50fr",
    },
    rows={
        "wide": "7fr 22fr 18fr 15fr 42fr",
        "small": "6.5fr 22fr 28fr 42fr",
        "ultrawide": "7fr 36fr 62fr",
        "tall": "7fr 24fr 43fr 65fr",
    },
)
