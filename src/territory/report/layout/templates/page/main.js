// The page: what is chosen, and what follows everywhere.
const data = JSON.parse(byId("data").textContent);
const given = data.trial ? readTrial(data.trial) : null;
const trialOf = given ? data.codes.map(code => given.codes.indexOf(code)) : [];
const zonesOf = given ? given.zone.map(zone => [WHOLE, zone]) : [];
const layerSelect = byId("layer"), communeSelect = byId("commune"), details = byId("details"), hint = details.textContent;
choices(layerSelect, data.layers.map((one, i) => [i, one.name]));
choices(communeSelect, [[-1, "Choisissez…"], ...data.order.map(i => [i, data.communes[i][0]])]);
choices(byId("epci"), [["", "Tous"], ...Array.from(new Set(data.communes.map(one => one[1]))).sort((a, b) => a.localeCompare(b, "fr")).map(name => [name, name])]);
document.body.classList.add("live");

let layer = data.layers[0], chosen = -1, asked = null, tried = null, address = location.hash;

function describe(i) {
  const row = layer.rows[i], parts = [data.communes[i][0] + " (" + data.communes[i][1] + ")"];
  if (row[1] === "–") { parts.push("temps de route" + NBSP + ": " + row[0]); }
  else { parts.push("aujourd’hui " + row[0] + ", scénario " + row[1], row[2], layer.noun + NBSP + ": " + row[3]); }
  return parts.join(NNBSP + "; ");
}
const hand = { choose, words: describe, drag: i => { if (given) { place(trialOf[i]); } } };
const map = mapOf(data, hand), table = tableOf(data, hand);

function showLayer(found) {
  layer = found; details.classList.toggle("hint", chosen < 0);
  map.paint(found); table.fill(found);
  put(details, chosen < 0 ? hint : describe(chosen));
  byId("here").hidden = chosen < 0 || !given;
}
function choose(i) {
  chosen = i; details.classList.toggle("hint", i < 0);
  map.choose(i); table.choose(i);
  communeSelect.value = String(i);
  put(details, i < 0 ? hint : describe(i));
  byId("here").hidden = i < 0 || !given;
  keepState();
}
function keepState() {
  const text = writtenState(given, asked, chosen < 0 ? null : data.codes[chosen]);
  // some readers of files refuse it: the page works without
  try { history.replaceState(null, "", text ? "#" + text : location.pathname + location.search); } catch (refused) { /* nothing is lost but the address */ }
}

function field(id) { return byId("t-" + id); }
function choices(select, list) { put(select, ""); list.forEach(([value, text]) => select.appendChild(made("option", { value }, text))); }
function place(commune) {
  if (field("act").value === "close") { field("act").value = "move"; }
  if (asked && asked.commune === commune) { return; }
  field("commune").value = String(commune);
  answer();
}
function setUp() {
  choices(field("service"), given.services.map((one, i) => [i, one.name]));
  put(field("commune"), "").appendChild(made("option", { value: "" }, "Choisissez…"));
  [[false, "Territoire de l’étude"], [true, "Autour"]].forEach(([isAround, label]) => {
    const group = made("optgroup", { label });
    given.codes.map((code, i) => i).filter(i => trialOf.includes(i) !== isAround).sort((a, b) => given.names[a].localeCompare(given.names[b], "fr")).forEach(i => group.appendChild(made("option", { value: i }, given.names[i])));
    if (group.children.length) { field("commune").appendChild(group); }
  });
  chooseService();
  byId("trial").hidden = false;
}
function chooseService() {
  const service = given.services[Number(field("service").value)];
  choices(field("site"), service.sites.map(id => [id, given.siteNames[id].slice(0, 2).join(", ")]));
  field("limit").value = given.limit;
  field("places").value = ""; field("places").placeholder = service.places === null ? "inconnues" : String(service.places);
}
function reading() {
  const act = field("act").value, commune = act === "close" || field("commune").value === "" ? null : Number(field("commune").value);
  if (act !== "close" && commune === null) { return null; }
  const limit = Number(field("limit").value), places = field("places").value.trim();
  return { service: Number(field("service").value), act, commune, site: act === "close" ? field("site").value : null,
    limit: limit > 0 ? limit : given.limit, places: act === "move" && places !== "" && Number(places) >= 0 ? Number(places) : null };
}
function answer() {
  const act = field("act").value;
  field("site-box").hidden = act !== "close"; field("commune-box").hidden = act === "close"; field("places-box").hidden = act !== "move";
  asked = reading();
  const option = layerSelect.querySelector('[value="trial"]');
  ["t-link", "t-save", "t-clear"].forEach(id => { byId(id).disabled = !asked; });
  byId("trial-tables").hidden = !asked;
  byId("trial").classList.toggle("done", Boolean(asked));
  if (!asked) {
    put(field("said"), "Choisissez une commune, dans la liste ou sur la carte.");
    if (option) { option.remove(); showLayer(data.layers[Number(layerSelect.value) || 0]); }
    keepState();
    return;
  }
  tried = tryOut(given, asked, zonesOf);
  if (!option) { layerSelect.appendChild(made("option", { value: "trial" }, "")); }
  put(layerSelect.querySelector('[value="trial"]'), nameOf(given, asked));
  layerSelect.value = "trial";
  tell();
  showLayer(trialLayer());
  keepState();
}
function trialLayer() {
  const service = given.services[asked.service], rows = trialOf.map(i => tried.rows[i]), keys = rows.map(classOf);
  const always = new Set(["without", "entering", "outside", "unknown"]);
  const sites = service.sites.map(id => ["aujourd’hui : " + given.siteNames[id][0], ...given.siteNames[id].slice(2), false]);
  if (asked.commune !== null) { sites.push(["essai : " + given.names[asked.commune], ...given.points[asked.commune], true]); }
  return { name: nameOf(given, asked), noun: service.noun, keys, sites, rows: rows.map(row => communeTexts(given, row)),
    legend: given.legend.filter(([key]) => !always.has(key) || keys.includes(key)),
    numbers: rows.map(row => [row.before, row.after, row.delta].map(value => Number.isNaN(value) ? null : Math.round(value * 10) / 10)) };
}
function placesSaid(service) {
  const places = asked.places === null ? service.places : asked.places;
  if (places === null || asked.act !== "move") { return ""; }
  const rate = rows => {
    const people = tried.rows.reduce((sum, row) => sum + (row[rows] <= asked.limit && !Number.isNaN(row.persons) ? row.persons : 0), 0);
    return people > 0 ? people : NaN;
  };
  const said = (count, people) => Number.isNaN(people) || count === null ? UNKNOWN : (1000 * count / people).toFixed(2).replace(".", ",");
  return " Pour 1 000 " + service.noun + " à " + minutes(asked.limit) + " ou moins : " + said(service.places, rate("before")) + " " + (service.unit || "places") + " aujourd’hui, " + said(places, rate("after")) + " ensuite.";
}
function tell() {
  const service = given.services[asked.service], whole = tried.counts.get(WHOLE), found = zoneRows(given, tried);
  const who = service.noun + ", à " + minutes(asked.limit) + " ou moins du site d’aujourd’hui";
  if (!whole) { put(field("said"), nameOf(given, asked) + ". Personne n’habite dans ce périmètre."); byId("trial-tables").hidden = true; return; }
  put(field("said"), nameOf(given, asked) + ". Trajet plus court : " + whole.gain.text + " ; plus long : " + whole.loss.text + " (" + who + ").");
  const heads = effects => effects.map(effect => given.heads[effect]).concat("Temps moyen", "Perte la plus forte");
  const lines = [[nameOf(given, asked), ...EFFECTS.map(effect => whole[effect].text), meansOf(whole), worstOf(given, tried, whole)], ...service.scenarios];
  // who is left without the service has a column where somebody is
  const empty = lines.every(line => line[4] === "0") ? 4 : -1, kept = line => line.filter((cell, n) => n !== empty);
  put(byId("t-beside"), "").appendChild(plainTable("À côté des scénarios de l’étude : " + service.noun + ", dans l’ensemble.",
    kept(["Situation", ...heads(EFFECTS)]), lines.map(kept), false));
  put(byId("t-epci"), "").appendChild(plainTable(nameOf(given, asked) + " : " + who + ", par EPCI.", ["EPCI", ...heads(found.effects)], found.rows, true));
  const notes = [given.intervals, placesSaid(service).trim()];
  if (lines.concat(found.rows).some(line => line.join().includes("≈"))) { notes.push(given.alike); }
  if (!given.law.draws) { notes[0] = "Cette étude ne demande aucun tirage : les nombres sont sans intervalle."; }
  if (found.effects.includes("entering")) { notes.push("«\u00a0" + given.heads.entering + "\u00a0» : à plus de " + minutes(asked.limit) + " aujourd’hui, pas comptés comme gagnants."); }
  if (found.hidden) { notes.push(found.hidden + (found.hidden > 1 ? " autres EPCI n’ont" : " autre EPCI n’a") + " que des habitants dans ce cas ; ils sont dans l’ensemble."); }
  if (asked.limit !== given.limit && service.scenarios.length) { notes.push("Les scénarios de l’étude sont comptés à " + minutes(given.limit) + "."); }
  put(byId("t-note"), notes.filter(Boolean).join(" "));
}
// what an address asks is put in the fields
function restore() {
  const found = readState(given, address);
  if (found.lost.length && given) {
    put(field("said"), "Ce lien parle de ce que l’étude n’a plus ou ne dit pas (" + found.lost.join(", ") + ") : l’essai n’est pas repris.");
  } else if (found.asked) {
    field("service").value = String(found.asked.service); chooseService();
    field("act").value = found.asked.act; field("limit").value = found.asked.limit;
    if (found.asked.commune !== null) { field("commune").value = String(found.asked.commune); }
    if (found.asked.site) { field("site").value = found.asked.site; }
    if (found.asked.places !== null) { field("places").value = found.asked.places; }
    answer();
  }
  const i = found.chosen ? data.codes.indexOf(found.chosen) : -1;
  if (i >= 0) { choose(i); }
}

if (given) {
  setUp();
  field("service").addEventListener("change", () => { chooseService(); answer(); });
  ["act", "site", "commune", "limit", "places"].forEach(id => field(id).addEventListener("change", answer));
  byId("ask").addEventListener("submit", event => { event.preventDefault(); answer(); });
  byId("ask").addEventListener("reset", () => setTimeout(() => { chooseService(); answer(); }, 0));
  byId("here").addEventListener("click", () => place(trialOf[chosen]));
  byId("t-link").addEventListener("click", () => {
    const said = () => put(field("said"), "Le lien est dans l’adresse de la page : " + location.href);
    if (navigator.clipboard) { navigator.clipboard.writeText(location.href).then(() => put(field("said"), "Lien copié."), said); } else { said(); }
  });
  byId("t-save").addEventListener("click", () => {
    const study = studyWith(given, asked);
    download(study.id + ".toml", [study.text], "application/toml");
    put(field("said"), "«\u00a0" + study.id + ".toml\u00a0» : posez-le dans le dossier de l’étude, puis lancez «\u00a0territory run " + study.id + ".toml\u00a0». Les effectifs que le fichier de l’étude contiendrait n’y sont pas.");
  });
  // a trial of one's own, for tests and for those who read the console
  window.territory = { given, tryOut: one => tryOut(given, one, zonesOf), zoneRows: one => zoneRows(given, one), communeTexts: row => communeTexts(given, row), classOf,
    save: one => studyWith(given, one), write: one => writtenState(given, one, null), read: text => readState(given, text) };
}
layerSelect.addEventListener("change", () => showLayer(layerSelect.value === "trial" ? trialLayer() : data.layers[Number(layerSelect.value)]));
communeSelect.addEventListener("change", () => choose(Number(communeSelect.value)));
byId("epci").addEventListener("change", event => {
  const kept = event.target.value === "" ? null : data.communes.map((one, i) => i).filter(i => data.communes[i][1] === event.target.value);
  map.show(kept); table.keep(kept);
});
byId("svg").addEventListener("click", () => download("carte.svg", [map.picture()], "image/svg+xml"));
byId("png").addEventListener("click", () => toPng(map.picture(), blob => download("carte.png", [blob], "image/png")));
byId("csv").addEventListener("click", () => download("communes.csv", [csvOf(table.all())], "text/csv"));
showLayer(layer);
if (given) { answer(); }
restore();
window.addEventListener("hashchange", () => { address = location.hash; restore(); });
