// The player. What the page shows follows from one number, the step: show(k) draws it, and buttons, keys,
// the scrubber and the clock only choose k. All arithmetic and all wording is done in Python.

const calm = matchMedia("(prefers-reduced-motion: reduce)");
let now = 0; // the step that is shown
let clock = 0; // the timer of the next step while playing, otherwise 0

// The formula, set in type.

const SET = {
  name: (text) => nameElement(text),
  number: (text, role) => html("span", role ? `number ${role}` : "number", text),
  sign: (text) => html("span", "sign", text),
  prefix: (text) => html("span", "sign", text),
  function: (text) => html("span", "function", text),
  closing: (text) => html("span", "function", text),
  power: (text) => html("sup", "", text),
  text: (text) => html("span", "text", text),
  given: (name, value) => {
    const given = html("span", "tight");
    given.append(nameElement(name), html("span", "sign", " = "), value);
    return given;
  },
  total: (text) => html("span", "total", text),
  derivative: (over, under) => {
    const fraction = html("span", "derivative");
    const [top, bottom] = [html("span", "over", "∂"), html("span", "under", "∂")];
    top.append(nameElement(over));
    bottom.append(nameElement(under));
    fraction.append(top, html("span", "slash", "/"), bottom);
    return fraction;
  },
};

function nameElement(text) {
  const plain = /^[\p{L}\p{N}\p{M}_.[\]#']+$/u.test(text);
  const name = html("bdi", plain ? "name" : "name odd", oneLine(text));
  name.title = text;
  return name;
}

// A group begins at each sign of equality, where a line may break; a box holds what has no spaces, as f(x)².
function typeset(tokens, into) {
  let group = null;
  let box = null;
  tokens.forEach(([kind, ...texts], k) => {
    const opens = kind === "prefix" || kind === "function" || texts[0] === "(";
    const closes = kind === "power" || kind === "closing" || (kind === "sign" && /^[),:]$/.test(texts[0]));
    if (!group || kind === "total" || (kind === "sign" && /^(=|≈|←|→)$/.test(texts[0]))) {
      group = into.appendChild(html("span", "group"));
      box = null;
    }
    if (closes && !box && group.lastChild) {
      box = html("span", "tight");
      box.append(group.lastChild);
      group.append(box);
    } else if (opens && !box) box = group.appendChild(html("span", "tight"));
    const set = SET[kind](...texts);
    if (kind === "number" && k === tokens.length - 1) set.classList.add("result");
    (box || group).append(set);
    if (!opens) box = null;
  });
}

// One step on the page.

const PHASES = {
  start: "Start",
  forward: "Forward",
  seed: "Backward",
  backward: "Backward",
  update: "Update",
  end: "The result",
};
const family = (phase) => ({ start: "forward", seed: "backward", end: "update" })[phase] || phase;

function heading(k) {
  const { phase, node } = story.steps[k];
  const alike = story.steps.filter((step) => step.phase === phase);
  const counted = phase === "forward" || phase === "backward" || phase === "update";
  const count = counted ? ` ${alike.indexOf(story.steps[k]) + 1} of ${alike.length}` : "";
  const verb = { forward: "compute", seed: "begin at", backward: "pass back from", update: "move" }[phase];
  return [PHASES[phase] + count + (verb ? ` · ${verb} ` : ""), verb ? story.nodes[node].name : ""];
}

function show(k, still) {
  now = Math.min(Math.max(k, 0), last);
  const step = story.steps[now];
  document.body.dataset.phase = step.phase;
  document.body.dataset.step = now;
  const [what, name] = heading(now);
  $("phase").replaceChildren(what, html("bdi", "name", oneLine(name)));
  $("formula").classList.toggle("many", step.lines.length > 3);
  $("formula").replaceChildren(
    ...step.lines.flatMap(([left, right]) => {
      const sides = [html("div", "left"), html("div", "right")];
      typeset(left, sides[0]);
      typeset(right, sides[1]);
      return sides;
    }),
  );
  $("formula").scrollTop = 0;
  $("caption").textContent = step.caption;
  $("words").textContent = step.words;
  $("count").textContent = `${now} / ${last}`;
  const scrubber = $("scrubber");
  scrubber.value = now;
  scrubber.setAttribute("aria-valuetext", `Step ${now} of ${last}: ${what}${name}`);
  scrubber.style.setProperty("--share", last ? now / last : 0);
  $("first").disabled = $("back").disabled = now === 0;
  $("forward").disabled = $("last").disabled = now === last;
  for (const link of $("transcript").querySelectorAll("[aria-current]")) link.removeAttribute("aria-current");
  $("transcript").children[now].firstChild.setAttribute("aria-current", "step");
  paint(now);
  look(now, still || calm.matches);
  remember();
}

// The address leads to the step. It changes only after a pause, because browsers forbid frequent changes.
let remembering = 0;
function remember() {
  clearTimeout(remembering);
  remembering = setTimeout(() => {
    try {
      history.replaceState(null, "", `#step=${now}`);
    } catch {
      // a frame in a notebook has no address
    }
  }, 200);
}

function stepInAddress() {
  const found = /^#step=(\d+)$/.exec(location.hash);
  return found ? Number(found[1]) : 0;
}

// Playing.

function play() {
  if (now === last) show(0);
  $("play").classList.add("playing");
  $("play").setAttribute("aria-label", "Pause");
  const next = () => {
    const pause = 2400 / Number($("speed").value);
    document.body.style.setProperty("--pace", `${Math.min(900, 0.7 * pause)}ms`);
    clock = setTimeout(() => {
      show(now + 1);
      if (now < last) next();
      else stop();
    }, pause);
  };
  // Fast steps would be too much for a screen reader; the transcript has them all.
  $("words").setAttribute("aria-live", Number($("speed").value) > 1 ? "off" : "polite");
  next();
}

function stop() {
  clearTimeout(clock);
  clock = 0;
  $("play").classList.remove("playing");
  $("play").setAttribute("aria-label", "Play");
  $("words").setAttribute("aria-live", "polite");
}

function go(k) {
  stop();
  show(k);
}

const toggle = () => (clock ? stop() : play());

// What the user does.

function listen() {
  const clicks = {
    first: () => go(0),
    back: () => go(now - 1),
    play: toggle,
    forward: () => go(now + 1),
    last: () => go(last),
  };
  const views = { closer: () => zoom(1.25), farther: () => zoom(0.8), whole: showWhole };
  for (const [id, act] of Object.entries({ ...clicks, ...views })) {
    $(id).addEventListener("click", (event) => {
      act();
      if (event.detail) $(id).blur(); // after a click with the mouse, space plays again
    });
  }
  $("scrubber").addEventListener("input", () => go(Number($("scrubber").value)));
  const keys = {
    ArrowRight: clicks.forward,
    ArrowLeft: clicks.back,
    Home: clicks.first,
    End: clicks.last,
    " ": toggle,
  };
  addEventListener("keydown", (event) => {
    const inside = (tags) => event.target instanceof Element && event.target.closest(tags);
    const own = inside("select") || (event.key === " " && inside("button, summary, a"));
    if (own || event.ctrlKey || event.metaKey || event.altKey || !(event.key in keys)) return;
    event.preventDefault();
    keys[event.key]();
  });
  addEventListener("hashchange", () => go(stepInAddress()));
  new ResizeObserver(arrange).observe($("stage"));
  listenToStage();
}

function begin() {
  const { root, steps, nodes } = story;
  document.title = `${root}, step by step`;
  $("root").textContent = oneLine(root);
  $("graph").setAttribute("aria-label", `The graph of ${root}: ${nodes.length} nodes and ${story.edges.length} lines`);
  $("transcript").start = 0;
  $("transcript").append(
    ...steps.map((step, k) => {
      const item = html("li");
      const link = item.appendChild(html("a", "", step.words));
      link.href = `#step=${k}`;
      link.addEventListener("click", (event) => {
        event.preventDefault(); // in a frame the address would be that of the surrounding page
        go(k);
      });
      return item;
    }),
  );
  const counts = {};
  for (const { phase } of steps.slice(1)) counts[family(phase)] = (counts[family(phase)] || 0) + 1;
  $("phases").append(
    ...Object.entries(counts).map(([phase, count]) => {
      const label = html("span", "", phase[0].toUpperCase() + phase.slice(1));
      label.style.setProperty("--steps", count);
      return label;
    }),
  );
  $("scrubber").max = last;
  $("scrubber").style.setProperty("--turn", (counts.forward || 0) / last);
  $("scrubber").style.setProperty("--after", counts.update ? ((counts.forward || 0) + counts.backward) / last : 2);
  document.body.style.setProperty("--pace", "900ms");
  now = Math.min(stepInAddress(), last);
  arrange();
  listen();
  show(now, true);
}

begin();
