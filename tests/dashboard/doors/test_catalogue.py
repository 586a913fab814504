"""The catalogue of captions: what is gathered from modules and scripts, what is amiss, and the command."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from app import main
from dashboard.doors import console
from dashboard.doors.catalogue import Caption, gathered, grouped, lines

PANEL = '''"""A panel; Words("not", "this")."""

TITLE = Words("在办", "Open")
SAID = Words(f"{name} 在办 {n:,} 件" + (f"，另有 {more} 起" if more else ""), f"{name}: {n:,} open{rest}")
NEAR = words.Words(zh="很长的"
                   "一句话", en=f"a {'long' if long else 'short'} sentence")
UNIT, NAMED, DATA = Words("件", ""), Words(unit or "未派单位", unit or "no unit yet"), Words(code, code)
PAIRS = [Words(*pair) for pair in some]
MESSAGE = Template(zh="{unit} 超期", en="{unit} is late")
AGAIN = Words("在办", "Open")
'''
SCRIPT = """const W = {
  zh: { open: "在办", said: { "it": (n) => `${n} 件`, rest: ['甲', "\\"乙\\""] } },
  en: { open: "Open", said: { "it": (n) => `${n} of them`, rest: ["first", "second"] } },
};
"""


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small house with one panel and one script, which the command reads."""
    for folder, name, text in (("panels", "one.py", PANEL), ("assets/desk", "one.mjs", SCRIPT)):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / name).write_text(text, encoding="utf-8")
    monkeypatch.setattr(console, "ROOT", tmp_path)
    return tmp_path


def test_texts_are_gathered_as_they_are_written(tree: Path) -> None:
    found = gathered(tree)
    assert not found.amiss
    assert found.captions == (
        Caption("panels/one.py:3", "在办", "Open"),
        Caption("panels/one.py:4", "{name} 在办 {n} 件{，另有 {more} 起|}", "{name}: {n} open{rest}"),
        Caption("panels/one.py:5", "很长的一句话", "a {long|short} sentence"),
        Caption("panels/one.py:7", "件", ""),
        Caption("panels/one.py:7", "{unit or '未派单位'}", "{unit or 'no unit yet'}"),
        Caption("panels/one.py:9", "{unit} 超期", "{unit} is late"),
        Caption("panels/one.py:10", "在办", "Open"),
        Caption("assets/desk/one.mjs:1 open", "在办", "Open"),
        Caption("assets/desk/one.mjs:1 said.it", "{n} 件", "{n} of them"),
        Caption("assets/desk/one.mjs:1 said.rest.0", "甲", "first"),
        Caption("assets/desk/one.mjs:1 said.rest.1", '"乙"', "second"),
    )


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ('Words("还没有", "")', "'还没有' has no English"),
        ('Words("还没有")', "'还没有' has no English"),
        ('Words(f"还有 {n} 件未办", f"{n}")', "has no English"),
        ('Words("", "none yet")', "'none yet' has no Chinese"),
        ('Words("没有", "没有")', "'没有' is no English"),
        ('Words(f"{n} 件", f"{n} 件 of them")', "is no English"),
        ('Words(f"{n} 件", f"{n or \'无\'} of them")', "is no English"),
        ('Words("nothing", "nothing")', "'nothing' is no Chinese"),
        ('Words(f"{n} left", f"{n} left")', "'{n} left' is no Chinese"),
        ("Words(", "is no Python"),
    ],
)
def test_what_is_amiss_in_a_module_is_named_with_its_line(tree: Path, call: str, said: str) -> None:
    (tree / "panels" / "two.py").write_text(f"\nTITLE = {call}\n", encoding="utf-8")
    (fault,) = gathered(tree).amiss
    assert fault.startswith("panels/two.py:2: ")
    assert said in fault


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ('{ zh: { a: "甲" }, en: { b: "first" } }', ":1.a is in one language only"),
        ('{ zh: { a: "甲" }, en: { a: "甲" } }', ':1.a: "甲" is no English'),
        ('{ zh: "甲" }', ":1: en is missing"),
        ('{ zh: "甲", en: "first", fr: "premier" }', ":1: fr is no language here"),
        ('{ en: "first", zh: "甲" }', ": a word of Chinese (zh:) stands in no table"),
        ('{ zh: { ...more }, en: {} }', ": line 1: no name with its value"),
    ],
)  # fmt: skip
def test_what_is_amiss_in_a_script_is_named(tree: Path, table: str, said: str) -> None:
    (tree / "assets" / "two.mjs").write_text(f"const W = {table};\n", encoding="utf-8")
    assert f"assets/two.mjs{said}" in "\n".join(gathered(tree).amiss)


def test_the_list_aligns_and_names_all_places_of_a_text(tree: Path) -> None:
    first, second, *_ = lines(grouped(gathered(tree).captions))
    assert first == f"在办{' ' * 30}Open{' ' * 21}panels/one.py:3, panels/one.py:10, assets/desk/one.mjs:1 open"
    assert second.startswith("{name} 在办 {n} 件{，另有 {more} 起|}  {name}: {n} open{rest}")
    assert list(lines({})) == []


def test_the_command_lists_one_language_or_what_is_looked_for(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["words"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 9
    assert main(["words", "--language", "en", "--find", "在办"]) == 0
    said = capsys.readouterr()
    assert [line.split("  ")[0] for line in said.out.splitlines()] == ["Open", "{name}: {n} open{rest}"]
    assert main(["words", "--language", "zh", "--find", "OPEN"]) == 0
    assert capsys.readouterr().out.startswith("在办  ")
    assert main(["words", "--find", "nowhere"]) == 0
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "citywall: no caption holds 'nowhere'\n")


def test_the_command_writes_a_sheet_that_a_spreadsheet_opens(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tree / "words.csv"
    assert main(["words", "--csv", str(file), "--find", "open"]) == 0
    assert capsys.readouterr().out == f"2 captions in {file}\n"
    assert file.read_bytes().startswith("\ufeffwhere,zh,en\r\n".encode())
    with file.open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.reader(stream))
    assert rows[1] == ["panels/one.py:3, panels/one.py:10, assets/desk/one.mjs:1 open", "在办", "Open"]
    assert main(["words", "--csv", str(tree)]) == 2
    assert "cannot be written" in capsys.readouterr().err


def test_the_command_fails_where_a_word_is_missing(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tree / "panels" / "two.py").write_text('TITLE = Words("还没有", "")\n', encoding="utf-8")
    assert main(["words", "--find", "Open"]) == 1
    said = capsys.readouterr()
    assert said.out.startswith("在办")
    assert said.err == "citywall: panels/two.py:1: '还没有' has no English\n"
