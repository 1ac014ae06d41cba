/** Imports run one way (docs/architecture.md, "The house"). */
const rule = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to });
/** Folders and files of this project: what composes them lies at the top. */
const PROJECT = '^(formats|boards|sim|xen|backends|report|cli|bench|guests|test|tools)/|^[^/]+\\.ts$';
/** Specs may reach for test benches of other layers. */
const source = (path) => ({ path, pathNot: '\\.spec\\.ts$' });

module.exports = {
  forbidden: [
    rule('formats-import-nothing', 'formats know bytes, nothing of this project', source('^formats/'), {
      path: PROJECT,
      pathNot: '^formats/',
    }),
    rule('boards-import-formats', 'boards are data', source('^boards/'), {
      path: PROJECT,
      pathNot: '^(boards|formats)/',
    }),
    rule('sim-is-below-xen', 'sim calls a hypervisor only through sim/machine/el2.ts', source('^sim/'), {
      path: PROJECT,
      pathNot: '^(sim|boards|formats)/',
    }),
    rule('xen-is-below-backends', 'xen does not know who serves a request', source('^xen/'), {
      path: PROJECT,
      pathNot: '^(xen|sim|boards|formats)/',
    }),
    rule(
      'backends-see-libraries',
      'a backend programs against the ABI and the toolstack libraries',
      source('^backends/'),
      {
        path: PROJECT,
        pathNot: '^(backends/|xen/public/|xen/tools/libs/)',
      },
    ),
    rule('report-reads-data', 'reports are made from report data, never from the machine', source('^report/'), {
      path: PROJECT,
      pathNot: '^report/',
    }),
    rule('cli-sees-the-api', 'the command line is a user of the library', source('^cli/'), {
      path: PROJECT,
      pathNot: '^(cli/|index\\.ts$|bench/index\\.ts$)',
    }),
    rule(
      'bench-sees-the-api',
      'benchmarks are users of the library; that of the walker runs stage2.wasm',
      source('^bench/'),
      {
        path: PROJECT,
        pathNot: '^(bench/|index\\.ts$|sim/mmu/stage2\\.ts$)',
      },
    ),
    rule(
      'nobody-imports-bench',
      'benchmarks are at the end',
      { path: PROJECT, pathNot: '^(bench|cli|test)/' },
      { path: '^bench/' },
    ),
    rule(
      'devices-do-not-know-the-machine',
      'a device is given what it needs',
      source('^sim/(gic|timer|serial|soc|mmu|trace|timing)/'),
      { path: '^sim/machine/(machine|flat|scheduler|snapshot)\\.ts$' },
    ),
    rule(
      'no-circles',
      'modules that need each other are one module',
      {},
      {
        circular: true,
        viaOnly: { dependencyTypesNot: ['type-only'] },
      },
    ),
    rule(
      'no-dev-dependency-at-run-time',
      'users install only dependencies',
      source('^(formats|boards|sim|xen|backends|report|cli|bench/(?!host))/|^[^/]+\\.ts$'),
      {
        dependencyTypes: ['npm-dev'],
        dependencyTypesNot: ['type-only'],
      },
    ),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(dist|\\.cache)/|/kernel/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
  },
};
