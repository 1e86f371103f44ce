// Charts of the admin page, drawn as SVG: bars of calls per hour by result, lines of quality per hour.
"use strict";

const RESULTS = ["NormalEnd", "Cancel", "Reject", "NotAnswer", "CallBusy", "Interrupt", "Offline"];
const BOX = { left: 44, right: 950, top: 10, bottom: 192 };

function shape(name, attributes, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

// The next of 1, 2, 5, 10, 20, 50 ... that is at least this.
function roundUp(value) {
  const power = 10 ** Math.floor(Math.log10(value || 1));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= value) || 1;
}

function frame(svg, hours, top, unit) {
  svg.replaceChildren();
  for (const part of [0, 0.5, 1]) {
    const y = BOX.bottom - part * (BOX.bottom - BOX.top);
    svg.append(shape("line", { x1: BOX.left, x2: BOX.right, y1: y, y2: y, class: "grid" }));
    svg.append(shape("text", { x: BOX.left - 6, y: y + 4, "text-anchor": "end" }, `${+(part * top).toPrecision(3)}${unit}`));
  }
  const width = (BOX.right - BOX.left) / hours.length;
  hours.forEach((hour, index) => {
    if (index % 3) return;
    const at = new Date(hour.start * 1000).toISOString().slice(11, 16);
    svg.append(shape("text", { x: BOX.left + (index + 0.5) * width, y: BOX.bottom + 18, "text-anchor": "middle" }, at));
  });
  return { width, scale: (BOX.bottom - BOX.top) / top };
}

function drawHours(svg, legend, hours) {
  const total = (hour) => RESULTS.reduce((sum, result) => sum + (hour.results[result] || 0), 0);
  const { width, scale } = frame(svg, hours, roundUp(Math.max(1, ...hours.map(total))), "");
  hours.forEach((hour, index) => {
    let y = BOX.bottom;
    for (const result of RESULTS) {
      const count = hour.results[result] || 0;
      if (!count) continue;
      y -= count * scale;
      const bar = shape("rect", { x: BOX.left + index * width + 2, y, width: width - 4, height: count * scale, class: `bar ${result}` });
      bar.append(shape("title", {}, `${count} × ${result}`));
      svg.append(bar);
    }
  });
  legend.replaceChildren(...RESULTS.map((result) => {
    const item = document.createElement("li"), colour = document.createElement("span");
    colour.className = result;
    item.append(colour, result);
    return item;
  }));
}

function drawQuality(svg, hours) {
  const slowest = Math.max(1, ...hours.map((hour) => hour.connect_slow || 0));
  const { width, scale } = frame(svg, hours, roundUp(slowest), " s");
  const middle = (index) => BOX.left + (index + 0.5) * width;
  hours.forEach((hour, index) => {
    if (!hour.cut) return;
    const height = hour.cut * (BOX.bottom - BOX.top);
    const bar = shape("rect", { x: middle(index) - width / 2 + 2, y: BOX.bottom - height, width: width - 4, height, class: "cut" });
    bar.append(shape("title", {}, `${(100 * hour.cut).toFixed(1)} % cut off`));
    svg.append(bar);
  });
  for (const [key, name] of [["connect_slow", "slow"], ["connect_median", "median"]]) {
    const points = hours.map((hour, index) => [hour[key], middle(index)]).filter(([value]) => value !== null);
    const path = points.map(([value, x]) => `${x},${BOX.bottom - value * scale}`).join(" ");
    svg.append(shape("polyline", { points: path, class: name }));
    for (const [value, x] of points) {
      const dot = shape("circle", { cx: x, cy: BOX.bottom - value * scale, r: 3, class: `dot ${name}` });
      dot.append(shape("title", {}, `${name}: ${value.toFixed(2)} s`));
      svg.append(dot);
    }
  }
}
