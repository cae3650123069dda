import { FULL_CAPABILITIES } from '../../src/kernel/capabilities.ts';
import {
  Cancellation,
  type Exchange,
  type Owner,
  type Question,
} from '../../src/kernel/exchange.ts';
import type { JsonObject } from '../../src/kernel/json.ts';
import type { Message, Notification } from '../../src/kernel/json-rpc.ts';
import { Permit } from '../../src/kernel/permit.ts';
import { Principal } from '../../src/kernel/principal.ts';
import type { TargetKind } from '../../src/kernel/target.ts';
import { LegacyLink } from '../../src/upstream/legacy-link.ts';
import type { Wire } from '../../src/upstream/wire.ts';

/** A question as it reached its client, and how the client answers it. */
export interface Put {
  readonly question: Question;
  /** Why it was taken back; undefined while it was not. */
  readonly takenBack: () => string | undefined;
  answer(result: JsonObject): void;
}

/** A client's call. */
export interface Call extends Exchange {
  readonly put: Put[];
  readonly told: Notification[];
  readonly lacked: JsonObject[];
}

/** How a call's client is. */
export interface CallSetup {
  readonly era?: 'legacy' | 'modern';
  readonly key?: string;
  readonly capabilities?: JsonObject;
  readonly logLevel?: string;
}

const ANYBODY = Principal.prove({ credential: 'anybody', proof: 'local' });

function permitFor(kind: TargetKind): Permit {
  return Permit.grant(
    ANYBODY,
    { kind, upstream: 'it', name: 'any', publicName: 'it__any' },
    'test',
  );
}

/** The owner of calls, with nothing that can be asked outside of them. */
export function ownerOf(key: string, more: Partial<Owner> = {}): Owner {
  return {
    key,
    principal: ANYBODY,
    version: '2025-11-25',
    capabilities: FULL_CAPABILITIES,
    clientInfo: undefined,
    hasLeft: false,
    isRestored: false,
    logLevel: undefined,
    notify: () => undefined,
    ask: () => Promise.reject(new Error('not within a call')),
    ...more,
  };
}

/** A call of a client that keeps what it is asked until the test answers. */
export function callOf(setup: CallSetup = {}): Call {
  const put: Put[] = [];
  const told: Notification[] = [];
  const lacked: JsonObject[] = [];
  const cancellation = new Cancellation();
  const { era = 'legacy', capabilities = FULL_CAPABILITIES } = setup;
  return {
    era,
    owner: ownerOf(setup.key ?? 'a client', { capabilities, logLevel: setup.logLevel }),
    cancellation,
    put,
    told,
    lacked,
    notify: (message) => void told.push(message),
    ask: (question, signal) =>
      new Promise((answer, reject) => {
        put.push({ question, takenBack: () => signal.reason, answer });
        signal.listen((reason) => reject(new Error(reason)));
      }),
    ...(era === 'modern'
      ? {
          lacks: (missing: JsonObject) => {
            lacked.push(missing);
            cancellation.cancel('it needs what the client did not declare');
          },
        }
      : {}),
  };
}

/** How a link is; a time of zero switches a timer off. */
export interface LinkTimes {
  readonly callTimeoutMs?: number;
  readonly progressResets?: boolean;
  /** What the link declares; all there is, or what its owner declared, when absent. */
  readonly declared?: JsonObject;
}

/** A legacy link to a server that does what the test says, message by message. */
export class ScriptedServer {
  readonly link: LegacyLink;
  /** What the server was sent, after `initialize`. */
  readonly got: Message[] = [];
  /** Answers a request at once; undefined leaves it open. */
  react: (message: Message) => JsonObject | undefined = () => undefined;
  isClosed = false;
  /** What the link told of calls that began, or ceased, to wait for their clients. */
  readonly asking: boolean[] = [];

  private constructor(owner: Owner | undefined, times: LinkTimes) {
    const declared = times.declared ?? owner?.capabilities ?? FULL_CAPABILITIES;
    this.link = new LegacyLink(
      {
        upstream: 'it',
        callTimeoutMs: times.callTimeoutMs ?? 0,
        listTimeoutMs: 200,
        progressResetsCallTimeout: times.progressResets ?? true,
        publicTasks: (_owner, params) => params,
        ownTasks: (_owner, value) => value,
        admitQuestion: (_owner, question) => question,
        hears: () => true,
        onAsking: (isAsking) => void this.asking.push(isAsking),
        log: () => undefined,
      },
      { capabilities: declared, version: '2025-11-25', owner },
      {
        onListChanged: () => undefined,
        onResourceUpdated: () => undefined,
        onTask: () => undefined,
        onInteractive: () => undefined,
        onListenLost: () => undefined,
        onClosed: () => undefined,
      },
    );
  }

  /** Opens the link; with an owner it is private to that one. */
  static async open(
    capabilities: JsonObject = {},
    times: LinkTimes = {},
    owner?: Owner,
  ): Promise<ScriptedServer> {
    const server = new ScriptedServer(owner, times);
    await server.link.open(server.#wire(capabilities), {}, 1000);
    server.got.length = 0;
    return server;
  }

  /** Sends a call; resolves with what came of it, an error included. */
  call(exchange: Exchange, params: JsonObject = {}, kind: TargetKind = 'tool'): Promise<unknown> {
    return this.link
      .call(permitFor(kind), { method: 'tools/call', params }, exchange)
      .catch((error: unknown) => error);
  }

  /** The server sends a message. */
  says(message: JsonObject): void {
    this.link.wireEvents.onMessage({ jsonrpc: '2.0', ...message } as unknown as Message, undefined);
  }

  /** The server asks for input. */
  asks(id: number | string, method = 'elicitation/create'): void {
    this.says({ id, method, params: { message: 'Well?', requestedSchema: {} } });
  }

  /** The server answers the latest call it got. */
  answers(result: JsonObject = {}): void {
    const call = this.sent('tools/call').at(-1);
    this.says({ id: (call as { id: number }).id, result });
  }

  /** The connection breaks. */
  breaks(reason = 'exited with code 1'): void {
    this.link.wireEvents.onClosed(reason);
  }

  /** What it was sent under a method. */
  sent(method: string): Message[] {
    return this.got.filter((message) => 'method' in message && message.method === method);
  }

  /** What it was answered to the requests it sent itself. */
  answered(): JsonObject[] {
    return this.got.flatMap((message) =>
      'method' in message ? [] : [message as unknown as JsonObject],
    );
  }

  #wire(capabilities: JsonObject): Wire {
    return {
      needsCancelMessage: true,
      send: (message) => {
        if (this.isClosed) return;
        this.got.push(message);
        if (!('method' in message) || !('id' in message)) return;
        const result =
          message.method === 'initialize'
            ? { protocolVersion: '2025-11-25', capabilities, serverInfo: {} }
            : this.react(message);
        if (result !== undefined) queueMicrotask(() => this.says({ id: message.id, result }));
      },
      abandon: () => undefined,
      settled: () => undefined,
      listen: () => Promise.resolve(),
      close: async () => {
        this.isClosed = true;
      },
    };
  }
}
