import js from '@eslint/js'
import tseslint from 'typescript-eslint'

const mochaChains = {
  files: ['test/**/*.ts'],
  // chai's assertions are property reads: expect(x).to.be.true
  rules: { '@typescript-eslint/no-unused-expressions': 'off' },
}

const OPEN = 'CallExpression:matches([callee.name=/^open(Sync)?$/], [callee.property.name=/^open(Sync)?$/])'

/** What changes files or devices without a program, and what writes objects that say where data is. */
const CHANGES = [
  'CallExpression[callee.name=/^(rm|rmdir|unlink|rename|writeFile|appendFile|truncate|copyFile|cp|link|symlink)(Sync)?$/]',
  'CallExpression[callee.property.name=/^(rm|rmdir|unlink|rename|writeFile|appendFile|f?truncate|copyFile|symlink)(Sync)?$/]',
  'CallExpression[callee.property.name="writev"]',
  'CallExpression:matches([callee.name="createWriteStream"], [callee.property.name="createWriteStream"])',
  `${OPEN}[arguments.1.value=/[wx+]/]`,
  `${OPEN} MemberExpression[property.name=/^O_(WRONLY|RDWR|CREAT|TRUNC)$/]`,
  'CallExpression[callee.property.name=/^(create|patch|delete)$/][arguments.0.name=/^PERSISTENT_VOLUME/]',
]

const changesAreSteps = {
  files: ['{core,lvm,kube,process,agent,csi-node,scheduler}/**/*.ts'],
  rules: {
    'no-restricted-syntax': [
      'error',
      ...CHANGES.map((selector) => ({
        selector: `${selector}:not(CallExpression[callee.name="atStep"] *)`,
        message:
          'A change runs as a step of core/failpoints.ts: atStep(step, () => …), so that crash tests stop there.',
      })),
    ],
  },
}

export default tseslint.config(
  { ignores: ['node_modules/', '.lab/', 'dist/', 'coverage/', 'csi-node/gen/', 'crd/types.ts'] },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [...tseslint.configs.strictTypeChecked, ...tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      'no-restricted-imports': [
        'error',
        {
          paths: [
            {
              name: 'node:child_process',
              message: 'Programs run through lvm/command-runner.ts (or execa in test/).',
            },
          ],
        },
      ],
      eqeqeq: 'error',
      'no-console': 'error',
    },
  },
  mochaChains,
  changesAreSteps,
  { files: ['lvm/child-process.ts', 'lvm/lvm-shell.ts'], rules: { 'no-restricted-imports': 'off' } },
  { files: ['scripts/**/*.ts', 'test/**/*.ts'], rules: { 'no-console': 'off' } },
)
