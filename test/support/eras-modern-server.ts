import assert from 'node:assert/strict';
import { textsOf } from './clients-tour.ts';
import { methodsOf, paramsOf, type AskedClient, type Came } from './eras-clients.ts';
import { eventually } from './raw-eventually.ts';

type JsonObject = Record<string, unknown>;

/** Our server of the second SDK as a client finds it behind the gateway. */
export interface Found {
  /** What the gateway puts before its names. */
  readonly server: string;
  /** What its URIs begin with. */
  readonly scheme: string;
}

const HOME = 'file:///home/ada';

/** What Ada fills into a form, by the name of the field. */
const FIELDS: Readonly<Record<string, unknown>> = {
  name: 'Ada',
  city: 'Brno',
  color: 'blue',
  go: true,
  ok: true,
  context: 'a test',
};

/** Answers as Ada does: her name, her city, her model and her folder. */
export function saysAda({ method, params }: Came): JsonObject {
  if (method === 'roots/list') return { roots: [{ uri: HOME, name: 'home' }] };
  if (method === 'sampling/createMessage') {
    const prompt = textsOf(params['messages']);
    const content = { type: 'text', text: `answer to "${prompt}"` };
    return { role: 'assistant', model: 'none', content };
  }
  if (params['mode'] === 'url') return { action: 'accept' };
  const schema = params['requestedSchema'] as { properties: JsonObject };
  const content = Object.fromEntries(
    Object.keys(schema.properties)
      .filter((field) => FIELDS[field] !== undefined)
      .map((field) => [field, FIELDS[field]]),
  );
  return { action: 'accept', content };
}

/** Lists all there is, calls, reads, gets a prompt and completes. */
export async function usePlainly(client: AskedClient, found: Found): Promise<void> {
  const { server, scheme } = found;
  const { tools } = await client.request('tools/list');
  const sum = (tools as JsonObject[]).find(({ name }) => name === `${server}__sum`);
  assert.equal(sum?.['title'], 'Sum');
  assert.deepEqual(Object.keys((sum['outputSchema'] as JsonObject)['properties'] as object), [
    'sum',
  ]);
  const answer = await client.call(`${server}__sum`, { a: 2, b: 40 });
  assert.deepEqual(answer['structuredContent'], { sum: 42 });
  assert.equal(answer['resultType'], undefined, 'a field of the modern era does not get through');
  const wrong = await client.call(`${server}__sum`, { a: 'two', b: 40 });
  assert.equal(wrong['isError'], true);
  const read = (uri: string) => client.request('resources/read', { uri });
  assert.match(textsOf(await read(`${scheme}://counter`)), /^touched \d+ times$/);
  assert.equal(textsOf(await read(`${scheme}://by-name/alan`)), 'note of alan');
  await assert.rejects(read(`${scheme}://none`), { code: -32002 });
  const { resourceTemplates } = await client.request('resources/templates/list');
  const uriTemplate = `${scheme}://by-name/{name}`;
  assert.ok((resourceTemplates as JsonObject[]).some((one) => one['uriTemplate'] === uriTemplate));
  const letter = { name: `${server}__letter`, arguments: { to: 'Alan' } };
  assert.equal(textsOf(await client.request('prompts/get', letter)), 'Write to Alan.');
  const { completion } = await client.request('completion/complete', {
    ref: { type: 'ref/resource', uri: uriTemplate },
    argument: { name: 'name', value: 'ad' },
  });
  assert.deepEqual((completion as JsonObject)['values'], ['ada']);
  assert.deepEqual(await client.request('ping'), {});
}

/** Is asked in every way there is, in one round and in three, by tools, a prompt and a resource. */
export async function beAsked(client: AskedClient, { server, scheme }: Found): Promise<void> {
  const call = async (tool: string) => textsOf(await client.call(`${server}__${tool}`));
  assert.equal(await call('greet'), 'Hello, Ada!');
  assert.equal(await call('haiku'), 'The model said: answer to "Write a haiku"');
  assert.equal(await call('folders'), `Roots: ${HOME}`);
  const before = client.asked.length;
  assert.equal(
    await call('trip'),
    `Brno: answer to "What is there in Brno?"; go=true; maps=${HOME}`,
  );
  const asked = methodsOf(client.asked.slice(before));
  assert.deepEqual(asked.slice(0, 2), ['elicitation/create', 'sampling/createMessage']);
  assert.deepEqual(asked.slice(2).toSorted(), ['elicitation/create', 'roots/list']);
  const letter = await client.request('prompts/get', { name: `${server}__asked-letter` });
  assert.equal(textsOf(letter), 'Write to Ada.');
  const guarded = await client.request('resources/read', { uri: `${scheme}://guarded` });
  assert.equal(textsOf(guarded), 'for Ada');
}

/** Is sent to a page, as 2025-11-25 has it: with an id, which 2026-07-28 leaves out. */
export async function beSentToPage(client: AskedClient, { server }: Found): Promise<void> {
  assert.equal(textsOf(await client.call(`${server}__sign-in`)), 'Page: accept');
  const [page] = paramsOf(client.asked, 'elicitation/create').slice(-1);
  assert.equal(page?.['mode'], 'url');
  assert.equal(page['url'], 'https://example.com/sign-in');
  assert.equal(typeof page['elicitationId'], 'string');
}

/** The server is spoken to in 2026-07-28, with the capabilities of the client of the legacy era. */
export async function beSeenAsModern(client: AskedClient, { server }: Found): Promise<void> {
  const seen = JSON.parse(textsOf(await client.call(`${server}__seen`))) as JsonObject;
  const envelope = seen['envelope'] as JsonObject;
  assert.equal(envelope['io.modelcontextprotocol/protocolVersion'], '2026-07-28');
  assert.deepEqual(envelope['io.modelcontextprotocol/clientCapabilities'], {
    elicitation: { form: {}, url: {} },
    sampling: {},
    roots: {},
  });
}

/** Hears progress and the log messages of its level. */
export async function hearWork(
  client: AskedClient,
  { server }: Found,
  isOnStdio: boolean,
): Promise<void> {
  const start = client.heard.length;
  const logged = (): unknown[] =>
    paramsOf(client.heard.slice(start), 'notifications/message').map(({ data }) => data);
  await client.request('logging/setLevel', { level: 'info' });
  const progress: unknown[] = [];
  const onprogress = (one: JsonObject): void => void progress.push(one['progress']);
  await client.call(`${server}__count`, {}, { onprogress });
  // On stdio the SDKs drop progress that they read together with the answer.
  const heard = isOnStdio ? Math.max(1, progress.length) : 3;
  assert.deepEqual(progress, [1, 2, 3].slice(0, heard));
  await eventually('three log messages were there', () => logged().length >= 3);
  assert.deepEqual(logged(), ['step 1', 'step 2', 'step 3']);
  await client.request('logging/setLevel', { level: 'error' });
  await client.call(`${server}__count`);
  assert.equal(logged().length, 3, 'a level that is not wanted is not sent');
}

/** Hears of updates it subscribed to, and of a list that changed. */
export async function hearNews(client: AskedClient, { server, scheme }: Found): Promise<void> {
  const call = async (tool: string) => textsOf(await client.call(`${server}__${tool}`));
  const uri = `${scheme}://counter`;
  const updates = (): number =>
    paramsOf(client.heard, 'notifications/resources/updated').filter((one) => one['uri'] === uri)
      .length;
  await client.request('resources/subscribe', { uri });
  await call('touch');
  await eventually('an update was heard', () => updates() > 0);
  await client.request('resources/unsubscribe', { uri });
  const changes = (): number => paramsOf(client.heard, 'notifications/tools/list_changed').length;
  const [changed, updated] = [changes(), updates()];
  await call('touch');
  const name = await call('grow');
  await eventually('a list changed', () => changes() > changed);
  assert.equal(updates(), updated, 'after unsubscribing nothing more is heard');
  const { tools } = await client.request('tools/list');
  assert.ok((tools as JsonObject[]).some((one) => one['name'] === `${server}__${name}`));
  assert.equal(await call(name), `I am ${name}`);
}
