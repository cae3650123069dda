import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync } from 'node:fs';
import test, { type TestContext } from 'node:test';
import { AuditedGateway } from '../support/audited-gateway.ts';
import { eventually } from '../support/processes.ts';
import { rpcOf, send } from '../support/raw-http.ts';
import { modernSent } from '../support/raw-clients.ts';
import { SmallDisk } from '../support/small-disk.ts';

/** A gateway whose audit is on a disk of 2 MiB. */
async function onSmallDisk(
  t: TestContext,
  onFailure: string,
): Promise<{ audited: AuditedGateway; disk: SmallDisk }> {
  const disk = await SmallDisk.make(t);
  const app = { audit: { onFailure, flushMs: 20, arguments: 'full' } };
  const audited = await AuditedGateway.prepare(t, { app });
  mkdirSync(audited.gateway.dataDir, { recursive: true });
  symlinkSync(disk.folder, audited.folder);
  await audited.launch();
  return { audited, disk };
}

async function refusalOf(audited: AuditedGateway, number: number): Promise<unknown> {
  return rpcOf(await audited.call(number)).error?.data?.['refusal'];
}

test('on a full disk no call is made that could not be recorded, lists go on, and calls do when there is room again (R22)', async (t) => {
  const { audited, disk } = await onSmallDisk(t, 'refuse');
  assert.equal(await refusalOf(audited, 1), undefined);
  await audited.line('it is recorded', ({ method }) => method === 'tools/call');
  disk.fill();
  let number = 1;
  await eventually('calls are refused', 20_000, async () => {
    number += 1;
    return (await refusalOf(audited, number)) === 'RECORD_UNAVAILABLE';
  });
  const list = await send(audited.port, modernSent('tools/list'));
  assert.match(list.text, /"echo__echo"/u);
  const { error } = rpcOf(await audited.call(0));
  assert.deepEqual([error?.code, error?.data?.['refusal']], [1530, 'RECORD_UNAVAILABLE']);
  disk.free();
  await eventually(
    'calls are served again',
    20_000,
    async () => (await refusalOf(audited, 9999)) === undefined,
  );
  await audited.gateway.end('SIGTERM');
  const calls = audited.lines().filter(({ method }) => method === 'tools/call');
  // What was refused is in the record as well, and nothing is missing between.
  assert.ok(calls.some(({ code }) => code === 'RECORD_UNAVAILABLE'));
  const numbers = audited.numbers();
  for (let each = 0; each <= number; each += 1) assert.ok(numbers.has(each), `call ${each}`);
  assert.deepEqual((await audited.verify()).findings, []);
});

test('on a full disk calls go on where that is the configuration, and what could not be written is counted (R22)', async (t) => {
  const { audited, disk } = await onSmallDisk(t, 'drop-and-count');
  disk.fill();
  const text = 'x'.repeat(60_000);
  const call = { name: 'echo__echo', arguments: { text } };
  const count = 200;
  for (let done = 0; done < count; done += 20)
    await Promise.all(
      Array.from({ length: 20 }, async () => {
        const answer = rpcOf(await send(audited.port, modernSent('tools/call', call)));
        assert.equal(answer.error, undefined);
      }),
    );
  assert.match(audited.gateway.output(), /ENOSPC/u);
  disk.free();
  await audited.gateway.end('SIGTERM');
  assert.deepEqual((await audited.verify()).findings, []);
  // There is room for some of them again; all others, and what was lost before, are no secret.
  const lines = audited.lines();
  const calls = lines.filter(({ method }) => method === 'tools/call').length;
  assert.ok(calls > 0 && calls < count, `${calls} calls`);
});
