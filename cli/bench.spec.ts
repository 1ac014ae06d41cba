import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { main } from './main.js';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'rcar-sim-bench-'));
  writeFileSync(join(folder, 'schema.json'), '{"budget":7}');
  writeFileSync(join(folder, 'other.json'), '{"budget":1,"bench":"irq","tolerance":0,"cases":{}}');
});
afterAll(() => rmSync(folder, { recursive: true }));

async function cli(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  let out = '';
  let err = '';
  const stdout = vi.spyOn(process.stdout, 'write').mockImplementation((text) => ((out += String(text)), true));
  const stderr = vi.spyOn(process.stderr, 'write').mockImplementation((text) => ((err += String(text)), true));
  try {
    const code = await main(args.map((arg) => arg.replace('@', `${folder}/`)));
    return { code, out: out.replaceAll(folder, '@'), err: err.replaceAll(folder, '@') };
  } finally {
    stdout.mockRestore();
    stderr.mockRestore();
  }
}

test.each<[string[], RegExp]>([
  [['nonsense'], /no benchmark 'nonsense'/],
  [['ioreq', '--set', 'xen.nonsense=1'], /xen\.nonsense: unknown key/],
  [['ioreq', '--set', 'xen.contextSwitch=1'], /outside/],
  [['ioreq', '--vary', 'xen.contextSwitch=1,2'], /--vary xen\.contextSwitch=1: .*outside/],
  [['ioreq', '--vary', 'xen.contextSwitch'], /expected KEY/],
  [['ioreq', '--target', 'asleep'], /--target asleep: 'asleep' is not one of/],
  [['ioreq', '--vcpus', '9'], /--vcpus 9/],
  [['ioreq', '--vcpus', '1,1'], /given twice/],
  [['ioreq', '--rounds', '1,2'], /one value only/],
  [['ioreq', '--jobs', '0'], /--jobs 0/],
  [['ioreq', '--json', '/nowhere/r.json'], /cannot write/],
  [['ioreq', '--write-budget', '/nowhere/r.json'], /cannot write/],
  [['ioreq', '--budget', '@none.json'], /no such file/],
  [['ioreq', '--budget', '@schema.json'], /schema 7/],
  [['ioreq', '--budget', '@other.json'], /bench irq/],
  [['ioreq', '--budget', '@other.json', '--vary', 'xen.hardening=on,off'], /one configuration/],
])('bench %j ends with 2 before anything runs', async (args, message) => {
  const { code, out, err } = await cli('bench', ...args);
  expect([code, out, err.trimEnd().split('\n').length]).toEqual([2, '', 1]);
  expect(err).toMatch(message);
});
