// A stdio server that answers as our fixture does, but for faults: node hostile-stdio.ts SEED LOG ARGUMENTS-OF-THE-FIXTURE...
import { spawn } from 'node:child_process';
import { appendFileSync, statSync, truncateSync } from 'node:fs';
import process from 'node:process';
import { FIXTURE } from '../support/conformance-processes.ts';
import { Hostile } from './hostile.ts';
import { Random } from './random.ts';

const SHARE = 0.25;
const MAX_LOG_BYTES = 2_000_000;
const LATE_MS = 200;

const [, , seed = '1', log = '', ...args] = process.argv;
// Each process of one server goes wrong in its own way.
const hostile = new Hostile(new Random(Number(seed) + process.pid), SHARE);
const child = spawn(process.execPath, [FIXTURE, ...args], { stdio: ['pipe', 'pipe', 'ignore'] });

function say(line: string): void {
  process.stdout.write(`${line}\n`, 'latin1');
}

function note(line: string, said: readonly string[]): void {
  if (said.length === 1 && said[0] === line) return;
  appendFileSync(log, `${JSON.stringify({ line, said })}\n`);
  if (statSync(log).size > MAX_LOG_BYTES) truncateSync(log);
}

let rest = '';
child.stdout.setEncoding('latin1').on('data', (chunk: string) => {
  const lines = (rest + chunk).split('\n');
  rest = lines.pop() ?? '';
  for (const line of lines) {
    const said = hostile.lines(line);
    note(line, said);
    for (const each of said) {
      if (hostile.random.chance(0.01)) setTimeout(() => say(each), LATE_MS);
      else say(each);
    }
    if (hostile.random.chance(0.0005)) process.exit(9);
  }
});
process.stdin.pipe(child.stdin);
child.stdin.on('error', () => undefined);
process.stdout.on('error', () => process.exit(0));
child.on('exit', () => process.exit(0));
