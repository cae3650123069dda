import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { Journal } from './asking-journal.ts';
import { FIXTURE, startNode, stop, until, type Started } from './conformance-processes.ts';

/** A server that asks: its era, and how the gateway reaches it. */
export interface Asker {
  readonly name: string;
  readonly era: 'legacy' | 'modern';
  readonly transport: 'stdio' | 'http' | 'sse';
}

/** All servers that ask. Those on one channel for all serve every client apart: on it nothing says whom they ask. */
export const ASKERS: readonly Asker[] = [
  { name: 'oldio', era: 'legacy', transport: 'stdio' },
  { name: 'oldhttp', era: 'legacy', transport: 'http' },
  { name: 'oldsse', era: 'legacy', transport: 'sse' },
  { name: 'newio', era: 'modern', transport: 'stdio' },
  { name: 'newhttp', era: 'modern', transport: 'http' },
];

/** Servers that ask, running, and what they write down of their calls. */
export interface Askers {
  /** The entries of mcp.json. */
  readonly servers: Record<string, Readonly<Record<string, unknown>>>;
  readonly journal: Journal;
  stop(): Promise<void>;
}

const LISTENING = /listening on (http:\S+)/u;

/** Starts the servers of these names, those on HTTP as processes of their own. */
export async function startAskers(names: readonly string[]): Promise<Askers> {
  const folder = await mkdtemp(join(tmpdir(), 'mcpx-asking-'));
  const journal = new Journal(join(folder, 'journal'));
  const started: Started[] = [];
  const end = async (): Promise<void> => {
    await Promise.all(started.map((one) => stop(one)));
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const wanted = ASKERS.filter(({ name }) => names.includes(name));
    const entries = wanted.map(
      async (asker) => [asker.name, await entryOf(asker, journal, started)] as const,
    );
    return { servers: Object.fromEntries(await Promise.all(entries)), journal, stop: end };
  } catch (failure) {
    await end();
    throw failure;
  }
}

/** The same for all tests of a file; they end after them. */
export async function askersForFile(names: readonly string[]): Promise<Askers> {
  const askers = await startAskers(names);
  after(() => askers.stop());
  return askers;
}

async function entryOf(
  { era, transport }: Asker,
  { file }: Journal,
  started: Started[],
): Promise<Readonly<Record<string, unknown>>> {
  const args = [FIXTURE, '--era', era, '--transport', transport, '--interviews'];
  const env = { FIXTURE_JOURNAL: file };
  const apart = era === 'legacy' && transport !== 'http' ? { isolation: 'session' } : {};
  if (transport === 'stdio')
    return { command: process.execPath, args, env, ...apart, maxInstances: 64 };
  const server = startNode(args, env);
  started.push(server);
  const urlOf = (): string | undefined => LISTENING.exec(server.output())?.[1];
  await until(server, 'it listened', () => Promise.resolve(urlOf() !== undefined));
  const type = transport === 'http' ? 'streamable-http' : 'sse';
  return { url: urlOf(), type, ...apart, maxInstances: 64 };
}
