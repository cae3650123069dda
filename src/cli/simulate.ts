import type { Plan } from '../kernel/plan.ts';
import { Desk } from '../wiring/desk.ts';
import { simulate as replay, type Change, type Simulated } from '../wiring/simulation.ts';
import { findConfiguration } from './configuration.ts';
import { fail, note, problemLine, table } from './output.ts';

/** What `mcpx simulate` was asked. */
export interface SimulateOptions {
  readonly config: string;
  readonly servers?: string;
  readonly from: string;
  readonly failOnChange?: true;
  readonly json?: true;
}

/** `mcpx simulate`: what a new configuration would change for the calls of an audit log; exit code 2 where it cannot tell. */
export async function simulate(options: SimulateOptions): Promise<void> {
  const desk = openDesk(options);
  if (desk === undefined) return;
  if (desk.fault !== undefined) note(`Note: what servers offer cannot be read: ${desk.fault}`);
  const simulated = await replayed(desk, options.from);
  if (simulated === undefined) return;
  process.stdout.write(options.json === true ? jsonOf(simulated) : textOf(simulated));
  const { counts } = simulated;
  const hasChanges = counts['newly denied'] + counts['newly allowed'] > 0;
  if (options.failOnChange === true && hasChanges) process.exitCode = 1;
}

function openDesk({ config, servers }: SimulateOptions): Desk | undefined {
  const { surroundings, read } = findConfiguration({ appPath: config, serversPath: servers });
  const { plan, problems } = read();
  if (plan === undefined) {
    for (const problem of problems) note(problemLine(problem));
    fail('The new configuration has errors; correct them first.', 2);
    return undefined;
  }
  return new Desk({ plan, dataDir: surroundings.dataDir, inForce: planInForce() });
}

/** Its servers tell what those of the new plan offer, where they are the same. */
function planInForce(): Plan | undefined {
  return findConfiguration().read().plan;
}

async function replayed(desk: Desk, from: string): Promise<Simulated | undefined> {
  try {
    return await replay(desk, from);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    const why =
      code === 'ENOENT'
        ? 'it does not exist; give a file of the audit log or its folder, audit in the data folder'
        : message;
    fail(`--from ${from}: ${why}.`, 2);
    return undefined;
  }
}

function textOf(simulated: Simulated): string {
  const { counts, changes, unlisted, skipped, unreadable } = simulated;
  const calls = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const blocks = [
    ...groupsOf(changes),
    ...(unlisted === 0 ? [] : [`… and ${unlisted} more calls of further kinds\n`]),
    `${calls} calls: ${Object.entries(counts)
      .map(([effect, count]) => `${count} ${effect}`)
      .join(', ')}\n`,
    ...(skipped === 0 ? [] : [`${skipped} other lines: policy decided nothing there\n`]),
    ...(unreadable.count === 0 ? [] : [unreadableText(unreadable)]),
  ];
  return blocks.join('');
}

const TITLES: Readonly<Record<Change['effect'], string>> = {
  'newly denied': 'Newly denied:',
  'newly allowed': 'Newly allowed:',
  undecidable: 'Undecidable:',
};

function groupsOf(changes: readonly Change[]): string[] {
  return Object.entries(TITLES).flatMap(([effect, title]) => {
    const group = changes.filter((change) => change.effect === effect);
    const rows = group.map((change) => [
      `  ${change.count}`,
      change.caller,
      change.target,
      becauseOf(change),
      change.first,
    ]);
    return rows.length === 0
      ? []
      : [`${title}\n${table([['  CALLS', 'CALLER', 'TARGET', 'BECAUSE OF', 'FIRST'], ...rows])}\n`];
  });
}

/** The rule, and what else is to be said. */
function becauseOf({ rule, why }: Change): string {
  if (rule === undefined) return why;
  return why.startsWith(rule) ? rule : `${rule}: ${why}`;
}

function unreadableText({ count, lines }: Simulated['unreadable']): string {
  const more = count > lines.length ? `, and ${count - lines.length} more` : '';
  return `${count} lines cannot be read: ${lines.join(', ')}${more}\n`;
}

function jsonOf({ counts, changes, unlisted, skipped, unreadable }: Simulated): string {
  const value = {
    counts: {
      unchanged: counts.unchanged,
      newlyDenied: counts['newly denied'],
      newlyAllowed: counts['newly allowed'],
      undecidable: counts.undecidable,
    },
    changes,
    unlisted,
    skipped,
    unreadable,
  };
  return `${JSON.stringify(value, null, 2)}\n`;
}
