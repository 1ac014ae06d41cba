import { expect, test } from 'vitest';
import { SettingError } from '../boards/index.js';
import { parseVary, variantsOf } from './vary.js';

test('lists and ranges keep their order, the first value is the baseline', () => {
  expect(parseVary('xen.placement=same,cluster')).toEqual(['xen.placement=same', 'xen.placement=cluster']);
  expect(parseVary('a=1000..8000*2')).toEqual(['a=1000', 'a=2000', 'a=4000', 'a=8000']);
  expect(parseVary('a=1..10+4')).toEqual(['a=1', 'a=5', 'a=9']);
  expect(parseVary('a=3..10*1.5')).toEqual(['a=3', 'a=5', 'a=7']); // 3, 4.5, 6.75; then 10.1
  expect(parseVary('a=7,1..2+1')).toEqual(['a=7', 'a=1', 'a=2']);
});

test('two keys make every combination, the last varies fastest', () => {
  const variants = variantsOf([], ['xen.placement=same,cluster', 'xen.hardening=on,off']);
  expect(variants.map(({ settings }) => settings.join(' '))).toEqual([
    'xen.placement=same xen.hardening=on',
    'xen.placement=same xen.hardening=off',
    'xen.placement=cluster xen.hardening=on',
    'xen.placement=cluster xen.hardening=off',
  ]);
  expect(variantsOf(['xen.hardening=off'], [])).toEqual([{ settings: [] }]);
});

test.each([
  ['xen.nonsense=1,2', /unknown key/],
  ['xen.contextSwitch=500..8000*2', /outside 1000\.\.8800/],
  ['xen.placement=same,nowhere', /not one of/],
  ['xen.placement', /expected KEY=/],
  ['xen.placement=same,same', /twice/],
  ['xen.contextSwitch=3000,', /empty/],
  ['xen.contextSwitch=3000..2500+1', /range is empty/],
  ['xen.contextSwitch=3000..4000*1', /does not grow/],
  ['xen.contextSwitch=3000..4000', /LOW\.\.HIGH/],
  ['xen.contextSwitch=1..9999999+1', /more than/],
])('--vary %s is refused', (text, message) => {
  expect(() => variantsOf([], [text])).toThrow(SettingError);
  expect(() => variantsOf([], [text])).toThrow(message);
});

test('a key is varied once', () => {
  expect(() => variantsOf([], ['xen.hardening=on,off', 'xen.hardening=off'])).toThrow(/given twice/);
});
