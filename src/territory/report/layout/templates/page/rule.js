// The one rule of gain and loss (territory.access.told_apart), and what a scenario is for each commune.

function ratio(x, above, below, start) {
  return above.reduce((sum, one) => sum * x + one, 0) / below.reduce((sum, one) => sum * x + one, start);
}
// 1 - erf(x), x positive (S. Moshier, Cephes, as in scipy)
function erfc(x) {
  if (x < 1) {
    const squared = x * x;
    return 1 - x * ratio(squared,
      [9.60497373987051638749, 90.0260197203842689217, 2232.00534594684319226, 7003.32514112805075473, 55592.3013010394962768],
      [33.5617141647503099647, 521.357949780152679795, 4594.32382970980127987, 22629.0000613890934246, 49267.3942608635921086], 1);
  }
  return Math.exp(-x * x) * (x < 8 ? ratio(x,
    [2.46196981473530512524e-10, 0.564189564831068821977, 7.46321056442269912687, 48.6371970985681366614, 196.520832956077098242,
      526.445194995477358631, 934.528527171957607540, 1027.55188689515710272, 557.535335369399327526],
    [13.2281951154744992508, 86.7072140885989742329, 354.937778887819891062, 975.708501743205489753, 1823.90916687909736289,
      2246.33760818710981792, 1656.66309194161350182, 557.535340817727675546], 1) : ratio(x,
    [0.564189583547755073984, 1.27536670759978104416, 5.01905042251180477414, 6.16021097993053585195, 7.40974269950948939160,
      2.97886665372100240670],
    [2.26052863220117276590, 9.39603524938001434673, 12.0489539808096656605, 17.0814450747565897222, 9.60896809063285878198,
      3.36907645100081516050], 1));
}
// the chance of a change at least as large without any true change
function chanceOf(given, change, size) {
  if (!(Math.abs(change) > 0)) { return 1; }
  return size === 0 ? 0 : erfc(Math.abs(change) * given.law.half_widths / size * Math.SQRT1_2);
}
function toldAlone(given, change, size) {
  return Math.abs(change) > 0 && Math.abs(change) >= size && chanceOf(given, change, size) <= 1 - given.law.told;
}
// told up to the largest chance that is at most (1 - level) x the share of the weights that is told
function toldTogether(given, changes, sizes, weights) {
  const chances = changes.map((change, i) => Number.isNaN(sizes[i]) && Math.abs(change) > 0 ? NaN : chanceOf(given, change, sizes[i]));
  const weighed = weights.map((weight, i) => Number.isNaN(chances[i]) || sizes[i] === 0 ? 0 : weight || 0);
  const order = Array.from(chances.keys()).sort((a, b) => chances[a] - chances[b]).filter(i => weighed[i] > 0);
  const total = weighed.reduce((sum, one) => sum + one, 0) || Number.MIN_VALUE, part = 1 - given.law.told;
  let sum = 0, limit = 0;
  order.forEach(i => {
    sum += weighed[i];
    if (chances[i] <= part * (sum / total)) { limit = Math.max(limit, chances[i]); }
  });
  return Array.from(changes, (change, i) => Math.abs(change) > 0 && Math.abs(change) >= sizes[i] && chances[i] <= limit);
}
// what a scenario is for one commune: `always` is 1 or 0 inside or outside a sector, null without
function effectOf(row, always, limit) {
  const inArea = (always === null ? row.before <= limit : always === 1) && !Number.isNaN(row.before);
  const later = (always === null ? row.after <= limit : always === 1) && !Number.isNaN(row.after);
  let effect = row.after < row.before ? "gain" : "loss";
  if (always === 0 || !(inArea || later)) { effect = "outside"; }
  else if (!inArea) { effect = "entering"; }
  else if (Number.isNaN(row.after)) { effect = "without"; }
  else if (!row.isTold) { effect = "indistinct"; }
  return { effect, inArea };
}
