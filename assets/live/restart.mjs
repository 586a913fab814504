// When the page starts afresh by itself: at once where it is broken, and at a calm moment before it grows too large.

import { html, meta } from "./address.mjs";
import { link } from "./link.mjs";
import { painted, ready } from "./paint.mjs";

const citywall = (window.citywall ??= {});
const CONNECT = 5000; // ms the page may take to be asked for
const BLANK = 60000; // ms connected without a paint after which the page starts afresh
const EMPTY = 20000; // ms the page may be without a stage, as while it is drawn at first or another scene comes
const RELOADS = 60000; // ms between two reloads at the least
const CALM = 60000; // ms without a touch or a key
const UNSENT = 600000; // ms after the last key for which a text that nobody has sent yet holds a restart up
const [SOFT, HARD] = meta("memory").split(" ").map((megabytes) => Number(megabytes) * 1e6); // bytes of script memory
const AGE = Number(meta("afresh")) * 3600e3; // ms after which it starts afresh though nothing is wrong; 0 never
const begun = Date.now();
export const used = () => performance.memory?.usedJSHeapSize ?? null;
export const calm = { touched: 0, restless: () => false };

for (const kind of ["pointerdown", "keydown", "wheel", "touchstart"]) {
  window.addEventListener(kind, () => { calm.touched = Date.now(); }, { capture: true, passive: true });
}

citywall.leftAlone = () => { calm.touched = 0; }; // Nobody is at the screen any more.

// Why the page should start afresh as soon as nobody minds; empty while it should not.
export function due() {
  if (SOFT && used() > SOFT) return "memory";
  return AGE && Date.now() - begun > AGE ? "age" : "";
}

const FIELDS = "textarea, input:not([type=range], [type=checkbox], [type=time])";
// Whether somebody is in the middle of a text, as while a hand-over is written and the telephone rings.
export const writing = () => Date.now() - calm.touched < UNSENT &&
  [...document.querySelectorAll(FIELDS)].some((field) => field.value.trim() && field.value !== field.defaultValue);

// Whether nobody would notice: nobody is at the screen, nothing urgent stands on it, and all of it is well.
export const quiet = () =>
  !writing() && Date.now() - calm.touched > CALM && html.dataset.link === "up" && ready() && citywall.pending() === 0 && !calm.restless();

// A script that did not come, as when the server dies while the page is being loaded, leaves a hole for good: one that
// is not asked for again.
let torn = false;
window.addEventListener("error", (event) => { torn ||= event.target?.tagName === "SCRIPT" && !event.target.dataset.again; }, true);

let stood = begun; // when a stage was last seen on the page
// Called twice a second.
export function watchPage() {
  if (ready()) stood = Date.now();
  const since = Math.max(link.since, link.asked, painted.at >= link.asked ? Infinity : 0);
  if (link.since && Date.now() - since > BLANK) restart("blank");
  if (Date.now() - stood > EMPTY) restart("empty");
  if (torn && html.dataset.link === "up") restart("torn");
  if (HARD && used() > HARD) restart("memory");
  if (due() && quiet()) restart(due(), true);
}

// A quiet reload, not more than once a minute however good the reason, and only where a page will come: the
// browser's own error page would never come back by itself. A soft one fades out here and in again there.
let restarting = false;
export async function restart(why, soft = false, url = location.href) {
  const before = Number(sessionStorage.getItem("citywall.reloaded") ?? 0);
  if (restarting || Date.now() - before < (why === "asked" ? CONNECT : RELOADS)) return false;
  restarting = true;
  try {
    const answer = await fetch(url, { cache: "no-store", signal: AbortSignal.timeout(CONNECT) });
    if (!answer.ok) return false;
    sessionStorage.setItem("citywall.reloaded", String(Date.now()));
    sessionStorage.setItem("citywall.restarts", String(restarts() + 1));
    console.info(`citywall: the page starts afresh (${why})`);
    if (soft) {
      sessionStorage.setItem("citywall.veiled", "yes");
      html.dataset.veil = "down";
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
    if (url === location.href) location.reload();
    else location.replace(url);
    return true;
  } catch {
    return false; // The server is away; the reason will still be there when it is back.
  } finally {
    setTimeout(() => (restarting = false), CONNECT);
  }
}

export const restarts = () => Number(sessionStorage.getItem("citywall.restarts") ?? 0);

// After a soft restart the page is lifted out of the dark once all of it is painted.
if (sessionStorage.getItem("citywall.veiled")) {
  sessionStorage.removeItem("citywall.veiled");
  html.dataset.veil = "down";
  const lift = () => {
    const states = [...document.querySelectorAll("[data-panel]")].map((card) => card.dataset.state);
    if ((states.length && !states.some((state) => state === "never" || state === "opening")) || Date.now() - begun > 3000) delete html.dataset.veil;
    else setTimeout(lift, 50);
  };
  lift();
}
