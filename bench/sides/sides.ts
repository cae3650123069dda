import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { CONFIGURATIONS, type Configuration } from './configurations.ts';
import { isPeer, startPeer, type PeerName } from './peers.ts';
import { benchFile, freePort, start, type Door, type Subject } from './subject.ts';
import { startTraceSink } from './trace-sink.ts';

/** The server behind a side. */
export type ServerKind = 'stdio' | 'http-legacy' | 'http-modern' | 'http-legacy-sse';

/** What a side is started with. */
export interface Place {
  readonly server: ServerKind;
  /** Tools of that server. */
  readonly tools: number;
  /** Where the measured process leaves a CPU profile when it ends; none without it. */
  readonly profileFolder?: string | undefined;
}

export type SideName = 'direct' | FloorName | keyof typeof CONFIGURATIONS | PeerName;

/** How each takes messages to a stdio server. */
const FLOORS = { floor: 'parse', 'floor again': 'parse', 'splicing floor': 'splice' } as const;

type FloorName = keyof typeof FLOORS;

function isFloor(name: string): name is FloorName {
  return name in FLOORS;
}

/** Starts one side; with an HTTP server behind it, that server too. */
export async function startSide(side: SideName, place: Place): Promise<Subject> {
  const server = place.server === 'stdio' ? undefined : await startServer(place);
  if (side === 'direct') return server ?? piped(place);
  const target =
    server === undefined ? stdioCommand(place.tools) : [`http://127.0.0.1:${server.port}/mcp`];
  try {
    const subject = await startInFront(side, target, place);
    if (server === undefined) return subject;
    const stop = async (): Promise<number | null> => {
      const code = await subject.stop();
      await server.stop();
      return code;
    };
    return { ...subject, stop };
  } catch (error) {
    await server?.stop();
    throw error;
  }
}

function startInFront(
  side: Exclude<SideName, 'direct'>,
  target: readonly string[],
  { profileFolder }: Place,
): Promise<Subject> {
  const profiling = profilingFlags(profileFolder);
  if (isFloor(side)) {
    const how = target.length === 1 ? [] : [FLOORS[side]];
    return start({
      name: side,
      args: (port) => [...profiling, benchFile('floor.ts'), String(port), ...how, ...target],
    });
  }
  if (isPeer(side)) return startPeer(side, target);
  const [first = '', ...rest] = target;
  const server = first.startsWith('http') ? { url: first } : { command: first, args: rest };
  const configuration: Configuration = CONFIGURATIONS[side];
  return startGateway({ name: side, servers: { bench: server }, ...configuration, profileFolder });
}

/** A gateway to be started. */
export interface GatewaySetup extends Configuration {
  readonly name: string;
  /** What mcp.json is to list. */
  readonly servers: Readonly<Record<string, object>>;
  readonly profileFolder?: string | undefined;
  /** Whether its heap can be asked for (`heapBytes`). */
  readonly hasProbe?: boolean;
  /** For one that was stopped and is started again, or whose start itself is measured. */
  readonly folder?: string;
  readonly port?: number;
  readonly isUp?: (door: Door) => Promise<boolean>;
  readonly pollMs?: number;
}

/** Starts a gateway; resolves when it offers a tool to a new session. */
export async function startGateway(setup: GatewaySetup): Promise<Subject> {
  const { name, servers, key = '', hasProbe = false, profileFolder, folder, port } = setup;
  const tracesUrl = setup.hasTraces === true ? await startTraceSink() : '';
  const metricsPort = await freePort();
  const probe = hasProbe ? ['--expose-gc', `--import=${benchFile('sides/heap-probe.ts')}`] : [];
  return start({
    name,
    door: { key, prefix: 'bench__' },
    ...(folder !== undefined && { folder }),
    ...(port !== undefined && { port }),
    hasChannel: hasProbe,
    isUp: setup.isUp ?? offersTools,
    pollMs: setup.pollMs ?? 50,
    environment: (port, folder) => ({
      MCPX_HOST: '127.0.0.1',
      MCPX_PORT: String(port),
      SERVE_METRICS_PORT: String(metricsPort),
      SERVERS_CONFIG_PATH: join(folder, 'mcp.json'),
      APP_CONFIG_PATH: join(folder, 'app.yaml'),
      MCPX_DATA_DIR: join(folder, 'data'),
      ...(key !== '' && { API_KEY: key }),
      ...setup.environment,
    }),
    args: (_port, folder) => {
      writeFileSync(join(folder, 'mcp.json'), JSON.stringify({ mcpServers: servers }));
      writeFileSync(join(folder, 'app.yaml'), setup.app(tracesUrl));
      const profiling = profilingFlags(profileFolder);
      return [...profiling, ...probe, benchFile('../bin/mcpx.js'), 'serve'];
    },
  });
}

function profilingFlags(folder: string | undefined): string[] {
  return folder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${folder}`];
}

/** An entry of mcp.json for the stdio server. */
export function stdioServer(...more: string[]): { command: string; args: string[] } {
  const [command = '', ...args] = stdioCommand(1, ...more);
  return { command, args };
}

function stdioCommand(tools: number, ...more: string[]): string[] {
  const file = benchFile('servers/echo-stdio.ts');
  return [process.execPath, file, '--tools', String(tools), ...more];
}

export function startServer({ server, tools }: Place): Promise<Subject> {
  const era = server === 'http-modern' ? 'modern' : 'legacy';
  const shape = server === 'http-legacy-sse' ? 'sse' : 'json';
  return start({
    name: 'direct',
    args: (port) => [
      benchFile('servers/echo-http.ts'),
      ...['--port', String(port), '--era', era, '--shape', shape, '--tools', String(tools)],
    ],
  });
}

/** The stdio server itself: the load process starts it, and nothing else runs. */
function piped({ tools }: Place): Subject {
  return {
    name: 'direct',
    port: 0,
    path: '',
    key: '',
    prefix: '',
    client: 'pipe',
    command: stdioCommand(tools),
    pid: 0,
    folder: '',
    child: undefined,
    upMs: 0,
    stop: () => Promise.resolve(0),
  };
}

/** Whether a session of its own sees a tool in its first list. */
export async function offersTools({ port, key }: Door): Promise<boolean> {
  const clientInfo = { name: 'bench', version: '1.0.0' };
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo };
  const proof: Record<string, string> = key === '' ? {} : { 'x-lunar-api-key': key };
  const opened = await post(port, { id: 1, method: 'initialize', params }, proof);
  await opened.text();
  const session = { ...proof, 'mcp-session-id': opened.headers.get('mcp-session-id') ?? '' };
  await (await post(port, { method: 'notifications/initialized' }, session)).text();
  const listed = await (await post(port, { id: 2, method: 'tools/list' }, session)).text();
  await fetch(`http://127.0.0.1:${port}/mcp`, { method: 'DELETE', headers: session });
  return listed.includes('echo"');
}

function post(port: number, message: object, headers: Record<string, string>): Promise<Response> {
  return fetch(`http://127.0.0.1:${port}/mcp`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...headers,
    },
    body: JSON.stringify({ jsonrpc: '2.0', ...message }),
    signal: AbortSignal.timeout(5000),
  });
}
