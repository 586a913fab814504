// The address of a page: place, language, theme, the map's layer and colours; and how a click changes it.

const citywall = (window.citywall ??= {});
export const html = document.documentElement;
export const meta = (name) => document.querySelector(`meta[name="citywall-${name}"]`)?.content ?? "";
export const languages = meta("languages").split(" ");
export const THEMES = ["dark", "light"]; // as assets/tokens.css has them
export const address = (citywall.address = { place: "", lang: "", map: "", layer: "", theme: "" });
export const cards = () => document.querySelectorAll("[data-panel]");
export const stage = () => document.getElementById("wall"); // What is shown, whatever scene it is.

export function readAddress() {
  const query = new URLSearchParams(location.search);
  address.place = query.get("place") || meta("root");
  address.lang = languages.includes(query.get("lang")) ? query.get("lang") : languages[0];
  address.map = query.get("map") || "tickets";
  address.layer = query.get("layer") || "";
  address.theme = THEMES.includes(query.get("theme")) ? query.get("theme") : THEMES[0];
}

export function applyAddress() {
  const before = { ...address };
  readAddress();
  html.lang = address.lang;
  for (const link of document.querySelectorAll("[data-set-lang], [data-set-theme]")) {
    const { setLang, setTheme } = link.dataset;
    if (setLang === address.lang || setTheme === address.theme) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
  // The way to the other screens keeps place and language.
  const here = stage()?.dataset.screen;
  const kept = new URLSearchParams(location.search);
  kept.delete("panel");
  kept.delete("scene");
  const search = kept.size ? `?${kept}` : "";
  for (const link of document.querySelectorAll("[data-go-screen]")) {
    link.href = `/${link.dataset.goScreen}${search}`;
    if (link.dataset.goScreen === here) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const current = document.querySelector(".screens a[aria-current]");
  document.getElementById("header-screen")?.replaceChildren(...(current ? [...current.childNodes].map((node) => node.cloneNode(true)) : ["☰"]));
  for (const element of document.querySelectorAll("[data-tip-zh]")) {
    element.title = element.dataset[address.lang === "en" ? "tipEn" : "tipZh"];
  }
  for (const card of document.querySelectorAll("[data-panel]")) {
    card.setAttribute("aria-label", card.dataset[address.lang === "en" ? "titleEn" : "titleZh"]);
  }
  window.dispatchEvent(new CustomEvent("citywall:address", { detail: { before, now: { ...address } } }));
}

// Goes to another place, language or colouring; what is not named stays.
citywall.go = (change) => {
  const query = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(change)) {
    if (!value || (name === "place" && value === meta("root"))) query.delete(name);
    else query.set(name, value);
  }
  const text = query.toString();
  const url = location.pathname + (text ? `?${text}` : "");
  if (url !== location.pathname + location.search) history.pushState(null, "", url);
  applyAddress();
};

// A menu closes at a click beside it, once something in it was chosen, and at Escape, which gives the focus back.
const menus = () => document.querySelectorAll("details.screens[open]");
document.addEventListener("click", (event) => {
  for (const menu of menus()) if (!menu.contains(event.target) || event.target.closest("a")) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of menus()) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

window.addEventListener("popstate", applyAddress);
document.addEventListener("click", (event) => {
  if (event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const found = event.target.closest?.("[data-place], [data-set-lang], [data-set-theme], [data-map-mode], [data-map-layer]");
  if (!found || found.closest("#wall") === null) return;
  event.preventDefault();
  if (found.dataset.place) citywall.go({ place: found.dataset.place });
  else if (found.dataset.setLang) citywall.go({ lang: found.dataset.setLang });
  else if (found.dataset.mapLayer) citywall.go({ layer: citywall.switched?.(found.dataset.mapLayer) ?? found.dataset.mapLayer });
  else if (found.dataset.setTheme) citywall.go({ theme: found.dataset.setTheme });
  else citywall.go({ map: found.dataset.mapMode });
});

// The way down to the tickets keeps the theme.
document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a.behind");
  const href = link?.getAttribute("href") ?? "";
  if (!href.startsWith("/") || address.theme === THEMES[0] || href.includes("theme=")) return;
  link.setAttribute("href", `${href}${href.includes("?") ? "&" : "?"}theme=${address.theme}`);
}, true);
