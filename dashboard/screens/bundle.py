"""What a screen's page loads of the house's own: its style sheets as one file, and its modules as two.

Each of some seventy files would be asked for by itself, and a browser takes its time over each even where it has all
of them in its store (``bench firstview``). What has to come before all else, so that the page asks for its numbers
while the rest is loaded, is the first file: no module, for these wait for others to be run, and the rest finds what it
needs of it by its name. The modules stay as they are written and can be read line by line in what the page loads.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from posixpath import dirname, normpath

from dashboard.screens.marks import ASSETS

FIRST = "live/first.mjs"
APART = {"desk", "vendor"}  # Folders whose files come when a page names them.
IMPORT = re.compile(r'^import (?:\{([^{}]*)\} from )?"(\.{1,2}/[\w./-]+)";(?=\s)', re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:const|(?:async )?function|class) (\w+))", re.MULTILINE)
UNKNOWN = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)
PART = """"use strict";
const $part = (work) => {
  try {
    return work();
  } catch (error) {
    setTimeout(() => { throw error; });
    return null; // What imports it fails by itself, the others run.
  }
};
"""


class BundleError(ValueError):
    """Modules that cannot be put into one file."""


@dataclass(frozen=True)
class Bundle:
    """The files, by the address each is loaded from: without its version, and with it."""

    bodies: Mapping[str, bytes]
    style: str
    first: str
    rest: str


def bundle(assets: Path = ASSETS) -> Bundle:
    """All style sheets and modules in ``assets`` and its folders but those ``APART``.

    Raises:
        BundleError: naming the file and what in it is not understood.
    """
    modules = {name: file.read_text(encoding="utf-8") for name, file in _files(assets, ".mjs")}
    style = "".join(file.read_text(encoding="utf-8").rstrip() + "\n" for _, file in _files(assets, ".css"))
    early = ordered(modules, [FIRST])
    first = PART + "".join(map(_part, early, (modules[name] for name in early)))
    late = [name for name in ordered(modules, list(modules)) if name not in early]
    rest = "".join(map(_part, late, (modules[name] for name in late)))
    at_style, at_first, at_rest = (
        _address(name, text) for name, text in (("page.css", style), ("first.js", first), ("page.mjs", rest))
    )
    texts = {at_style: style, at_first: first, at_rest: rest}
    return Bundle({at.partition("?")[0]: text.encode() for at, text in texts.items()}, at_style, at_first, at_rest)


def ordered(modules: Mapping[str, str], wanted: Sequence[str]) -> list[str]:
    r"""The wanted modules with all they import, each behind what it imports, as a browser runs them.

    >>> modules = {"a.mjs": 'import "./b/c.mjs";\n', "b/c.mjs": 'import { d } from "../d.mjs";\n', "d.mjs": ""}
    >>> ordered(modules, ["a.mjs"])
    ['d.mjs', 'b/c.mjs', 'a.mjs']

    Raises:
        BundleError: where two import each other, or one imports what is not there.
    """
    found: dict[str, None] = {}

    def visit(name: str, way: tuple[str, ...]) -> None:
        if name in way:
            raise BundleError(
                f"assets/{name}: it imports itself by way of {' → '.join((*way[way.index(name) + 1 :], name))}"
            )
        if name not in modules:
            raise BundleError(f"assets/{way[-1]}: there is no module assets/{name}")
        if name not in found:
            for _, path in IMPORT.findall(modules[name]):
                visit(_beside(name, path), (*way, name))
            found[name] = None

    for name in wanted:
        visit(name, ())
    return list(found)


def _part(name: str, text: str) -> str:
    """A module as a function that returns what it exports; its lines stay as they are."""
    exported = EXPORT.findall(text)

    def given(found: re.Match[str]) -> str:
        names = (found[1] or "").replace(" as ", ": ")
        return f"const {{{names}}} = {_name(_beside(name, found[2]))};"

    body = EXPORT.sub("", IMPORT.sub(given, text))
    if wrong := UNKNOWN.search(body):
        line = body[: wrong.start()].count("\n") + 1
        raise BundleError(
            f"assets/{name}:{line}: {wrong[0]!r} is not understood: write a named import of another module in assets/, "
            "or export a constant, a function or a class where it stands"
        )
    given_on = ", ".join(exported)
    return f"// assets/{name}\nconst {_name(name)} = $part(() => {{\n{body.rstrip()}\nreturn {{ {given_on} }};\n}});\n"


def _name(module: str) -> str:
    return "$" + re.sub(r"\W", "_", module.removesuffix(".mjs"))


def _beside(module: str, path: str) -> str:
    return normpath(f"{dirname(module)}/{path}").removeprefix("/")


def _address(name: str, text: str) -> str:
    return f"/assets/{name}?v={blake2b(text.encode(), digest_size=6).hexdigest()}"


def _files(assets: Path, kind: str) -> Iterator[tuple[str, Path]]:
    """Those of one kind by their place in the folder: its own first, then those in folders, as a page names them."""
    found = (file.relative_to(assets) for file in assets.rglob(f"*{kind}"))
    for path in sorted(found, key=lambda path: (len(path.parts), path.as_posix())):
        if path.parts[0] not in APART:
            yield path.as_posix(), assets / path
