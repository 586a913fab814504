// The picture below the outlines, where the city has one: tiles of this house's own server, chosen in the map's switch.

import { L, state } from "./scene.mjs";
import { projecting } from "./datum.mjs";

const citywall = window.citywall;
let mine = null; // the map that was set up, a page may make another one,
let known = ""; // for these tiles
let laid = null; // {name, layer} that lies on it

const FAR = 2; // zooms further out than the first picture for which it is shrunk: each takes four times as many

const wanted = () => {
  const tiles = state.doc?.tiles ?? [];
  const said = new URLSearchParams(location.search).get("base");
  return said === "none" ? null : tiles.find((one) => one.id === said) ?? tiles[0] ?? null;
};

// How much of what is drawn over the picture covers it.
export const cover = (opacity) => (laid ? opacity * 0.42 : opacity);

// True if the outlines have to be drawn anew, because there is another picture below them, or none.
export function lay() {
  const { map, doc } = state;
  if (!map || !doc) return false;
  if (mine !== map) [mine, known, laid] = [map, "", null];
  const text = JSON.stringify(doc.tiles ?? []);
  if (text !== known) {
    known = text;
    map.options.crs = projecting(L, doc.tiles?.[0]?.system);
    map.whenReady(() => map.setView(map.getCenter(), map.getZoom(), { reset: true }));
    if (!map.getPane("tiles")) map.createPane("tiles").style.zIndex = 150;
  }
  const tile = wanted();
  for (const button of document.querySelectorAll("[data-map-base]")) button.setAttribute("aria-pressed", String(button.dataset.mapBase === (tile?.id ?? "none")));
  const credit = document.getElementById("map-credit");
  if (credit) credit.textContent = tile?.credit ?? "";
  if ((laid?.name ?? "") === (tile?.id ?? "")) return false;
  laid?.layer.remove();
  laid = null;
  if (tile) {
    const [least, most] = tile.zooms;
    const layer = L.tileLayer(`/tiles/${tile.id}/{z}/{x}/{y}`, { pane: "tiles", minNativeZoom: least, maxNativeZoom: most, minZoom: Math.max(0, least - FAR), maxZoom: 24, keepBuffer: 1 });
    laid = { name: tile.id, layer: layer.addTo(map) };
    map.getPane("tiles").style.setProperty("--tile-dim", tile.dim);
  }
  map.getContainer().classList.toggle("tiled", !!laid);
  return true;
}

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-map-base]");
  if (button) citywall.go({ base: button.dataset.mapBase === state.doc?.tiles?.[0]?.id ? "" : button.dataset.mapBase });
});
