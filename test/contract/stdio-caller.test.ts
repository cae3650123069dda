import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { ROOT } from '../support/conformance-processes.ts';
import { COMMAND, Workplace } from '../support/command.ts';
import { fixtureEntry } from '../support/raw-gateway.ts';

const APP = `
toolGroups:
  - { name: texts, services: { it: [test_simple_text, fixture_echo] } }
  - { name: echoes, services: { it: [fixture_echo, fixture_big] } }
permissions:
  default: { block: [] }
  consumers: { agents: { allow: [texts] } }
`;

async function toolsOf(
  t: TestContext,
  place: Workplace,
  ...args: readonly string[]
): Promise<string[]> {
  const client = new Client({ name: 'test', version: '1.0.0' });
  const { PATH = '', HOME = '' } = process.env;
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [COMMAND, 'stdio', ...args],
    cwd: ROOT,
    env: { PATH, HOME, ...place.env },
    stderr: 'ignore',
  });
  await client.connect(transport);
  t.after(() => client.close());
  const { tools } = await client.listTools();
  await client.close();
  return tools.map(({ name }) => name).toSorted();
}

test('the client on standard input is the consumer, and sees the group, that the command line names', async (t) => {
  const place = await Workplace.make(t, APP, { it: fixtureEntry('legacy') });
  assert.ok((await toolsOf(t, place)).length > 10);
  const texts = ['it__fixture_echo', 'it__test_simple_text'];
  assert.deepEqual(await toolsOf(t, place, '--consumer', 'agents'), texts);
  const echoes = ['it__fixture_big', 'it__fixture_echo'];
  assert.deepEqual(await toolsOf(t, place, '--group', 'echoes'), echoes);
  const both = await toolsOf(t, place, '--consumer', 'agents', '--group', 'echoes');
  assert.deepEqual(both, ['it__fixture_echo']);
  assert.deepEqual(await toolsOf(t, place, '--group', 'none'), []);
});

test('a consumer that has a key of its own is not selected by the command line (R20)', async (t) => {
  const place = await Workplace.make(t, APP, {});
  await place.run('keys', 'create', '--name', 'ci', '--consumer', 'agents');
  const { code, out, err } = await place.run('stdio', '--consumer', 'agents');
  assert.deepEqual([code, out], [2, '']);
  assert.match(
    err,
    /^mcpx: This consumer is selected by a credential of its own, not by a tag\. Name another one, or leave --consumer out\.$/mu,
  );
});
