/** Results as JUnit XML, which CI systems show: one suite for each run or budget. Pure text; no time stamps. */
import { checkReport, type Report } from './data.js';
import { roundTripTable } from './table.js';
import { vcpuScreens } from './vcpu-screen.js';

export interface JUnitCase {
  readonly name: string;
  /** Simulated seconds. */
  readonly seconds: number;
  /** Absent: it passed. `message` is one line, `text` all of it. */
  readonly failure?: { readonly type: string; readonly message: string; readonly text: string };
}

export interface JUnitSuite {
  readonly name: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly cases: readonly JUnitCase[];
  readonly output: string;
}

/** A suite of a run: that it ended as wanted, and that its figures add up. */
export function runSuite(report: Report): JUnitSuite {
  const { outcome, detail, exitCode, sim, board, trace, accuracy, ioreq } = report;
  const end = `${outcome}${detail === '' ? '' : `: ${detail}`}`;
  const { tickHz } = ioreq.roundTrip;
  const faults = checkReport(report);
  const why = report.vcpus.length === 0 ? '' : `\n\n${vcpuScreens(report.vcpus, tickHz)}`;
  return {
    name: `rcar-sim ${report.command}`,
    properties: {
      board: board.name,
      placement: board.placement,
      settings: board.settings.join(' '),
      timing: accuracy.timingTable,
      trace: trace.hash,
      requests: String(ioreq.count),
    },
    cases: [
      {
        name: 'ends as wanted',
        seconds: sim.seconds,
        ...(exitCode === 0 ? {} : { failure: { type: outcome, message: end, text: `${end}${why}` } }),
      },
      {
        name: 'steps add up to the round trips',
        seconds: 0,
        ...(faults.length === 0
          ? {}
          : { failure: { type: 'report', message: faults[0] ?? '', text: faults.join('\n') } }),
      },
    ],
    output: roundTripTable(report),
  };
}

/** A suite of a budget: a case for each benchmark case; what exceeds its budget is in `over`, a line each. */
export function budgetSuite(
  bench: string,
  cases: readonly { readonly name: string; readonly seconds: number; readonly over: readonly string[] }[],
  output = '',
): JUnitSuite {
  return {
    name: `rcar-sim bench ${bench}`,
    properties: {},
    cases: cases.map(({ name, seconds, over }) => ({
      name,
      seconds,
      ...(over.length === 0 ? {} : { failure: { type: 'over budget', message: over[0] ?? '', text: over.join('\n') } }),
    })),
    output,
  };
}

/** The file: `testsuites`, as the common schema of JUnit's Ant task has it. */
export function junitXml(suites: readonly JUnitSuite[]): string {
  const lines = ['<?xml version="1.0" encoding="UTF-8"?>', '<testsuites>'];
  for (const suite of suites) {
    const { cases } = suite;
    const failures = cases.filter(({ failure }) => failure !== undefined).length;
    const seconds = cases.reduce((sum, one) => sum + one.seconds, 0);
    lines.push(
      `  <testsuite name="${attribute(suite.name)}" tests="${cases.length}" failures="${failures}" errors="0" skipped="0" time="${seconds.toFixed(6)}">`,
    );
    const properties = Object.entries(suite.properties);
    if (properties.length > 0) {
      lines.push('    <properties>');
      for (const [name, value] of properties)
        lines.push(`      <property name="${attribute(name)}" value="${attribute(value)}"/>`);
      lines.push('    </properties>');
    }
    for (const { name, seconds: time, failure } of cases) {
      const head = `    <testcase classname="${attribute(suite.name)}" name="${attribute(name)}" time="${time.toFixed(6)}"`;
      if (failure === undefined) lines.push(`${head}/>`);
      else {
        const { type, message, text } = failure;
        lines.push(
          `${head}>`,
          `      <failure type="${attribute(type)}" message="${attribute(message)}">${content(text)}</failure>`,
          '    </testcase>',
        );
      }
    }
    if (suite.output !== '') lines.push(`    <system-out>${content(suite.output)}</system-out>`);
    lines.push('  </testsuite>');
  }
  return `${[...lines, '</testsuites>'].join('\n')}\n`;
}

/** Text as character data. What XML 1.0 cannot hold (most control characters, half a surrogate pair) becomes U+FFFD. */
function content(text: string): string {
  return text
    .replace(/[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu, '\u{fffd}')
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/\r/g, '&#13;');
}

function attribute(text: string): string {
  return content(text).replace(/"/g, '&quot;').replace(/\n/g, '&#10;').replace(/\t/g, '&#9;');
}
