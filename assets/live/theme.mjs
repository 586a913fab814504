// The theme: a dark room, a tablet in daylight, paper.

import { address, html } from "./address.mjs";

export const wearing = { paper: false };

export function wear(theme) {
  if (html.dataset.theme === theme) return;
  html.dataset.theme = theme;
  window.dispatchEvent(new CustomEvent("citywall:theme", { detail: { theme } }));
}

window.addEventListener("citywall:address", () => wearing.paper || wear(address.theme));

for (const [name, begins] of [["beforeprint", true], ["afterprint", false]]) {
  window.addEventListener(name, () => {
    wearing.paper = begins;
    wear(begins ? "light" : address.theme);
  });
}
