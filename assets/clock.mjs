// Time on the page: the city's clock, countdowns and ages, each kept by one timer a second.
// What the city's time is, live.mjs says through citywall.time.

import { grouped } from "./numbers.mjs";
import { date, time as clock } from "./zone.mjs";

const citywall = (window.citywall ??= {});
citywall.sinks ??= {};

// A text is written only where it differs: a page that stands still costs nothing.
function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

const UNITS = {
  zh: { s: "秒", min: "分", h: "小时", d: "天" },
  en: { s: "s", min: "min", h: "h", d: "d" },
};
const units = (lang) => UNITS[lang === "en" ? "en" : "zh"];
const two = (n) => String(Math.floor(n)).padStart(2, "0");

// The time left: −42′10″ below an hour, 1:54 (h:mm) below two days, 3 d above.
function left(seconds, lang) {
  const sign = seconds < 0 ? "−" : "";
  const s = Math.abs(seconds);
  if (s < 3600) return `${sign}${Math.floor(s / 60)}′${two(s % 60)}″`;
  if (s < 2 * 86400) return `${sign}${Math.floor(s / 3600)}:${two((s % 3600) / 60)}`;
  return `${sign}${grouped(Math.floor(s / 86400))} ${units(lang).d}`;
}

// How long ago, in words short enough for the corner of a card.
function ago(seconds, lang) {
  const s = Math.max(0, seconds);
  const u = units(lang);
  if (s < 60) return `${Math.floor(s)} ${u.s}`;
  if (s < 3600) return `${Math.floor(s / 60)} ${u.min}`;
  if (s < 2 * 86400) return `${Math.floor(s / 3600)} ${u.h}`;
  return `${grouped(Math.floor(s / 86400))} ${u.d}`;
}

citywall.left = left;
citywall.ago = ago;

function tick() {
  const time = citywall.time;
  if (!time) return;
  const lang = document.documentElement.lang;
  const city = time.city();
  const wall = time.wall();
  if (city !== null) {
    for (const element of document.querySelectorAll("[data-clock]")) {
      const kind = element.dataset.clock;
      if (kind === "date") write(element, date(city, lang));
      else if (kind === "time") write(element, clock(city).slice(0, 5));
      else if (kind === "seconds") write(element, clock(city).slice(5));
    }
    for (const element of document.querySelectorAll("[data-due]")) write(element, left(element.dataset.due - city, lang));
  }
  for (const element of document.querySelectorAll("[data-since]")) {
    const now = element.dataset.by === "wall" ? wall : city;
    if (now !== null) write(element, ago(now - element.dataset.since, lang));
  }
  document.documentElement.dataset.clock = time.stopped() ? "stopped" : "running";
}

citywall.tick = tick;

// Just after each full second of the city's time, so that seconds do not stutter.
function again() {
  tick();
  const city = citywall.time?.city();
  const rest = city === null || city === undefined ? 500 : 1000 * (1 - (city % 1));
  setTimeout(again, Math.max(50, rest + 5));
}
again();
