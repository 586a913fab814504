"""Finds the modules that declare something, so that no list of them is kept by hand."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType


def declaring(package: ModuleType, name: str) -> Iterator[tuple[str, object]]:
    """Yield ``(module name, value)`` for each module of ``package`` that assigns ``name`` at top level.

    The source is looked at before the import, so that asking for the nouns of ``dashboard`` does not
    import its servers. Modules come in alphabetical order.
    """
    declaration = re.compile(rf"^{re.escape(name)}(: [^=]+)? = ", re.MULTILINE)
    for folder in package.__path__:
        for info in sorted(pkgutil.iter_modules([folder]), key=lambda found: found.name):
            source = Path(folder, f"{info.name}.py")
            if source.is_file() and declaration.search(source.read_text(encoding="utf-8")):
                module = importlib.import_module(f"{package.__name__}.{info.name}")
                yield info.name, getattr(module, name)
