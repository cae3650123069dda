import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { Era } from './conformance-gateway.ts';
import { ROOT, startNode, stop, type Started } from './conformance-processes.ts';
import { complaintsIn } from './conformance-suite.ts';

/** A scenario, the revision at whose wire it runs, and the era of the client that drives the gateway in it. */
export interface ClientCase {
  readonly scenario: string;
  readonly revision: string;
  readonly era: Era;
}

/** What became of one scenario. */
export interface ClientRun {
  /** One line for each check that failed or warned, and for a client that failed. */
  readonly complaints: readonly string[];
  /** What the suite and the client wrote. */
  readonly output: string;
}

const CLI = 'node_modules/conformance/dist/index.js';
// The suite gives it to a shell, which finds the path of Node in the environment whatever is in it.
const COMMAND = '"$CONFORMANCE_NODE" test/support/conformance-client.ts';
const RUN_LIMIT_MS = 45_000;

/** The scenarios that a revision requires of clients, but those that are about authorization. */
export async function requiredOfClients(revision: string): Promise<readonly string[]> {
  const path = join(ROOT, 'node_modules/conformance/requirements', `${revision}.yaml`);
  const { client } = parse(await readFile(path, 'utf8')) as { client: string[] };
  return client.filter((scenario) => !scenario.startsWith('auth/'));
}

/** Runs one client scenario with a gateway as the client. */
export async function runClientScenario(which: ClientCase): Promise<ClientRun> {
  const { scenario, revision, era } = which;
  const folder = await mkdtemp(join(tmpdir(), 'mcpx-suite-'));
  const args = ['--scenario', scenario, '--spec-version', revision, '--timeout', '30000'];
  const started = startNode([CLI, 'client', '--command', COMMAND, ...args, '-o', folder], {
    CONFORMANCE_NODE: process.execPath,
    CONFORMANCE_CLIENT_ERA: era,
  });
  const limit = setTimeout(() => void stop(started), RUN_LIMIT_MS);
  try {
    const exitCode = await started.exited;
    const complaints = [...(await complaintsIn(folder)), ...failuresSaid(started)];
    if (exitCode !== 0 && complaints.length === 0) complaints.push(`${scenario}: ${exitCode}`);
    return { complaints, output: started.output() };
  } finally {
    clearTimeout(limit);
    await stop(started);
    await rm(folder, { recursive: true, force: true });
  }
}

/** A scenario may allow a client to fail; ours must not. */
function failuresSaid(started: Started): readonly string[] {
  return started
    .output()
    .split('\n')
    .filter((line) => /^Client (?:exited with code|timed out)/u.test(line));
}
