// Numbers in French words, as territory.french writes them.
const NBSP = "\u00a0", NNBSP = "\u202f", MINUS = "\u2212", UNKNOWN = "inconnu", SMALL = "<" + NBSP + "11";

function integer(value) {
  if (Number.isNaN(value)) { return UNKNOWN; }
  const whole = Math.floor(Math.abs(value) + 0.5);
  return (value < 0 && whole ? MINUS : "") + String(whole).replace(/\B(?=(\d{3})+$)/g, NNBSP);
}
function minutes(value) {
  const whole = Math.floor(Math.abs(value) + 0.5), sign = value < 0 && whole ? MINUS : "";
  if (whole === 0) { return value === 0 ? "0" + NBSP + "min" : "moins d’une minute"; }
  if (whole < 60) { return sign + whole + NBSP + "min"; }
  return sign + Math.floor(whole / 60) + NBSP + "h" + (whole % 60 ? NBSP + String(whole % 60).padStart(2, "0") : "");
}
function writtenMinutes(value) { return Number.isNaN(value) ? "?" : minutes(value); }
function fromTo(before, after) {
  const unit = NBSP + "min", first = writtenMinutes(before), last = writtenMinutes(after);
  return (last.endsWith(unit) && first.endsWith(unit) ? first.slice(0, -unit.length) : first) + " → " + last;
}
function signed(value) {
  const text = integer(value);
  return value > 0 && text !== "0" ? "+" + text : text;
}
function roundEstimate(value) {
  const step = value < 100 ? 5 : value < 2e3 ? 10 : value < 2e4 ? 100 : value < 2e5 ? 1e3 : 1e4;
  return Math.floor(value / step + 0.5) * step;
}
function persons(value) {
  if (Number.isNaN(value)) { return UNKNOWN; }
  return value === 0 ? "0" : value < 11 ? SMALL : integer(Math.max(roundEstimate(value), 11));
}
function ranged(value, low, high) {
  const ends = [persons(low), persons(high)];
  return Number.isNaN(low + high) || ends[0] === ends[1] ? persons(value) : ends.join(" à ");
}
// persons of one commune: a whole number first, as tables hold it
function personsOfCommune(value) {
  return Number.isNaN(value) ? UNKNOWN : value > 0 && value < 11 ? SMALL : persons(Math.floor(value + 0.5));
}
// the change that a reader sees, who subtracts whole minutes
function wholeChange(before, after) { return Math.floor(after + 0.5) - Math.floor(before + 0.5); }
function change(delta, isTold) {
  if (Number.isNaN(delta)) { return UNKNOWN; }
  if (!isTold || delta === 0) { return "sans différence visible"; }
  return minutes(Math.abs(delta)) + (delta < 0 ? " de moins" : " de plus");
}
function atPlace(name) { return /^Les? /.test(name) ? name.replace(/^Les /, "aux ").replace(/^Le /, "au ") : "à " + name; }
function plain(text) { return text.normalize("NFD").replace(/[\u0300-\u036f]/g, "").toLowerCase(); }
