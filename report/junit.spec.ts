import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { expect, test } from 'vitest';
import { budgetSuite, junitXml } from './junit.js';

const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: '',
  trimValues: false,
  parseAttributeValue: false,
  htmlEntities: true,
  isArray: (name) => name === 'testcase' || name === 'testsuite',
});

interface Parsed {
  testsuites: {
    testsuite: {
      name: string;
      tests: string;
      failures: string;
      time: string;
      testcase: { name: string; time: string; failure?: { message: string; type: string; '#text': string } }[];
      'system-out': string;
    }[];
  };
}

function parse(xml: string): Parsed {
  expect(XMLValidator.validate(xml)).toBe(true);
  return parser.parse(xml) as Parsed;
}

test('what a parser reads is what was meant, whatever the text holds', () => {
  const over = ['step <resume> & "deliver" grew: 5 ns', 'a\tb'];
  const suite = budgetSuite(
    'ioreq',
    [
      { name: 'read idle 1 vCPU', seconds: 0.25, over: [] },
      { name: 'notify "busy"', seconds: 0.5, over },
    ],
    'tail ]]> & </system-out>',
  );
  const [parsed] = parse(junitXml([suite])).testsuites.testsuite;
  expect(parsed).toMatchObject({ name: 'rcar-sim bench ioreq', tests: '2', failures: '1', time: '0.750000' });
  expect(parsed?.testcase.map(({ name }) => name)).toEqual(['read idle 1 vCPU', 'notify "busy"']);
  expect(parsed?.testcase[0]?.failure).toBeUndefined();
  expect(parsed?.testcase[1]?.failure).toEqual({ type: 'over budget', message: over[0], '#text': over.join('\n') });
  expect(parsed?.['system-out']).toBe('tail ]]> & </system-out>');
});

test('a guest’s console may hold any byte: the file stays XML', () => {
  const text = String.fromCodePoint(0, 1, 0x1b, 0x7f, 0xd800, 0xfffe, 0x1f600);
  const xml = junitXml([budgetSuite('x', [{ name: text, seconds: 0, over: [text] }], text)]);
  expect(xml).not.toMatch(/[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/);
  const bad = '\ufffd';
  expect(parse(xml).testsuites.testsuite[0]?.['system-out']).toBe(`${bad.repeat(3)}\x7f${bad.repeat(2)}\u{1f600}`);
});
