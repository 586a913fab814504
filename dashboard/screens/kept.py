"""What a tablet keeps: the manifest that makes a screen an app, and the worker that shows its page without a network.

Only layouts that say so are kept. The worker keeps the page's shell, which holds no numbers; the last picture itself is
kept by ``kept.mjs``, and never shown without its age. Both need a secure address: https, or this very machine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from dashboard.city import City
from dashboard.screens.layout import Layout

WORKER = Path(__file__).with_name("kept-worker.js")
ICONS = {"icon-192.png": 192, "icon-512.png": 512, "icon-maskable-512.png": 512, "icon-180.png": 180}
GROUND = "#0a0f15"
POLICY = "default-src 'none'; connect-src 'self'; script-src 'self'"


def manifest(layout: Layout, city: City) -> dict[str, object]:
    """The web app manifest of a screen (https://www.w3.org/TR/appmanifest/), in the city's first language."""
    language = city.languages[0]
    title = layout.title[language]
    icons = [
        {
            "src": f"/assets/icons/{name}", "sizes": f"{size}x{size}", "type": "image/png",
            "purpose": "maskable" if "maskable" in name else "any",
        }
        for name, size in ICONS.items()
    ]  # fmt: skip
    return {
        "id": f"/{layout.id}", "name": f"{city.title.words[language]} · {title}", "short_name": title,
        "start_url": f"/{layout.id}", "scope": "/", "display": "standalone", "orientation": "any",
        "lang": "en" if language == "en" else "zh-CN", "background_color": GROUND, "theme_color": GROUND,
        "icons": icons,
    }  # fmt: skip


def head(layout: Layout, city: City) -> str:
    """What the page of a kept screen has in its head; nothing for another."""
    if not layout.kept:
        return ""
    return "\n".join((
        f'<link rel="manifest" href="/{layout.id}.webmanifest">',
        '<link rel="apple-touch-icon" href="/assets/icons/icon-180.png">',
        f'<meta name="theme-color" content="{GROUND}">',
        f'<meta name="citywall-keep" content="{city.cockpit.keep_days}">',
    ))  # fmt: skip


def routes(layouts: Mapping[str, Layout], city: City, version: str) -> Sequence[BaseRoute]:
    """The manifest of each kept screen, and the worker they share, which is another with every version of the pages."""
    kept = [layouts[screen] for screen in city.screens if layouts[screen].kept]

    def manifest_of(layout: Layout) -> Route:
        body = msgspec.json.encode(manifest(layout, city))

        async def answer(request: Request) -> Response:
            return Response(body, media_type="application/manifest+json", headers={"cache-control": "no-cache"})

        return Route(f"/{layout.id}.webmanifest", answer)

    async def worker(request: Request) -> Response:
        screens = msgspec.json.encode([f"/{layout.id}" for layout in kept]).decode()
        text = WORKER.read_text(encoding="utf-8").replace('"VERSION"', f'"{version}"').replace('"SCREENS"', screens)
        headers = {"cache-control": "no-cache", "content-security-policy": POLICY, "service-worker-allowed": "/"}
        return Response(text, media_type="text/javascript", headers=headers)

    return [*map(manifest_of, kept), *([Route("/kept-worker.js", worker)] if kept else [])]
