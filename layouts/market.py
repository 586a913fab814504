"""The market: entities and their change, inspections against time, what is due, food, and complaints."""

from __future__ import annotations

from dashboard.screens.layout import Layout
from dashboard.words import Words

LAYOUT = Layout(
    id="market",
    title=Words("市场监管", "Market"),
    pictures={
        "wide": """
            header             header          header
            market             market_entities market_due
            market_inspections market_entities market_due
            market_inspections market_food     market_due
            market_complaints  market_food     market_due
        """,
        "small": """
            header             header          header
            market             market_entities market_due
            market_inspections market_food     market_due
        """,
        "ultrawide": """
            header            header             header          header      header
            market            market_inspections market_entities market_food market_due
            market_complaints market_inspections market_entities market_food market_due
        """,
        "tall": """
            header             header
            market             market_due
            market_inspections market_due
            market_inspections market_food
            market_entities    market_food
        """,
    },
    columns={
        "wide": "58fr 70fr 60fr",
        "small": "54fr 54fr 50fr",
        "ultrawide": "70fr 72fr 80fr 66fr 66fr",
        "tall": "54fr 50fr",
    },
    rows={
        "wide": "7fr 33fr 18fr 22fr 21fr",
        "small": "6.5fr 40fr 50fr",
        "ultrawide": "7fr 70fr 28fr",
        "tall": "7.5fr 32fr 30fr 18fr 48fr",
    },
)
