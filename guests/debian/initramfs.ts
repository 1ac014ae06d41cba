/** The reproducible, uncompressed initramfs: busybox, modules, the init scripts and the user's files. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeCpio, type CpioEntry } from '../../formats/cpio.js';
import type { KernelModule } from './modules.js';

export interface AddedFile {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly executable: boolean;
}

export interface InitramfsParts {
  readonly busybox: Uint8Array;
  readonly modules: readonly KernelModule[];
  /** Folder with init.sh and demo.sh. */
  readonly scripts: string;
  readonly add: readonly AddedFile[];
  readonly init: Uint8Array | undefined;
}

const FOLDERS = ['bin', 'dev', 'proc', 'sys', 'root', 'tmp', 'modules'];

/** newc bytes; equal input gives equal bytes on every machine. */
export function buildInitramfs(parts: InitramfsParts): Uint8Array {
  const files = new Map<string, { bytes: Uint8Array; mode: number }>();
  const put = (path: string, bytes: Uint8Array, executable: boolean): void => {
    files.set(path.replace(/^\/+/, ''), { bytes, mode: executable ? 0o755 : 0o644 });
  };
  put('init', readFileSync(join(parts.scripts, 'init.sh')), true);
  put('demo.sh', readFileSync(join(parts.scripts, 'demo.sh')), false);
  put('bin/busybox', parts.busybox, true);
  for (const module of parts.modules) put(`modules/${module.name}.ko`, module.bytes, false);
  put('modules/order', new TextEncoder().encode(parts.modules.map((m) => m.name + '\n').join('')), false);
  if (parts.init !== undefined) put('init.user', parts.init, true);
  for (const file of parts.add) put(file.path, file.bytes, file.executable);

  const folders = new Set(FOLDERS);
  for (const path of files.keys()) {
    const steps = path.split('/').slice(0, -1);
    steps.forEach((_, i) => folders.add(steps.slice(0, i + 1).join('/')));
  }
  const entries: CpioEntry[] = [
    ...[...folders].sort().map((path): CpioEntry => ({ path, type: 'directory', mode: 0o755 })),
    // The kernel opens /dev/console for init before devtmpfs is mounted.
    { path: 'dev/console', type: 'char', mode: 0o600, major: 5, minor: 1 },
    ...[...files].map(([path, { bytes, mode }]): CpioEntry => ({ path, type: 'file', mode, bytes })),
  ];
  return writeCpio(entries);
}
