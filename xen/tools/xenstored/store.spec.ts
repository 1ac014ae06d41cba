import { expect, test } from 'vitest';
import { Store, XenstoreError, type Permission } from './store.js';

function store() {
  const fired: string[] = [];
  const s = new Store((path, removed) => void fired.push((removed === undefined ? '' : '-') + path));
  const code = (f: () => unknown): unknown => {
    try {
      return f() ?? 'ok';
    } catch (error) {
      if (error instanceof XenstoreError) return error.code;
      throw error;
    }
  };
  const text = (domid: number, path: string, tx = 0): unknown =>
    code(() => new TextDecoder().decode(s.read(domid, path, tx)));
  return { s, fired, code, text };
}

const perms = (...list: string[]): Permission[] =>
  list.map((p) => ({ access: p[0] as Permission['access'], domid: Number(p.slice(1)) }));

/** Dom0 makes a home as libxl does: owned by Dom0, readable by the guest, with a directory that is the guest's own. */
function home(s: Store, domid: number): string {
  const at = `/local/domain/${domid}`;
  s.write(0, at, '');
  s.setPerms(0, at, perms('n0', `r${domid}`));
  s.write(0, `${at}/data`, '');
  s.setPerms(0, `${at}/data`, perms(`n${domid}`));
  return at;
}

test('paths: relative to the home, allowed characters, lengths', () => {
  const { s, code } = store();
  expect([s.canonical(3, 'a/b-C_9@x'), s.canonical(3, '/x'), s.canonical(3, '/')]).toEqual([
    '/local/domain/3/a/b-C_9@x',
    '/x',
    '/',
  ]);
  for (const bad of ['', 'a b', '/a//b', '/a/', 'a/', '/a.b', 'a\0b', 'ü', '/' + 'x'.repeat(3072), 'x'.repeat(2049)])
    expect([bad.slice(0, 8), code(() => s.canonical(1, bad))]).toEqual([bad.slice(0, 8), 'EINVAL']);
  expect(s.canonical(1, 'x'.repeat(2048))).toHaveLength(2048 + '/local/domain/1/'.length);
});

test('write makes parents; directory lists children in order of creation', () => {
  const { s, text } = store();
  s.write(0, '/a/b/c', 'v');
  s.write(0, '/a/z', '');
  s.write(0, '/a/b2', '');
  expect([text(0, '/a/b/c'), text(0, '/a/b'), s.directory(0, '/a'), s.directory(0, '/a/b/c')]).toEqual([
    'v',
    '',
    ['b', 'z', 'b2'],
    [],
  ]);
  s.mkdir(0, '/a/b/c');
  expect(text(0, '/a/b/c')).toBe('v');
});

test('a guest sees and changes what it may, and does not learn what else there is', () => {
  const { s, code, text } = store();
  const at = home(s, 1);
  s.write(0, '/secret/deep', 'x');
  expect([
    text(1, at),
    text(1, `${at}/nothing`),
    text(1, '/secret'),
    text(1, '/secret/deep'),
    text(1, '/secret/nothing'),
    text(1, '/nothing'),
  ]).toEqual(['', 'ENOENT', 'EACCES', 'EACCES', 'EACCES', 'EACCES']);
  expect([
    code(() => s.write(1, at, 'x')),
    code(() => s.write(1, 'new', 'x')),
    code(() => s.write(1, 'data/a/b', 'x')),
    text(1, 'data/a/b'),
  ]).toEqual(['EACCES', 'EACCES', 'ok', 'x']);
  expect(s.getPerms(1, 'data/a')).toEqual(perms('n1'));
  expect([
    code(() => s.mkdir(1, '/secret')),
    code(() => s.rm(1, '/secret')),
    code(() => s.rm(1, '/secret/gone')),
    code(() => s.rm(1, 'gone')),
  ]).toEqual(['EACCES', 'EACCES', 'EACCES', 'EACCES']);
  expect([
    code(() => s.rm(1, 'data/gone')),
    code(() => s.rm(1, 'data/x/gone')),
    code(() => s.rm(0, '/')),
    code(() => s.rm(1, 'data/a')),
    text(1, 'data/a/b'),
  ]).toEqual(['ok', 'ENOENT', 'EINVAL', 'ok', 'ENOENT']);
});

test('permissions: only the owner sets them, and stays the owner', () => {
  const { s, code } = store();
  home(s, 1);
  home(s, 2);
  s.write(1, 'data/x', 'v');
  const set = (domid: number, ...list: string[]): unknown =>
    code(() => s.setPerms(domid, '/local/domain/1/data/x', perms(...list)));
  expect([set(2, 'n2'), set(1, 'n2'), set(1), set(1, 'n1', 'r2', 'r3', 'r4', 'r5', 'r6'), set(1, 'n1', 'r2')]).toEqual([
    'EACCES',
    'EPERM',
    'EINVAL',
    'ENOSPC',
    'ok',
  ]);
  expect([
    code(() => s.read(2, '/local/domain/1/data/x')) instanceof Uint8Array,
    code(() => s.write(2, '/local/domain/1/data/x', '')),
  ]).toEqual([true, 'EACCES']);
  set(1, 'n1', 'b2');
  expect([code(() => s.write(2, '/local/domain/1/data/x', '')), set(2, 'n1'), set(0, 'n2')]).toEqual([
    'ok',
    'EACCES',
    'ok',
  ]);
});

test('quotas bound what a guest can store', () => {
  const { s, code } = store();
  home(s, 1);
  expect(code(() => s.write(1, 'data/big', 'x'.repeat(2048)))).toBe('ENOSPC');
  let made = 0;
  while (made < 2000 && code(() => s.write(1, `data/n${made}`, '')) === 'ok') made++;
  expect(made).toBe(999); // a thousand with data itself
  expect(Array.from({ length: 11 }, () => code(() => s.transactionStart(1))).at(-1)).toBe('ENOSPC');
  s.release(1);
  expect(code(() => s.transactionStart(1))).not.toBe('ENOSPC');
});

test('a transaction is seen by nobody until it commits, and sees itself', () => {
  const { s, fired, text } = store();
  s.write(0, '/a', '1');
  fired.length = 0;
  const t = s.transactionStart(0);
  s.write(0, '/a', '2', t);
  s.write(0, '/b/c', '3', t);
  expect([text(0, '/a'), text(0, '/b/c'), text(0, '/a', t), text(0, '/b/c', t), fired]).toEqual([
    '1',
    'ENOENT',
    '2',
    '3',
    [],
  ]);
  s.transactionEnd(0, t, true);
  expect([text(0, '/a'), text(0, '/b/c'), fired]).toEqual(['2', '3', ['/a', '/b', '/b/c']]);
  const u = s.transactionStart(0);
  s.rm(0, '/b', u);
  s.transactionEnd(0, u, false);
  expect(text(0, '/b/c')).toBe('3');
});

test('a transaction conflicts with what others changed of what it looked at', () => {
  const cases: [what: string, inside: (s: Store, t: number) => void, outside: (s: Store) => void, ends: string][] = [
    ['read and written', (s, t) => void s.read(0, '/a/x', t), (s) => s.write(0, '/a/x', '2'), 'EAGAIN'],
    ['read and removed', (s, t) => void s.read(0, '/a/x', t), (s) => s.rm(0, '/a/x'), 'EAGAIN'],
    ['written by both', (s, t) => s.write(0, '/a/x', '3', t), (s) => s.write(0, '/a/x', '2'), 'EAGAIN'],
    ['written and removed', (s, t) => s.write(0, '/a/x', '3', t), (s) => s.rm(0, '/a'), 'EAGAIN'],
    ['child of a removed node', (s, t) => s.write(0, '/a/new', '3', t), (s) => s.rm(0, '/a'), 'EAGAIN'],
    [
      'removed and made again',
      (s, t) => void s.read(0, '/a/x', t),
      (s) => (s.rm(0, '/a/x'), s.write(0, '/a/x', '1')),
      'EAGAIN',
    ],
    ['listed and added to', (s, t) => void s.directory(0, '/a', t), (s) => s.write(0, '/a/y', ''), 'EAGAIN'],
    ['listed and removed from', (s, t) => void s.directory(0, '/a', t), (s) => s.rm(0, '/a/x'), 'EAGAIN'],
    [
      'absent, then made',
      (s, t) =>
        (() => {
          try {
            s.read(0, '/a/y', t);
          } catch {
            /* ENOENT */
          }
        })(),
      (s) => s.write(0, '/a/y', ''),
      'EAGAIN',
    ],
    ['removed by both', (s, t) => s.rm(0, '/a/x', t), (s) => s.rm(0, '/a/x'), 'EAGAIN'],
    ['elsewhere', (s, t) => void s.read(0, '/a/x', t), (s) => s.write(0, '/other', ''), 'ok'],
    ['below what was read', (s, t) => void s.read(0, '/a', t), (s) => s.write(0, '/a/x', '2'), 'ok'],
  ];
  for (const [what, inside, outside, ends] of cases) {
    const { s, code } = store();
    s.write(0, '/a/x', '1');
    const t = s.transactionStart(0);
    inside(s, t);
    outside(s);
    expect([what, code(() => s.transactionEnd(0, t, true))]).toEqual([what, ends]);
    // No node without its parent, whatever happened.
    for (const line of s.list()) expect(line).toMatch(/^\//);
  }
});

test("transactions are their domain's", () => {
  const { s, code } = store();
  const t = s.transactionStart(1);
  expect([
    code(() => s.transactionEnd(2, t, true)),
    code(() => s.read(2, '/', t)),
    code(() => s.read(1, '/', 99)),
    code(() => s.transactionEnd(1, t, true)),
    code(() => s.transactionEnd(1, t, true)),
  ]).toEqual(['ENOENT', 'ENOENT', 'ENOENT', 'ok', 'ENOENT']);
});

test('what a watcher may know', () => {
  const { s } = store();
  home(s, 1);
  s.write(0, '/secret/x', '');
  s.write(0, '/local/domain/1/given', '');
  expect([
    s.mayKnow(1, '/local/domain/1'),
    s.mayKnow(1, '/local/domain/1/given'),
    s.mayKnow(1, '/secret/x'),
    s.mayKnow(0, '/secret/x'),
    s.mayKnow(1, '@releaseDomain'),
  ]).toEqual([true, true, false, true, false]);
  expect([
    s.mayKnow(1, '/gone/x', perms('n0', 'r1')),
    s.mayKnow(1, '/gone/x', perms('n0')),
    s.mayKnow(1, '/local/domain/1/gone', perms('n0')),
  ]).toEqual([true, false, true]);
});

test('list is what xenstore-ls -fp prints; saved and restored it is the same, open transactions too', () => {
  const { s, code } = store();
  home(s, 1);
  s.write(1, 'data/x', 'v');
  expect(s.list()).toContain('/local/domain/1 = ""   (n0,r1)');
  expect(s.list()).toContain('/local/domain/1/data/x = "v"   (n1)');
  const t = s.transactionStart(1);
  s.write(1, 'data/x', 'w', t);
  const other = new Store(() => {});
  other.load(JSON.parse(JSON.stringify(s.save())));
  expect(other.list()).toEqual(s.list());
  other.transactionEnd(1, t, true);
  expect(other.readText(1, 'data/x')).toBe('w');
  s.write(0, '/local/domain/1/data/x', 'u');
  const third = new Store(() => {});
  third.load(JSON.parse(JSON.stringify(s.save())));
  expect(code(() => third.transactionEnd(1, t, true))).toBe('EAGAIN');
});
