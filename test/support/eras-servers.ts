import { join } from 'node:path';
import { FIXTURE, freePort, ROOT, startNode, stop, until } from './conformance-processes.ts';

type JsonObject = Record<string, unknown>;

/** A server that runs apart from the gateway, and the entry of mcp.json that names it. */
export interface RemoteServer {
  readonly entry: Readonly<Record<string, unknown>>;
  stop(): Promise<void>;
}

const SDK_SERVER = join(ROOT, 'test/peers/sdk-server.ts');
const CONTEXT7 = join(ROOT, 'test/peers/node_modules/@upstash/context7-mcp/dist/index.js');

/** Our server of the second SDK on stdio, as an entry of mcp.json. */
export function sdkServer(): JsonObject {
  return { command: process.execPath, args: [SDK_SERVER] };
}

/** The published server that speaks 2026-07-28, as an entry of mcp.json. */
export function context7(): { readonly command: string; readonly args: readonly string[] } {
  return { command: process.execPath, args: [CONTEXT7] };
}

/** Starts our server of the second SDK over streamable HTTP. */
export function startSdkServer(scheme: string): Promise<RemoteServer> {
  return startRemote((port) => [SDK_SERVER, '--scheme', scheme, '--port', String(port)]);
}

/** Starts the fixture over streamable HTTP. */
export function startFixture(era: 'legacy' | 'modern'): Promise<RemoteServer> {
  return startRemote((port) => [
    FIXTURE,
    '--era',
    era,
    '--transport',
    'http',
    '--port',
    String(port),
  ]);
}

async function startRemote(argsFor: (port: number) => readonly string[]): Promise<RemoteServer> {
  const port = await freePort();
  const started = startNode(argsFor(port));
  try {
    await until(started, 'it listened', () =>
      Promise.resolve(/listening on/i.test(started.output())),
    );
  } catch (failure) {
    await stop(started);
    throw failure;
  }
  return {
    entry: { url: `http://127.0.0.1:${port}/mcp`, type: 'streamable-http' },
    stop: () => stop(started),
  };
}
