"""Standing: which things stand at or below each place, by their keys."""

from __future__ import annotations

from dashboard.places import PlaceTree


class Standing:
    """Where the things of a kind stand. An unknown place is the root."""

    def __init__(self, places: PlaceTree) -> None:
        self.places = places
        self._keys: dict[str, set[str]] = {}

    def put(self, key: str, place: str, sign: int = 1) -> None:
        """Put a thing (+1) at a place and all above it, or take it away (−1); either may be done again."""
        for code in self.places.path(place):
            keys = self._keys.setdefault(code, set())
            (keys.add if sign > 0 else keys.discard)(key)

    def move(self, key: str, before: str, place: str) -> None:
        """Let a thing stand at another place than before."""
        if place != before:
            self.put(key, before, -1)
            self.put(key, place)

    def at(self, place: str) -> list[str]:
        """The keys of those at or below a place, in order."""
        return sorted(self._keys.get(place, ()))
