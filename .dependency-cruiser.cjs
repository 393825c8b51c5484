// The rooms of the house and who may enter which. docs/design.md has the picture.
const room = (name, mayImport) => ({
  name: `${name}-imports-only-${mayImport.join('-') || 'nothing'}`,
  severity: 'error',
  from: { path: `^${name}/`, pathNot: '^(agent|scheduler)/main\\.ts$' },
  to: {
    path: '^(core|lvm|kube|crd|process|agent|csi-node|scheduler|scripts|test)/',
    pathNot: `^(${[name, ...mayImport].join('|')})/`,
  },
})

module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    room('core', []),
    room('lvm', ['core']),
    room('kube', ['core']),
    room('crd', ['core']),
    room('csi-node', ['core', 'lvm']),
    room('process', ['core']),
    room('agent', ['core', 'lvm', 'kube', 'crd', 'process']),
    room('scheduler', ['core', 'kube', 'crd', 'process']),
    {
      name: 'nothing-imports-main',
      severity: 'error',
      from: {},
      to: { path: '^(agent|scheduler)/main\\.ts$' },
    },
    {
      name: 'execa-only-in-lvm-scripts-and-test',
      severity: 'error',
      from: { pathNot: '^(lvm/command-runner\\.ts|scripts/|test/)' },
      to: { path: 'node_modules/execa' },
    },
    {
      name: 'client-node-values-only-in-kube',
      severity: 'error',
      from: { pathNot: '^(kube|test)/' },
      to: { path: 'node_modules/@kubernetes/client-node', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'grpc-only-in-csi-node',
      severity: 'error',
      from: { pathNot: '^(csi-node|test)/' },
      to: { path: 'node_modules/@grpc' },
    },
    {
      name: 'winston-only-behind-the-logger',
      severity: 'error',
      from: { pathNot: '^process/log\\.ts$' },
      to: { path: 'node_modules/winston' },
    },
    {
      name: 'prometheus-only-behind-metrics',
      severity: 'error',
      from: { pathNot: '^process/metrics\\.ts$' },
      to: { path: 'node_modules/@prometheus-io' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|\\.lab|coverage)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      extensions: ['.ts', '.js', '.json'],
      conditionNames: ['import', 'require', 'node', 'default'],
    },
  },
}
