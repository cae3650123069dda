import { didYouMean } from '../config/nearest.ts';
import type { JsonObject } from '../kernel/json.ts';
import { Refusal } from '../kernel/refusals.ts';
import { Desk } from '../wiring/desk.ts';
import type { Found, NamedKind } from '../wiring/offline-catalog.ts';
import { findConfiguration } from './configuration.ts';
import { explanationJson, explanationText, type Told } from './explanation.ts';
import { fail, note, problemLine } from './output.ts';

/** What `mcpx explain` was asked. */
export interface ExplainOptions {
  readonly tool?: string;
  readonly prompt?: string;
  readonly resource?: string;
  readonly consumer?: string;
  readonly group?: readonly string[];
  readonly scope?: readonly string[];
  readonly claims?: JsonObject;
  readonly client?: string;
  readonly endpoint?: string;
  readonly args?: JsonObject;
  readonly at?: number;
  readonly json?: true;
}

/** `mcpx explain`: a decision, and every entry and rule that was considered for it. */
export async function explain(options: ExplainOptions): Promise<void> {
  const asked = askedFor(options);
  if (asked === undefined) {
    fail('Name one thing: give exactly one of --tool, --prompt and --resource.', 2);
    return;
  }
  const desk = openDesk();
  if (desk === undefined) return;
  if (desk.fault !== undefined) note(`Note: what servers offer cannot be read: ${desk.fault}`);
  const found = desk.catalog.find(asked.kind, asked.text);
  if ('problem' in found) {
    fail(`${found.problem}${didYouMean(asked.text, found.known)}`, 2);
    return;
  }
  try {
    const told = await tell(desk, found, options);
    process.stdout.write(options.json === true ? explanationJson(told) : explanationText(told));
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    fail(
      `Nothing is decided about this caller, who is refused before (${error.code}): ${error.message}`,
      1,
    );
  }
}

function askedFor({
  tool,
  prompt,
  resource,
}: ExplainOptions): { kind: NamedKind; text: string } | undefined {
  const given = Object.entries({ tool, prompt, resource }).flatMap(([kind, text]) =>
    text === undefined ? [] : [{ kind: kind as NamedKind, text }],
  );
  return given.length === 1 ? given[0] : undefined;
}

/** Where no decision can be made for errors, these are printed. */
function openDesk(): Desk | undefined {
  const { surroundings, read } = findConfiguration();
  const { plan, problems } = read();
  if (plan !== undefined) return new Desk({ plan, dataDir: surroundings.dataDir });
  for (const problem of problems) note(problemLine(problem));
  fail('The configuration has errors; correct them first.', 1);
  return undefined;
}

async function tell(desk: Desk, found: Found, options: ExplainOptions): Promise<Told> {
  const { consumer, group, scope, claims, client, endpoint, args } = options;
  desk.setMoment(options.at);
  const caller = desk.caller({ consumer, groups: group, scopes: scope, claims, client, endpoint });
  const { target } = found;
  const judged = desk.judged(caller, target, args);
  const explanation = desk.explain(caller, target, judged);
  const argumentFault =
    args !== undefined && explanation.isAllowed
      ? await desk.argumentFault(target, args)
      : undefined;
  const shown = judged === undefined ? undefined : desk.withoutSecrets(judged);
  return { caller, found, args, judged: shown, at: desk.now(), explanation, argumentFault };
}
