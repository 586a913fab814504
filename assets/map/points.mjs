// Points on one canvas, one small picture per light, drawn where each thing is. Twenty thousand take some
// milliseconds, and a drag moves the finished picture.

import { onMap } from "./datum.mjs";
import { L, LIGHTS, LIGHT_COLOURS, colour, rem, state } from "./scene.mjs";

const citywall = window.citywall;

export const Points = L && L.Layer.extend({
  initialize() {
    this.known = new Map(); // key → {x, y, light, title, seen}
    this.round = 0;
    this.crowds = {}; // frame → how many
  },
  onAdd(map) {
    this.canvas = L.DomUtil.create("canvas", "leaflet-zoom-hide points");
    this.canvas.style.pointerEvents = "none";
    (map.getPane("points") ?? map.createPane("points")).appendChild(this.canvas);
    map.getPane("points").style.zIndex = 450;
    map.getPane("points").style.pointerEvents = "none";
    map.on("moveend zoomend viewreset resize", this.redraw, this);
    this.redraw();
  },
  onRemove(map) {
    map.off("moveend zoomend viewreset resize", this.redraw, this);
    this.canvas.remove();
  },
  // Takes all points there are now, as [key, lon, lat, light, title, layer, state, order]; adds, moves, restyles and
  // removes what differs. ``frames`` has the frame that the points of a layer are drawn in.
  set(rows, frames = {}) {
    const { known } = this;
    const round = ++this.round;
    const crowds = {};
    let changed = 0;
    for (const [key, lon, lat, light, title, layer, state, at] of rows) {
      const frame = frames[layer] ?? "";
      crowds[frame] = (crowds[frame] ?? 0) + 1;
      const point = known.get(key);
      if (!point) {
        known.set(key, { ...spread(lon, lat), lon, lat, light, title, layer, frame, state, at, round });
        changed++;
      } else {
        if (point.light !== light || point.lon !== lon || point.lat !== lat || point.frame !== frame) {
          Object.assign(point, spread(lon, lat), { lon, lat, light, frame });
          changed++;
        }
        point.title = title;
        point.layer = layer;
        point.state = state;
        point.at = at;
        point.round = round;
      }
    }
    if (known.size > rows.length) {
      for (const [key, point] of known) {
        if (point.round !== round) {
          known.delete(key);
          changed++;
        }
      }
    }
    this.crowds = crowds;
    if (changed) this.redraw();
    return changed;
  },
  // Where everything stands once more, for a map that projects otherwise now.
  lay() {
    for (const point of this.known.values()) Object.assign(point, spread(point.lon, point.lat));
    this.redraw();
  },
  redraw() {
    if (this.frame || !this._map) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      const begun = performance.now();
      this.paint();
      Object.assign(citywall.points, { took: performance.now() - begun, drawn: this.known.size, painted: performance.now() });
    });
  },
  paint() {
    const map = this._map;
    if (!map) return;
    const size = map.getSize();
    const pad = size.multiplyBy(state.beyond).round();
    const corner = map.containerPointToLayerPoint([0, 0]).subtract(pad).round();
    const ratio = window.devicePixelRatio || 1;
    const [w, h] = [size.x + 2 * pad.x, size.y + 2 * pad.y];
    const { canvas } = this;
    if (canvas.width !== Math.round(w * ratio) || canvas.height !== Math.round(h * ratio)) {
      canvas.width = Math.round(w * ratio);
      canvas.height = Math.round(h * ratio);
      canvas.style.width = `${w}px`;
      canvas.style.height = `${h}px`;
    }
    L.DomUtil.setPosition(canvas, corner);
    const context = canvas.getContext("2d");
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    const frames = Object.keys(this.crowds).sort(); // Those without a frame, which are many and small, lie below.
    const zoom = 256 * 2 ** map.getZoom();
    const origin = map.getPixelOrigin().add(corner);
    // What matters most is drawn last and lies on top.
    for (const frame of frames) {
      const stamps = stampsFor(this.crowds[frame], ratio, frame);
      for (const light of [5, 4, 0, 1, 2, 3]) {
        const stamp = stamps[light];
        const half = stamp.width / 2;
        for (const point of this.known.values()) {
          if (point.light !== light || point.frame !== frame) continue;
          const x = (point.x * zoom - origin.x) * ratio;
          const y = (point.y * zoom - origin.y) * ratio;
          if (x > -half && y > -half && x < canvas.width + half && y < canvas.height + half) {
            context.drawImage(stamp, Math.round(x - half), Math.round(y - half));
          }
        }
      }
    }
  },
  // The nearest of those whose picture lies at a spot, or that are less than so many pixels away.
  nearest(latlng, pixels) {
    const zoom = 256 * 2 ** this._map.getZoom();
    const ratio = window.devicePixelRatio || 1;
    const { x, y } = spread(latlng.lng, latlng.lat);
    const reach = Object.fromEntries(Object.entries(this.crowds).map(([frame, number]) => [
      frame,
      stampsFor(number, ratio, frame).map(({ width }) => (Math.max(pixels, (width / 2 - 1) / ratio) / zoom) ** 2),
    ]));
    let least = Infinity;
    let found = null;
    for (const [key, point] of this.known) {
      const far = (point.x - x) ** 2 + (point.y - y) ** 2;
      if (far < least && far <= reach[point.frame]?.[point.light]) [found, least] = [{ ...point, key }, far];
    }
    return found;
  },
});

// Spherical Mercator on a square of side one, so that a point is projected once and only scaled afterwards.
function spread(east, north) {
  const [lon, lat] = onMap(east, north);
  const sin = Math.sin((Math.max(-85, Math.min(85, lat)) * Math.PI) / 180);
  return { x: lon / 360 + 0.5, y: 0.5 - Math.log((1 + sin) / (1 - sin)) / (4 * Math.PI) };
}

export const stampStore = new Map(); // frame|size → one picture per light

function stampsFor(number, ratio, frame) {
  const crowd = number > 5000 ? 0.55 : number > 800 ? 0.75 : 1;
  const size = Math.max(5, Math.round(1.5 * rem() * crowd * ratio));
  const name = `${frame}|${size}`;
  if (!stampStore.has(name)) {
    if (stampStore.size > 12) stampStore.clear();
    stampStore.set(name, LIGHTS.map((_, light) => stamp(light, size, frame)));
  }
  return stampStore.get(name);
}

// The shape of a light: circle, square, triangle, diamond, bar, ring.
function shape(context, light, c, r, y = c) {
  const lines = (...corners) => corners.forEach(([x, to], at) => context[at ? "lineTo" : "moveTo"](x, to));
  context.beginPath();
  if (light === 1) context.rect(c - r * 0.82, y - r * 0.82, r * 1.64, r * 1.64);
  else if (light === 2) lines([c, y - r], [c + r, y + r * 0.8], [c - r, y + r * 0.8]);
  else if (light === 3) lines([c, y - r], [c + r, y], [c, y + r], [c - r, y]);
  else if (light === 4) context.rect(c - r * 0.45, y - r, r * 0.9, r * 2);
  else context.arc(c, y, light === 5 ? r * 0.8 : r, 0, 2 * Math.PI);
  context.closePath();
}

// What tells one layer's points from another's: a drop, a ring, a plate around the light.
const FRAMES = {
  drop(context, c, r) {
    context.moveTo(c, c - r);
    context.bezierCurveTo(c + r * 0.5, c - r * 0.4, c + r * 0.8, c - r * 0.05, c + r * 0.8, c + r * 0.25);
    context.arc(c, c + r * 0.22, r * 0.8, 0, Math.PI);
    context.bezierCurveTo(c - r * 0.8, c - r * 0.05, c - r * 0.5, c - r * 0.4, c, c - r);
  },
  ring: (context, c, r) => context.arc(c, c, r * 0.96, 0, 2 * Math.PI),
  plate: (context, c, r) => context.roundRect(c - r * 0.9, c - r * 0.9, r * 1.8, r * 1.8, r * 0.35),
};

export function stamp(light, size, frame = "") {
  const framed = Object.hasOwn(FRAMES, frame);
  const large = framed ? size * 1.75 : light === 0 || light >= 4 ? size * 0.78 : size * 1.15;
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = Math.ceil(large) + 2;
  const context = canvas.getContext("2d");
  const c = canvas.width / 2;
  const r = large / 2 - 0.5;
  const ink = colour(LIGHT_COLOURS[light]);
  context.fillStyle = ink;
  context.lineWidth = Math.max(1, size / 12);
  if (!framed) {
    context.strokeStyle = light === 5 ? ink : colour("ground");
    shape(context, light, c, r);
    if (light !== 5) context.fill();
    context.stroke();
    return canvas;
  }
  const line = Math.max(1, size / 9);
  context.beginPath();
  FRAMES[frame](context, c, r - line / 2);
  context.closePath();
  context.fillStyle = colour("ground");
  context.fill();
  context.strokeStyle = ink;
  context.lineWidth = line;
  context.stroke();
  context.fillStyle = ink;
  shape(context, light, c, r * 0.46, frame === "drop" ? c + r * 0.2 : c);
  if (light === 5) context.stroke();
  else context.fill();
  return canvas;
}
