"""The fonts in a real browser: all that is no Chinese is drawn with the house's own, and who has no Chinese says so."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests import servers
from tests.browser.test_points import address  # noqa: F401 - a fixture.
from tests.contracts.test_fonts import signs

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.outage]  # The page's link finds no other end here.
WRITTEN = """([text, chinese]) => {
  for (const [name, family, weight, said] of [
    ["plain", "var(--font)", 400, text], ["bold", "var(--font)", 600, text], ["sign", "var(--font-signs)", 400, text],
    ["chinese", "var(--font)", 400, chinese],
  ]) {
    const box = document.createElement("p");
    box.id = `written-${name}`;
    box.textContent = said;
    box.style.cssText = `font-family: ${family}; font-weight: ${weight}; font-size: 20px; position: fixed; top: 0`;
    document.body.append(box);
  }
}"""
CHINESE = """async () => {
  const { chinese } = await import("/assets/live/typeface.mjs");
  return chinese();
}"""
ASCII = "".join(map(chr, range(0x20, 0x7F)))


def fonts(page: Page, wanted: str) -> list[tuple[str, bool]]:
    """The fonts an element is really drawn with, and whether the page brought them."""
    tool = page.context.new_cdp_session(page)
    tool.send("DOM.enable")
    tool.send("CSS.enable")
    root: dict[str, Any] = tool.send("DOM.getDocument")
    node = tool.send("DOM.querySelector", {"nodeId": root["root"]["nodeId"], "selector": wanted})
    found = tool.send("CSS.getPlatformFontsForNode", {"nodeId": node["nodeId"]})
    tool.detach()
    return [(font["familyName"], font["isCustomFont"]) for font in found["fonts"]]


def test_what_is_no_chinese_is_drawn_with_the_fonts_of_the_house(page: Page, address: str) -> None:  # noqa: F811
    page.goto(f"{address}/wall?place=A")
    page.wait_for_selector("#map .leaflet-container", state="attached")
    text = ASCII + "".join(sorted(signs()))
    page.evaluate(WRITTEN, [text, "国务院"])
    page.evaluate("() => document.fonts.ready.then(() => null)")
    assert page.evaluate("(text) => document.fonts.check('16px \"Citywall Sans\"', text)", "0Ag")
    assert page.evaluate("() => getComputedStyle(document.body).fontFamily").startswith('"Citywall Sans"')
    for name, families in (
        ("plain", {"Citywall Sans", "Citywall Signs"}),
        ("bold", {"Citywall Sans", "Citywall Signs"}),
        ("sign", {"Citywall Sans", "Citywall Signs"}),
    ):
        used = fonts(page, f"#written-{name}")
        assert {family for family, _ in used} == families, name
        assert all(brought for _, brought in used), name
    chinese = fonts(page, "#written-chinese")
    assert chinese
    assert not any(brought for _, brought in chinese), "Chinese is the machine's"
    assert page.evaluate(CHINESE) is True
    asked = page.evaluate("() => performance.getEntriesByType('resource').map((one) => one.name)")
    loaded = [name for name in asked if ".woff2" in name]
    assert len(loaded) == len(set(loaded)) == 3, "each once, as it was asked for ahead"
    digits = page.evaluate("""() => {
      const pen = document.createElement("canvas").getContext("2d");
      return ["400", "700"].map((weight) => {
        pen.font = `${weight} 100px "Citywall Sans"`;
        return [..."0123456789"].map((digit) => Math.round(100 * pen.measureText(digit).width));
      });
    }""")
    assert [len(set(widths)) for widths in digits] == [1, 1], "numbers do not jump while they count"


def test_a_display_without_any_chinese_font_says_so(browser: Browser, address: str, tmp_path: Path) -> None:  # noqa: F811
    latin = next((path for path in Path("/usr/share/fonts").rglob("DejaVuSans.ttf")), None)
    if latin is None:
        pytest.skip("DejaVu Sans is not installed (Debian: apt-get install fonts-dejavu-core)")
    (tmp_path / "fonts").mkdir()
    (tmp_path / "fonts" / latin.name).symlink_to(latin)
    (tmp_path / "fonts.conf").write_text(
        f"<fontconfig><dir>{tmp_path}/fonts</dir><cachedir>{tmp_path}/cache</cachedir></fontconfig>"
    )
    bare = browser.browser_type.launch(
        executable_path=servers.chromium(),
        args=servers.CHROMIUM_FLAGS,
        env={"FONTCONFIG_FILE": str(tmp_path / "fonts.conf"), "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
    )
    try:
        page = bare.new_page()
        page.goto(f"{address}/wall?place=A")
        page.wait_for_selector("#map .leaflet-container", state="attached")
        page.evaluate("() => document.fonts.ready.then(() => null)")
        assert page.evaluate(CHINESE) is False
        page.evaluate(WRITTEN, [ASCII + "".join(sorted(signs())), "国"])
        page.evaluate("() => document.fonts.ready.then(() => null)")
        assert all(brought for _, brought in fonts(page, "#written-plain")), "all else is there all the same"
    finally:
        bare.close()
