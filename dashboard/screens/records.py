"""Records: what stands behind a number, looked up when somebody asks it and never before, so that painting is free."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from redis.exceptions import RedisError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from dashboard.board import VIEWS
from dashboard.masking import mask
from dashboard.nouns.noun import Document
from dashboard.screens.layout import all_layouts
from dashboard.screens.marks import clipped
from dashboard.screens.page import to_json
from dashboard.screens.panel import Behind, Context, Panel, all_panels
from dashboard.screens.push import Hub
from dashboard.words import LIGHTS, Words

SHOWN = 6  # Records of an answer; all of them are on the screen that it leads to.
LONGEST = 200  # Characters of what is asked.
NONE = Words("此刻没有可列出的记录", "There is none to list now")
WHY = "-why"  # What stands beneath a figure is of that figure.
OF_TICKETS = Behind(
    Words("工单", "Tickets"),
    why=Words(
        "由工单推算：本卡中每个计数各自通向它所计的工单；此处通向本地全部在办工单",
        "Worked out of tickets: each count of this card leads to just those it counts; from here to all that are open",
    ),
    all=lambda ctx: ctx.behind(open=1),
)
"""What stands behind a number of tickets that counts none by itself, such as a share or a forecast."""


def panel_of(figure: str, panels: Mapping[str, Panel]) -> Panel | None:
    """The panel in which a component stands: its id is the panel's own, or begins with it."""
    found = [name for name in panels if figure == name or figure.startswith(f"{name}-")]
    return panels[max(found, key=len)] if found else None


def drawn(panel: Panel, ctx: Context) -> frozenset[str]:
    """The ids of the components a panel draws, and its own."""
    return frozenset((panel.id, *_ids(json.loads(to_json(panel.frame(ctx))))))


def _ids(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for part in node:
            yield from _ids(part)
    elif isinstance(node, dict):
        if isinstance(name := node.get("props", {}).get("id"), str):
            yield name
        yield from _ids(node.get("props", {}).get("children"))


def behind(panel: Panel, figure: str) -> Behind | None:
    """What a panel says stands behind one of its components. One of tickets alone need not say it: its counts are links
    of their own. None where a panel says nothing.
    """
    name = figure.removeprefix(panel.id).removeprefix("-").removesuffix(WHY)
    of_tickets = not panel.records and all(VIEWS[view].name == "ticket" for view in panel.reads)
    return panel.records.get(name) or panel.records.get("") or (OF_TICKETS if of_tickets else None)


def screen_of(views: Sequence[str], screens: Sequence[str]) -> str:
    """The screen on which a view is listed: that on which most panels show nothing but this view, or it before others,
    and then the one with most panels of its noun; "" if there is none.
    """
    if not views or views[0] not in VIEWS:
        return ""
    noun, panels, layouts = VIEWS[views[0]].name, all_panels(), all_layouts()

    def rank(screen: str) -> tuple[int, int, int]:
        mine = [panels[name] for name in layouts[screen].panels if name in panels]
        return (
            sum(panel.reads == (views[0],) for panel in mine), sum(panel.reads[0] == views[0] for panel in mine),
            sum(any(VIEWS[view].name == noun for view in panel.reads) for panel in mine),
        )  # fmt: skip

    best = max((name for name in screens if name in layouts), key=rank, default="")
    return best if best and any(rank(best)[:2]) else ""


def document(
    found: Behind, views: Mapping[str, Document], ctx: Context, row: str = "", *, own: bool = False
) -> Document:
    """What a page shows behind a number: plain texts, none of them markup.

    ``records`` are at most ``SHOWN``, each with its light and shape; where a ``row`` is named, those whose own words
    have that name, or all where none has it and the place is the row's ``own``. ``screen`` is [name, address, title] of
    where all are listed, or None.
    """
    language = ctx.language
    records = [
        {
            "light": one.light, "shape": LIGHTS.get(one.light, LIGHTS["none"])[0], "title": clipped(mask(one.title)),
            "who": clipped(mask(one.who)), "behind": one.behind, "due": one.due, "since": one.since,
        }
        for one in found.records(views, ctx)
    ]  # fmt: skip
    if row:
        mine = [one for one in records if row in f"{one['title']} {one['who']}"]
        records = mine or (records if own else [])
    ours = found.all(ctx)
    screen = screen_of(found.reads, ctx.city.screens)
    words = {} if ctx.place == ctx.places.root.code else {"place": ctx.place}
    words |= {} if language == ctx.city.languages[0] else {"lang": language}
    address = f"/{screen}" + (f"?{urlencode(words)}" if words else "")
    return {
        "title": found.title[language], "records": records[:SHOWN], "why": found.why[language],
        "none": "" if records or ours or not found.reads else NONE[language],
        "screen": ["", ours, OF_TICKETS.title[language]] if ours
        else [screen, address, all_layouts()[screen].title[language]] if screen else None,
    }  # fmt: skip


class Records:
    """Answers what stands behind the numbers of one city's panels."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self._drawn: dict[str, frozenset[str]] = {}

    def _known(self, panel: Panel, figure: str) -> bool:
        """Whether the panel has such a component."""
        if panel.id not in self._drawn:
            hub = self.hub
            self._drawn[panel.id] = drawn(panel, Context(hub.city, hub.places, hub.places.root.code))
        return figure in self._drawn[panel.id]

    def routes(self) -> list[BaseRoute]:
        """``/records?figure=…&place=…&lang=…&row=…&own=1``: what stands behind a component of a panel or its card."""
        return [Route("/records", self.answer, methods=["GET"])]

    async def answer(self, request: Request) -> Response:
        """What ``document`` says, of the views as they are now; ``{}`` where the panel says nothing of this number."""
        hub, asked = self.hub, request.query_params
        if any(len(text) > LONGEST for text in asked.values()):
            return JSONResponse({"reason": "what is asked is too long"}, 400)
        figure, place = asked.get("figure", ""), asked.get("place") or hub.places.root.code
        language = asked.get("lang") or hub.city.languages[0]
        if place not in hub.places:
            return JSONResponse({"reason": "no such place"}, 404)
        if language not in hub.city.languages:
            return JSONResponse({"reason": "no such language"}, 404)
        panel = panel_of(figure, hub.panels)
        if panel is None or not self._known(panel, figure):
            return JSONResponse({"reason": "no such number"}, 404)
        found = behind(panel, figure)
        if found is None:
            return JSONResponse({})
        place = hub.places.root.code if panel.whole else place
        try:
            views = await hub.read(found.reads, place) if found.reads else {}
        except (RedisError, OSError):
            return _later("the board cannot be reached")
        if len(views) < len(set(found.reads)):
            return _later("the board does not answer in time")
        ctx = Context(hub.city, hub.places, place, language)
        said = document(found, views, ctx, asked.get("row", ""), own="own" in asked)
        return Response(to_json(said), media_type="application/json")


def _later(reason: str) -> Response:
    return JSONResponse({"reason": reason}, 503, headers={"retry-after": "5"})
