import assert from 'node:assert/strict';
import test from 'node:test';
import { AuditedGateway } from '../support/audited-gateway.ts';
import { answersTo, askable } from '../support/ledger-rounds.ts';
import { fixtureEntry } from '../support/raw-gateway.ts';
import { send, type JsonObject } from '../support/raw-http.ts';
import { echoServer } from '../support/gateway.ts';

/** What the audit tells of a call that takes several requests, in which its server asks its client. */

const NAME = 'it__test_input_required_result_multi_round';
const CALL = { name: NAME, arguments: {} };
const ACCEPTED = { action: 'accept', content: { name: 'Ada', color: 'green' } };

test('a call of three rounds is found whole by the exchange that began it, by command line and admin API, and replayed as decisions (R3)', async (t) => {
  const audited = await AuditedGateway.start(t, {
    app: { audit: { flushMs: 20, arguments: 'full' } },
    servers: { echo: echoServer(), it: { ...fixtureEntry('legacy') } },
  });
  await audited.gateway.whenReady('it');
  const first = await askable(audited.port, CALL);
  const second = await askable(audited.port, { ...CALL, ...answersTo(first, ACCEPTED) });
  const last = await askable(audited.port, { ...CALL, ...answersTo(second, ACCEPTED) });
  assert.equal(last.result?.['resultType'], 'complete', JSON.stringify(last));
  await audited.call(1);
  const isEnd = ({ callId, outcome }: JsonObject): boolean =>
    callId !== undefined && outcome === 'ok';
  const { callId } = await audited.line('the last round is recorded', isEnd);
  const id = String(callId);
  const told = (entries: readonly JsonObject[]): unknown[] =>
    entries
      // Tokens may follow in a line of their own.
      .filter(({ event }) => event === undefined)
      .map((entry) => [entry['id'] === id, entry['callId'], entry['outcome']]);
  const rounds = [
    [true, undefined, 'input-required'],
    [false, id, 'input-required'],
    [false, id, 'ok'],
  ];
  const { text } = await send(audited.port, {
    method: 'GET',
    path: `/admin/audit?call=${id}&order=oldest`,
  });
  assert.deepEqual(told((JSON.parse(text) as { entries: JsonObject[] }).entries), rounds);
  const only = ['--call', id, '--order', 'oldest', '--json'];
  const { output } = await audited.mcpx('audit', 'query', ...only);
  const lines = output.split('\n').filter((line) => line.startsWith('{'));
  assert.deepEqual(told(lines.map((line) => JSON.parse(line) as JsonObject)), rounds);
  const asked = await audited.mcpx('audit', 'query', '--outcome', 'input-required', '--json');
  assert.equal(asked.output.match(/"id":/gu)?.length, 2);
  await audited.gateway.end('SIGTERM');
  const config = audited.gateway.env['APP_CONFIG_PATH'] ?? '';
  const replayed = await audited.mcpx('simulate', '--from', audited.folder, '--config', config);
  // Three requests, two questions of the server, and the other call.
  assert.match(replayed.output, /^6 calls: 6 unchanged/u);
});
