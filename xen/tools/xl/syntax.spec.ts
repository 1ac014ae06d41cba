import { expect, test } from 'vitest';
import { CfgError, parseCfg } from './syntax.js';

const parse = (text: string): Record<string, unknown> =>
  Object.fromEntries(parseCfg(text, 'f').map((s) => [s.key, s.value]));
const fault = (text: string): string => {
  try {
    parseCfg(text, 'f.cfg');
    return 'ok';
  } catch (error) {
    if (error instanceof CfgError) return error.message;
    throw error;
  }
};

test('numbers, strings, lists, comments, semicolons', () => {
  expect(
    parse(`# a comment
      name = "g" ; memory=256   # more
      vcpus = 0x2
      empty = []
      nested = [ 'a', 1, [ "b", ], ]
      lines = [
        'one',   # first
        'two'
      ]
      _k9 = -1`),
  ).toEqual({ name: 'g', memory: 256, vcpus: 2, empty: [], nested: ['a', 1, ['b']], lines: ['one', 'two'], _k9: -1 });
});

test('numbers are read as by strtol with base 0', () => {
  expect(parse('a=010\nb=0xfF\nc=-0x10\nd=0\ne=-010')).toEqual({ a: 8, b: 255, c: -16, d: 0, e: -8 });
  expect(fault('\na = 089')).toBe("f.cfg:2: '089' is not an octal number");
});

test('both quotes, escapes, hashes and newlines in strings', () => {
  expect(parse(String.raw`a = "it's # not\n \"x\" \\ \q"`)).toEqual({ a: 'it\'s # not\n "x" \\ \\q' });
  expect(parse('b = \'say "hi"\'')).toEqual({ b: 'say "hi"' });
});

test('appending and lines are reported', () => {
  expect(parseCfg('\n\na += ["x"]\nb = 1', 'f')).toEqual([
    { key: 'a', value: ['x'], append: true, line: 3 },
    { key: 'b', value: 1, append: false, line: 4 },
  ]);
});

test('an empty file has no settings', () => {
  expect([parseCfg('', 'f'), parseCfg('\n ;; \n# x', 'f')]).toEqual([[], []]);
});

test('each fault in one line with its place', () => {
  expect([
    fault('a = "x\nb = 1'),
    fault('\na = '),
    fault('a 1'),
    fault('= 1'),
    fault('1 = a'),
    fault('a = b'),
    fault('a = 1 b = 2'),
    fault('a = [1 2]'),
    fault('a = [1,\n2'),
    fault('a = [1, , 2]'),
    fault('a = ]'),
    fault('a = -'),
    fault('a = 12ab'),
    fault('a = 1\nb = {}'),
    fault('a + = 1'),
    fault('a = [' + '['.repeat(9)),
    fault('a'),
  ]).toEqual([
    'f.cfg:1: string is not closed with "',
    "f.cfg:2: a number, a quoted string or a list expected, found 'end of line'",
    "f.cfg:1: '=' expected, found '1'",
    "f.cfg:1: a key expected, found '='",
    "f.cfg:1: a key expected, found '1'",
    "f.cfg:1: a number, a quoted string or a list expected, found 'b'",
    "f.cfg:1: end of line expected, found 'b'",
    "f.cfg:1: ',' or ']' expected, found '2'",
    "f.cfg:2: ',' or ']' expected, found 'end of line'",
    "f.cfg:1: a number, a quoted string or a list expected, found ','",
    "f.cfg:1: a number, a quoted string or a list expected, found ']'",
    "f.cfg:1: '-' is not expected here",
    "f.cfg:1: end of line expected, found 'ab'",
    "f.cfg:2: '{' is not expected here",
    "f.cfg:1: '+' is not expected here",
    "f.cfg:1: a number, a quoted string or a list expected, found '['",
    "f.cfg:1: '=' expected, found 'end of line'",
  ]);
});

test('no text makes the parser throw anything else', () => {
  const pieces = ['a', '=', '+=', '[', ']', ',', '"', "'", '\\', '\n', '#', ';', '0', '-', '9', ' ', '\0', 'é'];
  let state = 1;
  for (let i = 0; i < 3000; i++) {
    let text = '';
    for (let j = 0; j < 12; j++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      text += pieces[(state >>> 16) % pieces.length];
    }
    expect(typeof fault(text)).toBe('string');
  }
});
