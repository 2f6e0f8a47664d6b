// What is kept of a trial: the address of the page, a study file, pictures and tables to download.

// the address says ids and codes, which outlive the order of lists
function writtenState(given, asked, chosen) {
  const said = [];
  if (asked) {
    said.push(["essai", asked.act], ["service", given.services[asked.service].id]);
    if (asked.commune !== null) { said.push(["lieu", given.codes[asked.commune]]); }
    if (asked.site) { said.push(["site", asked.site]); }
    if (asked.limit !== given.limit) { said.push(["limite", asked.limit]); }
    if (asked.places !== null) { said.push(["places", asked.places]); }
  }
  if (chosen) { said.push(["commune", chosen]); }
  return said.map(pair => pair.map(encodeURIComponent).join("=")).join("&");
}
// read an address: what it asks, and what of it the study no longer has
function readState(given, text) {
  const said = new URLSearchParams(text.replace(/^#/, "")), lost = [], found = { asked: null, chosen: said.get("commune"), lost };
  if (!said.has("essai") || !given) { return found; }
  const service = given.services.findIndex(one => one.id === said.get("service"));
  const act = ["move", "branch", "close"].includes(said.get("essai")) ? said.get("essai") : null;
  const commune = said.has("lieu") ? given.codes.indexOf(said.get("lieu")) : null;
  const number = (name, usual) => said.has(name) && Number.isFinite(Number(said.get(name))) && Number(said.get(name)) >= 0 ? Number(said.get(name)) : usual;
  if (service < 0) { lost.push("le service «\u00a0" + said.get("service") + "\u00a0»"); }
  if (!act) { lost.push("l’action «\u00a0" + said.get("essai") + "\u00a0»"); }
  if (commune === -1) { lost.push("la commune «\u00a0" + said.get("lieu") + "\u00a0»"); }
  const sites = service < 0 ? [] : given.services[service].sites, site = said.get("site");
  if (site && !sites.includes(site)) { lost.push("le site «\u00a0" + site + "\u00a0»"); }
  if (act && act !== "close" && commune === null) { lost.push("le lieu de l’essai"); }
  if (!lost.length) {
    found.asked = { service, act, commune: act === "close" ? null : commune, site: act === "close" ? site || sites[0] : null,
      limit: number("limite", given.limit) || given.limit, places: number("places", null) };
  }
  return found;
}

// TOML: a text is quoted as in JSON, but for the delete character
function tomlValue(value) {
  if (Array.isArray(value)) { return "[" + value.map(tomlValue).join(", ") + "]"; }
  if (value !== null && typeof value === "object") {
    return "{ " + Object.keys(value).map(key => tomlKey(key) + " = " + tomlValue(value[key])).join(", ") + " }";
  }
  return typeof value === "string" ? JSON.stringify(value).replace(/\u007f/g, "\\u007f") : String(value);
}
function tomlKey(key) { return /^[A-Za-z0-9_-]+$/.test(key) ? key : JSON.stringify(key); }
function tomlOf(study) {
  const isTable = value => value !== null && typeof value === "object" && !Array.isArray(value);
  const isTables = value => Array.isArray(value) && value.length > 0 && value.every(isTable);
  const lines = [], later = [];
  const keys = one => Object.keys(one).map(key => tomlKey(key) + " = " + tomlValue(one[key]));
  Object.keys(study).forEach(key => {
    const value = study[key];
    if (isTable(value)) { later.push("", "[" + tomlKey(key) + "]", ...keys(value)); }
    else if (isTables(value)) { value.forEach(one => later.push("", "[[" + tomlKey(key) + "]]", ...keys(one))); }
    else { lines.push(tomlKey(key) + " = " + tomlValue(value)); }
  });
  return lines.concat(later).join("\n") + "\n";
}
// the study with the trial as one more scenario
function studyWith(given, asked) {
  const study = JSON.parse(JSON.stringify(given.study)), service = given.services[asked.service].id, change = [];
  const taken = (study.scenario || []).map(one => one.id);
  let id = "essai";
  for (let n = 2; taken.includes(id); n++) { id = "essai-" + n; }
  study.id = study.id + "-" + id;
  study.travel = Object.assign({}, study.travel);
  if (asked.limit !== given.limit) { study.travel.recruitment_max_min = asked.limit; }
  if (asked.commune !== null) {
    const site = newSite(given, asked.commune);
    if (!(study.site || []).some(one => one.id === site)) {
      study.site = (study.site || []).concat([{ id: site, name: "Lieu essayé " + atPlace(given.names[asked.commune]), commune_code: given.codes[asked.commune], source: "lieu essayé sur la page" }]);
    }
    change.push(asked.act === "move" ? { type: "move_site", authorisation_ids: [service], to_site_id: site } : { type: "open_branch", authorisation_id: service, site_id: site });
  } else {
    const sites = given.services[asked.service].sites;
    change.push(Object.assign({ type: "close_site", authorisation_id: service }, sites.length > 1 ? { site_id: asked.site } : {}));
  }
  if (asked.places !== null && asked.act === "move") { change.push({ type: "change_capacity", authorisation_id: service, capacity: asked.places }); }
  study.scenario = (study.scenario || []).concat([{ id, name: nameOf(given, asked), change }]);
  return { id: study.id, text: tomlOf(study) };
}
function nameOf(given, asked) {
  const where = asked.commune === null ? (given.siteNames[asked.site] || [""])[0] : atPlace(given.names[asked.commune]);
  const said = { move: " ", branch: " et une antenne ", close: " sans " }[asked.act];
  return "Essai : " + given.services[asked.service].the + said + where;
}

function download(name, parts, kind) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(parts, { type: kind })); link.download = name;
  document.body.appendChild(link); link.click(); link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
// a semicolon and a mark of UTF-8: a double click opens it in a French Excel. A text that a formula would begin is one
function csvOf(rows) {
  const cell = text => { const safe = /^[=+@\t\r-]/.test(text) ? "'" + text : text; return /[";\n\r]/.test(safe) ? '"' + safe.replace(/"/g, '""') + '"' : safe; };
  return "\ufeff" + rows.map(row => row.map(cell).join(";")).join("\r\n") + "\r\n";
}
