/** Runs jobs on worker threads. What comes out depends on the jobs alone, not on how many workers there are. */
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { runJob } from './benchmarks.js';
import { BenchError, type BenchJob, type JobResult } from './job.js';

/** What a worker answers. */
export type Answer =
  { readonly result: JobResult } | { readonly error: { readonly name: string; readonly message: string } };

/** Only the built files can be started as workers. */
const WORKER = fileURLToPath(new URL('./worker.js', import.meta.url));

export function defaultWorkers(): number {
  return existsSync(WORKER) ? availableParallelism() : 1;
}

/**
 * Results in the order of the jobs. The first job that fails, in that order, is what is thrown: BenchError, or Error for a
 * bug of ours.
 * @param onDone is told how many jobs have ended.
 */
export async function runJobs(
  jobs: readonly BenchJob[],
  workers: number,
  onDone: (count: number) => void = () => {},
): Promise<JobResult[]> {
  const count = Math.min(workers, jobs.length);
  const answers: Answer[] = [];
  let done = 0;
  const finish = (index: number, answer: Answer): void => {
    answers[index] = answer;
    onDone(++done);
  };
  if (count <= 1 || !existsSync(WORKER)) {
    for (const [index, job] of jobs.entries()) finish(index, { result: await runJob(job) });
  } else {
    let next = 0;
    await Promise.all(
      Array.from({ length: count }, async () => {
        const worker = new Worker(WORKER);
        try {
          while (next < jobs.length) {
            const index = next++;
            finish(index, await ask(worker, jobs[index]!));
          }
        } finally {
          await worker.terminate();
        }
      }),
    );
  }
  return answers.map((answer) => {
    if ('result' in answer) return answer.result;
    const { name, message } = answer.error;
    throw name === 'BenchError' ? new BenchError(message) : new Error(message);
  });
}

function ask(worker: Worker, job: BenchJob): Promise<Answer> {
  return new Promise((resolve, reject) => {
    worker.removeAllListeners();
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', (code) => reject(new Error(`a worker ended with ${code}`)));
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread, no window
    worker.postMessage(job);
  });
}
