import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { accepting, finalOf, Parker, waitingOf, type Waiting } from '../support/asking-parker.ts';
import { RawSession } from '../support/raw-clients.ts';
import { eventually } from '../support/raw-eventually.ts';
import { startRaw, type RawGateway } from '../support/raw-gateway.ts';
import type { Got, JsonObject } from '../support/raw-http.ts';

const SERVER = fileURLToPath(new URL('../support/late-server.ts', import.meta.url));

/** Questions that come this close upon another are asked together. */
const TOGETHER_MS = 600;

/** A gateway with a server that asks late when it is told to. */
class Scene {
  readonly gateway: RawGateway;
  readonly #folder: string;

  private constructor(gateway: RawGateway, folder: string) {
    this.gateway = gateway;
    this.#folder = folder;
  }

  static async start(t: TestContext, entry: object = {}, app: object = {}): Promise<Scene> {
    const folder = await mkdtemp(join(tmpdir(), 'mcpx-late-'));
    t.after(() => rm(folder, { recursive: true, force: true }));
    const it = { command: process.execPath, args: [SERVER], env: { FOLDER: folder }, ...entry };
    const gateway = await startRaw({ servers: { it }, app: JSON.stringify(app) });
    t.after(() => gateway.stop());
    return new Scene(gateway, folder);
  }

  /** A client of that name, which can be asked everything unless it says what else. */
  client(name: string, capabilities?: JsonObject): Client {
    const more = capabilities === undefined ? {} : { capabilities };
    return new Client(new Parker(this.gateway.port, more), name);
  }

  /** Has the server ask, and returns the code of the error it is answered with. */
  async askedLate(): Promise<unknown> {
    const before = await this.#lines('told');
    await this.touch('late');
    await eventually('the server was answered', async () => {
      return (await this.#lines('told')).length > before.length;
    });
    const last = (await this.#lines('told')).at(-1) ?? '{}';
    return (JSON.parse(last) as JsonObject)['code'];
  }

  touch(name: string): Promise<void> {
    return writeFile(join(this.#folder, name), '');
  }

  /** Waits until its server has met this: `began` and a tool, or `cancelled one`. */
  async until(met: string): Promise<void> {
    await eventually(`its server ${met}`, async () => (await this.#lines('calls')).includes(met));
  }

  async #lines(name: string): Promise<string[]> {
    const text = await readFile(join(this.#folder, name), 'utf8').catch(() => '');
    return text.split('\n').filter((line) => line !== '');
  }
}

/** A modern client that says its name. */
class Client {
  readonly #parker: Parker;
  readonly #meta: JsonObject;

  constructor(parker: Parker, name: string) {
    this.#parker = parker;
    this.#meta = { 'io.modelcontextprotocol/clientInfo': { name, version: '1' } };
  }

  tool(name: string): Promise<Got> {
    return this.#parker.tool(`it__${name}`, {}, this.#meta);
  }

  /** Calls a tool, which must ask. */
  async park(name: string): Promise<Waiting> {
    const params = { name: `it__${name}`, arguments: {} };
    return waitingOf('tools/call', params, await this.tool(name));
  }

  retry(waiting: Waiting, answers: JsonObject): Promise<Got> {
    return this.#parker.retry(waiting, answers, {}, this.#meta);
  }
}

function textOf(got: Got): string | undefined {
  const content = finalOf(got).result?.['content'] as { text: string }[] | undefined;
  return content?.[0]?.text;
}

function questionsIn({ inputRequests }: Waiting): unknown[] {
  return Object.values(inputRequests).map(({ params }) => params?.['message']);
}

test('R9: the late question for a modern call that has ended does not reach the call of another that waits for its client', async (t) => {
  const scene = await Scene.start(t);
  await scene.client('bert').tool('plain');
  const anne = scene.client('anne');
  const waiting = await anne.park('ask');
  await new Promise((resolve) => {
    setTimeout(resolve, TOGETHER_MS);
  });
  assert.equal(await scene.askedLate(), 1510, 'it is not known whom it means');
  const again = waitingOf(waiting.method, waiting.params, await anne.retry(waiting, {}));
  assert.deepEqual(questionsIn(again), ['[it] mine?']);
  const [state] = await scene.gateway.servers();
  assert.equal(state?.isInteractive, true, 'from now on each has an instance of its own');
});

test('R9: a client that calls again and again, each time in an exchange of its own, has the first question answered', async (t) => {
  const scene = await Scene.start(t);
  const anne = scene.client('anne');
  for (let round = 0; round < 5; round += 1)
    assert.equal(textOf(await anne.tool('plain')), 'plain');
  const waiting = await anne.park('ask');
  const done = await anne.retry(waiting, accepting(waiting));
  assert.equal(textOf(done), JSON.stringify({ action: 'accept', content: { answer: 'yes' } }));
});

test('R9: the late question for a client that has left does not reach the call of another that waits for its client', async (t) => {
  const scene = await Scene.start(t);
  const bert = await RawSession.open(scene.gateway.port);
  await bert.call('it__plain');
  const anne = scene.client('anne');
  const waiting = await anne.park('ask');
  await new Promise((resolve) => {
    setTimeout(resolve, TOGETHER_MS);
  });
  assert.equal(await scene.askedLate(), 1510);
  const again = waitingOf(waiting.method, waiting.params, await anne.retry(waiting, {}));
  assert.deepEqual(questionsIn(again), ['[it] mine?']);
  assert.match(textOf(await anne.retry(again, accepting(again))) ?? '', /accept/u);
});

test('R16: the late question for one of the clients that can be asked nothing ends no call of another', async (t) => {
  const scene = await Scene.start(t);
  const carl = scene.client('carl');
  const asked = await carl.park('ask');
  assert.match(textOf(await carl.retry(asked, accepting(asked))) ?? '', /accept/u);
  const [anne, bert] = [scene.client('anne', {}), scene.client('anne', {})];
  await bert.tool('plain');
  const call = anne.tool('hold');
  await scene.until('began hold');
  assert.equal(await scene.askedLate(), -32601);
  await scene.touch('go');
  assert.equal(textOf(await call), 'held');
});

test('R9: with isolation "shared" a call that was given up and never answered does not end all asking of its client', async (t) => {
  const scene = await Scene.start(t, { isolation: 'shared' }, { parking: { timeoutMs: 200 } });
  const anne = scene.client('anne');
  await anne.park('deaf');
  await scene.until('cancelled one');
  assert.deepEqual(questionsIn(await anne.park('ask')), ['[it] mine?']);
});
