/** Memory exposure of a whole run: figures that follow from what the guest does. */
import { expect, test } from 'vitest';
import { exposureLines, type ReportExposure } from '../../index.js';
import { bareRun } from '../xen/run-bare.js';

/** The bare guest has 16 MiB, and Xen's tools add pages of their own (console, xenstore, ...). */
const RAM_PAGES = 4096;

function run(words: string): ReportExposure {
  const sim = bareRun({ words });
  expect(sim.requests.run()?.name).toBe('poweroff');
  expect(sim.console()).toContain('bare: ok');
  const list = sim.exposure!();
  expect(list).toHaveLength(1);
  return list[0]!;
}

test('foreign mappings: all of the guest within reach, few pages mapped, all of them gone at the end', () => {
  const one = run('reads=4 writes=0 size=4096 depth=1');
  expect(one).toMatchObject({ disk: 'bare:xvda', guest: 'bare', domain: 'DomD', by: 'foreign', granted: 0, mapped: 0 });
  expect(one.reachable).toBeGreaterThanOrEqual(RAM_PAGES);
  expect(one.reachable).toBeLessThan(RAM_PAGES + 16);
  expect(one.peak).toBeLessThanOrEqual(one.everMapped);
  expect(one.touched).toBeLessThanOrEqual(one.everMapped);
  expect(one.everMapped).toBeLessThan(RAM_PAGES / 100);
  expect(one.pageSeconds).toBeGreaterThan(0);
  expect(Math.max(...one.timeline.mapped)).toBe(one.peak);
  expect(exposureLines([one])[0]).toMatch(
    /^exposure: DomD can reach 4,\d{3} pages of the guest \(foreign mappings\); /,
  );
});

test('more in flight and larger requests expose more: a request of 64 KiB has 15 pages more than one of 4', () => {
  const small = run('reads=4 writes=0 size=4096 depth=1');
  const large = run('reads=4 writes=0 size=65536 depth=1');
  expect(large.peak - small.peak).toBe(15);
  const deep = run('reads=16 writes=0 size=4096 depth=4');
  expect(deep.everMapped).toBeGreaterThan(small.everMapped);
});

test('a guest that never uses its disk exposes nothing', () => {
  expect(run('disk=none')).toMatchObject({ by: 'nothing', peak: 0, everMapped: 0, touched: 0, pageSeconds: 0 });
  expect(exposureLines([run('disk=none')])).toEqual([]);
});
