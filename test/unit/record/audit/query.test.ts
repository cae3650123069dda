import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { parseCursor, type AuditOrder } from '../../../../src/record/audit/audit-cursor.ts';
import type { AuditFilter } from '../../../../src/record/audit/audit-filter.ts';
import { queryAudit, type AuditAnswer } from '../../../../src/record/audit/query.ts';
import { AuditPlace } from '../../../support/audit-place.ts';
import { eventually } from '../../../support/raw-eventually.ts';
import { entryOf } from '../entries.ts';

const BEGIN = Date.UTC(2026, 10, 22, 12);

/** Takes exchanges that ended at these seconds, each known by its second. */
async function chainAt(place: AuditPlace, seconds: readonly number[]): Promise<void> {
  // What holds the chain together is written at the time of what it holds.
  const before = place.files().length;
  place.now = BEGIN + Math.min(...seconds) * 1000;
  const sink = place.open();
  await eventually('it has begun', () => place.files().length > before);
  for (const second of seconds) {
    const { durationMs } = entryOf();
    const startedAt = BEGIN + second * 1000 - durationMs;
    const consumer = second % 2 === 0 ? 'even' : 'odd';
    const caller = { ...entryOf().caller, consumer } as NonNullable<
      ReturnType<typeof entryOf>['caller']
    >;
    sink.take({ entry: entryOf({ id: `s-${second}`, startedAt, caller }), spending: undefined });
  }
  place.now = BEGIN + Math.max(...seconds) * 1000;
  await sink.close();
}

interface Asked {
  readonly filter?: AuditFilter;
  readonly order?: AuditOrder;
  readonly limit?: number;
  readonly maxBytes?: number;
}

function ask(place: AuditPlace, asked: Asked, cursor?: string): Promise<AuditAnswer> {
  const {
    filter = {},
    order = 'newest',
    limit = 1000,
    maxBytes = Number.POSITIVE_INFINITY,
  } = asked;
  const after = cursor === undefined ? undefined : parseCursor(cursor);
  // Only exchanges, not what the audit says of itself.
  const only = { method: 'tools/call', ...filter };
  return queryAudit(place.folder, { filter: only, order, limit, cursor: after, maxBytes });
}

function secondsIn({ entries }: AuditAnswer): number[] {
  return entries.map(({ text }) => Number(/"id":"s-(\d+)"/u.exec(text)?.[1]));
}

async function allOf(place: AuditPlace, asked: Asked): Promise<number[]> {
  const seconds: number[] = [];
  let cursor: string | undefined;
  do {
    const answer = await ask(place, asked, cursor);
    seconds.push(...secondsIn(answer));
    cursor = answer.next;
  } while (cursor !== undefined);
  return seconds;
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

async function threeChains(t: TestContext): Promise<AuditPlace> {
  const place = new AuditPlace(t, { maxSegmentBytes: 4096 });
  for (const rest of [0, 1, 2])
    await chainAt(
      place,
      range(60).filter((second) => second % 3 === rest),
    );
  return place;
}

for (const order of ['newest', 'oldest'] as const) {
  const sorted = order === 'newest' ? range(60).toReversed() : range(60);

  test(`lines of all chains come in the order of time, ${order} first, at once or in pages of any size`, async (t) => {
    const place = await threeChains(t);
    for (const limit of [1000, 7, 1])
      assert.deepEqual(await allOf(place, { order, limit }), sorted, `limit ${limit}`);
  });

  test(`an answer that may read only so much goes on where it ended, ${order} first`, async (t) => {
    const place = await threeChains(t);
    const filter = { consumer: 'even' };
    const first = await ask(place, { order, filter, maxBytes: 3000 });
    assert.ok(first.entries.length < 5 && first.next !== undefined);
    const even = sorted.filter((second) => second % 2 === 0);
    assert.deepEqual(await allOf(place, { order, filter, maxBytes: 3000 }), even);
  });

  test(`times bound what is found, the end not included, ${order} first`, async (t) => {
    const place = await threeChains(t);
    const filter = { from: BEGIN + 10_000, to: BEGIN + 20_000 };
    const found = await allOf(place, { order, filter, limit: 3 });
    assert.deepEqual(
      found,
      sorted.filter((second) => second >= 10 && second < 20),
    );
  });
}

test('a cursor stays where it is while lines are appended and chains begun', async (t) => {
  const place = await threeChains(t);
  const first = await ask(place, { limit: 20 });
  await chainAt(place, range(100).slice(60));
  const rest: number[] = [];
  for (let cursor = first.next; cursor !== undefined;) {
    const answer = await ask(place, { limit: 9 }, cursor);
    rest.push(...secondsIn(answer));
    cursor = answer.next;
  }
  assert.deepEqual([...secondsIn(first), ...rest], range(60).toReversed());
});

test('lines whose exchanges ended out of turn are found all the same, each once', async (t) => {
  const place = new AuditPlace(t);
  await chainAt(place, [5, 3, 4, 9, 8, 7, 6, 12, 10, 11]);
  await chainAt(place, [1, 2, 13, 14]);
  for (const order of ['newest', 'oldest'] as const)
    for (const limit of [1, 3, 100])
      assert.deepEqual(
        (await allOf(place, { order, limit })).toSorted((a, b) => a - b),
        range(15).slice(1),
      );
});

test('in a long file the lines of a moment are found without reading all of it', async (t) => {
  const place = new AuditPlace(t);
  await chainAt(place, range(4000));
  for (const order of ['newest', 'oldest'] as const) {
    const filter = { from: BEGIN + 2_000_000, to: BEGIN + 2_010_000 };
    const answer = await ask(place, { order, filter, maxBytes: 400_000, limit: 10 });
    assert.equal(secondsIn(answer).length, 10, order);
  }
});

test('every filter finds its lines alone', async (t) => {
  const place = await threeChains(t);
  const sink = place.open();
  const odd = {
    id: 's-777',
    client: 'vscode',
    upstream: 'GitLab',
    target: 'merge',
    custom: 'land',
    outcome: 'refused',
    code: 'FORBIDDEN',
    rule: 'no-merge',
    method: 'tools/call',
    session: 'other',
    startedAt: BEGIN,
  } as const;
  const trace = { traceId: 'ab'.repeat(16) } as NonNullable<ReturnType<typeof entryOf>['trace']>;
  sink.take({ entry: entryOf({ ...odd, trace }), spending: undefined });
  await sink.close();
  const filters: readonly AuditFilter[] = [
    { client: 'vscode' },
    { server: 'gitlab' },
    { tool: 'merge' },
    { tool: 'land' },
    { outcome: 'refused' },
    { code: 'FORBIDDEN' },
    { rule: 'no-merge' },
    { session: 'other' },
    { trace: 'ab'.repeat(16) },
    { id: 's-777' },
  ];
  for (const filter of filters)
    assert.deepEqual(secondsIn(await ask(place, { filter })), [777], JSON.stringify(filter));
  assert.deepEqual(secondsIn(await ask(place, { filter: { client: 'vscod' } })), []);
});

test('lines that only hold a chain together are found by their names alone; files of earlier versions are read too', async (t) => {
  const place = await threeChains(t);
  writeFileSync(
    join(place.folder, 'audit-2026-11-01.jsonl'),
    '{"at":"2026-11-01T12:00:00.000Z","method":"tools/call","id":"s-5000"}\nnot a line\n{"cut',
  );
  const answer = await ask(place, { order: 'oldest', limit: 1 });
  assert.deepEqual(secondsIn(answer), [5000]);
  assert.equal(answer.entries[0]?.chain, 'audit-2026-11-01.jsonl');
  const terms = {
    order: 'newest',
    limit: 1000,
    cursor: undefined,
    maxBytes: Number.POSITIVE_INFINITY,
  } as const;
  const all = await queryAudit(place.folder, { ...terms, filter: {} });
  assert.ok(!all.entries.some(({ text }) => text.includes('"signature"')));
  const begun = await queryAudit(place.folder, { ...terms, filter: { event: 'chain-begun' } });
  assert.equal(begun.entries.length, 3);
});

test('what is no cursor is none', () => {
  for (const text of ['', 'abc', 'x'.repeat(1000), Buffer.from('[1,2]').toString('base64url')])
    assert.equal(parseCursor(text), undefined);
});

test('a call is found with all its rounds by the exchange that began it, and nothing else is (R3)', async (t) => {
  const place = new AuditPlace(t);
  const sink = place.open();
  await eventually('it has begun', () => place.files().length > 0);
  const rounds: readonly (readonly [second: number, of?: number])[] = [
    [1],
    [2],
    [3, 1],
    [11],
    [4, 1],
    [5, 11],
  ];
  for (const [second, of] of rounds) {
    const callId = of === undefined ? undefined : `s-${of}`;
    // What names a call elsewhere does not belong to it.
    const entry = entryOf({ id: `s-${second}`, callId, client: 's-1' });
    sink.take({ entry, spending: undefined });
  }
  await sink.close();
  const found = await allOf(place, { filter: { call: 's-1' }, order: 'oldest' });
  assert.deepEqual(found, [1, 3, 4]);
  assert.deepEqual(await allOf(place, { filter: { call: 's-3' } }), [3]);
});
