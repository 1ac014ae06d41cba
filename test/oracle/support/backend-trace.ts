/** The recorded calls of the real virtio-disk, in the form that the simulated backend's are compared in. */
import { goldenText } from './golden.js';

export interface GoldenIoreq {
  readonly read: boolean;
  readonly type: number;
  readonly addr: number;
  readonly size: number;
  readonly count: number;
  /** What was written, or what was answered. */
  readonly data: bigint;
}

/** A call of the backend; `text` has no local port numbers, which are the domain's own. */
export type GoldenCall =
  | { readonly kind: 'ioreq'; readonly ioreq: GoldenIoreq }
  | { readonly kind: 'call'; readonly text: string }
  | { readonly kind: 'map' | 'unmap'; readonly pages: number };

const IOREQ =
  /^IOREQ\s+slot\d+ type=(\d+) ([RW]) addr=(0x\w+) \S+\s+size=(\d+) count=(\d+) data_in=(0x\w+) data_out=(0x\w+)/;

function parseLine(line: string): GoldenCall {
  const ioreq = IOREQ.exec(line);
  if (ioreq !== null) {
    const [, type, way, addr, size, count, dataIn, dataOut] = ioreq as unknown as [string, ...string[]];
    const read = way === 'R';
    const data = BigInt((read ? dataOut : dataIn)!);
    return {
      kind: 'ioreq',
      ioreq: { read, type: Number(type), addr: Number(addr), size: Number(size), count: Number(count), data },
    };
  }
  const op = /^DM_OP\s+op=(\d+) \S+ in=(\w+) .* rc=0$/.exec(line);
  if (op !== null) return { kind: 'call', text: `dm_op ${op[1]} ${op[2]}` };
  const resource = /^PRIVCMD MMAP_RESOURCE dom=\d+ (type=\d+ id=\d+ idx=\d+ num=\d+) rc=0$/.exec(line);
  if (resource !== null) return { kind: 'call', text: `acquire_resource ${resource[1]}` };
  const bind = /^EVTCHN\s+BIND_INTERDOMAIN remote_dom=\d+ (remote_port=\d+) /.exec(line);
  if (bind !== null) return { kind: 'call', text: `bind_interdomain ${bind[1]}` };
  if (/^EVTCHN\s+UNBIND/.test(line)) return { kind: 'call', text: 'close' };
  if (/^MUNMAP\s+1 page\(s\) \(ioreq page\)$/.test(line)) return { kind: 'call', text: 'unmap ioreq page' };
  const map = /^PRIVCMD MMAPBATCH_V2 num=(\d+) first_gfn=\w+ rc=0$/.exec(line);
  if (map !== null) return { kind: 'map', pages: Number(map[1]) };
  const unmap = /^MUNMAP\s+(\d+) page\(s\)$/.exec(line);
  if (unmap !== null) return { kind: 'unmap', pages: Number(unmap[1]) };
  throw new Error(`not a line of the backend's trace: ${line}`);
}

/** g1.backend-trace.txt: one life of a guest with one vCPU. */
export function goldenBackendTrace(): GoldenCall[] {
  return goldenText('g1.backend-trace.txt')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => parseLine(line.replace(/^\s*[\d.]+ /, '')));
}

const REGISTERS: ReadonlyMap<number, string> = new Map([
  [0x00, 'MagicValue'],
  [0x04, 'Version'],
  [0x08, 'DeviceID'],
  [0x0c, 'VendorID'],
  [0x10, 'DeviceFeatures'],
  [0x14, 'DeviceFeaturesSel'],
  [0x20, 'DriverFeatures'],
  [0x24, 'DriverFeaturesSel'],
  [0x30, 'QueueSel'],
  [0x34, 'QueueNumMax'],
  [0x38, 'QueueNum'],
  [0x44, 'QueueReady'],
  [0x50, 'QueueNotify'],
  [0x60, 'InterruptStatus'],
  [0x64, 'InterruptACK'],
  [0x70, 'Status'],
  [0x80, 'QueueDescLow'],
  [0x84, 'QueueDescHigh'],
  [0x90, 'QueueDriverLow'],
  [0x94, 'QueueDriverHigh'],
  [0xa0, 'QueueDeviceLow'],
  [0xa4, 'QueueDeviceHigh'],
  [0xfc, 'ConfigGeneration'],
]);

/** A request in words, with the data that does not depend on where the guest's pages happen to be. */
export function ioreqText({ read, type, addr, size, count, data }: GoldenIoreq): string {
  const offset = addr - 0x200_0000;
  const name = type === 8 ? 'INVALIDATE' : (REGISTERS.get(offset) ?? `0x${offset.toString(16)}`);
  const shown = /^Queue(Desc|Driver|Device)Low$/.test(name) ? 'PAGE' : `0x${data.toString(16)}`;
  return `${read ? 'R' : 'W'} ${name} ${shown} type=${type} size=${size} count=${count}`;
}
