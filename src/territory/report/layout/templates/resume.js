"use strict";
(function () {
  var data = JSON.parse(document.getElementById("data").textContent);
  var svg = document.getElementById("map");
  var paths = Array.prototype.slice.call(svg.querySelectorAll(".commune"));
  var layerSelect = document.getElementById("layer");
  var communeSelect = document.getElementById("commune");
  var details = document.getElementById("details");
  var tip = document.getElementById("tip");
  var body = document.querySelector("#communes tbody");
  var rows = Array.prototype.slice.call(body.rows);
  var status = document.getElementById("status");
  var whole = data.view, view = whole.slice(), layer = 0, chosen = -1;
  var space = "http:" + "//www.w3.org/2000/svg";

  // every text reaches the page as text, never as markup
  function put(node, text) { node.textContent = text; }
  function describe(i) {
    var found = data.layers[layer], row = found.rows[i], parts = [data.communes[i][0] + " (" + data.communes[i][1] + ")"];
    if (row[1] === "–") { parts.push("temps de route\u00a0: " + row[0]); } else {
      parts.push("aujourd’hui " + row[0] + ", scénario " + row[1], row[2]);
      parts.push(found.noun + "\u00a0: " + row[3]);
    }
    return parts.join("\u202f; ");
  }

  function drawLayer() {
    var found = data.layers[layer];
    paths.forEach(function (path, i) {
      var key = found.keys[i];
      path.setAttribute("fill", data.fills[key] || "#d5dade");
    });
    var legend = document.getElementById("legend");
    put(legend, "");
    found.legend.forEach(function (entry) {
      var item = document.createElement("li"), mark = document.createElementNS(space, "svg");
      var box = document.createElementNS(space, "rect"), text = document.createElement("span");
      box.setAttribute("width", "100%"); box.setAttribute("height", "100%");
      box.setAttribute("fill", data.fills[entry[0]] || "#d5dade");
      mark.setAttribute("aria-hidden", "true"); mark.appendChild(box);
      put(text, entry[1]); item.appendChild(mark); item.appendChild(text); legend.appendChild(item);
    });
    var marks = document.getElementById("sites");
    put(marks, "");
    found.sites.forEach(function (site, i) {
      var group = document.createElementNS(space, "g"), disc = document.createElementNS(space, "circle");
      var number = document.createElementNS(space, "text"), item = document.createElement("li");
      group.setAttribute("class", "site");
      group.dataset.x = site[1]; group.dataset.y = site[2];
      disc.setAttribute("r", 13); disc.setAttribute("fill", "#16242f"); disc.setAttribute("stroke", "#fff"); disc.setAttribute("stroke-width", 2);
      number.setAttribute("text-anchor", "middle"); number.setAttribute("dy", ".35em"); number.setAttribute("font-size", 16);
      number.setAttribute("fill", "#fff"); number.setAttribute("font-weight", "bold");
      put(number, String(i + 1)); group.appendChild(disc); group.appendChild(number); marks.appendChild(group);
      put(item, (i + 1) + " : " + site[0]); legend.appendChild(item);
    });
    rows.forEach(function (row) {
      var texts = found.rows[Number(row.dataset.i)];
      for (var c = 0; c < 4; c++) { put(row.cells[3 + c], texts[c]); }
    });
    put(document.getElementById("caption"), found.name);
    put(document.getElementById("map-title"), found.name);
    choose(chosen);
    drawView();
  }

  function drawView() {
    svg.setAttribute("viewBox", view.map(function (v) { return v.toFixed(1); }).join(" "));
    var width = svg.getBoundingClientRect().width || whole[2];
    // names and numbers keep a size that can be read on a narrow screen
    var scale = view[2] / whole[2] * Math.max(1, Math.min(2.4, 0.65 * whole[2] / width)), sites = Array.prototype.slice.call(svg.querySelectorAll(".site"));
    sites.concat(Array.prototype.slice.call(svg.querySelectorAll(".town"))).forEach(function (group) {
      group.setAttribute("transform", "translate(" + group.dataset.x + " " + group.dataset.y + ") scale(" + scale + ")");
    });
    // a name does not stand on the mark of a site: it goes above it
    Array.prototype.forEach.call(svg.querySelectorAll(".town"), function (town) {
      var half = town.textContent.length * 4.5 + 13;
      var covered = sites.some(function (site) {
        var dx = (site.dataset.x - town.dataset.x) / scale, dy = (site.dataset.y - town.dataset.y) / scale;
        return Math.abs(dx) < half && dy > -24 && dy < 16;
      });
      town.setAttribute("dy", covered ? "-20" : "0");
    });
    // the largest town comes first: a name that would touch another one is left out
    var shown = [];
    Array.prototype.forEach.call(svg.querySelectorAll(".town"), function (town) {
      var box = { x: town.dataset.x / scale, y: town.dataset.y / scale + Number(town.getAttribute("dy")), half: town.textContent.length * 4.5 };
      // nor is one that the frame would cut
      var isWhole = box.x - box.half > view[0] / scale && box.x + box.half < (view[0] + view[2]) / scale;
      var isFree = isWhole && shown.every(function (other) { return Math.abs(box.x - other.x) > box.half + other.half || Math.abs(box.y - other.y) > 17; });
      town.style.display = isFree ? "" : "none";
      if (isFree) { shown.push(box); }
    });
    drawScale();
  }

  // a bar as long as 1, 2 or 5 times a power of ten metres
  function drawScale() {
    var box = svg.getBoundingClientRect(), bar = document.getElementById("scale");
    if (!box.width || !box.height) { return; }
    var metres = data.metres / Math.min(box.width / view[2], box.height / view[3]), most = 0.22 * box.width * metres;
    var power = Math.pow(10, Math.floor(Math.log(most) / Math.LN10));
    var length = power * (most >= 5 * power ? 5 : most >= 2 * power ? 2 : 1);
    bar.style.width = (length / metres).toFixed(0) + "px";
    put(bar, length >= 1000 ? length / 1000 + "\u00a0km" : length + "\u00a0m");
  }

  function zoom(factor, x, y) {
    var width = Math.min(whole[2], Math.max(whole[2] / 24, view[2] * factor)), real = width / view[2];
    x = x === undefined ? view[0] + view[2] / 2 : x; y = y === undefined ? view[1] + view[3] / 2 : y;
    view = [x - (x - view[0]) * real, y - (y - view[1]) * real, width, view[3] * real];
    pan(0, 0);
  }
  function pan(dx, dy) {
    view[0] = Math.min(whole[0] + whole[2] - view[2], Math.max(whole[0], view[0] + dx * view[2]));
    view[1] = Math.min(whole[1] + whole[3] - view[3], Math.max(whole[1], view[1] + dy * view[3]));
    drawView();
  }
  function reset() { view = whole.slice(); drawView(); }

  function choose(i) {
    chosen = i;
    paths.forEach(function (path, p) { path.classList.toggle("chosen", p === i); });
    rows.forEach(function (row) { row.classList.toggle("chosen", Number(row.dataset.i) === i); });
    if (i >= 0) { svg.querySelector("#areas").appendChild(paths[i]); put(details, describe(i)); } else { put(details, data.hint); }
    communeSelect.value = String(i);
  }

  function sortBy(head) {
    var column = head.cellIndex, up = head.getAttribute("aria-sort") !== "ascending", found = data.layers[layer];
    function key(row) {
      var i = Number(row.dataset.i);
      if (column >= 3 && column <= 5) { return found.numbers[i][column - 3]; }
      if (column === 2) { return data.communes[i][2]; }
      if (column === 6) { var n = Number(found.rows[i][3].replace(/[^\d]/g, "")); return found.rows[i][3].charAt(0) === "<" ? 5 : /\d/.test(found.rows[i][3]) ? n : null; }
      return data.communes[i][column];
    }
    rows.sort(function (a, b) {
      var x = key(a), y = key(b), order;
      // what is unknown stays last, whichever way the rest goes
      if (x === null || y === null) { return (x === null) - (y === null); }
      order = typeof x === "number" ? x - y : String(x).localeCompare(String(y), "fr");
      return (up ? order : -order) || Number(a.dataset.i) - Number(b.dataset.i);
    });
    rows.forEach(function (row) { body.appendChild(row); });
    Array.prototype.forEach.call(head.parentNode.cells, function (cell) { cell.removeAttribute("aria-sort"); });
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    put(status, "Tableau trié par " + head.textContent.trim() + (up ? ", ordre croissant" : ", ordre décroissant"));
  }

  function plain(text) { return text.normalize("NFD").replace(/[\u0300-\u036f]/g, "").toLowerCase(); }
  function filter(text) {
    var wanted = plain(text), count = 0;
    rows.forEach(function (row) {
      var i = Number(row.dataset.i), seen = plain(data.communes[i][0] + " " + data.communes[i][1]).indexOf(wanted) >= 0;
      row.hidden = !seen; count += seen ? 1 : 0;
    });
    put(status, count + (count > 1 ? " communes affichées" : " commune affichée"));
  }

  function toMap(event) {
    var box = svg.getBoundingClientRect();
    return [view[0] + (event.clientX - box.left) / box.width * view[2], view[1] + (event.clientY - box.top) / box.height * view[3]];
  }
  var start = null, moved = false;
  svg.addEventListener("pointerdown", function (event) { start = [event.clientX, event.clientY]; moved = false; });
  window.addEventListener("pointerup", function () { start = null; });
  svg.addEventListener("pointermove", function (event) {
    var box = svg.getBoundingClientRect();
    if (start && (moved || Math.hypot(event.clientX - start[0], event.clientY - start[1]) > 4)) {
      moved = true;
      pan((start[0] - event.clientX) / box.width, (start[1] - event.clientY) / box.height);
      start = [event.clientX, event.clientY];
    }
    var i = paths.indexOf(event.target);
    tip.hidden = i < 0;
    if (i >= 0) {
      put(tip, describe(Number(event.target.dataset.i)));
      tip.style.left = Math.max(0, Math.min(event.clientX - box.left + 14, box.width - 200)) + "px";
      tip.style.top = (event.clientY - box.top + 14) + "px";
    }
  });
  svg.addEventListener("pointerleave", function () { tip.hidden = true; });
  svg.addEventListener("click", function (event) { if (!moved && event.target.dataset.i !== undefined) { choose(Number(event.target.dataset.i)); } });
  svg.addEventListener("wheel", function (event) {
    // the page scrolls as usual: only with Ctrl does the wheel zoom the map
    if (!event.ctrlKey) { return; }
    event.preventDefault();
    var at = toMap(event); zoom(event.deltaY > 0 ? 1.25 : 0.8, at[0], at[1]);
  }, { passive: false });
  svg.addEventListener("keydown", function (event) {
    var step = { ArrowLeft: [-0.15, 0], ArrowRight: [0.15, 0], ArrowUp: [0, -0.15], ArrowDown: [0, 0.15] }[event.key];
    if (step) { pan(step[0], step[1]); } else if (event.key === "+" || event.key === "=") { zoom(0.8); } else if (event.key === "-") { zoom(1.25); } else if (event.key === "0") { reset(); } else { return; }
    event.preventDefault();
  });
  document.getElementById("in").addEventListener("click", function () { zoom(0.7); });
  document.getElementById("out").addEventListener("click", function () { zoom(1.43); });
  document.getElementById("reset").addEventListener("click", reset);
  layerSelect.addEventListener("change", function () { layer = Number(layerSelect.value); drawLayer(); });
  communeSelect.addEventListener("change", function () { choose(Number(communeSelect.value)); });
  document.getElementById("filter").addEventListener("input", function (event) { filter(event.target.value); });
  Array.prototype.forEach.call(document.querySelectorAll("#communes thead th"), function (head) {
    head.querySelector("button").addEventListener("click", function () { sortBy(head); });
  });
  window.addEventListener("resize", drawView);
  drawLayer();
})();
