import { expect, test } from 'vitest';
import {
  BoardError,
  boardData,
  configure,
  createBoard,
  flatBoard,
  rcarH3,
  settingKeys,
  SettingError,
  timingTableHash,
} from './index.js';
import type { BoardData, BoardInput } from './index.js';
import { TIMING, type TimingKey } from './timing.js';

/** The faults of the R-Car H3 after an edit. */
function faults(edit: (data: BoardData & Record<string, unknown>) => void): readonly string[] {
  const data = boardData(rcarH3());
  edit(data as BoardData & Record<string, unknown>);
  try {
    createBoard(data as BoardInput);
  } catch (error) {
    if (error instanceof BoardError) return error.faults;
    throw error;
  }
  return [];
}

test('the Salvator-XS shares one base tick', () => {
  const board = rcarH3();
  expect(board.tickHz).toBe(5_990_400_000); // 4 * 1497.6 MHz = 5 * 1198.08 MHz = 720 * 8.32 MHz
  expect(board.ticksPerCount).toBe(720);
  expect(board.cores.map((core) => core.ticksPerCycle)).toEqual([4, 4, 4, 4, 5, 5, 5, 5]);
  expect(board.cores.map((core) => core.mpidr)).toEqual([0, 1, 2, 3, 0x100, 0x101, 0x102, 0x103]);
  expect(Object.isFrozen(board.gic)).toBe(true);
});

test('the flat board divides 1 GHz by the counter exactly', () => {
  const board = flatBoard({ cores: 4, ramBytes: 512 << 20 });
  expect([board.tickHz, board.ticksPerCount, board.cores.length]).toEqual([1_000_000_000, 16, 4]);
  expect(board.memory[0]).toMatchObject({ base: 0x4000_0000, size: 0x2000_0000 });
});

test('a board made from its own data is the same board', () => {
  expect(createBoard(boardData(rcarH3()) as BoardInput)).toEqual(rcarH3());
});

test.each<[string, (data: BoardData & Record<string, unknown>) => void, string[]]>([
  ['unknown key', (d) => Object.assign(d.gic, { lrCont: 4 }), ["gic.lrCont: unknown key, did you mean 'lrCount'?"]],
  ['unknown key at the top', (d) => Object.assign(d, { memoy: [] }), ["memoy: unknown key, did you mean 'memory'?"]],
  [
    'unknown key in a block',
    (d) => Object.assign(d.serial[0] as object, { baudrate: 1 }),
    ['serial[0].baudrate: unknown key'],
  ],
  [
    'bad unit',
    (d) => Object.assign(d.clusters[0] as object, { clockHz: '1.5 Ghz' }),
    ["clusters[0].clockHz: bad unit 'Ghz' in '1.5 Ghz', a frequency is in Hz, kHz, MHz, GHz"],
  ],
  [
    'overlap',
    (d) => void ((d.serial[0] as { base: number }).base = 0xf1010800),
    ['serial[0].base: 0xf1010800..0xf101083f overlaps gic.distributor 0xf1010000..0xf1010fff'],
  ],
  [
    'overlapping banks',
    (d) => void ((d.memory[1] as { base: number }).base = 0x5000_0000),
    ['memory[1].base: 0x50000000..0x8fffffff overlaps memory[0] 0x48000000..0x7fffffff'],
  ],
  [
    'duplicate interrupt',
    (d) => void ((d.serial[1] as { intid: number }).intid = 196),
    ['serial[1].intid: interrupt 196 is already used by serial[0].intid'],
  ],
  [
    'interrupt above the controller',
    (d) => void (d.gic.spiCount = 160),
    [
      "serial[0].intid: interrupt 196 is above the controller's last, 191",
      "blocks[14].intids[5]: interrupt 193 is above the controller's last, 191",
    ],
  ],
  [
    'address that is no number',
    (d) => void ((d.memory[0] as { base: unknown }).base = '0x48000000'),
    ['memory[0].base: Invalid input: expected number, received string'],
  ],
  [
    'missing property',
    (d) => void delete (d.timer as Partial<BoardData['timer']>).virtualIntid,
    ['timer.virtualIntid: is missing'],
  ],
  [
    'clock off the tick',
    (d) => void ((d.tick = 5_990_400_000), ((d.clusters[0] as { clockHz: number }).clockHz = 1_600_000_000)),
    ["clusters[0].clockHz: the base tick of 5990400000 Hz is no multiple of 1600000000 Hz, use tick: 'auto'"],
  ],
  [
    'MPIDR twice',
    (d) => Object.assign(d.clusters[1]?.cores[0] ?? {}, { mpidr: 1 }),
    ["clusters[1].cores[0].mpidr: 0x1 is already clusters[0].cores[1]'s"],
  ],
  [
    'unknown register',
    (d) => Object.assign(d.clusters[0]?.idRegisters as object, { ID_AA64PFR0: 1 }),
    ["clusters[0].idRegisters.ID_AA64PFR0: unknown key, did you mean 'ID_AA64PFR0_EL1'?"],
  ],
  [
    'timing entry out of its range',
    (d) => void ((d.timing['xen.decode'] as { value: number }).value = 9999),
    ['timing.xen.decode.value: 9999 cycles is outside 20..200'],
  ],
  [
    'unknown timing entry',
    (d) => void (d.timing['xen.decod'] = { ...TIMING['xen.decode'] }),
    ["timing.xen.decod: unknown key, did you mean 'xen.decode'?"],
  ],
  [
    'console nowhere',
    (d) => void (d.console = 'scif1'),
    ["console: no serial port is named 'scif1', did you mean 'scif2'?"],
  ],
])('%s is one clear line', (_name, edit, lines) => {
  expect(faults(edit)).toEqual(lines);
});

test('settings make a new board', () => {
  const before = configure(rcarH3());
  const after = configure(rcarH3(), [
    'board.gic.lrCount=2',
    'xen.contextSwitch=3000',
    'xen.scheduler=null',
    'board.schedule.quantum=5 us',
  ]);
  expect(after.board.gic.lrCount).toBe(2);
  expect(after.board.schedule.quantum).toBe(5000);
  expect(after.board.timing['xen.contextSwitch'].value).toBe(3000);
  expect(after.design['xen.scheduler']).toBe('null');
  expect(before.board.gic.lrCount).toBe(4);
  expect(timingTableHash(after.board)).not.toBe(timingTableHash(before.board));
});

test('a changed clock gives a new base tick', () => {
  const { board } = configure(rcarH3(), ['board.clusters.a57.clockHz=1600 MHz']);
  expect(board.tickHz % 1_600_000_000).toBe(0);
  expect(board.tickHz % 1_198_080_000).toBe(0);
  expect(board.tickHz % 8_320_000).toBe(0);
});

test.each([
  ['board.gic.lrCnt=2', "--set board.gic.lrCnt: unknown key, did you mean 'board.gic.lrCount'?"],
  ['xen.decod=2', "--set xen.decod: unknown key, did you mean 'xen.decode'?"],
  ['xen.decode=5000', '--set xen.decode=5000: 5000 cycles is outside 20..200'],
  ['xen.decode=50ns', "--set xen.decode=50ns: bad unit 'ns', the entry is in cycles"],
  ['xen.scheduler=credit', "--set xen.scheduler=credit: not one of credit2, null, did you mean 'credit2'?"],
  ['nonsense', '--set nonsense: expected KEY=VALUE'],
  [
    'board.schedule.quantum=5 weeks',
    "--set board.schedule.quantum=5 weeks: bad unit 'weeks' in '5 weeks', a duration is in ns, us, ms, s",
  ],
])('--set %s is refused in one line', (setting, message) => {
  expect(() => configure(rcarH3(), [setting])).toThrow(new SettingError(message));
});

test('every key lists its value, range and source', () => {
  const keys = settingKeys(configure(rcarH3()));
  expect(keys.find((key) => key.key === 'board.clusters.a57.clockHz')).toMatchObject({
    value: '1497.6 MHz',
    unit: 'Hz',
  });
  expect(keys.find((key) => key.key === 'board.gic.lrCount')).toMatchObject({ value: '4', range: '1..64' });
  expect(keys.find((key) => key.key === 'xen.scheduler')?.range).toBe('credit2 | null');
  expect(new Set(keys.map((key) => key.key)).size).toBe(keys.length);
});

// The path of timing.md section 3's derived estimate: guest on one pCPU, backend on another that is idle.
const ROUND_TRIP: TimingKey[] = [
  'xen.trapEntry', 'xen.saveRegisters', 'xen.lrSave', 'xen.decode', 'xen.p2mWalk', 'xen.handlerSearch', 'xen.serverSelect',
  'xen.slotWrite', 'xen.notify', 'xen.ipiSend', 'bus.ipi', 'cpu.wfiWake', 'xen.irqEntry', 'xen.idleWake', 'xen.schedule',
  'xen.contextSwitch', 'xen.upcall', 'xen.inject', 'xen.lrLoad', 'xen.restoreRegisters', 'xen.eret',
  'domd.upcall', 'domd.evtchn', 'domd.userWake', 'domd.readPort', 'domd.unmaskPort', 'domd.pageAccess', 'domd.deviceRegister',
  'domd.syscall', 'xen.trapEntry', 'xen.saveRegisters', 'xen.hypercall', 'xen.evtchnSend', 'xen.vcpuWake', 'xen.ipiSend',
  'bus.ipi', 'cpu.wfiWake', 'xen.irqEntry', 'xen.idleWake', 'xen.schedule', 'xen.contextSwitch', 'xen.completion',
  'xen.lrLoad', 'xen.restoreRegisters', 'xen.eret',
]; // prettier-ignore

test('an IOREQ round trip between two A57s adds up to 20-35 us, with and without the mitigation', () => {
  const board = rcarH3();
  const us = (key: TimingKey): number => {
    const { value, unit } = board.timing[key];
    return unit === 'ns' ? value / 1000 : value / 1497.6;
  };
  const sum = ROUND_TRIP.reduce((total, key) => total + us(key), 0);
  expect(sum).toBeGreaterThan(20);
  expect(sum + 2 * us('firmware.workaround')).toBeLessThan(35);
});

test('a null hypercall is the published 376 cycles and a GIC trap the published 1356', () => {
  const cycles = (...keys: TimingKey[]): number => keys.reduce((sum, key) => sum + TIMING[key].value, 0);
  const around: TimingKey[] = ['xen.trapEntry', 'xen.saveRegisters', 'xen.restoreRegisters', 'xen.eret'];
  expect(cycles(...around, 'xen.hypercall')).toBe(376);
  expect(cycles(...around, 'xen.decode', 'xen.vgicEmulation')).toBe(1356);
});
