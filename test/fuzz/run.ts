// `npm run fuzz -- [--minutes 5] [--seed N] [--replay FILE]`: sends what real clients have sent, with faults in it, to a gateway
// with real servers, some of which answer with faults, and asks after each batch for what must hold whatever comes. What it finds
// is kept below bench/results/fuzz; it ends with 1 where it found something.
import { readFileSync } from 'node:fs';
import process from 'node:process';
import { parseArgs } from 'node:util';
import type { Corpus } from './cases.ts';
import { Findings, writeSummary, type Finding } from './findings.ts';
import { Fuzzer } from './fuzzer.ts';
import { slopeOf } from './remains.ts';

/** What starting, settling and ending may take beside the fuzzing itself. */
const BESIDE_MS = 5 * 60_000;
const REPORT_EVERY = 10;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '5' },
    seed: { type: 'string', default: '1' },
    replay: { type: 'string' },
  },
});

const findings = new Findings();
const begun = performance.now();

async function replay(file: string): Promise<void> {
  const { seed, cases } = JSON.parse(readFileSync(file, 'utf8')) as Finding;
  const fuzzer = new Fuzzer(seed, findings);
  try {
    await fuzzer.start({ requests: [], bodies: [] });
    await fuzzer.replay(cases);
  } finally {
    await fuzzer.stop();
  }
}

async function fuzz(minutes: number, seed: number): Promise<void> {
  const ends = performance.now() + minutes * 60_000;
  const totals = { executions: 0, gateways: 0 };
  let corpus: Corpus | undefined;
  let batch = 0;
  let fuzzer = new Fuzzer(seed, findings);
  try {
    corpus = await fuzzer.start();
    process.stdout.write(`seed ${seed}: ${fuzzer.recordedRequests} requests recorded\n`);
    while (performance.now() < ends) {
      await fuzzer.batch(batch);
      batch += 1;
      if (batch % REPORT_EVERY === 0) report(fuzzer, totals.executions);
      if (fuzzer.isAlive) continue;
      await fuzzer.stop();
      totals.executions += fuzzer.executions;
      totals.gateways += 1;
      fuzzer = new Fuzzer(seed + batch, findings);
      await fuzzer.start(corpus);
    }
    const seconds = (performance.now() - begun) / 1000;
    await fuzzer.settle();
    const executions = totals.executions + fuzzer.executions;
    const summary = {
      seed,
      minutes,
      recordedRequests: fuzzer.recordedRequests,
      batches: batch,
      executions,
      perSecond: Math.round(executions / seconds),
      outcomes: fuzzer.outcomes,
      gatewaysLost: totals.gateways,
      heapMebibytesPerMinute: slopeOf(fuzzer.samples.slice(0, -1)),
      findings: findings.kinds,
      files: findings.files,
      samples: fuzzer.samples,
    };
    const file = writeSummary(summary);
    const { samples: _samples, ...shown } = summary;
    process.stdout.write(`${JSON.stringify(shown, undefined, 2)}\n${file}\n`);
    process.stdout.write(`first ${JSON.stringify(fuzzer.samples[0])}\n`);
    process.stdout.write(`last  ${JSON.stringify(fuzzer.samples.at(-1))}\n`);
  } finally {
    await fuzzer.stop();
  }
}

function report(fuzzer: Fuzzer, before: number): void {
  const { samples, executions } = fuzzer;
  const { heapMebibytes, handles, processes, sessions } = samples.at(-1) ?? {};
  const minute = (performance.now() - begun) / 60_000;
  process.stdout.write(
    `${minute.toFixed(1)} min  ${before + executions} executions  ${findings.count} findings  heap ${heapMebibytes} MiB  ${handles} handles  ${processes} processes  ${sessions} sessions\n`,
  );
}

const minutes = Number(values.minutes);
setTimeout(
  () => {
    process.stderr.write('The run did not end by itself.\n');
    process.exit(1);
  },
  minutes * 60_000 + BESIDE_MS,
).unref();
await (values.replay === undefined ? fuzz(minutes, Number(values.seed)) : replay(values.replay));
process.stdout.write(findings.count === 0 ? 'nothing found\n' : `${findings.count} findings\n`);
process.exit(findings.count === 0 ? 0 : 1);
