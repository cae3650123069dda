import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Self time of one function, in percent of the time the thread was busy. */
export interface ProfileRow {
  percent: number;
  name: string;
  file: string;
}

interface CpuProfile {
  nodes: { id: number; callFrame: { functionName: string; url: string } }[];
  /** Microseconds on the monotonic clock. */
  startTime: number;
  samples: number[];
  timeDeltas: number[];
}

const PROJECT = new URL('..', import.meta.url).href;

/** The functions with the most self time between two moments, from the profile that the main thread of `pid` left. */
export function topFunctions(
  folder: string,
  pid: number,
  window: [number, number],
  count: number,
): ProfileRow[] {
  // Node names the file CPU.<date>.<time>.<pid>.<thread>.<sequence>.cpuprofile; thread 0 is the main one.
  const name = readdirSync(folder).find(
    (file) => file.includes(`.${pid}.0.`) && file.endsWith('.cpuprofile'),
  );
  if (name === undefined) throw new Error(`no CPU profile of process ${pid} in ${folder}`);
  const profile = JSON.parse(readFileSync(join(folder, name), 'utf8')) as CpuProfile;
  const times = selfTimes(profile, window);
  times.delete('(idle)\n');
  const busy = [...times.values()].reduce((sum, time) => sum + time, 0);
  return [...times]
    .sort(([, a], [, b]) => b - a)
    .slice(0, count)
    .map(([key, time]) => {
      const [functionName = '', file = ''] = key.split('\n');
      return { percent: (time / busy) * 100, name: functionName, file };
    });
}

/** Microseconds by "function, newline, file". */
function selfTimes(profile: CpuProfile, [from, to]: [number, number]): Map<string, number> {
  const keys = new Map(
    profile.nodes.map(({ id, callFrame }) => [id, keyOf(callFrame.functionName, callFrame.url)]),
  );
  const times = new Map<string, number>();
  let at = profile.startTime;
  for (const [index, delta] of profile.timeDeltas.entries()) {
    at += delta;
    if (at < from || at > to) continue;
    const key = keys.get(profile.samples[index] ?? -1) ?? '(unknown)\n';
    times.set(key, (times.get(key) ?? 0) + delta);
  }
  return times;
}

function keyOf(functionName: string, url: string): string {
  const file = url.startsWith(PROJECT) ? url.slice(PROJECT.length) : url;
  return `${functionName === '' ? '(anonymous)' : functionName}\n${file}`;
}
