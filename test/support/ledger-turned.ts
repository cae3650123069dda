import type { RefusalCode } from '../../src/kernel/refusals.ts';
import type { Ledger } from './ledger.ts';
import { KEY_HEADER, SHARED_KEY, type LedgerScene } from './ledger-scene.ts';
import { modernSent } from './raw-clients.ts';
import { send, type Sent } from './raw-http.ts';

/** A request that is refused at the door. */
interface Attempt extends Sent {
  readonly code: RefusalCode;
  /** Address it seems to come from. */
  readonly from?: string;
  /** Key of its caller, where it is proven. */
  readonly as?: string;
}

const KEYED = { [KEY_HEADER]: SHARED_KEY };
const PING = { jsonrpc: '2.0', id: 1, method: 'ping' };
const HOME = '127.0.0.1';

/** Knocks in every wrong way; each is in the books by its reason, address and caller. */
export async function turnAway(scene: LedgerScene, ledger: Ledger): Promise<void> {
  for (const attempt of attempts(scene, ledger.run)) {
    const { code, from = HOME, as, headers = {}, ...sent } = attempt;
    const forwarded: Record<string, string> = from === HOME ? {} : { 'x-forwarded-for': from };
    const got = await send(scene.port, { ...sent, headers: { ...headers, ...forwarded } });
    const told = (JSON.parse(got.text) as { error?: { data?: { refusal?: string } } }).error;
    if (told?.data?.refusal !== code) throw new Error(`${code} was expected: ${got.text}`);
    ledger.turnedAway(code, from, as);
  }
}

function attempts(scene: LedgerScene, run: number): Attempt[] {
  const bob = scene.key('bob');
  const modern = (method: string, changes: Parameters<typeof modernSent>[2] = {}): Sent => {
    const sent = modernSent(method, {}, changes);
    return { ...sent, headers: { ...sent.headers, ...KEYED } };
  };
  const wrong = (address: string): Attempt => ({
    code: 'UNAUTHENTICATED',
    from: address,
    headers: { [KEY_HEADER]: 'a key that nobody has made' },
    body: PING,
  });
  return [
    { code: 'UNAUTHENTICATED', from: '192.0.2.1', body: PING },
    ...Array.from({ length: 5 }, () => wrong('192.0.2.2')),
    wrong('192.0.2.3'),
    {
      code: 'UNAUTHENTICATED',
      from: '192.0.2.3',
      headers: { authorization: 'Bearer aaaa.bbbb.cccc' },
      body: PING,
    },
    {
      code: 'CONSUMER_REFUSED',
      from: '192.0.2.4',
      headers: { ...KEYED, 'x-lunar-consumer-tag': 'alice' },
      body: PING,
    },
    { code: 'HOST_REFUSED', headers: { host: 'evil.example', ...KEYED }, body: PING },
    { code: 'ORIGIN_REFUSED', headers: { origin: 'https://evil.example', ...KEYED }, body: PING },
    { code: 'PATH_UNKNOWN', method: 'GET', path: '/nothing/here' },
    { code: 'HTTP_METHOD_UNSUPPORTED', method: 'PUT', body: PING },
    { code: 'MALFORMED_JSON', headers: KEYED, body: '{"half":', as: 'shared' },
    { code: 'MALFORMED_MESSAGE', headers: KEYED, body: { not: 'a message' }, as: 'shared' },
    { code: 'SESSION_REQUIRED', headers: KEYED, body: PING, as: 'shared' },
    {
      code: 'SESSION_UNKNOWN',
      headers: { ...KEYED, 'mcp-session-id': 'nobodys' },
      body: PING,
      as: 'shared',
    },
    { code: 'METHOD_UNKNOWN', ...modern('ping'), as: 'shared' },
    {
      code: 'HEADER_MISMATCH',
      ...modern('tools/list', { headers: { 'mcp-method': 'tools/call' } }),
      as: 'shared',
    },
    {
      code: 'ADMIN_REFUSED',
      method: 'GET',
      path: '/admin/servers',
      headers: { [KEY_HEADER]: bob.text },
      as: JSON.stringify([`key:${bob.id}`, 'bob', null]),
    },
    ...(run === 1
      ? []
      : [
          {
            code: 'UNAUTHENTICATED',
            from: '192.0.2.9',
            headers: { [KEY_HEADER]: scene.key('gone').text },
            body: PING,
          } as const,
        ]),
  ];
}
