import type { AccessCheck, AccessTest } from '../kernel/access.ts';
import type { Problem } from '../kernel/plan.ts';
import type { Principal } from '../kernel/principal.ts';
import { Refusal } from '../kernel/refusals.ts';
import type { Explanation } from '../policy/explanation.ts';
import type { Desk } from './desk.ts';
import { annotated, type Found } from './offline-catalog.ts';

/** What came of the tests of a plan. */
export interface TestRun {
  /** A failure as an error, what a test should not rest on as a warning; in the order of the file. */
  readonly problems: readonly Problem[];
  readonly count: number;
  readonly failed: number;
}

/** Runs the tests of the plan a desk works on; `file` is where they stand. */
export function runTests(desk: Desk, file: string): TestRun {
  const { tests } = desk.plan.access;
  const problems: Problem[] = [];
  let failed = 0;
  for (const test of tests) {
    const found = runTest(desk, test).map((finding) => problemOf(finding, test, file));
    if (found.some(({ severity }) => severity === 'error')) failed += 1;
    problems.push(...found);
  }
  desk.setMoment(undefined);
  return { problems, count: tests.length, failed };
}

interface Finding {
  readonly severity: Problem['severity'];
  readonly message: string;
}

function runTest(desk: Desk, { caller, at, checks }: AccessTest): Finding[] {
  desk.setMoment(at);
  const { consumer, client, claims } = caller;
  // Nothing said of groups and scopes leaves them to the claims.
  const groups = caller.groups.length === 0 ? undefined : caller.groups;
  const scopes = caller.scopes.length === 0 ? undefined : caller.scopes;
  return unlessRefused(() => {
    const principal = desk.caller({ consumer, groups, scopes, client, claims });
    return checks.flatMap((check) => unlessRefused(() => runCheck(desk, principal, check)));
  });
}

function unlessRefused(run: () => Finding[]): Finding[] {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const message = `its caller is refused before anything is decided (${error.code}): ${error.message}`;
    return [{ severity: 'error', message }];
  }
}

function runCheck(desk: Desk, principal: Principal, check: AccessCheck): Finding[] {
  const { isAllowed, kind, target: text, args, annotations } = check;
  const slash = text.indexOf('/');
  const server = desk.catalog.server(text.slice(0, slash));
  if ('problem' in server) return [{ severity: 'error', message: server.problem }];
  const found = desk.catalog.ofServer(kind, server, text.slice(slash + 1));
  const isKnown = found.isSeen && found.absence !== 'unlisted';
  const target = isKnown ? found.target : annotated(found.target, annotations);
  const explanation = desk.explain(principal, target, desk.judged(principal, target, args));
  const may =
    explanation.isAllowed && (found.absence === undefined || found.absence === 'unlisted');
  return [
    ...(may === isAllowed ? [] : [failure(check, principal, { found, explanation })]),
    ...(found.absence === 'unlisted' ? [unlisted(check, server.name)] : []),
  ];
}

function failure(
  { isAllowed, target }: AccessCheck,
  { consumer }: Principal,
  { found, explanation }: { found: Found; explanation: Explanation },
): Finding {
  const who = consumer === undefined ? 'the caller' : `consumer ${consumer}`;
  const wish = isAllowed ? 'should be allowed to use' : 'should not be allowed to use';
  const { isAllowed: isGranted, rule, considered } = explanation;
  const decider = considered.find(({ verdict }) => verdict === 'decides');
  const why = decider === undefined ? '' : ` ${decider.why}`;
  const decision = `${rule} ${isGranted ? 'allows' : 'denies'} it.${why}`;
  const cause = isGranted && found.absence !== undefined ? 'it is not on offer.' : decision;
  return { severity: 'error', message: `${who} ${wish} ${target}, but ${cause}` };
}

function unlisted({ kind, target }: AccessCheck, server: string): Finding {
  const message = `${target} is judged by its name alone: server ${server} listed no such ${kind} when it was last seen. Correct the name, or start the gateway to have it listed again.`;
  return { severity: 'warning', message };
}

function problemOf(
  { severity, message }: Finding,
  { name, line }: AccessTest,
  file: string,
): Problem {
  return {
    severity,
    file,
    line,
    column: undefined,
    path: 'tests',
    message: `"${name}": ${message}`,
  };
}
