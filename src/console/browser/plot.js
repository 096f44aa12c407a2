// The one plot: orders of each minute of the last hour, as bars. Loaded when a page shows it.

import UPlot from 'uplot';

/** @typedef {{ show(minutes: any[], at: string): void, end(): void }} MinutePlot */

const minutes = 60;

/** A colour of the page as it is now. @param {string} name */
function colour(name) {
  const probe = document.createElement('span');
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const shown = getComputedStyle(probe).color;
  probe.remove();
  return shown;
}

/** Hours and minutes of an instant in s. @param {number} s */
function clockOf(s) {
  const at = new Date(s * 1_000);
  return `${at.getHours()}:${String(at.getMinutes()).padStart(2, '0')}`;
}

/** @param {HTMLElement} box @returns {MinutePlot} */
export function drawMinutes(box) {
  const axis = {
    stroke: () => colour('--soft'),
    grid: { stroke: () => colour('--line'), width: 1 },
    ticks: { show: false },
    font: '11px system-ui, sans-serif',
  };
  const paths = UPlot.paths.bars?.({ size: [0.7, 24] });
  const plot = new UPlot(
    {
      width: box.clientWidth,
      height: 178,
      legend: { show: false },
      cursor: { show: false },
      scales: { y: { range: (_plot, _min, max) => [0, Math.max(4, max * 1.1)] } },
      axes: [
        { ...axis, values: (_plot, splits) => splits.map(clockOf) },
        {
          ...axis,
          size: 44,
          incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000],
        },
      ],
      series: [
        {},
        {
          stroke: () => colour('--accent-fill'),
          fill: () => colour('--accent-fill'),
          points: { show: false },
          ...(paths === undefined ? {} : { paths }),
        },
      ],
    },
    [[], []],
    box,
  );
  const fit = new ResizeObserver(() => plot.setSize({ width: box.clientWidth, height: 178 }));
  fit.observe(box);
  const scheme = matchMedia('(prefers-color-scheme: dark)');
  const redraw = () => plot.redraw();
  scheme.addEventListener('change', redraw);
  return {
    show(sold, at) {
      const byMinute = new Map(sold.map((minute) => [Date.parse(minute.at), minute.orders]));
      const last = Math.floor(Date.parse(at) / 60_000) * 60_000;
      const instants = Array.from({ length: minutes }, (_, i) => last - (minutes - 1 - i) * 60_000);
      plot.setData([
        instants.map((instant) => instant / 1_000),
        instants.map((instant) => byMinute.get(instant) ?? null),
      ]);
    },
    end() {
      scheme.removeEventListener('change', redraw);
      fit.disconnect();
      plot.destroy();
    },
  };
}
