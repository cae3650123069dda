import { createLog, endOnFatal } from '../../src/cli/log.ts';
import type { LoggingPlan } from '../../src/kernel/record-plan.ts';

/** A process that writes a log on its standard error and ends in one of many ways. Its first argument says how. */

const [way = '', format = 'json'] = process.argv.slice(2);
const log = createLog({ level: 'info', layers: {}, format: format as LoggingPlan['format'] });
const exchanges = log.layer('exchange');

function writeMany(count: number, text = 'x'): void {
  for (let index = 0; index < count; index += 1)
    exchanges.info({ id: `run-${index}`, text }, 'exchange');
}

/** Ends when nothing is to be done any more. */
function fallOff(): void {
  writeMany(3);
}

async function flushed(): Promise<void> {
  writeMany(3);
  await log.flush();
}

function exit(): void {
  writeMany(20_000);
  process.exit(0);
}

function fatal(): void {
  endOnFatal(log, (text) => text.replaceAll('hunter2', '[redacted]'));
  writeMany(3);
  setTimeout(() => {
    throw new Error('nobody handled hunter2');
  }, 1);
}

function signal(): void {
  process.on('SIGTERM', () => {
    writeMany(3);
    process.exit(0);
  });
  setInterval(() => undefined, 1000);
  process.stdout.write('ready\n');
}

function stay(): void {
  writeMany(1);
  setInterval(() => undefined, 1000);
}

/** Nobody reads: tells how it bears that, then goes on until it is told to end. */
async function stalled(): Promise<void> {
  const text = 'y'.repeat(1000);
  const before = process.memoryUsage().rss;
  for (let round = 0; round < 40; round += 1) {
    writeMany(1000, text);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const grown = (process.memoryUsage().rss - before) / 1024 / 1024;
  process.stdout.write(`${JSON.stringify({ grown })}\n`);
  process.stdin.once('data', () => {
    void log.flush().then(() => process.exit(0));
  });
}

const WAYS: Readonly<Record<string, () => unknown>> = {
  fallOff,
  flushed,
  exit,
  fatal,
  signal,
  stay,
  stalled,
};
await WAYS[way]?.();
