"""What a click on a thing of the map is answered with: its name, state, reading and place, and where more is found."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from dashboard.masking import mask
from dashboard.nouns.noun import Document
from dashboard.places import PlaceTree
from dashboard.screens.layout import all_layouts
from dashboard.screens.marks import clipped
from dashboard.words import Words, count, measured

LONGEST_KEY = 300  # Characters of a thing's key.
SINCE = Words("始于", "Since")
LONG = Words("一天以上", "for a day and more")
READING, HEARD = Words("读数", "Reading"), Words("最近数据", "Last heard")
PLACE, NOWHERE = Words("地点", "Place"), Words("未定位", "not located")
NEVER = Words("从未收到", "never")
RECORD = Words("在{}查看", "See it under {}")


def card(
    view: Mapping[str, Any], look: tuple[str, Words], of: Words, record: str, places: PlaceTree, zone: ZoneInfo,
    language: str,
) -> Document:  # fmt: skip
    """A thing as a page shows it; all of it is plain text, and none of it markup.

    ``look`` is the light and the word of its state, ``of`` the title of its layer, and ``record`` names the screen on
    which such things are listed.

    ``rows`` are [label, text, moment]: how long ago a moment was the page says itself, as it goes on. ``place`` is
    [code, name] or None, ``record`` [address, text] or None.
    """
    rows: list[list[Any]] = []
    if view.get("since") is not None:
        long = f" · {LONG[language]}" if view.get("long") else ""
        rows.append([SINCE[language], _moment(view["since"], zone) + long, None if long else view["since"]])
    if "reading" in view:
        value, unit, size = view["reading"]
        said = measured(value, unit, language) + (f" / {count(size)}" if size else "")
        rows.append([READING[language], clipped(said), view["at"]])
    else:
        heard = NEVER[language] if view["at"] is None else _moment(view["at"], zone)
        rows.append([HEARD[language], heard, view["at"]])
    code = view.get("place", "")
    path = [places[step].title(language) for step in places.path(code)[1:]] if code in places else []
    where = places[code].title(language) if code in places else NOWHERE[language]
    rows.append([PLACE[language], " › ".join(path) or where, None])
    for zh_label, en_label, zh, en in view.get("about", ()):
        label, text = (zh_label, zh) if language == "zh" else (en_label, en)
        rows.append([label, clipped(mask(text)), None])
    title = all_layouts()[record].title[language] if record else ""
    query = {"place": code} if code in places else {}
    query |= {"lang": language} if language == "en" else {}
    return {
        "title": clipped(mask(view["name"])), "layer": of[language],
        "state": [look[0], look[1][language]], "rows": rows,
        "place": [code, places[code].title(language)] if code in places else None,
        "record": [f"/{record}?{urlencode(query)}", RECORD[language].format(title)] if title else None,
    }  # fmt: skip


def _moment(moment: float, zone: ZoneInfo) -> str:
    return f"{datetime.fromtimestamp(moment, UTC).astimezone(zone):%Y-%m-%d %H:%M}"
