"""Pictures below the map: an MBTiles file made here, what of it lies on the map, and how a picture looks."""

from __future__ import annotations

import sqlite3
import struct
import zlib
from contextlib import closing
from math import asinh, pi, radians, tan
from pathlib import Path

ZOOMS = (9, 11)  # Of the picture below the map; the map shows the town larger than that.
PINK = (230, 20, 150)
LAID = """() => [...document.querySelectorAll("#map .leaflet-tile-loaded")].map((img) => {
  const [box, map] = [img.getBoundingClientRect(), document.getElementById("map-canvas").getBoundingClientRect()];
  const across = Math.min(box.right, map.right) - Math.max(box.left, map.left);
  const down = Math.min(box.bottom, map.bottom) - Math.max(box.top, map.top);
  return [img.naturalWidth, Math.max(0, across) * Math.max(0, down) / (map.width * map.height)];
})"""
# How much redder than green a picture is, of 255.
REDDER = """async (data) => {
  const img = Object.assign(new Image(), { src: `data:image/png;base64,${data}` });
  await img.decode();
  const canvas = Object.assign(document.createElement("canvas"), { width: img.width, height: img.height });
  const pen = canvas.getContext("2d");
  pen.drawImage(img, 0, 0);
  const found = pen.getImageData(0, 0, img.width, img.height).data;
  let sum = 0;
  for (let at = 0; at < found.length; at += 4) sum += found[at] - found[at + 1];
  return sum / (found.length / 4);
}"""


def png(colour: tuple[int, int, int], size: int = 256) -> bytes:
    """A picture of one colour."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    lines = zlib.compress((b"\0" + bytes(colour) * size) * size)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", lines) + chunk(b"IEND", b"")


def tile_of(lon: float, lat: float, zoom: int) -> tuple[int, int]:
    """The column and the row, from the north, in which a point lies."""
    sides = 1 << zoom
    return int((lon + 180) / 360 * sides), int((1 - asinh(tan(radians(lat))) / pi) / 2 * sides)


def mbtiles(file: Path) -> None:
    """An MBTiles file with a few pictures, those around the town."""
    with closing(sqlite3.connect(file)) as db, db:
        db.execute("CREATE TABLE metadata (name TEXT, value TEXT)")
        db.execute("INSERT INTO metadata VALUES ('format', 'png')")
        db.execute("CREATE TABLE tiles (zoom_level INTEGER, tile_column INTEGER, tile_row INTEGER, tile_data BLOB)")
        for zoom in range(ZOOMS[0], ZOOMS[1] + 1):
            (west, north), (east, south) = tile_of(112.9, 23.2, zoom), tile_of(113.3, 22.9, zoom)
            spots = [(x, y) for x in range(west, east + 1) for y in range(north, south + 1)]
            found = [(zoom, x, (1 << zoom) - 1 - y, png(PINK)) for x, y in spots]
            db.executemany("INSERT INTO tiles VALUES (?, ?, ?, ?)", found)
