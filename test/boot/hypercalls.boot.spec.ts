/**
 * What an unmodified Debian kernel with two vCPUs asks of Xen and of the firmware from start to power-off, against the record
 * of the real stack (test/oracle/golden/g3.guest-hypercalls.txt). Known differences, none of which is compared: the kernel is
 * a later build of Debian's 6.12, so its pages and addresses differ; the number of event_channel_op send follows the console's
 * text, hence kernel version and command line; which vCPU runs an initcall is a matter of time.
 */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EVTCHNOP, HYPERVISOR } from '../../xen/public/xen.js';
import { goldenConfig } from '../oracle/support/golden.js';
import { callText, goldenGuestCalls } from '../oracle/support/guest-calls.js';
import { debianGuest } from '../support/debian.js';
import { Observer, type SeenFirmware, type SeenHypercall } from '../support/observer.js';
import { runToEnd, Scratch, simulate } from '../support/xen-run.js';

const CPU_ON = 0xc400_0003;
const scratch = new Scratch();
afterAll(() => scratch.remove());

let calls: SeenHypercall[];
let smccc: SeenFirmware[];
const refused: string[] = [];
const real = goldenGuestCalls();

beforeAll(async () => {
  const debian = await debianGuest('trixie', 'arm64', fileURLToPath(new URL('life', import.meta.url)));
  const golden = goldenConfig('g1');
  const sim = simulate(
    {
      ...golden,
      vcpus: 2,
      kernel: debian.kernel,
      ramdisk: scratch.file('initrd', debian.initramfs),
      cmdline: 'console=hvc0 nokaslr cryptomgr.notests short',
      disks: golden.disks.map((disk) => ({ ...disk, target: scratch.file('disk.raw', new Uint8Array(8 << 20)) })),
    },
    [],
    { onGuestError: (kind, _device, detail) => void refused.push(`${kind} ${detail}`) },
  );
  const observer = new Observer(sim);
  runToEnd(sim, 30);
  expect(sim.machine.outcome?.name).toBe('poweroff');
  calls = observer.of('hypercall').filter((call) => call.domid !== 0);
  smccc = observer.of('smccc');
  sim.close();
});

test('hypercalls: the same, in the same order, with the same arguments', () => {
  const ours = calls
    .filter(({ number, cmd }) => number !== HYPERVISOR.event_channel_op || cmd !== EVTCHNOP.send)
    .map(({ number, cmd, vcpu, words }) =>
      callText({ number, cmd, vcpu, words: [0, 8, 16].map((at) => words.getBigUint64(at, true)) }),
    );
  expect(ours).toEqual(real.hypercalls.map(callText));
});

test('each succeeds; power-off does not return', () => {
  const failed = calls.filter(({ number, result }) => result !== 0n && number !== HYPERVISOR.sched_op);
  expect(failed.map(({ number, cmd, result }) => `${number} ${cmd} ${result}`)).toEqual([]);
});

test('SMCCC calls: the same in the same order until the second vCPU runs, then the same', () => {
  const text = (list: readonly { function: number; arg: number }[]): string[] =>
    list.map((call) => `0x${call.function.toString(16)} 0x${call.arg.toString(16)}`);
  const [ours, theirs] = [text(smccc), text(real.smccc)];
  const start = theirs.findIndex((call) => call.startsWith(`0x${CPU_ON.toString(16)} `));
  expect(ours.slice(0, start + 1)).toEqual(theirs.slice(0, start + 1));
  expect(ours.slice(start + 1).sort()).toEqual(theirs.slice(start + 1).sort());
});

test("what Xen does not know is what the real one logged: TRNG_VERSION and the vendor's UID", () => {
  expect(refused).toEqual(['unhandled-smccc 0x84000050', 'unhandled-smccc 0x8600ff01']);
});
