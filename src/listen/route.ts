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
