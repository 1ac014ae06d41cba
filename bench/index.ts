/** Benchmarks of the simulated machine: what the command line sees. */
export { BENCHMARKS } from './benchmarks.js';
export { BudgetError, makeBudget, overBudget, parseBudget, stepMeans, type Budget } from './budget.js';
export { calibrate, CALIBRATION_SCHEMA, type Calibration, type Judged } from './calibrate/judge.js';
export { Measured } from './calibrate/measure.js';
export { parseParameter, type Benchmark, type Parameter } from './definition.js';
export { BenchError, PHASES, type BenchCase, type BenchJob, type BenchStep } from './job.js';
export { checkBench, gather, planJobs, type BenchReport, type Plan, type VariantReport } from './plan.js';
export { defaultWorkers, runJobs } from './pool.js';
export { planSensitivity, rankSensitivity, sensitivityBaseline, type SensitivityReport } from './sensitivity.js';
export { variantsOf, type Variant } from './vary.js';
