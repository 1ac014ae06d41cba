/** Kernel modules for the initramfs: the wanted ones with what they depend on, decompressed, in load order. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import xz from 'xz-decompress';
import { GuestSetupError } from './errors.js';

export interface KernelModule {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** `modules.dep` is made on the target, so dependencies are read from each module's own .modinfo section. */
function dependsOf(bytes: Uint8Array): string[] {
  const text = Buffer.from(bytes).toString('latin1');
  const match = /\0depends=([^\0]*)\0/.exec(text);
  return (match?.[1] ?? '').split(',').filter((name) => name !== '');
}

function findAll(folder: string, found: Map<string, string>): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) findAll(path, found);
    else {
      const match = /^(.*)\.ko(?:\.xz)?$/.exec(entry.name);
      if (match?.[1] !== undefined) found.set(match[1].replaceAll('-', '_'), path);
    }
  }
}

async function readModule(path: string): Promise<Uint8Array> {
  const raw = readFileSync(path);
  if (!path.endsWith('.xz')) return raw;
  const compressed = new Response(raw).body;
  if (compressed === null) throw new GuestSetupError(`${path} is empty`);
  return new Uint8Array(await new Response(new xz.XzReadableStream(compressed)).arrayBuffer());
}

/** The wanted modules in load order. One that is built in (no file, listed in modules.builtin) is left out. */
export async function collectModules(folder: string, wanted: readonly string[]): Promise<KernelModule[]> {
  if (!existsSync(folder)) throw new GuestSetupError(`no module folder ${folder}`);
  const paths = new Map<string, string>();
  findAll(folder, paths);
  const order: KernelModule[] = [];
  const seen = new Set<string>();
  const add = async (name: string): Promise<void> => {
    if (seen.has(name)) return;
    seen.add(name);
    const path = paths.get(name);
    if (path === undefined) return;
    const bytes = await readModule(path);
    for (const dependency of dependsOf(bytes)) await add(dependency.replaceAll('-', '_'));
    order.push({ name, bytes });
  };
  for (const name of wanted) await add(name);
  return order;
}
