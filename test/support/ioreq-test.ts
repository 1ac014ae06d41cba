/** Tests of docs/ioreq.md: their titles begin with the id that the document names, and the baseline if they depend on it. */
import { test } from 'vitest';

export type TestedBaseline = 'v1' | '4.17' | 'current';
export const TESTED_BASELINES: readonly TestedBaseline[] = ['v1', '4.17', 'current'];

/** One test for each baseline. */
export function onEach(id: string, title: string, body: (baseline: TestedBaseline) => void | Promise<void>): void {
  for (const baseline of TESTED_BASELINES) test(`[${id}@${baseline}] ${title}`, () => body(baseline));
}

/** One test, for the given baselines or for what they have in common. */
export function rule(id: string, title: string, body: () => void | Promise<void>): void {
  test(`[${id}] ${title}`, body);
}

export const setting = (baseline: TestedBaseline): string => `xen.baseline=${baseline}`;
