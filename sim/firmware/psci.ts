/**
 * PSCI as TF-A's BL31 offers it (Arm DEN 0022D.b): function numbers, arguments and power states of cores. It only
 * decides; bare-core.ts carries out. Races have one winner because a call is one step.
 */

/** Function numbers without the SMC64 bit. */
export const PSCI_VERSION = 0x8400_0000;
export const PSCI_CPU_SUSPEND = 0x8400_0001;
export const PSCI_CPU_OFF = 0x8400_0002;
export const PSCI_CPU_ON = 0x8400_0003;
export const PSCI_AFFINITY_INFO = 0x8400_0004;
export const PSCI_MIGRATE_INFO_TYPE = 0x8400_0006;
export const PSCI_MIGRATE_INFO_UP_CPU = 0x8400_0007;
export const PSCI_SYSTEM_OFF = 0x8400_0008;
export const PSCI_SYSTEM_RESET = 0x8400_0009;
export const PSCI_FEATURES = 0x8400_000a;
/** Set in the number of the variant with 64-bit arguments. */
export const SMC64 = 0x4000_0000;

export const PSCI_SUCCESS = 0;
export const PSCI_NOT_SUPPORTED = -1;
export const PSCI_INVALID_PARAMETERS = -2;
export const PSCI_ALREADY_ON = -4;
export const PSCI_ON_PENDING = -5;
export const PSCI_INVALID_ADDRESS = -9;

const AFFINITY_MASK = 0xff_00ff_ffffn;
/** power_state, original format: power level 25:24, type 16 (power-down), state 15:0 (DEN 0022 5.4.2). */
const POWER_STATE_RESERVED = 0xfcfe_0000;
const POWER_STATE_POWERDOWN = 0x0001_0000;
const MIGRATE_NOT_REQUIRED = 2;
const SMCCC_VERSION = 0x8000_0000;

/** Where a core begins, with x0 = context. */
export interface EntryPoint {
  readonly pc: bigint;
  readonly context: bigint;
}

export type PowerState =
  | { readonly kind: 'on' }
  | { readonly kind: 'off' }
  /** `ready`: the power-up time has passed, the core may run. */
  | { readonly kind: 'pending'; readonly entry: EntryPoint; readonly ready: boolean }
  | { readonly kind: 'suspended'; readonly entry: EntryPoint };

/** What a call asks for; `value` is the answer in x0. */
export type PsciAction =
  | { readonly kind: 'value'; readonly value: number }
  | { readonly kind: 'start'; readonly core: number }
  | { readonly kind: 'standby' }
  | { readonly kind: 'off' }
  | { readonly kind: 'suspend' }
  | { readonly kind: 'systemOff' }
  | { readonly kind: 'systemReset' };

export interface PsciConfig {
  /** Affinity fields of each core, by index. */
  readonly affinities: readonly number[];
  readonly version: '0.2' | '1.0' | '1.1';
  /** MIGRATE_INFO_TYPE's answer. */
  readonly migrateInfoType: number;
  /** True if a core may start at this physical address. */
  readonly isEntry: (pc: bigint) => boolean;
}

const VERSIONS = { '0.2': 0x0_0002, '1.0': 0x1_0000, '1.1': 0x1_0001 } as const;

/** Functions that exist in an SMC64 variant. */
const WIDE = new Set([PSCI_CPU_SUSPEND, PSCI_CPU_ON, PSCI_AFFINITY_INFO, PSCI_MIGRATE_INFO_UP_CPU]);

export class Psci {
  readonly #states: PowerState[];

  constructor(private readonly config: PsciConfig) {
    this.#states = config.affinities.map(() => ({ kind: 'off' }));
  }

  state(core: number): PowerState {
    return this.#states[core] as PowerState;
  }

  setState(core: number, state: PowerState): void {
    this.#states[core] = state;
  }

  /** The core that was turned on has power now. */
  powered(core: number): void {
    const state = this.state(core);
    if (state.kind === 'pending') this.#states[core] = { ...state, ready: true };
  }

  /**
   * A call by core `caller`: `fid` the function number (W0), arguments X1 to X3. Returns undefined for a number that is
   * not PSCI's or not implemented.
   */
  call(caller: number, fid: number, x1: bigint, x2: bigint, x3: bigint): PsciAction | undefined {
    const wide = (fid & SMC64) !== 0;
    const base = (fid & ~SMC64) >>> 0;
    if (!this.#implements(fid)) return undefined;
    const arg = (x: bigint): bigint => (wide ? x : BigInt.asUintN(32, x));
    switch (base) {
      case PSCI_VERSION:
        return value(VERSIONS[this.config.version]);
      case PSCI_CPU_SUSPEND:
        return this.#suspend(caller, Number(BigInt.asUintN(32, x1)), { pc: arg(x2), context: arg(x3) });
      case PSCI_CPU_OFF:
        this.#states[caller] = { kind: 'off' };
        return { kind: 'off' };
      case PSCI_CPU_ON:
        return this.#on(arg(x1), { pc: arg(x2), context: arg(x3) });
      case PSCI_AFFINITY_INFO:
        return value(this.#affinityInfo(arg(x1), arg(x2)));
      case PSCI_MIGRATE_INFO_TYPE:
        return value(this.config.migrateInfoType);
      case PSCI_MIGRATE_INFO_UP_CPU:
        return value(this.config.affinities[0] ?? 0);
      case PSCI_SYSTEM_OFF:
        return { kind: 'systemOff' };
      case PSCI_SYSTEM_RESET:
        return { kind: 'systemReset' };
      default:
        return value(this.#features(Number(BigInt.asUintN(32, x1))));
    }
  }

  save(): unknown {
    return this.#states.map((state) => {
      if (!('entry' in state)) return { kind: state.kind };
      const ready = state.kind === 'pending' && state.ready;
      return { kind: state.kind, pc: String(state.entry.pc), context: String(state.entry.context), ready };
    });
  }

  load(saved: unknown): void {
    const states = saved as { kind: PowerState['kind']; pc?: string; context?: string; ready?: boolean }[];
    states.forEach(({ kind, pc, context, ready }, core) => {
      const entry = { pc: BigInt(pc ?? 0), context: BigInt(context ?? 0) };
      if (kind === 'pending') this.#states[core] = { kind, entry, ready: ready === true };
      else this.#states[core] = kind === 'suspended' ? { kind, entry } : { kind };
    });
  }

  #implements(fid: number): boolean {
    const base = (fid & ~SMC64) >>> 0;
    if ((fid & SMC64) !== 0 && !WIDE.has(base)) return false;
    switch (base) {
      case PSCI_FEATURES:
        return this.config.version !== '0.2';
      case PSCI_MIGRATE_INFO_TYPE:
        return this.config.migrateInfoType >= 0;
      case PSCI_MIGRATE_INFO_UP_CPU:
        return this.config.migrateInfoType >= 0 && this.config.migrateInfoType < MIGRATE_NOT_REQUIRED;
      default:
        return (
          (base >= PSCI_VERSION && base <= PSCI_AFFINITY_INFO) || base === PSCI_SYSTEM_OFF || base === PSCI_SYSTEM_RESET
        );
    }
  }

  #features(fid: number): number {
    return fid === SMCCC_VERSION || this.#implements(fid) ? PSCI_SUCCESS : PSCI_NOT_SUPPORTED;
  }

  #coreOf(target: bigint): number {
    return (target & ~AFFINITY_MASK) !== 0n ? -1 : this.config.affinities.indexOf(Number(target));
  }

  #on(target: bigint, entry: EntryPoint): PsciAction {
    const core = this.#coreOf(target);
    if (core < 0) return value(PSCI_INVALID_PARAMETERS);
    if (!this.config.isEntry(entry.pc)) return value(this.#invalidAddress());
    const { kind } = this.state(core);
    if (kind === 'pending') return value(PSCI_ON_PENDING);
    if (kind !== 'off') return value(PSCI_ALREADY_ON);
    this.#states[core] = { kind: 'pending', entry, ready: false };
    return { kind: 'start', core };
  }

  #suspend(caller: number, powerState: number, entry: EntryPoint): PsciAction {
    if ((powerState & POWER_STATE_RESERVED) !== 0) return value(PSCI_INVALID_PARAMETERS);
    if ((powerState & POWER_STATE_POWERDOWN) === 0) return { kind: 'standby' };
    if (!this.config.isEntry(entry.pc)) return value(this.#invalidAddress());
    this.#states[caller] = { kind: 'suspended', entry };
    return { kind: 'suspend' };
  }

  #affinityInfo(target: bigint, level: bigint): number {
    const core = this.#coreOf(target);
    if (core < 0 || level !== 0n) return PSCI_INVALID_PARAMETERS;
    const { kind } = this.state(core);
    return kind === 'off' ? 1 : kind === 'pending' ? 2 : 0;
  }

  /** PSCI 0.2 has no code of its own for a bad entry point. */
  #invalidAddress(): number {
    return this.config.version === '0.2' ? PSCI_INVALID_PARAMETERS : PSCI_INVALID_ADDRESS;
  }
}

function value(v: number): PsciAction {
  return { kind: 'value', value: v };
}
