// Draws contacts per quarter from the table beside the chart: the table is the only source of its values.
import uPlot from "./vendor/uPlot.esm.js";

const ZONE = "Europe/Stockholm";
const clock = new Intl.DateTimeFormat("sv-SE", {
  timeZone: ZONE, hour: "2-digit", minute: "2-digit", hourCycle: "h23",
});
const decimal = new Intl.NumberFormat("sv-SE", { maximumFractionDigits: 1 });
const QUARTER = 900;

const resized = new ResizeObserver(() => drawChart());
let plot = null;
let drawnFor = "";
let watched = null;

export function drawChart() {
  const holder = document.getElementById("chart");
  const table = document.getElementById("quarters");
  if (!holder || !table) return;
  holder.hidden = false;
  watch(holder);
  const data = read(table);
  const look = appearance(holder);
  const wanted = `${look.key} ${holder.clientWidth} ${holder.clientHeight}`;
  if (plot && drawnFor === wanted && holder.contains(plot.root)) {
    plot.setData(data);
    return;
  }
  if (plot) plot.destroy();
  holder.textContent = "";
  plot = new uPlot(options(holder, look), data, holder);
  drawnFor = wanted;
}

function watch(holder) {
  if (holder === watched) return;
  resized.disconnect();
  resized.observe(holder);
  watched = holder;
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawChart());

function read(table) {
  const rows = [...table.tBodies[0].rows];
  const number = (cell) => (cell.dataset.value === "" ? null : Number(cell.dataset.value));
  const column = (place) => rows.map((row) => number(row.cells[place]));
  const starts = rows.map((row) => Number(row.dataset.start));
  const [all, usual, telephone, email] = [1, 2, 3, 4].map(column);
  const both = telephone.map((calls, at) => (calls === null ? null : calls + email[at]));
  // Bars from the back to the front, each upon the ones below.
  return [starts, all, both, telephone, usual];
}

function appearance(holder) {
  const style = getComputedStyle(holder);
  const colour = (name) => style.getPropertyValue(name).trim();
  const size = parseFloat(style.fontSize);
  const look = {
    telephone: colour("--chart-telephone"), email: colour("--chart-email"), visit: colour("--chart-visit"),
    usual: colour("--chart-usual"),
    text: colour("--text"), grid: colour("--line"), size,
    font: `${size}px ${style.fontFamily}`,
  };
  return { ...look, key: Object.values(look).join("|") };
}

function options(holder, look) {
  const axis = { font: look.font, stroke: look.text, ticks: { stroke: look.grid, width: 1 } };
  return {
    width: holder.clientWidth,
    height: holder.clientHeight,
    legend: { show: false },
    cursor: { show: false },
    padding: [look.size, look.size * 1.5, 0, 0],
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), ZONE),
    scales: {
      x: { time: true, range: (_, low, high) => [low, high + QUARTER] },
      y: { range: (_, __, high) => [0, Math.max(4, Math.ceil((high || 0) * 1.1))] },
    },
    axes: [
      {
        ...axis, size: look.size * 2.2, grid: { show: false }, space: look.size * 3.6,
        incrs: [3600, 7200, 10800, 21600],
        values: (_, splits) => splits.map((at) => clock.format(new Date(at * 1000)).replace(":", ".")),
      },
      {
        ...axis, size: look.size * 2.8, grid: { stroke: look.grid, width: 1 }, space: look.size * 2.5,
        incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500],
        values: (_, splits) => splits.map((value) => decimal.format(value)),
      },
    ],
    series: [
      {},
      bars("Besök", look.visit),
      bars("E-post", look.email),
      bars("Telefon", look.telephone),
      {
        label: "Vanlig dag", stroke: look.usual, width: Math.max(2, look.size / 7),
        dash: [look.size / 2, look.size / 3], points: { show: false },
        paths: uPlot.paths.stepped({ align: 1 }),
      },
    ],
  };
}

function bars(label, fill) {
  return { label, fill, width: 0, points: { show: false }, paths: uPlot.paths.bars({ size: [0.78, 100], align: 1 }) };
}
