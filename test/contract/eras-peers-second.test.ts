import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import {
  MCPX,
  packagedServer,
  startServing,
  type RunningGateway,
} from '../support/clients-gateway.ts';
import { textsOf } from '../support/clients-tour.ts';
import {
  connectPinned,
  methodsOf,
  paramsOf,
  type AskedModernClient,
  type Says,
  type SecondPlace,
} from '../support/eras-clients.ts';
import { eventually } from '../support/processes.ts';
import { auditedOf } from '../support/eras-audit.ts';
import { saysAda } from '../support/eras-modern-server.ts';

type JsonObject = Record<string, unknown>;

const LIMIT = { timeout: 30_000 };

let gateway: RunningGateway;
before(
  async () => {
    gateway = await startServing({
      servers: { everything: packagedServer('server-everything', 'stdio') },
      app: 'asks: { maxPerMinute: 1000 }\n',
    });
    // It asks for roots of its own accord soon after it began: from then on every call has a process of its own.
    await gateway.untilStates('the server had asked something', ([state]) =>
      Boolean(state?.isInteractive),
    );
  },
  { timeout: 40_000 },
);
after(() => gateway?.stop(), { timeout: 20_000 });

const WAYS: Readonly<Record<string, () => SecondPlace>> = {
  'over streamable HTTP': () => ({ url: gateway.url }),
  'on stdio': () => ({
    command: process.execPath,
    args: [MCPX, 'stdio'],
    env: { PATH: process.env['PATH'] ?? '', LOG_LEVEL: 'error', ...gateway.env },
  }),
};

for (const [way, place] of Object.entries(WAYS))
  describe(`the second SDK pinned to 2026-07-28 ${way}, with server-everything, which is of the legacy era and on stdio`, () => {
    let client: AskedModernClient;
    let says: Says = saysAda;
    before(
      async () => {
        client = await connectPinned(way, place(), (asked) => says(asked));
        assert.equal(client.version, '2026-07-28');
      },
      { timeout: 20_000 },
    );
    beforeEach(() => {
      says = saysAda;
      client.asked.length = 0;
    });
    after(() => client?.close());

    test('a tool that elicits gets what the user filled in', LIMIT, async () => {
      const answer = await client.call('everything__trigger-elicitation-request');
      assert.match(textsOf(answer), /Name: Ada/);
      assert.equal(answer['isError'] ?? false, false);
      assert.deepEqual(methodsOf(client.asked), ['elicitation/create']);
      const { message, requestedSchema } = client.asked[0]?.params ?? {};
      assert.equal(message, '[everything] Please provide inputs for the following fields:');
      assert.deepEqual((requestedSchema as JsonObject)['required'], ['name']);
    });

    test('a user who declines or dismisses is told so to the server', LIMIT, async () => {
      for (const [action, said] of [
        ['decline', /declined to provide/],
        ['cancel', /cancelled the elicitation/],
      ] as const) {
        says = () => ({ action });
        const answer = await client.call('everything__trigger-elicitation-request');
        assert.match(textsOf(answer), said);
      }
    });

    test('a tool that samples gets what the model of the client said', LIMIT, async () => {
      const answer = await client.call('everything__trigger-sampling-request', {
        prompt: 'Speak',
        maxTokens: 20,
      });
      assert.match(
        textsOf(answer),
        /answer to \\"Resource trigger-sampling-request context: Speak/,
      );
      assert.deepEqual(methodsOf(client.asked), ['sampling/createMessage']);
      assert.equal(client.asked[0]?.params['maxTokens'], 20);
    });

    test('a tool that wants roots gets those of the client', LIMIT, async () => {
      const answer = await client.call('everything__get-roots-list');
      assert.match(textsOf(answer), /file:\/\/\/home\/ada/);
      assert.ok(methodsOf(client.asked).includes('roots/list'));
    });

    test('a tool sends the user to a page', LIMIT, async () => {
      const url = 'https://example.com/page';
      const answer = await client.call('everything__trigger-url-elicitation', { url });
      assert.match(textsOf(answer), /User completed the URL elicitation flow/);
      assert.deepEqual(
        paramsOf(client.asked, 'elicitation/create').map((asked) => asked['url']),
        [url],
      );
    });

    test('the error -32042 of the server becomes a page to open first', LIMIT, async () => {
      const url = 'https://example.com/page';
      const args = { url, errorPath: true };
      const answer = await client.call('everything__trigger-url-elicitation', args);
      assert.match(textsOf(answer), /User completed the URL elicitation flow/);
      assert.deepEqual(
        paramsOf(client.asked, 'elicitation/create').map((asked) => asked['url']),
        ['https://modelcontextprotocol.io', url],
      );
    });

    test('a call that takes its time reports progress', LIMIT, async () => {
      const progress: unknown[] = [];
      const answer = await client.call(
        'everything__trigger-long-running-operation',
        { duration: 0.3, steps: 3 },
        { onprogress: (one) => void progress.push(one['progress']) },
      );
      assert.match(textsOf(answer), /completed/);
      // The last one comes with the answer, which the SDK may take first.
      assert.deepEqual(progress.slice(0, 2), [1, 2]);
    });
  });

describe('clients of the second SDK pinned to 2026-07-28 with server-everything', () => {
  test('what a client did not declare it is not asked (R16)', LIMIT, async (t) => {
    const client = await connectPinned('mute', { url: gateway.url }, saysAda, {});
    t.after(() => client.close());
    for (const tool of ['trigger-elicitation-request', 'trigger-sampling-request']) {
      const answer = await client.call(`everything__${tool}`, { prompt: 'Speak' });
      // The server has the tool only for clients that can be asked.
      assert.match(textsOf(answer), /not found/);
      assert.equal(answer['isError'], true);
    }
    const sum = await client.call('everything__get-sum', { a: 2, b: 40 });
    assert.match(textsOf(sum), /42/);
  });

  test('clients at once get their own questions and their own answers', LIMIT, async (t) => {
    const names = Array.from({ length: 4 }, (_, index) => `Ada ${index}`);
    const clients = await Promise.all(
      names.map((name) =>
        connectPinned(name, { url: gateway.url }, ({ method }) =>
          method === 'elicitation/create'
            ? { action: 'accept', content: { name } }
            : { role: 'assistant', model: 'none', content: { type: 'text', text: name } },
        ),
      ),
    );
    t.after(() => Promise.all(clients.map((client) => client.close())));
    const elicited = clients.map((client) =>
      client.call('everything__trigger-elicitation-request'),
    );
    const sampled = clients.map((client) =>
      client.call('everything__trigger-sampling-request', { prompt: 'Who?' }),
    );
    for (const [index, name] of names.entries()) {
      assert.match(textsOf(await elicited[index]), new RegExp(`Name: ${name}\n`));
      assert.match(textsOf(await sampled[index]), new RegExp(`"${name}"`));
    }
  });

  test('each round is on record as modern, and its call is one (R3)', LIMIT, async (t) => {
    const client = await connectPinned('recorded', { url: gateway.url }, saysAda);
    t.after(() => client.close());
    await client.call('everything__trigger-elicitation-request');
    const calls = await eventually('both rounds are on record', 10_000, async () => {
      const lines = await auditedOf(gateway.env['MCPX_DATA_DIR'] ?? '', 'recorded');
      const found = lines.filter(({ method }) => method === 'tools/call');
      return found.length >= 2 ? found : undefined;
    });
    assert.deepEqual(
      calls.map(({ era, server, outcome, callId }) => ({ era, server, outcome, callId })),
      [
        { era: 'modern', server: 'everything', outcome: 'input-required', callId: undefined },
        { era: 'modern', server: 'everything', outcome: 'ok', callId: calls[0]?.id },
      ],
    );
    const [state] = await gateway.states();
    assert.equal(Reflect.get(state ?? {}, 'era'), 'legacy');
  });
});
