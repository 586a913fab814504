"""The baseline: the same wall as an ordinary Dash app, its panels fed by a callback on `dcc.Interval` once a second.

It reads the same views from Redis and paints them with the same panels. The map's outlines and points are left out
of it (the house draws them by a module of its own), which is in its favour.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any, cast

import msgspec
import uvicorn
from dash import Dash, Input, Output, dcc, html, no_update
from fastapi import FastAPI

from bench.house import House, free_port, until
from dashboard.city import read_city
from dashboard.ground.placefile import read_places
from dashboard.screens.marks import ASSETS
from dashboard.screens.page import layouts_of, page
from dashboard.screens.panel import Context, Panel, all_panels
from dashboard.travel.stream import Keys, connect, view_key

EACH = 1000  # Milliseconds between two calls.
ASK = 8.0
# Its pages keep no state by card; they are painted when the number in hand and the most urgent tickets are there.
PAINTED = """() => /\\d/.test(document.getElementById("decide-open")?.textContent ?? "")
  && !!document.querySelector("#urgent-rows .row")"""


def make_app(city_file: Path, redis_url: str) -> FastAPI:
    """The ASGI app."""
    city = read_city(city_file)
    places = read_places(city)
    layout = layouts_of(city)["wall"]
    panels = [all_panels()[name] for name in layout.panels]
    ctx = Context(city, places, places.root.code, city.languages[0])
    server = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app = Dash(
        "interval", backend="fastapi", server=server, assets_folder=str(ASSETS), assets_ignore=r".*\.m?js$",
        update_title=cast(Any, None), suppress_callback_exceptions=True,
    )  # fmt: skip
    app.backend.websocket_capability = False
    tree = page(layout, city, places)
    app.layout = html.Div([tree, dcc.Interval(id="each", interval=EACH)])
    targets = targets_of(tree, panels, ctx)
    keys, redis = Keys(city.name), connect(redis_url)
    wanted = sorted({view_key(view, ctx.place) for panel in panels for view in panel.reads})
    asked = -ASK

    @app.callback([Output(*target.split(".")) for target in targets], Input("each", "n_intervals"))
    def paint(_: int | None) -> list[Any]:
        nonlocal asked
        if monotonic() - asked > ASK:
            asked = monotonic()
            redis.xadd(keys.asks, cast(Any, {"keys": msgspec.json.encode(wanted)}), maxlen=1000)
        raw = dict(zip(wanted, cast(Any, redis.hmget(keys.views, wanted)), strict=True))
        views = {key: msgspec.json.decode(text)["data"] for key, text in raw.items() if text is not None}
        painted: dict[str, Any] = {}
        for panel in panels:
            fields = {view: view_key(view, ctx.place) for view in panel.reads}
            if all(field in views for field in fields.values()):
                painted |= panel.paint({view: views[field] for view, field in fields.items()}, ctx)
        return [painted.get(target, no_update) for target in targets]

    return server


def targets_of(tree: Any, panels: Sequence[Panel], ctx: Context) -> list[str]:
    """Every ``component.property`` that the panels set and that is a property of a component of the page."""
    known = {part.id: part for part in tree._traverse() if getattr(part, "id", None)}
    return [
        target
        for panel in panels
        for target in panel.paint(panel.example, ctx)
        if target.partition(".")[2] in getattr(known.get(target.partition(".")[0]), "_prop_names", ())
    ]


def call(city_file: Path, output: str) -> bytes:
    """The body of the callback's call as the browser posts it; ``output`` is its name in ``_dash-dependencies``."""
    city = read_city(city_file)
    places = read_places(city)
    layout = layouts_of(city)["wall"]
    ctx = Context(city, places, places.root.code, city.languages[0])
    targets = targets_of(page(layout, city, places), [all_panels()[name] for name in layout.panels], ctx)
    said = {
        "output": output, "outputs": [dict(zip(("id", "property"), t.split("."), strict=True)) for t in targets],
        "inputs": [{"id": "each", "property": "n_intervals", "value": 1}], "changedPropIds": ["each.n_intervals"],
    }  # fmt: skip
    return json.dumps(said).encode()


@contextmanager
def served(house: House) -> Iterator[tuple[str, int]]:
    """The baseline app on the house's Redis, in a process of its own; gives its URL and its process."""
    port = free_port()
    root = Path(__file__).resolve().parent.parent
    with house.log.open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "bench.interval", str(house.city_file), house.rooms.redis_url, str(port)],
            env={**os.environ, "PYTHONPATH": str(root)}, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip
    url = f"http://127.0.0.1:{port}/"
    try:
        until(lambda: _answers(url), 30, lambda: f"the baseline app answers: {house.tail()}")
        yield url, process.pid
    finally:
        process.kill()
        process.wait()


def _answers(url: str) -> bool:
    from urllib.request import urlopen

    try:
        with urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


if __name__ == "__main__":
    uvicorn.run(
        make_app(Path(sys.argv[1]), sys.argv[2]), host="127.0.0.1", port=int(sys.argv[3]), log_config=None,
        access_log=False,
    )  # fmt: skip
