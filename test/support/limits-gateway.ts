import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, type TestContext } from 'node:test';
import type { LimitReport } from '../../src/kernel/limit-report.ts';
import { fixtureEntry, startRaw, type RawGateway, type RawTerms } from './raw-gateway.ts';
import type { JsonObject, Rpc } from './raw-http.ts';

/** One entry of `limits.rules`. */
export type LimitRule = JsonObject & { readonly id: string };

/** What a gateway with limits is started with. */
export interface LimitTerms extends Omit<RawTerms, 'app'> {
  readonly rules: readonly LimitRule[];
  /** Further sections of app.yaml. */
  readonly app?: JsonObject;
}

/** A gateway with limits. */
export interface LimitedGateway extends RawGateway {
  /** Replaces the limits, which a running gateway takes over by itself. */
  configure(rules: readonly LimitRule[]): Promise<void>;
  /** What operators are shown of a limit. */
  limit(id: string): Promise<LimitReport>;
}

function appOf(rules: readonly LimitRule[], app: JsonObject = {}): string {
  return JSON.stringify({ limits: { showState: true, rules }, ...app });
}

/** A modern and a legacy fixture, each with tools that do nothing. */
export const FIXTURES = {
  old: fixtureEntry('legacy', '--extra-tools', '20'),
  new: fixtureEntry('modern', '--extra-tools', '20'),
};

/** Starts a gateway in front of the fixtures `old` and `new`, where no others are given. */
async function startLimited(terms: LimitTerms): Promise<LimitedGateway> {
  const { rules, app, ...rest } = terms;
  const gateway = await startRaw({ servers: FIXTURES, ...rest, app: appOf(rules, app) });
  return {
    ...gateway,
    configure: (changed) => writeFile(join(gateway.folder, 'app.yaml'), appOf(changed, app)),
    limit: async (id) => {
      const response = await fetch(`http://127.0.0.1:${gateway.port}/admin/limits?limit=${id}`);
      assert.equal(response.status, 200, await response.clone().text());
      const { limits } = (await response.json()) as { limits: LimitReport[] };
      assert.ok(limits[0] !== undefined);
      return limits[0];
    },
  };
}

/** The same for all tests of a file, ended after them. */
export async function limitedForFile(terms: LimitTerms): Promise<LimitedGateway> {
  const gateway = await startLimited(terms);
  after(() => gateway.stop());
  return gateway;
}

/** The same for one test. */
export async function limitedForTest(t: TestContext, terms: LimitTerms): Promise<LimitedGateway> {
  const gateway = await startLimited(terms);
  t.after(() => gateway.stop());
  return gateway;
}

/** Fails unless a JSON-RPC error says that this limit is reached; the result is how long to wait, in milliseconds. */
export function assertLimited(error: Rpc['error'], limit: string): number {
  assert.equal(error?.code, 1429, JSON.stringify(error));
  assert.ok(error.message.startsWith(`The limit "${limit}" of `), error.message);
  const { data } = error;
  assert.equal(data?.['refusal'], 'LIMITED');
  assert.equal(data['limit'], limit);
  const { retryAfterMs } = data;
  assert.ok(Number.isInteger(retryAfterMs) && Number(retryAfterMs) > 0, String(retryAfterMs));
  return Number(retryAfterMs);
}
