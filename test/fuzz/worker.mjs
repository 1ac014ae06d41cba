// Runs the cases that it is given, one message each; see run.mjs.
import { parentPort } from 'node:worker_threads';
import { loadTs } from '../../tools/load-ts.mjs';

const { runCase, sizeOf } = await loadTs('test/fuzz/cases.ts', { built: true });
// A worker's port has no target origin.
/* oxlint-disable unicorn/require-post-message-target-origin */
parentPort.on('message', ({ seed, index, count }) =>
  parentPort.postMessage(runCase(seed, index, sizeOf(index, count))),
);
parentPort.postMessage('ready');
