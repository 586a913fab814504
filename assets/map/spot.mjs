// Where in an outline there is most room for a name.

import { L } from "./scene.mjs";

// The point of a polygon that is farthest from its edges, and that distance in degrees of latitude.
export function spotOf(geometry) {
  const polygons = geometry.type === "Polygon" ? [geometry.coordinates] : geometry.coordinates;
  let ring = null;
  let most = -1;
  for (const polygon of polygons) {
    const size = Math.abs(area(polygon[0]));
    if (size > most) [ring, most] = [polygon[0], size];
  }
  const step = Math.max(1, Math.floor(ring.length / 120));
  const corners = ring.filter((_, i) => i % step === 0);
  let [west, south, east, north] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const [x, y] of corners) {
    [west, south] = [Math.min(west, x), Math.min(south, y)];
    [east, north] = [Math.max(east, x), Math.max(north, y)];
  }
  const squeeze = Math.cos((((south + north) / 2) * Math.PI) / 180);
  let best = { x: (west + east) / 2, y: (south + north) / 2, room: -Infinity };
  let [cx, cy, w, h] = [best.x, best.y, east - west, north - south];
  for (let pass = 0; pass < 3; pass++) {
    for (let i = 0; i <= 10; i++) {
      for (let j = 0; j <= 10; j++) {
        const x = cx + w * (i / 10 - 0.5);
        const y = cy + h * (j / 10 - 0.5);
        const room = roomAt(x, y, corners, squeeze);
        if (room > best.room) best = { x, y, room };
      }
    }
    [cx, cy, w, h] = [best.x, best.y, w / 5, h / 5];
  }
  return { latlng: L.latLng(best.y, best.x), room: Math.max(0, best.room), width: (east - west) * squeeze, area: most };
}

function area(ring) {
  let sum = 0;
  for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) sum += ring[j][0] * ring[i][1] - ring[i][0] * ring[j][1];
  return sum / 2;
}

// The distance to the nearest edge, negative outside.
function roomAt(x, y, ring, squeeze) {
  let inside = false;
  let least = Infinity;
  for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
    const [ax, ay] = ring[j];
    const [bx, by] = ring[i];
    if (by > y !== ay > y && x < ((ax - bx) * (y - by)) / (ay - by) + bx) inside = !inside;
    const [dx, dy] = [(bx - ax) * squeeze, by - ay];
    const [px, py] = [(x - ax) * squeeze, y - ay];
    const t = Math.max(0, Math.min(1, (px * dx + py * dy) / (dx * dx + dy * dy || 1)));
    least = Math.min(least, (px - t * dx) ** 2 + (py - t * dy) ** 2);
  }
  return (inside ? 1 : -1) * Math.sqrt(least);
}
