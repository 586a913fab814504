// The map: outlines below the chosen place, coloured by a number, named, and clicked to go down; over them the points
// of the tickets, or of the layers that panels/ declares, as many as are on.
// dash-leaflet brings Leaflet and the map's box; what is in it is drawn here, on canvas, and changed by difference:
// what comes in and what a person does stands here, how it is drawn in the rooms of assets/map.

import { closeCard } from "./map/card.mjs";
import { dress, arrange } from "./map/labels.mjs";
import { drawPoints, press } from "./map/layers.mjs";
import { draw, fit, shapes } from "./map/outlines.mjs";
import { caseAt, hideTip, point, pointAgain } from "./map/pointing.mjs";
import { Points, stampStore } from "./map/points.mjs";
import { L, layer, meta, shown, state, states } from "./map/scene.mjs";
import { lay } from "./map/tiles.mjs";

const BEYOND = 0.3; // A map that is dragged shows what comes; one that hangs on a wall is drawn as large as it is.
const citywall = window.citywall;
citywall.sinks ??= {};
citywall.points = { number: 0, changed: 0, took: 0 }; // what is drawn, what differed last, ms of the last drawing
citywall.layer = layer;

citywall.sinks["map-data"] = (property, value) => {
  state.doc = value;
  if (lay()) state.drawn = null;
  press();
  draw();
  drawPoints();
  pointAgain();
};

citywall.sinks["map-points"] = (property, value) => {
  state.rows = value;
  drawPoints();
  pointAgain();
};

let labelled = ""; // the rates that stand on the labels: measuring labels costs more than drawing ten thousand points
citywall.sinks["map-layers"] = (property, value) => {
  state.layers = value;
  if (!shown().length) return;
  drawPoints();
  const rates = JSON.stringify([value.place, states()?.places]);
  if (rates !== labelled) dress();
  labelled = rates;
  pointAgain();
};

// Another theme: everything drawn on canvas is drawn anew in its colours.
window.addEventListener("citywall:theme", () => {
  if (!state.map) return;
  stampStore.clear();
  state.points?.redraw();
  state.drawn = null;
  draw();
  drawPoints();
});

window.addEventListener("citywall:address", ({ detail: { before, now } }) => {
  for (const button of document.querySelectorAll("[data-map-mode]")) {
    button.setAttribute("aria-pressed", String(button.dataset.mapMode === now.map));
  }
  if (before.place !== now.place) {
    if (now.place) shapes(now.place).catch(() => {});
    drawPoints();
  }
  if (before.layer !== now.layer) {
    closeCard();
    press();
    drawPoints();
  }
  if (lay()) {
    state.drawn = null;
    draw();
  }
  if (before.map !== now.map || before.lang !== now.lang || before.layer !== now.layer) dress();
});

function begin(map) {
  state.map = map;
  map.options.zoomAnimation = false;
  state.canvas = L.canvas({ padding: state.beyond });
  state.points = new Points();
  state.points.addTo(map);
  map.on("dragstart", () => {
    state.moved = true;
    state.beyond = state.canvas.options.padding = BEYOND; // From where this one ends on.
  });
  map.getContainer().addEventListener("wheel", () => (state.moved = true), { passive: true });
  map.on("zoomend", () => state.home && state.labels.size && arrange());
  map.on("mousemove", point);
  map.on("mouseout", hideTip);
  map.on("click", caseAt);
  map.on("dblclick", fit);
  const resized = new ResizeObserver(() => {
    const before = map.getSize();
    map.invalidateSize({ animate: false, pan: false });
    if (map.getSize().equals(before)) return; // As when it is looked at for the first time.
    if (!state.moved) fit();
    if (state.labels.size) arrange();
  });
  resized.observe(map.getContainer());
  map.on("unload", () => {
    resized.disconnect();
    if (state.map === map) end();
  });
  lay();
  draw();
  drawPoints();
}

// Another scene: the map goes with its page's old one, and nothing of it is kept.
function end() {
  hideTip();
  closeCard();
  const nothing = ["map", "doc", "rows", "layers", "drawn", "at", "canvas", "outer", "inner", "points", "home", "under"];
  for (const name of nothing) state[name] = null;
  state.labels = new Map();
  state.moved = false;
  state.beyond = 0;
  labelled = "";
}

// A page with a map will want the outlines of its place: they come while it is being made.
if (L && meta("map") && citywall.address?.place) shapes(citywall.address.place).catch(() => {});

L?.Map.addInitHook(function () {
  if (this.getContainer().closest("#map") || this.getContainer().id === "map-canvas") begin(this);
  else setTimeout(() => this._mapPane && this.getContainer().closest("#map") && begin(this)); // Unless it has gone since.
});
