import assert from 'node:assert/strict';
import test from 'node:test';
import { isWithin } from '../../../src/policy/path-within.ts';

test('a path is within a folder only if it is absolute and does not climb', () => {
  const cases: readonly [path: string, folder: string, within: boolean][] = [
    ['/srv/al/x', '/srv/al', true],
    ['/srv/al', '/srv/al', true],
    ['/srv/al/', '/srv/al/', true],
    ['/srv//al/./x', '/srv/al', true],
    ['/srv/alice', '/srv/al', false],
    ['/srv', '/srv/al', false],
    ['/srv/al/../bo', '/srv/al', false],
    ['/srv/al/x/../y', '/srv/al', false],
    ['/srv/al/%2e%2E/bo', '/srv/al', false],
    ['/srv/al\\..\\bo', '/srv/al', false],
    ['/srv/al/\0', '/srv/al', false],
    ['srv/al/x', '/srv/al', false],
    ['', '/', false],
    ['/x', '/', true],
    ['/srv/AL/x', '/srv/al', false],
    ['C:\\srv\\al\\x', 'c:/srv/al', true],
    ['C:\\srv\\..\\x', 'C:\\srv', false],
    ['/srv/x', 'srv', false],
  ];
  for (const [path, folder, within] of cases)
    assert.equal(isWithin(path, folder), within, `${path} in ${folder}`);
});
