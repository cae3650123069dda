const FOREIGN = /[^A-Za-z0-9_.-]/gu;
const SCHEME = 'mcpx://';

/** A server's name in the characters that tool names may have (spec: tools, "Tool Names"). */
export function sanitised(server: string): string {
  return server.replaceAll(FOREIGN, '_');
}

/** The name clients know a tool or prompt by. */
export function publicName(naming: 'prefix' | 'flat', server: string, name: string): string {
  return naming === 'flat' ? name : `${sanitised(server)}__${name}`;
}

/** A URI under which one server's resource can always be addressed. */
export function qualifiedUri(server: string, uri: string): string {
  return `${SCHEME}${sanitised(server)}/${encodeURIComponent(uri)}`;
}

/** Server and URI behind a qualified URI; undefined when it is none. */
export function parseQualified(
  uri: string,
): { readonly server: string; readonly rest: string } | undefined {
  if (!uri.startsWith(SCHEME)) return undefined;
  const slash = uri.indexOf('/', SCHEME.length);
  return slash === -1
    ? undefined
    : { server: uri.slice(SCHEME.length, slash), rest: uri.slice(slash + 1) };
}

/** Decodes the part of a qualified URI after the server's name; undefined when it is not well encoded. */
export function decodeRest(rest: string): string | undefined {
  try {
    return decodeURIComponent(rest);
  } catch {
    return undefined;
  }
}
