"""The bundle: many modules as two files, which run as the modules would."""

from __future__ import annotations

from pathlib import Path

import pytest

from dashboard.screens.bundle import BundleError, bundle
from dashboard.screens.marks import ASSETS

FILES = {
    "one.css": "a { color: red }\n\n", "live/two.css": "b { color: blue }", "vendor/three.css": "c {}",
    "live/first.mjs": 'import { n } from "./deep.mjs";\n\nexport const first = n + 1;\nglobalThis.ran = ["first"];\n',
    "live/deep.mjs": "export const n = 1;\n",
    "page.mjs": 'import { first as one } from "./live/first.mjs";\nimport { f } from "./z.mjs";\nran.push(f(one));\n',
    "z.mjs": "const secret = 40;\nexport function f(n) {\n  return n + secret;\n}\nran.push('z');\n",
    "desk/apart.mjs": "ran.push('desk');\n",
}  # fmt: skip


def written(folder: Path, **more: str) -> Path:
    for name, text in {**FILES, **more}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def test_style_sheets_are_one_and_what_lies_apart_is_in_neither(tmp_path: Path) -> None:
    found = bundle(written(tmp_path))
    assert found.bodies["/assets/page.css"] == b"a { color: red }\nb { color: blue }\n"
    assert b"desk" not in b"".join(found.bodies.values())
    assert {at.partition("?")[0] for at in (found.style, found.first, found.rest)} == set(found.bodies)


def test_an_address_is_another_whenever_its_content_is(tmp_path: Path) -> None:
    before = bundle(written(tmp_path))
    after = bundle(written(tmp_path, **{"live/deep.mjs": "export const n = 2;\n"}))
    assert (after.style, after.first == before.first, after.rest) == (before.style, False, before.rest)


@pytest.mark.parametrize(
    ("module", "said"),
    [
        ('import fs from "./z.mjs";\n', r"assets/bad.mjs:2: 'import fs from \"./z.mjs\";' is not understood"),
        ("export default 1;\n", r"assets/bad.mjs:2: 'export default 1;' is not understood"),
        ("export let n = 1;\n", r"assets/bad.mjs:2: 'export let n = 1;' is not understood"),
        ('import { gone } from "./gone.mjs";\n', r"assets/bad.mjs: there is no module assets/gone.mjs"),
        ('import { bad } from "./bad.mjs";\n', r"assets/bad.mjs: it imports itself by way of bad.mjs"),
    ],
)
def test_what_is_not_understood_is_said_with_its_line(tmp_path: Path, module: str, said: str) -> None:
    with pytest.raises(BundleError, match=said):
        bundle(written(tmp_path, **{"bad.mjs": f"// A comment.\n{module}"}))


def test_the_house_s_own_modules_are_whole() -> None:
    found = bundle()
    lines = sum(file.read_text("utf-8").count("\n") for file in ASSETS.rglob("*.mjs") if "desk" not in file.parts)
    assert sum(body.count(b"\n") for at, body in found.bodies.items() if not at.endswith(".css")) > lines
