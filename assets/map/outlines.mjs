// The outlines of the places: fetched once each, and drawn on canvas.

import { L, colour, layer, meta, rem, state } from "./scene.mjs";
import { dress, name } from "./labels.mjs";
import { closeCard } from "./card.mjs";
import { caseAt, hideTip, point } from "./pointing.mjs";
import { cover } from "./tiles.mjs";

const citywall = window.citywall;

const [ABOVE, BELOW] = [0.6, 0.3]; // of the map's width
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
    });
  }
  const leaf = !Object.keys(state.doc.places).length;
  state.inner = L.geoJSON(below, {
    renderer: state.canvas,
    style: { color: colour("border"), weight: 1.5, fillColor: colour("unknown"), fillOpacity: cover(1) },
    onEachFeature: (feature, outline) => behave(feature, outline, leaf),
  });
  if (own) {
    L.geoJSON(own, { renderer: state.canvas, interactive: false, style: { color: colour("accent"), weight: 1.5, fill: false } }).addTo(state.inner);
  }
  state.home = own ? L.geoJSON(own).getBounds() : state.inner.getBounds();
  // First where the map is, as large as it is by now, then what stands on it: whatever moves the map draws all of it.
  map.invalidateSize({ animate: false, pan: false });
  if (!again || !state.moved) fit();
  state.outer?.addTo(map);
  state.inner.addTo(map);
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

// The pixels above and below that the places leave free: for buttons or a legend that reach so far across that the
// places would lie below them; shorter ones have their corners.
function free() {
  const [unit, size] = [rem(), state.map.getSize()];
  const [above, below] = [".switch", ".map-lights"].map((name) => state.map.getContainer().closest(".map")?.querySelector(name));
  const top = above?.offsetWidth > ABOVE * size.x ? above.offsetTop + above.offsetHeight + unit : 0;
  const foot = below?.offsetWidth > BELOW * size.x ? size.y - below.offsetTop + unit : 0;
  return [Math.max(5 * unit, top), Math.max(3 * unit, foot)];
}

// Fits the places anew where what is to be left free has changed, as with a legend of other layers.
export function refit() {
  if (state.free && !state.moved && String(free()) !== String(state.free)) fit();
}

export function fit() {
  if (!state.home?.isValid()) return;
  state.moved = false;
  state.free = free();
  const [side, [top, foot]] = [2 * rem(), state.free];
  state.map.fitBounds(state.home, { animate: false, paddingTopLeft: [side, top], paddingBottomRight: [side, foot] });
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

