import assert from 'node:assert/strict';
import fs from 'node:fs';
import { mkdir, mkdtemp, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { watchConfig, type WatchOptions } from '../../../src/config/watch.ts';

/** Long enough that only events of the file system can explain a change. */
const EVENTS_ALONE: WatchOptions = { debounceMs: 30, pollMs: 600_000 };
const POLLING: WatchOptions = { debounceMs: 10, pollMs: 40 };
const QUIET_MS = 250;

interface Watched {
  readonly folder: string;
  readonly calls: (readonly string[])[];
  /** Waits until the watch has called back this often in all. */
  called(times: number): Promise<void>;
}

test('a file written in place is one change, however many steps it takes', async (t) => {
  const { folder, calls, called } = await start(t, ['a'], EVENTS_ALONE);
  for (const text of ['', 'h', 'ha', 'half']) await writeFile(join(folder, 'a'), text);
  await called(1);
  await sleep(QUIET_MS);
  assert.deepEqual(calls, [[join(folder, 'a')]]);
});

test('a file renamed over another, as editors and atomic writers do, is a change every time', async (t) => {
  const { folder, called } = await start(t, ['a'], EVENTS_ALONE);
  for (const times of [1, 2, 3]) {
    await writeFile(join(folder, 'a.tmp'), `version ${times}`);
    await rename(join(folder, 'a.tmp'), join(folder, 'a'));
    await called(times);
  }
});

test('a file moved away and written anew, as other editors do, is one change', async (t) => {
  const { folder, calls, called } = await start(t, ['a'], EVENTS_ALONE);
  await rename(join(folder, 'a'), join(folder, 'a~'));
  await writeFile(join(folder, 'a'), 'new');
  await called(1);
  assert.deepEqual(calls, [[join(folder, 'a')]]);
});

test("Kubernetes' swap of the ..data link is a change of every file that differs", async (t) => {
  const folder = await tempFolder(t);
  const publish = async (version: string, texts: Record<string, string>): Promise<void> => {
    await mkdir(join(folder, version));
    for (const [name, text] of Object.entries(texts))
      await writeFile(join(folder, version, name), text);
    await symlink(version, join(folder, '..data_tmp'));
    await rename(join(folder, '..data_tmp'), join(folder, '..data'));
  };
  await publish('..v1', { a: '1', b: '1' });
  for (const name of ['a', 'b']) await symlink(join('..data', name), join(folder, name));
  const { calls, called } = await watchIn(t, folder, ['a', 'b'], EVENTS_ALONE);

  await publish('..v2', { a: '2', b: '1' });
  await called(1);
  await rm(join(folder, '..v1'), { recursive: true });
  await publish('..v3', { a: '3', b: '3' });
  await called(2);
  assert.deepEqual(calls, [[join(folder, 'a')], [join(folder, 'a'), join(folder, 'b')]]);
});

test('a file behind a link into another folder is watched there', async (t) => {
  const elsewhere = await tempFolder(t);
  const folder = await tempFolder(t);
  await writeFile(join(elsewhere, 'real'), '1');
  await symlink(join(elsewhere, 'real'), join(folder, 'a'));
  const { called } = await watchIn(t, folder, ['a'], EVENTS_ALONE);
  await writeFile(join(elsewhere, 'real'), '2');
  await called(1);
});

test('a deleted file changes nothing until it is back with other contents', async (t) => {
  const { folder, calls, called } = await start(t, ['a'], POLLING);
  await unlink(join(folder, 'a'));
  await sleep(QUIET_MS);
  await writeFile(join(folder, 'a'), 'first');
  await sleep(QUIET_MS);
  assert.deepEqual(calls, []);
  await writeFile(join(folder, 'a'), 'second');
  await called(1);
});

test('contents written again as they were are no change', async (t) => {
  const { folder, calls } = await start(t, ['a'], POLLING);
  await writeFile(join(folder, 'a'), 'first');
  await writeFile(join(folder, 'other'), 'noise');
  await sleep(QUIET_MS);
  assert.deepEqual(calls, []);
});

test('a file that appears later, in a folder that appears later, is found by polling', async (t) => {
  const folder = await tempFolder(t);
  const { called } = await watchIn(t, folder, ['later/a'], POLLING);
  await mkdir(join(folder, 'later'));
  await writeFile(join(folder, 'later/a'), 'new');
  await called(1);
});

test('where the system gives no watch at all, polling finds the change', async (t) => {
  t.mock.method(fs, 'watch', () => {
    throw Object.assign(new Error('no space left for watches'), { code: 'ENOSPC' });
  });
  syncBuiltinESMExports();
  t.after(() => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  });
  const { folder, called } = await start(t, ['a'], POLLING);
  await writeFile(join(folder, 'a'), 'second');
  await called(1);
});

test('a folder replaced by another is watched again', async (t) => {
  const folder = await tempFolder(t);
  await mkdir(join(folder, 'in'));
  await writeFile(join(folder, 'in/a'), '1');
  const { called } = await watchIn(t, folder, ['in/a'], POLLING);
  await rm(join(folder, 'in'), { recursive: true });
  await mkdir(join(folder, 'in'));
  await writeFile(join(folder, 'in/a'), '2');
  await called(1);
  await writeFile(join(folder, 'in/a'), '3');
  await called(2);
});

test('a folder that is never quiet does not keep a change back', async (t) => {
  const { folder, called } = await start(t, ['a'], EVENTS_ALONE);
  const noise = new AbortController();
  const makingNoise = makeNoise(join(folder, 'noise'), noise.signal);
  await writeFile(join(folder, 'a'), 'second');
  await called(1).finally(() => noise.abort());
  await makingNoise;
});

test('after the watch has ended nothing is called any more', async (t) => {
  const folder = await tempFolder(t);
  await writeFile(join(folder, 'a'), 'first');
  const close = watchConfig([join(folder, 'a')], () => assert.fail('called'), POLLING);
  await writeFile(join(folder, 'a'), 'second');
  close();
  await sleep(QUIET_MS);
});

async function start(
  t: TestContext,
  names: readonly string[],
  options: WatchOptions,
): Promise<Watched> {
  const folder = await tempFolder(t);
  for (const name of names) await writeFile(join(folder, name), 'first');
  return watchIn(t, folder, names, options);
}

async function watchIn(
  t: TestContext,
  folder: string,
  names: readonly string[],
  options: WatchOptions,
): Promise<Watched> {
  const calls: (readonly string[])[] = [];
  const paths = names.map((name) => join(folder, name));
  t.after(watchConfig(paths, (changed) => calls.push(changed), options));
  // The system takes a moment before it reports the first events.
  await sleep(100);
  const called = async (times: number): Promise<void> => {
    for (let tries = 0; calls.length < times; tries++) {
      assert.ok(tries < 500, `called ${calls.length} times, not ${times}`);
      await sleep(10);
    }
  };
  return { folder, calls, called };
}

async function makeNoise(file: string, signal: AbortSignal): Promise<void> {
  for (let count = 0; !signal.aborted; count++) {
    await writeFile(file, String(count));
    await sleep(5);
  }
}

async function tempFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'mcpx-watch-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
