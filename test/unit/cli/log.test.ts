import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createLog, type ProcessLog } from '../../../src/cli/log.ts';
import { LogOutlet } from '../../../src/cli/log-outlet.ts';
import type { LoggingPlan } from '../../../src/kernel/record-plan.ts';
import { eventually } from '../../support/processes.ts';

interface Line {
  readonly level: number;
  readonly time: string;
  readonly msg: string;
  readonly layer?: string;
  readonly id?: string;
  readonly [name: string]: unknown;
}

const JSON_PLAN: LoggingPlan = { level: 'info', layers: {}, format: 'json' };

/** A log into a file, and its lines. */
function logged(
  t: TestContext,
  changes: Partial<LoggingPlan> = {},
): { log: ProcessLog; text: () => string; lines: () => Promise<Line[]> } {
  const folder = mkdtempSync(join(tmpdir(), 'mcpx-log-'));
  const path = join(folder, 'log');
  const fd = openSync(path, 'w');
  const log = createLog({ ...JSON_PLAN, ...changes }, fd);
  t.after(() => {
    closeSync(fd);
    rmSync(folder, { recursive: true, force: true });
  });
  const text = (): string => readFileSync(path, 'utf8');
  return {
    log,
    text,
    lines: async () => {
      await log.flush();
      return linesOf(text());
    },
  };
}

function linesOf(text: string): Line[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line);
}

test('lines are JSON with a level, a time and a message, in the order they were written', async (t) => {
  const { log, lines } = logged(t);
  const exchanges = log.layer('exchange');
  log.info({ server: 'it' }, 'first');
  exchanges.info({ id: 'run-1', durationMs: 1.5, code: undefined }, 'exchange');
  log.layer('upstream').warn({}, 'third');
  exchanges.error({ id: 'run-2', failure: 'a "b"\nc' }, 'exchange');
  const all = await lines();
  assert.deepEqual(
    all.map(({ time: _time, ...rest }) => rest),
    [
      { level: 30, server: 'it', msg: 'first' },
      { level: 30, id: 'run-1', durationMs: 1.5, msg: 'exchange' },
      { level: 40, layer: 'upstream', msg: 'third' },
      { level: 50, id: 'run-2', failure: 'a "b"\nc', msg: 'exchange' },
    ],
  );
  for (const { time } of all) {
    assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/u);
    assert.ok(Math.abs(Date.now() - Date.parse(time)) < 60_000);
  }
});

test('whatever stands in the fields of an exchange, its line is one line of JSON that says the same', async (t) => {
  const { log, lines } = logged(t);
  const odd = [
    '"',
    '\\',
    '\n',
    '\r\n',
    '\u0000',
    '\u2028',
    '\ud800',
    'größe 🙂',
    "a'b",
    '',
    '</x>',
  ];
  for (const text of odd) log.layer('exchange').info({ text, count: 7, list: [text] }, 'exchange');
  const all = await lines();
  assert.deepEqual(
    all.map(({ text, count, list }) => ({ text, count, list })),
    odd.map((text) => {
      const shown = text === '\ud800' ? '\ud800' : text;
      return { text: shown, count: 7, list: [shown] };
    }),
  );
});

test('each layer has its own level, which can change while it runs, and all others the common one', async (t) => {
  const layers = { upstream: 'debug', exchange: 'warn' } as const;
  const { log, lines } = logged(t, { level: 'info', layers });
  const speak = (): void => {
    for (const name of ['upstream', 'exchange', 'store'] as const)
      for (const level of ['debug', 'info', 'error'] as const)
        log.layer(name)[level]({ name }, 'x');
    log.debug({ name: 'root' }, 'x');
    log.info({ name: 'root' }, 'x');
  };
  const said = async (from: number): Promise<string[]> =>
    (await lines()).slice(from).map((line) => `${String(line['name'])} ${line.level}`);
  speak();
  const before = await said(0);
  assert.deepEqual(before, [
    'upstream 20',
    'upstream 30',
    'upstream 50',
    'exchange 50',
    'store 30',
    'store 50',
    'root 30',
  ]);
  assert.equal(log.layer('exchange').isLevelEnabled?.('info'), false);
  log.setLevels({ level: 'error', layers: { exchange: 'info', store: 'silent' }, format: 'json' });
  speak();
  assert.deepEqual(await said(before.length), ['upstream 50', 'exchange 30', 'exchange 50']);
  assert.equal(log.layer('exchange').isLevelEnabled?.('info'), true);
  assert.equal(log.layer('upstream').isLevelEnabled?.('info'), false);
});

test('lines of exchanges are written together and soon, all others at once with those that wait', async (t) => {
  const { log, text } = logged(t);
  log.layer('exchange').info({}, 'waits');
  assert.equal(text(), '');
  await eventually('the line was written', 5000, () => text().includes('waits'));
  t.mock.timers.enable({ apis: ['setTimeout'] });
  log.layer('exchange').info({}, 'would wait');
  log.info({}, 'does not wait');
  await log.flush();
  assert.match(text(), /would wait.*\n.*does not wait/u);
});

const WRITER = fileURLToPath(new URL('../../support/log-writer.ts', import.meta.url));

/** A process that writes a log and ends; what it wrote and how it ended. */
async function ended(
  way: string,
  more: { format?: string; meanwhile?: (child: ChildProcess) => Promise<void> | void } = {},
): Promise<{ err: string; code: number | null }> {
  const child = spawn(process.execPath, [WRITER, way, more.format ?? 'json']);
  let err = '';
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  const [[code]] = await Promise.all([
    once(child, 'close') as Promise<[number | null]>,
    more.meanwhile?.(child),
  ]);
  return { err, code };
}

for (const [way, count] of [
  ['fallOff', 3],
  ['exit', 20_000],
] as const)
  test(`all lines are written before a process ends (${way})`, async () => {
    const { err, code } = await ended(way);
    assert.equal(code, 0);
    const ids = linesOf(err).map(({ id }) => id);
    assert.equal(ids.length, count);
    assert.equal(new Set(ids).size, count);
  });

test('lines are written before a process ends by a signal', async () => {
  const { err, code } = await ended('signal', {
    meanwhile: async (child) => {
      await once(child.stdout ?? assert.fail(), 'data');
      child.kill('SIGTERM');
    },
  });
  assert.equal(code, 0);
  assert.equal(linesOf(err).length, 3);
});

test('a failure that nobody handled ends the process with a line that says so, after all others, scrubbed', async () => {
  const { err, code } = await ended('fatal');
  assert.equal(code, 1);
  const lines = linesOf(err);
  assert.equal(lines.length, 4);
  const last = lines.at(-1);
  assert.equal(last?.level, 60);
  assert.match(String(last?.['failure']), /Error: nobody handled \[redacted\]\n\s+at /u);
});

test('a process that is killed loses no line that is older than a moment', async () => {
  const { err } = await ended('stay', {
    meanwhile: async (child) => {
      await once(child.stderr ?? assert.fail(), 'data');
      child.kill('SIGKILL');
    },
  });
  assert.equal(linesOf(err).length, 1);
});

test('pretty lines are for people; without the word lines in a pipe are JSON', async () => {
  const { err } = await ended('flushed', { format: 'pretty' });
  const lines = err.trimEnd().split('\n');
  assert.equal(lines.length, 3);
  assert.match(lines[0] ?? '', /^\[\d\d:\d\d:\d\d\.\d{3}\] INFO: exchange \{.*"id":"run-0".*\}$/u);
  const { err: plain } = await ended('fallOff', { format: 'auto' });
  assert.equal(linesOf(plain).length, 3);
});

/** Runs a command on a terminal of its own. */
const TERMINAL = 'script';

test(
  'lines on a terminal are pretty, and coloured, without anybody asking for it',
  { skip: spawnSync(TERMINAL, ['--version']).error !== undefined && 'needs the program `script`' },
  async () => {
    const command = [process.execPath, WRITER, 'flushed', 'auto'].join(' ');
    const child = spawn(TERMINAL, ['-qec', command, '/dev/null'], { stdio: ['ignore', 'pipe', 2] });
    let shown = '';
    child.stdout?.on('data', (chunk: Buffer) => (shown += chunk.toString()));
    await once(child, 'close');
    // What begins a colour cannot stand in a pattern.
    assert.equal(shown.split('\u001b[32mINFO').length, 4, shown);
  },
);

test('lines that come before pretty ones can be made are written as they are', async () => {
  const { err } = await ended('exit', { format: 'pretty' });
  assert.equal(err.trimEnd().split('\n').length, 20_000);
});

test('a reader that stalls costs lines, which are counted, and neither memory nor time', async () => {
  const child = spawn(process.execPath, [WRITER, 'stalled'], { stdio: ['pipe', 'pipe', 'pipe'] });
  const [told] = (await once(child.stdout, 'data')) as [Buffer];
  const { grown } = JSON.parse(told.toString()) as { grown: number };
  // 40 MB of lines were written, of which 8 may wait.
  assert.ok(grown < 120, `memory grew by ${grown} MiB`);
  let err = '';
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  child.stdin.write('end\n');
  await once(child, 'close');
  const lines = linesOf(err);
  const lost = lines.filter(({ msg }) => msg.startsWith('log lines were lost'));
  const count = lost.reduce((sum, line) => sum + Number(line['lines']), 0);
  assert.equal(lines.length - lost.length + count, 40_000);
  assert.ok(count > 0);
});

const FULL = '/dev/full';

test(
  'a full disk costs lines and nothing else: the process goes on, and ends as it would',
  { skip: !existsSync(FULL) && 'needs a device that is always full' },
  async () => {
    const fd = openSync(FULL, 'w');
    const child = spawn(process.execPath, [WRITER, 'fallOff'], { stdio: ['ignore', 'pipe', fd] });
    closeSync(fd);
    const [code] = (await once(child, 'close')) as [number | null];
    assert.equal(code, 0);
  },
);

test(
  'lines that could not be written are counted, and told as soon as there is room again',
  { skip: !existsSync(FULL) && 'needs a device that is always full' },
  async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'mcpx-log-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const path = join(folder, 'log');
    const fd = openSync(FULL, 'w');
    const outlet = new LogOutlet(fd);
    outlet.write(Buffer.from('one\ntwo\n'));
    await outlet.flush();
    closeSync(fd);
    // Numbers are given anew, the lowest first: the outlet goes on with a file that has room.
    const opened = [openSync(path, 'w')];
    while (!opened.includes(fd) && opened.length < 100) opened.push(openSync(path, 'w'));
    assert.ok(opened.includes(fd));
    outlet.write(Buffer.from('three\n'));
    await outlet.flush();
    for (const each of opened) closeSync(each);
    const [three, told = ''] = readFileSync(path, 'utf8').trimEnd().split('\n');
    assert.equal(three, 'three');
    assert.equal(Reflect.get(JSON.parse(told) as object, 'lines'), 2);
  },
);
