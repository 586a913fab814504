// The map: outlines below the chosen place, coloured by a number, named, and clicked to go down; over them the points
// of one layer: tickets, cameras, or whatever else panels/ declares as a layer.
// dash-leaflet brings Leaflet and the map's box; what is in it is drawn here, on canvas, and changed by difference.

const citywall = (window.citywall ??= {});
citywall.sinks ??= {};
citywall.points = { number: 0, changed: 0, took: 0 }; // what is drawn, what differed last, ms of the last drawing

const L = window.L;
const meta = (name) => document.querySelector(`meta[name="citywall-${name}"]`)?.content ?? "";
const css = getComputedStyle(document.documentElement);
const colour = (name) => css.getPropertyValue(`--${name}`).trim();
const LIGHTS = ["normal", "soon", "overdue", "worst", "paused", "none"]; // as dashboard/words.py orders them
const LIGHT_COLOURS = ["ok", "soon", "overdue", "worst", "paused", "none"];
const rem = () => parseFloat(getComputedStyle(document.documentElement).fontSize);

const state = { map: null, doc: null, rows: null, layers: null, place: null, drawn: null };
let outer = null; // the neighbours, dimmed
let inner = null; // the places that are counted
let points = null;
let labels = new Map(); // code → {marker, box, name, value, more, spot, width, area}
let tooltip = null;
let home = null; // bounds of the place
let moved = false; // whether somebody has moved the map since

// -- shapes -------------------------------------------------------------------------------------------------

const kept = new Map();

function shapes(code) {
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
function spotOf(geometry) {
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

// -- numbers and colours ------------------------------------------------------------------------------------

const mode = () => (state.doc?.modes[citywall.address?.map] ? citywall.address.map : "tickets");

function figure(row) {
  if (!row) return null;
  if (mode() === "rate") return row.due > 0 ? row.on_time / row.due : null;
  if (mode() === "people") return row.population > 0 ? (1000 * row.open) / row.population : null;
  return row.open;
}

// The layer in the address, or the one whose home this screen is; "tickets" where there is none.
function layer() {
  const known = state.doc?.layers ?? {};
  const wanted = citywall.address?.layer;
  if (wanted === "tickets" || known[wanted]) return wanted;
  const screen = document.getElementById("wall")?.dataset.screen;
  return Object.keys(known).find((id) => known[id].home.includes(screen)) ?? "tickets";
}

// What is known of the layer's states at this place; null while it is the tickets' turn, or nothing came yet.
const states = () => (state.layers?.place === citywall.address?.place ? state.layers.layers[layer()] ?? null : null);
const share = (pair) => (!pair?.[1] ? "–" : pair[0] === pair[1] ? "100 %" : `${Math.min(99.9, (100 * pair[0]) / pair[1]).toFixed(1)} %`);

function nice(step) {
  const power = 10 ** Math.floor(Math.log10(step));
  return power * [1, 2, 2.5, 5, 10].find((n) => n * power >= step * 0.999);
}

// The steps of the present colouring, lowest first: from which figure on, which colour.
function scale() {
  if (mode() === "rate") {
    const [low, middle, high] = state.doc.steps;
    return [[-Infinity, "rate-1"], [low, "rate-2"], [middle, "rate-3"], [high, "rate-4"]];
  }
  const found = Object.values(state.doc.places).map(figure).filter((value) => value !== null);
  const [least, most] = found.length ? [Math.min(...found), Math.max(...found)] : [0, 1];
  const step = nice(Math.max((most - least) / 4, mode() === "tickets" ? 1 : 0.01));
  const base = Math.floor(least / step);
  return [1, 2, 3, 4, 5].map((n) => [n === 1 ? -Infinity : +((base + n - 1) * step).toFixed(6), `amount-${n}`]);
}

function written(value) {
  if (value === null) return "–";
  if (mode() === "rate") return value === 1 ? "100 %" : `${(100 * value).toFixed(1)} %`;
  return mode() === "people" ? value.toFixed(2) : Math.round(value).toLocaleString("en");
}

function fill(row, steps) {
  const value = figure(row);
  if (value === null) return colour("unknown");
  let found = steps[0][1];
  for (const [from, name] of steps) if (value >= from - 1e-9) found = name;
  return colour(found);
}

function legend(steps) {
  const box = document.getElementById("map-legend");
  if (!box) return;
  const plain = (value) => (mode() === "rate" ? `${+(100 * value).toFixed(1)} %` : value.toLocaleString("en"));
  const rows = steps.map(([from, name], at) => {
    const next = steps[at + 1]?.[0];
    const text = at === 0 ? `< ${plain(next)}` : next === undefined ? `≥ ${plain(from)}` : `${plain(from)} – ${plain(next)}`;
    return [name, text];
  });
  rows.reverse();
  if (Object.values(state.doc.places).some((row) => figure(row) === null)) rows.push(["unknown", state.doc.none]);
  box.replaceChildren(...rows.map(([name, text]) => {
    const row = document.createElement("div");
    row.className = "step";
    const swatch = document.createElement("span");
    swatch.className = "swatch";
    swatch.style.background = colour(name);
    const words = document.createElement("span");
    words.textContent = text;
    row.append(swatch, words);
    return row;
  }));
  box.hidden = !Object.keys(state.doc.places).length;
}

// -- drawing the places -------------------------------------------------------------------------------------

async function draw() {
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
  if (citywall.address.place !== place || state.doc.place !== place || state.drawn === place) return;
  state.drawn = place;
  clear();
  const own = beside?.features.find((feature) => feature.properties.code === place);
  if (beside) {
    outer = L.geoJSON(beside, {
      filter: (feature) => feature !== own,
      renderer: state.canvas,
      style: { color: colour("line"), weight: 1, fillColor: colour("aside"), fillOpacity: 1 },
      onEachFeature: (feature, layer) => behave(feature, layer, true),
    }).addTo(map);
  }
  const leaf = !Object.keys(state.doc.places).length;
  inner = L.geoJSON(below, {
    renderer: state.canvas,
    style: { color: colour("border"), weight: 1.5, fillColor: colour("unknown"), fillOpacity: 1 },
    onEachFeature: (feature, layer) => behave(feature, layer, leaf),
  }).addTo(map);
  if (own) {
    L.geoJSON(own, { renderer: state.canvas, interactive: false, style: { color: colour("accent"), weight: 1.5, fill: false } }).addTo(inner);
  }
  home = own ? L.geoJSON(own).getBounds() : inner.getBounds();
  fit();
  if (!leaf) name(below);
  dress();
}

function clear() {
  under = null;
  outer?.remove();
  inner?.remove();
  outer = inner = null;
  for (const label of labels.values()) label.marker.remove();
  labels = new Map();
  hideTip();
}

function fit() {
  if (!home?.isValid()) return;
  moved = false;
  const unit = rem();
  state.map.fitBounds(home, { animate: false, paddingTopLeft: [2 * unit, 5 * unit], paddingBottomRight: [2 * unit, 3 * unit] });
}

function behave(feature, layer, aside) {
  const { code } = feature.properties;
  const chosen = code === citywall.address.place;
  layer.on("mouseover", (event) => {
    if (!aside) layer.setStyle({ color: colour("accent"), weight: 2 }).bringToFront();
    under = { feature, aside, chosen };
    point(event);
  });
  layer.on("mouseout", (event) => {
    if (!aside) layer.setStyle({ color: colour(citywall.layer?.() === "tickets" ? "border" : "line"), weight: 1.5 });
    if (under?.feature === feature) under = null;
    point(event);
  });
  if (!chosen) layer.on("click", (event) => caseAt(event) || citywall.go({ place: code }));
}

const titleOf = (feature) => {
  const { name: zh, name_en: en, code } = feature.properties;
  return (document.documentElement.lang === "en" && en) || zh || code;
};

function detail(code) {
  const row = state.doc?.places[code];
  if (!row) return [];
  if (layer() !== "tickets") {
    const pair = states()?.places?.[code];
    const counted = pair ? ` (${pair[0].toLocaleString("en")} / ${pair[1].toLocaleString("en")})` : "";
    return [`${state.doc.layers[layer()].rate} ${share(pair)}${counted}`];
  }
  const en = document.documentElement.lang === "en";
  const rate = row.due > 0 ? `${((100 * row.on_time) / row.due).toFixed(1)} % (${row.on_time.toLocaleString("en")} / ${row.due.toLocaleString("en")})` : "–";
  return [
    `${en ? "Open" : "在办"} ${row.open.toLocaleString("en")} · ${en ? "due soon" : "临期"} ${row.soon.toLocaleString("en")} · ${en ? "overdue" : "超期"} ${row.late.toLocaleString("en")}`,
    `${en ? "On time" : "按期率"} ${rate}`,
  ];
}

// Text goes in as text: a name may hold what looks like markup.
function showTip(latlng, title, lines = []) {
  const box = document.createElement("div");
  box.append(title);
  for (const line of lines) {
    const row = document.createElement("span");
    row.className = "quiet";
    row.textContent = line;
    box.append(row);
  }
  tooltip ??= L.tooltip({ className: "plain", direction: "top", offset: [0, -10], opacity: 1 });
  tooltip.setContent(box).setLatLng(latlng);
  if (!state.map.hasLayer(tooltip)) tooltip.addTo(state.map);
}

function hideTip() {
  tooltip?.remove();
}

// -- what a click does, and that it is said beforehand ---------------------------------------------------------

let under = null; // the place under the pointer: {feature, aside, chosen}

// Whether a click on the area goes further down: then a point takes it only where it really hits the point.
const descends = () => Object.keys(state.doc?.places ?? {}).length > 0;

// The point that the pointer means. Where nothing lies below, and for a finger, somewhat beside it is meant too.
function aimed({ latlng, originalEvent }) {
  if (!points?.known.size) return null;
  const finger = originalEvent?.pointerType === "touch" || originalEvent?.pointerType === "pen";
  const least = descends() ? (finger ? 12 : 0) : finger ? 22 : 8; // 24 and 44 pixels across: WCAG 2.2, 2.5.8 and 2.5.5
  return points.nearest(latlng, least);
}

// Tooltip and cursor for where the pointer is: a ticket that opens, a place that is entered, or neither.
function point(event) {
  if (event.originalEvent?.target?.closest?.("a")) return hideTip(); // A label's number says itself where it leads.
  const en = document.documentElement.lang === "en";
  const found = aimed(event);
  const opens = found && layer() === "tickets";
  const enters = !opens && under && !under.chosen;
  state.map.getContainer().dataset.click = opens ? "ticket" : enters ? "place" : "none";
  if (found && (found.title || opens)) {
    const word = !opens && state.doc?.layers[layer()].looks.find(([look]) => look === found.light)?.[1];
    const lines = opens ? [en ? "Click: open the ticket" : "点击打开工单"] : word ? [word] : [];
    showTip([found.lat, found.lon], found.title || (en ? "Ticket" : "工单"), lines);
  } else if (under) {
    const { feature, aside, chosen } = under;
    const lines = aside ? [] : detail(feature.properties.code);
    showTip(event.latlng, titleOf(feature), chosen ? lines : [...lines, en ? "Click: go there" : "点击进入"]);
  } else {
    hideTip();
  }
}

// A label for each place, at the spot with most room.
function name(below) {
  for (const feature of below.features) {
    const box = document.createElement("div");
    const [title, value, more] = ["span", "a", "span"].map((tag, at) => {
      const part = document.createElement(tag);
      part.className = ["title", "value", "more"][at];
      box.append(part);
      return part;
    });
    title.textContent = titleOf(feature);
    const spot = spotOf(feature.geometry);
    const icon = L.divIcon({ html: box, className: "place-label", iconSize: [0, 0] });
    const marker = L.marker(spot.latlng, { icon, interactive: false, keyboard: false }).addTo(state.map);
    labels.set(feature.properties.code, { marker, box, title, value, more, spot, feature });
  }
}

// Colours and numbers anew; outlines stay as they are.
function dress() {
  if (!inner || !state.doc) return;
  const steps = scale();
  const plain = layer() !== "tickets"; // Under another layer's points the places keep quiet.
  inner.eachLayer((shape) => {
    const code = shape.feature?.properties.code;
    if (!code || !shape.setStyle) return;
    const row = state.doc.places[code];
    const wanted = row && !plain ? fill(row, steps) : colour(plain ? "unknown" : "raised");
    const edge = colour(plain ? "line" : "border");
    if (shape.options.fillColor !== wanted || shape.options.color !== edge) shape.setStyle({ fillColor: wanted, color: edge });
  });
  const box = document.querySelector("#map .modes");
  if (box) box.hidden = plain;
  const en = document.documentElement.lang === "en";
  for (const [code, label] of labels) {
    const row = state.doc.places[code];
    write(label.title, titleOf(label.feature));
    if (plain) {
      const pair = states()?.places?.[code]; // Where all is well, the name alone says so.
      write(label.value, pair && pair[0] === pair[1] ? "" : share(pair));
      write(label.more, "");
      continue;
    }
    write(label.value, written(figure(row)));
    const behind = row ? `${row.behind?.[mode()] ?? row.behind?.tickets ?? ""}` : "";
    if (behind) label.value.setAttribute("href", behind);
    else label.value.removeAttribute("href");
    label.value.title = behind ? (en ? "Click: list these tickets" : "点击列出这些工单") : "";
    const late = row?.late ? ` · ${en ? "late" : "超期"} ${row.late.toLocaleString("en")}` : "";
    write(label.more, row ? (mode() === "tickets" ? late.slice(3) : `${row.open.toLocaleString("en")}${en ? " open" : " 件"}`) : "");
  }
  if (plain) document.getElementById("map-legend")?.replaceChildren();
  else legend(steps);
  arrange();
}

function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// Largest first, each label stands where it fits into its place and over no other; else shorter, else not at all.
function arrange() {
  const { map } = state;
  if (!home?.isValid()) return; // A city without outlines has nothing to label.
  const taken = [];
  const perDegree = map.project([home.getCenter().lat + 0.005, 0]).subtract(map.project([home.getCenter().lat - 0.005, 0])).y * -100;
  const sorted = [...labels.values()].sort((a, b) => b.spot.area - a.spot.area);
  for (const label of sorted) {
    const element = label.marker.getElement();
    if (!element) continue;
    const middle = map.latLngToContainerPoint(label.spot.latlng);
    let stands = false;
    for (const brief of [false, true]) {
      element.classList.toggle("brief", brief);
      element.classList.remove("out");
      const [w, h] = [label.box.offsetWidth, label.box.offsetHeight];
      const roomy = label.spot.room * perDegree * 2 > h * 0.7 && label.spot.width * perDegree > w * 0.9;
      const box = [middle.x - w / 2, middle.y - h / 2, middle.x + w / 2, middle.y + h / 2];
      if (roomy && !taken.some((other) => box[0] < other[2] && other[0] < box[2] && box[1] < other[3] && other[1] < box[3])) {
        taken.push(box);
        stands = true;
        break;
      }
    }
    element.classList.toggle("out", !stands);
  }
}

// -- tickets as points --------------------------------------------------------------------------------------

// One canvas, one small picture per light, drawn where each ticket is. Twenty thousand take some milliseconds,
// and a drag moves the finished picture.
const Points = L && L.Layer.extend({
  initialize() {
    this.known = new Map(); // key → {x, y, light, title, seen}
    this.round = 0;
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
  // Takes all points there are now; adds, moves, restyles and removes what differs.
  set(rows) {
    const { known } = this;
    const round = ++this.round;
    let changed = 0;
    for (const [key, lon, lat, light, title] of rows) {
      const point = known.get(key);
      if (!point) {
        known.set(key, { ...spread(lon, lat), lon, lat, light, title, round });
        changed++;
      } else {
        if (point.light !== light || point.lon !== lon || point.lat !== lat) {
          Object.assign(point, spread(lon, lat), { lon, lat, light });
          changed++;
        }
        point.title = title;
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
    if (changed) this.redraw();
    return changed;
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
    const pad = size.multiplyBy(0.25).round();
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
    const stamps = stampsFor(this.known.size, ratio);
    const zoom = 256 * 2 ** map.getZoom();
    const origin = map.getPixelOrigin().add(corner);
    // What matters most is drawn last and lies on top.
    for (const light of [5, 4, 0, 1, 2, 3]) {
      const stamp = stamps[light];
      const half = stamp.width / 2;
      for (const point of this.known.values()) {
        if (point.light !== light) continue;
        const x = (point.x * zoom - origin.x) * ratio;
        const y = (point.y * zoom - origin.y) * ratio;
        if (x > -half && y > -half && x < canvas.width + half && y < canvas.height + half) {
          context.drawImage(stamp, Math.round(x - half), Math.round(y - half));
        }
      }
    }
  },
  // The nearest of those whose picture lies at a spot, or that are less than so many pixels away.
  nearest(latlng, pixels) {
    const zoom = 256 * 2 ** this._map.getZoom();
    const ratio = window.devicePixelRatio || 1;
    const { x, y } = spread(latlng.lng, latlng.lat);
    const reach = stampsFor(this.known.size, ratio).map(({ width }) => (Math.max(pixels, (width / 2 - 1) / ratio) / zoom) ** 2);
    let least = Infinity;
    let found = null;
    for (const [key, point] of this.known) {
      const far = (point.x - x) ** 2 + (point.y - y) ** 2;
      if (far < least && far <= reach[point.light]) [found, least] = [{ ...point, key }, far];
    }
    return found;
  },
});

// Spherical Mercator on a square of side one, so that a point is projected once and only scaled afterwards.
function spread(lon, lat) {
  const sin = Math.sin((Math.max(-85, Math.min(85, lat)) * Math.PI) / 180);
  return { x: lon / 360 + 0.5, y: 0.5 - Math.log((1 + sin) / (1 - sin)) / (4 * Math.PI) };
}

const stampStore = new Map();

function stampsFor(number, ratio) {
  const crowd = number > 5000 ? 0.55 : number > 800 ? 0.75 : 1;
  const size = Math.max(5, Math.round(1.5 * rem() * crowd * ratio));
  if (!stampStore.has(size)) {
    stampStore.clear();
    stampStore.set(size, LIGHTS.map((_, light) => stamp(light, size)));
  }
  return stampStore.get(size);
}

// The shape of a light: circle, square, triangle, diamond, bar, ring.
function stamp(light, size) {
  const large = light === 0 || light >= 4 ? size * 0.78 : size * 1.15;
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = Math.ceil(large) + 2;
  const context = canvas.getContext("2d");
  const c = canvas.width / 2;
  const r = large / 2 - 0.5;
  context.fillStyle = colour(LIGHT_COLOURS[light]);
  context.strokeStyle = light === 5 ? context.fillStyle : colour("ground");
  context.lineWidth = Math.max(1, size / 12);
  context.beginPath();
  if (light === 1) context.rect(c - r * 0.82, c - r * 0.82, r * 1.64, r * 1.64);
  else if (light === 2) [[c, c - r], [c + r, c + r * 0.8], [c - r, c + r * 0.8]].forEach((p, at) => context[at ? "lineTo" : "moveTo"](...p));
  else if (light === 3) [[c, c - r], [c + r, c], [c, c + r], [c - r, c]].forEach((p, at) => context[at ? "lineTo" : "moveTo"](...p));
  else if (light === 4) context.rect(c - r * 0.45, c - r, r * 0.9, r * 2);
  else context.arc(c, c, light === 5 ? r * 0.8 : r, 0, 2 * Math.PI);
  context.closePath();
  if (light !== 5) context.fill();
  context.stroke();
  return canvas;
}

function drawPoints() {
  const shown = layer();
  if (shown !== "tickets") return drawLayer(shown);
  const rows = state.rows;
  if (!points) return;
  const mine = rows?.place === citywall.address?.place ? rows.points : [];
  Object.assign(citywall.points, { layer: shown, number: mine.length, changed: points.set(mine) });
  const counts = [0, 0, 0, 0, 0, 0];
  for (const row of mine) counts[row[3]]++;
  if (state.doc) key(state.doc.lights.map(([, , word], at) => [at, word, counts[at]]));
}

// The shape, word and number of each state that anything is in.
function key(entries) {
  document.getElementById("map-lights")?.replaceChildren(...entries.flatMap(([at, word, number]) => {
    if (!number) return [];
    const [light, shape] = state.doc.lights[at];
    const item = document.createElement("span");
    const mark = document.createElement("span");
    mark.className = `light ${light}`;
    mark.textContent = shape;
    item.append(mark, ` ${word} ${number.toLocaleString("en")}`);
    return [item];
  }));
}

// -- other layers: points fetched once by their version, states by every change --------------------------------

const fetched = new Map(); // layer|place → {version, rows}, the latest few
let asking = ""; // what is under way

async function ask(name, place, version) {
  const slot = `${name}|${place}`;
  const wanted = `${slot}|${version}`;
  if (asking === wanted) return;
  asking = wanted;
  try {
    const answer = await fetch(`/layers/${encodeURIComponent(name)}/${encodeURIComponent(place)}.json?v=${version}`);
    if (!answer.ok) throw new Error(`layer ${wanted}: status ${answer.status}`);
    const { version: said, points: found } = await answer.json();
    fetched.delete(slot);
    fetched.set(slot, { version: said, rows: found.map(([id, lon, lat, title]) => [id, lon, lat, 5, title]) });
    while (fetched.size > 4) fetched.delete(fetched.keys().next().value);
    asking = "";
    drawPoints();
  } catch (error) {
    console.warn("citywall:", error.message);
    setTimeout(() => { asking = ""; drawPoints(); }, 2000);
  }
}

function drawLayer(name) {
  const found = states();
  if (!points || !state.doc) return;
  const known = fetched.get(`${name}|${citywall.address.place}`);
  if (!found?.version) return void Object.assign(citywall.points, { layer: name, number: 0, changed: points.set([]) });
  if (known?.version !== found.version) ask(name, citywall.address.place, found.version);
  const { looks } = state.doc.layers[name];
  // Until the points of this very version are there, what is drawn stays as it was last right.
  if (known?.version === found.version) {
    const { rows } = known;
    let at = 0;
    for (let i = 0; i < found.states.length; i += 2) {
      const look = looks[found.states[i]][0];
      for (const end = at + found.states[i + 1]; at < end && at < rows.length; at++) rows[at][3] = look;
    }
    Object.assign(citywall.points, { layer: name, number: rows.length, changed: points.set(rows) });
  } else if (citywall.points.layer !== name || points.place !== citywall.address.place) {
    Object.assign(citywall.points, { layer: name, number: 0, changed: points.set([]) });
  }
  points.place = citywall.address.place;
  key(looks.map(([look, word], at) => [look, word, found.counts[at]]));
}

// -- what comes in ------------------------------------------------------------------------------------------

citywall.sinks["map-data"] = (property, value) => {
  state.doc = value;
  press();
  draw();
  drawPoints();
};

citywall.sinks["map-points"] = (property, value) => {
  state.rows = value;
  drawPoints();
};

let labelled = ""; // the rates that stand on the labels: measuring labels costs more than drawing ten thousand points
citywall.sinks["map-layers"] = (property, value) => {
  state.layers = value;
  if (layer() === "tickets") return;
  drawPoints();
  const rates = JSON.stringify([value.place, states()?.places]);
  if (rates !== labelled) dress();
  labelled = rates;
};

citywall.layer = layer;

function press() {
  for (const button of document.querySelectorAll("[data-map-layer]")) {
    button.setAttribute("aria-pressed", String(button.dataset.mapLayer === layer()));
  }
}

// Another theme: everything drawn on canvas is drawn anew in its colours.
window.addEventListener("citywall:theme", () => {
  if (!state.map) return;
  stampStore.clear();
  points?.redraw();
  state.drawn = null;
  draw();
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
    press();
    drawPoints();
  }
  if (before.map !== now.map || before.lang !== now.lang || before.layer !== now.layer) dress();
});

// Opens the ticket that is drawn where the pointer is, if there is one; whether there was. What is drawn of another
// layer leads nowhere, so that it leaves the click to the place it lies in.
let opening = false;
function caseAt(event) {
  if (opening) return true;
  const found = layer() === "tickets" && aimed(event);
  if (!found) return false;
  opening = true;
  const lang = new URLSearchParams(location.search).get("lang");
  location.assign(`/ticket?key=${encodeURIComponent(found.key)}${lang ? `&lang=${lang}` : ""}`);
  setTimeout(() => (opening = false), 3000);
  return true;
}

function begin(map) {
  state.map = map;
  map.options.zoomAnimation = false;
  state.canvas = L.canvas({ padding: 0.3 });
  points = new Points();
  points.addTo(map);
  map.on("dragstart", () => (moved = true));
  map.getContainer().addEventListener("wheel", () => (moved = true), { passive: true });
  map.on("zoomend", () => home && labels.size && arrange());
  map.on("mousemove", point);
  map.on("mouseout", hideTip);
  map.on("click", caseAt);
  map.on("dblclick", fit);
  new ResizeObserver(() => {
    map.invalidateSize({ animate: false, pan: false });
    if (!moved) fit();
    if (labels.size) arrange();
  }).observe(map.getContainer());
  draw();
  drawPoints();
}

L?.Map.addInitHook(function () {
  if (this.getContainer().closest("#map") || this.getContainer().id === "map-canvas") begin(this);
  else setTimeout(() => this.getContainer().closest("#map") && begin(this));
});
