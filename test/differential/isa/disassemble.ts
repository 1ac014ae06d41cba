import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const OBJDUMP = 'aarch64-linux-gnu-objdump';

/** The instructions as text, one line each: assembler if objdump is installed, else hexadecimal. */
export function disassemble(words: readonly number[], address: number): string[] {
  const hex = words.map((word) => word.toString(16).padStart(8, '0'));
  const folder = mkdtempSync(join(tmpdir(), 'isa-'));
  try {
    const file = join(folder, 'words.bin');
    writeFileSync(file, new Uint8Array(Uint32Array.from(words).buffer));
    const flags = ['-D', '-b', 'binary', '-m', 'aarch64', '-M', 'no-aliases', `--adjust-vma=0x${address.toString(16)}`];
    const { status, stdout } = spawnSync(OBJDUMP, [...flags, file], { encoding: 'utf8' });
    if (status !== 0) return hex;
    const lines = stdout.split('\n').flatMap((line) => {
      const found = /^\s*[0-9a-f]+:\s+([0-9a-f]{8})\s+(.*)$/.exec(line);
      return found ? [`${found[1]} ${found[2]?.replace(/\s+/g, ' ').trim()}`] : [];
    });
    return lines.length === words.length ? lines : hex;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
