import { execFile } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { benchFile, start, type Door, type Program, type Subject } from './subject.ts';

/** The gateways that npm offers. */
export type PeerName = 'mcp-hub' | 'mcp-proxy' | 'supergateway';

interface Peer {
  /** Whether it puts several servers behind one endpoint. */
  readonly isAggregating: boolean;
  /** The file of its command, in its package. */
  readonly file: string;
  readonly door: Partial<Door>;
  /** How it is configured: its arguments, given where they may name files. */
  readonly args: (port: number, command: readonly string[], config: string) => string[];
  /** The file they name. */
  readonly config?: (command: readonly string[]) => object;
}

/** Each as its own documentation sets it up for one stdio server, with what costs it time and can be switched off switched off. */
export const PEERS: Readonly<Record<PeerName, Peer>> = {
  'mcp-hub': {
    isAggregating: true,
    file: 'dist/cli.js',
    // Its one endpoint for clients speaks HTTP+SSE alone.
    door: { prefix: 'bench__', client: 'sse' },
    args: (port, _command, config) => ['--port', String(port), '--config', config],
    config: ([command, ...args]) => ({ mcpServers: { bench: { command, args } } }),
  },
  'mcp-proxy': {
    isAggregating: false,
    file: 'dist/bin/mcp-proxy.mjs',
    door: {},
    args: (port, command) => [
      ...['--host', '127.0.0.1', '--port', String(port), '--server', 'stream', '--no-eventStore'],
      ...['--', ...command],
    ],
  },
  supergateway: {
    isAggregating: false,
    file: 'dist/index.js',
    door: {},
    args: (port, command) => [
      ...['--stdio', command.join(' '), '--outputTransport', 'streamableHttp', '--stateful'],
      ...['--port', String(port), '--logLevel', 'none'],
    ],
  },
};

const FOLDER = benchFile('peers');
const run = promisify(execFile);

/** Whether a side is one of the peers. */
export function isPeer(name: string): name is PeerName {
  return name in PEERS;
}

/** The versions of the peers, as they are pinned. */
export function peerVersions(): Record<string, string> {
  const file = readFileSync(join(FOLDER, 'package.json'), 'utf8');
  return (JSON.parse(file) as { dependencies: Record<string, string> }).dependencies;
}

/** Installs the peers if need be, beside and not among the packages of the project, and starts one. */
export async function startPeer(name: PeerName, command: readonly string[]): Promise<Subject> {
  const peer = PEERS[name];
  const file = join(FOLDER, 'node_modules', name, peer.file);
  if (!existsSync(file))
    await run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: FOLDER });
  const program: Program = {
    name,
    door: peer.door,
    args: (port, folder) => {
      const config = join(folder, 'servers.json');
      if (peer.config !== undefined) writeFileSync(config, JSON.stringify(peer.config(command)));
      return [file, ...peer.args(port, command, config)];
    },
  };
  return start(program);
}
