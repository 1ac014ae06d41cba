/**
 * Fetches arm64 packages through the machine's own apt, without root and without touching its state: a private
 * state directory whose one source is the system's Debian mirror with the suite replaced, verified with the
 * system's archive keyring.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { GuestSetupError } from './errors.js';

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

function run(command: string, args: readonly string[], cwd?: string): string {
  try {
    return execFileSync(command, args, {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      maxBuffer: 1 << 26,
      ...(cwd === undefined ? {} : { cwd }),
    });
  } catch (error) {
    const detail = String((error as { stderr?: string }).stderr ?? error).trim();
    throw new GuestSetupError(`${command} ${args.at(-1) ?? ''} failed: ${detail.split('\n').at(-1) ?? ''}`);
  }
}

/** The tools that this needs and the machine lacks; empty when Debian kernels can be fetched. */
export function missingTools(): string[] {
  return ['apt-get', 'dpkg-deb'].filter((tool) => !existsSync(`/usr/bin/${tool}`));
}

function systemSources(): { main: string; security: string | undefined } {
  const codename = /^VERSION_CODENAME=(.*)$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'stable';
  const format = '$(REPO_URI)|$(RELEASE)|$(COMPONENT)|$(ORIGIN)';
  const rows = run('apt-get', ['indextargets', '--format', format, 'Created-By: Packages'])
    .split('\n')
    .map((line) => line.split('|'));
  const find = (release: string): string | undefined =>
    rows.find(([, r, component]) => r === release && component === 'main')?.[0];
  const main =
    find(codename) ?? rows.find(([, , component, origin]) => component === 'main' && origin === 'Debian')?.[0];
  if (main === undefined) {
    throw new GuestSetupError("no Debian 'main' source in this machine's apt configuration; use --kernel FILE instead");
  }
  return { main, security: find(`${codename}-security`) };
}

/** A private apt universe for one suite and arm64. */
export class PrivateApt {
  readonly #options: string[];

  constructor(
    private readonly folder: string,
    private readonly suite: string,
  ) {
    for (const sub of ['state/lists/partial', 'cache/archives/partial', 'etc', 'debs']) {
      mkdirSync(join(folder, sub), { recursive: true });
    }
    const { main, security } = systemSources();
    const signed = existsSync(KEYRING) ? `[arch=arm64 signed-by=${KEYRING}] ` : '[arch=arm64] ';
    const lines = [`deb ${signed}${main} ${suite} main`];
    if (security !== undefined) lines.push(`deb ${signed}${security} ${suite}-security main`);
    writeFileSync(join(folder, 'etc/sources.list'), lines.join('\n') + '\n');
    writeFileSync(join(folder, 'state/status'), '');
    const set = (key: string, value: string): string[] => ['-o', `${key}=${value}`];
    this.#options = [
      ...set('Dir::State', join(folder, 'state')),
      ...set('Dir::State::status', join(folder, 'state/status')),
      ...set('Dir::Cache', join(folder, 'cache')),
      ...set('Dir::Etc::sourcelist', join(folder, 'etc/sources.list')),
      ...set('Dir::Etc::sourceparts', '-'),
      ...set('APT::Architecture', 'arm64'),
      ...set('APT::Architectures', 'arm64'),
      ...set('APT::Sandbox::User', ''),
      ...set('Acquire::Languages', 'none'),
      '-qq',
    ];
  }

  /** Refreshes the package lists. */
  update(): void {
    run('apt-get', [...this.#options, 'update']);
  }

  /** One field of the newest version of a package, undefined if the suite has no such package. */
  field(packageName: string, field: string): string | undefined {
    const text = run('apt-cache', [...this.#options, 'show', '--no-all-versions', packageName]);
    return new RegExp(`^${field}: (.*)$`, 'm').exec(text)?.[1];
  }

  /** Downloads a package once; returns the path of its .deb. */
  download(packageName: string): string {
    const debs = join(this.folder, 'debs');
    const version = this.field(packageName, 'Version');
    if (version === undefined) throw new GuestSetupError(`suite ${this.suite} has no package ${packageName} for arm64`);
    const wanted = `${packageName}_${version.replaceAll(':', '%3a')}_`;
    const have = (): string | undefined => readdirSync(debs).find((name) => name.startsWith(wanted));
    if (have() === undefined) run('apt-get', [...this.#options, 'download', packageName], debs);
    const file = have();
    if (file === undefined) throw new GuestSetupError(`apt-get download ${packageName} left no .deb`);
    return join(debs, file);
  }
}

/** Unpacks a .deb's files into a folder. */
export function unpackDeb(deb: string, folder: string): void {
  mkdirSync(folder, { recursive: true });
  run('dpkg-deb', ['-x', deb, folder]);
}
