/** From an xl configuration file and KEY=VALUE words of the command line to a GuestConfig (xen: tools/xl/xl_parse.c). */
import { readFileSync } from 'node:fs';
import type { GenericVirtio, GuestConfig, LifeAction, VirtioDisk } from '../light/guest_config.js';
import { vdevToDevid } from '../light/guest_config.js';
import { DiskError, parseDisk } from './disk.js';
import { guess } from './guess.js';
import { parseVdisk } from './vdisk.js';
import { KNOWN_KEYS, MODELLED_KEYS } from './keys.js';
import { CfgError, parseCfg, type CfgSetting, type CfgValue } from './syntax.js';

const ACTIONS: readonly LifeAction[] = [
  'destroy',
  'restart',
  'rename-restart',
  'preserve',
  'coredump-destroy',
  'coredump-restart',
  'soft-reset',
];

export interface ParsedGuest {
  readonly config: GuestConfig;
  /** One line each, for stderr. */
  readonly warnings: readonly string[];
}

const COMMAND_LINE = 'command line';

interface Said extends CfgSetting {
  /** The file, or the command line, which has no lines. */
  readonly where: string;
}

/** The settings of one guest, with where each was said. */
class Settings {
  readonly #values = new Map<string, Said>();

  constructor(readonly file: string) {}

  add(s: CfgSetting, where = this.file): void {
    const old = this.#values.get(s.key);
    if (s.append && old !== undefined) {
      const both = typeof old.value === 'string' && typeof s.value === 'string';
      const value = both ? `${String(old.value)}${String(s.value)}` : ([old.value, s.value].flat() as CfgValue);
      this.#values.set(s.key, { ...s, value, where });
    } else this.#values.set(s.key, { ...s, where });
  }

  fail(key: string, what: string): never {
    const said = this.#values.get(key);
    throw new CfgError(said?.where ?? this.file, said?.line ?? 0, what);
  }

  keys(): Said[] {
    return [...this.#values.values()];
  }

  has(key: string): boolean {
    return this.#values.has(key);
  }

  string(key: string): string | undefined {
    const value = this.#values.get(key)?.value;
    if (value === undefined) return undefined;
    return typeof value === 'string' ? value : this.fail(key, `${key} must be a quoted string`);
  }

  number(key: string, low: number, high: number): number | undefined {
    const raw = this.#values.get(key)?.value;
    if (raw === undefined) return undefined;
    // xl accepts a number in quotes.
    const value = typeof raw === 'string' && /^\d+$/.test(raw) ? Number(raw) : raw;
    if (typeof value !== 'number') return this.fail(key, `${key} must be a number`);
    return value >= low && value <= high ? value : this.fail(key, `${key} = ${value} is out of range ${low}..${high}`);
  }

  isNumber(key: string): boolean {
    return typeof this.#values.get(key)?.value === 'number';
  }

  strings(key: string): string[] {
    const value = this.#values.get(key)?.value;
    if (value === undefined) return [];
    if (typeof value === 'string' || typeof value === 'number') return this.fail(key, `${key} must be a list`);
    return value.map((v) => (typeof v === 'string' ? v : this.fail(key, `${key} must be a list of strings`)));
  }

  action(key: string, fallback: LifeAction): LifeAction {
    const value = this.string(key);
    if (value === undefined) return fallback;
    const action = ACTIONS.find((a) => a === value);
    return action ?? this.fail(key, `${key} = "${value}" is not one of ${ACTIONS.join(', ')}`);
  }
}

/** KEY=VALUE or KEY+=VALUE; text need not be quoted, as the shell leaves it. */
function override(word: string): CfgSetting {
  const match = /^\s*([A-Za-z_]\w*)\s*(\+?)=(.*)$/s.exec(word);
  if (match === null) throw new CfgError(COMMAND_LINE, 0, `'${word}' is not KEY=VALUE`);
  const [, key, plus, text] = match as unknown as [string, string, string, string];
  const plain = { key, value: text, append: plus === '+', line: 0 };
  try {
    const settings = parseCfg(`${key} = ${text}`, COMMAND_LINE);
    return settings.length === 1 ? { ...plain, value: settings[0]!.value } : plain;
  } catch (error) {
    // What looks like a list or a quoted string was meant as one.
    if (error instanceof CfgError && /^\s*["'[]/.test(text))
      throw new CfgError(COMMAND_LINE, 0, `${key}: ${error.what}`);
    if (error instanceof CfgError) return plain;
    throw error;
  }
}

function disks(s: Settings): VirtioDisk[] {
  const list = s.strings('disk').map((entry) => {
    try {
      return parseDisk(entry);
    } catch (error) {
      if (error instanceof DiskError) return s.fail('disk', error.message);
      throw error;
    }
  });
  const seen = new Map<number, string>();
  for (const { vdev } of list) {
    const id = vdevToDevid(vdev)!;
    if (seen.has(id)) s.fail('disk', `vdev ${vdev} is given twice`);
    seen.set(id, vdev);
  }
  return list;
}

/** `virtio = 1` with `vdisk`: both or neither (the creation fails else). Undefined: neither is there. */
function vdisks(s: Settings): VirtioDisk[] | undefined {
  const virtio = s.isNumber('virtio') ? s.number('virtio', 0, 1) === 1 : undefined;
  if (virtio === undefined && !s.has('vdisk')) return undefined;
  if (virtio === true && !s.has('vdisk')) return s.fail('virtio', 'virtio = 1 without vdisk: the creation fails');
  if (virtio !== true)
    return s.has('vdisk') ? s.fail('vdisk', 'vdisk without virtio = 1: the creation fails') : undefined;
  if (s.has('disk')) s.fail('vdisk', 'vdisk and disk cannot be used together');
  try {
    return parseVdisk(s.strings('vdisk')[0] ?? '');
  } catch (error) {
    if (error instanceof DiskError) return s.fail('vdisk', error.message);
    throw error;
  }
}

const VIRTIO_FIELDS = ['type', 'backend', 'transport', 'grant_usage'];

function genericVirtio(s: Settings): GenericVirtio[] {
  return s.strings('virtio').map((entry) => {
    const fields = new Map(
      entry
        .split(/,\s*(?=[a-z_]+=)/)
        .map((part) => part.trim().split('='))
        .map(([key, value]) => [key!, value ?? '']),
    );
    for (const key of fields.keys())
      if (!VIRTIO_FIELDS.includes(key))
        s.fail('virtio', `unknown parameter '${key}' in virtio '${entry}'${guess(key, VIRTIO_FIELDS)}`);
    const type = fields.get('type') ?? '';
    if (!/^virtio,device[0-9a-f]*$/.test(type)) s.fail('virtio', `type '${type}' is not "virtio,deviceNN"`);
    if ((fields.get('transport') ?? 'mmio') !== 'mmio') s.fail('virtio', 'transport must be mmio');
    const grants = fields.get('grant_usage');
    if (grants !== undefined && grants !== '0' && grants !== '1')
      s.fail('virtio', `grant_usage must be 0 or 1, not '${grants}'`);
    return { type, backend: fields.get('backend'), grantUsage: grants === undefined ? undefined : grants === '1' };
  });
}

function cpuList(s: Settings): number[] | undefined {
  const value = s.string('cpus');
  if (value === undefined || value === 'all') return undefined;
  const list = value.split(',').flatMap((part) => {
    const match = /^(\d+)(?:-(\d+))?$/.exec(part.trim());
    if (match === null) return s.fail('cpus', `cpus = "${value}": '${part}' is not N or N-M`);
    const [from, to] = [Number(match[1]), Number(match[2] ?? match[1])];
    if (to < from || to > 127) return s.fail('cpus', `cpus = "${value}": '${part}' is not a range`);
    return Array.from({ length: to - from + 1 }, (_, i) => from + i);
  });
  return [...new Set(list)];
}

/** Reads one file and the overrides. Throws CfgError; with `strict` what would be a warning is an error too. */
export function readGuestConfig(file: string, overrides: readonly string[], strict: boolean): ParsedGuest {
  let source: string;
  try {
    source = readFileSync(file, 'utf8');
  } catch (error) {
    throw new CfgError(file, 0, `cannot be read (${(error as NodeJS.ErrnoException).code ?? 'error'})`);
  }
  const s = new Settings(file);
  for (const setting of parseCfg(source, file)) s.add(setting);
  for (const word of overrides) s.add(override(word), COMMAND_LINE);

  const warnings: string[] = [];
  const modelled = new Set<string>(MODELLED_KEYS);
  const unknown = s.keys().filter(({ key }) => !modelled.has(key) && !KNOWN_KEYS.includes(key));
  for (const { key, line, where } of unknown) {
    const error = new CfgError(where, line, `unknown key '${key}'${guess(key, [...MODELLED_KEYS, ...KNOWN_KEYS])}`);
    if (strict) throw error;
    warnings.push(error.message);
  }
  const idle = s.keys().filter(({ key }) => KNOWN_KEYS.includes(key) && !modelled.has(key));
  if (idle.length > 0) {
    const what = `not modelled, ignored: ${idle.map(({ key }) => key).join(', ')}`;
    if (strict) throw new CfgError(idle[0]!.where, idle[0]!.line, what);
    warnings.push(`${file}: ${what}`);
  }

  const kernel = s.string('kernel');
  if (kernel === undefined) throw new CfgError(file, 0, 'no kernel given (kernel = "FILE")');
  const memory = s.number('memory', 1, 3072 + 1024 * 1024) ?? 256;
  const vcpus = s.number('vcpus', 1, 8) ?? 1;
  const vuart = s.string('vuart');
  if (vuart !== undefined && vuart !== 'sbsa_uart') s.fail('vuart', `vuart = "${vuart}": only "sbsa_uart" exists`);
  if (s.has('irqs')) checkIrqs(s);
  const root = s.string('root');
  const extra = s.string('extra');
  const cmdline =
    s.string('cmdline') ??
    [root === undefined ? undefined : `root=${root}`, extra].filter((w) => w !== undefined).join(' ');
  const uuid = s.string('uuid');
  if (uuid !== undefined && !/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(uuid))
    s.fail('uuid', `uuid = "${uuid}" is not a UUID`);
  const old = vdisks(s);
  const config: GuestConfig = {
    name: s.string('name') ?? s.fail('name', 'no name given (name = "NAME")'),
    uuid: uuid?.toLowerCase(),
    kernel,
    ramdisk: s.string('ramdisk'),
    cmdline,
    memoryMiB: memory,
    maxMemMiB: s.number('maxmem', memory, 2 ** 21),
    vcpus,
    maxVcpus: s.number('maxvcpus', vcpus, 8),
    vuart: vuart !== undefined,
    ...(old === undefined ? {} : { diskSyntax: 'vdisk' as const }),
    disks: old ?? disks(s),
    virtio: s.isNumber('virtio') ? [] : genericVirtio(s),
    nrSpis: s.number('nr_spis', 0, 960),
    onPoweroff: s.action('on_poweroff', 'destroy'),
    onReboot: s.action('on_reboot', 'restart'),
    onCrash: s.action('on_crash', 'destroy'),
    cpuWeight: s.number('cpu_weight', 1, 65535),
    cpus: cpuList(s),
  };
  return { config, warnings };
}

/** Physical interrupts of a guest: none is modelled, but the clash with virtio's range is xl's own error. */
function checkIrqs(s: Settings): void {
  const value = s.keys().find(({ key }) => key === 'irqs')!.value;
  for (const irq of Array.isArray(value) ? value : [value]) {
    if (typeof irq === 'number' && irq >= 33 && irq <= 43) {
      s.fail('irqs', `Physical IRQ ${irq} conflicting with Virtio MMIO IRQ range`);
    }
  }
}
