"""The fonts of the house: that they cover all that stands on screens, how small they are, and whose."""

from __future__ import annotations

import re
from collections import defaultdict
from hashlib import blake2b

import pytest

from dashboard.screens.marks import ASSETS

ROOT = ASSETS.parent
TOKENS = (ASSETS / "tokens.css").read_text(encoding="utf-8")
FACES = [
    dict(re.findall(r"([\w-]+): ([^;]+);", face)) for face in re.findall(r"@font-face \{(.*?)\}", TOKENS, re.DOTALL)
]
FOLDERS = ("assets", "cities", "dashboard", "feeds", "layouts", "panels")
KINDS = {".css", ".html", ".js", ".mjs", ".py", ".toml"}
CHINESE = (
    range(0x3000, 0x3040),
    range(0x3400, 0xA000),
    range(0xF900, 0xFB00),
    range(0xFE30, 0xFE70),
    range(0xFF00, 0xFFF0),
)
"""What the machine's Chinese font has: ideographs, and the punctuation and wide letters that go with them."""


def covered(face: dict[str, str]) -> set[int]:
    """The code points of a face's ``unicode-range``."""
    found: set[int] = set()
    for part in face["unicode-range"].split(","):
        first, _, last = part.strip().removeprefix("U+").partition("-")
        found.update(range(int(first, 16), int(last or first, 16) + 1))
    return found


def signs() -> dict[str, set[str]]:
    """Every character beyond ASCII and Chinese in what is shipped, with the files it stands in."""
    found = defaultdict(set)
    for folder in FOLDERS:
        for file in sorted((ROOT / folder).rglob("*")):
            if file.suffix in KINDS and "vendor" not in file.parts:
                for sign in set(file.read_text(encoding="utf-8")):
                    if ord(sign) > 0x7E and not any(ord(sign) in part for part in CHINESE):
                        found[sign].add(file.relative_to(ROOT).as_posix())
    return found


def test_every_sign_that_is_used_is_in_the_fonts_of_the_house() -> None:
    used, there = signs(), set().union(*map(covered, FACES))
    assert {"●", "■", "▲", "◆", "❚", "○", "✕", "✎"} <= used.keys()
    assert not {sign: sorted(files)[:3] for sign, files in used.items() if ord(sign) not in there}


@pytest.mark.parametrize("family", ["Citywall Sans", "Citywall Signs"])
def test_chinese_is_left_to_the_machine(family: str) -> None:
    faces = [face for face in FACES if face["font-family"] == f'"{family}"']
    assert faces
    for face in faces:
        assert not any(point in part for point in covered(face) for part in CHINESE)
        assert face["font-display"] == "block", "no flash, no shift"


def test_letters_and_digits_have_two_weights_and_signs_their_own_family() -> None:
    sans = {face["font-weight"]: covered(face) for face in FACES if face["font-family"] == '"Citywall Sans"'}
    assert sans.keys() == {"400", "700"}
    assert all(set(range(0x20, 0x7F)) <= points for points in sans.values())
    assert re.search(r'--font: "Citywall Sans", "Citywall Signs", ', TOKENS)
    assert re.search(r'--font-signs: "Citywall Signs", var\(--font\);', TOKENS)


def test_the_files_are_small_and_named_by_their_content() -> None:
    """Their address says what is in them, as they are kept for good; who changes a file looks at its range too."""
    sizes = []
    for face in FACES:
        found = re.match(r'url\("(vendor/[\w-]+\.woff2)\?v=(\w+)"\) format\("woff2"\)$', face["src"])
        assert found, face
        body = (ASSETS / found[1]).read_bytes()
        assert body.startswith(b"wOF2")
        assert found[2] == blake2b(body, digest_size=4).hexdigest(), found[1]
        sizes.append(len(body))
    assert len(sizes) == 3
    assert sum(sizes) < 80_000


def test_their_licence_lies_beside_them_and_is_named() -> None:
    licence = (ASSETS / "vendor" / "citywall-fonts.LICENSE.txt").read_text(encoding="utf-8")
    for file in (ASSETS / "vendor").glob("*.woff2"):
        assert file.name in licence
    assert "SIL OPEN FONT LICENSE Version 1.1" in licence
    assert "citywall-fonts.LICENSE.txt" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_no_style_names_a_font_past_the_tokens() -> None:
    for file in sorted(ASSETS.rglob("*.css")):
        if file.name != "tokens.css":
            named = set(re.findall(r"font-family:\s*([^;}]+)", file.read_text(encoding="utf-8")))
            assert named <= {"var(--font)", "var(--font-signs)", "inherit"}, file.name
