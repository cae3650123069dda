import type { JsonObject } from '../kernel/json.ts';
import type { Endpoint, RemoteEndpoint, StdioEndpoint } from '../kernel/plan.ts';
import type { ConfigFile } from './config-file.ts';
import { headerNameFault, headerValueFault } from './http-text.ts';
import type { Resolution } from './resolution.ts';
import type { ServerEntry } from './server-entry.ts';
import type { Path } from './tree.ts';

/** One server's entry on its way to a plan. */
export interface Draft {
  readonly file: ConfigFile;
  readonly path: Path;
  readonly entry: ServerEntry;
  readonly resolution: Resolution;
}

/** Where a server is, every reference replaced; what cannot work is reported. */
export function compileEndpoint(draft: Draft): Endpoint | undefined {
  const { command, url } = draft.entry;
  if (command !== undefined) return stdioEndpoint(draft, command);
  return url === undefined ? undefined : remoteEndpoint(draft, url);
}

/** Reports an entry that names no way to reach its server, two of them, or another than its type. */
export function checkKind(file: ConfigFile, path: Path, entry: JsonObject): void {
  const { command, url, type } = entry;
  if (command === undefined && url === undefined) {
    file.error(path, 'Neither "command" nor "url" stands here; give one of them.', 'key');
  } else if (command !== undefined && url !== undefined) {
    const line = file.line([...path, 'command']);
    const message = `"url" and "command" (line ${line}) exclude each other; keep one.`;
    file.error([...path, 'url'], message, 'key');
  } else if (type === 'stdio' && command === undefined) {
    file.error([...path, 'type'], 'A server of type "stdio" has a "command", not a "url".');
  } else if (typeof type === 'string' && type !== 'stdio' && url === undefined) {
    file.error([...path, 'type'], `A server of type "${type}" has a "url", not a "command".`);
  }
}

function stdioEndpoint(draft: Draft, command: string): StdioEndpoint {
  const { path, entry, resolution } = draft;
  warnOfIdle(draft, ['headers']);
  const endpoint: StdioEndpoint = {
    kind: 'stdio',
    command: resolution.text(command, [...path, 'command']),
    args: resolution.list(entry.args ?? [], [...path, 'args']),
    env: resolution.record(entry.env ?? {}, [...path, 'env']),
    cwd: entry.cwd === undefined ? undefined : resolution.text(entry.cwd, [...path, 'cwd']),
  };
  checkProcess(draft, endpoint);
  return endpoint;
}

function checkProcess({ file, path, entry, resolution }: Draft, endpoint: StdioEndpoint): void {
  const { command, cwd = '', args, env } = endpoint;
  if (command === '' && resolution.pendingInput === undefined) {
    resolution.reject([...path, 'command'], entry.command, '', 'The command is empty.');
  }
  const texts = [command, cwd, ...args, ...Object.values(env)];
  if (texts.some((text) => text.includes('\0'))) {
    file.error(path, 'A value here holds a NUL character, which no process can be given.', 'key');
  }
  for (const name of Object.keys(env).filter((name) => /^$|[=\0]/.test(name))) {
    file.error([...path, 'env', name], 'No variable can have this name.', 'key');
  }
}

function remoteEndpoint(draft: Draft, url: string): RemoteEndpoint {
  const { path, entry, resolution } = draft;
  warnOfIdle(draft, ['args', 'env', 'cwd']);
  const resolved = resolution.text(url, [...path, 'url']);
  if (resolution.pendingInput === undefined) checkUrl(draft, resolved);
  const headers = resolution.record(entry.headers ?? {}, [...path, 'headers']);
  checkHeaders(draft, headers);
  return { kind: 'remote', url: resolved, transport: transportOf(entry.type), headers };
}

function transportOf(type: ServerEntry['type']): RemoteEndpoint['transport'] {
  if (type === 'sse') return 'sse';
  return type === undefined ? 'auto' : 'streamable-http';
}

function checkUrl({ path, entry, resolution }: Draft, text: string): void {
  const fault = urlFault(text);
  if (fault !== undefined) resolution.reject([...path, 'url'], entry.url, text, fault);
}

function urlFault(text: string): string | undefined {
  if (!URL.canParse(text)) return 'This is no URL; give one such as https://example.com/mcp.';
  const url = new URL(text);
  if (!/^https?:$/.test(url.protocol)) return 'Servers are reached over http or https alone.';
  const hasLogin = url.username !== '' || url.password !== '';
  return hasLogin ? 'A login in the URL is not sent; use an Authorization header.' : undefined;
}

function checkHeaders(
  { file, path, entry, resolution }: Draft,
  headers: Readonly<Record<string, string>>,
): void {
  for (const [name, value] of Object.entries(headers)) {
    const here = [...path, 'headers', name];
    const nameFault = headerNameFault(name);
    if (nameFault !== undefined) file.error(here, nameFault, 'key');
    const fault = headerValueFault(value);
    if (fault !== undefined) resolution.reject(here, entry.headers?.[name], value, fault);
  }
}

function warnOfIdle(
  { file, path, entry }: Draft,
  keys: readonly ('args' | 'env' | 'cwd' | 'headers')[],
): void {
  const kind = entry.command === undefined ? 'url' : 'command';
  for (const key of keys.filter((key) => entry[key] !== undefined)) {
    file.warn([...path, key], `"${key}" has no effect beside "${kind}".`);
  }
}
