// The room a wall hangs in: dimmed at night by the city's clock, and moved by some pixels each minute so that what
// stands in the same place for months does not burn in. Both as the city file's [display] says.

import { time as clock } from "./zone.mjs";

const citywall = (window.citywall ??= {});

const meta = (name) => document.querySelector(`meta[name="citywall-${name}"]`)?.content ?? "";
const html = document.documentElement;
const [from, until, dim] = meta("night").split(" ");
const farthest = Number(meta("orbit")) || 0; // px on a screen 1,080 px high
const WALL = 1080; // px of height from which on a screen counts as a wall
const STEP = 60; // s between two moves
const [ACROSS, DOWN] = [37, 23]; // moves until it is back where it was, in either direction: 14 h until both are

// Whether it is night at a time of day such as 23:10; a night may reach over midnight.
citywall.isNight = (time, begin = from, end = until) =>
  !!begin && (begin <= end ? time >= begin && time < end : time >= begin || time < end);

// How far the picture is off its place at a moment, in pixels: whole ones, so that letters stay sharp.
citywall.orbit = (seconds, most) => {
  const step = Math.floor(seconds / STEP);
  const at = (period) => Math.round(most * Math.sin((2 * Math.PI * (step % period)) / period)) || 0;
  return [at(ACROSS), at(DOWN)];
};

function look() {
  const time = citywall.time;
  if (!time) return;
  const city = time.city();
  if (city !== null) {
    const night = citywall.isNight(clock(city).slice(0, 5));
    if (night !== (html.dataset.night === "yes")) html.dataset.night = night ? "yes" : "no";
  }
  const wall = document.querySelector("#wall[data-orbits]");
  if (!wall) return;
  const most = innerHeight >= WALL ? Math.round((farthest * innerHeight) / WALL) : 0;
  const place = `${citywall.orbit(time.wall(), most).map((px) => `${px}px`).join(" ")}`;
  if (wall.style.getPropertyValue("--orbit") !== `${most}px`) wall.style.setProperty("--orbit", `${most}px`);
  if (wall.style.translate !== place) wall.style.translate = place;
}

if (dim) html.style.setProperty("--dim", dim);
citywall.room = look;
look();
setInterval(look, 1000);
window.addEventListener("citywall:painted", look); // The first picture is where it stays, and of its size.
