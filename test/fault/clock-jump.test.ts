import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { accepting, answersIn, Parker } from '../support/asking-parker.ts';
import { askersForFile } from '../support/asking-scene.ts';
import { AuditedGateway } from '../support/audited-gateway.ts';
import { RawSession } from '../support/gateway-session.ts';
import { echoServer, type GatewaySetup } from '../support/gateway.ts';
import { eventually } from '../support/processes.ts';

/** The wall clock of the gateway is set while it runs; what goes by timers goes on. */

const WAIT_MS = 20_000;
const HOUR_MS = 3_600_000;
/** Far more than the calls by which the clock is seen to be set. */
const HOURLY_CALLS = 200;
const DAY_MS = 24 * HOUR_MS;
const CLOCK = new URL('../support/faults-clock.ts', import.meta.url).href;

const askers = await askersForFile(['oldhttp']);

/** A gateway and its clock. */
class Clocked {
  readonly audited: AuditedGateway;
  readonly #file: string;

  private constructor(audited: AuditedGateway, file: string) {
    this.audited = audited;
    this.#file = file;
  }

  static async start(t: TestContext, setup: Partial<GatewaySetup> = {}): Promise<Clocked> {
    const env: Record<string, string> = { TZ: 'UTC', ...setup.env };
    const audited = await AuditedGateway.prepare(t, { ...setup, env });
    const file = join(audited.gateway.folder, 'clock');
    writeFileSync(file, '0');
    Object.assign(env, { NODE_OPTIONS: `--import=${CLOCK}`, FAULT_CLOCK_FILE: file });
    await audited.launch();
    return new Clocked(audited, file);
  }

  /** Has it wrong by so much, and waits until it is: the dates of the log tell. */
  async set(offsetMs: number): Promise<void> {
    writeFileSync(this.#file, String(offsetMs));
    process.kill(this.audited.gateway.pid, 'SIGWINCH');
    await eventually('the clock is set', WAIT_MS, async () => {
      await this.audited.call(0);
      const last = this.audited.gateway.log().at(-1);
      return Math.abs(Date.parse(last?.time ?? '') - Date.now() - offsetMs) < HOUR_MS / 4;
    });
  }
}

test('sessions, calls, streams, usage and the audit go on when the clock jumps by hours and days, either way (R22)', async (t) => {
  const app = { audit: { flushMs: 20 }, usage: { flushMs: 50 } };
  const clock = await Clocked.start(t, { app });
  const { gateway } = clock.audited;
  const session = await RawSession.open(gateway.url);
  const streams = new AbortController();
  t.after(() => streams.abort());
  await session.listen(streams.signal);
  let number = 1;
  for (const offset of [5 * HOUR_MS, -7 * HOUR_MS, 2 * DAY_MS, 0]) {
    await clock.set(offset);
    const answer = await session.call('echo__echo', { text: `number ${number}` });
    assert.equal(answer.error, undefined, JSON.stringify(answer));
    const other = await RawSession.open(gateway.url);
    assert.deepEqual(await other.tools(), ['echo__echo']);
    assert.equal(await other.delete(), 204);
    number += 1;
  }
  // The stream that was open all along still brings news.
  const before = session.heard.length;
  await gateway.configure({ echo: echoServer(), more: echoServer() });
  await eventually('the stream brings news', WAIT_MS, () => session.heard.length > before);
  await gateway.whenServer('echo', ({ restarts }) => restarts === 0);
  assert.equal(await gateway.end('SIGTERM'), 0);
  const { code, findings } = await clock.audited.verify();
  assert.deepEqual([code, findings], [0, []]);
  assert.doesNotMatch(gateway.output(), /"level":(?:50|60)|cannot be kept/u);
});

test('what conditions on the clock show is shown by the clock as it is set, and clients are told', async (t) => {
  const hour = new Date().getUTCHours();
  const [night, day] = [(hour + 6) % 24, (hour + 18) % 24];
  const when = `now.hour == ${night} || now.hour == ${day}`;
  const rules = [{ id: 'night', effect: 'deny', tools: ['echo/*'], when }];
  const clock = await Clocked.start(t, { app: { rules } });
  const { gateway } = clock.audited;
  const session = await RawSession.open(gateway.url);
  const streams = new AbortController();
  t.after(() => streams.abort());
  await session.listen(streams.signal);
  for (const [offset, seen] of [
    [6 * HOUR_MS, []],
    [0, ['echo__echo']],
    [-6 * HOUR_MS, []],
    [0, ['echo__echo']],
  ] as const) {
    const told = session.heard.length;
    await clock.set(offset);
    await eventually(
      'the list is as the clock says',
      WAIT_MS,
      async () => JSON.stringify(await session.tools()) === JSON.stringify(seen),
      () => `${offset}`,
    );
    const answer = await session.call('echo__echo', { text: 'x' });
    assert.equal(answer.error === undefined, seen.length > 0, JSON.stringify(answer));
    await eventually('the client is told', WAIT_MS, () => session.heard.length > told);
  }
});

test('a new window of a budget begins by the clock as it is set, and what was used is not had again by setting it back a little', async (t) => {
  const budget = { window: 'hour', calls: HOURLY_CALLS };
  const app = {
    limits: { rules: [{ id: 'hourly', servers: ['echo'], budget }] },
  };
  const clock = await Clocked.start(t, { app });
  const session = await RawSession.open(clock.audited.gateway.url);
  const call = async (): Promise<unknown> =>
    (await session.call('echo__echo', { text: 'x' })).error?.data?.['refusal'] ?? 'answered';
  const spend = async (): Promise<void> => {
    let calls = 0;
    while ((await call()) === 'answered') calls += 1;
    assert.ok(calls <= HOURLY_CALLS, `${calls} calls were answered`);
    assert.equal(await call(), 'LIMITED');
  };
  await spend();
  await clock.set(5 * HOUR_MS);
  // The clock was seen to be set by some calls of the new hour, on a busy machine by more of them.
  assert.equal(await call(), 'answered');
  await spend();
  await clock.set(4 * HOUR_MS);
  assert.equal(await call(), 'LIMITED');
  await clock.set(6 * HOUR_MS);
  assert.equal(await call(), 'answered');
});

test('a call that waits for its client is gone on with although the clock jumped by hours meanwhile (R3)', async (t) => {
  const servers = { echo: echoServer(), ...askers.servers };
  const clock = await Clocked.start(t, { servers });
  await clock.audited.gateway.whenReady(...Object.keys(askers.servers));
  const client = new Parker(clock.audited.port);
  for (const offset of [9 * HOUR_MS, -9 * HOUR_MS]) {
    await clock.set(0);
    const waiting = await client.park('oldhttp', { tag: `clock${offset}` });
    await clock.set(offset);
    const got = await client.retry(waiting, accepting(waiting));
    assert.equal(answersIn(got).length, 1, got.text);
  }
});
