import assert from 'node:assert/strict';
import test from 'node:test';
import type { ServerPlan } from '../../../src/kernel/plan.ts';
import { createScrub } from '../../../src/upstream/scrub.ts';

const stdio = (env: Record<string, string>) =>
  createScrub({ endpoint: { kind: 'stdio', env } } as unknown as ServerPlan);
const remote = (headers: Record<string, string>) =>
  createScrub({ endpoint: { kind: 'remote', headers } } as unknown as ServerPlan);

test('every value of the environment of a server is taken out of texts, wherever it stands', () => {
  const scrub = stdio({ TOKEN: 'sk-1234567890', OTHER: 'another-secret' });
  const text = 'bad sk-1234567890, twice: sk-1234567890; and another-secret!';
  assert.equal(scrub(text), 'bad ***, twice: ***; and ***!');
});

test('of a header with a scheme the credential alone is a secret too', () => {
  const scrub = remote({ authorization: 'Bearer abcdefgh12345' });
  assert.equal(scrub('got "Bearer abcdefgh12345"'), 'got "***"');
  assert.equal(scrub('token abcdefgh12345 is expired'), 'token *** is expired');
});

test('the longer of two secrets goes first, so that no rest of it stays', () => {
  const scrub = stdio({ A: 'password', B: 'password-and-more' });
  assert.equal(scrub('x password-and-more y password z'), 'x *** y *** z');
});

test('short values are no secrets: texts would become unreadable', () => {
  const scrub = stdio({ A: '1', B: 'true', C: 'en_US' });
  assert.equal(scrub('1 true en_US'), '1 true en_US');
});

test('signs with a meaning elsewhere are signs here', () => {
  const scrub = stdio({ A: '$&$1.*+?^[x](y)' });
  assert.equal(scrub('a $&$1.*+?^[x](y) b'), 'a *** b');
});

test('what others know to be secret is taken out as well', () => {
  const others = { scrub: (text: string) => text.replaceAll('hunter2', '[redacted]') };
  for (const [env, expected] of [
    [{ TOKEN: 'sk-1234567890' }, 'bad *** and [redacted]'],
    [{}, 'bad sk-1234567890 and [redacted]'],
  ] as const) {
    const plan = { endpoint: { kind: 'stdio', env } } as unknown as ServerPlan;
    assert.equal(createScrub(plan, others)('bad sk-1234567890 and hunter2'), expected);
  }
});
