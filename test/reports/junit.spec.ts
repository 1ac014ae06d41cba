/** `--junit` of the command line, read by an XML parser. */
import { readFileSync } from 'node:fs';
import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Folder } from '../cli/cli.js';
import { END, image, say, XEN_UART } from '../cli/programs.js';

const folder = new Folder();
beforeAll(() => {
  for (const name of ['psci', 'sleep'] as const) {
    folder.write(name, image(say({ uart: XEN_UART, end: END[name] })));
    folder.write(`${name}.cfg`, `name = "a"\nkernel = "${name}"\nmemory = 16\nvuart = "sbsa_uart"\n`);
  }
});
afterAll(() => folder.remove());

interface Suite {
  tests: string;
  failures: string;
  testcase: { name: string; failure?: { type: string; message: string; '#text': string } }[];
  properties: { property: { name: string; value: string }[] };
}

async function suiteOf(cfg: string): Promise<Suite> {
  await folder.run('run', `@${cfg}`, '--junit', '@junit.xml', '--report', '@report.json');
  const xml = readFileSync(folder.file('junit.xml'), 'utf8');
  expect(XMLValidator.validate(xml)).toBe(true);
  const parser = new XMLParser({ ignoreAttributes: false, attributeNamePrefix: '', parseAttributeValue: false });
  return (parser.parse(xml) as { testsuites: { testsuite: Suite } }).testsuites.testsuite;
}

test('a run that ends well passes', async () => {
  const suite = await suiteOf('psci.cfg');
  expect(suite).toMatchObject({ tests: '2', failures: '0' });
  const trace = suite.properties.property.find(({ name }) => name === 'trace')?.value;
  expect(trace).toBe(folder.report().trace.hash);
});

test('a run that hangs fails, and says why', async () => {
  const suite = await suiteOf('sleep.cfg');
  expect(suite).toMatchObject({ tests: '2', failures: '1' });
  const { failure } = suite.testcase[0]!;
  expect(failure).toMatchObject({ type: 'timeout', message: 'timeout: every core waits and nothing will wake one' });
  expect(failure?.['#text']).toContain('It sleeps in WFI and nothing is on its way');
});
