"""How the wall looks on screens of five shapes: nothing cut, nothing over another, nothing too small or too faint."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import pytest

from tests.browser.screen import Screen
from tests.servers import House, until

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

SIZES = [(1920, 1080), (3840, 2160), (3840, 1080), (1280, 800), (1024, 1366)]
SMALLEST = 11 / 1080  # Of the height of a wide screen: 11 px at 1080p, 22 px at 4K.
SMALLEST_ANYWHERE = 9  # Pixels; a desk's small window is read from nearer.
CONTRAST = 4.5  # WCAG 2.2, 1.4.3, level AA.

# Every piece of text that is to be seen: its box, and what cuts it, covers it, or makes it hard to read.
LOOK = (
    r"""() => {
  const faults = { cut: [], small: [], faint: [], over: [] };
  const wide = innerWidth > innerHeight && innerHeight >= 1080;
  const smallest = Math.max(SMALLEST_ANYWHERE, wide ? innerHeight * SMALLEST : 0);
  const shortened = ".row:not(.head) > .name, .row > .where, .row > .who, .row > .error, .path";
  const parse = (text) => {
    const found = text.match(/^rgba?\(([^)]+)\)$/);
    if (found) {
      const [r, g, b, a = 1] = found[1].split(/[\s,\/]+/).map(Number);
      return [r, g, b, a];
    }
    const [r, g, b, a = 1] = text.match(/^color\(srgb ([^)]+)\)$/)[1].split(/[\s\/]+/).map(Number);
    return [255 * r, 255 * g, 255 * b, a];
  };
  const over = (top, below, share = 1) => {
    const a = top[3] * share;
    return [0, 1, 2].map((at) => top[at] * a + below[at] * (1 - a)).concat(1);
  };
  const channel = (v) => ((v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  const luminance = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const contrast = (a, b) => {
    const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x);
    return (light + 0.05) / (dark + 0.05);
  };
  // What lies behind an element, and how much of itself its ancestors let through.
  const behind = (element) => {
    const layers = [];
    let opacity = 1;
    for (let at = element; at; at = at.parentElement) {
      const style = getComputedStyle(at);
      opacity *= Number(style.opacity);
      const colour = parse(style.backgroundColor);
      if (colour[3] > 0) layers.push(colour);
      if (colour[3] === 1) break;
    }
    let ground = [10, 15, 21, 1];
    for (const colour of layers.reverse()) ground = over(colour, ground);
    return { ground, opacity };
  };
  const swatches = [...document.querySelectorAll(".map-legend .swatch")].map((one) => parse(one.style.backgroundColor));
  const pieces = [];
  const walker = document.createTreeWalker(document.getElementById("wall"), NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const text = node.textContent.trim();
    const element = node.parentElement;
    if (!text || element.closest("style, script, [hidden], .leaflet-tooltip")) continue;
    const style = getComputedStyle(element);
    if (style.visibility !== "visible" || style.display === "none") continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const box = range.getBoundingClientRect();
    if (box.width < 1 || box.height < 1) continue;
    const panel = element.closest("[data-panel]")?.dataset.panel ?? "";
    const said = `${panel}: ${text.slice(0, 40)}`;
    const map = !!element.closest(".leaflet-container");
    // Cut: by the screen, by an ancestor that hides what overflows, or by an ellipsis where none is meant.
    let unseen = false;
    let cut = "";
    const meant = element.closest(shortened);
    for (let at = element; at && at !== document.documentElement; at = at.parentElement) {
      const { overflowX, overflowY, display } = getComputedStyle(at);
      if (overflowX === "visible" && overflowY === "visible" || display === "inline") continue;
      const clip = at.getBoundingClientRect();
      const across = box.left < clip.right - 1 && box.right > clip.left + 1;
      if (!across || box.top >= clip.bottom - 1 || box.bottom <= clip.top + 1) {
        unseen = true; // Wholly out of sight: a row that does not fit is not shown at all.
        break;
      }
      // A line's box is higher than its letters; they begin and end about a seventh of it inside.
      const lead = box.height / 7;
      const short = Math.max(clip.top - box.top - lead, box.bottom - lead - clip.bottom);
      const narrow = meant ? 0 : Math.max(clip.left - box.left, box.right - clip.right) - 1;
      const who = at.className || at.id || at.tagName;
      if (short > 0) cut = `${who} cuts ${short.toFixed(1)} px of its height`;
      if (narrow > 0) cut = `${who} cuts ${narrow.toFixed(1)} px of its width`;
    }
    if (unseen) {
      if (!element.closest(".rows") && !map) faults.cut.push(`${said} (out of sight)`);
      continue;
    }
    if (box.left < -1 || box.top < -1 || box.right > innerWidth + 1 || box.bottom > innerHeight + 1) {
      if (!map && !meant) cut = "the screen ends";
    }
    if (cut && !map) faults.cut.push(`${said} (${cut})`);
    if (!element.closest(".shape, .light")) {
      const size = parseFloat(style.fontSize);
      if (size < smallest - 0.05) faults.small.push(`${said} (${size.toFixed(1)} px, wanted ${smallest.toFixed(1)})`);
    }
    const svg = element instanceof SVGElement;
    const ink = parse(svg ? style.fill : style.color);
    const { ground, opacity } = behind(element);
    // A place's name stands on its place, whose colour is one of the legend's.
    const grounds = map ? swatches : [ground];
    for (const below of grounds) {
      const found = contrast(over(ink, below, opacity * (svg ? Number(style.fillOpacity) : 1)), below);
      if (found < CONTRAST) faults.faint.push(`${said} (${found.toFixed(2)} to 1)`);
    }
    const seen = { left: box.left, right: box.right, top: box.top, bottom: box.bottom };
    for (let at = element; at; at = at.parentElement) {
      if (getComputedStyle(at).overflowX === "visible") continue;
      const clip = at.getBoundingClientRect();
      [seen.left, seen.right] = [Math.max(seen.left, clip.left), Math.min(seen.right, clip.right)];
    }
    pieces.push({ said, element, panel, ...seen });
  }
  for (let i = 0; i < pieces.length; i++) {
    for (let j = i + 1; j < pieces.length; j++) {
      const [a, b] = [pieces[i], pieces[j]];
      const width = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const height = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      const least = Math.min(a.bottom - a.top, b.bottom - b.top);
      if (width > 2 && height > least * 0.3) faults.over.push(`${a.said} / ${b.said}`);
    }
  }
  return { ...faults, pieces: pieces.length };
}""".replace("SMALLEST_ANYWHERE", str(SMALLEST_ANYWHERE))
    .replace("SMALLEST", str(SMALLEST))
    .replace("CONTRAST", str(CONTRAST))
)

PANELS = """() => {
  const cards = [...document.querySelectorAll("[data-panel]")];
  return cards.filter((card) => getComputedStyle(card).display !== "none").map((card) => {
    const { left, top, right, bottom } = card.getBoundingClientRect();
    return [card.dataset.panel, left, top, right, bottom];
  });
}"""
SCROLLS = """() => {
  const root = document.documentElement;
  const bars = root.scrollWidth > innerWidth || root.scrollHeight > innerHeight ? ["the page"] : [];
  for (const element of document.querySelectorAll("#wall *")) {
    const { overflowX, overflowY } = getComputedStyle(element);
    if (/auto|scroll/.test(overflowX) && element.scrollWidth > element.clientWidth + 1) bars.push(element.className);
    if (/auto|scroll/.test(overflowY) && element.scrollHeight > element.clientHeight + 1) bars.push(element.className);
  }
  return bars;
}"""


def looked_at(screen: Screen) -> dict[str, Any]:
    """What the eye finds once the page stands still."""
    drawn = "() => document.querySelector('#map-legend').hidden === false || citywall.points.number > 0"
    until(lambda: screen.page.evaluate(drawn), 5, "the map's legend, or its points")
    screen.page.wait_for_timeout(400)  # The chart follows a frame or two later, cards fade in for 0.4 s.
    return cast("dict[str, Any]", screen.page.evaluate(LOOK))


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_the_wall_is_whole_and_readable(
    new_context: Callable[..., BrowserContext], demo: House, size: tuple[int, int]
) -> None:
    width, height = size
    screen = Screen(new_context(viewport={"width": width, "height": height}).new_page(), demo).open()
    found: dict[str, Any] = {}
    for lang in ("zh", "en"):
        if lang != "zh":
            screen.page.click(f"[data-set-lang={lang}]")
            until(lambda: screen.page.evaluate("() => document.documentElement.lang") == "en", 3, "the other language")
            screen.settle()
        seen = looked_at(screen)
        assert seen.pop("pieces") > 100
        seen["scrolls"] = screen.page.evaluate(SCROLLS)
        seen["panels"] = overlapping(screen.page.evaluate(PANELS), width, height)
        found |= {f"{lang} {kind}": faults for kind, faults in seen.items() if faults}
    assert not found, "\n".join(f"{kind}: {fault}" for kind, faults in found.items() for fault in faults)


def overlapping(panels: list[tuple[str, float, float, float, float]], width: int, height: int) -> list[str]:
    """Panels that stand over another or beyond the screen."""
    assert len(panels) == 10
    found = [
        name for name, left, top, right, bottom in panels if left < 0 or top < 0 or right > width or bottom > height
    ]
    for at, (name, left, top, right, bottom) in enumerate(panels):
        for other, o_left, o_top, o_right, o_bottom in panels[at + 1 :]:
            if min(right, o_right) - max(left, o_left) > 0.5 and min(bottom, o_bottom) - max(top, o_top) > 0.5:
                found.append(f"{name} and {other}")
    return found
