/** How a run ended; the names are part of the report's contract. */
export type OutcomeName =
  'poweroff' | 'reboot' | 'expect' | 'panic' | 'crash' | 'timeout' | 'unmodelled' | 'interrupted';

export interface Outcome {
  readonly name: OutcomeName;
  /** One line for the user. */
  readonly detail: string;
}
