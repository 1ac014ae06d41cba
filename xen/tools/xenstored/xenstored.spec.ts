import { expect, test } from 'vitest';
import { xenFixture, type Caller, type XenFixture } from '../../../test/xen-fixture.js';
import { Xenstored } from './xenstored.js';

// struct xenstore_domain_interface: req[1024] @0, rsp[1024] @1024, req_cons @2048, req_prod, rsp_cons, rsp_prod
// (xen: xen/include/public/io/xs_wire.h). Message: type, req_id, tx_id, len, all u32.
const RING = 0x4000_4000;
const [REQ_CONS, REQ_PROD, RSP_CONS, RSP_PROD] = [2048, 2052, 2056, 2060];
const T = {
  DIRECTORY: 1,
  READ: 2,
  GET_PERMS: 3,
  WATCH: 4,
  UNWATCH: 5,
  TX_START: 6,
  TX_END: 7,
  INTRODUCE: 8,
  DOMAIN_PATH: 10,
  WRITE: 11,
  MKDIR: 12,
  RM: 13,
  SET_PERMS: 14,
  EVENT: 15,
  ERROR: 16,
  INTRODUCED: 17,
  RESET: 21,
};

interface Reply {
  type: number;
  id: number;
  tx: number;
  body: string;
}

interface Guest {
  readonly c: Caller;
  /** Puts bytes into the ring, notifies and lets xenstored answer. */
  send(bytes: Uint8Array): void;
  /** Takes all complete messages. */
  receive(): Reply[];
  /** One request, one reply. */
  ask(type: number, body?: string, tx?: number): [number, string];
  word(at: number, value?: number): number;
}

function message(type: number, body: string, id: number, tx = 0): Uint8Array {
  const text = Buffer.from(body, 'latin1');
  const bytes = Buffer.alloc(16 + text.length);
  [type, id, tx, text.length].forEach((word, i) => bytes.writeUInt32LE(word, i * 4));
  text.copy(bytes, 16);
  return bytes;
}

function setup() {
  const f = xenFixture();
  const xenstored = new Xenstored(f.xen, f.dom0.d);
  f.xen.services.set('xenstored', xenstored);
  const guest = (name: string): Guest => attach(f, xenstored, name);
  return { f, xenstored, guest, store: xenstored.store };
}

function attach(f: XenFixture, xenstored: Xenstored, name: string): Guest {
  const c = f.domain(name);
  const home = `/local/domain/${c.id}`;
  xenstored.store.write(0, home, '');
  xenstored.store.setPerms(0, home, [{ access: 'n', domid: c.id }]);
  const port = f.xen.evtchn.allocUnbound(c.d, 0);
  xenstored.introduce(c.id, c.pa(RING), port);
  let input = Buffer.alloc(0);
  let id = 0;
  const word = (at: number, value?: number): number => {
    if (value !== undefined) f.xen.memory.write32(c.pa(RING) + at, value >>> 0);
    return f.xen.memory.read32(c.pa(RING) + at);
  };
  const notify = (): void => {
    f.xen.evtchn.send(c.d, port);
    f.machine.run(1, f.machine.time + f.xen.costTicks('xenstore.answer') + 2n);
  };
  const g: Guest = {
    c,
    word,
    send: (bytes) => {
      const prod = word(REQ_PROD);
      bytes.forEach((byte, i) => f.xen.memory.write8(c.pa(RING) + ((prod + i) % 1024), byte));
      word(REQ_PROD, prod + bytes.length);
      notify();
    },
    receive: () => {
      const replies: Reply[] = [];
      for (;;) {
        const [cons, prod] = [word(RSP_CONS), word(RSP_PROD)];
        const n = (prod - cons) >>> 0;
        const bytes = Buffer.from(
          Array.from({ length: n }, (_, i) => f.xen.memory.read8(c.pa(RING) + 1024 + ((cons + i) % 1024))),
        );
        input = Buffer.concat([input, bytes]);
        word(RSP_CONS, prod);
        while (input.length >= 16 && input.length >= 16 + input.readUInt32LE(12)) {
          const end = 16 + input.readUInt32LE(12);
          replies.push({
            type: input.readUInt32LE(0),
            id: input.readUInt32LE(4),
            tx: input.readUInt32LE(8),
            body: input.subarray(16, end).toString('latin1'),
          });
          input = input.subarray(end);
        }
        if (n === 0) return replies;
        notify();
      }
    },
    ask: (type, body = '', tx = 0) => {
      g.send(message(type, body, ++id, tx));
      const replies = g.receive().filter((r) => r.type !== T.EVENT);
      expect(replies.map((r) => [r.id, r.tx])).toEqual([[id, tx]]);
      return [replies[0]!.type, replies[0]!.body];
    },
  };
  return g;
}

test('read, write, directory, mkdir, rm over the ring', () => {
  const g = setup().guest('a');
  expect(g.ask(T.WRITE, 'x\0value')).toEqual([T.WRITE, 'OK\0']);
  expect(g.ask(T.READ, 'x\0')).toEqual([T.READ, 'value']);
  expect(g.ask(T.WRITE, 'x\0bin\0ary')).toEqual([T.WRITE, 'OK\0']);
  expect(g.ask(T.READ, `/local/domain/${g.c.id}/x\0`)).toEqual([T.READ, 'bin\0ary']);
  expect(g.ask(T.MKDIR, 'd/e\0')).toEqual([T.MKDIR, 'OK\0']);
  expect(g.ask(T.DIRECTORY, `/local/domain/${g.c.id}\0`)).toEqual([T.DIRECTORY, 'x\0d\0']);
  expect([g.ask(T.RM, 'd\0'), g.ask(T.READ, 'd\0')]).toEqual([
    [T.RM, 'OK\0'],
    [T.ERROR, 'ENOENT\0'],
  ]);
  expect(g.ask(T.GET_PERMS, 'x\0')).toEqual([T.GET_PERMS, 'n1\0']);
  expect([g.ask(T.SET_PERMS, 'x\0n1\0r0\0'), g.ask(T.GET_PERMS, 'x\0')[1]]).toEqual([
    [T.SET_PERMS, 'OK\0'],
    'n1\0r0\0',
  ]);
  expect([g.ask(T.DOMAIN_PATH, '7\0'), g.ask(T.INTRODUCED, '1\0')[1], g.ask(T.INTRODUCED, '9\0')[1]]).toEqual([
    [T.DOMAIN_PATH, '/local/domain/7\0'],
    'T\0',
    'F\0',
  ]);
});

test('every malformed request gets an error and changes nothing', () => {
  const { f, guest, store } = setup();
  const g = guest('a');
  const before = store.list();
  const bad: [number, string][] = [
    [T.READ, 'x'],
    [T.READ, ''],
    [T.READ, 'x\0y\0'],
    [T.READ, '\0'],
    [T.DIRECTORY, 'x'],
    [T.WRITE, 'x'],
    [T.WRITE, ''],
    [T.MKDIR, 'x'],
    [T.RM, 'x'],
    [T.WATCH, 'x\0'],
    [T.WATCH, 'x\0t'],
    [T.WATCH, 'x\0t\0u\0'],
    [T.TX_END, 'X\0'],
    [T.TX_END, ''],
    [T.SET_PERMS, '/local/domain/1\0z1\0'],
    [T.SET_PERMS, '/local/domain/1\0'],
    [T.DOMAIN_PATH, 'x\0'],
    [T.DOMAIN_PATH, '123456\0'],
  ];
  for (const [type, body] of bad) expect([type, body, ...g.ask(type, body)]).toEqual([type, body, T.ERROR, 'EINVAL\0']);
  expect(
    [
      g.ask(T.INTRODUCE, '1\0'),
      g.ask(9, '1\0'),
      g.ask(0, 'help\0'),
      g.ask(T.UNWATCH, 'x\0t\0'),
      g.ask(99, 'x\0'),
      g.ask(T.EVENT, 'x\0'),
      g.ask(T.TX_END, 'T\0', 5),
    ].map(([, e]) => e),
  ).toEqual(['EACCES\0', 'EACCES\0', 'EACCES\0', 'ENOENT\0', 'ENOSYS\0', 'ENOSYS\0', 'ENOENT\0']);
  expect([store.list(), f.errors()]).toEqual([before, []]);
});

test('requests arrive in pieces and together; indices wrap', () => {
  const { f, guest } = setup();
  const g = guest('a');
  for (const at of [REQ_CONS, REQ_PROD, RSP_CONS, RSP_PROD]) g.word(at, 0xffff_fff0);
  const two = Buffer.concat([message(T.WRITE, 'x\0' + 'v'.repeat(300), 1), message(T.READ, 'x\0', 2)]);
  g.send(two.subarray(0, 7));
  g.send(two.subarray(7, 200));
  expect(g.receive()).toEqual([]);
  g.send(two.subarray(200));
  expect(g.receive().map((r) => [r.id, r.body.length])).toEqual([
    [1, 3],
    [2, 300],
  ]);
  expect(f.errors()).toEqual([]);
});

test('a reply larger than the ring comes as the guest takes it; one larger than the protocol allows is E2BIG', () => {
  const { guest, store } = setup();
  const g = guest('a');
  store.write(0, '/local/domain/1/big', 'y'.repeat(4000));
  expect(g.ask(T.READ, 'big\0')).toEqual([T.READ, 'y'.repeat(4000)]);
  for (let i = 0; i < 100; i++) store.write(0, `/local/domain/1/d/${'n'.repeat(40)}${i}`, '');
  expect(g.ask(T.DIRECTORY, 'd\0')).toEqual([T.ERROR, 'E2BIG\0']);
});

test('watches fire at registration, for the path and below, and for what goes with a removed tree', () => {
  const { guest, store } = setup();
  const g = guest('a');
  const events = (): string[] =>
    g
      .receive()
      .filter((r) => r.type === T.EVENT)
      .map((r) => r.body);
  g.send(message(T.WATCH, 'dev\0tok\0', 1));
  expect(g.receive().map((r) => [r.type, r.body])).toEqual([
    [T.WATCH, 'OK\0'],
    [T.EVENT, 'dev\0tok\0'],
  ]);
  expect([g.ask(T.WATCH, 'dev\0tok\0'), g.ask(T.WATCH, '/local/domain/1/dev/x\0abs\0')[0]]).toEqual([
    [T.ERROR, 'EEXIST\0'],
    T.WATCH,
  ]);
  events();
  store.write(0, '/local/domain/1/dev/x', '1');
  expect(events()).toEqual(['dev\0tok\0', 'dev/x\0tok\0', '/local/domain/1/dev/x\0abs\0']); // dev came with it
  store.write(0, '/local/domain/1/other', '1');
  store.write(0, '/local/domain/1/device', '1');
  expect(events()).toEqual([]);
  store.rm(0, '/local/domain/1/dev');
  expect(events()).toEqual(['dev\0tok\0', '/local/domain/1/dev/x\0abs\0']);
  expect(g.ask(T.UNWATCH, 'dev\0tok\0')[1]).toBe('OK\0');
  store.write(0, '/local/domain/1/dev', '1');
  expect(events()).toEqual([]);
  expect(g.ask(T.RESET, '\0')[1]).toBe('OK\0');
  store.write(0, '/local/domain/1/dev/x', '1');
  expect(events()).toEqual([]);
});

test('a guest is not told of what it may not read', () => {
  const { guest, store } = setup();
  const [a, b] = [guest('a'), guest('b')];
  a.ask(T.WATCH, '/\0all\0');
  a.ask(T.WATCH, '@releaseDomain\0gone\0');
  a.receive();
  b.ask(T.WRITE, 'secret\0x');
  store.write(0, '/tool/x', '1');
  store.rm(0, '/tool/x');
  b.ask(T.RM, 'secret\0');
  expect(a.receive()).toEqual([]);
});

test('transactions over the ring: a conflict is EAGAIN, the retry commits', () => {
  const { guest, store } = setup();
  const g = guest('a');
  const start = (): number => Number(g.ask(T.TX_START, '\0')[1].replace('\0', ''));
  const t = start();
  g.ask(T.WRITE, 'x\0one', t);
  store.write(0, '/local/domain/1/x', 'zero');
  expect([g.ask(T.TX_END, 'T\0', t), g.ask(T.READ, 'x\0')[1]]).toEqual([[T.ERROR, 'EAGAIN\0'], 'zero']);
  const u = start();
  g.ask(T.WRITE, 'x\0one', u);
  expect([g.ask(T.READ, 'x\0')[1], g.ask(T.TX_END, 'T\0', u)[1], g.ask(T.READ, 'x\0')[1]]).toEqual([
    'zero',
    'OK\0',
    'one',
  ]);
});

test('impossible indices and lengths cut the guest off, once, and nobody else', () => {
  const { f, guest } = setup();
  const [a, b, c] = [guest('a'), guest('b'), guest('c')];
  a.word(REQ_PROD, 2000);
  a.send(new Uint8Array(0));
  a.send(message(T.READ, 'x\0', 1));
  b.send(Buffer.from([2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0x01, 0x10, 0, 0])); // 4097 bytes
  b.send(message(T.READ, 'x\0', 1));
  expect([b.receive(), f.machine.errors.list().map((e) => [e.kind, e.device, e.count])]).toEqual([
    [],
    [
      ['xenstore-protocol', 'd1', 1],
      ['xenstore-protocol', 'd2', 1],
    ],
  ]);
  expect(c.ask(T.READ, 'x\0')).toEqual([T.ERROR, 'ENOENT\0']);
});

test('a guest that does not read its replies is cut off, and costs no more', () => {
  const { f, guest, store } = setup();
  const g = guest('a');
  g.ask(T.WATCH, '/local/domain/1\0' + 't'.repeat(900) + '\0');
  for (let i = 0; i < 2000; i++) store.write(0, '/local/domain/1/x', String(i));
  expect(f.machine.errors.list().map((e) => [e.kind, e.count])).toEqual([['xenstore-protocol', 1]]);
});

test('watches are bounded', () => {
  const g = setup().guest('a');
  for (let i = 0; i < 128; i++) expect(g.ask(T.WATCH, `w${i}\0t\0`)[1]).toBe('OK\0');
  expect(g.ask(T.WATCH, 'more\0t\0')).toEqual([T.ERROR, 'E2BIG\0']);
});

test('modelled clients are told of what they may see', () => {
  const { xenstored, store, guest } = setup();
  const g = guest('a');
  const seen: string[] = [];
  xenstored.attachClient('c', { onWatch: (path, token) => void seen.push(`${path} ${token}`) });
  xenstored.watchLocal('c', g.c.id, 'backend', 'be');
  store.write(0, '/local/domain/1/backend/x', '');
  store.write(0, '/tool/x', '');
  expect(seen).toEqual(['backend be', '/local/domain/1/backend be', '/local/domain/1/backend/x be']);
  xenstored.unwatchLocal('c', '/local/domain/1/backend', 'be');
  store.rm(0, '/local/domain/1/backend');
  expect(seen).toHaveLength(3);
});

test('saved in the middle of a request and restored, it is answered', () => {
  const { f, xenstored, guest } = setup();
  const g = guest('a');
  const request = message(T.WRITE, 'x\0v', 1);
  g.ask(T.WATCH, 'x\0t\0');
  g.send(request.subarray(0, 10));
  const saved = JSON.parse(JSON.stringify(xenstored.save()));
  const other = new Xenstored(f.xen, f.dom0.d);
  other.load(saved);
  f.xen.services.set('xenstored', other);
  g.send(request.subarray(10));
  expect(g.receive().map((r) => [r.type, r.body])).toEqual([
    [T.EVENT, 'x\0t\0'],
    [T.WRITE, 'OK\0'],
  ]);
  expect(other.store.readText(0, '/local/domain/1/x')).toBe('v');
  expect(JSON.parse(JSON.stringify(other.save())).connections).toHaveLength(1);
});
