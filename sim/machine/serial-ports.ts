import type { Board } from '../../boards/board.js';
import type { SerialData } from '../../boards/schema.js';
import { Pl011 } from '../serial/pl011.js';
import { Scif } from '../serial/scif.js';
import type { Bus } from './bus.js';
import { Console, ConsoleInput } from './console.js';
import type { GuestErrors, IrqLine, MmioDevice } from './device.js';
import type { Clock } from './events.js';
import { PL011_CLOCK_HZ } from './flat-tree.js';

export interface SerialDeps {
  readonly clock: Clock;
  readonly errors: GuestErrors;
  readonly bus: Bus;
  spiLine(intid: number): IrqLine;
  readonly transmit: 'instant' | 'baud';
  readonly onByte?: (console: string, byte: number) => void;
  readonly onPanic: (line: string) => void;
  readonly onExpect: (console: string, line: string) => void;
}

/** R-Car H3 clock tree: SCIF module clock S3D4, its baud rate generator's S3D1 (hardware manual, CPG chapter). */
const SCIF_FCK_HZ = 66_560_000;
const SCIF_BRG_HZ = 266_240_000;
const HSCIF_FCK_HZ = 266_240_000;

interface Port {
  readonly device: MmioDevice;
  readonly console: Console;
  readonly input: ConsoleInput;
}

/** The board's serial ports, each with a console at the far end of the wire. */
export class SerialPorts {
  readonly #ports = new Map<string, Port>();

  constructor(
    private readonly board: Board,
    private readonly deps: SerialDeps,
  ) {
    for (const port of board.serial) this.#ports.set(port.name, this.#build(port));
  }

  /** The console on a port; by default the board's console. */
  console(name: string = this.board.console): Console {
    return this.#port(name).console;
  }

  /** Characters arriving on a port. */
  input(name: string, bytes: Uint8Array): void {
    this.#port(name).input.add(bytes);
  }

  /** Bytes given to a port that its receiver has not yet taken. */
  pendingInput(name: string = this.board.console): number {
    return this.#port(name).input.pending;
  }

  save(): unknown {
    const ports = [...this.#ports].map(([name, { device, console, input }]) => [
      name,
      { device: device.save(), console: console.save(), input: input.save() },
    ]);
    return { ports };
  }

  load(state: unknown): void {
    const { ports } = state as {
      ports: [string, { device: unknown; console: unknown; input: unknown }][];
    };
    for (const [name, saved] of ports) {
      const { device, console, input } = this.#port(name);
      device.load(saved.device);
      console.load(saved.console);
      input.load(saved.input);
    }
  }

  #port(name: string): Port {
    const port = this.#ports.get(name);
    if (port === undefined) throw new RangeError(`the board has no serial port ${name}`);
    return port;
  }

  #build(data: SerialData): Port {
    const { clock, errors, bus, transmit, onByte, onPanic, onExpect } = this.deps;
    const console = new Console(data.name, {
      ...(onByte === undefined ? {} : { onByte: (byte: number) => onByte(data.name, byte) }),
      onPanic,
      onExpect: (line) => onExpect(data.name, line),
    });
    const wiring = {
      clock,
      errors,
      irq: this.deps.spiLine(data.intid),
      sink: (byte: number): void => console.write(byte),
      rxSpace: (): void => input.pump(),
    };
    const uart =
      data.kind === 'pl011'
        ? new Pl011({ name: data.name, tx: transmit, clockHz: PL011_CLOCK_HZ, enabledAtReset: true }, wiring)
        : new Scif(
            {
              name: data.name,
              kind: data.kind,
              tx: transmit,
              fckHz: data.kind === 'scif' ? SCIF_FCK_HZ : HSCIF_FCK_HZ,
              brgIntHz: SCIF_BRG_HZ,
              scifClkHz: data.externalClockHz,
            },
            wiring,
          );
    const input = new ConsoleInput(data.name, clock, uart);
    bus.map(data.base, data.size, uart, { cost: { read: 'bus.deviceRead', write: 'bus.deviceWrite' } });
    return { device: uart, console, input };
  }
}
