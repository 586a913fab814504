// The outlines of the places: fetched once each, drawn on canvas, and where in each there is most room for its name.

import { L, colour, layer, meta, rem, state } from "./scene.mjs";
import { dress, name } from "./labels.mjs";
import { closeCard } from "./card.mjs";
import { caseAt, hideTip, point } from "./pointing.mjs";
import { cover } from "./tiles.mjs";

const citywall = window.citywall;

const kept = new Map();

export function shapes(code) {
  if (!kept.has(code)) {
    const asked = fetch(`/shapes/${encodeURIComponent(code)}.json?v=${meta("shapes")}`).then((answer) => {
      if (!answer.ok) throw new Error(`shapes of ${code}: status ${answer.status}`);
      return answer.json();
    });
    asked.catch(() => kept.delete(code));
    kept.set(code, asked);
  }
  return kept.get(code);
}

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

export async function draw() {
  const { map } = state;
  const place = citywall.address?.place;
  if (!map || !place || !state.doc || state.doc.place !== place) return;
  if (state.drawn === place) return dress();
  const parent = state.doc.parent;
  let below, beside;
  try {
    [below, beside] = await Promise.all([shapes(place), parent ? shapes(parent) : null]);
  } catch (error) {
    console.warn("citywall:", error.message);
    setTimeout(draw, 3000);
    return;
  }
  if (state.map !== map || citywall.address.place !== place || state.doc?.place !== place || state.drawn === place) return;
  const again = state.at === place; // In another light, or on another picture: who has moved the map stays there.
  state.drawn = state.at = place;
  clear();
  if (!again) closeCard();
  const own = beside?.features.find((feature) => feature.properties.code === place);
  if (beside) {
    state.outer = L.geoJSON(beside, {
      filter: (feature) => feature !== own,
      renderer: state.canvas,
      style: { color: colour("line"), weight: 1, fillColor: colour("aside"), fillOpacity: cover(1) },
      onEachFeature: (feature, outline) => behave(feature, outline, true),
    }).addTo(map);
  }
  const leaf = !Object.keys(state.doc.places).length;
  state.inner = L.geoJSON(below, {
    renderer: state.canvas,
    style: { color: colour("border"), weight: 1.5, fillColor: colour("unknown"), fillOpacity: cover(1) },
    onEachFeature: (feature, outline) => behave(feature, outline, leaf),
  }).addTo(map);
  if (own) {
    L.geoJSON(own, { renderer: state.canvas, interactive: false, style: { color: colour("accent"), weight: 1.5, fill: false } }).addTo(state.inner);
  }
  state.home = own ? L.geoJSON(own).getBounds() : state.inner.getBounds();
  if (!again || !state.moved) fit();
  if (!leaf) name(below);
  dress();
}

function clear() {
  state.under = null;
  state.outer?.remove();
  state.inner?.remove();
  state.outer = state.inner = null;
  for (const label of state.labels.values()) label.marker.remove();
  state.labels = new Map();
  hideTip();
}

export function fit() {
  if (!state.home?.isValid()) return;
  state.moved = false;
  const unit = rem();
  state.map.fitBounds(state.home, { animate: false, paddingTopLeft: [2 * unit, 5 * unit], paddingBottomRight: [2 * unit, 3 * unit] });
}

function behave(feature, outline, aside) {
  const { code } = feature.properties;
  const chosen = code === citywall.address.place;
  outline.on("mouseover", (event) => {
    if (!aside) outline.setStyle({ color: colour("accent"), weight: 2 }).bringToFront();
    state.under = { feature, aside, chosen };
    point(event);
  });
  outline.on("mouseout", (event) => {
    if (!aside) outline.setStyle({ color: colour(layer() === "tickets" ? "border" : "line"), weight: 1.5 });
    if (state.under?.feature === feature) state.under = null;
    point(event);
  });
  if (!chosen) outline.on("click", (event) => caseAt(event) || citywall.go({ place: code }));
}

