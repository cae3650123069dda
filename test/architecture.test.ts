import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import {
  type Allowances,
  commentFaults,
  exportFaults,
  fileNameFaults,
  type Holders,
  importFaults,
  powerFaults,
  typeNameFaults,
} from './support/architecture.ts';
import { ROOT, sourcesUnder } from './support/source-file.ts';

/** Layer -> what it may import: folders or files of src, packages, modules of Node. Itself always. */
const MAY_IMPORT: Allowances = {
  kernel: { layers: [], packages: [], node: [] },
  config: {
    layers: ['kernel'],
    packages: ['jsonc-parser', 'yaml', 'zod'],
    node: ['crypto', 'fs', 'fs/promises', 'path'],
  },
  identity: { layers: ['kernel'], packages: ['jose'], node: ['crypto', 'net'] },
  session: { layers: ['kernel'], packages: [], node: [] },
  catalog: { layers: ['kernel'], packages: [], node: [] },
  policy: { layers: ['kernel'], packages: ['@marcbachmann/cel-js', 're2js'], node: [] },
  guard: { layers: ['kernel'], packages: ['ajv', 're2js'], node: [] },
  upstream: {
    layers: ['kernel'],
    packages: ['cross-spawn', 'eventsource-parser', 'undici'],
    node: ['child_process', 'events', 'fs', 'os', 'path', 'stream', 'string_decoder', 'url'],
  },
  record: {
    layers: ['kernel'],
    packages: [
      '@opentelemetry/api',
      '@opentelemetry/otlp-transformer',
      '@opentelemetry/resources',
      '@opentelemetry/sdk-trace',
      'gpt-tokenizer',
      'prom-client',
    ],
    node: [
      'crypto',
      'dgram',
      'fs',
      'fs/promises',
      'net',
      'os',
      'path',
      'stream',
      'tls',
      'worker_threads',
    ],
  },
  seal: { layers: ['kernel'], packages: [], node: ['crypto'] },
  store: {
    layers: ['kernel'],
    packages: ['pg'],
    node: ['fs', 'fs/promises', 'path', 'sqlite', 'worker_threads'],
  },
  spine: { layers: ['kernel'], packages: [], node: [] },
  listen: {
    layers: ['kernel', 'spine/ports.ts'],
    packages: [],
    node: ['crypto', 'events', 'http', 'https', 'net', 'stream', 'tls', 'v8', 'zlib'],
  },
  admin: {
    layers: ['kernel'],
    packages: ['zod'],
    node: ['crypto', 'fs', 'fs/promises', 'http', 'path', 'url'],
  },
  cli: {
    layers: [
      'kernel',
      'config',
      'gateway.ts',
      'admin/ports.ts',
      'wiring/access-tests.ts',
      'wiring/audit-desk.ts',
      'wiring/clock.ts',
      'wiring/config-checks.ts',
      'wiring/context-desk.ts',
      'wiring/desk.ts',
      'wiring/gateway-events.ts',
      'wiring/key-desk.ts',
      'wiring/offline-catalog.ts',
      'wiring/scrubbing.ts',
      'wiring/simulation.ts',
      'wiring/usage-desk.ts',
    ],
    packages: ['commander', 'pino', 'pino-pretty'],
    node: [
      'fs',
      'fs/promises',
      'os',
      'path',
      'perf_hooks',
      'readline/promises',
      'tty',
      'url',
      'util',
      'v8',
      'vm',
    ],
  },
  'gateway.ts': {
    layers: [
      'kernel',
      'config',
      'identity',
      'session',
      'catalog',
      'policy',
      'guard',
      'upstream',
      'record',
      'seal',
      'store',
      'spine',
      'listen',
      'admin',
      'wiring',
    ],
    packages: [],
    node: ['stream'],
  },
  wiring: {
    layers: [
      'kernel',
      'config/plan-diff.ts',
      'config/ports.ts',
      'config/secrets-of.ts',
      'catalog',
      'policy',
      'guard',
      'record',
      'identity',
      'listen',
      'admin',
      'seal',
      'session',
      'spine',
      'store',
      'upstream',
    ],
    packages: [],
    node: ['crypto', 'path'],
  },
  'main.ts': { layers: ['cli'], packages: [], node: [] },
  'index.ts': { layers: ['gateway.ts', 'kernel'], packages: [], node: [] },
};

/** Power -> its only holders, files or folders of src. A module's name means importing its values. */
const HELD_BY_ONE: Holders = {
  'Permit.grant': ['policy/'],
  'Principal.prove': ['identity/'],
  'process.env': ['config/environment.ts'],
  'node:child_process': ['upstream/connectors/stdio.ts', 'upstream/watchdog.ts'],
  'node:vm': ['cli/resting-heap.ts'],
  'cross-spawn': ['upstream/connectors/stdio.ts'],
  'prom-client': ['record/metrics/process-metrics.ts'],
  'Date.now': ['gateway.ts', 'wiring/clock.ts'],
  'new Date()': ['gateway.ts'],
  'Math.random': [],
  'randomUUID()': ['gateway.ts', 'seal/'],
  'randomBytes()': ['gateway.ts', 'seal/'],
  'randomInt()': ['gateway.ts'],
  'getRandomValues()': ['seal/'],
  'generateKeyPairSync()': ['seal/'],
  'eval()': [],
  'Function()': [],
};

/** No type may have one of these in its name: they say nothing. */
const EMPTY_WORDS = /^(?:Manager|Helper|Util|Service|Context|Base|Handler)s?$/;

/** The test runner takes a reporter as a default export only. */
const MAY_EXPORT_DEFAULT = new Set(['scripts/lib/count-reporter.mjs']);

const AGENTS_LINES = 120;

const src = sourcesUnder('src');
const everything = [
  ...src,
  ...['bin', 'scripts', 'test', 'bench', 'examples', 'tools'].flatMap(sourcesUnder),
];

test('a layer imports only what the table MAY_IMPORT gives it', () => {
  assertNone(src.flatMap((file) => importFaults(file, MAY_IMPORT)));
});

test('a power in the table HELD_BY_ONE is used by its holders only', () => {
  assertNone(src.flatMap((file) => powerFaults(file, HELD_BY_ONE)));
});

test('every file is named in kebab-case', () => {
  assertNone(everything.flatMap(fileNameFaults));
});

test('no type is named for what anything could be', () => {
  assertNone(src.flatMap((file) => typeNameFaults(file, EMPTY_WORDS)));
});

test('exports have names, and src/index.ts is the only barrel', () => {
  assertNone(everything.filter(({ path }) => !MAY_EXPORT_DEFAULT.has(path)).flatMap(exportFaults));
});

test('no comment puts work off', () => {
  assertNone(everything.flatMap(commentFaults));
});

test(`AGENTS.md stays within ${AGENTS_LINES} lines`, () => {
  const lines = readFileSync(join(ROOT, 'AGENTS.md'), 'utf8').trimEnd().split('\n').length;
  assert.ok(lines <= AGENTS_LINES, `AGENTS.md has ${lines} lines, at most ${AGENTS_LINES} allowed`);
});

function assertNone(faults: readonly string[]): void {
  assert.equal(faults.length, 0, `\n${faults.join('\n')}`);
}
