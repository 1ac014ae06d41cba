import { expect, test } from 'vitest';
import { Psci, type PsciConfig } from './psci.js';
import { smcccCall, type SmcccConfig } from './smccc.js';

const CPU_ON = 0xc400_0003;
const AFFINITY_INFO = 0xc400_0004;
const CPU_SUSPEND = 0xc400_0001;
const FEATURES = 0x8400_000a;
const ENTRY = 0x4800_0000n;

function psci(extra: Partial<PsciConfig> = {}): Psci {
  const config: PsciConfig = {
    affinities: [0x000, 0x001, 0x100],
    version: '1.1',
    migrateInfoType: 1,
    isEntry: (pc) => pc >= 0x4000_0000n && pc < 0x8000_0000n,
    ...extra,
  };
  const made = new Psci(config);
  made.setState(0, { kind: 'on' });
  return made;
}

const value = (v: number) => ({ kind: 'value', value: v });

test('version and features', () => {
  expect(psci().call(0, 0x8400_0000, 0n, 0n, 0n)).toEqual(value(0x1_0001));
  expect(psci({ version: '0.2' }).call(0, 0x8400_0000, 0n, 0n, 0n)).toEqual(value(2));
  const asked = (fid: number) => psci().call(0, FEATURES, BigInt(fid), 0n, 0n);
  for (const fid of [
    0x8400_0000,
    0x8400_0001,
    0xc400_0001,
    0x8400_0002,
    0xc400_0003,
    0xc400_0004,
    0x8400_0008,
    FEATURES,
    0x8000_0000,
  ]) {
    expect(asked(fid)).toEqual(value(0));
  }
  // MIGRATE, SYSTEM_SUSPEND, SYSTEM_RESET2, an SMC64 PSCI_VERSION, a SiP call
  for (const fid of [0xc400_0005, 0xc400_000e, 0xc400_0012, 0xc400_0000, 0x8200_0000])
    expect(asked(fid)).toEqual(value(-1));
  expect(psci({ version: '0.2' }).call(0, FEATURES, 0n, 0n, 0n)).toBeUndefined();
});

test('CPU_ON: of two racing calls one starts the core, the other sees it pending, later calls see it on', () => {
  const firmware = psci();
  expect(firmware.call(0, AFFINITY_INFO, 0x100n, 0n, 0n)).toEqual(value(1));
  expect(firmware.call(0, CPU_ON, 0x100n, ENTRY, 7n)).toEqual({ kind: 'start', core: 2 });
  expect(firmware.state(2)).toEqual({ kind: 'pending', entry: { pc: ENTRY, context: 7n }, ready: false });
  expect(firmware.call(0, CPU_ON, 0x100n, ENTRY, 8n)).toEqual(value(-5));
  expect(firmware.call(0, AFFINITY_INFO, 0x100n, 0n, 0n)).toEqual(value(2));
  firmware.setState(2, { kind: 'on' });
  expect(firmware.call(0, CPU_ON, 0x100n, ENTRY, 8n)).toEqual(value(-4));
  expect(firmware.call(0, AFFINITY_INFO, 0x100n, 0n, 0n)).toEqual(value(0));
  expect(firmware.call(2, 0x8400_0002, 0n, 0n, 0n)).toEqual({ kind: 'off' });
  expect(firmware.call(0, CPU_ON, 0x100n, ENTRY, 9n)).toEqual({ kind: 'start', core: 2 });
});

test('CPU_ON rejects unknown cores and bad entry points; SMC32 arguments have 32 bits', () => {
  const firmware = psci();
  expect(firmware.call(0, CPU_ON, 0x200n, ENTRY, 0n)).toEqual(value(-2));
  expect(firmware.call(0, CPU_ON, 0x8000_0001n, ENTRY, 0n)).toEqual(value(-2));
  expect(firmware.call(0, CPU_ON, 1n, 0x1000n, 0n)).toEqual(value(-9));
  expect(psci({ version: '0.2' }).call(0, CPU_ON, 1n, 0x1000n, 0n)).toEqual(value(-2));
  expect(firmware.call(0, 0x8400_0003, 0xf_0000_0001n, 0xf_4800_0000n, 0xf_0000_0005n)).toEqual({
    kind: 'start',
    core: 1,
  });
  expect(firmware.state(1)).toEqual({ kind: 'pending', entry: { pc: ENTRY, context: 5n }, ready: false });
});

test('CPU_SUSPEND: standby, power-down, reserved bits; affinity levels above zero are invalid', () => {
  const firmware = psci();
  expect(firmware.call(0, CPU_SUSPEND, 0n, 0n, 0n)).toEqual({ kind: 'standby' });
  expect(firmware.call(0, CPU_SUSPEND, 0x0002_0000n, 0n, 0n)).toEqual(value(-2));
  expect(firmware.call(0, CPU_SUSPEND, 0x0001_0000n, ENTRY, 3n)).toEqual({ kind: 'suspend' });
  expect(firmware.state(0)).toEqual({ kind: 'suspended', entry: { pc: ENTRY, context: 3n } });
  expect(firmware.call(1, AFFINITY_INFO, 0n, 1n, 0n)).toEqual(value(-2));
});

test('the rest: migration, system calls, unknown numbers, save and load', () => {
  const firmware = psci();
  expect(firmware.call(0, 0x8400_0006, 0n, 0n, 0n)).toEqual(value(1));
  expect(firmware.call(0, 0xc400_0007, 0n, 0n, 0n)).toEqual(value(0));
  expect(psci({ migrateInfoType: 2 }).call(0, 0xc400_0007, 0n, 0n, 0n)).toBeUndefined();
  expect(firmware.call(0, 0x8400_0008, 0n, 0n, 0n)).toEqual({ kind: 'systemOff' });
  expect(firmware.call(0, 0x8400_0009, 0n, 0n, 0n)).toEqual({ kind: 'systemReset' });
  expect(firmware.call(0, 0x8400_0050, 0n, 0n, 0n)).toBeUndefined();
  firmware.call(0, CPU_ON, 1n, ENTRY, 0xffff_ffff_ffff_ffffn);
  const copy = psci();
  copy.load(JSON.parse(JSON.stringify(firmware.save())));
  for (const core of [0, 1, 2]) expect(copy.state(core)).toEqual(firmware.state(core));
});

test('SMCCC: version, features and workarounds by core and setting', () => {
  const config: SmcccConfig = {
    smcccVersion: '1.5',
    workaround1: 'offered',
    workaround2: 'absent',
    workaround3: 'offered',
  };
  const a57 = 0x411f_d073;
  const a53 = 0x410f_d034;
  expect(smcccCall(config, a57, 0x8000_0000, 0)).toEqual(value(0x1_0005));
  expect(smcccCall(config, a57, 0x8000_0001, 0x8000_8000)).toEqual(value(0));
  expect(smcccCall(config, a53, 0x8000_0001, 0x8000_8000)).toEqual(value(1));
  expect(smcccCall(config, a57, 0x8000_0001, 0x8000_7fff)).toEqual(value(-1));
  expect(smcccCall(config, a57, 0x8000_0001, 0x8000_0002)).toEqual(value(-1));
  expect(smcccCall(config, a57, 0x8000_8000, 0)).toEqual({ kind: 'workaround' });
  expect(smcccCall(config, a57, 0x8000_7fff, 0)).toBeUndefined();
  expect(smcccCall(config, a57, 0x8600_ff01, 0)).toBeUndefined();
});
