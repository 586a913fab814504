// How old everything is: the state and the age of each card, and whether the link is lost.

import { address, cards, html, meta } from "./address.mjs";
import { shown } from "./paint.mjs";
import { STALLED, now, said } from "./pulse.mjs";
import { STATES } from "../states.mjs";

const citywall = (window.citywall ??= {});
const ORDER = ["live", "late", "silent", "failing", "never"];
const WORDS = {
  zh: {
    ago: (t) => `${t}前`, rests: (entry) => `这里的数字所依的数据目录「${entry}」`, since: (t) => `自 ${t} 起中断`, unknown: "从未更新", until: "，恢复之前不可采信。",
  },
  en: {
    ago: (t) => `${t} ago`, rests: (entry) => `These numbers rest on the catalogue entry “${entry}”, which `, since: (t) => `has been broken since ${t}`, unknown: "was never updated", until: "; do not rely on them until it is back.",
  },
};

// The worst state of some feeds, and since when the oldest of those that are in it was heard.
export function folded(feeds) {
  let [worst, oldest] = ["live", null];
  for (const feed of feeds) {
    const by = ORDER.indexOf(feed.state) - ORDER.indexOf(worst);
    if (by > 0) [worst, oldest] = [feed.state, feed.heard];
    else if (by === 0 && feed.heard !== null && (oldest === null || feed.heard < oldest)) oldest = feed.heard;
  }
  return [worst, oldest];
}

function stateOf(id) {
  const panel = shown.get(id);
  if (!panel) return ["opening", null]; // Whatever else is the matter: there are no numbers yet.
  if (html.dataset.link === "lost") return ["lost", said.frame / 1000 + said.skew];
  if (html.dataset.link !== "up" || !said.pulse) return ["opening", null];
  // Behind, but moving on: the past is being told, as at a first start. One that stands still is not to be believed.
  const behind = !said.pulse.wall || now() - said.pulse.wall > STALLED;
  if (behind) return [said.pulse.wall && Date.now() - said.advanced < 1000 * STALLED ? "catching" : "stalled", said.pulse.wall || null];
  if (panel.fault) return ["fault", null];
  const [worst, oldest] = folded(panel.feeds.map((name) => said.pulse.feeds?.[name] ?? { state: "never", heard: null }));
  // Numbers that rest on a broken entry of the data catalogue are grey, however lively the feed that brings them.
  const broken = Object.keys(panel.rests).find((name) => said.pulse.broken?.[name]);
  if (broken && ORDER.indexOf(worst) <= ORDER.indexOf("late")) return ["broken", said.pulse.broken[broken].since, panel.rests[broken]];
  return [worst, panel.feeds.length ? oldest : said.pulse.wall];
}

// Whether none of the sources a panel rests on was ever heard: then neither its zeros nor that there is nothing is known.
const unheard = (id) => shown.get(id).feeds.every((name) => (said.pulse.feeds?.[name]?.state ?? "never") === "never");

// The whole sentence: what the card rests on, since when that is broken, and what that means for its numbers.
function reason(entry, since, lang) {
  const time = { month: "numeric", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: meta("zone") || undefined };
  const when = since === null ? "" : new Date(1000 * since).toLocaleString(lang === "en" ? "en-GB" : "zh-CN", time);
  const w = WORDS[lang];
  return `${w.rests(entry)}${when ? w.since(when) : w.unknown}${w.until}`;
}

// What a card's numbers rest on: each feed with its state, and the moment they are of.
citywall.about = (id) => {
  const panel = shown.get(id);
  const of = (name) => ({ name, state: "never", heard: null, ...said.pulse?.feeds?.[name] });
  return panel ? { as_of: panel.as_of, feeds: panel.feeds.map(of) } : null;
};

export function age() {
  const lang = address.lang === "en" ? "en" : "zh";
  const words = STATES[lang];
  const desk = document.querySelector('.wall[data-screen="desk"]'); // Its cards are worked with whatever was heard.
  for (const card of cards()) {
    const [state, since, entry] = stateOf(card.dataset.panel);
    if (card.dataset.state !== state) card.dataset.state = state;
    const span = card.querySelector(".age");
    const old = since === null || !citywall.ago ? "" : citywall.ago((entry ? citywall.time.city() : now()) - since, lang);
    const text = entry ? [words[state], old && ` ${old}`, lang === "en" ? `: “${entry}”` : `：「${entry}」`].join("") : state === "live" ? (old && WORDS[lang].ago(old)) : `${words[state]} ${old}`.trim();
    if (span && span.textContent !== text) span.textContent = text;
    if (span && (span.title !== "" || entry)) span.title = entry ? reason(entry, since, lang) : "";
    const plate = card.querySelector(":scope > .plate");
    const blank = state === "never" && !desk && unheard(card.dataset.panel);
    if (card.hasAttribute("data-unheard") !== blank) card.toggleAttribute("data-unheard", blank);
    const large = state === "opening" || state === "fault" || blank ? words[state] : "";
    if (plate && plate.textContent !== large) plate.textContent = large;
  }
  if (html.dataset.link === "lost") {
    const span = document.querySelector("#link .since");
    if (span) span.textContent = citywall.ago?.(now() - (said.frame / 1000 + said.skew), lang) ?? "";
  }
}

window.addEventListener("citywall:painted", age);
