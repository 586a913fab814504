// How numbers are written. The browser's own formats are asked only for what they are needed for: the first that a page
// asks takes them 30 ms to open.

const formats = {};
const format = (digits) => (formats[digits] ??= new Intl.NumberFormat("en", { minimumFractionDigits: digits, maximumFractionDigits: digits, roundingMode: "halfEven" }));

// A share in percent, as in_percent of dashboard/words.py writes it: what is neither none nor all is never rounded to
// either, and halves go to the even digit.
export function percent(value, digits = 1) {
  if (value === 100) return "100 %";
  const step = 10 ** -digits;
  return `${format(digits).format(value > 0 && value < 100 ? Math.min(Math.max(value, step), 100 - step) : value)} %`;
}

// A number with its thousands apart: 12,345.
export const grouped = (value) => String(value).replace(/(?<!\.\d*)\B(?=(\d{3})+(?!\d))/g, ",");
