import { setTimeout as sleep } from 'node:timers/promises';
import { callsPerSecond, paired, sideOf } from '../figures.ts';
import type { LoadFigures } from '../load/main.ts';
import { line, once, type Outcome } from '../outcome.ts';
import { loadOnce, type Series } from '../rounds.ts';
import type { Pace } from '../scenario.ts';
import { CONFIGURATIONS, managed } from '../sides/configurations.ts';
import { startGateway, stdioServer } from '../sides/sides.ts';
import type { Subject } from '../sides/subject.ts';

const GOOD = Array.from({ length: 7 }, (_, index) => `good${index}`);
const BAD = ['hung', 'crashing', 'slow'];
const GOOD_SESSIONS = 28;
const BAD_SESSIONS = 6;
/** Those who call bad servers do not do so in a tight loop, and clients come and look ten times a second. */
const PAUSE_MS = 100;
/** The other loads begin before the measured one and end after it. */
const LEAD_SECONDS = 0.8;

interface Round {
  readonly good: LoadFigures;
  /** Clients that come, look and leave. */
  readonly comers: LoadFigures;
}

/** Seven servers, alone and beside a hung, a crashing and a slow one that are called too, in turn. */
export async function neighbours({ seconds, rounds }: Pace): Promise<Outcome> {
  const alone = await startOne('seven alone', GOOD);
  const among = await startOne('seven of ten', [...GOOD, ...BAD]).catch(async (error: unknown) => {
    await alone.stop();
    throw error;
  });
  const [aloneRounds, amongRounds]: [Round[], Round[]] = [[], []];
  try {
    await loadOnce(alone, good(1.5));
    await loadOnce(among, good(1.5));
    for (let round = 0; round < rounds; round += 1) {
      aloneRounds.push(await measured(alone, seconds, false));
      amongRounds.push(await measured(among, seconds, true));
    }
  } finally {
    await Promise.all([alone.stop(), among.stop()]);
  }
  return outcomeOf(aloneRounds, amongRounds);
}

function startOne(name: string, servers: readonly string[]): Promise<Subject> {
  return startGateway({
    ...CONFIGURATIONS.gateway,
    name,
    app: () => managed(servers),
    servers: Object.fromEntries(
      servers.map((server) => [
        server,
        BAD.includes(server) ? stdioServer('--fault', server) : stdioServer(),
      ]),
    ),
  });
}

function good(seconds: number): Parameters<typeof loadOnce>[1] {
  return { sessions: GOOD_SESSIONS, targets: GOOD.map((name) => `${name}__echo`), seconds };
}

async function measured(subject: Subject, seconds: number, hasBad: boolean): Promise<Round> {
  const around = { seconds: seconds + 2 * LEAD_SECONDS, pauseMs: PAUSE_MS, settle: 0 };
  const comers = loadOnce(subject, {
    ...around,
    operation: 'storm',
    sessions: 1,
    tools: GOOD.length,
  });
  const bad = hasBad
    ? loadOnce(subject, {
        ...around,
        sessions: BAD_SESSIONS,
        targets: BAD.map((name) => `${name}__echo`),
        isTolerant: true,
      })
    : undefined;
  await sleep(LEAD_SECONDS * 1000);
  const [goodFigures, comersFigures] = await Promise.all([
    loadOnce(subject, good(seconds)),
    comers,
    bad,
  ]);
  return { good: goodFigures, comers: comersFigures };
}

function outcomeOf(aloneRounds: readonly Round[], amongRounds: readonly Round[]): Outcome {
  const alone: Series = { name: 'seven alone', rounds: aloneRounds.map((round) => round.good) };
  const among: Series = { name: 'seven of ten', rounds: amongRounds.map((round) => round.good) };
  const failed = amongRounds.reduce((sum, { comers }) => sum + comers.errors, 0);
  const came = amongRounds.reduce((sum, { comers }) => sum + comers.calls, 0);
  const throughput = paired(among, alone, (a, b) => callsPerSecond(a) / callsPerSecond(b));
  const tail = paired(among, alone, (a, b) => a.p99Ms / b.p99Ms);
  const lines = [
    line('4', 'beside bad servers: throughput of seven, of them alone', throughput, {
      unit: 'x',
      target: { atLeast: 0.9 },
    }),
    line('4', 'beside bad servers: p99 of seven, of them alone', tail, {
      unit: 'x',
      target: { atMost: 1.5 },
    }),
    line('4', `beside bad servers: of ${came} clients that came, failed`, once(failed), {
      target: { atMost: 0 },
    }),
  ];
  const fault = amongRounds.find(({ comers }) => comers.firstError)?.comers.firstError;
  const notes = fault === undefined ? [] : [`The first that failed: ${fault}`];
  return { lines, sides: [sideOf(alone), sideOf(among)], notes };
}
