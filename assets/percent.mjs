// How a share in percent is written, as in_percent of dashboard/words.py does: what is neither none nor all is never
// rounded to either, and halves go to the even digit.

const formats = {};
const format = (digits) => (formats[digits] ??= new Intl.NumberFormat("en", { minimumFractionDigits: digits, maximumFractionDigits: digits, roundingMode: "halfEven" }));

export function percent(value, digits = 1) {
  if (value === 100) return "100 %";
  const step = 10 ** -digits;
  return `${format(digits).format(value > 0 && value < 100 ? Math.min(Math.max(value, step), 100 - step) : value)} %`;
}
