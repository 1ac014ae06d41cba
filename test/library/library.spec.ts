import { expect, test } from 'vitest';
import { bareGuest, configure, createXenSimulation, MemoryDisk, rcarH3 } from 'rcar-sim';

const QUEUE_NOTIFY = 0x050; // virtio 1.2, 4.2.2

test('one QueueNotify, from the trap to the return', () => {
  const simulation = createXenSimulation({
    configuration: configure(rcarH3(), []),
    guests: [bareGuest('reads=1 writes=0')],
    disks: new Map([['bare:xvda', new MemoryDisk(new Uint8Array(1 << 20))]]),
  });
  const { requests } = simulation;

  // The guest probes the device and sets up its queue; the first kick asks for the disk's id.
  const kick = requests.runToRequest(({ slot }) => Number(slot.addr) % 0x200 === QUEUE_NOTIFY)!;
  expect(kick.slot).toMatchObject({ direction: 'write', size: 4, count: 1, data: 0n, state: 'ready' });

  // The slot is 32 bytes of simulated memory. The backend, on another core, answers in it; the guest does not know yet.
  expect(requests.runUntil(() => requests.readSlot(kick.slotAddress).state === 'response')).toBe(true);

  // Its steps tile the round trip: every tick is in exactly one of them.
  const { start, end, steps } = requests.runToCompletion(kick)!;
  expect(steps.reduce((sum, step) => sum + step.ticks, 0n)).toBe(end - start);
  expect(steps[0]).toMatchObject({ name: 'trap entry', phase: 'trap' });
  expect(steps.at(-1)).toMatchObject({ name: 'eret', phase: 'resume' });

  expect(requests.run()).toMatchObject({ name: 'poweroff' });
});
