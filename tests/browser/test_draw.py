"""What a panel painted becomes elements: nothing runs, nothing is drawn twice, and what differs is changed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from dash import dcc, html

from dashboard.screens.marks import ASSETS, box, countdown, drawing, outline
from dashboard.screens.page import to_json
from dashboard.screens.panel import all_panels
from tests.contracts.test_panels import context
from tests.servers import until

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser


@pytest.fixture
def easel(page: Page) -> Page:
    """A page with nothing on it but an element to draw into."""
    page.set_content("<div id='here'></div>")
    page.add_script_tag(type="module", content=(ASSETS / "draw.mjs").read_text(encoding="utf-8"))
    until(lambda: page.evaluate("() => typeof window.citywall?.draw") == "function", 5, "the module has run")
    return page


def draw(page: Page, value: Any) -> str:
    """Draw a value, and give the markup that came of it."""
    tree = json.loads(to_json(value))
    assert page.evaluate("(tree) => citywall.plain(tree)", tree)
    page.evaluate("(tree) => citywall.draw(document.getElementById('here'), tree)", tree)
    return str(page.evaluate("() => document.getElementById('here').innerHTML"))


def test_a_tree_becomes_elements(easel: Page) -> None:
    tree = [html.B("3", className="n"), " of ", html.Span(["4", None, 5], title="all", **{"data-x": "1"})]
    assert draw(easel, tree) == '<b class="n">3</b> of <span title="all" data-x="1">45</span>'
    assert draw(easel, "plain") == "plain"
    assert draw(easel, None) == ""


def test_markup_in_a_text_is_a_text(easel: Page) -> None:
    draw(easel, html.Span("<img src=x onerror=alert(1)>", title="<b>"))
    span = "document.querySelector('#here > span')"
    assert easel.evaluate(f"() => [{span}.textContent, {span}.title]") == ["<img src=x onerror=alert(1)>", "<b>"]
    assert easel.evaluate("() => document.querySelectorAll('#here img, #here b').length") == 0


@pytest.mark.parametrize("href", ["javascript:x", "https://elsewhere.test/", "//elsewhere.test", "data:text/html,x"])
def test_an_address_outside_is_no_address(easel: Page, href: str) -> None:
    assert draw(easel, html.A("x", href=href)) == "<a>x</a>"
    assert "?place=A" in draw(easel, html.A("x", href="?place=A"))


def test_what_differs_is_changed_and_the_rest_stays_the_same_element(easel: Page) -> None:
    draw(easel, [html.Span("1", className="a", title="t"), html.Span("2")])
    easel.evaluate("() => { window.first = document.querySelector('#here span'); }")
    assert draw(easel, [html.Span("9", className="b"), html.B("2")]) == '<span class="b">9</span><b>2</b>'
    assert easel.evaluate("() => window.first === document.querySelector('#here span')")


def test_styles_are_set_and_taken_back(easel: Page) -> None:
    drawn = draw(easel, html.Div(style={"flexGrow": 3, "width": "20%"}))
    assert drawn == '<div style="flex-grow: 3; width: 20%;"></div>'
    assert draw(easel, html.Div()).replace(' style=""', "") == "<div></div>"


def test_a_countdown_keeps_the_text_a_module_gave_it(easel: Page) -> None:
    draw(easel, [countdown(100.0)])
    easel.evaluate("() => { document.querySelector('#here time').textContent = '1:00'; }")
    assert 'data-due="200"' in draw(easel, [countdown(200.0)])
    assert easel.evaluate("() => document.querySelector('#here time').textContent") == "1:00"


@pytest.mark.parametrize(
    "value", [dcc.Markdown("x"), html.Script("x"), html.Iframe(src="/"), html.Span("x", id="own"), {"a": 1}]
)
def test_what_is_not_plain_goes_to_dash(easel: Page, value: Any) -> None:
    assert easel.evaluate("(tree) => citywall.plain(tree)", json.loads(to_json(value))) is False


@pytest.mark.parametrize("name", sorted(all_panels()))
def test_every_panel_s_html_can_be_drawn(easel: Page, name: str) -> None:
    panel = all_panels()[name]
    for target, value in panel.paint(panel.example, context()).items():
        if target.endswith(".children"):
            first = draw(easel, value)
            assert draw(easel, value) == first, target


def test_a_drawing_becomes_an_svg_element(easel: Page) -> None:
    field = drawing([outline("M0 0L10 5Z", "ribbon"), box(1, 2, 3, 4.5, "node")], 100, 40)
    markup = draw(easel, field)
    assert markup.startswith('<svg class="drawing" viewBox="0 0 100 40" preserveAspectRatio="none" aria-hidden="true">')
    assert '<path d="M0 0L10 5Z" class="ribbon"></path>' in markup
    assert '<rect x="1" y="2" width="3" height="4.5" class="node"></rect>' in markup
    assert easel.evaluate("() => document.querySelector('#here path').getBBox().width") == 10
    easel.evaluate("() => { document.querySelector('#here path').id = 'kept'; }")
    assert 'id="kept" ' not in draw(easel, "gone")
    draw(easel, field)
    easel.evaluate("() => { window.kept = document.querySelector('#here path'); }")
    draw(easel, drawing([outline("M0 0L20 5Z", "ribbon")], 100, 40))
    assert easel.evaluate("() => window.kept === document.querySelector('#here path')")
    assert easel.evaluate("() => window.kept.getBBox().width") == 20


@pytest.mark.parametrize(
    "shape",
    [
        {"type": "script", "props": {"children": "x"}},
        {"type": "a", "props": {"href": "#"}},
        {"type": "image", "props": {"href": "https://elsewhere.test/x.png"}},
        {"type": "foreignObject", "props": {"children": []}},
        {"type": "use", "props": {"href": "#x"}},
        {"type": "svg", "props": {"children": []}},
        {"type": "path", "props": {"d": "M0 0", "onclick": "x"}},
        {"type": "path", "props": {"d": "M0 0", "style": {"fill": "url(https://elsewhere.test/)"}}},
        {"type": "path", "props": {"d": "M0 0", "fill": "url(https://elsewhere.test/)"}},
        {"type": "path", "props": {"d": "url(x)"}},
        {"type": "rect", "props": {"width": "calc(1px)"}},
        {"type": "rect", "props": {"x": 1, "children": [{"type": "path", "namespace": "citywall_svg", "props": {}}]}},
        {"type": "text", "props": {"children": [html.B("x").to_plotly_json()]}},
        {"type": "constructor", "props": {}},
    ],
    ids=lambda shape: f"{shape['type']}-{'-'.join(shape['props'])}",
)
def test_only_plain_shapes_are_drawn(easel: Page, shape: dict[str, Any]) -> None:
    field = drawing([{"namespace": "citywall_svg", **shape}], 10, 10)
    assert easel.evaluate("(tree) => citywall.plain(tree)", json.loads(to_json(field))) is False


def test_text_in_a_drawing_is_text(easel: Page) -> None:
    said = {"namespace": "citywall_svg", "type": "text", "props": {"x": 1, "y": 2, "children": ["<b>x</b>"]}}
    assert "&lt;b&gt;x&lt;/b&gt;" in draw(easel, drawing([said], 10, 10))
    bare = {"namespace": "citywall_svg", "type": "path", "props": {"d": "M0 0"}}
    assert easel.evaluate("(tree) => citywall.plain(tree)", bare) is False, "a shape stands in a drawing"
