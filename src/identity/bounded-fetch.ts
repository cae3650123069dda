const MAX_BYTES = 1024 * 1024;
const MAX_REDIRECTS = 3;

/** Whether a URL may be trusted to name what it says: by TLS, or because it never leaves this machine. */
export function isTrustworthy(url: URL): boolean {
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url));
}

/** Whether a URL names this machine. */
export function isLoopback({ hostname }: URL): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(hostname);
}

/**
 * Fetches one JSON document of at most 1 MiB until the signal ends it. Redirects are followed within the same origin alone.
 * Rejects with an Error that says what went wrong.
 */
export async function fetchJson(url: URL, signal: AbortSignal): Promise<unknown> {
  if (!isTrustworthy(url)) throw new Error(`${url.href} is neither https nor on this machine`);
  let response = await request(url, signal);
  for (let hops = 0; isRedirect(response); hops += 1) {
    const next = new URL(response.headers.get('location') ?? '', url);
    await response.body?.cancel();
    if (next.origin !== url.origin) throw new Error(`${url.href} redirects to another host`);
    if (hops === MAX_REDIRECTS) throw new Error(`${url.href} redirects too often`);
    response = await request(next, signal);
  }
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new Error(`${url.href} answered with status ${response.status}`);
  }
  return JSON.parse(await readText(response, url)) as unknown;
}

function request(url: URL, signal: AbortSignal): Promise<Response> {
  return fetch(url, { signal, redirect: 'manual', headers: { accept: 'application/json' } });
}

function isRedirect({ status, headers }: Response): boolean {
  return status >= 300 && status < 400 && headers.has('location');
}

async function readText({ body }: Response, url: URL): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  // Leaving the loop cancels what is still to come.
  for await (const chunk of (body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength;
    if (size > MAX_BYTES) throw new Error(`${url.href} is larger than ${MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
