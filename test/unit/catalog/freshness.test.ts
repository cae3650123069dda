import assert from 'node:assert/strict';
import test from 'node:test';
import { Snapshot } from '../../../src/catalog/snapshot.ts';
import type { CatalogView } from '../../../src/catalog/view.ts';
import { LISTS, suppliersOf, viewOf, type Offering } from '../../support/unit-catalog.ts';

type Changes = NonNullable<Parameters<typeof viewOf>[1]>;

function view(servers: Readonly<Record<string, Offering>>, changes?: Changes): CatalogView {
  return viewOf(new Snapshot(suppliersOf(servers), 'prefix'), changes);
}

function fields(...args: Parameters<typeof view>): readonly unknown[] {
  const { ttlMs, cacheScope } = view(...args).modernFields();
  return [ttlMs, cacheScope];
}

const SHORT: Offering = { era: 'modern', tools: ['a'], ttlMs: 1_000 };
const LONG: Offering = { era: 'modern', tools: ['b'], ttlMs: 30_000 };
const SILENT: Offering = { tools: ['c'] };

test('lists may be kept as long as the shortest-lived part, and no longer than the gateway says', () => {
  assert.deepEqual(fields({ LONG }), [30_000, 'public']);
  assert.deepEqual(fields({ LONG, SHORT }), [1_000, 'public']);
  assert.deepEqual(fields({ LONG, SILENT }), [30_000, 'public']);
  assert.deepEqual(fields({ SILENT }), [60_000, 'public']);
  assert.deepEqual(fields({}), [60_000, 'public']);
  assert.deepEqual(fields({ LONG, SILENT }, { plan: { ...LISTS, ttlMs: 500 } }), [500, 'public']);
  assert.deepEqual(fields({ bad: { ...LONG, ttlMs: -5 } }), [0, 'public']);
});

test('lists are for one caller alone where any part is, or where callers see different things', () => {
  const PRIVATE = { ...LONG, isPrivate: true };
  assert.deepEqual(fields({ SHORT, PRIVATE, SILENT }), [1_000, 'private']);
  assert.deepEqual(fields({ SHORT, LONG }, { isUniform: false }), [1_000, 'private']);
});

test('what was read may be kept as its server says, within what the view allows', () => {
  assert.deepEqual(view({ LONG }).freshness(90_000, false), {
    ttlMs: 90_000,
    cacheScope: 'public',
  });
  assert.deepEqual(view({ LONG }).freshness(90_000, true), {
    ttlMs: 90_000,
    cacheScope: 'private',
  });
  const bound = view({ LONG }, { until: 2_000, isUniform: false });
  assert.deepEqual(bound.freshness(90_000, false), { ttlMs: 2_000, cacheScope: 'private' });
  assert.deepEqual(bound.freshness(-1, false), { ttlMs: 0, cacheScope: 'private' });
});
