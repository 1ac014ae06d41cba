import type { Report } from '../data.js';
import { Plots } from './plots.js';
import { PALETTE, PHASE_ORDER } from './style.js';
import { escape } from './text.js';

const WIDTH = 760;
const LEGEND = 30;

/** The time line of one request as an SVG file of its own, for documents: in light and in dark, with a legend. */
export async function requestPicture(report: Report): Promise<string> {
  if (report.sample === null) throw new Error('the report has no request');
  const plots = await Plots.load();
  const figure = plots.request(report);
  const plot = /<svg[^>]*class="wide"[\s\S]*?<\/svg>/.exec(figure)?.[0] ?? '';
  const height = Number(/height="(\d+)"/.exec(plot)?.[1] ?? 0);
  const step = WIDTH / PHASE_ORDER.length;
  const legend = PHASE_ORDER.map(
    (phase, i) =>
      `<rect x="${(i * step).toFixed(0)}" y="6" width="12" height="12" fill="var(--${phase})"/>` +
      `<text x="${(i * step + 18).toFixed(0)}" y="16">${escape(phase)}</text>`,
  );
  const inner = plot.replace(/^<svg/, `<svg y="${LEGEND}"`);
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height + LEGEND}" viewBox="0 0 ${WIDTH} ${height + LEGEND}" ` +
    `fill="currentColor" font-family="system-ui, sans-serif" font-size="12">\n` +
    `<style>${PALETTE} svg { color: var(--ink); }</style>\n${legend.join('\n')}\n${inner}\n</svg>\n`
  );
}
