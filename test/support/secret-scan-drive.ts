import { writeFileSync } from 'node:fs';
import { Caller } from './attack-caller.ts';
import { elsewhere } from './attack-gateway.ts';
import { initializeBody, modernSent } from './raw-clients.ts';
import { rpcOf, send, type Got, type JsonObject } from './raw-http.ts';
import { WAYS } from './secret-scan-remote.ts';
import { FAILING } from './secret-scan-config.ts';
import { KeptCaller } from './secret-scan-caller.ts';
import { oddHeaders, strangeCredentials } from './secret-scan-headers.ts';
import { KEY_HEADER, type ScanScene } from './secret-scan-scene.ts';
import {
  PRINTED_NAMES,
  TEXTS,
  tellingArguments,
  TOKENS,
  type Plant,
} from './secret-scan-shapes.ts';

/** One round of everything: what callers send, what servers say, and what goes wrong, with new secrets of a phase. */
export class Drive {
  readonly #scene: ScanScene;
  readonly #phase: string;
  /** Where arguments may be told, besides to who sent them. */
  readonly #argumentsTold: readonly string[];

  constructor(scene: ScanScene, phase: string, argumentsTold: readonly string[] = []) {
    this.#scene = scene;
    this.#phase = phase;
    this.#argumentsTold = argumentsTold;
  }

  /** Calls itself so in the last call of the round, by which outputs show that they are about it. */
  get mark(): string {
    return `end-of-${this.#phase}`;
  }

  async run(): Promise<void> {
    const [alice, bob] = [
      await KeptCaller.open(this.#scene, 'alice', `${this.#phase}-alice`),
      await KeptCaller.open(this.#scene, 'bob', `${this.#phase}-bob`),
    ];
    await this.#strangers();
    await this.#headers();
    await this.#arguments(alice);
    await this.#words(alice);
    await this.#metas(alice);
    await this.#questions(alice);
    await this.#servers(alice, bob);
    await this.#others(alice, bob);
    await this.#end();
  }

  /** Nobody's: not even who sent it may be told of it again. */
  get #unowned(): Plant {
    return this.#scene.operators(this.#phase);
  }

  get #alices(): Plant {
    return this.#scene.own(this.#phase, 'alice', ...this.#argumentsTold);
  }

  /** What servers say of their own accord: on their standard error, and as results for alice. */
  prepare(): void {
    // Whoever calls is told what a server says in answer.
    const plant = this.#scene.own(this.#phase, 'alice', 'answers to bob');
    const forms = Object.entries({ ...TOKENS, ...TEXTS });
    const server = forms.map(([kind, form]) => plant(`said by a server: ${kind}`, form));
    const results = [this.#alices('result'), this.#alices('result, as a token', TOKENS['Bearer'])];
    writeFileSync(this.#scene.places.says, JSON.stringify({ server, results }));
  }

  /** Who has no credential that holds. */
  async #strangers(): Promise<void> {
    const { port } = this.#scene;
    const secret = this.#unowned;
    const credentials = strangeCredentials(secret);
    for (const headers of credentials) {
      const all = { ...elsewhere(), ...headers };
      await this.#stranger(send(port, { headers: all, body: initializeBody() }));
      const sent = modernSent('tools/call', {
        name: secret('tool of a stranger'),
        arguments: { password: secret('argument of a stranger') },
      });
      await this.#stranger(
        send(port, { ...sent, headers: { ...sent.headers, 'mcp-name': 'x', ...all } }),
      );
    }
    for (const path of [
      '/mcp',
      '/sse',
      '/messages',
      '/admin/servers',
      '/metrics',
      '/nowhere',
      '/mcp/group',
      '/healthcheck',
    ]) {
      const query = `key=${secret(`query of ${path}`)}`;
      await this.#stranger(
        send(port, { method: 'GET', path: `${path}?${query}`, headers: elsewhere() }),
      );
    }
    const path = `/${secret('path')}`;
    await this.#stranger(send(port, { method: 'GET', path, headers: elsewhere() }));
  }

  #stranger(got: Promise<Got>): Promise<Got> {
    return this.#scene.keep('strangers', got);
  }

  /** Headers of callers that may call. */
  async #headers(): Promise<void> {
    const { port, sharedKey, keys } = this.#scene;
    const secret = this.#unowned;
    const named = { [KEY_HEADER]: keys.get('alice') ?? '' };
    const all = oddHeaders(secret, { named, shared: { [KEY_HEADER]: sharedKey } });
    for (const headers of all) {
      const sent = modernSent('tools/call', { name: 'loud__echo', arguments: { a: 1 } });
      await this.#stranger(
        send(port, { ...sent, headers: { ...sent.headers, ...elsewhere(), ...headers } }),
      );
      await this.#stranger(
        send(port, { headers: { ...elsewhere(), ...headers }, body: initializeBody() }),
      );
    }
    for (const name of [
      'mcp-method',
      'mcp-name',
      'mcp-protocol-version',
      'accept',
      'content-type',
    ]) {
      const sent = modernSent('tools/call', { name: 'loud__echo', arguments: {} });
      const headers = { ...sent.headers, ...named, [name]: secret(`odd ${name}`) };
      await this.#stranger(send(port, { ...sent, headers }));
    }
  }

  /** In calls that are served, refused, unknown, failing, late and too large. */
  async #arguments(alice: KeptCaller): Promise<void> {
    const plant = this.#scene.own(this.#phase, 'alice', ...this.#argumentsTold);
    const tools = [
      'loud__echo',
      'it__fixture_big',
      'loudnew__echo',
      'loud__nothing',
      'it__nothing',
      'loud__rpc_error',
      'with_fixed',
      'nobody__x',
      'far__rpc_error',
      'loud__with_fixed',
      'waits__x',
      'farnew__http_500',
    ];
    const all = tellingArguments(plant);
    for (const [index, args] of all.entries()) {
      const name = tools[index % tools.length] ?? '';
      const params = { name, arguments: args };
      await (index % 2 === 0
        ? alice.modern('tools/call', params)
        : alice.legacy('tools/call', params));
    }
    const secret = (place: string): JsonObject => ({ password: plant(`arguments: ${place}`) });
    await alice.call('loud__with_fixed', {
      ...secret('that do not fit'),
      size: plant('arguments: size', TOKENS['GitHub']),
    });
    await alice.call('loud__stderr', printed(plant));
    await alice.call('slow__slow', secret('of a call that is too late'));
    await alice.call('new__fixture_big', {
      bytes: 3000,
      ...secret('of a call with too long a result'),
    });
    await alice.both('prompts/get', {
      name: 'it__test_prompt_with_arguments',
      arguments: { arg1: 'x', ...secret('of a prompt') },
    });
    await alice.both('prompts/get', {
      name: 'it__nothing',
      arguments: secret('of an unknown prompt'),
    });
    await alice.both('completion/complete', {
      ref: { type: 'ref/prompt', name: 'it__test_prompt_with_arguments' },
      argument: { name: 'arg1', value: plant('completion', TOKENS['Bearer']) },
      context: { arguments: secret('of a completion') },
    });
    await this.#cancelled(alice, secret('of a call that is cancelled'));
  }

  async #cancelled(alice: KeptCaller, args: JsonObject): Promise<void> {
    const { caller } = alice;
    const body = caller.body('tools/call', { name: 'loud__slow', arguments: args });
    const answer = caller.post(body).catch(() => undefined);
    const reason = this.#alices('reason of a cancellation');
    await alice.keep(
      caller.post({
        jsonrpc: '2.0',
        method: 'notifications/cancelled',
        params: { requestId: body.id, reason },
      }),
    );
    await answer;
  }

  /** Names, URIs, ids and texts where the protocol wants one. */
  async #words(alice: KeptCaller): Promise<void> {
    const secret = this.#alices;
    const named = (place: string): string =>
      secret(place, (core) => `test://template/x/data?token=${core}`);
    await alice.call(secret('unknown tool'));
    await alice.call(secret('unknown tool of a server', (core) => `loud__${core}`));
    await alice.call(secret('unknown tool that is a token', TOKENS['GitHub']));
    await alice.both('prompts/get', { name: secret('unknown prompt') });
    await alice.both('resources/read', { uri: named('URI that is served') });
    await alice.both('resources/read', {
      uri: secret('user of a URI', (core) => `https://u:${core}@example.com/x`),
    });
    await alice.both('resources/read', {
      uri: secret('long URI', (core) => `test://x/${'y'.repeat(990)}?token=${core}`),
    });
    await alice.both('resources/read', {
      uri: secret('URI of a server', (core) => `mcpx://loud/x%3Ftoken%3D${core}`),
    });
    await alice.both('resources/read', {
      uri: secret('URI that is a token', (core) => `x://ghp_${core}`),
    });
    await alice.legacy('resources/subscribe', { uri: named('URI that is subscribed to') });
    await alice.legacy('resources/unsubscribe', { uri: named('URI that is unsubscribed from') });
    await alice.both('completion/complete', {
      ref: { type: 'ref/resource', uri: named('URI of a completion') },
      argument: { name: 'id', value: 'x' },
    });
    await alice.both(secret('unknown method'));
    await alice.legacy('logging/setLevel', { level: secret('level') });
    for (const method of [
      'tools/list',
      'prompts/list',
      'resources/list',
      'resources/templates/list',
    ])
      await alice.both(method, { cursor: secret(`cursor of ${method}`) });
    await alice.both('tasks/get', { taskId: secret('task') });
    await alice.legacy('tasks/cancel', { taskId: secret('task that is cancelled') });
    await alice.modern('tools/call', {
      name: 'new__test_input_required_result_elicitation',
      arguments: {},
      requestState: secret('state of a request'),
    });
    await alice.legacy('ping', { token: secret('ping') });
    const { caller } = alice;
    for (const body of [
      { jsonrpc: '2.0', id: secret('id'), method: 'ping' },
      {
        jsonrpc: '2.0',
        id: secret('id of a call'),
        method: 'tools/call',
        params: { name: 'loud__own_error' },
      },
      {
        jsonrpc: '2.0',
        method: 'notifications/cancelled',
        params: { requestId: secret('id that is cancelled') },
      },
      {
        jsonrpc: '2.0',
        method: secret('unknown notification'),
        params: { token: secret('notification') },
      },
      { jsonrpc: '2.0', id: secret('id of an answer'), result: { a: secret('answer to nothing') } },
      { jsonrpc: '1.0', id: secret('no message') },
      secret(
        'broken JSON',
        (core) => `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"password":"${core}"`,
      ),
      secret('no JSON'),
      [secret('batch')],
    ])
      await alice.keep(caller.post(body));
  }

  /** `_meta`, and what clients say of themselves. */
  async #metas(alice: KeptCaller): Promise<void> {
    const secret = this.#alices;
    const context = { traceparent: `00-${'4'.repeat(32)}-${'5'.repeat(16)}-01` };
    for (const meta of [
      { progressToken: secret('progress token') },
      { 'example.com/key': secret('unknown key of _meta') },
      { authorization: secret('authorization in _meta') },
      { traceparent: secret('traceparent in _meta') },
      { ...context, baggage: secret('baggage in _meta', (core) => `token=${core}`) },
      { tracestate: secret('tracestate in _meta, alone', (core) => `v=${core}`) },
      {
        'io.modelcontextprotocol/clientInfo': info(
          secret('client that is a token', TOKENS['GitHub']),
        ),
      },
      {
        'io.modelcontextprotocol/clientInfo': info(
          secret('client that is a Bearer', TOKENS['Bearer']),
        ),
      },
      {
        'io.modelcontextprotocol/clientInfo': info(
          secret('client that is an assignment', (core) => `x token=${core}`),
        ),
      },
      {
        'io.modelcontextprotocol/clientInfo': {
          ...info('x'),
          version: secret('version of a client'),
          title: secret('title of a client'),
          other: secret('other of a client'),
        },
      },
      { 'io.modelcontextprotocol/protocolVersion': secret('protocol version') },
      { 'io.modelcontextprotocol/logLevel': secret('log level') },
      {
        'io.modelcontextprotocol/clientCapabilities': {
          experimental: { x: { token: secret('capability') } },
        },
      },
    ] as JsonObject[]) {
      await alice.modern('tools/call', { name: 'loud__echo', arguments: {} }, meta);
      await alice.modern('tools/list', {}, meta);
      await alice.legacy('tools/call', { name: 'loud__echo', arguments: {}, _meta: meta });
    }
    const { port, keys } = this.#scene;
    for (const clientInfo of [
      info(secret('client of a session that is a token', TOKENS['OpenAI'])),
      { ...info('y'), version: secret('version of the client of a session') },
    ]) {
      const headers = { ...elsewhere(), [KEY_HEADER]: keys.get('alice') ?? '' };
      const capabilities = {
        experimental: { token: { value: secret('capability of a session') } },
      };
      const got = await alice.keep(
        send(port, { headers, body: initializeBody({ clientInfo, capabilities }) }),
      );
      const id = String(got.headers['mcp-session-id']);
      this.#scene.book.add({
        place: 'id of a session',
        core: id.slice(-40),
        told: ['answers to alice'],
      });
      const session = { ...headers, 'mcp-session-id': id };
      const params = { name: 'loud__own_error', arguments: {} };
      await alice.keep(
        send(port, {
          headers: session,
          body: { jsonrpc: '2.0', id: 1, method: 'tools/call', params },
        }),
      );
      await alice.keep(send(port, { headers: session, method: 'DELETE' }));
    }
  }

  /** Answers to questions of servers, and results. */
  async #questions(alice: KeptCaller): Promise<void> {
    const secret = this.#alices;
    const form = (place: string): JsonObject => ({
      action: 'accept',
      content: { password: secret(place), username: secret(`${place}, plain`), email: 'x' },
    });
    await alice.answering('loud__ask', {}, form('answer to a question'));
    await alice.answering(
      'it__test_elicitation',
      { message: 'Who?' },
      form('answer to another question'),
    );
    const sampled = {
      role: 'assistant',
      model: secret('model of a sampling'),
      content: { type: 'text', text: secret('sampled text') },
    };
    await alice.answering('it__test_sampling', { prompt: 'x' }, sampled);
    await alice.answering(
      'it__fixture_roots',
      {},
      { roots: [{ uri: secret('root', (core) => `file:///${core}`), name: 'x' }] },
    );
    const name = 'new__test_input_required_result_elicitation';
    const asked = rpcOf(await alice.modern('tools/call', { name, arguments: {} })).result ?? {};
    const keys = Object.keys(asked['inputRequests'] ?? {});
    const inputResponses = Object.fromEntries(
      keys.map((key) => [
        key,
        { action: 'accept', content: { name: secret('answer of a retry') } },
      ]),
    );
    await alice.modern('tools/call', {
      name,
      arguments: {},
      inputResponses,
      requestState: asked['requestState'],
    });
    for (const tool of ['tell', 'tell_error', 'tell_rpc_error', 'tell_structured']) {
      await alice.call(`loud__${tool}`);
      await alice.call(`loudnew__${tool}`);
    }
  }

  /** Servers that tell what they must not, in every way they can, to alice and then to bob. */
  async #servers(alice: KeptCaller, bob: KeptCaller): Promise<void> {
    for (const caller of [alice, bob]) {
      for (const server of ['loud', 'loudnew'])
        for (const tool of [
          'stderr',
          'noise',
          'log',
          'late',
          'rpc_error',
          'is_error',
          'is_structured_error',
        ])
          await caller.call(`${server}__${tool}`);
      for (const server of ['far', 'farnew'])
        for (const tool of WAYS) await caller.call(`${server}__${tool}`);
      await caller.legacy('tools/call', { name: 'flaky__exit', arguments: {} });
      await caller.call('flaky__exit');
      const failing = FAILING.map((way) => `fails${way.replaceAll(/\W/gu, '')}`);
      for (const server of [
        'quits',
        'missing',
        'waits',
        'oldsse',
        'closed',
        'nowhere',
        ...failing,
      ]) {
        await caller.call(`${server}__x`);
        await caller.both('resources/read', {
          uri: `mcpx://${server}/${encodeURIComponent('file:///x')}`,
        });
      }
    }
  }

  /** What bob can come to know of alice. */
  async #others(alice: KeptCaller, bob: KeptCaller): Promise<void> {
    const { port, keys } = this.#scene;
    for (let turn = 0; turn < 4; turn += 1) await bob.call('loud__own_error');
    for (const method of [
      'tools/list',
      'prompts/list',
      'resources/list',
      'resources/templates/list',
    ])
      await bob.both(method);
    await bob.legacy('tasks/list');
    await bob.modern('server/discover');
    const headers = {
      ...elsewhere(),
      [KEY_HEADER]: keys.get('bob') ?? '',
      'mcp-session-id': alice.caller.sessionId,
    };
    const body = { jsonrpc: '2.0', id: 1, method: 'tools/list' };
    await bob.keep(send(port, { headers, body }));
    for (const path of ['servers', 'usage', 'limits', 'context', 'audit'])
      await bob.keep(send(port, { method: 'GET', path: `/admin/${path}`, headers }));
    this.#scene.book.add({
      place: 'session of alice',
      core: alice.caller.sessionId.slice(-40),
      told: ['answers to alice'],
    });
  }

  /** A client that starts a gateway of its own. */
  async overStdio(): Promise<void> {
    const client = this.#scene.stdioClient('alice');
    const plant = this.#alices;
    await client.ask('initialize', {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: info(plant('client on stdio that is a token', TOKENS['GitHub'])),
    });
    client.tell('notifications/initialized');
    for (const args of tellingArguments(plant).slice(0, 40))
      await client.ask('tools/call', { name: 'loud__echo', arguments: args });
    for (const tool of ['stderr', 'noise', 'log', 'rpc_error', 'is_error'])
      await client.ask('tools/call', { name: `loud__${tool}`, arguments: {} });
    for (const name of ['far__rpc_error', 'far__http_500', 'quits__x', 'missing__x', 'fails401__x'])
      await client.ask('tools/call', { name, arguments: {} });
    await client.ask(plant('unknown method on stdio'), {
      token: plant('unknown argument on stdio'),
    });
    await client.end();
  }

  async #end(): Promise<void> {
    const { port, keys } = this.#scene;
    const headers = { [KEY_HEADER]: keys.get('alice') ?? '' };
    const caller = new Caller(port, { headers, client: this.mark });
    await caller.modernCall('loud__echo', { mark: this.mark });
  }
}

/** What a server prints of its arguments is text: names and values are told apart there, pairs and wholes are not. */
function printed(plant: Plant): JsonObject {
  const named = PRINTED_NAMES.map((name) => [
    name,
    plant(`arguments that a server prints: ${name}`),
  ]);
  const texts = Object.entries({ ...TOKENS, ...TEXTS }).map(([kind, form]) => [
    `note ${kind}`,
    plant(`arguments that a server prints: ${kind}`, form),
  ]);
  return { deep: [Object.fromEntries(named)], ...Object.fromEntries(texts) } as JsonObject;
}

function info(name: string): JsonObject {
  return { name, version: '1' };
}
