import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { Limits } from '../../src/guard/limits/limits.ts';
import type { LimitKey, LimitPlan } from '../../src/kernel/limits-plan.ts';
import { Principal } from '../../src/kernel/principal.ts';
import { Refusal } from '../../src/kernel/refusals.ts';
import { BudgetTable } from '../../src/store/budget-table.ts';
import { Caller } from '../support/attack-caller.ts';
import { rpcOf } from '../support/raw-http.ts';
import { attackedForFile, KEY_HEADER, SHARED_KEY, TAG_HEADER } from '../support/attack-gateway.ts';

/** Callers name their clients and consumers as they like, and as many as they like: that must neither fill the memory nor open a limit. */

const TARGET = { kind: 'tool', upstream: 'it', name: 'read', publicName: 'it__read' } as const;
const NOON = Date.UTC(2026, 10, 4, 12);
const NOTHING = {
  consumers: undefined,
  groups: undefined,
  clients: undefined,
  servers: undefined,
  tools: undefined,
  rate: undefined,
  concurrency: undefined,
  budget: undefined,
  maxResultBytes: undefined,
} as const;

class Flood {
  now = NOON;
  readonly warnings: string[] = [];
  readonly limits: Limits;
  #last = 0;

  constructor(t: TestContext, plans: readonly LimitPlan[]) {
    const folder = mkdtempSync(join(tmpdir(), 'mcpx-flood-'));
    this.limits = new Limits({
      now: () => this.now,
      monotonic: () => this.now - NOON,
      openStore: () => new BudgetTable(folder),
      log: { warn: (_, message) => this.warnings.push(message) },
      syncMs: 1e9,
    });
    this.limits.apply({ showsState: false, limits: plans }, {});
    t.after(() => {
      this.limits.close();
      rmSync(folder, { recursive: true, force: true });
    });
  }

  /** Whether a call of that consumer and client is let through. */
  call(consumer: string, client = ''): boolean {
    this.#last += 1;
    const principal = Principal.prove({
      credential: 'local',
      proof: 'local',
      consumer,
      isTagged: true,
    });
    try {
      const id = `x-${this.#last}`;
      const call = { id, target: TARGET, method: 'tools/call', isRetry: false };
      this.limits.admit({ principal: principal.withClient(client), ...call })?.release();
      return true;
    } catch (error) {
      assert.ok(error instanceof Refusal && error.code === 'LIMITED', String(error));
      return false;
    }
  }

  get counts(): number {
    return this.limits.report(0).reduce((sum, { counts }) => sum + counts, 0);
  }
}

function limit(id: string, per: readonly LimitKey[], fields: Partial<LimitPlan>): LimitPlan {
  return { id, mode: 'enforce', per, warnAt: 1, ...NOTHING, ...fields };
}

const DAILY = { budget: { window: 'day', calls: 2, tokens: undefined, cost: undefined } } as const;

test('however many names are sent, so many counts are kept apart and the others share one', (t) => {
  const flood = new Flood(t, [limit('day', ['consumer', 'client'], DAILY)]);
  const names = 60_000;
  let through = 0;
  for (let name = 0; name < names; name += 1)
    through += flood.call(`c${name % 977}`, `n${name}`) ? 1 : 0;
  assert.ok(flood.counts <= 50_001, String(flood.counts));
  assert.equal(through, 50_002, 'and the one they share lets two calls through, like any other');
  assert.equal(flood.warnings.filter((text) => /more counts than are kept/u.test(text)).length, 1);
});

test('a count in use is never given up for new names: nobody gets an allowance anew by a flood', (t) => {
  const flood = new Flood(t, [limit('day', ['consumer'], DAILY)]);
  assert.deepEqual(
    [flood.call('anna'), flood.call('anna'), flood.call('anna')],
    [true, true, false],
  );
  for (let name = 0; name < 60_000; name += 1) flood.call(`flood-${name}`);
  assert.equal(flood.call('anna'), false);
  flood.now += 86_400_000;
  assert.deepEqual(
    [flood.call('anna'), flood.call('anna'), flood.call('anna')],
    [true, true, false],
  );
});

test('counts that tell nothing any more make room: a flood of a rate is over when it is over', (t) => {
  const rate = { calls: 1, perMs: 1_000, burst: 1 };
  const flood = new Flood(t, [limit('rate', ['consumer'], { rate })]);
  for (let name = 0; name < 60_000; name += 1) flood.call(`flood-${name}`);
  assert.deepEqual(
    [flood.call('anna'), flood.call('bert')],
    [false, false],
    'they share one for now',
  );
  flood.now += 2_000;
  assert.deepEqual([flood.call('anna'), flood.call('bert')], [true, true]);
  assert.deepEqual([flood.call('anna'), flood.call('bert')], [false, false]);
  assert.equal(flood.counts, 2);
});

test('with a thousand limits there are not a thousand times as many counts', (t) => {
  const plans = Array.from({ length: 1_000 }, (_, index) => limit(`l${index}`, ['client'], DAILY));
  const flood = new Flood(t, plans);
  for (let name = 0; name < 150; name += 1) flood.call('anna', `n${name}`);
  assert.ok(flood.counts <= 101_000, String(flood.counts));
});

const gateway = await attackedForFile({
  app: {
    limits: {
      rules: [
        {
          id: 'caller',
          tools: ['it/test_simple_text'],
          per: ['caller'],
          rate: { calls: 5, per: '1d' },
        },
        { id: 'all', tools: ['it/test_image_content'], budget: { window: 'month', calls: 5 } },
      ],
    },
  },
});

for (const tool of ['it__test_simple_text', 'it__test_image_content'])
  test(`${tool}: who sends another client name and tag with each call gets no further`, async () => {
    let through = 0;
    for (let call = 0; call < 12; call += 1) {
      const headers = { [KEY_HEADER]: SHARED_KEY, [TAG_HEADER]: `tag-${call}` };
      const client = `client ${call}`;
      const terms = { headers, client };
      const got =
        call % 2 === 0
          ? await new Caller(gateway.port, terms).modernCall(tool)
          : await (await Caller.open(gateway.port, terms)).ask('tools/call', { name: tool });
      const { result, error } = rpcOf(got);
      if (result !== undefined) through += 1;
      else assert.equal(error?.code, 1429, JSON.stringify(error));
    }
    assert.equal(through, 5);
  });

test('what is refused is recorded with the limit, and limits are shown to operators alone', async () => {
  await gateway.recorded('the refusals', ({ code }) => code === 'LIMITED');
  const refused = gateway.audit().filter(({ code }) => code === 'LIMITED');
  assert.ok(refused.every(({ rule }) => rule === 'limit caller' || rule === 'limit all'));
  const page = await fetch(`http://127.0.0.1:${gateway.port}/admin/limits`);
  assert.equal(page.status, 401);
});
