"""The tree of places: district → street or town → community or village → grid."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Place:
    """One place. ``centre`` is (lon, lat) in WGS-84 degrees; ``population`` is in persons, None if unknown."""

    code: str
    name: str
    level: str
    parent: str | None = None
    name_en: str = ""
    centre: tuple[float, float] | None = None
    population: int | None = None
    aliases: tuple[str, ...] = ()

    def title(self, language: str) -> str:
        """The name to show in ``language``; the Chinese one where there is no other."""
        return self.name_en if language == "en" and self.name_en else self.name


class PlaceError(ValueError):
    """The places do not form one tree."""


@dataclass(frozen=True)
class PlaceTree:
    """All places of a city under one root, found by code or by name."""

    root: Place
    by_code: dict[str, Place]
    _children: dict[str, tuple[Place, ...]] = field(repr=False)
    _paths: dict[str, tuple[str, ...]] = field(repr=False)
    _names: dict[str, tuple[str, ...]] = field(repr=False)

    @classmethod
    def of(cls, places: Iterable[Place]) -> PlaceTree:
        """Build the tree.

        Raises:
            PlaceError: if a code comes twice, a parent is unknown, there is a cycle, or not exactly one root.
        """
        by_code: dict[str, Place] = {}
        for place in places:
            if place.code in by_code:
                raise PlaceError(f"the place {place.code} is listed twice")
            by_code[place.code] = place
        roots = [place for place in by_code.values() if place.parent is None]
        if len(roots) != 1:
            raise PlaceError(f"a city has one place without a parent, this one has {len(roots)}")
        children: dict[str, list[Place]] = {code: [] for code in by_code}
        names: dict[str, list[str]] = {}
        for place in by_code.values():
            if place.parent is not None:
                if place.parent not in by_code:
                    raise PlaceError(f"the place {place.code} lies in {place.parent}, which is not listed")
                children[place.parent].append(place)
            for name in {place.name, place.name_en, *place.aliases} - {""}:
                names.setdefault(fold_name(name), []).append(place.code)
        paths: dict[str, tuple[str, ...]] = {}
        waiting = [(roots[0].code, ())] if roots else []
        stack: list[tuple[str, tuple[str, ...]]] = list(waiting)
        while stack:
            code, above = stack.pop()
            paths[code] = (*above, code)
            stack.extend((child.code, paths[code]) for child in children[code])
        if len(paths) != len(by_code):
            lost = sorted(set(by_code) - set(paths))[0]
            raise PlaceError(f"the place {lost} is its own ancestor")
        return cls(
            roots[0],
            by_code,
            {code: tuple(found) for code, found in children.items()},
            paths,
            {name: tuple(codes) for name, codes in names.items()},
        )

    def __contains__(self, code: str) -> bool:
        return code in self.by_code

    def __getitem__(self, code: str) -> Place:
        return self.by_code[code]

    def __iter__(self) -> Iterator[Place]:
        return iter(self.by_code.values())

    def __len__(self) -> int:
        return len(self.by_code)

    def children(self, code: str) -> tuple[Place, ...]:
        """The places directly below ``code``, in the order they were listed."""
        return self._children[code]

    def path(self, code: str) -> tuple[str, ...]:
        """The codes from the root down to ``code``, both included.

        An unknown code gives the root alone: what happened somewhere unknown still happened in the city.
        """
        return self._paths.get(code) or (self.root.code,)

    def named(self, name: str, within: str | None = None) -> str | None:
        """The code of the place called ``name`` (or by an alias), or None if none or several are.

        ``within`` narrows the search to a place and what lies below it.
        """
        codes = self._names.get(fold_name(name), ())
        if within is not None:
            codes = tuple(code for code in codes if within in self.path(code))
        return codes[0] if len(codes) == 1 else None


def fold_name(name: str) -> str:
    """A name as it is compared: case, surrounding and doubled spaces do not matter."""
    return " ".join(name.split()).casefold()
