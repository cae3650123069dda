import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LoadFigures } from '../load/main.ts';
import type { Order } from '../load/order.ts';
import { line, type Line, type Outcome } from '../outcome.ts';
import { childrenOf, openFiles, residentBytes } from '../proc.ts';
import { loadOnce } from '../rounds.ts';
import type { Pace } from '../scenario.ts';
import { CONFIGURATIONS, managed } from '../sides/configurations.ts';
import { startGateway, startServer, stdioServer } from '../sides/sides.ts';
import { benchFile, type Subject } from '../sides/subject.ts';
import { slopeOf } from '../slope.ts';
import { askedLegacy, askedModern, vanishing, type Scores } from './soak-clients.ts';

/** What is read at the end of a cycle, when no client is there. */
interface Sample {
  readonly minute: number;
  readonly residentMegabytes: number;
  readonly handles: number;
  readonly processes: number;
  /** Of small calls to one server, in the cycle. */
  readonly p50Ms: number;
  readonly calls: number;
}

const CYCLE_SECONDS = 8;
const QUIET_MS = 1500;
const NAMES = ['bench', 'legacy', 'modern', 'crashing', 'asks', 'extra'];

/** Short lives for what vanished clients leave behind, so that all is in balance after the first fifth. */
const SHORT_LIVES = `sessions: { idleMs: 60000, detachedMs: 2000 }
upstreams: { instanceIdleMs: 20000, restartMaxMs: 1000 }
sse: { resumableMs: 20000 }
asks: { maxPerMinute: 100000 }
`;

/** What stays the same in every cycle: loads that must not fail, and one whose server is killed under it. */
const LOADS: readonly Partial<Order>[] = [
  { sessions: 4, targets: ['bench__echo'], pauseMs: 2 },
  { sessions: 8, targets: ['bench__echo', 'legacy__echo', 'modern__echo'], pauseMs: 10 },
  {
    client: 'modern',
    sessions: 8,
    targets: ['bench__echo', 'legacy__echo', 'modern__echo'],
    pauseMs: 10,
  },
  { sessions: 4, operation: 'steps', targets: ['bench__steps', 'legacy__steps'], pauseMs: 20 },
  { client: 'modern', sessions: 2, operation: 'steps', targets: ['modern__steps'], pauseMs: 20 },
  { sessions: 2, targets: ['bench__echo', 'legacy__echo'], bytes: 1_000_000, pauseMs: 300 },
  { sessions: 2, operation: 'storm', tools: 4, pauseMs: 100 },
  { sessions: 2, targets: ['crashing__echo'], pauseMs: 50, isTolerant: true },
];

/** Mixed traffic for a long time; what grows is judged by the interval of its slope. */
export async function soak({ minutes }: Pace): Promise<Outcome> {
  const [legacy, modern] = await Promise.all([
    startServer({ server: 'http-legacy', tools: 3 }),
    startServer({ server: 'http-modern', tools: 3 }),
  ]);
  const servers = serversOf(legacy, modern);
  const gateway = await startGateway({
    ...CONFIGURATIONS.gateway,
    name: 'gateway',
    servers,
    app: () => `${managed(NAMES)}${SHORT_LIVES}`,
  });
  const scores: Scores = { asked: 0, vanished: 0, faults: [] };
  const samples: Sample[] = [];
  const begun = performance.now();
  const elapsed = (): number => (performance.now() - begun) / 60_000;
  try {
    for (let cycle = 0; elapsed() < minutes; cycle += 1) {
      const figures = await oneCycle(gateway, servers, cycle, scores);
      await sleep(QUIET_MS);
      samples.push(sampleOf(gateway, elapsed(), figures));
      print(samples.at(-1), scores);
    }
  } finally {
    await Promise.all([gateway.stop(), legacy.stop(), modern.stop()]);
  }
  return outcomeOf(samples, scores, minutes);
}

type Servers = Readonly<Record<string, object>>;

function serversOf(legacy: Subject, modern: Subject): Servers {
  return {
    bench: stdioServer('--tools', '3'),
    legacy: { url: `http://127.0.0.1:${legacy.port}/mcp` },
    modern: { url: `http://127.0.0.1:${modern.port}/mcp` },
    crashing: stdioServer('--label', 'crashing'),
    asks: {
      command: process.execPath,
      args: [benchFile('../test/fixture/main.ts'), '--era', 'legacy'],
    },
  };
}

/** All loads at once; meanwhile a server is killed, the configuration changes and changes back, clients vanish and are asked. */
async function oneCycle(
  gateway: Subject,
  servers: Servers,
  cycle: number,
  scores: Scores,
): Promise<LoadFigures> {
  const running = Promise.all(
    LOADS.map(async (load) => {
      const figures = await loadOnce(gateway, { ...load, seconds: CYCLE_SECONDS, settle: 0 });
      if (figures.errors > 0 && load.isTolerant !== true)
        scores.faults.push(`cycle ${cycle}: ${figures.firstError}`);
      return figures;
    }),
  );
  const disturbing = disturb(gateway, servers, scores).catch((error: unknown) =>
    scores.faults.push(`cycle ${cycle}: ${String(error)}`),
  );
  const [[first]] = await Promise.all([running, disturbing]);
  if (first === undefined) throw new Error('no load');
  return first;
}

async function disturb(gateway: Subject, servers: Servers, scores: Scores): Promise<void> {
  const file = join(gateway.folder, 'mcp.json');
  await sleep(1000);
  kill(gateway, 'crashing');
  await vanishing(gateway, scores);
  writeFileSync(file, JSON.stringify({ mcpServers: { ...servers, extra: stdioServer() } }));
  await askedLegacy(gateway, scores);
  await askedModern(gateway, scores);
  await sleep(2000);
  await vanishing(gateway, scores);
  writeFileSync(file, JSON.stringify({ mcpServers: servers }));
  await askedLegacy(gateway, scores);
  await askedModern(gateway, scores);
}

/** Ends a server as a crash does. */
function kill(gateway: Subject, label: string): void {
  for (const pid of childrenOf(gateway.pid)) {
    try {
      if (readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`\0${label}`))
        process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended meanwhile.
    }
  }
}

function sampleOf({ pid }: Subject, minute: number, figures: LoadFigures): Sample {
  return {
    minute,
    residentMegabytes: residentBytes(pid) / 1e6,
    handles: openFiles(pid),
    processes: childrenOf(pid).length,
    p50Ms: figures.p50Ms,
    calls: figures.calls,
  };
}

function print(sample: Sample | undefined, { asked, vanished, faults }: Scores): void {
  if (sample === undefined) return;
  const { minute, residentMegabytes, handles, processes, p50Ms } = sample;
  process.stdout.write(
    `${minute.toFixed(1).padStart(5)} min  ${residentMegabytes.toFixed(0).padStart(4)} MB  ${handles} handles  ` +
      `${processes} processes  p50 ${p50Ms.toFixed(2)} ms  ${asked} asked  ${vanished} vanished  ${faults.length} faults\n`,
  );
}

/** What may not grow, and by how much a whole run may seem to. */
const WATCHED: readonly [
  keyof Sample,
  what: string,
  unit: string,
  bound: (mean: number) => number,
][] = [
  ['residentMegabytes', 'RSS', 'MB', () => 5],
  ['handles', 'open handles', 'handles', () => 5],
  ['processes', 'child processes', 'processes', () => 0.5],
  ['p50Ms', 'p50 of small calls', 'ms', (mean) => mean / 10],
];

function outcomeOf(samples: readonly Sample[], scores: Scores, minutes: number): Outcome {
  const last = samples.at(-1)?.minute ?? 0;
  // The first fifth is what caches and the compiler take.
  const settled = samples.filter(({ minute }) => minute > last / 5);
  const times = settled.map(({ minute }) => minute);
  const lines = WATCHED.map(([key, what, unit, boundOf]): Line => {
    const { slope, low, high, mean } = slopeOf(
      times,
      settled.map((sample) => sample[key]),
    );
    const bound = boundOf(mean);
    const words = `interval holds 0, or at most ${bound.toPrecision(2)} ${unit} in the run`;
    const isReached = low <= 0 || slope * (last - (times[0] ?? 0)) <= bound;
    return line(
      '3',
      `soak of ${minutes} min: slope of ${what}`,
      { median: slope, low, high },
      { unit: `${unit}/min`, target: { words }, isReached },
    );
  });
  const most = Math.max(...samples.map(({ residentMegabytes }) => residentMegabytes));
  const { asked, vanished, faults } = scores;
  lines.push(
    line(
      '',
      'soak: most RSS between cycles',
      { median: most, low: most, high: most },
      { unit: 'MB' },
    ),
  );
  const notes = [`${asked} calls asked their client, ${vanished} clients vanished.`];
  if (faults.length > 0)
    notes.push(
      `WRONG: ${faults.length} faults, such as ${[...new Set(faults)].slice(0, 3).join('; ')}`,
    );
  return { lines, sides: [], notes, data: { samples } };
}
