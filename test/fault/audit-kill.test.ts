import assert from 'node:assert/strict';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { AuditedGateway } from '../support/audited-gateway.ts';
import { eventually } from '../support/processes.ts';
import type { JsonObject } from '../support/raw-http.ts';

const KILLS = 20;
const CALLERS = 8;
const FLUSH_MS = 100;
/** A busy machine writes late: five times the window (docs/rules.md R24). */
const WINDOW_MS = 5 * FLUSH_MS;

/** Calls without a pause from several sides; tells which were answered, and when. */
class Load {
  readonly answered = new Map<number, number>();
  readonly #audited: AuditedGateway;
  #next: number;
  #isOn = true;
  readonly #callers: readonly Promise<void>[];

  constructor(audited: AuditedGateway, first: number) {
    this.#audited = audited;
    this.#next = first;
    this.#callers = Array.from({ length: CALLERS }, () => this.#call());
  }

  async #call(): Promise<void> {
    while (this.#isOn) {
      const number = this.#next;
      this.#next += 1;
      try {
        const { status, text } = await this.#audited.call(number);
        if (status === 200 && text.includes('"result"'))
          this.answered.set(number, performance.now());
      } catch {
        return;
      }
    }
  }

  async stop(): Promise<number> {
    this.#isOn = false;
    await Promise.all(this.#callers);
    return this.#next;
  }
}

test(`a gateway that is killed ${KILLS} times under load leaves an audit that verifies each time, and loses no more than its flush window (R22)`, async (t) => {
  const app = { audit: { flushMs: FLUSH_MS, arguments: 'full' } };
  const audited = await AuditedGateway.prepare(t, { app });
  let next = 0;
  let total = 0;
  for (let kill = 1; kill <= KILLS; kill += 1) {
    await audited.launch();
    const load = new Load(audited, next);
    await eventually('calls are answered', 20_000, () => load.answered.size > 50);
    // Not always at the same point of a flush.
    await sleep(kill * 13);
    const killedAt = performance.now();
    await audited.gateway.end('SIGKILL');
    next = await load.stop();
    const recorded = audited.numbers();
    const missing = [...load.answered].filter(([number]) => !recorded.has(number));
    for (const [number, at] of missing)
      assert.ok(
        killedAt - at < WINDOW_MS,
        `call ${number} was answered ${killedAt - at} ms before`,
      );
    total += load.answered.size - missing.length;
    const { code, findings, chains } = await audited.verify();
    assert.deepEqual([code, findings], [0, []], `after kill ${kill}`);
    assert.equal(chains.length, kill);
  }
  await audited.launch();
  const lostIn = (lines: readonly JsonObject[]): JsonObject[] =>
    lines.filter(({ event }) => event === 'chain-lost').map(({ lost }) => lost as JsonObject);
  await eventually(
    'the last loss is stated',
    20_000,
    () => lostIn(audited.lines()).length === KILLS,
  );
  await eventually('its log says so', 20_000, () =>
    audited.gateway.output().includes('was killed'),
  );
  await audited.gateway.end('SIGTERM');
  const { code, findings, chains } = await audited.verify();
  assert.deepEqual([code, findings], [0, []]);
  const states = chains.map(({ state }) => state).toSorted();
  assert.deepEqual(states, ['ended', ...Array.from({ length: KILLS }, () => 'lost')]);
  const lost = lostIn(audited.lines());
  assert.equal(new Set(lost.map(({ chain }) => chain)).size, KILLS);
  for (const each of lost) assert.equal(each['flushMs'], FLUSH_MS);
  assert.ok(total > KILLS * 25, `${total} calls`);
  t.diagnostic(`${next} calls, ${total} answered and recorded`);
});
