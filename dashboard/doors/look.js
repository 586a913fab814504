// Looks at a page as a strict eye would: what is cut, covers another, is too small, too faint, out of its card, moved
// by a scroll bar, or stands there in the wrong language. Called with {smallest, contrast, texts, map}; gives
// {cut, over, small, faint, outside, scroll, language, pieces}: lists of sentences, and how many texts were seen.
(settings) => {
  const faults = { cut: [], over: [], small: [], faint: [], outside: [], scroll: [], language: [] };
  const root = document.documentElement;
  const stage = document.getElementById("wall") ?? document.body;
  const seated = stage.dataset?.orbits !== "yes"; // Somebody sits before it, with a keyboard.
  const scrolls = (at, overflow) => seated && /auto|scroll/.test(overflow) && at !== document.body && (at.tabIndex >= 0 || at.querySelector("button, a[href], [tabindex]") !== null);

  // -- colours ----------------------------------------------------------------------------------------------
  const parse = (text) => {
    const found = text.match(/^rgba?\(([^)]+)\)$/);
    if (found) {
      const [r, g, b, a = 1] = found[1].split(/[\s,\/]+/).map(Number);
      return [r, g, b, a];
    }
    const named = text.match(/^color\(srgb ([^)]+)\)$/);
    if (!named) return [0, 0, 0, 0];
    const [r, g, b, a = 1] = named[1].split(/[\s\/]+/).map(Number);
    return [255 * r, 255 * g, 255 * b, a];
  };
  const over = (top, below, share = 1) => {
    const a = top[3] * share;
    return [0, 1, 2].map((at) => top[at] * a + below[at] * (1 - a)).concat(1);
  };
  const channel = (v) => ((v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  const luminance = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const contrast = (a, b) => {
    const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x);
    return (light + 0.05) / (dark + 0.05);
  };
  const base = parse(getComputedStyle(document.body).backgroundColor);
  // What lies behind an element, and how much of itself its ancestors let through.
  const behind = (element) => {
    const layers = [];
    let opacity = 1;
    for (let at = element; at; at = at.parentElement) {
      const style = getComputedStyle(at);
      opacity *= Number(style.opacity);
      const colour = parse(style.backgroundColor);
      if (colour[3] > 0) layers.push(colour);
      if (colour[3] === 1) break;
    }
    let ground = base;
    for (const colour of layers.reverse()) ground = over(colour, ground);
    return { ground, opacity };
  };
  const swatches = [...document.querySelectorAll(".map-legend .swatch")].map((one) => parse(getComputedStyle(one).backgroundColor));

  // -- texts ------------------------------------------------------------------------------------------------
  const known = [...(settings.texts ?? [])].sort((a, b) => b.length - a.length);
  const chinese = /[\u3400-\u9fff]/;
  const foreign = (text) => {
    const other = root.lang === "en" ? chinese : /[A-Za-z]{4,}/;
    if (!other.test(text)) return false;
    let rest = text.replace(/…$/, "").trim();
    for (const one of known) {
      if (!other.test(one)) continue;
      if (one.startsWith(rest)) return false; // It was shortened.
      rest = rest.replaceAll(one, " ");
    }
    return other.test(rest);
  };

  // What an ellipsis takes from a text: the letters behind the edge of its line, and those that the three points stand
  // on. A name may lose some, whatever digits it has; an amount that loses a digit or its unit is another amount.
  const NAMES = ".name, .title, .heading, .who, .where, .what, .about, .error, .odd, .cause, .kind-name, .c-place";
  const UNIT = /^\s?(%|pp\b|ms\b|min\b|mm\b|km\b|[dhm]\b|[KMGT]B\b|万|亿|件|路|户|家|个|处|宗|条|次|人|天|日|小时|分|元|级|项|米|毫米)/;
  const taken = (node, line) => {
    if (line.scrollWidth <= line.clientWidth) return false;
    const { paddingLeft, paddingRight, fontSize } = getComputedStyle(line);
    const edges = line.getBoundingClientRect();
    const [first, last] = [edges.left + parseFloat(paddingLeft) - 1, edges.right - parseFloat(paddingRight) - 0.8 * parseFloat(fontSize)];
    const letters = document.createRange();
    let [seen, lost] = ["", ""];
    for (let n = 0; n < node.length; n += 1) {
      letters.setStart(node, n);
      letters.setEnd(node, n + 1);
      const { left, right } = letters.getBoundingClientRect();
      if (right > last || left < first) lost += node.data[n];
      else seen += node.data[n];
    }
    return /\d/.test(lost) || (/\d\s?$/.test(seen) && UNIT.test(lost));
  };

  const pieces = [];
  const walker = document.createTreeWalker(stage, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const text = node.textContent.trim();
    const element = node.parentElement;
    if (!text || element.closest("style, script, [hidden], .leaflet-tooltip, .unseen")) continue;
    const style = getComputedStyle(element);
    if (style.visibility !== "visible" || style.display === "none") continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    const box = range.getBoundingClientRect();
    if (box.width < 1 || box.height < 1) continue;
    const { ground, opacity } = behind(element);
    if (opacity < 0.05) continue;
    const panel = element.closest("[data-panel]")?.dataset.panel ?? "";
    const said = `${panel}: ${text.slice(0, 40)}`;
    const map = !!element.closest(".leaflet-container");
    // An ellipsis is meant where names are shortened; a number or a heading that is shortened is another one.
    // So is what ends in one beside a figure: an amount without its unit or its last digits is another amount.
    const ends = /\d\s?(%|pp|ms|min|mm|[dhm])?\)?$/.test(text) && element.closest(".why, .figure, .said") !== null && !element.closest(NAMES);
    const number = /^[\d\s.,:%+−–′″/()-]+$/.test(text) || ends;
    let meant = false;
    let unseen = false;
    let cut = "";
    let free = false;
    let aside = false;
    let held = false;
    let beyond = ""; // The line whose ellipsis takes an amount, or a part of one.
    for (let at = element; at && at !== root; at = at.parentElement) {
      const { overflowX, overflowY, display, textOverflow, webkitLineClamp, position } = getComputedStyle(at);
      if (free && position === "static") continue; // What is placed absolutely is not clipped by those it does not hang on.
      free = position === "absolute" || position === "fixed";
      if (overflowX === "visible" && overflowY === "visible" || display === "inline") continue;
      if (((textOverflow === "ellipsis" && !/flex|grid/.test(display)) || webkitLineClamp !== "none") && !number && !at.closest("h1, h2, h3, .head")) meant = true;
      const clip = at.getBoundingClientRect();
      if (textOverflow === "ellipsis" && !/flex|grid/.test(display) && !element.closest(NAMES) && taken(node, at)) beyond = at.className || at.tagName;
      // What somebody who sits at a screen can bring into sight by keyboard is not cut; nobody does that at a wall.
      if (scrolls(at, overflowX + overflowY)) {
        aside = box.top >= clip.bottom - 1 || box.bottom <= clip.top + 1;
        if (aside || box.bottom > clip.bottom || box.top < clip.top) held = true;
        break;
      }
      const across = box.left < clip.right - 1 && box.right > clip.left + 1;
      if (!across || box.top >= clip.bottom - 1 || box.bottom <= clip.top + 1) {
        unseen = true; // Wholly out of sight: a row that does not fit is not shown at all.
        break;
      }
      if (/auto|scroll/.test(overflowX + overflowY) && at !== document.body) break; // It can be brought into sight.
      // A line's box is higher than its letters; they begin and end about a seventh of it inside.
      const lead = box.height / 7;
      const short = Math.max(clip.top - box.top - lead, box.bottom - lead - clip.bottom);
      const narrow = meant ? 0 : Math.max(clip.left - box.left, box.right - clip.right) - (textOverflow === "ellipsis" ? 0.2 : 1);
      const who = at.className || at.id || at.tagName;
      if (short > 0 && webkitLineClamp === "none") cut = `${who} cuts ${short.toFixed(1)} px of its height`;
      if (narrow > 0) cut = `${who} cuts ${narrow.toFixed(1)} px of its width`;
    }
    if (aside || held) continue;
    if (unseen) {
      if ((!element.closest(".rows, .spare") || beyond) && !map) faults.cut.push(`${said} (out of sight)`);
      continue;
    }
    if (box.left < -1 || box.top < -1 || box.right > innerWidth + 1 || box.bottom > innerHeight + 1) {
      if (!map && !meant && getComputedStyle(document.body).overflowY !== "auto") cut = "the screen ends";
    }
    if (beyond && !cut) cut = `the ellipsis of ${beyond} takes of its amount`;
    if (cut && !map) faults.cut.push(`${said} (${cut})`);
    if (!element.closest(".shape, .light, .sub")) {
      const size = parseFloat(style.fontSize);
      if (size < settings.smallest - 0.05) faults.small.push(`${said} (${size.toFixed(1)} px, wanted ${settings.smallest.toFixed(1)})`);
    }
    const svg = element instanceof SVGElement;
    const ink = parse(svg ? style.fill : style.color);
    // A place's name stands on its place, whose colour is one of the legend's.
    const grounds = map ? swatches : [ground];
    for (const below of grounds) {
      const found = contrast(over(ink, below, opacity * (svg ? Number(style.fillOpacity) : 1)), below);
      if (found < settings.contrast) faults.faint.push(`${said} (${found.toFixed(2)} to 1)`);
    }
    const lang = element.closest("[lang]")?.lang ?? root.lang;
    if (lang === root.lang && foreign(text)) faults.language.push(said);
    const seen = { left: box.left, right: box.right, top: box.top, bottom: box.bottom };
    for (let at = element; at; at = at.parentElement) {
      if (getComputedStyle(at).overflowX === "visible") continue;
      const clip = at.getBoundingClientRect();
      [seen.left, seen.right] = [Math.max(seen.left, clip.left), Math.min(seen.right, clip.right)];
    }
    const card = element.closest("[data-panel]")?.getBoundingClientRect();
    if (card && !map && (seen.right > card.right + 1 || seen.left < card.left - 1 || seen.bottom > card.bottom + 2 || seen.top < card.top - 2)) {
      faults.outside.push(said);
    }
    pieces.push({ said, ...seen });
  }
  for (let i = 0; i < pieces.length; i++) {
    for (let j = i + 1; j < pieces.length; j++) {
      const [a, b] = [pieces[i], pieces[j]];
      const width = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const height = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      const least = Math.min(a.bottom - a.top, b.bottom - b.top);
      if (width > 2 && height > least * 0.3) faults.over.push(`${a.said} / ${b.said}`);
    }
  }

  // -- boxes ------------------------------------------------------------------------------------------------
  const cards = [...document.querySelectorAll("[data-panel]")].filter((card) => getComputedStyle(card).display !== "none");
  const boxes = cards.map((card) => [card.dataset.panel, card.getBoundingClientRect()]);
  boxes.forEach(([name, a], at) => {
    if (a.left < -0.5 || a.top < -0.5 || a.right > innerWidth + 0.5) faults.outside.push(`${name}: it stands beyond the screen`);
    for (const [other, b] of boxes.slice(at + 1)) {
      if (Math.min(a.right, b.right) - Math.max(a.left, b.left) > 0.5 && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 0.5) {
        faults.over.push(`${name} and ${other}`);
      }
    }
    if (a.width < 2 || a.height < 2) faults.outside.push(`${name}: it has no room at all`);
  });
  if (root.scrollWidth > innerWidth || root.scrollHeight > innerHeight) faults.scroll.push("the page");
  for (const element of stage.querySelectorAll("*")) {
    const { overflowX, overflowY } = getComputedStyle(element);
    const panel = element.closest("[data-panel]")?.dataset.panel ?? "";
    if (/auto|scroll/.test(overflowX) && element.scrollWidth > element.clientWidth + 1) faults.scroll.push(`${panel}: ${element.className}`);
    if (/auto|scroll/.test(overflowY) && !scrolls(element, overflowY) && element.scrollHeight > element.clientHeight + 1) faults.scroll.push(`${panel}: ${element.className}`);
  }
  return { ...faults, pieces: pieces.length, cards: Object.fromEntries(boxes.map(([name, { left, top, width, height }]) => [name, [left, top, width, height]])) };
}
