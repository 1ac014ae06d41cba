/** The HTML report in Chromium, as a reader has it: on a wide screen, on a phone, in the dark, on paper. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { inflateSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Folder } from '../cli/cli.js';
import { bars, checkAlone, checkFigures, readPage } from '../support/page.js';

const folder = new Folder();
const CFG = new URL('../../guests/bare/guest.cfg', import.meta.url).pathname;
const PAPER = { light: [0xff, 0xff, 0xff], dark: [0x12, 0x18, 0x1f] };

beforeAll(async () => {
  const { code } = await folder.run('run', CFG, '--snapshot-disk', '--html', '@run.html', '--report', '@report.json');
  expect(code).toBe(0);
});
afterAll(() => folder.remove());

/** Runs Chromium without a window; what it says on its console is in `log`. */
function chromium(page: string, ...options: string[]): { out: string; log: string } {
  const { status, stdout, stderr, error } = spawnSync(
    process.env['CHROMIUM'] ?? 'chromium',
    [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--hide-scrollbars',
      `--user-data-dir=${folder.file('profile')}`,
      '--enable-logging=stderr',
      ...options,
      `file://${folder.file(page)}`,
    ],
    { encoding: 'utf8', maxBuffer: 1 << 26, timeout: 120_000 },
  );
  if (error !== undefined) throw error;
  expect(status).toBe(0);
  return { out: stdout, log: stderr };
}

/** Width, height, and the colour of the first pixel, which no filter of PNG changes. */
function png(name: string): { width: number; height: number; first: number[]; bytes: number } {
  const bytes = readFileSync(folder.file(name));
  const data: Buffer[] = [];
  for (let at = 8; at < bytes.length; at += 12 + bytes.readUInt32BE(at)) {
    const length = bytes.readUInt32BE(at);
    if (bytes.toString('latin1', at + 4, at + 8) === 'IDAT') data.push(bytes.subarray(at + 8, at + 8 + length));
  }
  const pixels = inflateSync(Buffer.concat(data));
  return {
    width: bytes.readUInt32BE(16),
    height: bytes.readUInt32BE(20),
    first: [...pixels.subarray(1, 4)],
    bytes: bytes.length,
  };
}

test('Chromium’s document: figures equal the JSON, bars the steps, nothing was refused or fetched', () => {
  const { out, log } = chromium('run.html', '--dump-dom');
  expect(log).not.toMatch(/CONSOLE|Refused|Failed to load/);
  const page = readPage(out);
  const report = folder.report();
  expect(page.data).toEqual(JSON.parse(readFileSync(folder.file('report.json'), 'utf8')));
  expect(checkFigures(page)).toBeGreaterThan(50);
  checkAlone(out, page);
  const { kinds, tickHz } = report.ioreq.roundTrip;
  const list = bars(page.document, 'steps');
  // One scale for all: pixels for each microsecond.
  const scale = list[0]!.width / Number(/([\d.]+) us$/.exec(list[0]!.title)![1]);
  let plotted = 0;
  for (const { kind, register, count, totalTicks } of kinds) {
    const mine = list.filter(({ title }) => title.startsWith(`${kind} ${register} (`));
    if (mine.length === 0) continue;
    plotted++;
    const us = ((totalTicks / count) * 1e6) / tickHz;
    expect(Math.abs(mine.reduce((sum, { width }) => sum + width, 0) / scale - us)).toBeLessThan(us * 0.01);
  }
  // The fourteen kinds that took most of the time.
  expect(plotted).toBe(Math.min(14, kinds.length));
  const rest = report.accuracy.shares.guessed ?? 0;
  const guessed = bars(page.document, 'basis').find(({ title }) => title.startsWith('guessed'));
  expect(guessed?.title).toBe(`guessed ${(rest * 100).toFixed(1)} %`);
});

test.each([
  ['light', '900,1200', []],
  ['light', '390,1600', []],
  ['dark', '390,1600', ['--blink-settings=preferredColorScheme=0']],
] as const)('a screenshot in %s, %s', (scheme, size, options) => {
  chromium('run.html', `--window-size=${size}`, ...options, `--screenshot=${folder.file('shot.png')}`);
  const shot = png('shot.png');
  expect(`${shot.width},${shot.height}`).toBe(size);
  expect(shot.first).toEqual(PAPER[scheme]);
  expect(shot.bytes).toBeGreaterThan(30_000);
});

test('on paper: several pages, in light', () => {
  chromium('run.html', '--no-pdf-header-footer', `--print-to-pdf=${folder.file('run.pdf')}`);
  const pdf = readFileSync(folder.file('run.pdf'));
  expect(pdf.toString('latin1', 0, 5)).toBe('%PDF-');
  expect(Number(/\/Count (\d+)/.exec(pdf.toString('latin1'))?.[1])).toBeGreaterThan(1);
});
