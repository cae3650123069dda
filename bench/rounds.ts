import { execFile } from 'node:child_process';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { LoadFigures } from './load.ts';
import type { Subject } from './subject.ts';

export interface LoadSettings {
  sessions: number;
  seconds: number;
  bytes: number;
}

/** All rounds of one subject, in the order they ran. */
export interface Series {
  name: string;
  rounds: LoadFigures[];
}

const LOAD = fileURLToPath(new URL('load.ts', import.meta.url));
const SETTLE_SECONDS = 0.4;
const run = promisify(execFile);

/** Puts load on a subject once, from a process of its own. */
export async function loadOnce(subject: Subject, settings: LoadSettings): Promise<LoadFigures> {
  const { sessions, seconds, bytes } = settings;
  const options = {
    port: subject.port,
    pid: subject.pid,
    tool: subject.tool,
    ...(subject.key === undefined ? {} : { key: subject.key }),
    settle: SETTLE_SECONDS,
    sessions,
    seconds,
    bytes,
  };
  const args = Object.entries(options).map(([name, value]) => `--${name}=${value}`);
  const { stdout } = await run(process.execPath, [LOAD, ...args], {
    timeout: seconds * 1000 + 60_000,
  });
  return JSON.parse(stdout) as LoadFigures;
}

/** Rounds in turn, A B A B, so that a slow moment of the machine meets both sides. */
export async function interleave(
  subjects: Subject[],
  count: number,
  settings: LoadSettings,
): Promise<Series[]> {
  const series = subjects.map((subject): Series => ({ name: subject.name, rounds: [] }));
  for (let round = 0; round < count; round += 1) {
    for (const [index, subject] of subjects.entries()) {
      series[index]?.rounds.push(await loadOnce(subject, settings));
    }
  }
  return series;
}
