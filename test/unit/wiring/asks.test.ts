import assert from 'node:assert/strict';
import test from 'node:test';
import { Permit } from '../../../src/kernel/permit.ts';
import { Principal } from '../../../src/kernel/principal.ts';
import { Asks, type Asked } from '../../../src/wiring/asks.ts';

function ownerOf(name: string): Asked {
  const principal = Principal.prove({ credential: name, proof: 'api-key' });
  return { key: name, principal, version: '2025-11-25', clientInfo: undefined };
}

const QUESTION = { method: 'roots/list', params: {} };

function asksOf(): { asks: Asks; recorded: string[]; over: number[]; clock: { ms: number } } {
  const [recorded, over, clock]: [string[], number[], { ms: number }] = [[], [], { ms: 1e12 }];
  const asks = new Asks({
    now: () => clock.ms,
    newId: () => 'id',
    maxPerMinute: () => 2,
    decide: (principal, upstream) =>
      Permit.grant(principal, { kind: 'ask', upstream, name: 'roots', publicName: 'roots/list' }, {
        rule: 'x',
        shadows: [],
      } as never),
    record: ({ principal }) => recorded.push(principal ?? ''),
    overLimit: () => over.push(1),
  });
  return { asks, recorded, over, clock };
}

test('a server that asks too often stays over its limit however many other callers are asked meanwhile (R7)', () => {
  const { asks, clock } = asksOf();
  const owner = ownerOf('victim');
  asks.admit('spammer', owner, QUESTION);
  asks.admit('spammer', owner, QUESTION);
  let admitted = 0;
  for (let index = 0; index < 25_000; index += 1) {
    asks.admit('other', ownerOf(`caller-${index}`), QUESTION);
    if (index % 100 !== 0) continue;
    try {
      asks.admit('spammer', owner, QUESTION);
      admitted += 1;
    } catch {
      // Over its limit.
    }
  }
  assert.equal(admitted, 0);
  clock.ms += 60_000;
  assert.ok(asks.admit('spammer', owner, QUESTION), 'the next minute is another one');
});

test('a question that is shown again and again is counted and recorded once, however many others were meanwhile (R7)', () => {
  const { asks, recorded } = asksOf();
  const owner = ownerOf('asked');
  for (let index = 0; index < 15_000; index += 1) {
    asks.admit('other', ownerOf(`caller-${index}`), QUESTION, 'task');
    if (index % 100 === 0) asks.admit('shower', owner, QUESTION, 'task-1');
  }
  assert.equal(recorded.filter((key) => key === owner.principal.key).length, 1);
});
