import type { Board } from '../../boards/board.js';
import type { Core } from '../cpu/core.js';
import type { El2, SliceOutcome } from '../machine/el2.js';
import type { Clock, TimedEvent } from '../machine/events.js';
import type { Outcome } from '../machine/outcome.js';
import { EXIT_LIMIT, EXIT_SMC, EXIT_UNMODELLED, EXIT_WFE, EXIT_WFI, LINE_FIQ, LINE_IRQ } from '../wasm/layout.js';
import { Psci, PSCI_NOT_SUPPORTED, PSCI_SUCCESS, type EntryPoint } from './psci.js';
import { SMCCC_ARCH_WORKAROUND_1, smcccCall } from './smccc.js';

/** What the firmware needs of the machine; sim/machine/machine.ts has it all. */
export interface BareMachine {
  readonly board: Pick<Board, 'firmware'>;
  readonly cores: readonly Core[];
  readonly clock: Clock;
  readonly memory: { isRam(pa: number, length: number): boolean };
  readonly costs: { cost(name: string, ticksPerCycle: number): number };
  /** Makes an idle core run from now on. */
  wake(core: number): void;
  /** Adds the cost of a timing entry to a core's time. */
  charge(core: number, cost: string): number;
  stop(outcome: Outcome): void;
}

const PA_LIMIT = 1n << 36n;

/**
 * Cores with guest software at EL1 or EL2 and only the EL3 firmware above it: PSCI and SMCCC calls, WFI and WFE. All
 * cores are off until `start`.
 */
export class BareCore implements El2 {
  readonly psci: Psci;
  readonly #machine: BareMachine;
  readonly #events: readonly TimedEvent[];

  constructor(machine: BareMachine) {
    this.#machine = machine;
    const { firmware } = machine.board;
    this.psci = new Psci({
      affinities: machine.cores.map((core) => core.mpidr),
      version: firmware.psciVersion,
      migrateInfoType: firmware.migrateInfoType,
      isEntry: (pc) => pc < PA_LIMIT && (pc & 3n) === 0n && machine.memory.isRam(Number(pc), 4),
    });
    this.#events = machine.cores.map(({ index }) =>
      machine.clock.event(`firmware.cpu${index}.on`, () => {
        this.psci.powered(index);
        machine.wake(index);
      }),
    );
  }

  /** Powers a core on at reset state: `pc` is a physical address, the MMU is off, x0 = `x0`. */
  start(core: number, pc: bigint, x0: bigint): void {
    this.psci.setState(core, { kind: 'pending', entry: { pc, context: x0 }, ready: true });
    this.#machine.wake(core);
  }

  slice(core: Core): SliceOutcome {
    const state = this.psci.state(core.index);
    if (state.kind === 'off' || (state.kind === 'pending' && !state.ready)) return 'idle';
    if (state.kind === 'suspended') {
      if ((core.lines & (LINE_IRQ | LINE_FIQ)) === 0) return 'idle';
      this.#machine.charge(core.index, 'firmware.cpuOn');
    }
    if (state.kind !== 'on') this.#enter(core, state.entry);
    while (core.cycles < core.limit) {
      const exit = core.run();
      switch (exit) {
        case EXIT_LIMIT:
          break;
        case EXIT_WFI:
          return 'idle';
        case EXIT_WFE:
          // the wait lasts to the end of the slice, which is the next event or the other cores' turn
          if (core.cycles < core.limit) core.cycles = core.limit;
          core.event = false;
          break;
        case EXIT_SMC: {
          const outcome = this.#call(core);
          if (outcome !== 'ran') return outcome;
          break;
        }
        default: {
          const what = exit === EXIT_UNMODELLED ? `instruction 0x${hex(core.exitInfo)}` : `exit ${exit}`;
          this.#machine.stop({ name: 'unmodelled', detail: `cpu${core.index}: ${what} at 0x${core.pc.toString(16)}` });
          return 'stopped';
        }
      }
    }
    return 'ran';
  }

  save(): unknown {
    return this.psci.save();
  }

  load(state: unknown): void {
    this.psci.load(state);
  }

  #enter(core: Core, entry: EntryPoint): void {
    this.psci.setState(core.index, { kind: 'on' });
    core.reset(this.#machine.board.firmware.entryLevel);
    core.pc = entry.pc;
    core.setX(0, entry.context);
  }

  /** An SMC, or an HVC that the firmware conducts: x0 = function. */
  #call(core: Core): SliceOutcome {
    const fid = core.xLo(0);
    const midr = Number(core.sysreg('MIDR_EL1'));
    const arch = smcccCall(this.#machine.board.firmware, midr, fid, core.xLo(1));
    if (arch?.kind === 'workaround') {
      this.#machine.charge(core.index, fid === SMCCC_ARCH_WORKAROUND_1 ? 'firmware.workaround' : 'firmware.smc');
      return 'ran';
    }
    this.#machine.charge(core.index, 'firmware.smc');
    if (arch !== undefined) {
      core.setX(0, word(arch.value));
      return 'ran';
    }
    const action = this.psci.call(core.index, fid, core.x(1), core.x(2), core.x(3));
    switch (action?.kind) {
      case undefined:
        core.setX(0, word(PSCI_NOT_SUPPORTED));
        return 'ran';
      case 'value':
        core.setX(0, word(action.value));
        return 'ran';
      case 'start': {
        const delay = this.#machine.costs.cost('firmware.cpuOn', 1);
        this.#events[action.core]?.scheduleAt(this.#machine.clock.now() + BigInt(delay));
        core.setX(0, word(PSCI_SUCCESS));
        return 'ran';
      }
      case 'standby':
        core.setX(0, word(PSCI_SUCCESS));
        return (core.lines & (LINE_IRQ | LINE_FIQ)) !== 0 ? 'ran' : 'idle';
      case 'suspend':
        return (core.lines & (LINE_IRQ | LINE_FIQ)) !== 0 ? this.slice(core) : 'idle';
      case 'off':
        return 'idle';
      case 'systemOff':
        this.#machine.stop({ name: 'poweroff', detail: `PSCI SYSTEM_OFF by cpu${core.index}` });
        return 'stopped';
      case 'systemReset':
        this.#machine.stop({ name: 'reboot', detail: `PSCI SYSTEM_RESET by cpu${core.index}` });
        return 'stopped';
    }
  }
}

/** A result in x0, sign-extended as TF-A returns it. */
function word(v: number): bigint {
  return BigInt.asUintN(64, BigInt(v));
}

function hex(v: number): string {
  return v.toString(16).padStart(8, '0');
}
