import type { Actor } from './ledger.ts';
import { KEY_HEADER, SHARED_KEY, type LedgerScene } from './ledger-scene.ts';

/** Everybody who calls. */
export type ActorName =
  | 'alice'
  | 'aliceAgain'
  | 'bob'
  | 'carol'
  | 'dave'
  | 'erin'
  | 'frank'
  | 'nora';

type Plain = Pick<Actor, 'client' | 'era' | 'caller' | 'headers'> & Partial<Actor>;

function actor(given: Plain): Actor {
  const { consumer } = given.caller;
  const said = given.said;
  const model: Record<string, string> =
    said === undefined
      ? {}
      : { 'x-lunar-llm-provider': said.provider, 'x-lunar-llm-model-id': said.id };
  return {
    transport: 'http',
    version: given.era === 'modern' ? '2026-07-28' : '2025-11-25',
    grant: consumer === undefined ? 'permissions.default' : `permissions.consumers.${consumer}`,
    said,
    model: said,
    ...given,
    headers: { ...given.headers, ...model },
  };
}

const NO_GROUPS: readonly string[] = [];

function keyed(
  scene: LedgerScene,
  consumer: 'alice' | 'bob' | 'frank',
): Pick<Plain, 'caller' | 'headers'> {
  return {
    caller: {
      proof: 'api-key',
      name: consumer,
      consumer,
      groups: NO_GROUPS,
      scopes: undefined,
      endpoint: undefined,
    },
    headers: { [KEY_HEADER]: scene.key(consumer).text },
  };
}

function shared(consumer?: string): Pick<Plain, 'caller' | 'headers'> {
  const tag: Record<string, string> =
    consumer === undefined ? {} : { 'x-lunar-consumer-tag': consumer };
  return {
    caller: {
      proof: 'shared-key',
      name: 'shared',
      consumer,
      groups: NO_GROUPS,
      scopes: undefined,
      endpoint: undefined,
    },
    headers: { [KEY_HEADER]: SHARED_KEY, ...tag },
  };
}

const GPT_4O = { provider: 'openai', id: 'gpt-4o' };

/** The actors of a day: keys of their own, a key that is shared, a token; both eras; four models and none. */
export async function actorsOf(scene: LedgerScene): Promise<Readonly<Record<ActorName, Actor>>> {
  const token = await scene.token('dave');
  return {
    alice: actor({
      client: 'desk of Alice',
      era: 'legacy',
      ...keyed(scene, 'alice'),
      said: GPT_4O,
    }),
    aliceAgain: actor({
      client: 'phone of Alice',
      era: 'modern',
      ...keyed(scene, 'alice'),
      said: { provider: 'openai', id: 'gpt-4o-2024-08-06' },
    }),
    bob: actor({
      client: 'Bobs "agent"',
      era: 'modern',
      ...keyed(scene, 'bob'),
      said: { provider: 'openai', id: 'gpt-4' },
    }),
    carol: actor({
      client: 'carol-cli',
      era: 'legacy',
      ...shared('carol'),
      said: { provider: 'anthropic', id: 'claude-sonnet-4-5' },
    }),
    dave: actor({
      client: 'dave',
      era: 'modern',
      caller: {
        proof: 'token',
        name: 'dave',
        consumer: 'dave',
        groups: NO_GROUPS,
        scopes: ['read'],
        endpoint: undefined,
      },
      headers: { authorization: `Bearer ${token}` },
      model: GPT_4O,
    }),
    erin: actor({
      client: 'old client',
      era: 'legacy',
      transport: 'sse',
      version: '2025-11-25',
      ...shared(),
    }),
    frank: actor({
      client: 'frank in batches',
      era: 'legacy',
      version: '2025-03-26',
      ...keyed(scene, 'frank'),
      said: { provider: 'acme', id: 'frank-1' },
    }),
    nora: actor({
      client: 'editor of Nora',
      era: 'legacy',
      transport: 'stdio',
      caller: {
        proof: 'local',
        name: 'local',
        consumer: 'nora',
        groups: NO_GROUPS,
        scopes: undefined,
        endpoint: undefined,
      },
      headers: {},
      grant: 'permissions.default',
      model: { provider: 'anthropic', id: 'claude-sonnet-4-5' },
    }),
  };
}
