import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { RawSession, textOf, type WireMessage } from './gateway-session.ts';
import { echoServer, TestGateway, type ServerEntry } from './gateway.ts';
import { FaultyRemote, KINDS, type Fault, type Kind, type RemoteSetup } from './faulty-remote.ts';
import { eventually, openHandles } from './processes.ts';

/** Five times what any answer here may take when it need not wait for a time-out (docs/rules.md R24). */
export const PROMPT_MS = 5_000;
/** What the entries of faulty servers are given as credentials. */
export const SECRET = 'remote-secret-4711-do-not-tell';

const HEADERS = { authorization: `Bearer ${SECRET}` };

/** How the server at fault is made and entered. */
export interface FaultSetup {
  readonly kind?: Kind;
  readonly remote?: RemoteSetup;
  readonly entry?: ServerEntry;
  readonly env?: Readonly<Record<string, string>>;
}

/** A gateway between a client, a remote server that can go wrong and one that is well (`near`). */
export class FaultScene {
  readonly remote: FaultyRemote;
  readonly gateway: TestGateway;
  readonly session: RawSession;
  /** What the server is called. */
  readonly name: string;

  private constructor(remote: FaultyRemote, gateway: TestGateway, session: RawSession) {
    this.remote = remote;
    this.gateway = gateway;
    this.session = session;
    this.name = nameOf(remote.kind);
  }

  /** Starts all of it; resolves when both servers are ready. */
  static async start(t: TestContext, setup: FaultSetup = {}): Promise<FaultScene> {
    const [scene] = await FaultScene.startAll(t, setup, [setup.kind ?? 'legacy HTTP']);
    if (scene === undefined) throw new Error('no server');
    return scene;
  }

  /** The same with one server of each kind, behind one gateway. */
  static async startAll(
    t: TestContext,
    setup: FaultSetup = {},
    kinds: readonly Kind[] = KINDS,
  ): Promise<FaultScene[]> {
    const remotes = await Promise.all(
      kinds.map((kind) => FaultyRemote.listen(t, kind, setup.remote)),
    );
    const far = Object.fromEntries(
      remotes.map((remote) => [
        nameOf(remote.kind),
        remote.entry({ headers: HEADERS, ...setup.entry }),
      ]),
    );
    const gateway = await TestGateway.start(t, {
      servers: { ...far, near: echoServer() },
      app: { upstreams: { restartMinMs: 100, restartMaxMs: 300 } },
      ...(setup.env === undefined ? {} : { env: setup.env }),
    });
    await gateway.whenReady(...Object.keys(far), 'near');
    const session = await RawSession.open(gateway.url);
    return remotes.map((remote) => new FaultScene(remote, gateway, session));
  }

  /** Calls the tool of the server at fault. */
  call(args: Record<string, unknown> = {}): Promise<WireMessage> {
    return this.session.call(`${this.name}__fine`, args);
  }

  /** A call that must fail promptly with this refusal, in words that match; the other server serves meanwhile. */
  async assertRefused(refusal: string, said: RegExp, withinMs = PROMPT_MS): Promise<WireMessage> {
    const begin = performance.now();
    const [answer, near] = await Promise.all([this.call(), this.near()]);
    const text = JSON.stringify(answer);
    assert.equal(answer.error?.data?.['refusal'], refusal, text);
    assert.match(answer.error?.message ?? '', said);
    assert.ok(answer.error?.message.includes(`"${this.name}"`), text);
    assert.ok(performance.now() - begin < withinMs, `took ${performance.now() - begin} ms`);
    assert.ok(!text.includes(SECRET), text);
    assert.match(near, /^well/u);
    return answer;
  }

  /** A call of the server at fault that does this, must be refused so, and is followed by one that is well. */
  async assertFault(fault: Fault, refusal: string, said: RegExp): Promise<WireMessage> {
    this.remote.onCall = fault;
    const answer = await this.assertRefused(refusal, said);
    this.remote.onCall = undefined;
    await this.assertWell();
    return answer;
  }

  /** What the other server answers. */
  async near(): Promise<string> {
    return textOf(await this.session.call('near__echo', { text: 'well' }));
  }

  /** A call works, without waiting for more than the server's return. */
  async assertWell(): Promise<void> {
    const answer = await this.call();
    assert.equal(textOf(answer), 'fine', JSON.stringify(answer));
  }

  /** Calls work again within a bound. */
  async untilWell(): Promise<void> {
    await eventually('calls worked again', PROMPT_MS, async () =>
      textOf(await this.call()).startsWith('fine'),
    );
  }

  /** Nothing is left of what went wrong: at most so many connections to the server, and no secret in log or states. */
  async assertNothingLeft(sockets = 4): Promise<void> {
    await eventually(
      'its connections were let go',
      2 * PROMPT_MS,
      () => this.remote.sockets.size <= sockets,
      () => `${this.remote.sockets.size} connections`,
    );
    assert.ok(!this.gateway.output().includes(SECRET), 'the log tells a secret');
    assert.ok(!JSON.stringify(await this.gateway.servers()).includes(SECRET));
  }

  /** How many descriptors the gateway has open. */
  get handles(): number {
    return openHandles(this.gateway.pid);
  }
}

function nameOf(kind: Kind): string {
  return kind.replace(/\W.*$/u, '').toLowerCase();
}
