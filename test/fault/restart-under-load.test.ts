import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ResultSchema } from '@modelcontextprotocol/sdk/types.js';
import type { JournalLine } from '../fixture/journal.ts';
import { fixture, TestGateway } from '../support/gateway.ts';
import { eventually } from '../support/processes.ts';

/**
 * Sessions of shared servers outlive a restart under load. The servers write into a journal what they were asked, so that every
 * call can be accounted for: what its client was told, and what was done.
 */

const CLIENTS = 16;
const CALL_MS = 30;

type Outcome = 'answered' | 'refused' | 'not connected' | 'broken';

interface Fate {
  readonly tag: string;
  readonly outcome: Outcome;
  readonly said: string;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => {
    server.close(resolve);
  });
  return port;
}

/** What the servers did, by the tags of calls. */
class Journal {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  counts(stage: JournalLine['stage']): Map<string, number> {
    const counts = new Map<string, number>();
    const text = existsSync(this.#path) ? readFileSync(this.#path, 'utf8') : '';
    for (const line of text.split('\n')) {
      if (line === '') continue;
      const { tag, stage: of } = JSON.parse(line) as JournalLine;
      if (of === stage) counts.set(tag, (counts.get(tag) ?? 0) + 1);
    }
    return counts;
  }
}

/** A real client that calls one tool after the other, whatever becomes of them. */
class Caller {
  readonly fates: Fate[] = [];
  readonly #name: string;
  readonly #server: string;
  readonly #client: Client;
  readonly #transport: StreamableHTTPClientTransport;
  #isStopped = false;
  #running: Promise<void> = Promise.resolve();

  constructor(number: number, url: string) {
    this.#name = `client-${number}`;
    this.#server = number % 2 === 0 ? 'even' : 'odd';
    this.#client = new Client({ name: this.#name, version: '1.0.0' }, { capabilities: {} });
    this.#transport = new StreamableHTTPClientTransport(new URL(url));
  }

  get session(): string | undefined {
    return this.#transport.sessionId;
  }

  get answered(): number {
    return this.fates.filter(({ outcome }) => outcome === 'answered').length;
  }

  async begin(t: TestContext): Promise<void> {
    await this.#client.connect(this.#transport);
    t.after(() => this.#client.close());
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    for (let number = 0; !this.#isStopped; number += 1) {
      const tag = `${this.#name}/${number}`;
      const fate = await this.#call(tag);
      this.fates.push({ tag, ...fate });
      // Who was refused comes back a little later, as a client would.
      if (fate.outcome !== 'answered') await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async #call(tag: string): Promise<Omit<Fate, 'tag'>> {
    const params = { name: `${this.#server}__fixture_slow`, arguments: { ms: CALL_MS, tag } };
    try {
      const result = await this.#client.request({ method: 'tools/call', params }, ResultSchema, {
        timeout: 30_000,
      });
      return { outcome: 'answered', said: JSON.stringify(result) };
    } catch (error) {
      return fateOf(error);
    }
  }
}

function fateOf(error: unknown): Omit<Fate, 'tag'> {
  const { message, cause } = error as Error & { cause?: { code?: string } };
  const said = `${message} ${cause?.code ?? ''}`;
  if (/1520/u.test(said)) return { outcome: 'refused', said };
  return { outcome: /ECONNREFUSED/u.test(said) ? 'not connected' : 'broken', said };
}

interface Scene {
  readonly gateway: TestGateway;
  readonly journal: Journal;
  readonly callers: readonly Caller[];
}

async function begin(t: TestContext): Promise<Scene> {
  const port = await freePort();
  const gateway = await TestGateway.prepare(t, {
    servers: {},
    app: { upstreams: { shutdownGraceMs: 500 } },
    env: { MCPX_PORT: String(port) },
  });
  const path = join(gateway.folder, 'journal');
  const server = { ...fixture('legacy'), env: { FIXTURE_JOURNAL: path } };
  await gateway.configure({ even: server, odd: server });
  await gateway.launch();
  await gateway.whenReady('even', 'odd');
  const callers = Array.from({ length: CLIENTS }, (_, number) => new Caller(number, gateway.url));
  for (const caller of callers) await caller.begin(t);
  return { gateway, journal: new Journal(path), callers };
}

/** Waits until every caller has so many answers more than it had. */
async function untilAnswered({ callers }: Scene, more: number): Promise<void> {
  const goals = callers.map(({ answered }) => answered + more);
  await eventually(
    `every client had ${more} answers more`,
    30_000,
    () => callers.every(({ answered }, index) => answered >= (goals[index] ?? 0)),
    () => callers.flatMap(({ fates }) => fates.slice(-2)),
  );
}

/** Ends the load; all calls come to an end of some kind. */
async function settle({ callers }: Scene): Promise<readonly Fate[]> {
  await Promise.all(callers.map((caller) => caller.stop()));
  return callers.flatMap(({ fates }) => fates);
}

function assertAnswersRanOnce(fates: readonly Fate[], journal: Journal): void {
  const ended = journal.counts('ended');
  for (const { tag, outcome, said } of fates) {
    if (outcome !== 'answered') continue;
    assert.match(said, /waited/u);
    assert.equal(ended.get(tag), 1, `${tag} was answered, and ran ${ended.get(tag) ?? 0} times`);
  }
  assert.ok(
    [...journal.counts('began').values()].every((count) => count === 1),
    'none ran twice',
  );
}

test('SIGTERM under load: calls in flight are completed, all others are refused unrun, and after the restart the sessions go on', async (t) => {
  const scene = await begin(t);
  const { gateway, journal, callers } = scene;
  await untilAnswered(scene, 5);
  const sessions = callers.map(({ session }) => session);
  assert.equal(await gateway.end('SIGTERM'), 0);
  await gateway.launch();
  await untilAnswered(scene, 5);
  assert.deepEqual(
    callers.map(({ session }) => session),
    sessions,
  );
  const fates = await settle(scene);
  assertAnswersRanOnce(fates, journal);
  // Whatever was begun was told: a call that was not answered was not begun either.
  const began = journal.counts('began');
  const unanswered = fates.filter(({ outcome }) => outcome !== 'answered');
  assert.deepEqual(
    unanswered.filter(({ tag }) => began.has(tag)),
    [],
  );
  assert.ok(unanswered.length > 0, 'there was a gap');
  assert.deepEqual(
    gateway.log().filter(({ level }) => level >= 50),
    [],
  );
});

test('kill -9 under load: what was in flight fails visibly, the start after it is clean, and the sessions go on', async (t) => {
  const scene = await begin(t);
  const { gateway, journal, callers } = scene;
  await untilAnswered(scene, 5);
  const sessions = callers.map(({ session }) => session);
  await gateway.end('SIGKILL');
  await gateway.launch();
  await untilAnswered(scene, 5);
  assert.deepEqual(
    callers.map(({ session }) => session),
    sessions,
  );
  const fates = await settle(scene);
  assertAnswersRanOnce(fates, journal);
  const began = journal.counts('began');
  const inFlight = fates.filter(({ tag, outcome }) => outcome !== 'answered' && began.has(tag));
  assert.ok(inFlight.length > 0, 'some were in flight');
  assert.ok(inFlight.length <= CLIENTS);
  for (const { outcome } of inFlight) assert.equal(outcome, 'broken');
  assert.deepEqual(
    [...began.keys()].filter((tag) => !fates.some((fate) => fate.tag === tag)),
    [],
  );
});
