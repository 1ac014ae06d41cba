/** A clock, an interrupt line, a sink and a guest-error list around one UART, for the specs of this folder. */
import type { GuestErrors, IrqLine, MmioDevice } from '../machine/device.js';
import { EventQueue } from '../machine/event-queue.js';
import type { Clock } from '../machine/events.js';

export interface UartBench<D extends MmioDevice> {
  readonly device: D;
  readonly queue: EventQueue;
  readonly errors: string[];
  readonly sent: string;
  readonly irq: boolean;
  r(offset: number, width?: 1 | 2 | 4): number;
  w(offset: number, value: number, width?: 1 | 2 | 4): void;
}

/** What a UART model is given. */
export interface UartDeps {
  readonly clock: Clock;
  readonly irq: IrqLine;
  readonly errors: GuestErrors;
  sink(byte: number): void;
}

export function uartBench<D extends MmioDevice>(
  make: (deps: UartDeps) => D,
  defaultWidth: (offset: number) => 1 | 2 | 4 = () => 4,
): UartBench<D> {
  const queue = new EventQueue({ tickHz: 5_990_400_000, ticksPerCount: 720 });
  const errors: string[] = [];
  let sent = '';
  let irq = false;
  const device = make({
    clock: queue,
    irq: { name: 'irq', set: (level) => (irq = level) },
    errors: { report: (kind) => void errors.push(kind) },
    sink: (byte) => (sent += String.fromCharCode(byte)),
  });
  return {
    device,
    queue,
    errors,
    get sent() {
      return sent;
    },
    get irq() {
      return irq;
    },
    r: (offset, width = defaultWidth(offset)) => device.read(offset, width, 0),
    w: (offset, value, width = defaultWidth(offset)) => device.write(offset, width, value, 0, 0),
  };
}
