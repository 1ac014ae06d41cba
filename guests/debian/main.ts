/**
 * `npm run guest`: prepares an unmodified Debian arm64 kernel as a guest: kernel, reproducible initramfs, disk
 * image and guest.cfg under .cache/guests/debian-SUITE-FLAVOUR/. Prints the path of the cfg. Nothing is downloaded
 * a second time.
 */
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, isAbsolute, join, resolve } from 'node:path';
import yargs from 'yargs';
import { PrivateApt, missingTools, unpackDeb } from './apt.js';
import { GuestSetupError } from './errors.js';
import { diskImage, sha256 } from './disk.js';
import { buildInitramfs, type AddedFile } from './initramfs.js';
import { collectModules } from './modules.js';

const SUITES = ['bookworm', 'trixie'] as const;
const FLAVOURS = ['arm64', 'cloud-arm64'] as const;
/** What a guest with a virtio-mmio disk needs as modules, if they are modules (guests.md section 1). */
const MODULES = ['virtio_mmio', 'virtio_blk'];

export interface GuestRequest {
  readonly root: string;
  readonly suite: (typeof SUITES)[number];
  readonly flavour: (typeof FLAVOURS)[number];
  readonly kernel: string | undefined;
  readonly modules: string | undefined;
  readonly add: readonly string[];
  readonly init: string | undefined;
  readonly log: (line: string) => void;
}

interface KernelFiles {
  readonly image: string;
  readonly moduleFolder: string | undefined;
  readonly busybox: string;
}

function fetchDebian(request: GuestRequest, cache: string): KernelFiles {
  const missing = missingTools();
  if (missing.length > 0) {
    throw new GuestSetupError(
      `no ${missing.join(', ')} on this machine: a Debian kernel cannot be fetched; use --kernel FILE`,
    );
  }
  const unpacked = join(cache, 'unpacked');
  const done = join(unpacked, '.done');
  if (!existsSync(done)) {
    const apt = new PrivateApt(join(cache, 'apt'), request.suite);
    request.log(`reading the package lists of ${request.suite} (arm64)`);
    apt.update();
    const meta = `linux-image-${request.flavour}`;
    const kernelPackage = /\b(linux-image-[0-9][^ ,]*)/.exec(apt.field(meta, 'Depends') ?? '')?.[1];
    if (kernelPackage === undefined)
      throw new GuestSetupError(`${meta} names no kernel package in suite ${request.suite}`);
    for (const name of [kernelPackage, 'busybox-static']) {
      request.log(`fetching ${name}`);
      unpackDeb(apt.download(name), unpacked);
    }
    writeFileSync(done, kernelPackage + '\n');
  }
  const boot = join(unpacked, 'boot');
  const image = readdirSync(boot).find((name) => name.startsWith('vmlinuz-'));
  if (image === undefined) throw new GuestSetupError(`the kernel package holds no vmlinuz`);
  const version = image.slice('vmlinuz-'.length);
  const lib = [join(unpacked, 'usr/lib/modules', version), join(unpacked, 'lib/modules', version)].find((p) =>
    existsSync(p),
  );
  const busybox = [join(unpacked, 'usr/bin/busybox'), join(unpacked, 'bin/busybox')].find((p) => existsSync(p));
  if (busybox === undefined) throw new GuestSetupError('busybox-static holds no busybox');
  return { image: join(boot, image), moduleFolder: lib, busybox };
}

function parseAdd(text: string): AddedFile {
  const colon = text.lastIndexOf(':');
  const [file, path] = colon > 0 ? [text.slice(0, colon), text.slice(colon + 1)] : [text, '/' + basename(text)];
  if (!existsSync(file)) throw new GuestSetupError(`--add ${text}: no file ${file}`);
  if (!isAbsolute(path)) throw new GuestSetupError(`--add ${text}: the path in the guest must start with /`);
  return { path, bytes: readFileSync(file), executable: true };
}

/** Prepares the guest; returns the path of its guest.cfg. Throws GuestSetupError with one clear line. */
export async function prepareGuest(request: GuestRequest): Promise<string> {
  const shared = join(request.root, '.cache/guests', `debian-${request.suite}-${request.flavour}`);
  mkdirSync(shared, { recursive: true });
  const files = fetchDebian(request, shared);
  const own = request.kernel !== undefined;
  const folder = own ? join(request.root, '.cache/guests', 'own') : shared;
  mkdirSync(folder, { recursive: true });
  const kernel = request.kernel ?? files.image;
  if (!existsSync(kernel)) throw new GuestSetupError(`--kernel ${kernel}: no such file`);
  const moduleFolder = own ? request.modules : files.moduleFolder;
  const modules = moduleFolder === undefined ? [] : await collectModules(moduleFolder, MODULES);
  copyFileSync(kernel, join(folder, 'Image'));
  const initramfs = buildInitramfs({
    busybox: readFileSync(files.busybox),
    modules,
    scripts: join(request.root, 'guests/debian'),
    add: request.add.map(parseAdd),
    init: request.init === undefined ? undefined : readFileSync(request.init),
  });
  writeFileSync(join(folder, 'initrd.cpio'), initramfs);
  const disk = join(folder, 'disk.raw');
  if (!existsSync(disk)) writeFileSync(disk, diskImage());
  const content = readFileSync(disk);
  const cfg = join(folder, 'guest.cfg');
  writeFileSync(
    cfg,
    `# Made by "npm run guest". sha256 of the disk's first MiB: ${sha256(content.subarray(0, 1 << 20))}
name = "debian-${own ? 'own' : `${request.suite}`}"
kernel = "Image"
ramdisk = "initrd.cpio"
extra = "console=ttyAMA0 rcar.run=shell"
memory = 256
vcpus = 1
vuart = "sbsa_uart"
# Debian's kernels have no grant DMA: with grants on, the device would wait for ever.
disk = [ 'format=raw,vdev=xvda,access=rw,specification=virtio,backend=DomD,grant_usage=0,target=disk.raw' ]
on_poweroff = "destroy"
on_reboot = "restart"
on_crash = "destroy"
`,
  );
  return cfg;
}

/** The command line of `npm run guest`; returns the exit code. */
export async function main(argv: readonly string[], root: string): Promise<number> {
  const args = await yargs([...argv])
    .scriptName('npm run guest --')
    .usage('$0: an unmodified Debian arm64 kernel, initramfs, disk and guest.cfg')
    .option('suite', { choices: SUITES, default: 'bookworm' as const, describe: 'Debian release' })
    .option('flavour', { choices: FLAVOURS, default: 'arm64' as const, describe: 'kernel flavour' })
    .option('kernel', { type: 'string', describe: "an arm64 Image of your own instead of Debian's" })
    .option('modules', { type: 'string', describe: 'its module folder (lib/modules/VERSION)' })
    .option('add', {
      type: 'string',
      array: true,
      default: [] as string[],
      describe: 'FILE[:PATH] to put into the initramfs',
    })
    .option('init', { type: 'string', describe: 'your own /init.user, run after the modules are loaded' })
    .strict()
    .version(false)
    .fail((message, error) => {
      throw error ?? new GuestSetupError(message);
    })
    .parseAsync();
  const cfg = await prepareGuest({
    root,
    suite: args.suite,
    flavour: args.flavour,
    kernel: args.kernel === undefined ? undefined : resolve(args.kernel),
    modules: args.modules,
    add: args.add,
    init: args.init,
    log: (line) => process.stderr.write(`guest: ${line}\n`),
  });
  process.stdout.write(cfg + '\n');
  return 0;
}
