// The picture below the outlines, where the city has one: tiles of this house's own server, chosen in the map's switch.

import { L, state } from "./scene.mjs";
import { projecting } from "./datum.mjs";
import { hideTip } from "./pointing.mjs";

const citywall = window.citywall;
let mine = null; // the map that was set up, a page may make another one,
let shifted = false; // as its picture is,
let laid = null; // and {said, layer} that lies on it

const FAR = 2; // zooms further out than the first picture for which it is shrunk: each takes four times as many

const wanted = () => {
  const tiles = state.doc?.tiles ?? [];
  const said = new URLSearchParams(location.search).get("base");
  return said === "none" ? null : tiles.find((one) => one.id === said) ?? tiles[0] ?? null;
};

// How much of what is drawn over the picture covers it.
export const cover = (opacity) => (laid ? opacity * 0.42 : opacity);

// Lays the map out as the picture has it; what was in the middle stays there.
function turn(map, shift) {
  if (shift === shifted) return;
  shifted = shift;
  let view = null;
  map.whenReady(() => (view = [map.getCenter(), map.getZoom()])); // At once, or when there is nothing to keep.
  map.options.crs = projecting(L, shift);
  hideTip();
  if (view) map.setView(...view, { animate: false, reset: true });
  state.points?.lay();
}

// True if the outlines have to be drawn anew, because there is another picture below them, or none.
export function lay() {
  const { map, doc } = state;
  if (!map || !doc) return false;
  if (mine !== map) {
    [mine, shifted, laid] = [map, false, null];
    projecting(L, false);
    if (!map.getPane("tiles")) map.createPane("tiles").style.zIndex = 150;
  }
  const tile = wanted();
  for (const button of document.querySelectorAll("[data-map-base]")) button.setAttribute("aria-pressed", String(button.dataset.mapBase === (tile?.id ?? "none")));
  const credit = document.getElementById("map-credit");
  if (credit) credit.textContent = tile?.credit ?? "";
  const said = tile ? JSON.stringify(tile) : "";
  if ((laid?.said ?? "") === said) return false;
  laid?.layer.remove();
  laid = null;
  turn(map, tile?.system === "gcj02");
  if (tile) {
    const [least, most] = tile.zooms;
    const layer = L.tileLayer(`/tiles/${tile.id}/{z}/{x}/{y}`, { pane: "tiles", minNativeZoom: least, maxNativeZoom: most, minZoom: Math.max(0, least - FAR), maxZoom: 24, keepBuffer: 1 });
    laid = { said, layer: layer.addTo(map) };
    map.getPane("tiles").style.setProperty("--tile-dim", tile.dim);
  }
  map.getContainer().classList.toggle("tiled", !!laid);
  return true;
}

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-map-base]");
  if (button) citywall.go({ base: button.dataset.mapBase === state.doc?.tiles?.[0]?.id ? "" : button.dataset.mapBase });
});
