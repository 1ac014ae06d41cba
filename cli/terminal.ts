/** The user's end of the run: keys to the guest, signals, and the way out. */

const LEAVE = 0x1d; // Ctrl-]

export interface TerminalEvents {
  /** Keys for the guest. */
  keys(bytes: Uint8Array): void;
  /** The user or a signal wants the run to end. */
  leave(reason: string): void;
  /** SIGQUIT: somebody wants to know where the run stands. */
  status(): void;
}

export interface Terminal {
  /** True if keys can come: both ends are a terminal. */
  readonly interactive: boolean;
  /** Puts everything back. */
  close(): void;
}

/**
 * On a terminal: raw mode, every key (Ctrl-C too) goes to the guest, Ctrl-] leaves. Otherwise, or without `keyboard`,
 * standard input is left alone and SIGINT ends the run. SIGTERM and SIGHUP always end it, SIGQUIT asks for the status.
 */
export function openTerminal(events: TerminalEvents, keyboard: boolean): Terminal {
  const { stdin, stdout } = process;
  const raw = keyboard && stdin.isTTY === true && stdout.isTTY === true;
  const signals: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  const onSignal = (signal: NodeJS.Signals): void => events.leave(signal);
  for (const signal of signals) process.on(signal, onSignal);
  process.on('SIGQUIT', events.status);
  const onData = (data: Buffer): void => {
    const at = data.indexOf(LEAVE);
    const keys = at < 0 ? data : data.subarray(0, at);
    if (keys.length > 0) events.keys(keys);
    if (at >= 0) events.leave('Ctrl-]');
  };
  const onEnd = (): void => events.leave('the terminal is gone');
  if (raw) {
    stdin.setRawMode(true);
    stdin.on('data', onData);
    stdin.on('end', onEnd);
    stdin.on('error', onEnd);
    stdin.resume();
  }
  return {
    interactive: raw,
    close: () => {
      for (const signal of signals) process.off(signal, onSignal);
      process.off('SIGQUIT', events.status);
      if (!raw) return;
      stdin.off('data', onData);
      stdin.off('end', onEnd);
      stdin.off('error', onEnd);
      stdin.setRawMode(false);
      stdin.pause();
    },
  };
}
