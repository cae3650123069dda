import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { RawSession, textOf, type WireMessage } from './gateway-session.ts';
import { echoServer, TestGateway, type ServerEntry } from './gateway.ts';
import { descendantsOf, eventually, residentMebibytes } from './processes.ts';

const SERVER = fileURLToPath(new URL('stdio-faults-server.ts', import.meta.url));
/** Far above what a healthy call takes on a busy machine, far below any time-out here. */
const PROMPT_MS = 3_000;
const BACK_MS = 15_000;

/** The server of faults on its pipes as an entry of mcp.json; what stands before its file is for Node. */
export function stdioFaulty(
  args: readonly string[] = [],
  node: readonly string[] = [],
): ServerEntry {
  return { command: process.execPath, args: [...node, SERVER, ...args] };
}

/** A gateway with servers at fault and one that is well, called `steady`, with all that is needed to tell whether it is. */
export class FaultyScene {
  readonly gateway: TestGateway;
  readonly session: RawSession;
  readonly #handles: number;

  private constructor(gateway: TestGateway, session: RawSession) {
    this.gateway = gateway;
    this.session = session;
    this.#handles = ownHandles(gateway);
  }

  /** Starts the gateway and waits for these servers and the steady one, and for its first call, which costs memory once. */
  static async start(
    t: TestContext,
    servers: Readonly<Record<string, ServerEntry>>,
    upstreams: Readonly<Record<string, number>> = {},
    ready: readonly string[] = Object.keys(servers),
  ): Promise<FaultyScene> {
    const gateway = await TestGateway.start(t, {
      servers: { ...servers, steady: echoServer() },
      app: { upstreams: { shutdownGraceMs: 300, ...upstreams }, list: { firstWaitMs: 500 } },
    });
    await gateway.whenReady(...ready, 'steady');
    const session = await RawSession.open(gateway.url);
    await session.call('steady__echo', { text: 'first' });
    await gateway.whenRecorded('steady');
    return new FaultyScene(gateway, session);
  }

  call(name: string, args: Readonly<Record<string, unknown>> = {}): Promise<WireMessage> {
    return this.session.call(name, args);
  }

  /** The other server answers, new clients are let in, and all of it in time. */
  async assertOthersGoOn(): Promise<void> {
    const begin = performance.now();
    const other = await RawSession.open(this.gateway.url);
    assert.ok((await other.tools()).includes('steady__echo'));
    assert.match(textOf(await other.call('steady__echo', { text: 'fine' })), /^fine/u);
    const tookMs = performance.now() - begin;
    assert.ok(tookMs < PROMPT_MS, `others were served after ${tookMs} ms`);
    assert.equal((await this.gateway.server('steady')).restarts, 0);
  }

  /** The server at fault answers again, in this session. */
  async assertWorks(server: string): Promise<void> {
    await this.gateway.whenReady(server);
    assert.equal(textOf(await this.call(`${server}__echo`, { text: 'well' })), 'well');
  }

  /**
   * One process a server and the watchdog are there, no zombie, and no more descriptors than before the fault; those of servers
   * that were not up then are to be given.
   */
  async assertNothingLeft(servers = 2, further = 0): Promise<void> {
    const { pid } = this.gateway;
    await eventually(
      `${servers} servers and the watchdog are left`,
      BACK_MS,
      () => descendantsOf(pid).length === servers + 1,
      () => descendantsOf(pid).map(({ state, command }) => `${state} ${command}`),
    );
    assert.ok(descendantsOf(pid).every(({ state }) => state !== 'Z'));
    await eventually(
      'no descriptor was left open',
      BACK_MS,
      () => ownHandles(this.gateway) <= this.#handles + further,
      () => `${ownHandles(this.gateway)} open, ${this.#handles} before`,
    );
  }

  /** The most memory the gateway has while something is done, in MiB above what it has now. */
  async peakDuring<T>(
    work: () => Promise<T>,
  ): Promise<{ readonly peak: number; readonly value: T }> {
    const { pid } = this.gateway;
    const before = residentMebibytes(pid);
    let most = before;
    const timer = setInterval(() => {
      most = Math.max(most, residentMebibytes(pid));
    }, 10);
    try {
      const value = await work();
      return { peak: Math.max(most, residentMebibytes(pid)) - before, value };
    } finally {
      clearInterval(timer);
    }
  }
}

/** An answer is the gateway's refusal of this kind, and says this. */
export function assertRefused(answer: WireMessage, refusal: string, says: RegExp): void {
  const shown = JSON.stringify(answer).slice(0, 500);
  assert.equal(answer.error?.data?.['refusal'], refusal, shown);
  assert.match(answer.error?.message ?? '', says);
  assert.equal(typeof answer.error?.data?.['remedy'], 'string', shown);
}

/** How many descriptors a gateway has open, without connections of clients, which are kept alive, and files of its data. */
function ownHandles({ pid, dataDir }: TestGateway): number {
  const tcp = ['tcp', 'tcp6'].flatMap((table) =>
    readFileSync(`/proc/${pid}/net/${table}`, 'utf8')
      .split('\n')
      .map((row) => row.trim().split(/\s+/u)[9]),
  );
  const connections = new Set(tcp.map((inode) => `socket:[${inode}]`));
  const targets = readdirSync(`/proc/${pid}/fd`).map((fd) => targetOf(`/proc/${pid}/fd/${fd}`));
  return targets.filter(
    (target) => target !== undefined && !connections.has(target) && !target.startsWith(dataDir),
  ).length;
}

function targetOf(link: string): string | undefined {
  try {
    return readlinkSync(link);
  } catch {
    return undefined;
  }
}
