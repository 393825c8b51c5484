import js from '@eslint/js'
import tseslint from 'typescript-eslint'

const mochaChains = {
  files: ['test/**/*.ts'],
  // chai's assertions are property reads: expect(x).to.be.true
  rules: { '@typescript-eslint/no-unused-expressions': 'off' },
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
  { files: ['scripts/**/*.ts', 'test/**/*.ts'], rules: { 'no-console': 'off' } },
)
