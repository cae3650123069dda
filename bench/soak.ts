// `npm run bench:soak`: a gateway with everything on, tokens counted, under load for ten minutes. Prints how its memory went.
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { residentMebibytes } from './proc.ts';
import { loadOnce } from './rounds.ts';
import { startCountingGateway } from './subject.ts';
import { startTraceSink } from './trace-sink.ts';

interface Sample {
  minute: number;
  residentMebibytes: number;
  handles: number;
  calls: number;
}

const ROUND_SECONDS = 10;
const RESULTS = new URL('results/', import.meta.url);

/** The slope of the least-squares line, in MiB per minute. */
function slopeOf(samples: readonly Sample[]): number {
  const mean = (of: (sample: Sample) => number): number =>
    samples.reduce((sum, sample) => sum + of(sample), 0) / samples.length;
  const [x, y] = [mean(({ minute }) => minute), mean((sample) => sample.residentMebibytes)];
  const over = (of: (dx: number, dy: number) => number): number =>
    samples.reduce((sum, { minute, residentMebibytes: mib }) => sum + of(minute - x, mib - y), 0);
  return over((dx, dy) => dx * dy) / over((dx) => dx * dx);
}

async function soak(minutes: number, sessions: number): Promise<Sample[]> {
  const tracesUrl = await startTraceSink();
  const gateway = await startCountingGateway({ bytes: 256, tracesUrl });
  const samples: Sample[] = [];
  const begun = performance.now();
  let [calls, errors] = [0, 0];
  try {
    while (performance.now() - begun < minutes * 60_000) {
      // Each round opens its sessions anew and ends them.
      const round = await loadOnce(gateway, { sessions, seconds: ROUND_SECONDS, bytes: 256 });
      calls += round.calls;
      errors += round.errors;
      const sample = {
        minute: (performance.now() - begun) / 60_000,
        residentMebibytes: residentMebibytes(gateway.pid),
        handles: readdirSync(`/proc/${gateway.pid}/fd`).length,
        calls,
      };
      samples.push(sample);
      process.stdout.write(
        `${sample.minute.toFixed(1).padStart(5)} min  ${sample.residentMebibytes.toFixed(0).padStart(4)} MiB  ${sample.handles} handles  ${calls} calls  ${errors} errors\n`,
      );
    }
  } finally {
    await gateway.stop();
  }
  return samples;
}

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    sessions: { type: 'string', default: '32' },
  },
});
const samples = await soak(Number(values.minutes), Number(values.sessions));
const last = samples.at(-1)?.minute ?? 0;
// The first fifth is what caches and the compiler take.
const settled = samples.filter(({ minute }) => minute > last / 5);
const slope = slopeOf(settled);
process.stdout.write(`slope after the first fifth: ${slope.toFixed(2)} MiB per minute\n`);
mkdirSync(RESULTS, { recursive: true });
writeFileSync(new URL('soak.json', RESULTS), `${JSON.stringify({ slope, samples }, null, 2)}\n`);
