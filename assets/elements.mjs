// What the pages draw with: elements with their attributes, times of the city, and texts written only where they differ.

export const english = () => document.documentElement.lang === "en";
const SVG = "http://www.w3.org/2000/svg";

// An element, of a drawing where its tag begins with svg: as in svg:path. Texts are never markup; attributes that are
// null, undefined or false are left out, and so are children that are null, undefined or "".
export function make(tag, about = {}, ...children) {
  const made = tag.startsWith("svg:") ? document.createElementNS(SVG, tag.slice(4)) : document.createElement(tag);
  for (const [name, value] of Object.entries(about)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(name === "className" ? "class" : name, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
  return made;
}

const HOUR = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
const FORMS = { hour: HOUR, day: { ...HOUR, month: "2-digit", day: "2-digit" }, full: { dateStyle: "short", timeStyle: "short" } };
const zone = document.querySelector('meta[name="citywall-zone"]')?.content || undefined;

// A moment in seconds since 1970 as the city's clocks show it: the hour, the day with it, or the date with it.
export function clock(seconds, form = "hour") {
  return new Intl.DateTimeFormat(english() ? "en-GB" : "zh-CN", { ...FORMS[form], timeZone: zone }).format(new Date(seconds * 1000));
}

export function write(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}
