import type { ServerResponse } from 'node:http';

import { Refusal } from '../kernel/refusals.ts';

/** `/mcp/<group>` and `/sse/<group>` serve one tool group; the group's name may be percent-encoded. */
export function routeOf(path: string): {
  readonly route: string;
  readonly endpoint: string | undefined;
} {
  const [, route, name] = /^(\/(?:mcp|sse))\/([^/]+)$/u.exec(path) ?? [];
  const endpoint = name === undefined ? undefined : decoded(name);
  return route === undefined || endpoint === undefined
    ? { route: path, endpoint: undefined }
    : { route, endpoint };
}

function decoded(name: string): string | undefined {
  try {
    return decodeURIComponent(name);
  } catch {
    return undefined;
  }
}

const ALLOWED: Readonly<Record<string, string>> = {
  '/mcp': 'GET, POST, DELETE, OPTIONS',
  '/sse': 'GET, OPTIONS',
  '/messages': 'POST, OPTIONS',
};

/** Throws PATH_UNKNOWN, or HTTP_METHOD_UNSUPPORTED and names the methods that are served. */
export function refuseRoute(route: string, response: ServerResponse): never {
  const allow = ALLOWED[route];
  if (allow === undefined) throw new Refusal('PATH_UNKNOWN');
  response.setHeader('allow', allow);
  throw new Refusal('HTTP_METHOD_UNSUPPORTED');
}
