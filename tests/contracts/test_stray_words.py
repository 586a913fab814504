"""No text on a screen passes by the catalogue: Chinese stands in words, in examples, or where it is said why."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from dashboard.doors.catalogue import spoken
from dashboard.doors.wordtables import CHINESE, tables
from tests.servers import ROOT

ROOMS = ("panels", "layouts", "dashboard/screens", "dashboard/casework", "dashboard/doors", "dashboard/nouns",
         "dashboard/travel")  # fmt: skip
SIGNS = "[\u3400-\u9fff]"  # The range itself, by which Chinese is told.
MEANT = {
    "dashboard/screens/topbar.py LANGUAGES": "a language is named in itself, whatever the page's is",
    "dashboard/screens/amounts.py COUNTED": "units as sources write them, of which there are no parts",
    "dashboard/screens/tracerows.py SCALES": "the letters of a shortened number",
    "dashboard/screens/faces.py LONG": "a name too long, which the gallery puts in the place of a city's",
    "dashboard/doors/stage.py BROKEN": "an entry of a city's data catalogue, in the gallery",
    "dashboard/nouns/indicators.py SCALES": "scales of units as sources write them",
    "dashboard/nouns/releases.py": "how sources write periods",
    "dashboard/nouns/sensors.py SPELLINGS": "units as sources write them",
    "dashboard/nouns/sla.py": "how city files and sources write limits, and what their reader is told to write",
}
MEANT_IN_SCRIPTS = {
    "live/typeface.mjs": ('["一", "国", " "]', "signs that are drawn to see whether there is a font for them"),
    "answer.mjs": ('"万亿KMB"', "the letters of a shortened number"),
}


def names_of(node: ast.AST) -> list[str]:
    """What a piece of a module is called: the names that are set, defined, or given to an argument."""
    match node:
        case ast.Assign(targets=targets):
            return [part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name)]
        case ast.AnnAssign(target=ast.Name(id=name)) | ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.keyword(arg=str(name)):
            return [name]
    return []


def stray(node: ast.AST, within: tuple[str, ...]) -> Iterator[tuple[int, str, tuple[str, ...]]]:
    """The Chinese that is neither a caption, a docstring nor an example; and the names of all that it stands in."""
    within = (*within, *names_of(node))
    if (isinstance(node, ast.Call) and spoken(node)) or any("example" in name.lower() for name in within):
        return
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return
    text = node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
    if CHINESE.search(text) and text != SIGNS:
        yield getattr(node, "lineno", 0), text, within
    for child in ast.iter_child_nodes(node):
        yield from stray(child, within)


def test_no_module_says_chinese_but_in_words() -> None:
    found, needed = [], set()
    for file in sorted(file for room in ROOMS for file in (ROOT / room).rglob("*.py")):
        where = file.relative_to(ROOT).as_posix()
        for line, text, within in stray(ast.parse(file.read_text("utf-8")), (file.stem,)):
            excepted = {where, *(f"{where} {name}" for name in within)} & MEANT.keys()
            needed |= excepted
            if not excepted:
                found.append(f"{where}:{line}: {text!r} stands in no Words(…)")
    assert not found, "\n".join(found)
    assert needed == MEANT.keys(), "an exception that nothing needs any more"


def bare(script: str) -> str:
    """A script without its tables of words and its comments."""
    for table in reversed(list(tables(script))):
        script = script[: table.start] + script[table.end :]
    return re.sub(r"/\*.*?\*/|(?<!\S)//[^\n]*", "", script, flags=re.DOTALL)


def test_no_script_says_chinese_but_in_its_tables() -> None:
    found = []
    for file in sorted((ROOT / "assets").rglob("*.mjs")):
        where = file.relative_to(ROOT / "assets").as_posix()
        script = bare(file.read_text("utf-8"))
        meant, _ = MEANT_IN_SCRIPTS.get(where, ("", ""))
        assert meant in script, f"{where}: an exception that nothing needs any more"
        found += [f"{where}: {line.strip()}" for line in script.replace(meant, "").splitlines() if CHINESE.search(line)]
    assert not found, "\n".join(found)


def test_what_strays_is_found(tmp_path: Path) -> None:
    module = """
'''A docstring: 说明.'''
TITLE = Words("在办", "Open" if more else "开")
SALES_EXAMPLE = {"name": "零售"}
PANEL = Panel("x", Words(zh="在", en="in"), example={"name": "零售"}, frame=lambda ctx: html.B("直接"))
def _example(): return "例子"
def paint(view): return f"{view} 件"
"""
    found = [(line, text, within[-1]) for line, text, within in stray(ast.parse(module), ("x",))]
    assert found == [(5, "直接", "frame"), (7, " 件", "paint")]
    script = 'const W = { zh: "在", en: "in" }; // 注\n/* 注 */ say("http://x", "直接");'
    assert bare(script) == 'const W = ; \n say("http://x", "直接");'
