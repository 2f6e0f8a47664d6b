// Travel times between two places, and their doubt: the model of territory.network.estimate.

// x and y (km), density, area, slowness and whether it was measured, then the commune, as many arrays as there are numbers
function placeOf(given, i) { return given.columns.map(column => column[i]).concat([i]); }

function travelTimes(given, to) {
  const found = { min: new Float64Array(given.count), doubt: new Float64Array(given.count) };
  for (let i = 0; i < given.count; i++) {
    const [min, doubt] = travelTime(given, placeOf(given, i), to);
    const isOver = given.cutoff !== null && min > given.cutoff;
    found.min[i] = isOver ? NaN : min; found.doubt[i] = isOver ? NaN : doubt;
  }
  return found;
}
function travelTime(given, a, b) {
  const [start, cruise, approach, approachLog, streetsLog2, slow, slowLog, slowLog2] = given.model;
  const [low, high, reference, leastKm, startKm, approachKm, slownessKm, streetsKm, usualArea] = given.ways, area = Number.isNaN(a[3]) ? (Number.isNaN(b[3]) ? usualArea : b[3]) : a[3];
  const x = a[0] - b[0], y = a[1] - b[1];
  const inside = a[6] === b[6] && a[6] >= 0, km = inside ? Math.sqrt(area / Math.PI) / 2 : Math.max(Math.sqrt(x * x + y * y), leastKm);
  const local = -Math.expm1(-((km / approachKm) ** 2)), streets = -Math.expm1(-km / streetsKm);
  let median = cruise * km - start * Math.expm1(-km / startKm);
  const effects = [a[2], b[2]].map(density => {
    const log = Math.log(Math.min(Math.max(density, low), high) / reference);
    median += (approach + approachLog * log) * local;
    median += streetsLog2 * Math.max(log, 0) ** 2 * streets;
    return (slow + (slowLog * log + slowLog2 * log ** 2)) * -Math.expm1(-km / slownessKm);
  });
  const min = median + (effects[0] * a[4] + effects[1] * b[4]) / (inside ? 2 : 1);
  return [min, doubtOf(given, min, (a[5] + b[5]) / 2)];
}
function doubtOf(given, min, measured) {
  const [least, most] = given.doubts;
  const [fixed, top, reach] = [0, 1, 2].map(i => most[i] + (least[i] - most[i]) * measured);
  return fixed + (top - fixed) * Math.min(min / reach, 1) ** given.doubt_power;
}
// the smallest difference that can be told between two times from one place; `between` is the time from one to the other
function detectable(given, a, b, between) {
  const measured = given.is_measured ? 1 : 0, line = Math.min(between > 0 ? Math.abs(a - b) / between : 1, 1);
  const [least, most] = given.doubts.map(known => known[3] + (known[4] - known[3]) * line);
  const u = doubtOf(given, a, measured), v = doubtOf(given, b, measured);
  const apart = (most + (least - most) * measured) * Math.sqrt(between), alone = Math.sqrt(u * u + v * v);
  return Number.isNaN(apart + alone) ? NaN : Math.min(apart, alone);
}
