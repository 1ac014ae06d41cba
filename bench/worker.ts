/** A worker thread of pool.ts: one job at a time. */
import { parentPort } from 'node:worker_threads';
import { runJob } from './benchmarks.js';
import type { BenchJob } from './job.js';
import type { Answer } from './pool.js';

parentPort!.on('message', (job: BenchJob) => {
  void runJob(job).then(
    (result) => answer({ result }),
    (error: Error) =>
      answer({
        error: { name: error.name, message: error.name === 'BenchError' ? error.message : String(error.stack) },
      }),
  );
});

function answer(message: Answer): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread's port, no window
  parentPort!.postMessage(message);
}
