import assert from 'node:assert/strict';
import test from 'node:test';
import {
  commentFaults,
  exportFaults,
  fileNameFaults,
  importFaults,
  powerFaults,
  typeNameFaults,
} from '../support/architecture.ts';
import { parseSource, type SourceFile } from '../support/source-file.ts';

type Check = (file: SourceFile) => string[];

const imports: Check = (file) =>
  importFaults(file, {
    kernel: { layers: [], packages: [], node: [] },
    listen: { layers: ['kernel', 'spine/ports.ts'], packages: ['@scope/a'], node: ['http'] },
  });
const powers: Check = (file) =>
  powerFaults(file, {
    'Permit.grant': ['policy/'],
    'process.env': ['config/environment.ts'],
    'node:child_process': ['upstream/connectors/stdio.ts'],
    'new Date()': ['gateway.ts'],
    'randomUUID()': [],
  });
const typeNames: Check = (file) => typeNameFaults(file, /^(?:Manager|Util|Base)s?$/);

const BROKEN: readonly [name: string, check: Check, path: string, text: string, fault: RegExp][] = [
  [
    'a kernel that imports a Node module',
    imports,
    'src/kernel/x.ts',
    `import 'node:fs';`,
    /:1 .*node:fs/,
  ],
  [
    'a type taken from another layer',
    imports,
    'src/listen/x.ts',
    `\nimport type { A } from '../session/a.ts';`,
    /:2 .*session/,
  ],
  ['a package loaded at run time', imports, 'src/listen/x.ts', `await import('zod');`, /:1 .*zod/],
  [
    'a type of a package outside its layer',
    imports,
    'src/listen/x.ts',
    `let a: import('pino').Logger;`,
    /:1 .*pino/,
  ],
  ['a file of a layer nobody declared', imports, 'src/stuff/x.ts', `export const a = 1;`, /no row/],
  [
    'a listener that reaches past the ports of the spine',
    imports,
    'src/listen/x.ts',
    `export { a } from '../spine/serve.ts';`,
    /spine/,
  ],
  [
    'a permit granted outside policy',
    powers,
    'src/listen/x.ts',
    `\n\nPermit.grant(a, b, c);`,
    /:3 .*Permit\.grant/,
  ],
  [
    'the environment read under another spelling',
    powers,
    'src/cli/x.ts',
    `process['env'].HOME;`,
    /:1 .*process\.env/,
  ],
  [
    'the environment taken apart',
    powers,
    'src/cli/x.ts',
    `const { env } = process;`,
    /:1 .*process\.env/,
  ],
  [
    'a process started elsewhere',
    powers,
    'src/admin/x.ts',
    `import { spawn } from 'node:child_process';`,
    /:1 .*child_process/,
  ],
  ['a clock of its own', powers, 'src/spine/x.ts', `const at = new Date();`, /:1 .*new Date/],
  ['randomness of its own', powers, 'src/spine/x.ts', `crypto.randomUUID();`, /:1 .*randomUUID/],
  ['a file name in camel case', fileNameFaults, 'src/kernel/jsonRpc.ts', ``, /kebab-case/],
  ['a manager', typeNames, 'src/kernel/x.ts', `export class LinkManager {}`, /:1 .*Manager/],
  ['utils', typeNames, 'src/kernel/x.ts', `\nexport interface StringUtils {}`, /:2 .*Utils/],
  ['a default export', exportFaults, 'src/kernel/x.ts', `export default 1;`, /:1 .*default/],
  [
    'a default export by another name',
    exportFaults,
    'src/kernel/x.ts',
    `const a = 1; export { a as default };`,
    /:1 .*default/,
  ],
  ['a barrel', exportFaults, 'src/kernel/x.ts', `export { a } from './a.ts';`, /:1 .*barrel/],
  [
    'everything exported again',
    exportFaults,
    'src/kernel/x.ts',
    `export * from './a.ts'; export const b = 1;`,
    /:1 .*star/,
  ],
  ['a to-do', commentFaults, 'src/kernel/x.ts', `\n// TODO later`, /:2 /],
];

for (const [name, check, path, text, fault] of BROKEN)
  test(`the architecture checks see ${name}`, () => {
    const faults = check(parseSource(path, text));
    assert.match(faults.join('\n'), fault);
  });

const FINE: readonly [name: string, check: Check, path: string, text: string][] = [
  [
    'a port of another layer',
    imports,
    'src/listen/x.ts',
    `import type { A } from '../spine/ports.ts';`,
  ],
  ['a file of the same layer', imports, 'src/kernel/a/x.ts', `import { a } from '../b.ts';`],
  ['a part of an allowed package', imports, 'src/listen/x.ts', `import { a } from '@scope/a/b';`],
  ['an allowed module of Node', imports, 'src/listen/x.ts', `import { Server } from 'node:http';`],
  ['a holder using its power', powers, 'src/policy/deep/x.ts', `Permit.grant(a, b, c);`],
  [
    'the type of a held module',
    powers,
    'src/upstream/x.ts',
    `import { type A } from 'node:child_process';`,
  ],
  ['a date made from a number', powers, 'src/record/x.ts', `new Date(now).toISOString();`],
  [
    'a word that only contains an empty one',
    typeNames,
    'src/store/x.ts',
    `export class Database {}`,
  ],
  ['the one barrel', exportFaults, 'src/index.ts', `export { a } from './a.ts';`],
];

for (const [name, check, path, text] of FINE)
  test(`the architecture checks pass ${name}`, () => {
    assert.deepEqual(check(parseSource(path, text)), []);
  });
