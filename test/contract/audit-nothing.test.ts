import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import { Workplace } from '../support/command.ts';

test('where there is no audit nothing is proven: verify says so, and fails with code 2', async (t) => {
  const place = await Workplace.make(t, 'auth: { enabled: false }\n');
  const unused = await place.run('audit', 'verify');
  assert.equal(unused.code, 2);
  assert.match(unused.err, /there is no key in .+ to verify with/u);
  await place.run('keys', 'create', '--name', 'laptop', '--consumer', 'dev');
  assert.equal((await place.run('audit', 'verify')).code, 0);
  const { code, out, err } = await place.run('audit', 'verify', join(place.folder, 'misspelt'));
  assert.deepEqual([code, out], [2, '']);
  assert.match(err, /There is no audit in .+misspelt: there is nothing to verify\./u);
});
