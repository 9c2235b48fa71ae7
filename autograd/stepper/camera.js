// The camera: the whole graph if that is legible, otherwise it follows the step; fingers and the mouse move it too.

const LEGIBLE = 0.72;
const MARGIN = 24;
let camera = { x: 0, y: 0, scale: 1 };
let chosen = false; // whether the user has chosen the scale

function stageSize() {
  return [$("stage").clientWidth, $("stage").clientHeight];
}

function scaleToFit(width, height) {
  const [w, h] = stageSize();
  return Math.min((w - 2 * MARGIN) / width, (h - 2 * MARGIN) / height);
}

function aim(box, scale) {
  const [w, h] = stageSize();
  camera = { scale, x: w / 2 - (scale * (box[0] + box[2])) / 2, y: h / 2 - (scale * (box[1] + box[3])) / 2 };
}

const wholeScale = () => Math.min(scaleToFit(layout.width, layout.height), 1.3);
const aimAtWhole = () => aim([0, 0, layout.width, layout.height], wholeScale());

function showWhole() {
  chosen = true;
  aimAtWhole();
  point();
}

function look(k, still) {
  const step = story.steps[k];
  const fit = wholeScale();
  if (!chosen && (fit >= LEGIBLE || step.phase === "start" || step.phase === "end")) aimAtWhole();
  else {
    const boxes = [step.node, ...step.edges.map((edge) => story.edges[edge][0])].map(cardBox);
    const box = [0, 1, 2, 3].map((side) => Math[side < 2 ? "min" : "max"](...boxes.map((b) => b[side])));
    const room = scaleToFit(box[2] - box[0], box[3] - box[1]);
    const scale = chosen ? camera.scale : Math.max(Math.min(LEGIBLE, room), 0.62, fit);
    const from = camera.scale === scale ? camera : null;
    if (from && scale <= room) {
      camera = { scale, x: nudge(from.x, box[0], box[2], scale, 0), y: nudge(from.y, box[1], box[3], scale, 1) };
    } else aim(box, scale);
    camera = { ...camera, x: settle(camera.x, layout.width, 0), y: settle(camera.y, layout.height, 1) };
  }
  point(still);
}

// The offset nearest to the present one that leaves no empty space while part of the graph is out of view.
function settle(offset, extent, axis) {
  const slack = stageSize()[axis] - extent * camera.scale;
  return slack > 2 * MARGIN ? slack / 2 : Math.min(Math.max(offset, slack - MARGIN), MARGIN);
}

// The offset nearest to the present one that brings low..high into view.
function nudge(offset, low, high, scale, axis) {
  const size = stageSize()[axis];
  return Math.min(Math.max(offset, MARGIN - low * scale), size - MARGIN - high * scale);
}

function point(still) {
  const world = $("world");
  world.classList.toggle("still", Boolean(still));
  world.style.transform = `translate(${camera.x}px, ${camera.y}px) scale(${camera.scale})`;
  const fits = camera.scale <= scaleToFit(layout.width, layout.height) * 1.001;
  $("stage").classList.toggle("loose", !fits); // a finger then moves the graph, otherwise the page
}

function zoom(factor, x = stageSize()[0] / 2, y = stageSize()[1] / 2, still) {
  const scale = Math.min(Math.max(camera.scale * factor, 0.1), 3);
  const by = scale / camera.scale;
  camera = { scale, x: x - by * (x - camera.x), y: y - by * (y - camera.y) };
  chosen = true;
  point(still);
}

function arrange() {
  const fits = (name) => scaleToFit(story.layouts[name].width, story.layouts[name].height);
  const best = story.layouts[fits("TB") > fits("LR") ? "TB" : "LR"];
  if (best !== layout) {
    layout = best;
    chosen = false;
    draw();
    paint(now);
  }
  look(now, true);
}

function listenToStage() {
  const stage = $("stage");
  const fingers = new Map();
  stage.addEventListener("pointerdown", (event) => {
    if (event.target.closest("button")) return;
    fingers.set(event.pointerId, event);
    stage.setPointerCapture(event.pointerId);
    stage.classList.add("dragging");
  });
  stage.addEventListener("pointermove", (event) => {
    const before = fingers.get(event.pointerId);
    if (!before) return;
    fingers.set(event.pointerId, event);
    const others = [...fingers.values()].filter((finger) => finger.pointerId !== event.pointerId);
    if (others.length) {
      const spread = (finger) => Math.hypot(finger.clientX - others[0].clientX, finger.clientY - others[0].clientY);
      const { left, top } = stage.getBoundingClientRect();
      zoom(
        spread(event) / Math.max(spread(before), 1),
        (event.clientX + others[0].clientX) / 2 - left,
        (event.clientY + others[0].clientY) / 2 - top,
        true,
      );
    } else {
      camera = {
        ...camera,
        x: camera.x + event.clientX - before.clientX,
        y: camera.y + event.clientY - before.clientY,
      };
      point(true);
    }
  });
  for (const end of ["pointerup", "pointercancel"]) {
    stage.addEventListener(end, (event) => {
      fingers.delete(event.pointerId);
      stage.classList.toggle("dragging", fingers.size > 0);
    });
  }
  stage.addEventListener(
    "wheel",
    (event) => {
      if (!event.ctrlKey) return; // plain wheels scroll the page
      event.preventDefault();
      zoom(Math.exp(-event.deltaY / 200), event.offsetX, event.offsetY, true);
    },
    { passive: false },
  );
}
