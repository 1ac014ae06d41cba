import { readFileSync } from 'node:fs';
import * as api from '../bench/index.js';
import { budgetSuite, didYouMean, junitXml, sweepPage, type JUnitSuite } from '../index.js';
import { benchTables } from './bench-table.js';
import { benchCsv } from './bench-csv.js';
import { JUDGEMENTS, judgement } from './bench-judgement.js';
import { withProgress, write } from './bench-output.js';
import { EXIT, fileErrorText, UsageError } from './exit.js';
import { checkOutputs } from './files.js';

type Raw = Readonly<Record<string, unknown>>;

interface BenchOptions {
  readonly plan: api.Plan;
  readonly workers: number;
  readonly json: string | undefined;
  readonly csv: string | undefined;
  readonly html: string | undefined;
  readonly junit: string | undefined;
  readonly budget: api.Budget | undefined;
  readonly writeBudget: string | undefined;
}

/** `rcar-sim bench`. Returns the exit code; input errors are thrown before anything runs. */
export async function bench(raw: Raw): Promise<number> {
  if (raw['name'] === undefined) {
    const names = [...api.BENCHMARKS.values(), ...JUDGEMENTS].map(({ name, doc }) => `  ${name.padEnd(12)} ${doc}`);
    process.stdout.write(`rcar-sim bench NAME\n${names.join('\n')}\n`);
    return EXIT.ok;
  }
  if (JUDGEMENTS.some(({ name }) => name === raw['name'])) return judgement(raw);
  const options = benchOptions(raw);
  const jobs = api.planJobs(options.plan);
  let results;
  try {
    results = await withProgress(jobs.length, (onDone) => api.runJobs(jobs, options.workers, onDone));
  } catch (error) {
    if (!(error instanceof api.BenchError)) throw error;
    process.stderr.write(`rcar-sim: ${error.message}\n`);
    return EXIT.failed;
  }
  const report = api.gather(options.plan, jobs, results);
  for (const fault of api.checkBench(report)) throw new Error(`bench: ${fault}`);
  const { json, csv, html, junit, writeBudget } = options;
  const over = options.budget === undefined ? [] : api.overBudget(options.budget, report);
  const outputs: [string | undefined, () => string | Promise<string>][] = [
    [json, () => `${JSON.stringify(report, null, 2)}\n`],
    [csv, () => benchCsv(report)],
    [html, () => sweepPage(report)],
    [junit, () => junitXml([suiteOf(report, over)])],
    [writeBudget, () => `${JSON.stringify(api.makeBudget(report), null, 2)}\n`],
  ];
  let saved = true;
  for (const [path, make] of outputs) if (path !== undefined) saved = write(path, await make()) && saved;
  if (json !== '-' && csv !== '-') process.stdout.write(`${benchTables(report)}\n`);
  for (const line of over) process.stderr.write(`rcar-sim: over budget: ${line}\n`);
  return saved && over.length === 0 ? EXIT.ok : EXIT.failed;
}

/** A suite with the cases of the benchmark, and one for what the budget has besides; times are those of all requests, simulated. */
function suiteOf({ bench: name, variants, tickHz }: api.BenchReport, over: readonly string[]): JUnitSuite {
  const cases = variants.flatMap(({ settings, cases: list }) =>
    list.map((one) => ({
      name: variants.length > 1 ? `${one.name}, ${settings.join(' ')}` : one.name,
      seconds: one.totalTicks / tickHz,
      over: over.filter((line) => line.startsWith(`${one.name}: `)),
    })),
  );
  const others = over.filter((line) => !cases.some((one) => one.over.includes(line)));
  return budgetSuite(name, [...cases, ...(others.length > 0 ? [{ name: 'budget', seconds: 0, over: others }] : [])]);
}

/** Throws UsageError, SettingError, BudgetError. */
function benchOptions(raw: Raw): BenchOptions {
  const one = (name: string): string | undefined => {
    const value = raw[name];
    if (Array.isArray(value)) throw new UsageError(`--${name} is given ${value.length} times`);
    return value === undefined ? undefined : String(value);
  };
  const all = (name: string): string[] => ((raw[name] as unknown[] | undefined) ?? []).map(String);
  const name = String(raw['name']);
  const benchmark = api.BENCHMARKS.get(name);
  if (benchmark === undefined) {
    const names = [...api.BENCHMARKS.keys(), ...JUDGEMENTS.map((each) => each.name)];
    throw new UsageError(`no benchmark '${name}'${didYouMean(name, names)}: ${names.join(', ')}`);
  }
  const [set, vary] = [all('set'), all('vary')];
  const variants = api.variantsOf(set, vary);
  const parameters = parametersOf(benchmark, one, vary.length > 0);
  const [budget, writeBudget, json, csv] = [one('budget'), one('write-budget'), one('json'), one('csv')];
  const [html, junit] = [one('html'), one('junit')];
  if (vary.length > 0 && (budget !== undefined || writeBudget !== undefined)) {
    throw new UsageError('--vary: a budget is for one configuration');
  }
  if (json === '-' && csv === '-') throw new UsageError('--json - and --csv - both want standard output');
  checkOutputs([json, csv, html, junit, writeBudget].map((path) => (path === '-' ? undefined : path)));
  const jobs = one('jobs');
  if (jobs !== undefined && !/^[1-9]\d{0,2}$/.test(jobs))
    throw new UsageError(`--jobs ${jobs}: a number from 1 to 999`);
  return {
    plan: { benchmark, settings: set, parameters, variants },
    workers: jobs === undefined ? api.defaultWorkers() : Number(jobs),
    json,
    csv,
    html,
    junit,
    budget: budget === undefined ? undefined : api.parseBudget(readText(budget), name, budget),
    writeBudget,
  };
}

/** What was given, or the benchmark's own. Throws UsageError, SettingError. */
function parametersOf(
  benchmark: api.Benchmark,
  one: (name: string) => string | undefined,
  compared: boolean,
): api.Plan['parameters'] {
  const known = [...api.BENCHMARKS.values()].flatMap(({ parameters }) => Object.keys(parameters));
  const stranger = known.find((name) => one(name) !== undefined && benchmark.parameters[name] === undefined);
  if (stranger !== undefined) {
    const names = Object.keys(benchmark.parameters).map((each) => `--${each}`);
    throw new UsageError(`--${stranger}: bench ${benchmark.name} does not take it, it takes ${names.join(', ')}`);
  }
  return Object.fromEntries(
    Object.entries(benchmark.parameters).map(([name, parameter]) => {
      const given = one(name);
      if (given !== undefined) return [name, api.parseParameter(name, parameter, given)];
      return [name, (compared ? parameter.compared : undefined) ?? parameter.default];
    }),
  );
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new UsageError(fileErrorText(path, error));
  }
}
