import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { spread, type Spread } from '../figures.ts';
import { LegacyClient } from '../load/clients.ts';
import { ORDER } from '../load/order.ts';
import { line, type Outcome } from '../outcome.ts';
import type { Pace } from '../scenario.ts';
import { CONFIGURATIONS } from '../sides/configurations.ts';
import { startGateway, stdioServer } from '../sides/sides.ts';
import type { Subject } from '../sides/subject.ts';

const SESSIONS = 64;
const BEFORE_MS = 2000;
const AFTER_MS = 2000;
const RETRY_MS = 50;
/** A call takes one of these times at its server, so that there are always some in flight. */
const CALL_MS = [5, 50, 200, 600];

/** What became of the calls of one restart. */
interface Restart {
  readonly inFlight: number;
  /** In flight when the gateway was told to stop, and without a right answer. */
  readonly incomplete: number;
  /** Run by the server, and without an answer. */
  readonly lost: number;
  /** Refused with an error that says so. */
  readonly refused: number;
  /** Connections that closed under a request no server has seen. */
  readonly untaken: number;
  /** Tries while the port was closed. */
  readonly unreached: number;
  readonly discontinued: number;
  readonly answered: number;
  /** Longest time that all sessions together had no answer. */
  readonly gapSeconds: number;
  readonly firstFault: string | undefined;
}

type Fate = 'open' | 'answered' | 'refused' | 'unreached' | 'broken';

/** Every call of a run, by its text. */
class Ledger {
  readonly fates = new Map<string, Fate>();
  readonly continued = new Set<number>();
  inFlight: readonly string[] = [];
  isRestarted = false;
  going = true;
  gapMs = 0;
  firstFault: string | undefined;
  #answeredAt = performance.now();

  answered(session: number, text: string): void {
    this.fates.set(text, 'answered');
    if (this.isRestarted) this.continued.add(session);
    this.gapMs = Math.max(this.gapMs, performance.now() - this.#answeredAt);
    this.#answeredAt = performance.now();
  }

  failed(text: string, reason: string): void {
    const isRefused = reason.startsWith('HTTP 503 {"jsonrpc"');
    const otherwise = reason.includes('ECONNREFUSED') ? 'unreached' : 'broken';
    const fate = isRefused ? 'refused' : otherwise;
    this.fates.set(text, fate);
    if (fate === 'broken') this.firstFault ??= reason;
  }

  with(fate: Fate): string[] {
    return [...this.fates].flatMap(([text, each]) => (each === fate ? [text] : []));
  }
}

/** A gateway that is stopped and started again under load: what becomes of its legacy sessions and of the calls in flight. */
export async function restart({ isFull }: Pace): Promise<Outcome> {
  const all: Restart[] = [];
  for (let round = 0; round < (isFull ? 5 : 1); round += 1) all.push(await once());
  const over = (figure: (each: Restart) => number): Spread => spread(all.map(figure));
  const none = { target: { atMost: 0 } };
  const lines = [
    line(
      '',
      'restart: calls in flight at SIGTERM',
      over((each) => each.inFlight),
    ),
    line(
      '5',
      'restart: calls in flight at SIGTERM without a right answer',
      most(all, 'incomplete'),
      none,
    ),
    line('5', 'restart: calls run by their server, answer lost', most(all, 'lost'), none),
    line('5', 'restart: sessions that did not go on', most(all, 'discontinued'), none),
    line(
      '',
      'restart: calls refused with an error that says so',
      over((each) => each.refused),
    ),
    line(
      '',
      'restart: connections closed under a request not taken',
      over((each) => each.untaken),
    ),
    line(
      '',
      'restart: longest time without any answer',
      over((each) => each.gapSeconds),
      {
        unit: 's',
      },
    ),
  ];
  const fault = all.find(({ firstFault }) => firstFault !== undefined)?.firstFault;
  return { lines, sides: [], notes: fault === undefined ? [] : [`Unclear: ${fault}`], data: all };
}

/** The worst round: one lost call in one of them is one too many. */
function most(all: readonly Restart[], figure: 'incomplete' | 'lost' | 'discontinued'): Spread {
  const values = all.map((each) => each[figure]);
  return { ...spread(values), median: Math.max(...values) };
}

async function once(): Promise<Restart> {
  const folder = mkdtempSync(join(tmpdir(), 'mcpx-bench-'));
  const journal = join(folder, 'journal.txt');
  const setup = {
    ...CONFIGURATIONS.gateway,
    name: 'gateway',
    servers: { bench: stdioServer('--journal', journal) },
    folder,
  };
  let gateway: Subject | undefined;
  const ledger = new Ledger();
  try {
    gateway = await startGateway(setup);
    const { port, key } = gateway;
    const order = { ...ORDER, port, key };
    const clients = await Promise.all(
      Array.from({ length: SESSIONS }, () => LegacyClient.open(order)),
    );
    const running = Promise.all(clients.map((client, index) => work(client, index, ledger)));
    await sleep(BEFORE_MS);
    ledger.inFlight = ledger.with('open');
    await gateway.stop();
    gateway = await startGateway({ ...setup, port });
    ledger.isRestarted = true;
    await sleep(AFTER_MS);
    ledger.going = false;
    await running;
    return restartOf(ledger, new Set(readFileSync(journal, 'utf8').split('\n')));
  } finally {
    await gateway?.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

function restartOf(ledger: Ledger, run: ReadonlySet<string>): Restart {
  const broken = ledger.with('broken');
  const answered = new Set(ledger.with('answered'));
  return {
    inFlight: ledger.inFlight.length,
    incomplete: ledger.inFlight.filter((text) => !answered.has(text)).length,
    lost: broken.filter((text) => run.has(text)).length,
    untaken: broken.filter((text) => !run.has(text)).length,
    refused: ledger.with('refused').length,
    unreached: ledger.with('unreached').length,
    discontinued: SESSIONS - ledger.continued.size,
    answered: answered.size,
    gapSeconds: ledger.gapMs / 1000,
    firstFault: ledger.firstFault,
  };
}

/** One session: a call after the other, each tried once; after one that failed, on a new connection and with a new call. */
async function work(first: LegacyClient, session: number, ledger: Ledger): Promise<void> {
  let client = first;
  for (let id = 1; ledger.going; id += 1) {
    const text = `session-${session}.${id}`;
    const ms = CALL_MS[(session + id) % CALL_MS.length];
    const params = { name: 'bench__echo', arguments: { text, ms } };
    if (!client.isOpen) client = client.resumed();
    ledger.fates.set(text, 'open');
    try {
      const json = (await client.request(id, 'tools/call', params)).at(-1) ?? '';
      if (json.includes(`"text":"${text}"`)) ledger.answered(session, text);
      else ledger.failed(text, json);
    } catch (error) {
      ledger.failed(text, (error as Error).message);
      await sleep(RETRY_MS);
    }
  }
  client.leave();
}
