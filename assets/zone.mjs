// The city's own time: the zone's offsets from UTC stand in the page, so that no calendar of the browser's is opened.

const offsets = JSON.parse(document.querySelector('meta[name="citywall-offsets"]')?.content || "[[0, 0]]");
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sept", "Oct", "Nov", "Dec"];
const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const WORDS = {
  zh: { date: (year, month, day, weekday) => `${year}年${month + 1}月${day}日周${"日一二三四五六"[weekday]}` },
  en: { date: (year, month, day, weekday) => `${DAYS[weekday]}, ${day} ${MONTHS[month]} ${year}` },
};

// A moment in seconds since 1970 as a date whose parts in UTC are the city's.
const local = (seconds) => new Date(1000 * (seconds + (offsets.findLast(([from]) => from <= seconds) ?? offsets[0])[1]));

// Date and time of day, as in 2026-11-22 23:10:05.
export const stamp = (seconds) => local(seconds).toISOString().slice(0, 19).replace("T", " ");

// The time of day, as in 23:10:05.
export const time = (seconds) => stamp(seconds).slice(11);

// The date in words, with its day of the week.
export function date(seconds, lang) {
  const at = local(seconds);
  return WORDS[lang === "en" ? "en" : "zh"].date(at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate(), at.getUTCDay());
}
