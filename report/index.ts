export * from './data.js';
export { buildReport, type RunFacts, type SimulationFacts } from './build.js';
export { PLAIN, roundTripTable, type Paint } from './table.js';
