/** What the lives of guests leave behind: nothing. `npm run leaks` shows fifty of each kind, and the host's memory. */
import { afterAll, expect } from 'vitest';
import { bareGuest } from '../../../index.js';
import { leaks, lives, openHandles, type End } from '../../../bench/leaks/lives.js';
import { rule } from '../../support/ioreq-test.js';
import { Scratch } from '../../support/xen-run.js';

const LIVES = 5;
const scratch = new Scratch();
afterAll(() => scratch.remove());

/** Lives on a disk that is a file, so that host files count. */
function check(end: End, words: string, grantUsage = false): void {
  const guest = bareGuest(`console=ttyAMA0 ${words}`);
  const target = scratch.file(`${end}-${grantUsage}.raw`, new Uint8Array(1 << 20));
  const disks = guest.disks.map((disk) => ({ ...disk, target, grantUsage }));
  const before = openHandles();
  const { rows, failure } = lives({ guest: { ...guest, disks }, count: LIVES, end, busyAfter: 1 });
  expect(failure).toBeUndefined();
  expect(leaks(rows)).toEqual([]);
  // Dom0, the driver domain, and nobody else; each life had a domain of its own.
  expect([rows.length, new Set(rows.map(({ domid }) => domid)).size, rows.at(-1)!.domains]).toEqual([LIVES, LIVES, 2]);
  const { servers, grants, foreign, requests } = rows.at(-1)!;
  expect({ servers, grants, foreign, requests }).toEqual({ servers: 0, grants: 0, foreign: 0, requests: 0 });
  expect(openHandles()).toBe(before);
}

rule('leak-reboot', 'reboots leave no domain, server, port, page, grant, mapping, node, timer, request or file', () => {
  check('reboot', `reads=4 writes=2 reboots=${LIVES + 2}`);
});

rule('leak-destroy', 'nor do guests that are destroyed at any moment of their work', () => {
  check('destroy', 'reads=100 depth=4 size=8192');
});

rule('leak-kill', 'nor those whose backend was killed before', () => {
  check('kill', 'reads=100 depth=4 size=8192');
});

rule('leak-grants', 'nor those that grant their memory, with a backend that is killed or not', () => {
  check('destroy', 'reads=100 depth=4 size=8192', true);
  check('kill', 'reads=100 depth=4 size=8192', true);
});
