// That a playlist runs: how far it is, whether it rests or an alert has interrupted it; a tap or P pauses it.

import { address, html } from "./address.mjs";
import { asked, screen } from "./screen.mjs";

const WORDS = {
  zh: { runs: "播放列表", paused: "已暂停", alarm: "告警插播", pause: "点击或按 P 暂停", resume: "点击或按 P 继续" },
  en: { runs: "Playlist", paused: "paused", alarm: "alert", pause: "Tap or press P to pause", resume: "Tap or press P to go on" },
};
const MANY = 8; // scenes beyond which they are counted and not dotted

function draw() {
  const box = document.getElementById("header-playlist");
  const { playlist } = screen;
  html.dataset.playlist = playlist ? (playlist.alarm ? "alarm" : playlist.paused ? "paused" : "runs") : "";
  if (!box) return;
  if (!playlist) return box.replaceChildren();
  const en = address.lang === "en";
  const words = WORDS[en ? "en" : "zh"];
  const button = box.querySelector("button") ?? box.appendChild(document.createElement("button"));
  const mark = playlist.alarm ? "▲" : playlist.paused ? "❚❚" : "▶";
  const { at, of } = playlist;
  const dots = of > MANY ? `${at + 1}/${of}` : [...Array(of).keys()].map((n) => (n === at ? "●" : "○")).join("");
  const word = playlist.alarm ? words.alarm : playlist.paused ? words.paused : "";
  const parts = [["mark", mark], ["word", word], ["dots", dots]].filter(([, text]) => text);
  button.replaceChildren(...parts.map(([kind, text]) => {
    const part = document.createElement("span");
    part.className = kind;
    part.textContent = text;
    return part;
  }));
  button.className = html.dataset.playlist;
  button.title = `${words.runs} ${playlist.title[en ? 1 : 0]} · ${at + 1}/${of} · ${playlist.paused ? words.resume : words.pause}`;
  button.setAttribute("aria-label", button.title);
  button.setAttribute("aria-pressed", String(playlist.paused));
}

const toggle = () => screen.playlist && asked("playlist", { paused: !screen.playlist.paused }).catch(() => {});

document.addEventListener("click", (event) => event.target.closest?.("#header-playlist button") && toggle());
document.addEventListener("keydown", (event) => {
  if (event.key.toLowerCase() !== "p" || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (!event.target.closest?.("input, textarea, select, [contenteditable]")) toggle();
});
for (const news of ["citywall:playlist", "citywall:scene", "citywall:address"]) window.addEventListener(news, draw);
