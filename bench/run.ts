// `npm run bench`: the gateway against the floor, in ratios. Exit code 1 when any reply was wrong.
import { mkdirSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { addedP50Ms, ratiosOf, sideOf } from './figures.ts';
import { topFunctions, type ProfileRow } from './profile.ts';
import { describe, type BenchResult } from './report.ts';
import { startTraceSink } from './trace-sink.ts';
import { interleave, loadOnce, type LoadSettings, type Series } from './rounds.ts';
import {
  startCountingGateway,
  startFloor,
  startGateway,
  startGuardedGateway,
  startManagedGateway,
  startQuietGateway,
  startRecordingGateway,
  type StartSettings,
  type Subject,
} from './subject.ts';

interface Options extends LoadSettings {
  rounds: number;
  only: string;
  profile: string | undefined;
  selfCheck: boolean;
  access: boolean;
  managed: boolean;
  quiet: boolean;
  record: boolean;
  tokens: boolean;
}

const HELP = `Usage: npm run bench -- [options]
  --rounds N      rounds of each side (4)
  --seconds S     length of a round (3)
  --sessions N    sessions at once (64)
  --bytes N       size of the echoed text (256)
  --only SIDE     floor (the yardstick of the two sides) or gateway (the other) alone
  --profile DIR   profile one side (the gateway unless --only says floor) into DIR and print where its time goes
  --access        the gateway with access control (a key, a group, a condition) against itself without
  --record        the gateway with audit, usage, metrics, logs, traces of 1 % and limits against itself without
  --tokens        the gateway with all records and tokens counted against itself with tokens not counted
  --self-check    measure the floor against itself: how far from 1 the ratios go by noise alone
`;
const SIDES = new Set(['both', 'floor', 'gateway']);
const RESULTS = new URL('results/', import.meta.url);
const WARM_UP_SECONDS = 2;
const SINGLE_SECONDS = 1.5;
const SINGLE_ROUNDS = 3;
const PROFILE_ROWS = 30;

function readOptions(): Options | undefined {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '4' },
      seconds: { type: 'string', default: '3' },
      sessions: { type: 'string', default: '64' },
      bytes: { type: 'string', default: '256' },
      only: { type: 'string' },
      profile: { type: 'string' },
      'self-check': { type: 'boolean', default: false },
      access: { type: 'boolean', default: false },
      managed: { type: 'boolean', default: false },
      quiet: { type: 'boolean', default: false },
      record: { type: 'boolean', default: false },
      tokens: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const counts = {
    rounds: Number(values.rounds),
    seconds: Number(values.seconds),
    sessions: Number(values.sessions),
    bytes: Number(values.bytes),
  };
  // A profiler costs its side too much for a ratio to mean anything: one side alone then.
  const only = values.only ?? (values.profile === undefined ? 'both' : 'gateway');
  if (values.help || !SIDES.has(only) || !Object.values(counts).every((count) => count > 0))
    return undefined;
  const profile = values.profile === undefined ? undefined : resolve(values.profile);
  const { access, record, tokens, managed, quiet } = values;
  return {
    ...counts,
    only,
    profile,
    selfCheck: values['self-check'],
    access,
    record,
    tokens,
    managed,
    quiet,
  };
}

async function startSubjects(options: Options): Promise<Subject[]> {
  const tracesUrl = options.record || options.tokens ? await startTraceSink() : undefined;
  const settings = { bytes: options.bytes, profileFolder: options.profile, tracesUrl };
  const subjects: Subject[] = [];
  try {
    for (const startNext of sidesOf(options)) subjects.push(await startNext(settings));
  } catch (error) {
    await stopAll(subjects);
    throw error;
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void stopAll(subjects).finally(() => process.exit(130)));
  }
  return subjects;
}

/** What is measured, the yardstick first. */
function sidesOf(options: Options): Start[] {
  const [first, second] = pairOf(options);
  if (options.only === 'both') return [first, second];
  return [options.only === 'floor' ? first : second];
}

type Start = (settings: StartSettings) => Promise<Subject>;

/** The yardstick, and what is held against it. */
function pairOf(options: Options): readonly [Start, Start] {
  if (options.access) return [startGateway, startGuardedGateway];
  if (options.record) return [startQuietGateway, startRecordingGateway];
  if (options.tokens) return [startRecordingGateway, startCountingGateway];
  if (options.managed) return [(s) => startFloor(s), startManagedGateway];
  if (options.quiet) return [(s) => startFloor(s), startQuietGateway];
  const again: Start = (settings) => startFloor(settings, 'floor again');
  return [(settings) => startFloor(settings), options.selfCheck ? again : startGateway];
}

async function stopAll(subjects: Subject[]): Promise<void> {
  const codes = await Promise.all(subjects.map((subject) => subject.stop()));
  for (const [index, code] of codes.entries()) {
    if (code !== 0)
      process.stderr.write(
        `${subjects[index]?.name} ended with ${code ?? 'a signal'} instead of 0\n`,
      );
  }
}

async function measure(
  subjects: Subject[],
  options: Options,
): Promise<[many: Series[], single: Series[]]> {
  for (const subject of subjects) await loadOnce(subject, { ...options, seconds: WARM_UP_SECONDS });
  const many = await interleave(subjects, options.rounds, options);
  const single = await interleave(subjects, SINGLE_ROUNDS, {
    ...options,
    sessions: 1,
    seconds: SINGLE_SECONDS,
  });
  return [many, single];
}

function resultOf(options: Options, many: Series[], single: Series[]): BenchResult {
  const { rounds, seconds, sessions, bytes } = options;
  const [floor, gateway] = many;
  const [floorAlone, gatewayAlone] = single;
  return {
    when: new Date().toISOString(),
    node: process.version,
    settings: { rounds, seconds, sessions, bytes },
    sides: many.map(sideOf),
    singleSession: single.map(sideOf),
    ...(floor && gateway && { ratios: ratiosOf(floor, gateway) }),
    ...(floorAlone && gatewayAlone && { addedP50Ms: addedP50Ms(floorAlone, gatewayAlone) }),
  };
}

async function bench(options: Options): Promise<BenchResult> {
  const subjects = await startSubjects(options);
  let series: [many: Series[], single: Series[]];
  try {
    series = await measure(subjects, options);
  } finally {
    await stopAll(subjects);
  }
  const profile = profileOf(options, subjects, series[0]);
  return { ...resultOf(options, ...series), ...(profile && { profile }) };
}

/** Where the profiled side spent its time; it has left its profile when it ended. */
function profileOf(
  { profile }: Options,
  subjects: Subject[],
  series: Series[],
): ProfileRow[] | undefined {
  const [subject, rounds] = [subjects.at(-1), series.at(-1)?.rounds];
  const [first, last] = [rounds?.at(0), rounds?.at(-1)];
  if (profile === undefined || !subject || !first || !last) return undefined;
  return topFunctions(profile, subject.pid, [first.window[0], last.window[1]], PROFILE_ROWS);
}

async function main(): Promise<number> {
  const options = readOptions();
  if (!options) {
    process.stdout.write(HELP);
    return 2;
  }
  const result = await bench(options);
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(new URL('latest.json', RESULTS), `${JSON.stringify(result, null, 2)}\n`);
  process.stdout.write(describe(result));
  return [...result.sides, ...result.singleSession].some((side) => side.errors > 0) ? 1 : 0;
}

process.exitCode = await main();
