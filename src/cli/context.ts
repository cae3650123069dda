import { Refusal } from '../kernel/refusals.ts';
import type { ModelRef } from '../kernel/spending.ts';
import { CostDesk, type OfflineCost } from '../wiring/context-desk.ts';
import { findConfiguration } from './configuration.ts';
import { fail, note, problemLine, shown, table } from './output.ts';

/** What `mcpx context` was asked. */
export interface CostOptions {
  readonly consumer?: string;
  readonly group?: readonly string[];
  readonly client?: string;
  readonly endpoint?: string;
  readonly model?: ModelRef;
  readonly json?: true;
}

type ServerCost = OfflineCost['cost']['servers'][number];

/** `mcpx context`: what the tools a caller is shown take of its model's context; told from what servers offered when last seen. */
export async function context(options: CostOptions): Promise<void> {
  const desk = openDesk();
  if (desk === undefined) return;
  if (desk.fault !== undefined) note(`Note: what servers offer cannot be read: ${desk.fault}`);
  const { consumer, group = [], client, endpoint, model } = options;
  try {
    const told = await desk.cost({ consumer, groups: group, client, endpoint, model });
    process.stdout.write(options.json === true ? jsonOf(told) : textOf(told));
    if (told.unseen.length > 0) note(unseenNote(told.unseen));
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    fail(`This caller is shown nothing, and refused (${error.code}): ${error.message}`, 1);
  }
}

function openDesk(): CostDesk | undefined {
  const { surroundings, read } = findConfiguration();
  const { plan, problems } = read();
  if (plan !== undefined) return new CostDesk(plan, surroundings.dataDir);
  for (const problem of problems) note(problemLine(problem));
  fail('The configuration has errors; correct them first.', 1);
  return undefined;
}

function unseenNote(servers: readonly string[]): string {
  const names = servers.map((name) => shown(name)).join(', ');
  return `Note: not counted, for no gateway has seen them yet (mcpx serve does): ${names}.`;
}

function jsonOf({ caller, cost, unseen }: OfflineCost): string {
  const { consumer, groups, client, endpoint } = caller;
  const told = { caller: { consumer, groups, client, endpoint }, ...cost, unseen };
  return `${JSON.stringify(told, null, 2)}\n`;
}

const MAX_TOOLS_SHOWN = 10;

function textOf({ caller, cost }: OfflineCost): string {
  const { servers, tokens } = cost;
  const who = caller.consumer === undefined ? 'a caller without a consumer' : caller.consumer;
  const count = servers.reduce((sum, { tools }) => sum + tools.length, 0);
  const parts = [
    `${count} ${count === 1 ? 'tool' : 'tools'} shown to ${shown(who)}: ${tokens} tokens${modelText(cost)}\n`,
  ];
  if (count > 0) parts.push(serverTable(servers), toolTable(servers));
  return [...parts, ...othersText(servers)].join('\n');
}

function serverTable(servers: readonly ServerCost[]): string {
  const rows = servers.map(({ server, tools: [largest, ...rest], tokens, share }) => [
    server,
    String(largest === undefined ? 0 : 1 + rest.length),
    String(tokens),
    percent(share),
    largest === undefined ? '' : `${largest.name} (${largest.tokens})`,
  ]);
  return table([['SERVER', 'TOOLS', 'TOKENS', 'SHARE', 'LARGEST'], ...rows]);
}

function toolTable(servers: readonly ServerCost[]): string {
  const rows = servers
    .flatMap(({ server, tools }) => tools.map((tool) => ({ server, ...tool })))
    .toSorted((one, other) => other.tokens - one.tokens)
    .slice(0, MAX_TOOLS_SHOWN)
    .map(({ server, name, tokens, share }) => [name, server, String(tokens), percent(share)]);
  return table([['TOOL', 'SERVER', 'TOKENS', 'SHARE'], ...rows]);
}

/** Most clients keep these from the model until somebody chooses one. */
function othersText(servers: readonly ServerCost[]): string[] {
  const lists = servers.flatMap(({ others }) => Object.values(others));
  const count = lists.reduce((sum, list) => sum + list.count, 0);
  const tokens = lists.reduce((sum, list) => sum + list.tokens, 0);
  return count === 0
    ? []
    : [
        `Not in it, for few clients show them to models: ${count} prompts, resources and templates (${tokens} tokens)\n`,
      ];
}

function modelText({ model, encoding, isEstimate, cost }: OfflineCost['cost']): string {
  const name = model === undefined ? 'no model is known' : shown(model);
  const price = cost === undefined ? 'no price' : `$${cost.toFixed(6)} to read once`;
  const how = isEstimate ? `${encoding}, an estimate` : encoding;
  return ` (${name}; ${how}; ${price})`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)}%`;
}
