import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import test from 'node:test';
import { promisify } from 'node:util';

const run = promisify(execFile);
const MODULE = new URL('../../../src/cli/young-heap.ts', import.meta.url).href;
const MIB = 1024 * 1024;

/** Bytes of the young generation of a process of its own, that has made much that lives for a while, before and after a step. */
async function youngBytesAfter(step: string): Promise<number> {
  const program = `
    import { getHeapSpaceStatistics } from 'node:v8';
    import { setImmediate as turn } from 'node:timers/promises';
    const { boundYoungHeap, holdYoungHeap } = await import(${JSON.stringify(MODULE)});
    ${step}
    const kept = [];
    for (let round = 0; round < 1500; round += 1) {
      kept.push(Array.from({ length: 2000 }, (_, at) => ({ at })));
      if (kept.length > 400) kept.shift();
      await turn();
    }
    const space = getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space');
    console.log(space.space_size);
  `;
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', program]);
  return Number(stdout);
}

test('while a process starts, its young generation stays as small as it began, where it would grow to 64 MiB', async () => {
  const [held, free] = await Promise.all([
    youngBytesAfter('holdYoungHeap();'),
    youngBytesAfter(''),
  ]);
  assert.ok(held <= 8 * MIB, `${held}`);
  assert.ok(free >= 64 * MIB, `without it ${free}`);
});

test('afterwards it grows with need, but not to 64 MiB', async () => {
  const bytes = await youngBytesAfter('holdYoungHeap(); boundYoungHeap();');
  assert.ok(bytes >= 16 * MIB && bytes < 64 * MIB, `${bytes}`);
});
