import { expect, test } from 'vitest';
import { xenFixture } from '../../../test/xen-fixture.js';
import { Xenconsoled } from './xenconsoled.js';

// struct xencons_interface: in[1024] @0, out[2048] @1024, in_cons @3072, in_prod, out_cons, out_prod (xen: public/io/console.h).
const RING = 0x4000_4000;
const [OUT, IN_CONS, IN_PROD, OUT_CONS, OUT_PROD] = [1024, 3072, 3076, 3080, 3084];

function setup() {
  const f = xenFixture();
  const shown: string[] = [];
  const consoled = new Xenconsoled(
    f.xen,
    f.dom0.d,
    (domid, kind, bytes) => void shown.push(`d${domid} ${kind} ${Buffer.from(bytes).toString('latin1')}`),
  );
  f.xen.services.set('xenconsoled', consoled);
  const c = f.domain('a');
  const port = f.xen.evtchn.allocUnbound(c.d, 0);
  expect(consoled.open(c.id, 'hvc0', c.pa(RING), port)).toBe(true);
  const { memory } = f.xen;
  const word = (at: number, value?: number): number => {
    if (value !== undefined) memory.write32(c.pa(RING) + at, value >>> 0);
    return memory.read32(c.pa(RING) + at);
  };
  const put = (text: string): void => {
    const prod = word(OUT_PROD);
    [...Buffer.from(text, 'latin1')].forEach((byte, i) => memory.write8(c.pa(RING) + OUT + ((prod + i) % 2048), byte));
    word(OUT_PROD, prod + text.length);
  };
  const notify = (): void => {
    f.xen.evtchn.send(c.d, port);
    f.machine.run(1, f.machine.time + f.xen.costTicks('console.drain') + 2n);
  };
  const take = (count = 1024): string => {
    const [cons, prod] = [word(IN_CONS), word(IN_PROD)];
    const n = Math.min(count, (prod - cons) >>> 0);
    word(IN_CONS, cons + n);
    return Buffer.from(Array.from({ length: n }, (_, i) => memory.read8(c.pa(RING) + ((cons + i) % 1024)))).toString(
      'latin1',
    );
  };
  const told = (): boolean => {
    const was = c.d.evtchn.ops.isPending(f.xen, c.d, port);
    c.d.evtchn.ops.clearPending(f.xen, c.d, c.d.evtchn.at(port)!);
    return was;
  };
  return { f, consoled, c, shown, word, put, notify, take, told };
}

test('output is drained after the latency and the guest is told', () => {
  const t = setup();
  t.told();
  t.put('hello\n');
  expect(t.shown).toEqual([]);
  t.notify();
  expect([t.shown, t.word(OUT_CONS), t.told()]).toEqual([['d1 hvc0 hello\n'], 6, true]);
  t.notify(); // nothing new: nothing said
  expect([t.shown.length, t.told()]).toEqual([1, false]);
});

test('indices wrap at 2^32, the ring at its size; a full ring is drained', () => {
  const t = setup();
  t.word(OUT_CONS, 0xffff_fffe);
  t.word(OUT_PROD, 0xffff_fffe);
  t.put('x'.repeat(2047) + 'y');
  t.notify();
  expect([t.shown[0]?.length, t.shown[0]?.at(-1), t.word(OUT_CONS)]).toEqual(['d1 hvc0 '.length + 2048, 'y', 2046]);
});

test('input goes into the ring as there is room, also when the guest writes at the same time', () => {
  const t = setup();
  t.consoled.write(t.c.id, 'hvc0', Buffer.from('a'.repeat(1024) + 'bc'));
  expect([t.word(IN_PROD), t.told()]).toEqual([1024, true]);
  expect(t.take(1)).toBe('a');
  t.put('out');
  t.notify();
  expect([t.shown, t.word(IN_PROD)]).toEqual([['d1 hvc0 out'], 1025]);
  expect(t.take()).toBe('a'.repeat(1023) + 'b');
  t.notify();
  expect(t.take()).toBe('c');
  t.consoled.write(t.c.id, 'vuart', Buffer.from('not open'));
  expect(t.take()).toBe('');
});

test('input beyond the limit is dropped and counted', () => {
  const t = setup();
  t.consoled.write(t.c.id, 'hvc0', Buffer.alloc(60_000));
  t.consoled.write(t.c.id, 'hvc0', Buffer.alloc(10_000));
  expect(t.f.errors()).toEqual(['console-input-dropped d1']);
});

test('indices that lie cut the console off, once', () => {
  for (const [at, value] of [
    [OUT_PROD, 2049],
    [OUT_CONS, 1],
    [IN_CONS, 1],
    [IN_PROD, 1025],
  ] as const) {
    const t = setup();
    t.word(at, value);
    t.consoled.write(t.c.id, 'hvc0', Buffer.from('x'));
    t.notify();
    t.put('after');
    t.notify();
    expect([at, t.shown, t.f.machine.errors.list().map((e) => [e.kind, e.count])]).toEqual([
      at,
      [],
      [['console-ring-indices', 1]],
    ]);
  }
});

test('closing takes what is still there', () => {
  const t = setup();
  t.put('last words');
  t.consoled.close(t.c.id);
  expect(t.shown).toEqual(['d1 hvc0 last words']);
  t.put('too late');
  t.notify();
  expect(t.shown).toHaveLength(1);
});

test('saved and restored with waiting input', () => {
  const t = setup();
  t.consoled.write(t.c.id, 'hvc0', Buffer.from('i'.repeat(1030)));
  const shown: string[] = [];
  const other = new Xenconsoled(t.f.xen, t.f.dom0.d, (_d, _k, bytes) => void shown.push(Buffer.from(bytes).toString()));
  other.load(JSON.parse(JSON.stringify(t.consoled.save())));
  t.f.xen.services.set('xenconsoled', other);
  t.take();
  t.put('x');
  t.notify();
  expect([t.take(), shown]).toEqual(['i'.repeat(6), ['x']]);
});
