import { expect, test } from 'vitest';
import {
  bareGuest,
  configure,
  createXenSimulation,
  decodeIoreq,
  MemoryDisk,
  rcarH3,
  type XenSimulation,
} from 'rcar-sim';

function bare(words: string, vcpus = 1): XenSimulation {
  return createXenSimulation({
    configuration: configure(rcarH3(), []),
    guests: [bareGuest(words, vcpus)],
    disks: new Map([['bare:xvda', new MemoryDisk(new Uint8Array(1 << 20))]]),
  });
}

test('stopping, looking and going on does not change a run', () => {
  const through = bare('reads=2 writes=1');
  expect(through.requests.run()?.name).toBe('poweroff');
  const watched = bare('reads=2 writes=1');
  let seen = 0;
  for (;;) {
    const request = watched.requests.runToRequest();
    if (request === undefined) break;
    seen++;
    expect(watched.requests.readSlot(request.slotAddress)).toEqual(request.slot);
    if (seen % 3 === 0) expect(watched.requests.runToCompletion(request)?.id).toBe(request.id);
  }
  expect(watched.requests.run()?.name).toBe('poweroff');
  expect(seen).toBe(through.machine.ledger.totals().reduce((sum, group) => sum + group.count, 0));
  expect(watched.machine.hash()).toBe(through.machine.hash());
});

test('a request that is never made is undefined, and so are the steps of one that is unknown', () => {
  const { requests } = bare('disk=none');
  expect(requests.runToRequest(({ slot }) => slot.size === 8)).toBeUndefined();
  expect(requests.run()?.name).toBe('poweroff');
  expect(requests.runToCompletion({ id: 12_345 })).toBeUndefined();
});

test('requests of several vCPUs are told apart', () => {
  const { requests } = bare('reads=4 writes=0 peeks=4', 2);
  const other = requests.runToRequest(({ vcpu }) => vcpu === 1);
  expect(other).toMatchObject({ domain: 'bare', vcpu: 1, server: 0 });
  expect(Number(other?.slotAddress ?? 0) % 4096).toBe(32);
  const steps = requests.runToCompletion(other!)?.steps ?? [];
  expect(steps[0]?.cpu).not.toBe(0);
});

test('a slot is decoded as hvm/ioreq.h lays it out', () => {
  // addr, data, count 1, size 4, vp_eport 7, state 3 and dir 1 (bit 5), type 1: written by hand, little endian.
  const bytes = Uint8Array.from([
    0x60, 0, 0, 2, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0x80, 1, 0, 0, 0, 4, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0x23, 1,
  ]); // prettier-ignore
  expect(decodeIoreq(bytes)).toEqual({
    addr: 0x200_0060n,
    data: 0x8000_0000_0000_0001n,
    count: 1,
    size: 4,
    vpEport: 7,
    state: 'response',
    dataIsPtr: false,
    direction: 'read',
    df: false,
    type: 1,
  });
});
