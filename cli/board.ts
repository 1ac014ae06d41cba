import type { Argv, CommandModule } from 'yargs';
import { BOARDS, readBoard } from './boards.js';
import { EXIT, UsageError } from './exit.js';

const ACTIONS = ['show', 'check', 'keys'] as const;

/** `rcar-sim board show|check|keys`. */
export function boardCommand(done: (code: number) => void): CommandModule {
  return {
    command: 'board <action> [words..]',
    describe: 'Show, check or list the settings of a board',
    builder: (argv: Argv) =>
      argv
        .positional('action', {
          choices: ACTIONS,
          describe: 'show: the description; check: with --set; keys: what --set takes',
        })
        .positional('words', {
          type: 'string',
          array: true,
          describe: 'check: a board’s JSON file; keys: only those that contain every word',
        })
        .option('board', {
          type: 'string',
          requiresArg: true,
          default: 'rcar-h3',
          describe: `${BOARDS.join(', ')}, or a JSON file as show --json prints it`,
        })
        .option('set', {
          type: 'string',
          array: true,
          nargs: 1,
          default: [] as string[],
          describe: 'KEY=VALUE, repeatable',
        })
        .option('json', { type: 'boolean', default: false, describe: 'machine-readable' })
        .example('$0 board show --json > my.json', 'a description to change, then: board check my.json')
        .example('$0 board keys xen. notify', 'settings of the hypervisor whose text has "notify"'),
    handler: async (argv) => {
      const api = await import('../index.js');
      const words = (argv['words'] as string[] | undefined) ?? [];
      const action = argv['action'] as (typeof ACTIONS)[number];
      const most = { show: 0, check: 1, keys: Number.POSITIVE_INFINITY }[action];
      if (words.length > most) throw new UsageError(`board ${action}: '${words[most] ?? ''}' is too much`);
      const given = argv['board'] as string | string[];
      if (typeof given !== 'string') throw new UsageError(`--board is given ${given.length} times`);
      const board = await readBoard(action === 'check' ? (words[0] ?? given) : given);
      const configuration = api.configure(board, argv['set'] as string[]);
      const out = (text: string): void => void process.stdout.write(`${text}\n`);
      if (action === 'check') {
        out(`board ${configuration.board.name}: sound, timing table ${api.timingTableHash(configuration.board)}`);
      } else if (action === 'show') {
        out(
          argv['json']
            ? JSON.stringify(api.boardData(configuration.board), null, 2)
            : describe(configuration.board, api),
        );
      } else {
        const keys = api
          .settingKeys(configuration)
          .filter((key) =>
            words.every((word) => `${key.key} ${key.source}`.toLowerCase().includes(word.toLowerCase())),
          );
        if (argv['json']) out(JSON.stringify(keys, null, 2));
        else for (const line of keyTable(keys)) out(line);
      }
      done(EXIT.ok);
    },
  };
}

type Api = typeof import('../index.js');
type Board = ReturnType<Api['rcarH3']>;

function keyTable(keys: ReturnType<Api['settingKeys']>): string[] {
  const width = Math.min(46, Math.max(...keys.map((key) => key.key.length), 3));
  const row = (key: string, value: string, range: string, unit: string, source: string): string =>
    `${key.padEnd(width)}  ${value.padEnd(12)}  ${range.padEnd(22)}  ${unit.padEnd(10)}  ${source}`.trimEnd();
  return [
    row('KEY', 'VALUE', 'RANGE', 'UNIT', 'SOURCE'),
    ...keys.map((key) => row(key.key, key.value, key.range, key.unit, key.source)),
  ];
}

function describe(board: Board, api: Api): string {
  const hex = (value: number): string => `0x${value.toString(16)}`;
  const span = (region: { base: number; size: number }): string =>
    `${hex(region.base)}..${hex(region.base + region.size - 1)}`;
  const lines = [
    `${board.name}: ${board.model}`,
    `base tick ${board.tickHz} Hz, ${board.ticksPerCount} ticks per counter increment`,
  ];
  for (const cluster of board.clusters) {
    const { l1i, l1d, l2 } = cluster.caches;
    const size = (bytes: number): string => api.formatQuantity(bytes, 'size');
    lines.push(
      `cluster ${cluster.name}: ${cluster.cores.length} x ${cluster.core} at ${api.formatQuantity(cluster.clockHz, 'frequency')}, ` +
        `${board.tickHz / cluster.clockHz} ticks per cycle, L1 ${size(l1i.size)} + ${size(l1d.size)}, L2 ${size(l2.size)}, ` +
        `MPIDR ${cluster.cores.map((core) => hex(core.mpidr)).join(' ')}`,
    );
  }
  for (const bank of board.memory)
    lines.push(`memory ${bank.name}: ${span(bank)} (${api.formatQuantity(bank.size, 'size')})`);
  const { gic, timer } = board;
  lines.push(
    `gic-400: GICD ${span(gic.distributor)}, GICC ${span(gic.cpuInterface)}, GICH ${span(gic.hypervisor)}, GICV ` +
      `${span(gic.virtualCpuInterface)}; ${gic.spiCount} SPIs, ${gic.lrCount} list registers`,
    `timer: ${api.formatQuantity(timer.cntfrqHz, 'frequency')}, interrupts ${timer.physicalIntid} (physical), ` +
      `${timer.virtualIntid} (virtual), ${timer.hypervisorIntid} (EL2)`,
  );
  for (const port of board.serial) {
    const console = port.name === board.console ? ', console' : '';
    lines.push(`serial ${port.name}: ${port.kind} at ${span(port)}, interrupt ${port.intid}${console}`);
  }
  for (const block of board.blocks) lines.push(`block ${block.name}: ${block.kind} at ${span(block)}`);
  const { firmware } = board;
  lines.push(
    `firmware: PSCI ${firmware.psciVersion} by ${firmware.conduit}, entry at EL${firmware.entryLevel}, ` +
      `workarounds 1 ${firmware.workaround1}, 2 ${firmware.workaround2}, 3 ${firmware.workaround3}`,
    `timing table ${api.timingTableHash(board)}: ${Object.keys(board.timing).length} entries (see board keys)`,
  );
  return lines.join('\n');
}
