import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { holdLife, isHeld } from '../../../src/store/life-lock.ts';

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'mcpx-lives-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const HOLDER = `
const [module, folder] = process.argv.slice(1);
const { holdLife } = await import(module);
const life = holdLife(folder, 'it');
if (life !== undefined) process.stdout.write('held');
// Whoever lets a life be collected lets the name go.
setInterval(() => life, 1000);
`;

test('a name is held by one process at a time, and let go when that is killed', async (t) => {
  const folder = folderFor(t);
  const module = new URL('../../../src/store/life-lock.ts', import.meta.url).href;
  const args = ['--input-type=module', '-e', HOLDER, module, folder];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  const [said] = (await once(child.stdout, 'data')) as [Buffer];
  assert.equal(said.toString(), 'held');
  assert.equal(isHeld(folder, 'it'), true);
  assert.equal(holdLife(folder, 'it'), undefined);
  child.kill('SIGKILL');
  await once(child, 'exit');
  assert.equal(isHeld(folder, 'it'), false);
  const life = holdLife(folder, 'it');
  assert.ok(life !== undefined);
  life.release();
  assert.deepEqual(readdirSync(folder), []);
});

test('a name that nobody ever held is not held, and asking makes nothing', (t) => {
  const folder = folderFor(t);
  assert.equal(isHeld(folder, 'it'), false);
  assert.deepEqual(readdirSync(folder), []);
});
