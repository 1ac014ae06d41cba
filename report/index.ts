export * from './data.js';
export { outcomeSchema, reportSchema } from './schema.js';
export { buildReport, type RunFacts, type SimulationFacts } from './build.js';
export { PLAIN, roundTripTable, type Paint } from './table.js';
export { exposureLines, type ReportExposure } from './exposure.js';
export type * from './vcpu.js';
export { vcpuScreens } from './vcpu-screen.js';
export { budgetSuite, junitXml, runSuite, type JUnitCase, type JUnitSuite } from './junit.js';
export { Timeline, type TimelineOptions, type TimelineRecord } from './timeline/timeline.js';
