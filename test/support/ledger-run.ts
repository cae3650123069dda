import { Ledger } from './ledger.ts';
import { exchangesIn, matched, type Audited } from './ledger-audit.ts';
import { Day } from './ledger-day.ts';
import { LedgerScene } from './ledger-scene.ts';
import { EVERYTHING } from './ledger-usage.ts';
import { linesIn } from './metrics-exposition.ts';
import type { OtlpSpan } from './otlp-protobuf.ts';
import type { JsonObject } from './raw-http.ts';

/** A day that is over: the driver's own books, and every record the gateway has kept of it. */
export interface DayDone {
  readonly scene: LedgerScene;
  readonly ledger: Ledger;
  /** Every request with its audit line. */
  readonly audited: readonly Audited[];
  /** All lines of the audit log. */
  readonly lines: readonly JsonObject[];
  /** What `mcpx audit verify` says of them. */
  readonly verdict: JsonObject;
  /** Ids of what `mcpx audit query` finds of Bob's calls. */
  readonly queried: readonly unknown[];
  /** The metrics pages of the two gateways that ran one after the other. */
  readonly pages: readonly string[];
  readonly limits: JsonObject;
  /** Usage as the last gateway told it, and as the command line tells it afterwards. */
  readonly usage: readonly JsonObject[];
  readonly spans: readonly OtlpSpan[];
  /** Lines of the logs that are about exchanges. */
  readonly logged: readonly JsonObject[];
}

/** Has the script acted out. Fails where exchanges and lines of the audit log are not the same, to the call. */
export async function dayDone(): Promise<DayDone> {
  const scene = await LedgerScene.make();
  const ledger = new Ledger();
  await scene.start();
  const day = await Day.of(scene, ledger);
  await day.morning();
  const morningPage = await pageWhenRecorded(scene, ledger);
  const { over } = await day.lastOfTheMorning();
  await Promise.all([scene.stop(), over]);
  const morning = await scene.audit();
  await scene.mcpx('keys', 'revoke', 'gone');
  await scene.start();
  await day.evening();
  const eveningPage = await pageWhenRecorded(scene, ledger);
  const [usage, limits] = await Promise.all([
    usageWhenKept(scene, ledger),
    scene.page('/admin/limits'),
  ]);
  await scene.stop();
  const all = await scene.audit();
  const evening = [...all].filter(([name]) => !morning.has(name)).flatMap(([, lines]) => lines);
  const byRun = [[...morning.values()].flat(), evening];
  ledger.check();
  return {
    scene,
    ledger,
    audited: byRun.flatMap((lines, index) =>
      matched(
        ledger.rows.filter(({ run }) => run === index + 1),
        exchangesIn(lines),
      ),
    ),
    lines: [...all.values()].flat(),
    verdict: JSON.parse(await scene.mcpx('audit', 'verify', '--json')) as JsonObject,
    queried: await queriedBy(scene),
    pages: [morningPage, eveningPage],
    limits,
    usage: [usage, await usageByCommand(scene)],
    spans: await scene.receiver.spans(),
    logged: loggedIn(scene.output),
  };
}

/** So many looks one after the other find nothing new. */
const STILL_TIMES = 25;

/** Exchanges are recorded when their tokens have been counted. */
async function pageWhenRecorded(scene: LedgerScene, ledger: Ledger): Promise<string> {
  const { run, rows } = ledger;
  const count = rows.filter((row) => row.run === run && row.actor.transport !== 'stdio').length;
  let page = '';
  let [last, times] = [0, 0];
  await scene.untilMetrics(`${count} exchanges were recorded`, (text) => {
    page = text;
    const series = linesIn(text, 'mcpx_exchanges_total');
    const sum = series.reduce((all, { value }) => all + value, 0);
    // What servers ask counts too: all are recorded when no more come.
    times = sum === last ? times + 1 : 0;
    last = sum;
    return sum >= count && times >= STILL_TIMES;
  });
  return page;
}

/** Usage is kept within `usage.flushMs`. */
async function usageWhenKept(scene: LedgerScene, ledger: Ledger): Promise<JsonObject> {
  const isKept = (page: string): boolean =>
    linesIn(page, 'mcpx_usage_waiting_rollups').every(({ value }) => value === 0);
  await scene.untilMetrics(`usage of ${ledger.rows.length} exchanges was kept`, isKept);
  return scene.page(`/admin/usage?${EVERYTHING.toString()}`);
}

async function usageByCommand(scene: LedgerScene): Promise<JsonObject> {
  const options = [...EVERYTHING].flatMap(([name, value]) => [`--${name}`, value]);
  return JSON.parse(await scene.mcpx('usage', '--json', ...options)) as JsonObject;
}

async function queriedBy(scene: LedgerScene): Promise<unknown[]> {
  const which = ['--consumer', 'bob', '--method', 'tools/call', '--limit', '200'];
  const text = await scene.mcpx('audit', 'query', '--json', ...which);
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.map((line) => (JSON.parse(line) as JsonObject)['id']);
}

function loggedIn(output: string): JsonObject[] {
  return output
    .split('\n')
    .filter((line) => line.startsWith('{') && line.includes('"msg":"exchange"'))
    .map((line) => JSON.parse(line) as JsonObject);
}
