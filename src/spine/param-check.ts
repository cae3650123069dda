import type { Arrival } from '../kernel/arrival.ts';
import { fromHeader } from '../kernel/header-text.ts';
import { objectAt } from '../kernel/json.ts';
import { paramHeaders, paramValue } from '../kernel/param-headers.ts';
import { Refusal } from '../kernel/refusals.ts';
import type { Target } from '../kernel/target.ts';

/** Checks that the `Mcp-Param-*` headers a tool asks for say what its arguments say (docs/rules.md R21). */
export function checkParamHeaders({ request, header }: Arrival, target: Target): void {
  const item = target.shown ?? target.item;
  if (header === undefined || item === undefined || request.method !== 'tools/call') return;
  const args = objectAt(request.params, 'arguments');
  for (const { path, header: name } of paramHeaders(item) ?? []) {
    const sent = header(`mcp-param-${name}`);
    const expected = paramValue(args, path);
    if (sent === undefined && expected === undefined) continue;
    if (expected !== undefined && isSame(fromHeader(sent), expected)) continue;
    const what = sent === undefined ? 'is missing' : 'differs from the argument';
    throw new Refusal('HEADER_MISMATCH', `The header Mcp-Param-${name} ${what}.`);
  }
}

/** A number is the same however it is written. */
function isSame(sent: string | undefined, expected: string | number | boolean): boolean {
  if (sent === String(expected)) return true;
  return (
    typeof expected === 'number' &&
    sent !== undefined &&
    /\d/u.test(sent) &&
    Number(sent) === expected
  );
}
