// `npm run bench`: the gateway against its yardsticks, in ratios. Exit code 1 when a reply was wrong or a scenario failed.
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { resolve } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import type { Outcome, ScenarioResult } from './outcome.ts';
import { describe, linesTable } from './report.ts';
import { reasonOf } from './rounds.ts';
import type { Pace, Scenario } from './scenario.ts';
import { SCENARIOS } from './scenarios.ts';

const HELP = `Usage: npm run bench -- [options]      the short set, under five minutes
       npm run bench:full -- [options] all of it
  --only NAME     this scenario alone; may be given several times (npm run bench -- --list names them)
  --side SIDE     one side of it alone, such as floor or gateway
  --rounds N      rounds of each side (short: 3, full: 7)
  --seconds S     length of a round (short: 1.5, full: 4)
  --sessions N    sessions at once, in place of what the scenario says
  --bytes N       characters of each result, in place of what the scenario says
  --profile DIR   profile one side (the gateway unless --side says another) into DIR and print where its time goes
  --minutes N     length of the soak (15)
  --list          what there is
Results are kept in bench/results/, one file a scenario; npm run bench:page makes docs/performance.md of them.
`;
const RESULTS = new URL('results/', import.meta.url);

interface Options {
  readonly scenarios: readonly Scenario[];
  readonly pace: Pace;
}

function readOptions(): Options | string {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', multiple: true },
      side: { type: 'string' },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      sessions: { type: 'string' },
      bytes: { type: 'string' },
      profile: { type: 'string' },
      minutes: { type: 'string' },
      full: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const { only, full: isFull } = values;
  if (values.help) return HELP;
  if (values.list) return listing();
  const unknown = only?.find((name) => !SCENARIOS.some((each) => each.name === name));
  if (unknown !== undefined) return `There is no scenario ${unknown}. There are:\n${listing()}`;
  const chosen = ({ name, isShort }: Scenario): boolean =>
    only?.includes(name) ?? (isFull || isShort);
  return { scenarios: SCENARIOS.filter(chosen), pace: paceOf(values) };
}

interface PaceFlags {
  readonly full: boolean;
  readonly side?: string;
  readonly rounds?: string;
  readonly seconds?: string;
  readonly sessions?: string;
  readonly bytes?: string;
  readonly profile?: string;
  readonly minutes?: string;
}

function paceOf({ full: isFull, profile, ...flags }: PaceFlags): Pace {
  return {
    isFull,
    rounds: Number(flags.rounds ?? (isFull ? 7 : 3)),
    seconds: Number(flags.seconds ?? (isFull ? 4 : 1.5)),
    minutes: Number(flags.minutes ?? 15),
    // A profiler costs its side too much for a ratio to mean anything: one side alone then.
    side: flags.side ?? (profile === undefined ? undefined : 'gateway'),
    profileFolder: profile === undefined ? undefined : resolve(profile),
    load: {
      ...(flags.sessions !== undefined && { sessions: Number(flags.sessions) }),
      ...(flags.bytes !== undefined && { bytes: Number(flags.bytes) }),
    },
  };
}

function listing(): string {
  const wide = Math.max(...SCENARIOS.map(({ name }) => name.length));
  return SCENARIOS.map(
    ({ name, what, isShort }) => `${name.padEnd(wide)}  ${isShort ? 'short' : 'full '}  ${what}\n`,
  ).join('');
}

/** The machine in general terms. */
function machine(): string {
  return `${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB of memory, ${process.platform}`;
}

async function measured(scenario: Scenario, pace: Pace): Promise<ScenarioResult> {
  let outcome: Outcome;
  try {
    outcome = await scenario.run(pace);
  } catch (error) {
    process.exitCode = 1;
    process.stderr.write(`${String(error)}\n`);
    const notes = [`FAILED: ${reasonOf(error)}`];
    outcome = { lines: [], sides: [], notes };
  }
  if (outcome.notes.some((note) => note.startsWith('WRONG'))) process.exitCode = 1;
  return {
    scenario: scenario.name,
    what: scenario.what,
    when: new Date().toISOString(),
    node: process.version,
    machine: machine(),
    pace: { rounds: pace.rounds, seconds: pace.seconds },
    ...outcome,
  };
}

async function main({ scenarios, pace }: Options): Promise<void> {
  mkdirSync(RESULTS, { recursive: true });
  const results: ScenarioResult[] = [];
  for (const scenario of scenarios) {
    const result = await measured(scenario, pace);
    results.push(result);
    // One side alone, or a profile, is a look at something and no measurement to be kept.
    const file = pace.side === undefined ? scenario.name : 'latest';
    writeFileSync(new URL(`${file}.json`, RESULTS), `${JSON.stringify(result, null, 2)}\n`);
    process.stdout.write(describe(result));
  }
  const demanded = results.flatMap(({ lines }) => lines.filter(({ item }) => item !== ''));
  if (results.length > 1) process.stdout.write(`${linesTable(demanded)}\n`);
}

const options = readOptions();
if (typeof options === 'string') {
  process.stdout.write(options);
  if (options.startsWith('There is no')) process.exitCode = 2;
} else await main(options);
