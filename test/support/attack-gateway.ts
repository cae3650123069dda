import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after } from 'node:test';
import { startNode } from './conformance-processes.ts';
import { eventually } from './raw-eventually.ts';
import { startRaw, type RawGateway, type RawTerms } from './raw-gateway.ts';
import { send, type Got, type JsonObject } from './raw-http.ts';
import { modernSent } from './raw-clients.ts';

/** The key all may share of every gateway that is attacked here; whoever has it may also read the admin API. */
export const SHARED_KEY = 'shared-by-all-of-this-test-4711';
export const KEY_HEADER = 'x-lunar-api-key';
export const TAG_HEADER = 'x-lunar-consumer-tag';

let lastAddress = 0;

/**
 * A header that has the gateway take a request for one from an address nobody has used before: who is turned away is counted
 * and slowed down by address, and no attempt here is to be hidden behind another.
 */
export function elsewhere(): { readonly 'x-forwarded-for': string } {
  lastAddress += 1;
  return {
    'x-forwarded-for': `10.${lastAddress >> 16}.${(lastAddress >> 8) & 255}.${lastAddress & 255}`,
  };
}

/** What a gateway under attack is started with. */
export interface AttackTerms extends Omit<RawTerms, 'app' | 'isReady'> {
  /** What app.yaml says, besides that the loopback address is a trusted proxy. */
  readonly app?: object;
  /** Without the shared key, and so without authentication unless `app` asks for it. */
  readonly isOpen?: boolean;
}

/** One line of the audit log. */
export interface AuditLine {
  readonly at: string;
  readonly outcome: string;
  readonly method?: string;
  readonly code?: string;
  readonly rule?: string;
  readonly shadows?: readonly string[];
  readonly server?: string;
  readonly kind?: string;
  readonly target?: string;
  readonly custom?: string;
  readonly caller?: JsonObject;
  readonly client?: string;
  readonly address?: string;
  readonly count?: number;
  readonly arguments?: unknown;
  readonly judgedArguments?: unknown;
}

/** A gateway under attack, and what it has recorded of it. */
export interface AttackedGateway extends RawGateway {
  /** All lines of the audit log so far. */
  audit(): AuditLine[];
  /** The text of all files of the audit log. */
  auditText(): string;
  /** Waits for a line that was not there when the attack began. */
  recorded(what: string, accepts: (line: AuditLine) => boolean, from?: number): Promise<AuditLine>;
  /** Makes a named key with the command line, and returns its text. */
  createKey(consumer: string, ...more: readonly string[]): Promise<string>;
  /** Runs `mcpx` on the configuration and data of this gateway, and returns what it wrote. */
  mcpx(...args: readonly string[]): Promise<string>;
}

/** Starts a gateway whose callers must prove themselves, and waits until its servers have settled. */
export async function startAttacked(terms: AttackTerms = {}): Promise<AttackedGateway> {
  const { app, isOpen, env, ...rest } = terms;
  const key: Record<string, string> = isOpen === true ? {} : { API_KEY: SHARED_KEY };
  const gateway = await startRaw({
    ...rest,
    app: JSON.stringify(behindProxy(app ?? {})),
    isReady: false,
    env: { ...key, ...env },
  });
  try {
    await eventually('its servers have settled', () => isSettled(gateway.port));
  } catch (failure) {
    await gateway.stop();
    throw new Error(`The gateway wrote:\n${gateway.output().slice(-6000)}`, { cause: failure });
  }
  return { ...gateway, ...records(gateway), ...commands(gateway) };
}

/** Starts a gateway for all tests of a file and ends it after them. */
export async function attackedForFile(terms: AttackTerms = {}): Promise<AttackedGateway> {
  const gateway = await startAttacked(terms);
  after(() => gateway.stop());
  return gateway;
}

/** Fails unless somebody with the shared key is served as ever. */
export async function assertServes(
  { port }: { readonly port: number },
  headers: Record<string, string> = { [KEY_HEADER]: SHARED_KEY },
  tool = 'it__test_simple_text',
): Promise<void> {
  const got = await callWith(port, headers, tool);
  assert.equal(got.status, 200, got.text);
  assert.match(got.text, /simple text response/u);
}

/** One call of a tool in the modern way, with these headers besides those it needs. */
export function callWith(
  port: number,
  headers: Record<string, string>,
  name: string,
  args: JsonObject = {},
): Promise<Got> {
  const sent = modernSent('tools/call', { name, arguments: args });
  return send(port, { ...sent, headers: { ...sent.headers, ...elsewhere(), ...headers } });
}

function behindProxy(app: { readonly server?: object }): object {
  return { ...app, server: { trustedProxies: ['127.0.0.1'], ...app.server } };
}

async function isSettled(port: number): Promise<boolean> {
  const headers = { [KEY_HEADER]: SHARED_KEY };
  const { status, text } = await send(port, { method: 'GET', path: '/admin/servers', headers });
  assert.equal(status, 200, text);
  const { servers } = JSON.parse(text) as { servers: readonly { phase: string }[] };
  return servers.every(({ phase }) => phase !== 'starting');
}

async function isKnown(port: number, key: string): Promise<boolean> {
  const sent = modernSent('server/discover');
  const headers = { ...sent.headers, ...elsewhere(), [KEY_HEADER]: key };
  return (await send(port, { ...sent, headers })).status === 200;
}

type Records = Pick<AttackedGateway, 'audit' | 'auditText' | 'recorded'>;

function records({ folder }: RawGateway): Records {
  const auditText = (): string => textOf(join(folder, 'data', 'audit'));
  const audit = (): AuditLine[] =>
    auditText()
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as AuditLine)
      // Events and what holds the chain together are no exchanges.
      .filter(({ outcome }) => outcome !== undefined);
  const recorded: Records['recorded'] = async (what, accepts, from = 0) => {
    let found: AuditLine | undefined;
    try {
      await eventually(
        `${what} is recorded`,
        () => {
          found = audit().slice(from).find(accepts);
          return found !== undefined;
        },
        10_000,
      );
    } catch (failure) {
      const last = audit().slice(from).slice(-5);
      throw new Error(`Not recorded: ${what}; the last lines: ${JSON.stringify(last)}`, {
        cause: failure,
      });
    }
    assert.ok(found);
    return found;
  };
  return { audit, auditText, recorded };
}

function textOf(folder: string): string {
  try {
    return readdirSync(folder)
      .toSorted()
      .map((name) => wholeLines(readFileSync(join(folder, name), 'utf8')))
      .join('');
  } catch {
    return '';
  }
}

/** Each process writes a file of its own, and may be in the middle of its last line. */
function wholeLines(text: string): string {
  return text.slice(0, text.lastIndexOf('\n') + 1);
}

function commands({ folder, port }: RawGateway): Pick<AttackedGateway, 'createKey' | 'mcpx'> {
  const mcpx = async (...args: readonly string[]): Promise<string> => {
    const started = startNode(['bin/mcpx.js', ...args], {
      SERVERS_CONFIG_PATH: join(folder, 'mcp.json'),
      APP_CONFIG_PATH: join(folder, 'app.yaml'),
      MCPX_DATA_DIR: join(folder, 'data'),
      API_KEY: SHARED_KEY,
    });
    assert.equal(await started.exited, 0, started.output());
    return started.output();
  };
  let made = 0;
  const createKey = async (consumer: string, ...more: readonly string[]): Promise<string> => {
    made += 1;
    const name = `key-${made}`;
    const text = await mcpx('keys', 'create', '--name', name, '--consumer', consumer, ...more);
    const [key] = /mcpx_[\w-]+/u.exec(text) ?? [];
    assert.ok(key !== undefined, text);
    // A running gateway looks for new keys once a second.
    await eventually('the key is known', () => isKnown(port, key));
    return key;
  };
  return { mcpx, createKey };
}
