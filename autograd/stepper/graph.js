"use strict";

// The graph: its story, its drawing, and its painting at a step. The other scripts follow in the same element.

const story = JSON.parse(document.getElementById("story").textContent);
const last = story.steps.length - 1;
const $ = (id) => document.getElementById(id);

// The user's text enters the page through textContent only, so that no label can be markup.

function html(tag, kind, text) {
  const element = document.createElement(tag);
  if (kind) element.className = kind;
  if (text !== undefined) element.textContent = text;
  return element;
}

function svg(tag, attributes, text) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

const oneLine = (text) => text.replace(/[\n\r\u2028\u2029]+/g, "↵").replace(/[\t\v\f]/g, " ");

// The numbers at a step: all changes up to it, applied from the start each time, so stepping back is as safe as on.

function numbersAt(k) {
  const nodes = story.nodes.map(() => ({ data: null, grad: null, arrived: 0 }));
  for (const step of story.steps.slice(0, k + 1)) {
    for (const [node, which, exact, shown] of step.changes) nodes[node][which] = { exact: inFull(exact), shown };
    if (step.phase === "backward") for (const edge of step.edges) nodes[story.edges[edge][0]].arrived += 1;
  }
  return nodes;
}

const inFull = (x) => (Object.is(x, -0) ? "-0" : String(x));

// The graph: drawn once for each layout, then only painted.

let layout = null; // the one of story.layouts that suits the stage
let cards = []; // for each node its elements
let edges = [];
const usesOf = story.nodes.map((_, k) => story.edges.filter(([source]) => source === k).length);

function draw() {
  const across = layout === story.layouts.LR;
  const world = $("world");
  const tip = svg("marker", { id: "tip", viewBox: "0 0 10 10", refX: 9, refY: 5, orient: "auto-start-reverse" });
  for (const side of ["markerWidth", "markerHeight"]) tip.setAttribute(side, 4.2);
  tip.append(svg("path", { d: "M0 0.6 10 5 0 9.4z" }));
  edges = layout.paths.map((d) => svg("path", { class: "edge", d }));
  cards = story.nodes.map((node, k) => drawNode(node, k, layout.centres[k], across));
  const layers = [edges, [], cards.map((card) => card.group), []].map((children, k) => {
    const layer = svg("g", { id: ["edges", "flows", "nodes", "chips"][k] });
    layer.append(...children);
    return layer;
  });
  world.replaceChildren(tip, ...layers);
  cards.forEach((card, k) => card.title && shorten(card.title, oneLine(story.nodes[k].name), card.room));
}

function drawNode(node, k, [x, y], across) {
  const { kind, width, height, badge } = node;
  const root = k === story.nodes.length - 1 ? " root" : "";
  const group = svg("g", { class: `node ${kind}${root}`, transform: `translate(${x} ${y})` });
  const [left, right, bottom] = [-width / 2 + (badge && across ? 20 : 14), width / 2 - 14, height / 2];
  const rx = { leaf: 16, operation: 7, constant: bottom }[kind];
  const tooltip = svg("title", {});
  group.append(tooltip, svg("rect", { class: "card", x: -width / 2, y: -bottom, width, height, rx }));
  if (kind === "constant") {
    const data = svg("text", { class: "data", y: 5 });
    group.append(data);
    return { group, tooltip, data, dots: [] };
  }
  const title = svg("text", { class: "title", x: left, y: 23 - bottom });
  const data = svg("text", { class: "data", x: right, y: bottom - 28 });
  const grad = svg("text", { class: "grad", x: right, y: bottom - 10 });
  const dots = drawDots(usesOf[k], right, 18 - bottom);
  group.append(title, data, grad, ...dots);
  group.append(svg("text", { class: "what", x: left, y: bottom - 28 }, "data"));
  group.append(svg("text", { class: "what", x: left, y: bottom - 10 }, "grad"));
  if (badge) group.append(drawBadge(node, across));
  const room = right - left - (dots.length && 9 * dots.length + 4);
  return { group, tooltip, title, room, data, grad, dots };
}

// One dot for each line out of a node with several uses; more than six would crowd the name.
function drawDots(uses, right, cy) {
  const count = uses > 1 ? Math.min(uses, 6) : 0;
  return Array.from({ length: count }, (_, k) =>
    svg("circle", { class: "dot", cx: right - 3 - 9 * (count - 1 - k), cy, r: 3 }),
  );
}

// The sign of an operation, over the middle of the side where its arguments come in.
function drawBadge({ width, height, badge, symbol }, across) {
  const place = across ? `${10 - width / 2 - badge / 2} 0` : `0 ${-4 - height / 2}`;
  const group = svg("g", { class: "badge", transform: `translate(${place})` });
  const [size, y] = { "·": ["big", 10], "^": ["", 9] }[symbol] || ["", 5];
  group.append(svg("rect", { x: -badge / 2, y: -14, width: badge, height: 28, rx: 14 }));
  group.append(svg("text", { class: size, y }, oneLine(symbol)));
  return group;
}

function shorten(element, text, room) {
  let characters = Array.from(text).slice(0, 80);
  if (window.Intl && Intl.Segmenter)
    characters = Array.from(new Intl.Segmenter().segment(characters.join("")), (it) => it.segment);
  element.textContent = text.length > 80 ? characters.join("") + "…" : text;
  while (characters.length && element.getComputedTextLength() > room) {
    characters.pop();
    element.textContent = characters.join("") + "…";
  }
}

function paint(k) {
  const step = story.steps[k];
  const numbers = numbersAt(k);
  const touched = new Set(step.edges.map((edge) => story.edges[edge][0]));
  const changed = new Set(k && step.phase !== "seed" ? step.changes.map(([node, which]) => node + which) : []);
  if (step.phase === "seed") changed.add(`${step.node}grad`); // the others become 0, which need not stand out
  cards.forEach((card, n) => {
    const { data, grad } = numbers[n];
    card.group.classList.toggle("ahead", data === null);
    card.group.classList.toggle("active", n === step.node && step.phase !== "start");
    card.group.classList.toggle("touched", touched.has(n));
    write(card.data, data, changed.has(`${n}data`));
    if (card.grad) write(card.grad, grad, changed.has(`${n}grad`));
    describe(card, n, numbers[n]);
  });
  edges.forEach((edge, e) => edge.classList.toggle("ahead", numbers[story.edges[e][1]].data === null));
  const backward = step.phase === "backward";
  $("flows").replaceChildren(...step.edges.flatMap((edge) => flow(layout.paths[edge], backward)));
  $("chips").replaceChildren(...(backward ? chips(step) : []));
}

// The full numbers of a card: in its tooltip and, for tests, in its data attributes.
function describe(card, n, { data, grad, arrived }) {
  const { name, label } = story.nodes[n];
  Object.assign(card.group.dataset, { node: name, data: data ? data.exact : "", grad: grad ? grad.exact : "" });
  const facts = [label || name || "plain number", data && `data ${data.exact}`, grad && `grad ${grad.exact}`];
  if (grad && card.dots.length) facts.push(`${arrived} of ${usesOf[n]} parts have arrived`);
  card.tooltip.textContent = facts.filter(Boolean).join("\n");
  card.dots.forEach((dot, at) => dot.classList.toggle("arrived", (at + 1) * usesOf[n] <= arrived * card.dots.length));
}

// A line along which something flows, and a spark that runs along it.
function flow(d, backward) {
  const line = svg("path", { class: "flow", d, [backward ? "marker-start" : "marker-end"]: "url(#tip)" });
  return [line, svg("path", { class: `spark ${backward ? "backward" : "forward"}`, d, pathLength: 1 })];
}

function write(element, number, fresh) {
  const text = number ? number.shown : "";
  if (fresh && !element.classList.contains("fresh")) void element.getBBox(); // restarts the animation
  element.classList.toggle("fresh", fresh);
  if (element.textContent !== text) element.textContent = text;
}

// The amounts that flow back, each on its line where it covers nothing else; left out if there is no such place.
function chips(step) {
  const taken = story.nodes.map((_, n) => cardBox(n));
  return step.edges.flatMap((edge, k) => {
    const text = step.amounts[k].startsWith("−") ? step.amounts[k] : "+" + step.amounts[k];
    const width = 14 + 7.6 * text.length;
    const path = edges[edge];
    for (const share of [0.38, 0.45, 0.52, 0.6, 0.3, 0.68, 0.22, 0.76, 0.84]) {
      const { x, y } = path.getPointAtLength(share * path.getTotalLength());
      const box = [x - width / 2, y - 11, x + width / 2, y + 11];
      if (!taken.some((other) => overlap(box, other))) {
        taken.push(box);
        const chip = svg("g", { class: "chip", transform: `translate(${x} ${y})` });
        chip.append(svg("rect", { x: -width / 2, y: -11, width, height: 22, rx: 11 }), svg("text", { y: 4.5 }, text));
        return [chip];
      }
    }
    return [];
  });
}

function cardBox(n) {
  const [x, y] = layout.centres[n];
  const { width, height, badge } = story.nodes[n];
  const across = layout === story.layouts.LR;
  const sign = badge ? badge - 10 : 0;
  return [
    x - width / 2 - (across ? sign : 0),
    y - height / 2 - (across || !sign ? 0 : 18),
    x + width / 2,
    y + height / 2,
  ];
}

const overlap = (a, b) => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
