// The map: what it shows, where it is looked at from, and the hand on it.
const SPACE = "http:" + "//www.w3.org/2000/svg";
function byId(id) { return document.getElementById(id); }
function put(node, text) { node.textContent = text; return node; }
// every text reaches the page as text, never as markup
function made(name, attributes, text) {
  const node = ["g", "circle", "text", "rect", "path", "svg", "pattern"].includes(name) ? document.createElementNS(SPACE, name) : document.createElement(name);
  Object.keys(attributes || {}).forEach(key => node.setAttribute(key, attributes[key]));
  if (text !== undefined) { put(node, text); }
  return node;
}

// a colour for each class, and lines or dots where colour would be alone
const HATCHES = { "/": ["M-2 2L2 -2M0 10L10 0M8 12L12 8", 1.4], "|": ["M3 0V10M8 0V10", 1.4], "x": ["M0 0L10 10M10 0L0 10", 1], ".": ["M3 3h.01M8 8h.01", 2.2] };
function drawFills(fills) {
  Object.keys(fills).forEach(key => {
    const [color, hatch, ink] = fills[key], box = byId("fills").appendChild(made("pattern", { id: "f-" + key, width: 10, height: 10, patternUnits: "userSpaceOnUse" }));
    box.appendChild(made("rect", { width: 10, height: 10, fill: color }));
    if (HATCHES[hatch]) { box.appendChild(made("path", { d: HATCHES[hatch][0], stroke: ink, "stroke-width": HATCHES[hatch][1], "stroke-linecap": hatch === "." ? "round" : "butt" })); }
  });
}

function mapOf(data, on) {
  const svg = byId("map"), paths = Array.from(svg.querySelectorAll(".commune")), whole = data.view, tip = byId("tip");
  const names = byId("names"), marks = byId("sites"), rings = byId("rings");
  const largest = data.communes.map((one, i) => i).sort((a, b) => (data.communes[b][2] || 0) - (data.communes[a][2] || 0));
  const fillOf = key => data.fills[key] ? "url(#f-" + key + ")" : "#d5dade";
  drawFills(data.fills);
  let view = whole.slice(), layer = data.layers[0], chosen = -1;

  function paint(found) {
    layer = found;
    paths.forEach((path, i) => path.setAttribute("fill", fillOf(found.keys[i])));
    const legend = put(byId("legend"), "");
    found.legend.forEach(([key, label]) => {
      const item = made("li"), mark = made("svg", { "aria-hidden": "true" });
      mark.appendChild(made("rect", { width: "100%", height: "100%", fill: fillOf(key) }));
      item.append(mark, made("span", {}, label)); legend.appendChild(item);
    });
    put(marks, ""); put(rings, "");
    (found.rings || []).forEach(([label, path], i) => {
      const dash = ["none", "6 4", "2 3"][i % 3];
      rings.append(made("path", { d: path, class: "halo" }), made("path", { d: path, class: "ring", "stroke-dasharray": dash }));
      const item = made("li"), mark = made("svg", { "aria-hidden": "true", viewBox: "0 0 27 18" });
      mark.appendChild(made("path", { d: "M1 9H26", class: "ring", "stroke-dasharray": dash }));
      item.append(mark, made("span", {}, "isochrone de " + label)); legend.appendChild(item);
    });
    found.sites.forEach(([label, x, y, isTried], i) => {
      const group = made("g", { class: isTried ? "site tried" : "site", "data-x": x, "data-y": y });
      group.append(made("circle", { r: 13, fill: isTried ? "#b5470b" : "#16242f", stroke: "#fff", "stroke-width": 2 }),
        made("text", { "text-anchor": "middle", dy: ".35em", "font-size": 16, fill: "#fff", "font-weight": "bold" }, String(i + 1)));
      marks.appendChild(group); legend.appendChild(made("li", {}, (i + 1) + " : " + label));
    });
    put(byId("map-title"), found.name);
    look();
  }

  function look() {
    svg.setAttribute("viewBox", view.map(value => value.toFixed(1)).join(" "));
    const width = svg.getBoundingClientRect().width || whole[2];
    // names and numbers keep a size that can be read on a narrow screen
    const scale = view[2] / whole[2] * Math.max(1, Math.min(2.4, 0.65 * whole[2] / width)), taken = [];
    const at = (node, x, y) => node.setAttribute("transform", "translate(" + x + " " + y + ") scale(" + scale + ")");
    Array.from(marks.children).forEach(mark => {
      at(mark, mark.dataset.x, mark.dataset.y);
      taken.push({ x: mark.dataset.x / scale, y: mark.dataset.y / scale + 5, half: 14 });
    });
    // the largest communes come first; a name that would touch another one, a mark or the frame is left out
    put(names, "");
    largest.some(i => {
      const [x, y] = data.at[i], name = data.communes[i][0], half = name.length * 4.5;
      if (x - half * scale < view[0] || x + half * scale > view[0] + view[2] || y < view[1] + 14 * scale || y > view[1] + view[3]) { return false; }
      const spot = [0, -20].map(dy => ({ x: x / scale, y: y / scale + dy, half, dy })).find(box =>
        taken.every(other => Math.abs(box.x - other.x) > box.half + other.half || Math.abs(box.y - other.y) > 22));
      if (!spot) { return false; }
      taken.push(spot);
      at(names.appendChild(made("text", { class: "town", dy: spot.dy }, name)), x, y);
      return names.children.length >= 14 + 40 * (1 - view[2] / whole[2]);
    });
    drawScale();
  }
  // a bar as long as 1, 2 or 5 times a power of ten metres
  function drawScale() {
    const box = svg.getBoundingClientRect(), bar = byId("scale");
    if (!box.width || !box.height) { return; }
    const metres = data.metres / Math.min(box.width / view[2], box.height / view[3]), most = 0.22 * box.width * metres;
    const power = Math.pow(10, Math.floor(Math.log10(most))), length = power * (most >= 5 * power ? 5 : most >= 2 * power ? 2 : 1);
    bar.style.width = (length / metres).toFixed(0) + "px";
    put(bar, length >= 1000 ? length / 1000 + NBSP + "km" : length + NBSP + "m");
  }
  function zoom(factor, x = view[0] + view[2] / 2, y = view[1] + view[3] / 2) {
    const width = Math.min(whole[2], Math.max(whole[2] / 24, view[2] * factor)), real = width / view[2];
    view = [x - (x - view[0]) * real, y - (y - view[1]) * real, width, view[3] * real];
    pan(0, 0);
  }
  function pan(dx, dy) {
    [0, 1].forEach(k => { view[k] = Math.min(whole[k] + whole[k + 2] - view[k + 2], Math.max(whole[k], view[k] + [dx, dy][k] * view[k + 2])); });
    // what does not move one way leaves the finger to the page
    svg.style.touchAction = view[2] < whole[2] * 0.99 ? "none" : "pan-y";
    look();
  }
  function reset() { view = whole.slice(); pan(0, 0); }
  function fit(box) {
    const width = Math.min(whole[2], Math.max(whole[2] / 12, box[2] * 1.15, box[3] * 1.15 * whole[2] / whole[3])), height = width * whole[3] / whole[2];
    view = [box[0] + box[2] / 2 - width / 2, box[1] + box[3] / 2 - height / 2, width, height];
    pan(0, 0);
  }
  function boxOf(list) {
    const boxes = list.map(i => paths[i].getBBox()), left = Math.min(...boxes.map(b => b.x)), top = Math.min(...boxes.map(b => b.y));
    return [left, top, Math.max(...boxes.map(b => b.x + b.width)) - left, Math.max(...boxes.map(b => b.y + b.height)) - top];
  }
  function choose(i) {
    chosen = i;
    paths.forEach((path, p) => path.classList.toggle("chosen", p === i));
    if (i < 0) { return; }
    byId("areas").appendChild(paths[i]);
    const [x, y, w, h] = boxOf([i]);
    // what is chosen is brought into view, and is not a dot
    if (w < view[2] / 60 && h < view[3] / 60) { fit([x - w * 6, y - h * 6, w * 13, h * 13]); }
    else if (x < view[0] || y < view[1] || x + w > view[0] + view[2] || y + h > view[1] + view[3]) {
      view[0] = x + w / 2 - view[2] / 2; view[1] = y + h / 2 - view[3] / 2; pan(0, 0);
    }
  }
  // the communes of one EPCI; the others are paler
  function show(kept) {
    paths.forEach((path, i) => path.classList.toggle("faded", kept !== null && !kept.includes(i)));
    if (kept === null) { reset(); } else if (kept.length) { fit(boxOf(kept)); }
  }

  function under(event) {
    return document.elementsFromPoint(event.clientX, event.clientY).filter(node => node.classList && node.classList.contains("commune")).map(node => Number(node.dataset.i))[0];
  }
  function toMap(x, y) {
    const box = svg.getBoundingClientRect();
    return [view[0] + (x - box.left) / box.width * view[2], view[1] + (y - box.top) / box.height * view[3]];
  }
  const hands = new Map();
  let hasMoved = false, isDragged = false;
  svg.addEventListener("pointerdown", event => {
    isDragged = Boolean(event.target.closest && event.target.closest(".tried"));
    hands.set(event.pointerId, [event.clientX, event.clientY]); hasMoved = false;
    if (isDragged) { svg.setPointerCapture(event.pointerId); event.preventDefault(); }
  });
  ["pointerup", "pointercancel"].forEach(name => window.addEventListener(name, event => {
    hands.delete(event.pointerId);
    if (isDragged && !hands.size) { isDragged = false; }
  }));
  // a finger on the tried place moves it, not the page
  svg.addEventListener("touchstart", event => { if (event.target.closest(".tried")) { event.preventDefault(); } }, { passive: false });
  svg.addEventListener("pointermove", event => {
    const box = svg.getBoundingClientRect(), before = hands.get(event.pointerId), now = [event.clientX, event.clientY];
    const i = under(event);
    if (isDragged) { hasMoved = true; if (i !== undefined) { on.drag(i); } return; }
    if (before && hands.size === 2) {
      const other = Array.from(hands.entries()).find(([id]) => id !== event.pointerId)[1];
      const far = (a, b) => Math.max(Math.hypot(a[0] - b[0], a[1] - b[1]), 1);
      hasMoved = true;
      zoom(far(before, other) / far(now, other), ...toMap((now[0] + other[0]) / 2, (now[1] + other[1]) / 2));
    } else if (before && (hasMoved || Math.hypot(now[0] - before[0], now[1] - before[1]) > 4)) {
      hasMoved = true;
      pan((before[0] - now[0]) / box.width, (before[1] - now[1]) / box.height);
    }
    if (before && hasMoved) { hands.set(event.pointerId, now); }
    tip.hidden = i === undefined || event.pointerType === "touch";
    if (!tip.hidden) {
      put(tip, on.words(i));
      tip.style.left = Math.max(0, Math.min(event.clientX - box.left + 14, box.width - 200)) + "px";
      tip.style.top = (event.clientY - box.top + 14) + "px";
    }
  });
  svg.addEventListener("pointerleave", () => { tip.hidden = true; });
  svg.addEventListener("click", event => { if (!hasMoved && event.target.dataset.i !== undefined) { on.choose(Number(event.target.dataset.i)); } });
  svg.addEventListener("wheel", event => {
    // the page scrolls as usual: only with Ctrl does the wheel zoom the map
    if (!event.ctrlKey) { return; }
    event.preventDefault();
    zoom(event.deltaY > 0 ? 1.25 : 0.8, ...toMap(event.clientX, event.clientY));
  }, { passive: false });
  svg.addEventListener("keydown", event => {
    const step = { ArrowLeft: [-0.15, 0], ArrowRight: [0.15, 0], ArrowUp: [0, -0.15], ArrowDown: [0, 0.15] }[event.key];
    if (step) { pan(...step); } else if (event.key === "+" || event.key === "=") { zoom(0.8); } else if (event.key === "-") { zoom(1.25); } else if (event.key === "0") { reset(); } else { return; }
    event.preventDefault();
  });
  byId("in").addEventListener("click", () => zoom(0.7));
  byId("out").addEventListener("click", () => zoom(1.43));
  byId("reset").addEventListener("click", reset);
  window.addEventListener("resize", look);

  // the picture of what is shown, with its title and its legend
  function picture() {
    const copy = svg.cloneNode(true), width = 1000, top = 46, height = whole[3], lines = layer.legend.length + layer.sites.length;
    const found = made("svg", { xmlns: SPACE, width, height: top + height + 30 + lines * 26, viewBox: "0 0 " + width + " " + (top + height + 30 + lines * 26), "font-family": "Arial, sans-serif" });
    found.appendChild(made("rect", { width: "100%", height: "100%", fill: "#fff" }));
    found.appendChild(made("text", { x: 12, y: 30, "font-size": 22, "font-weight": "bold", fill: "#16242f" }, layer.name));
    Object.entries({ x: 0, y: top, width, height }).forEach(([key, value]) => copy.setAttribute(key, value));
    ["id", "tabindex", "class", "style"].forEach(key => copy.removeAttribute(key));
    const looks = { ".commune": { stroke: "#fff", "stroke-width": 1 }, '.commune[d*="a"]': { stroke: "#16242f" }, ".border": { fill: "none", stroke: "#16242f", "stroke-width": 1.2 },
      ".town": { "font-size": 17, "text-anchor": "middle", "paint-order": "stroke", stroke: "#fff", "stroke-width": 4, fill: "#16242f" },
      ".ring": { fill: "none", stroke: "#16242f", "stroke-width": 2 }, ".halo": { fill: "none", stroke: "#fff", "stroke-width": 4 } };
    Object.keys(looks).forEach(name => copy.querySelectorAll(name).forEach(node => {
      Object.keys(looks[name]).forEach(key => node.setAttribute(key, looks[name][key]));
      node.setAttribute("vector-effect", name === ".town" ? "none" : "non-scaling-stroke");
    }));
    found.appendChild(copy);
    layer.legend.forEach(([key, label], n) => {
      const y = top + height + 12 + n * 26;
      found.append(made("rect", { x: 12, y, width: 30, height: 18, fill: fillOf(key), stroke: "#5d6b76" }), made("text", { x: 54, y: y + 14, "font-size": 16, fill: "#16242f" }, label));
    });
    layer.sites.forEach(([label], n) => found.appendChild(made("text", { x: 12, y: top + height + 26 + (layer.legend.length + n) * 26, "font-size": 16, fill: "#16242f" }, (n + 1) + " : " + label)));
    return new XMLSerializer().serializeToString(found);
  }
  return { paint, choose, show, picture, reset };
}
function toPng(text, then) {
  const image = new Image(), size = text.match(/width="(\d+)" height="([\d.]+)"/);
  image.onload = () => {
    const canvas = document.createElement("canvas");
    canvas.width = 2 * Number(size[1]); canvas.height = Math.ceil(2 * Number(size[2]));
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    canvas.toBlob(then, "image/png");
  };
  image.src = "data:image/svg+xml;charset=utf-8," + encodeURIComponent(text);
}
