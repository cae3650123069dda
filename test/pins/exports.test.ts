import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import * as published from '../../src/index.ts';
import type { GatewayTerms, Log, Plan, Surroundings } from '../../src/index.ts';
import { ROOT } from '../support/conformance-processes.ts';

/** What programs that import the package can build on. */

test('the package exports these values and no others', () => {
  assert.deepEqual(Object.keys(published), ['Gateway']);
});

test('the package exports these types and no others', () => {
  const source = readFileSync(join(ROOT, 'src/index.ts'), 'utf8');
  const lists = [...source.matchAll(/export (type )?\{([^}]*)\}/gu)];
  const types = lists.flatMap(([, isType, names = '']) =>
    names
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== '' && (isType !== undefined || name.startsWith('type ')))
      .map((name) => name.replace('type ', '')),
  );
  assert.deepEqual(types.toSorted(), ['GatewayTerms', 'Log', 'Plan', 'Surroundings']);
});

test('a gateway can be made, served, reloaded and closed by these members', () => {
  const members = Object.getOwnPropertyNames(published.Gateway.prototype).toSorted();
  assert.deepEqual(members, ['apply', 'close', 'constructor', 'listen', 'serveStdio', 'start']);
});

test('a log and the terms of a gateway have these shapes', () => {
  const silent = (): void => undefined;
  const log: Log = { debug: silent, info: silent, warn: silent, error: silent };
  const terms: GatewayTerms = {
    plan: {} as Plan,
    surroundings: {} as Surroundings,
    version: '0',
    inheritedEnv: {},
    log,
  };
  assert.equal(Object.keys(terms).length, 5);
});

test('the package offers its entry and its manifest, and runs as mcpx', () => {
  const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Record<
    string,
    unknown
  >;
  assert.deepEqual(Object.keys(manifest['exports'] as object), ['.', './package.json']);
  assert.deepEqual(manifest['bin'], { mcpx: 'bin/mcpx.js' });
});
