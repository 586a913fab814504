// The link to the server: one socket for as long as the page lives, or long polls where no socket gets through.

import { address, cards, html, meta, stage } from "./address.mjs";
import { offset, painted } from "./paint.mjs";
import { said } from "./pulse.mjs";

const CONNECT = 5000; // ms a socket may take to open
const BACKOFF = [250, 5000]; // ms between attempts: first and largest
const POLL = 4000; // ms until a poll is being answered; there is a beat each two seconds
const BODY = 30000; // ms until its answer is here
const SILENCE = 4000; // ms without a frame, two beats, after which the link counts as lost
const [CONNECTING, OPEN] = [0, 1]; // states of a socket, also where there are no sockets

export const takers = {}; // kind of frame → what is done with it
export const link = {
  id: (crypto.randomUUID?.() ?? String(Math.random())).slice(0, 8), // of this page, as long as it lives
  since: 0, // when it came up, by our clock, in ms
  asked: Date.now(), // when it was last said what is wanted
  polling: false, // whether the fallback is in use
  report: () => null, // what the next hello by poll says of this screen
};

// One socket carries the link. When it falls silent a second one is tried beside it, and whichever delivers first
// stays: after a frozen server the old one, after a cut network the new one.
let main = null;
let probe = null;
let attempts = 0;
let failures = 0;
let retry = 0;
let pollControl = null;
let polled = ""; // what the latest poll wanted
let begun = false; // whether all modules of the page are there
const early = []; // frames that came before
let wish = meta("panels").split(" ").filter(Boolean); // what is to stand here while nothing does yet
const panels = () => (stage() ? [...cards()].map((card) => card.dataset.panel) : wish);
export const sizeClass = () => (innerHeight >= 1800 ? "large" : innerHeight <= 1030 ? "small" : "normal");

function helloMessage(wanted = panels()) {
  return {
    t: "hello", screen: link.id, panels: wanted, place: address.place, lang: address.lang, size: sizeClass(),
    epoch: painted.epoch, offset: offset(), seen: painted.n,
  };
}

const wanting = (wanted) => JSON.stringify([wanted, address.place, address.lang, sizeClass()]);

function greet(socket, wanted) {
  socket.told = wanting(wanted);
  socket.send(JSON.stringify(helloMessage(wanted)));
}

// Says what is wanted; where it is not to be said ``again``, only to whom it was not said yet.
export function hello(wanted = panels(), again = true) {
  if (!wanted.length) return;
  wish = wanted;
  const known = wanting(wanted);
  const open = [main, probe].filter((socket) => socket?.readyState === OPEN && (again || socket.told !== known));
  for (const socket of open) greet(socket, wanted);
  const poll = pollControl && (again || polled !== known);
  if (poll) pollControl.abort("again");
  if (again || open.length || poll) link.asked = Date.now();
}

// Says something over the socket; whether there was one.
export function say(message) {
  if (main?.readyState !== OPEN) return false;
  main.send(JSON.stringify(message));
  return true;
}

// All modules are there now: what came before has waited for them.
export function begin() {
  begun = true;
  if (main) window.dispatchEvent(new Event("citywall:linked"));
  for (const frame of early.splice(0)) take(frame);
}

function take(frame) {
  frame.came ??= Date.now();
  said.frame = frame.came;
  if (!begun) return void early.push(frame);
  link.since ||= Date.now();
  attempts = 0;
  const up = html.dataset.link === "up";
  html.dataset.link = "up";
  takers[frame.t]?.(frame);
  if (!up) window.dispatchEvent(new Event("citywall:up"));
}

export function connect() {
  clearTimeout(retry);
  retry = 0;
  if (typeof WebSocket !== "function") return void startPoll();
  if (probe) return;
  const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/live`);
  probe = socket;
  let opened = false;
  const giveUp = setTimeout(() => socket.close(), CONNECT);
  const late = setTimeout(() => socket !== main && socket.close(), 6 * CONNECT);
  socket.onopen = () => {
    clearTimeout(giveUp);
    opened = true;
    failures = 0;
    if (panels().length) greet(socket, panels());
  };
  socket.onmessage = (event) => {
    const frame = JSON.parse(event.data);
    if (socket === probe && (!main || main.readyState !== OPEN || frame.t === "paint")) promote(socket);
    if (socket === main) {
      if (probe) dropProbe();
      take(frame);
    }
  };
  socket.onclose = () => {
    clearTimeout(giveUp);
    clearTimeout(late);
    if (socket === main) main = null;
    if (socket === probe) probe = null;
    if (!opened && ++failures >= 3) startPoll();
    if (!main && !probe) later();
  };
}

function promote(socket) {
  const old = main;
  main = socket;
  probe = null;
  old?.close();
  stopPoll();
  if (begun) window.dispatchEvent(new Event("citywall:linked"));
}

function dropProbe() {
  const socket = probe;
  probe = null;
  socket.onclose = socket.onmessage = null;
  if (socket.readyState === CONNECTING) socket.onopen = () => socket.close();
  else socket.close();
}

function later() {
  if (retry) return;
  const [first, most] = BACKOFF;
  const wait = Math.min(most, first * 2 ** attempts++) * (0.5 + Math.random() / 2);
  retry = setTimeout(connect, link.polling ? Math.max(wait, 20000) : wait);
}

// Where no socket gets through, the same frames come by long polls, until a socket does.
async function startPoll() {
  if (link.polling) return;
  link.polling = true;
  let wait = BACKOFF[0];
  while (link.polling) {
    if (!panels().length) {
      await new Promise((resolve) => setTimeout(resolve, 50)); // The page is not drawn yet.
      continue;
    }
    const control = (pollControl = new AbortController());
    let timer = setTimeout(() => control.abort("late"), POLL);
    polled = wanting(panels());
    try {
      const answer = await fetch("/live/poll", {
        method: "POST", body: JSON.stringify({ ...helloMessage(), report: link.report() }), signal: control.signal,
        cache: "no-store", headers: { "content-type": "application/json" },
      });
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      clearTimeout(timer);
      timer = setTimeout(() => control.abort("late"), BODY);
      const { frames } = await answer.json();
      if (link.polling) frames.forEach(take);
      wait = BACKOFF[0];
    } catch {
      if (link.polling && control.signal.reason !== "again") {
        await new Promise((resolve) => setTimeout(resolve, wait * (0.5 + Math.random() / 2)));
        wait = Math.min(BACKOFF[1] / 2, wait * 2);
      }
    } finally {
      clearTimeout(timer);
    }
  }
}

function stopPoll() {
  link.polling = false;
  pollControl?.abort("stop");
}

// Called twice a second: a link that has fallen silent is marked, and another one tried.
export function watchLink() {
  const silent = Date.now() - said.frame;
  if (said.frame && silent > SILENCE && html.dataset.link !== "lost") {
    html.dataset.link = "lost";
    link.since = 0;
  }
  if (silent > SILENCE - 1000 && !probe && !retry) connect();
}

function wake() {
  if (document.hidden || Date.now() - said.frame < 2500) return;
  attempts = 0;
  if (retry || !probe) connect();
}
document.addEventListener("visibilitychange", wake);
window.addEventListener("online", wake);
window.addEventListener("pageshow", wake);

// A screen of another size is painted for it.
let size = sizeClass();
window.addEventListener("resize", () => {
  if (sizeClass() === size) return;
  size = sizeClass();
  hello();
});

