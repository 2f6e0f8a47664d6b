// A trial: where a service goes, and what follows for each commune and EPCI, with the intervals of joint draws.

// what the page holds, ready to compute
function readTrial(data) {
  const given = Object.assign({}, data, { count: data.codes.length, columns: data.places.map(floats), kept: new Map(), drawn: new Map() });
  given.people = floats(data.people);
  given.sitePlaces = {};
  Object.keys(data.sites).forEach(id => {
    const [at, ...numbers] = data.sites[id];
    given.sitePlaces[id] = numbers.map(one => one === null ? NaN : one).concat([at]);
  });
  given.services = data.services.map(one => Object.assign({}, one, { persons: floats(one.persons) }));
  return given;
}
function newSite(given, commune) { return "essai-" + given.codes[commune]; }
function placeOfSite(given, id) { return given.sitePlaces[id] || placeOf(given, given.codes.indexOf(id.slice(6))); }
function timesTo(given, id) {
  if (!given.kept.has(id)) { given.kept.set(id, travelTimes(given, placeOfSite(given, id))); }
  return given.kept.get(id);
}
// the sites of a service after what is asked: { service, act: move | branch | close, commune, site }
function sitesAfter(given, asked) {
  const today = given.services[asked.service].sites, opened = asked.commune === null ? [] : [newSite(given, asked.commune)];
  if (asked.act === "move") { return opened; }
  return asked.act === "branch" ? today.concat(opened) : today.filter(id => today.length > 1 && id !== asked.site);
}
// where each commune goes: the closest site, the first by its id among equals
function situation(given, sites) {
  const found = { min: new Float64Array(given.count).fill(NaN), doubt: new Float64Array(given.count).fill(NaN), to: new Array(given.count).fill("") };
  sites.slice().sort((a, b) => a < b ? -1 : 1).forEach(id => {
    const times = timesTo(given, id);
    for (let i = 0; i < given.count; i++) {
      if (sites.length === 1 || times.min[i] < found.min[i] || (Number.isNaN(found.min[i]) && !Number.isNaN(times.min[i]))) {
        found.min[i] = times.min[i]; found.doubt[i] = times.doubt[i]; found.to[i] = id;
      }
    }
  });
  return found;
}
function compareSituations(given, service, before, after, limit) {
  const between = new Map(), rows = [], near = [];
  for (let i = 0; i < given.count; i++) {
    const pair = before.to[i] + " " + after.to[i], isSame = before.to[i] === after.to[i] && before.to[i] !== "";
    if (!between.has(pair)) {
      const isRoad = before.to[i] && after.to[i];
      between.set(pair, isSame ? 0 : isRoad ? travelTime(given, placeOfSite(given, before.to[i]), placeOfSite(given, after.to[i]))[0] : NaN);
    }
    const a = before.min[i], b = after.min[i], road = between.get(pair);
    rows.push({ before: a, after: b, delta: b - a, size: detectable(given, a, b, Number.isNaN(road) ? a + b : road), isSame });
    const always = service.sector === null ? a <= limit || b <= limit : service.sector[i] === 1;
    near.push(always ? (Number.isNaN(given.people[i]) ? 1 : given.people[i]) : 0);
  }
  const told = toldTogether(given, rows.map(row => row.delta), rows.map(row => row.size), near);
  rows.forEach((row, i) => {
    row.isTold = told[i] || Number.isNaN(row.before) !== Number.isNaN(row.after);
    Object.assign(row, effectOf(row, service.sector === null ? null : service.sector[i], limit), { persons: service.persons[i] });
  });
  return rows;
}

// the numbers of one stream, as territory.scenario.doubt draws them; those of the last places tried are kept
function drawn(given, stream, name, count) {
  const key = stream + " " + name, kept = given.drawn;
  const found = kept.get(key) || normals(given.law.seed.concat([stream, crc32(name)]), count * given.law.draws);
  kept.delete(key); kept.set(key, found);
  if (kept.size > 24) { kept.delete(kept.keys().next().value); }
  return found;
}
const STREAMS = { territory: 6, commune: 0, today: [7, 8, 2], later: [9, 10, 3] };
function drawnTo(given, id, streams) {
  const ways = Math.max(-1, ...given.arrivals) + 1;
  return [drawn(given, streams[0], id, 1), drawn(given, streams[1], id, ways), drawn(given, streams[2], id, given.count)];
}
// add, draw by draw, the persons of each zone whose trip gets shorter or longer by what can be told
function addDraws(given, rows, before, after, zones, sums) {
  const { draws, parts, most, half_widths: half } = given.law;
  const territory = drawn(given, STREAMS.territory, "", 1), communes = drawn(given, STREAMS.commune, "", given.count);
  const pairs = parts.arrival_share + parts.pair_share, rest = 1 - parts.new_site_share;
  const byEpci = pairs > 0 ? rest * parts.arrival_share / pairs : 0;
  const [t, c, s, a, p] = ["territory", "commune", "site", "arrival", "pair"].map(name => Math.sqrt(parts[name + "_share"]));
  const [ns, na, np] = [parts.new_site_share, byEpci, Math.max(rest - byEpci, 0)].map(Math.sqrt);
  rows.forEach((row, i) => {
    if (!row.inArea || row.effect === "outside" || row.isSame || !(row.persons > 0) || Number.isNaN(row.delta + row.size)) { return; }
    const [site, ways, own] = drawnTo(given, before.to[i], STREAMS.today), [site2, ways2, own2] = drawnTo(given, after.to[i], STREAMS.later);
    const sdA = before.doubt[i] / half, sdB = after.doubt[i] / half, product = sdA * sdB;
    const shared = product > 0 ? (sdA ** 2 + sdB ** 2 - (row.size / half) ** 2) / (2 * product) : 0;
    const r = Math.min(Math.max(shared, -1), 1), other = Math.sqrt(1 - r ** 2), way = given.arrivals[i] * draws, at = i * draws;
    zones[i].forEach(zone => { if (!sums[zone]) { sums[zone] = { gain: new Float64Array(draws), loss: new Float64Array(draws) }; } });
    for (let d = 0; d < draws; d++) {
      const error = Math.min(Math.max(t * territory[d] + c * communes[at + d] + s * site[d] + a * ways[way + d] + p * own[at + d], -most), most);
      const fresh = ns * site2[d] + na * ways2[way + d] + np * own2[at + d];
      const mixed = Math.min(Math.max(r * error + other * fresh, -most), most);
      const delta = Math.max(row.after + sdB * mixed, 0) - Math.max(row.before + sdA * error, 0);
      if (Math.abs(delta) >= row.size && delta !== 0) {
        const side = delta < 0 ? "gain" : "loss";
        for (const zone of zones[i]) { sums[zone][side][d] += row.persons; }
      }
    }
  });
}
// the narrowest interval that holds its share of the draws, the first of those that are as narrow
function endsOf(given, values) {
  const ordered = values.slice().sort(), held = Math.max(Math.ceil(Math.round(given.law.interval * values.length * 1e9) / 1e9), 1);
  const widths = ordered.subarray(held - 1).map((high, i) => high - ordered[i]), least = Math.min(...widths);
  const first = widths.findIndex(width => width <= least + 1e-6);
  return [ordered[first], ordered[first + held - 1]];
}

const EFFECTS = ["gain", "loss", "indistinct", "without", "entering"];
// count each zone: the whole, then each EPCI by its code
function tally(given, rows, zones) {
  const found = new Map();
  rows.forEach((row, i) => {
    if (row.effect === "outside") { return; }
    zones[i].forEach(zone => {
      if (!found.has(zone)) { found.set(zone, { zone, known: 0, persons: {}, communes: {}, weight: 0, before: 0, after: 0, total: 0, change: 0, size: 0, worst: -1, told: { gain: 0, loss: 0 }, area: 0 }); }
      const sums = found.get(zone), isCounted = row.inArea && !Number.isNaN(row.delta);
      sums.known += Number.isNaN(row.persons) ? 0 : 1;
      sums.persons[row.effect] = (sums.persons[row.effect] || 0) + row.persons;
      sums.communes[row.effect] = (sums.communes[row.effect] || 0) + 1;
      if (row.inArea) { sums.area += row.persons; }
      if (isCounted) {
        sums.weight += row.persons; sums.before += row.before * row.persons; sums.after += row.after * row.persons;
        if (!Number.isNaN(row.persons)) { sums.total += row.persons; sums.change += row.delta * row.persons; sums.size += row.size * row.persons; }
        if (row.isTold && row.delta !== 0) { sums.told[row.delta < 0 ? "gain" : "loss"] += row.persons; }
      }
      if (row.effect === "loss" && (sums.worst < 0 || row.delta > rows[sums.worst].delta)) { sums.worst = i; }
    });
  });
  return found;
}
// a trial whole: rows by commune, then counts by zone with their intervals
function tryOut(given, asked, zones) {
  const service = given.services[asked.service], sites = sitesAfter(given, asked);
  const before = situation(given, service.sites), after = situation(given, sites);
  const rows = compareSituations(given, service, before, after, asked.limit), counts = tally(given, rows, zones), sums = {};
  if (given.law.draws) { addDraws(given, rows, before, after, zones, sums); }
  const whole = counts.get(WHOLE), least = {};
  counts.forEach(count => {
    const none = new Float64Array(given.law.draws);
    EFFECTS.forEach(effect => {
      const value = count.known ? count.persons[effect] || 0 : NaN;
      let low = NaN, high = NaN;
      if ((effect === "gain" || effect === "loss") && given.law.draws && !Number.isNaN(count.area)) {
        const told = count.told[effect];
        [low, high] = endsOf(given, (sums[count.zone] || { gain: none, loss: none })[effect]);
        // no part is surer than the whole, which comes first and holds it in every draw
        low = Math.min(low, told, count === whole ? low : least[effect]); high = Math.max(high, told);
        if (count === whole) { least[effect] = low; }
      }
      if (effect === "indistinct") {
        // those whom gains and losses leave, at their most and at their least
        const { gain, loss } = count, all = gain.value + loss.value + value;
        // what sums leave of nobody is nobody
        [low, high] = [gain.high + loss.high, gain.low + loss.low].map(others => Math.max(Math.round((all - others) * 1e6) / 1e6, 0));
      }
      count[effect] = { value, low, high, text: ranged(value, low, high) };
    });
    const isKnown = count.weight > 0;
    count.means = [isKnown ? count.before / count.weight : NaN, isKnown ? count.after / count.weight : NaN];
    count.isMeanTold = !(count.total > 0) || toldAlone(given, count.change / count.total, count.size / count.total);
  });
  return { asked, service, sites, rows, counts };
}
