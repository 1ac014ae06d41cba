import { afterEach, describe, expect, test } from 'vitest';
import { Scratch, simulate, withFiles } from '../support/xen-run.js';
import { goldenConfig, goldenFiles, goldenText } from './support/golden.js';
import { guestEntries, parseListing, printed, sharedEntries } from './support/xenstore.js';

let scratch: Scratch | undefined;
afterEach(() => scratch?.remove());

/** The store when the guest is about to start, its disk's backend having answered in the driver domain's own time. */
function listingAtStart(name: string): string[] {
  scratch = new Scratch();
  const golden = goldenConfig(name);
  const config = withFiles(golden, goldenFiles(), scratch);
  const sim = simulate(config, []);
  for (let slices = 0; sim.toolstack.phaseOf(name) !== 'running'; slices++) {
    expect(slices, 'the toolstack still waits for the backend').toBeLessThan(1000);
    sim.machine.run(10_000);
  }
  const lines = sim.xenstored.store.list();
  sim.close();
  return lines.map((line) =>
    config.disks.reduce((text, disk, i) => text.replaceAll(disk.target, golden.disks[i]!.target), line),
  );
}

describe.each(['plain1', 'vdisk2', 'vdiskdomd'])('%s', (name) => {
  const real = parseListing(goldenText(`${name}.xenstore.txt`).split('\n'));

  test("a guest's entries, their values, permissions and order are the real toolstack's", () => {
    const ours = parseListing(listingAtStart(name));
    expect(printed(guestEntries(ours, name))).toEqual(printed(guestEntries(real, name)));
    expect(printed(sharedEntries(ours))).toEqual(printed(sharedEntries(real)));
  });
});
