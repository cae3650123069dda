import assert from 'node:assert/strict';
import test from 'node:test';
import { logEntry, logTurnedAway } from '../../../src/record/log-sink.ts';
import { entryOf } from './entries.ts';

test('what callers send as arguments is in no line of the log', () => {
  const lines: string[] = [];
  const write = (fields: object, message: string): void => {
    lines.push(JSON.stringify({ ...fields, message }));
  };
  const log = { debug: write, warn: write, error: write };
  for (const outcome of ['ok', 'refused', 'crashed'] as const)
    logEntry(entryOf({ outcome, args: { a: 'hunter2' }, judgedArgs: { b: 'hunter2' } }), log);
  assert.equal(lines.length, 3);
  for (const line of lines) {
    assert.match(line, /create_issue/u);
    assert.doesNotMatch(line, /hunter2/u);
  }
});

test('callers turned away are a warning that says how many and when (R22)', () => {
  const warnings: unknown[] = [];
  const fail = (): never => assert.fail('it is neither an error nor a detail');
  const log = { debug: fail, error: fail, warn: (fields: object) => warnings.push(fields) };
  const record = {
    code: 'GUESSING',
    address: '::1',
    principal: undefined,
    count: 3,
    firstAt: 0,
    lastAt: 1000,
  };
  logTurnedAway(record, log);
  assert.deepEqual(warnings, [
    { ...record, firstAt: '1970-01-01T00:00:00.000Z', lastAt: '1970-01-01T00:00:01.000Z' },
  ]);
});
