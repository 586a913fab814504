"""The page of a screen: its layout's picture as a grid, and around each panel the frame the house draws.

A page holds no numbers and no place: it is the same for everybody, whatever place and language, and the
texts of its frames stand in it in both languages. Numbers come by ``/live``.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Container, Mapping
from hashlib import sha256
from typing import Any

import msgspec
from dash import html

from dashboard.city import City
from dashboard.places import PlaceTree
from dashboard.screens.bundle import Bundle
from dashboard.screens.layout import Layout, all_layouts, fitting
from dashboard.screens.marks import ASSETS, both, tip
from dashboard.screens.panel import Context, Panel, all_panels
from dashboard.sources.feed import every_feed
from dashboard.words import Words

HTML = "dash_html_components"
DRAWN = {HTML, "citywall_svg"}
"""The namespaces of what ``draw.mjs`` draws."""
LINK_LOST = Words("连接中断，数字停在断开之时", "Connection lost; numbers stand as they were")


def _plain(value: object) -> object:
    """What is no plain value, as plain values: Dash components, Plotly figures, numpy arrays and numbers."""
    for convert in ("to_plotly_json", "tolist"):
        if hasattr(value, convert):
            return getattr(value, convert)()
    raise NotImplementedError(f"a panel painted a {type(value).__name__}, which is no JSON value")


_json = msgspec.json.Encoder(enc_hook=_plain)


def to_json(painted: Any) -> bytes:
    """What a panel painted, as the JSON the browser's side of Dash reads. NaN and infinity become null.

    Raises:
        NotImplementedError: if a value is of a type that JSON and Dash do not know.

    >>> to_json({"a.children": html.B("<i>", className="n")}).decode()
    '{"a.children":{"props":{"children":"<i>","className":"n"},"type":"B","namespace":"dash_html_components"}}'
    """
    return _json.encode(painted)


def layouts_of(city: City) -> dict[str, Layout]:
    """The layouts as the city has them, by what its feeds fill.

    Raises:
        CityError: as ``every_feed`` does.
    """
    return fitting(all_layouts(), {noun for feed in every_feed(city) for noun in feed.nouns})


def page(layout: Layout, city: City, places: PlaceTree, panels: Mapping[str, Panel] | None = None) -> Any:
    """The page of ``layout`` as a component tree.

    Raises:
        KeyError: naming an area of the layout that is no panel.
    """
    known = all_panels() if panels is None else panels
    unknown = [area for area in layout.panels if area not in known]
    if unknown:
        raise KeyError(f"the layout {layout.id} has an area {unknown[0]!r}, which is no panel")
    ctx = Context(city, places, places.root.code, city.languages[0])
    pictures = {
        shape: " ".join(f'"{" ".join(row.split())}"' for row in _rows(text)) for shape, text in layout.pictures.items()
    }
    style = {
        f"--{name}-{shape}": text
        for name, found in (("areas", pictures), ("columns", layout.columns), ("rows", layout.rows))
        for shape, text in found.items()
    }
    cards = [_card(known[panel], ctx, _absent(layout, panel)) for panel in layout.panels]
    lost = html.Div(
        [html.Span("▲", className="shape"), " ", both(LINK_LOST), " ", html.Span(className="since")], id="link"
    )
    about = {"data-screen": layout.id, "data-shapes": " ".join(layout.pictures)}
    if layout.orbits:
        about["data-orbits"] = "yes"
    return html.Div([*cards, lost], id="wall", className="wall", style=style, **about)


def staged(wall: Any) -> Any:
    """A page whose wall may be changed for another: it stands on a stage that stays."""
    return html.Div(wall, id="stage")


def folded(tree: Any, kept: Container[str] = ()) -> bytes:
    """A page's tree as JSON, in which all that needs no Dash is folded into ``data-frame`` of what it stands in.

    That is all HTML below the card of a panel, but for the ids that are ``kept`` and what they stand in; ``frames.mjs``
    draws it, and ``draw.mjs`` what is painted into it.

    >>> found = msgspec.json.decode(folded(html.H2([html.B("In hand"), " "], id="a")))["props"]
    >>> found["id"], [part if part == " " else part["type"] for part in msgspec.json.decode(found["data-frame"])]
    ('a', ['B', ' '])
    """
    return msgspec.json.encode(_fold(msgspec.json.decode(to_json(tree)), kept))


def left_to_dash(panels: Mapping[str, Panel], ctx: Context) -> set[str]:
    """The components that Dash has to draw: what panels paint into them is not all HTML, going by their examples."""
    return {
        target.rpartition(".")[0]
        for panel in panels.values() if panel.example
        for target, value in msgspec.json.decode(to_json(panel.paint(panel.example, ctx))).items()
        if not (target.endswith(".children") and _is_html(value))
    }  # fmt: skip


def _is_html(value: Any) -> bool:
    if isinstance(value, list):
        return all(map(_is_html, value))
    return not isinstance(value, dict) or (value["namespace"] in DRAWN and all(map(_is_html, _below(value))))


def _below(node: dict[str, Any]) -> list[Any]:
    children = node["props"].get("children")
    return children if isinstance(children, list) else [] if children is None else [children]


def _stays(node: Any, kept: Container[str]) -> bool:
    """Whether Dash has nothing to do with a part of a page: it holds no other components, and no panel."""
    if not isinstance(node, dict):
        return not isinstance(node, list)
    props = node["props"]
    if node["namespace"] != HTML or "data-panel" in props or props.get("id") in kept:
        return False
    return all(_stays(child, kept) for child in _below(node))


def _fold(node: Any, kept: Container[str]) -> Any:
    if not isinstance(node, dict) or node["namespace"] != HTML:
        return node
    below, props = _below(node), dict(node["props"])
    if any(isinstance(child, dict) for child in below) and all(_stays(child, kept) for child in below):
        del props["children"]
        props["data-frame"] = msgspec.json.encode(below).decode()
    elif below:
        found = [_fold(child, kept) for child in below]
        props["children"] = found if isinstance(props["children"], list) else found[0]
    return {**node, "props": props}


def alone(panel: str) -> Layout:
    """The layout of one panel that has the screen to itself, under the header."""
    picture = {"wide": f"header\n{panel}"}
    return Layout(
        f"panel-{panel}",
        all_panels()[panel].title,
        pictures={**picture, "ultrawide": picture["wide"], "tall": picture["wide"]},
        columns=dict.fromkeys(("wide", "ultrawide", "tall"), "1fr"),
        rows=dict.fromkeys(("wide", "ultrawide", "tall"), "7fr 101fr"),
    )


def _rows(picture: str) -> list[str]:
    return [line for line in picture.splitlines() if line.strip()]


def _absent(layout: Layout, panel: str) -> str:
    """The shapes of screen, separated by spaces, whose picture leaves the panel out; a small one is like a wide one
    where it has no picture of its own.
    """
    pictures = {"small": layout.pictures.get("wide", ""), **layout.pictures}
    return " ".join(shape for shape, picture in pictures.items() if panel not in picture.split())


def _card(panel: Panel, ctx: Context, absent: str) -> Any:
    """The frame around a panel. Its age and state are kept by ``live.mjs``, which finds it by ``data-panel``."""
    age = html.Span(className="age", role="status")
    name = html.Button(both(panel.title), type="button", **{"aria-haspopup": "dialog"})  # It answers, see answer.mjs.
    title = html.H2(name, **(tip(panel.formula) if panel.formula.zh else {}))
    period = [html.Span(both(panel.period), className="period")] if panel.period.zh else []
    head = [age] if panel.bare else [html.Header([title, *period, age])]
    plate = html.Div(className="plate", **{"aria-hidden": "true"})  # The state, large, where numbers would mislead.
    about = {
        "data-panel": panel.id,
        "data-state": "never",
        "data-title-zh": panel.title.zh,
        "data-title-en": panel.title.en,
    }
    if absent:
        about["data-absent"] = absent
    return html.Section(
        [*head, html.Div(panel.frame(ctx), className="body"), plate],
        id=panel.id, className="bare" if panel.bare else "card", style={"gridArea": panel.id}, **about,
    )  # fmt: skip


# -- which scripts and styles a page loads -----------------------------------------------------------------

GRID = "/dash_ag_grid/"  # Only the tickets' table has a grid; its script is larger than all others together.
UNUSED = (GRID, "/dash/dash_table/")
# What a page does without at first, by the suite it is for: Dash's own components, and what these need of old browsers.
LATER = {"dash_core_components": ("/dash/deps/polyfill@", "/dash/dcc/")}
OWN = re.compile(r'(?:src|href)="/assets/[\w/.-]+\.(?:mjs|css)\?')
BEGINS = ('<script id="_dash-renderer" type="application/javascript">', '<script id="_dash-renderer" type="module">')
DESK_KEEPS = (
    "tokens.css", "act.css", "act.mjs", "clock.mjs", "draw.mjs", "elements.mjs", "instruct.css", "instruct.mjs",
    "numbers.mjs", "states.mjs", "zone.mjs",
)  # fmt: skip
DESK_DROPS = ("/dash_leaflet/", "/dash/dcc/", "/dash/dash_table/")


def import_map(text: str) -> str:
    """What lets modules import each other by plain names, as in ``from "./words.mjs"``: for each module of the house
    that a page loads, the address it is loaded from. Without it the second would be fetched once more, unversioned,
    and would run twice.

    >>> import_map('<script type="module" src="/assets/a.mjs?m=1.5"></script>')
    '<script type="importmap">{"imports":{"/assets/a.mjs":"/assets/a.mjs?m=1.5"}}</script>'
    """
    return f'<script type="importmap">{msgspec.json.encode({"imports": _modules(text)}).decode()}</script>'


def fonts_ahead() -> str:
    """What has a page's fonts loaded together with its style sheets, and not only once its first text is laid out."""
    found = re.findall(r'url\("(vendor/[\w.-]+\.woff2\?v=\w+)"\)', (ASSETS / "tokens.css").read_text(encoding="utf-8"))
    return "\n".join(
        f'<link rel="preload" as="font" type="font/woff2" crossorigin href="/assets/{url}">' for url in found
    )


def _modules(text: str) -> dict[str, str]:
    """The house's modules on a page: where each lies → the address it is loaded from."""
    return {url.partition("?")[0]: url for url in re.findall(r'"(/assets/[\w/.-]+\.mjs\?[^"]+)"', text)}


def wall_scripts(text: str, tree: Any, loaded: Bundle, ahead: str = "") -> str:
    """A screen's page without what only desks need, and with the house's own files bundled; ``ahead`` is one more line
    of its head.

    Suites of which ``tree`` has no component are named in the head alone, for what comes later. Before anything else
    the page asks for what it is to show, which is painted while all the rest of it is loaded and run. Dash begins last:
    a map or a chart that it made before the modules are there would never be theirs.
    """
    drawn = to_json(tree).decode()
    rows, later = [], []
    absent = [part for suite, parts in LATER.items() if f'"namespace":"{suite}"' not in drawn for part in parts]
    for row in text.splitlines():
        if any(part in row for part in absent):
            later += re.findall(r'src="([^"]+)"', row)
        elif not any(part in row for part in UNUSED) and not OWN.search(row):
            rows.append(row.replace(*BEGINS))
    said = {
        "panels": " ".join(re.findall(r'"data-panel":"([\w-]+)"', drawn)),
        "later": " ".join(later),
        "map": "yes" if '"namespace":"dash_leaflet"' in drawn else "",
    }
    head = [f'<meta name="citywall-{name}" content="{value}">' for name, value in said.items() if value]
    head += [
        f'<script src="{loaded.first}"></script>',  # Before the style sheet, for which a script waits.
        f'<link rel="stylesheet" href="{loaded.style}">',
        f'<script type="module" src="{loaded.rest}"></script>',
        *filter(None, (ahead,)),
        "</head>",
    ]
    found = "\n".join(rows).replace("</head>", "\n".join(head))
    assert BEGINS[1] in found, "Dash begins differently now"
    return found


def desk_scripts(text: str, name: str, version: str, *, grid: bool) -> str:
    """A desk's page: without the wall's own modules and styles, and with ``assets/desk/`` and its module ``name``."""
    kept = []
    for row in text.splitlines():
        asset = re.search(r'"/assets/([\w/.-]+\.(?:mjs|css|js))', row)
        if asset and asset[1] not in DESK_KEEPS:
            continue
        if any(part in row for part in DESK_DROPS) or (GRID in row and not grid):
            continue
        kept.append(row)
    style = f'<link rel="stylesheet" href="/assets/desk/desk.css?v={version}">'
    scripts = [f'<script type="module" src="/assets/desk/{file}.mjs?v={version}"></script>' for file in ("desk", name)]
    ahead = f"{import_map(text + ''.join(scripts))}\n{style}"
    return "\n".join(kept).replace("</head>", f"{ahead}\n</head>").replace("</body>", "\n".join([*scripts, "</body>"]))


def policy(text: str) -> str:
    """The content security policy of a page: scripts are files of ours, or the very ones that stand in it."""
    inline = re.findall(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)[^>]*>(.*?)</script>", text, re.DOTALL)
    hashes = " ".join(f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'" for script in inline)
    return "; ".join((
        "default-src 'self'", f"script-src 'self' {hashes}".strip(), "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:", "worker-src 'self' blob:", "connect-src 'self'", "font-src 'self' data:",
        "object-src 'none'", "base-uri 'none'", "form-action 'self'", "frame-ancestors 'self'",
    ))  # fmt: skip
