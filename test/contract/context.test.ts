import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';

import { serverWith } from '../support/access-servers.ts';
import { Workplace } from '../support/command.ts';
import { referenceCount } from '../support/reference-count.ts';

const APP = `
permissions:
  consumers:
    dev: { allow: [searching] }
toolGroups:
  - { name: searching, services: { work: [search] } }
tokens:
  model: openai/gpt-5
  consumers: { dev: acme/own-model }
  prices: [{ model: own-model, input: 1000, output: 1, encoding: cl100k_base }]
`;

const SERVERS = {
  work: serverWith({
    tools: [
      'search',
      { name: 'deploy', description: 'Puts a version into production. '.repeat(5) },
    ],
    prompts: ['review'],
  }),
  play: serverWith({ tools: ['dice'] }),
  unseen: { command: 'no-such-command' },
};

async function seen(t: TestContext): Promise<Workplace> {
  const place = await Workplace.make(t, APP, SERVERS);
  const gateway = await place.serve(APP);
  await gateway.stop();
  return place;
}

/** Tokens of a tool as the fixture defines it. */
function tokensOf(server: string, name: string, description = `The tool ${name}`): number {
  const inputSchema = { type: 'object' };
  return referenceCount(JSON.stringify({ name: `${server}__${name}`, description, inputSchema }));
}

test('the context cost is printed per server and tool, the largest first, with what it costs', async (t) => {
  const place = await seen(t);
  const [dice, search] = [tokensOf('play', 'dice'), tokensOf('work', 'search')];
  const deploy = tokensOf('work', 'deploy', 'Puts a version into production. '.repeat(5));
  assert.deepEqual([dice, search, deploy], [20, 20, 52]);
  const { code, out, err } = await place.run('context');
  assert.match(out, /^Not in it, for few clients show them to models: \d+ prompts, /mu);
  assert.equal(
    out.replace(/\nNot in it.*\n/u, ''),
    `3 tools shown to a caller without a consumer: 92 tokens (openai/gpt-5; o200k_base; $0.000115 to read once)

SERVER  TOOLS  TOKENS  SHARE  LARGEST
work    2      72      78.3%  work__deploy (52)
play    1      20      21.7%  play__dice (20)

TOOL          SERVER  TOKENS  SHARE
work__deploy  work    52      56.5%
work__search  work    20      21.7%
play__dice    play    20      21.7%
`,
  );
  assert.equal(
    err,
    'Note: not counted, for no gateway has seen them yet (mcpx serve does): unseen.\n',
  );
  assert.equal(code, 0);
});

test('the context cost is that of the view of the consumer, for the model that is its own', async (t) => {
  const place = await seen(t);
  const { out } = await place.run('context', '--consumer', 'dev', '--json');
  const told = JSON.parse(out) as Record<string, unknown>;
  const { model, encoding, isEstimate, tokens, cost, unseen } = told;
  const text = JSON.stringify({
    name: 'work__search',
    description: 'The tool search',
    inputSchema: { type: 'object' },
  });
  const count = referenceCount(text, 'cl100k_base');
  assert.deepEqual(
    { model, encoding, isEstimate, tokens, cost, unseen },
    {
      model: 'acme/own-model',
      encoding: 'cl100k_base',
      isEstimate: false,
      tokens: count,
      cost: count / 1000,
      unseen: ['unseen'],
    },
  );
  const other = await place.run('context', '--consumer', 'dev', '--model', 'claude-opus-4-5');
  assert.match(
    other.out,
    /^1 tool shown to dev: 20 tokens \(claude-opus-4-5; o200k_base, an estimate; \$/u,
  );
});

test('a caller who is shown nothing costs nothing, and a wrong option or configuration is said', async (t) => {
  const place = await seen(t);
  const nobody = await place.run('context', '--endpoint', 'no-such-group');
  assert.match(nobody.out, /^0 tools shown to a caller without a consumer: 0 tokens \(/u);
  const wrong = await place.run('context', '--model', '');
  assert.equal(wrong.code, 2);
  await place.write('app.yaml', 'tokens: { model: 5 }');
  const broken = await place.run('context');
  assert.equal(broken.code, 1);
  assert.match(broken.err, /The configuration has errors; correct them first/u);
});
