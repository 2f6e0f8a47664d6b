// The tables: that of communes, sorted and filtered, and those of a trial.
const FIRST_ROWS = window.innerWidth < 704 ? 10 : 25;

function tableOf(data, on) {
  const body = document.querySelector("#communes tbody"), rows = Array.from(body.rows), status = byId("status"), more = byId("more");
  let layer = data.layers[0], kept = null, wanted = "", isWhole = false;

  rows.forEach(row => {
    const head = row.cells[0], button = made("button", { type: "button", class: "name" }, head.textContent);
    put(head, "").appendChild(button);
    button.addEventListener("click", () => on.choose(Number(row.dataset.i)));
  });
  function fill(found) {
    layer = found;
    rows.forEach(row => found.rows[Number(row.dataset.i)].forEach((text, c) => put(row.cells[3 + c], text)));
    // a layer of times alone has nothing to say of a scenario
    byId("communes").classList.toggle("bare", found.rows.every(row => row.slice(1).every(text => text === "–")));
    put(byId("caption"), found.name);
  }
  function draw(isSaid) {
    let count = 0;
    rows.forEach(row => {
      const i = Number(row.dataset.i), isIn = (kept === null || kept.includes(i)) && plain(data.communes[i][0] + " " + data.communes[i][1]).includes(wanted);
      count += isIn ? 1 : 0;
      row.hidden = !isIn || (!isWhole && count > FIRST_ROWS && !row.classList.contains("chosen"));
    });
    more.hidden = count <= FIRST_ROWS || isWhole;
    put(more, "Afficher les " + integer(count) + " communes");
    if (isSaid) { put(status, integer(count) + (count > 1 ? " communes trouvées" : " commune trouvée")); }
  }
  function choose(i) {
    rows.forEach(row => row.classList.toggle("chosen", Number(row.dataset.i) === i));
    draw(false);
    const row = rows.find(one => Number(one.dataset.i) === i), box = body.closest(".scroll");
    // only the frame of the table scrolls: the page stays where the reader is
    if (row && box.scrollHeight > box.clientHeight) { box.scrollTop = row.offsetTop - box.clientHeight / 2; }
  }
  function sortBy(head) {
    const column = head.cellIndex, isUp = head.getAttribute("aria-sort") !== "ascending";
    const key = row => {
      const i = Number(row.dataset.i);
      if (column >= 3 && column <= 5) { return layer.numbers[i][column - 3]; }
      if (column < 3) { return data.communes[i][column]; }
      const text = layer.rows[i][3];
      return text.charAt(0) === "<" ? 5 : /\d/.test(text) ? Number(text.replace(/[^\d]/g, "")) : null;
    };
    rows.sort((a, b) => {
      const x = key(a), y = key(b);
      // what is unknown stays last, whichever way the rest goes
      if (x === null || y === null) { return (x === null) - (y === null); }
      const order = typeof x === "number" ? x - y : String(x).localeCompare(String(y), "fr");
      return (isUp ? order : -order) || Number(a.dataset.i) - Number(b.dataset.i);
    });
    rows.forEach(row => body.appendChild(row));
    Array.from(head.parentNode.cells).forEach(cell => cell.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", isUp ? "ascending" : "descending");
    draw(false);
    put(status, "Tableau trié par " + head.textContent.trim() + (isUp ? ", ordre croissant" : ", ordre décroissant"));
  }
  document.querySelectorAll("#communes thead th").forEach(head => head.querySelector("button").addEventListener("click", () => sortBy(head)));
  byId("filter").addEventListener("input", event => { wanted = plain(event.target.value); draw(true); });
  more.addEventListener("click", () => { isWhole = true; draw(true); });
  function all() {
    const heads = Array.from(document.querySelectorAll("#communes thead th")).map(head => head.textContent.trim());
    return [heads].concat(rows.map(row => Array.from(row.cells).map(cell => cell.textContent)));
  }
  draw(false);
  return { fill, choose, all, keep: list => { kept = list; draw(true); } };
}

// a plain table: the first cell of a row is its title, the last row of a total is strong
function plainTable(caption, heads, rows, hasTotal) {
  const box = made("div", { class: "scroll", role: "region", tabindex: "0", "aria-label": caption }), table = made("table");
  const line = made("tr");
  heads.forEach((head, n) => line.appendChild(made("th", { scope: "col", class: n ? "right" : "left" }, head)));
  const head = made("thead"), body = made("tbody");
  head.appendChild(line);
  rows.forEach((cells, n) => {
    const row = body.appendChild(made("tr", hasTotal && n === rows.length - 1 ? { class: "total" } : {}));
    cells.forEach((cell, c) => row.appendChild(c ? made("td", { class: "right", "data-l": heads[c] }, cell) : made("th", { scope: "row" }, cell)));
  });
  const name = made("caption");
  name.appendChild(made("span", {}, caption));
  table.append(name, head, body);
  box.appendChild(table);
  return box;
}
const WHOLE = "territory";
function meansOf(count) {
  if (count.means.some(Number.isNaN)) { return UNKNOWN; }
  return fromTo(...count.means) + (count.isMeanTold ? "" : " ≈");
}
function worstOf(given, tried, count) {
  if (count.worst < 0) { return "aucune"; }
  const row = tried.rows[count.worst];
  return given.names[count.worst] + " (" + signed(wholeChange(row.before, row.after)) + NBSP + "min)";
}
// the zones of a trial: the one in focus, then those that lose most, then those that gain most
function zoneRows(given, tried) {
  const whole = tried.counts.get(WHOLE), size = count => (Number.isNaN(count) ? 0 : count);
  if (!whole) { return { effects: [], rows: [], hidden: 0 }; }
  const effects = EFFECTS.filter(effect => effect !== "without" && effect !== "entering" || whole.communes[effect]);
  const zones = Array.from(tried.counts.values()).filter(count => count.zone !== WHOLE);
  const touched = zones.filter(count => ["gain", "loss", "indistinct", "without", "unknown"].some(effect => count.communes[effect])
    && EFFECTS.some(effect => count[effect].value !== 0));
  const key = count => [count.zone === given.focus ? 0 : 1, -size(count.loss.value), -size(count.gain.value)];
  touched.sort((a, b) => {
    const x = key(a), y = key(b), n = x.findIndex((one, k) => one !== y[k]);
    return n < 0 ? (a.zone < b.zone ? -1 : 1) : x[n] - y[n];
  });
  const rows = touched.concat(whole).map(count => [count.zone === WHOLE ? "Ensemble" : given.zones[count.zone],
    ...effects.map(effect => count[effect].text), meansOf(count), worstOf(given, tried, count)]);
  return { effects, rows, hidden: zones.length - touched.length };
}
// one commune under a trial, in the words of the table of communes
function communeTexts(given, row) {
  const isMeasured = ["gain", "loss", "indistinct"].includes(row.effect);
  const said = isMeasured ? change(wholeChange(row.before, row.after), row.effect !== "indistinct") : given.beside[row.effect] || given.beside.unknown;
  return [writtenMinutes(row.before), writtenMinutes(row.after), said, personsOfCommune(row.persons)];
}
function classOf(row) {
  const isSized = row.effect === "gain" || row.effect === "loss", size = Math.abs(row.delta);
  return isSized ? row.effect + (Number.isNaN(size) || size > 20 ? 2 : size > 10 ? 1 : 0) : row.effect;
}
