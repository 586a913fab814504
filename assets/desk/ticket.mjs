// One ticket: its parts are painted by the server and drawn here; the little map is outlines and points, without tiles.

const { citywall } = window;
const { desk } = citywall;
const { at } = desk;
const SVG = "http://www.w3.org/2000/svg";
const shapesVersion = document.querySelector('meta[name="citywall-shapes"]')?.content ?? "";
let drawn = "";
let mapped = "";
let timer = 0;

async function show() {
  clearTimeout(timer);
  desk.frame();
  const key = desk.query().get("key") ?? "";
  try {
    const found = await desk.ask(`/ticket/data?key=${encodeURIComponent(key)}&lang=${desk.lang()}`, { patience: 8 });
    desk.fault(null);
    const text = JSON.stringify(found.parts);
    if (text !== drawn) {
      drawn = text;
      for (const [name, part] of Object.entries(found.parts)) {
        if (name === "titles") for (const [id, title] of Object.entries(part)) at(`title-${id}`).textContent = title;
        else citywall.draw(at(`face-${name}`), part);
      }
      document.title = at("face-head").innerText.split("\n")[0];
    }
    citywall.tick?.();
    const where = JSON.stringify(found.where);
    if (where !== mapped) {
      mapped = where;
      await map(found.where);
    }
    at("desk").dataset.ready = "1";
    timer = setTimeout(show, 5000);
  } catch (error) {
    desk.fault(error);
    at("desk").dataset.ready = "fault";
    if (!error.refused) timer = setTimeout(show, 5000);
  }
}

// -- where it is ---------------------------------------------------------------------------------------------

const rings = (geometry) => (geometry?.type === "Polygon" ? [geometry.coordinates] : geometry?.type === "MultiPolygon" ? geometry.coordinates : []);

function element(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

async function map({ lon, lat, place, around, near }) {
  const box = at("face-map");
  const get = (code) => desk.ask(`/shapes/${encodeURIComponent(code)}.json?v=${shapesVersion}`).then((found) => found.features ?? [], () => []);
  const beside = await get(around);
  const own = beside.filter((feature) => feature.properties.code === place);
  const shown = own.length ? own : beside;
  const points = shown.flatMap((feature) => rings(feature.geometry).flat(2));
  if (lon !== null) points.push([lon, lat]);
  box.replaceChildren();
  box.parentElement.hidden = !points.length;
  if (!points.length) return;
  const [west, east] = [Math.min(...points.map((p) => p[0])), Math.max(...points.map((p) => p[0]))];
  const [south, north] = [Math.min(...points.map((p) => p[1])), Math.max(...points.map((p) => p[1]))];
  const [width, height] = [box.clientWidth || 360, box.clientHeight || 260];
  const squeeze = Math.cos(((south + north) / 2) * (Math.PI / 180));
  const scale = Math.min((width - 24) / Math.max(1e-4, (east - west) * squeeze), (height - 24) / Math.max(1e-4, north - south));
  const [cx, cy] = [(west + east) / 2, (south + north) / 2];
  const spot = ([x, y]) => [width / 2 + (x - cx) * squeeze * scale, height / 2 - (y - cy) * scale];
  const picture = element("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": at("face-facts").innerText.slice(0, 60) });
  for (const feature of beside) {
    const path = rings(feature.geometry).map((polygon) => polygon.map((ring) => `M${ring.map((p) => spot(p).map((n) => n.toFixed(1)).join(",")).join("L")}Z`).join("")).join("");
    const mine = feature.properties.code === place;
    picture.append(element("path", { d: path, class: mine ? "own" : "other", "fill-rule": "evenodd" }));
  }
  for (const p of near) picture.append(element("circle", { cx: spot(p)[0], cy: spot(p)[1], r: 4, class: "near" }));
  if (lon !== null) {
    const [x, y] = spot([lon, lat]);
    picture.append(element("circle", { cx: x, cy: y, r: 13, class: "halo" }), element("circle", { cx: x, cy: y, r: 5.5, class: "here" }));
  }
  box.append(picture);
}

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  if (history.length > 1) history.back();
  else location.assign("/tickets");
});
document.addEventListener("click", (event) => {
  const link = event.target.closest?.("[data-set-lang]");
  if (!link || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  history.replaceState(null, "", link.href);
  show();
});
window.addEventListener("popstate", show);
window.addEventListener("citywall:instructed", () => setTimeout(show, 1200)); // History has it a moment later.
desk.begin(show);
