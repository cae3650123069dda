import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MCPX, packagedServer, startServing, type RunningGateway } from './clients-gateway.ts';
import { ROOT } from './conformance-processes.ts';

type JsonObject = Record<string, unknown>;

/** What a client library or program can do, with what comes back as text. */
export interface Tourist {
  tools(): Promise<string[]>;
  call(name: string, args: JsonObject): Promise<string>;
  readonly read?: (uri: string) => Promise<string>;
  readonly prompt?: (name: string, args: Record<string, string>) => Promise<string>;
}

/** A gateway in front of three real servers, and what is to be found there. */
export interface House {
  readonly gateway: RunningGateway;
  /** Command and arguments with which a client starts a gateway of its own, in front of the same servers. */
  readonly stdio: {
    readonly command: string;
    readonly args: string[];
    readonly env: Record<string, string>;
  };
  /** The file that server-filesystem may read. */
  readonly note: string;
  /** A folder for what programs like to leave in the user's own. */
  readonly home: string;
  stop(): Promise<void>;
}

const NOTE = 'What is written here is read through the gateway.\n';
const DOCUMENT = 'demo://resource/static/document/features.md';

/** Every tool of the three servers that is shown to any client. */
const SOME_OF_EACH = [
  'everything__echo',
  'everything__get-structured-content',
  'filesystem__read_text_file',
  'filesystem__list_directory',
  'memory__create_entities',
  'memory__read_graph',
];

/** Starts server-everything, server-filesystem and server-memory behind a gateway. */
export async function openHouse(): Promise<House> {
  const folder = await mkdtemp(join(tmpdir(), 'mcpx-tour-'));
  const shown = join(folder, 'shown');
  const home = join(folder, 'home');
  await Promise.all([mkdir(shown), mkdir(home)]);
  const note = join(shown, 'note.txt');
  await writeFile(note, NOTE);
  const memory = packagedServer('server-memory');
  try {
    const gateway = await startServing({
      servers: {
        everything: packagedServer('server-everything', 'stdio'),
        filesystem: packagedServer('server-filesystem', shown),
        memory: { ...memory, env: { MEMORY_FILE_PATH: join(folder, 'memory.jsonl') } },
      },
      app: 'upstreams: { shutdownGraceMs: 100 }\n',
    });
    const { PATH = '' } = process.env;
    return {
      gateway,
      stdio: {
        command: process.execPath,
        args: [MCPX, 'stdio'],
        env: { PATH, HOME: home, LOG_LEVEL: 'error', ...gateway.env },
      },
      note,
      home,
      stop: async () => {
        await gateway.stop();
        await rm(folder, { recursive: true, force: true });
      },
    };
  } catch (failure) {
    await rm(folder, { recursive: true, force: true });
    throw failure;
  }
}

/** Lists and calls tools of all three servers, reads a resource and gets a prompt, as far as the client can. */
export async function takeTour(house: House, tourist: Tourist): Promise<void> {
  const names = await tourist.tools();
  for (const name of SOME_OF_EACH) assert.ok(names.includes(name), `${name} is in ${names.join()}`);
  assert.equal(new Set(names).size, names.length, 'no name is there twice');
  const message = 'Grüße, \u{1f40e} and "quotes"';
  assert.match(await tourist.call('everything__echo', { message }), new RegExp(`Echo: ${message}`));
  assert.match(await tourist.call('everything__get-sum', { a: 2, b: 40 }), /sum of 2 and 40 is 42/);
  const weather = await tourist.call('everything__get-structured-content', { location: 'Chicago' });
  assert.match(weather, /Light rain/);
  assert.ok(
    (await tourist.call('filesystem__read_text_file', { path: house.note })).includes(NOTE.trim()),
  );
  const entity = { name: 'gateway', entityType: 'program', observations: ['was toured'] };
  await tourist.call('memory__create_entities', { entities: [entity] });
  assert.match(await tourist.call('memory__read_graph', {}), /was toured/);
  if (tourist.read !== undefined) {
    const path = 'node_modules/@modelcontextprotocol/server-everything/dist/docs/features.md';
    const text = await readFile(join(ROOT, path), 'utf8');
    assert.ok((await tourist.read(DOCUMENT)).includes(text.slice(0, 500)));
  }
  if (tourist.prompt !== undefined)
    assert.match(
      await tourist.prompt('everything__args-prompt', { city: 'Brno' }),
      /What's weather in Brno\?/,
    );
}

/** All texts of a result's content, or of a prompt's messages. */
export function textsOf(value: unknown): string {
  if (Array.isArray(value)) return value.map((each) => textsOf(each)).join('\n');
  if (typeof value !== 'object' || value === null) return typeof value === 'string' ? value : '';
  const { text, content, contents, messages } = value as Record<string, unknown>;
  return [text, content, contents, messages]
    .map((each) => textsOf(each))
    .join('\n')
    .trim();
}
