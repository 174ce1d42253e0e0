// Charts from JSON: <div data-chart="id"> draws what <script type="application/json" id="id"> says (docs/ui.md).
// Colours come from the theme's custom properties. SVG, no HTML tooltips: both hold under a strict style-src.

import { BarChart, LineChart } from "echarts/charts";
import { AriaComponent, GridComponent, LegendComponent, MarkLineComponent, TooltipComponent } from "echarts/components";
import * as echarts from "echarts/core";
import { SVGRenderer } from "echarts/renderers";

echarts.use([
  BarChart, LineChart, AriaComponent, GridComponent, LegendComponent, MarkLineComponent, TooltipComponent, SVGRenderer,
]);

const charts = new Map();
const WRITE = {
  percent: (value) => (value == null ? "–" : `${Math.round(value * 100)}%`),
  hours: (value) => (value == null ? "–" : `${Number(value.toFixed(1))} h`),
  count: (value) => (value == null ? "–" : value.toLocaleString("en-GB")),
  money: (value) => (value == null ? "–" : value.toLocaleString("en-GB", { notation: "compact" })),
};

function options(spec) {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  const write = WRITE[spec.unit] ?? WRITE.count;
  const ink = colour("--gt-ink-2");
  const line = colour("--gt-line");
  return {
    animation: false,
    aria: { enabled: true },
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, color: ink },
    grid: { left: 8, right: 16, top: spec.series.length > 1 ? 36 : 16, bottom: 8, outerBoundsMode: "same" },
    legend: { show: spec.series.length > 1, left: 0, top: 0, itemWidth: 10, itemHeight: 10, textStyle: { color: ink } },
    tooltip: {
      trigger: "axis", renderMode: "richText", confine: true, backgroundColor: colour("--gt-card"),
      borderColor: line, textStyle: { color: colour("--gt-ink"), fontSize: 13 }, valueFormatter: write,
    },
    xAxis: {
      type: "category", data: spec.categories, axisTick: { show: false }, axisLine: { lineStyle: { color: line } },
      axisLabel: { color: ink, hideOverlap: true },
    },
    yAxis: {
      type: "value", min: 0, max: spec.unit === "percent" ? spec.max ?? null : null, splitNumber: 4,
      splitLine: { lineStyle: { color: line } }, axisLabel: { color: ink, formatter: write },
    },
    series: spec.series.map((one, index) => {
      const tone = colour(`--tone-${one.tone ?? "sky"}`);
      return {
        name: one.name, type: spec.kind ?? "bar", data: one.values, color: tone, barMaxWidth: 36,
        cursor: one.hrefs ? "pointer" : "default", symbolSize: 7, lineStyle: { width: 2.5 },
        itemStyle: { borderRadius: spec.kind === "line" ? 0 : [4, 4, 0, 0] },
        markLine:
          index === 0 && spec.target != null
            ? {
                silent: true, symbol: "none", data: [{ yAxis: spec.target }],
                lineStyle: { color: colour("--gt-muted"), type: "dashed" },
                label: { formatter: `target ${write(spec.target)}`, color: ink, position: "insideEndTop" },
              }
            : undefined,
      };
    }),
  };
}

function draw(element) {
  const source = document.getElementById(element.dataset.chart);
  if (!source) return;
  const spec = JSON.parse(source.textContent);
  let chart = charts.get(element);
  if (!chart) {
    chart = echarts.init(element, null, { renderer: "svg" });
    charts.set(element, chart);
    chart.on("click", (event) => {
      const href = spec.series[event.seriesIndex]?.hrefs?.[event.dataIndex];
      if (href) location.assign(href);
    });
    new ResizeObserver(() => chart.resize()).observe(element);
  }
  chart.setOption(options(spec), true);
}

function drawIn(root) {
  for (const [element, chart] of charts) {
    if (element.isConnected) continue;
    chart.dispose();
    charts.delete(element);
  }
  for (const element of root.querySelectorAll("[data-chart]")) draw(element);
}

export function startCharts() {
  drawIn(document);
  document.addEventListener("htmx:afterSettle", (event) => drawIn(event.target));
  document.addEventListener("gtmops:theme", () => drawIn(document));
}
