import assert from 'node:assert/strict';
import test from 'node:test';
import type { Entry } from '../../../src/kernel/entry.ts';
import { logEntry, logTurnedAway, type LogPort } from '../../../src/record/log-sink.ts';
import { Scrubber } from '../../../src/record/scrub.ts';
import { entryOf } from './entries.ts';

interface Line {
  readonly level: string;
  readonly fields: object;
  readonly message: string;
}

/** A log that keeps its lines. */
function keeping(lines: Line[], level = 'debug'): LogPort {
  const at = (level: string) => (fields: object, message: string) => {
    lines.push({ level, fields: JSON.parse(JSON.stringify(fields)) as object, message });
  };
  const levels = ['debug', 'info', 'warn', 'error'];
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    isLevelEnabled: (asked) => levels.indexOf(asked) >= levels.indexOf(level),
  };
}

function lineOf(changes: Partial<Entry>, scrubber = new Scrubber()): Line {
  const lines: Line[] = [];
  logEntry(entryOf(changes), keeping(lines), scrubber);
  assert.equal(lines.length, 1);
  return lines[0] ?? assert.fail();
}

test('every exchange is one line at info, with the ids that join it to its trace and its audit line', () => {
  const trace = {
    traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
    spanId: '1111111111111111',
    parentId: undefined,
    isSampled: false,
    upstreamSpanId: '2222222222222222',
    onward: { traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-2222222222222222-00' },
  };
  assert.deepEqual(lineOf({ trace, warnings: ['near day', 'shadow hour'] }), {
    level: 'info',
    message: 'exchange',
    fields: {
      id: 'run-1',
      method: 'tools/call',
      outcome: 'ok',
      server: 'github',
      target: 'create_issue',
      consumer: 'dev',
      client: 'cursor',
      session: 's1',
      durationMs: 12.346,
      upstreamMs: 11.7,
      traceId: trace.traceId,
      rule: 'permissions.default',
      warnings: 'near day, shadow hour',
    },
  });
});

test('refusals, failing tools, time-outs and cancellations are lines at info; only what crashed here is an error', () => {
  for (const outcome of ['tool-error', 'error', 'refused', 'timed-out', 'cancelled'] as const) {
    const { level, fields } = lineOf({ outcome, code: 'X', failure: 'text of others' });
    assert.equal(level, 'info', outcome);
    assert.equal(Reflect.get(fields, 'outcome'), outcome);
    assert.equal(Reflect.get(fields, 'code'), 'X');
    assert.equal(Reflect.get(fields, 'failure'), undefined);
  }
  const { level, fields } = lineOf({ outcome: 'crashed', code: 'INTERNAL', failure: 'at x.ts:1' });
  assert.equal(level, 'error');
  assert.equal(Reflect.get(fields, 'failure'), 'at x.ts:1');
});

test('a line of a further round names the exchange that began its call (R3)', () => {
  const { fields, level } = lineOf({ id: 'run-7', callId: 'run-1', outcome: 'input-required' });
  assert.equal(level, 'info');
  const { id, callId, outcome } = fields as Record<string, unknown>;
  assert.deepEqual([id, callId, outcome], ['run-7', 'run-1', 'input-required']);
});

test('where a level is not written, no line is prepared for it', () => {
  const lines: Line[] = [];
  const fail = (): never => assert.fail('a line was prepared');
  const scrub = { text: fail, name: fail };
  logEntry(entryOf(), keeping(lines, 'error'), scrub);
  assert.deepEqual(lines, []);
  logEntry(entryOf({ outcome: 'crashed' }), keeping(lines, 'error'));
  assert.equal(lines.length, 1);
});

test('neither arguments nor results are in a line, and texts of callers without what is secret', () => {
  const scrubber = new Scrubber();
  scrubber.use(['hush-hush']);
  const line = JSON.stringify(
    lineOf(
      {
        outcome: 'crashed',
        args: { a: 'hush-hush' },
        judgedArgs: { b: 'hush-hush' },
        result: { c: 'hush-hush' },
        client: 'client hush-hush',
        failure: 'Error: hush-hush, password=hunter22',
        kind: 'resource',
        target: 'db://user:hunter22@host/?x=hush-hush',
      },
      scrubber,
    ),
  );
  assert.doesNotMatch(line, /hush-hush|hunter22/u);
  assert.match(line, /"target":"db:\/\/\[redacted\]@host\/\?x=\[redacted\]"/u);
});

test('without being told of secrets, what looks like one is taken out all the same', () => {
  const lines: Line[] = [];
  const changes = { method: 'resources/read', target: 'file:///a?token=hunter2222' };
  logEntry(entryOf({ ...changes, client: 'mcpx_key_0123456789' }), keeping(lines));
  assert.doesNotMatch(JSON.stringify(lines), /hunter2222|0123456789/u);
});

test('the session of a modern exchange is its own id, which is no session', () => {
  assert.equal(Reflect.get(lineOf({ era: 'modern' }).fields, 'session'), undefined);
});

test('callers turned away are a warning that says how many and when (R22)', () => {
  const warnings: unknown[] = [];
  const log = { warn: (fields: object) => warnings.push(fields) };
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
