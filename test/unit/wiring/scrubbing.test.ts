import assert from 'node:assert/strict';
import test from 'node:test';
import type { LogPort } from '../../../src/record/log-sink.ts';
import { Scrubbing, scrubbedLog } from '../../../src/wiring/scrubbing.ts';
import { planOf } from '../config/plan-from.ts';

const KEY = 'key-of-all-callers-4711';
const PLAN = planOf({
  env: { API_KEY: KEY },
  servers: {
    mcpServers: {
      'customers-db': {
        command: 'x',
        env: { DATABASE: 'customers-db', OTHER: 'alpha-beta-gamma' },
      },
    },
  },
});

/** A log that keeps its lines, and whose layers do as well. */
function keeping(lines: string[], level = 'debug'): LogPort {
  const levels = ['debug', 'info', 'warn', 'error'];
  const at = (level: string) => (fields: object, message: string) => {
    lines.push(JSON.stringify({ level, ...fields, message }));
  };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    isLevelEnabled: (asked) => levels.indexOf(asked) >= levels.indexOf(level),
    layer: (name) => keeping(lines, name === 'store' ? 'error' : level),
  };
}

test('no line of any level or layer holds a secret of the configuration, in its message or at any depth', () => {
  const lines: string[] = [];
  const log = scrubbedLog(keeping(lines), new Scrubbing(PLAN));
  const fields = {
    why: `bad ${KEY}`,
    list: ['alpha-beta-gamma', { deep: `password=hunter22` }],
    failure: new Error(`with ${KEY}`),
    count: 3,
  };
  for (const one of [log, log.layer?.('upstream') ?? assert.fail()])
    for (const level of ['debug', 'info', 'warn', 'error'] as const)
      one[level](fields, `message with ${KEY}`);
  assert.equal(lines.length, 8);
  for (const line of lines) {
    assert.doesNotMatch(line, /key-of-all|alpha-beta|hunter22/u);
    assert.match(
      line,
      /"why":"bad \[redacted\]".*"count":3,"message":"message with \[redacted\]"/u,
    );
  }
});

test('names of servers stay, also where a server was given its name as a value', () => {
  const lines: string[] = [];
  const log = scrubbedLog(keeping(lines), new Scrubbing(PLAN));
  log.warn({ server: 'customers-db' }, 'customers-db was stopped');
  assert.match(lines[0] ?? '', /"server":"customers-db","message":"customers-db was stopped"/u);
});

test('what is secret is taken over with a new plan, and stays so for three more: servers that are ending still print it', () => {
  const scrubbing = new Scrubbing(PLAN);
  const keys = [1, 2, 3, 4].map((number) => `another-key-of-all-081${number}`);
  const apply = (key = ''): void => scrubbing.apply(planOf({ env: { API_KEY: key } }));
  for (const key of keys.slice(0, 3)) apply(key);
  assert.equal(scrubbing.text(`${keys[2]} ${KEY}`), '[redacted] [redacted]');
  apply(keys[3]);
  assert.equal(scrubbing.text(`${keys[3]} ${keys[0]} ${KEY}`), `[redacted] [redacted] ${KEY}`);
});

test('what is nested without end is cut, and the line is written', () => {
  const lines: string[] = [];
  const round: Record<string, unknown> = {};
  round['again'] = round;
  scrubbedLog(keeping(lines), new Scrubbing(PLAN)).info(round, 'x');
  assert.match(lines[0] ?? '', /\[cut\]/u);
});

test('levels are asked of the log beneath, and lines nobody reads are not looked through', () => {
  const lines: string[] = [];
  const text = (): never => assert.fail('a line was looked through');
  const log = scrubbedLog(keeping(lines, 'warn'), { text });
  log.info({}, 'x');
  log.debug({}, 'x');
  assert.equal(log.isLevelEnabled?.('info'), false);
  assert.equal(log.layer?.('store').isLevelEnabled?.('warn'), false);
});

test('a log without layers is one for all of them', () => {
  const lines: string[] = [];
  const { layer: _layer, isLevelEnabled: _level, ...bare } = keeping(lines);
  const log = scrubbedLog(bare, new Scrubbing(PLAN));
  log.layer?.('upstream').info({}, `a ${KEY}`);
  log.layer?.('exchange').info({ id: 'run-1' }, 'exchange');
  assert.deepEqual(lines, [
    '{"level":"info","message":"a [redacted]"}',
    '{"level":"info","id":"run-1","message":"exchange"}',
  ]);
  assert.equal(log.isLevelEnabled?.('debug'), true);
});
