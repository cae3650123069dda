import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { objectOf, type JsonObject } from '../fixture/json-rpc.ts';
import { Interviewee, outcomeOf, type Answering, type Wish } from '../support/asking-clients.ts';
import { ASKERS, askersForFile, type Asker } from '../support/asking-scene.ts';
import { ROOT } from '../support/conformance-processes.ts';
import type { Place } from '../support/fidelity-wires.ts';
import { RawSession } from '../support/raw-clients.ts';
import { eventually } from '../support/raw-eventually.ts';
import { gatewayForFile, type RawGateway } from '../support/raw-gateway.ts';

/** How calls of legacy clients end while their servers ask them something, and that nothing of them runs on upstream. */

const askers = await askersForFile(ASKERS.map(({ name }) => name));
const { journal } = askers;
const ASKS = { maxPerMinute: 10_000 };
const gateway = await gatewayForFile({
  servers: askers.servers,
  app: JSON.stringify({ asks: ASKS }),
});
const hasty = await gatewayForFile({
  servers: askers.servers,
  app: JSON.stringify({ asks: ASKS, sessions: { askTimeoutMs: 400 } }),
});

let last = 0;

function tagged(): string {
  last += 1;
  return `legacy${last}`;
}

type Door = 'http' | 'sse';

function doorOf({ port }: RawGateway, door: Door): Place {
  return { kind: door, url: `http://127.0.0.1:${port}/${door === 'sse' ? 'sse' : 'mcp'}` };
}

function open(t: TestContext, place: Place, capabilities?: JsonObject): Promise<Interviewee> {
  const opened = Interviewee.open(place, 'legacy', 'lea', capabilities);
  t.after(async () => (await opened).close());
  return opened;
}

/** A call whose client says nothing to what it is asked; resolves once it was asked. */
async function silent(
  client: Interviewee,
  { name }: Asker,
  wish: Wish,
): Promise<{ readonly outcome: Promise<JsonObject> }> {
  let hear: (() => void) | undefined;
  const asked = new Promise<void>((resolve) => {
    hear = resolve;
  });
  const answering: Answering = () => {
    hear?.();
    return new Promise(() => {});
  };
  const params = { name: `${name}__fixture_interview`, arguments: wish };
  const outcome = client
    .interview(wish.tag, 'tools/call', params, answering)
    .then(outcomeOf, (failure: unknown) => ({ failure: String(failure) }));
  const over = outcome.then((early) => {
    throw new Error(`Over before anything was asked: ${JSON.stringify(early)}`);
  });
  await Promise.race([asked, over]);
  over.catch(() => undefined);
  return { outcome };
}

/** Nothing runs upstream: an old server was told to give up, a new one was not called again. */
async function assertGivenUp({ era }: Asker, tag: string): Promise<void> {
  if (era === 'legacy') return journal.untilOver(tag, 'given-up');
  await journal.untilOver(tag);
  assert.deepEqual(journal.stagesOf(tag), ['began', 'ended']);
}

/** The one answer an old server got instead of the client's: an error. */
function errorIn(outcome: JsonObject): JsonObject {
  const [[answer] = []] = outcome['answers'] as JsonObject[][];
  return objectOf(answer?.['error']);
}

for (const door of ['http', 'sse'] as const)
  for (const server of ASKERS) {
    const from = `${door}, ${server.era} server on ${server.transport}`;

    test(`${from}: a client that never answers is waited for sessions.askTimeoutMs; then the server is told, or the call refused`, async (t) => {
      const tag = tagged();
      const client = await open(t, doorOf(hasty, door));
      const { outcome } = await silent(client, server, { tag });
      const got = await outcome;
      if (server.era === 'legacy') assert.equal(typeof errorIn(got)['code'], 'number');
      else assert.equal(typeof objectOf(got['error'])['code'], 'number', JSON.stringify(got));
      await journal.untilOver(tag, 'ended');
      assert.equal(journal.begun(tag), 1);
    });

    test(`${from}: a call its client cancels while it is asked is cancelled upstream`, async (t) => {
      const tag = tagged();
      const client = await open(t, doorOf(gateway, door));
      await silent(client, server, { tag });
      const { peer } = client;
      // The calls of a peer are counted: its first was initialize.
      await peer.notify('notifications/cancelled', { requestId: 2, reason: 'no more' });
      await assertGivenUp(server, tag);
    });

    test(`${from}: a client that leaves for good while it is asked has its call given up`, async (t) => {
      const tag = tagged();
      const client = await open(t, doorOf(gateway, door));
      await silent(client, server, { tag });
      await client.close();
      await assertGivenUp(server, tag);
    });

    test(`${from}: a question the client did not declare is not asked: an old server is told so, with a new one the call ends`, async (t) => {
      const tag = tagged();
      const client = await open(t, doorOf(gateway, door), { elicitation: {} });
      const params = {
        name: `${server.name}__fixture_interview`,
        arguments: { tag, rounds: [['sampling']] },
      };
      const asked: string[] = [];
      const answering: Answering = ({ method }) => {
        asked.push(method);
        return {};
      };
      const got = outcomeOf(await client.interview(tag, 'tools/call', params, answering));
      assert.deepEqual(asked, []);
      if (server.era === 'legacy') assert.equal(errorIn(got)['code'], -32601, JSON.stringify(got));
      else {
        const { code, data } = objectOf(got['error']);
        assert.equal(code, -32021, JSON.stringify(got));
        assert.deepEqual(Object.keys(objectOf(objectOf(data)['requiredCapabilities'])), [
          'sampling',
        ]);
      }
      await journal.untilOver(tag, 'ended');
      assert.equal(journal.begun(tag), 1);
    });

    test(`${from}: a client that answers with an error is heard: an old server gets it, with a new one the call ends and the other question is taken back`, async (t) => {
      const tag = tagged();
      const client = await open(t, doorOf(gateway, door));
      const params = {
        name: `${server.name}__fixture_interview`,
        arguments: { tag, rounds: [['sampling', 'elicitation']] },
      };
      const answering: Answering = ({ method }) => {
        if (method === 'sampling/createMessage') throw new Error('User rejected');
        return server.era === 'legacy' ? { action: 'decline' } : new Promise(() => {});
      };
      const got = outcomeOf(await client.interview(tag, 'tools/call', params, answering));
      if (server.era === 'legacy') {
        assert.deepEqual(errorIn(got), { code: -1, message: 'User rejected' });
        assert.deepEqual((got['answers'] as JsonObject[][])[0]?.[1], { action: 'decline' });
      } else {
        assert.ok(got['error'], JSON.stringify(got));
        const cancelled = await client.peer.next(
          ({ method }) => method === 'notifications/cancelled',
        );
        assert.ok(cancelled.params['requestId'] !== undefined);
      }
      await journal.untilOver(tag, 'ended');
      assert.equal(journal.begun(tag), 1);
    });

    if (server.era === 'legacy')
      test(`${from}: a question that its server withdraws is taken back from the client`, async (t) => {
        const tag = tagged();
        const client = await open(t, doorOf(gateway, door));
        const { outcome } = await silent(client, server, {
          tag,
          patienceMs: 100,
          onSilence: 'withdraw',
        });
        const { peer } = client;
        await peer.next(({ method }) => method === 'notifications/cancelled');
        assert.ok('answers' in (await outcome));
        await journal.untilOver(tag, 'ended');
      });
  }

for (const server of ASKERS)
  test(`http, ${server.era} server on ${server.transport}: a client whose stream breaks while it is asked is waited for as long as one that is silent`, async () => {
    const tag = tagged();
    const session = await RawSession.open(hasty.port, { capabilities: { elicitation: {} } });
    const params = { name: `${server.name}__fixture_interview`, arguments: { tag } };
    const stream = await session.stream(session.body('tools/call', params));
    await stream.nextMessage(({ method }) => method === 'elicitation/create');
    stream.break();
    await journal.untilOver(tag, 'ended');
    assert.equal(journal.begun(tag), 1);
    await session.end();
  });

for (const [version, code] of [
  ['2025-11-25', -32042],
  ['2025-06-18', 1510],
  ['2024-11-05', 1510],
] as const)
  test(`-32042 of a legacy server to a client of ${version} is ${code}`, async () => {
    const session = await RawSession.open(gateway.port, {
      version,
      capabilities: { elicitation: { form: {}, url: {} } },
    });
    const { error } = await session.call('oldhttp__fixture_connect', { tag: tagged() });
    assert.equal(error?.code, code, JSON.stringify(error));
    if (code === 1510) assert.equal(error.data?.['refusal'], 'CLIENT_UNREACHABLE');
    else {
      const elicitations = error.data?.['elicitations'] as JsonObject[] | undefined;
      assert.equal(elicitations?.length, 2);
    }
    await session.end();
  });

test('stdio: a client that closes its input while it is asked leaves no call behind', async (t) => {
  const { folder } = gateway;
  for (const server of ASKERS.filter(({ transport }) => transport !== 'sse')) {
    const tag = tagged();
    const env = {
      ENABLE_METRICS: 'false',
      SERVERS_CONFIG_PATH: `${folder}/mcp.json`,
      APP_CONFIG_PATH: `${folder}/app.yaml`,
      MCPX_DATA_DIR: `${folder}/data-stdio`,
    };
    const args = [`${ROOT}bin/mcpx.js`, 'stdio'];
    const client = await open(t, { kind: 'stdio', args, env, graceMs: 15_000 });
    await silent(client, server, { tag });
    await client.close();
    await eventually(`no call of ${server.name} runs`, () => journal.running(tag).length === 0);
    assert.equal(journal.begun(tag), 1);
  }
});

test('no call was left running upstream', () => journal.assertNoOrphan());
