"""Packed replies: gzip and deflate unpacked piece by piece, never more of them than asked for."""

from __future__ import annotations

import zlib
from typing import Any


class Unpacker:
    """Unpacks gzip and deflate piece by piece, never more than asked for."""

    def __init__(self, coding: str, limit: int) -> None:
        self.parts: list[bytes] = []
        self.left = limit
        self._coding = coding
        self._inner: Any = None
        self.begun = False

    def feed(self, piece: bytes) -> bool:
        """Take in a piece of the reply; False if there is more of it than allowed.

        Raises:
            zlib.error: if it is not packed as it says.
        """
        while piece:
            if not self._coding:
                unpacked, piece = piece, b""
            else:
                if self._inner is None or self._inner.eof:
                    if self.begun and not piece.strip(b"\0"):
                        return True  # gzip may be padded to full blocks.
                    # A zlib header, or none: both have been called deflate.
                    raw = self._coding == "deflate" and not (piece[0] & 0x0F == 8 and piece[0] >> 4 <= 7)
                    self._inner = zlib.decompressobj(-15 if raw else 47)
                    self.begun = True
                unpacked = self._inner.decompress(piece, self.left + 1)
                piece = self._inner.unused_data if self._inner.eof else self._inner.unconsumed_tail
            self.left -= len(unpacked)
            if self.left < 0:
                return False
            self.parts.append(unpacked)
        return True

    @property
    def whole(self) -> bool:
        """Whether nothing is missing at the end."""
        return not self._coding or not self.begun or bool(self._inner.eof)
