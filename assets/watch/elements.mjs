// What the desk draws with: elements with their attributes, times of the city, and texts written only where they differ.

import { english } from "./words.mjs";

export function make(tag, about = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(about)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
  return made;
}

const zone = document.querySelector('meta[name="citywall-zone"]')?.content || undefined;
export function clock(seconds, day = false) {
  const wanted = { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: zone, ...(day ? { month: "2-digit", day: "2-digit" } : {}) };
  return new Intl.DateTimeFormat(english() ? "en-GB" : "zh-CN", wanted).format(new Date(seconds * 1000));
}

export function write(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}
