import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { Identity } from '../../src/identity/identity.ts';
import { newKeyText, secretDigest } from '../../src/identity/new-key.ts';
import type { IdentityTimes } from '../../src/identity/ports.ts';
import type {
  AccessPlan,
  AuthPlan,
  ConsumerPlan,
  GrantPlan,
  IssuerPlan,
} from '../../src/kernel/access.ts';
import type { Credentials } from '../../src/kernel/arrival.ts';
import type { KeyRecord } from '../../src/kernel/key-record.ts';
import type { Principal } from '../../src/kernel/principal.ts';
import { Refusal, type RefusalCode } from '../../src/kernel/refusals.ts';
import { newKeyId, newSecret } from '../../src/seal/seal.ts';
import { KeyTable } from '../../src/store/key-table.ts';
import { AUDIENCE } from './oidc.ts';

export const SHARED_KEY = 'the-key-that-all-share';
export const TAG = 'x-lunar-consumer-tag';
export const KEY = 'x-lunar-api-key';

const GRANT: GrantPlan = { id: 'permissions.default', base: 'allow', allow: [], block: [] };
const CONSUMER: ConsumerPlan = { grant: undefined, memberOf: undefined };

/** Settings under which callers must prove themselves, by the shared key at least. */
export function authPlan(changes: Partial<AuthPlan> = {}): AuthPlan {
  return {
    isOn: true,
    header: KEY,
    sharedKey: SHARED_KEY,
    issuers: [],
    admins: { consumers: [], groups: [] },
    hasPublicMetrics: false,
    ...changes,
  };
}

/** Permissions with an entry for each of these consumers. */
export function accessPlan(...consumers: readonly string[]): AccessPlan {
  return {
    default: GRANT,
    consumers: Object.fromEntries(consumers.map((name) => [name, CONSUMER])),
    clientNames: {},
    groups: {},
    rules: [],
    tests: [],
  };
}

/** An issuer whose tokens for the usual audience are believed. */
export function issuerPlan(issuer: string, changes: Partial<IssuerPlan> = {}): IssuerPlan {
  return {
    issuer,
    audience: [AUDIENCE],
    algorithms: ['RS256', 'ES256'],
    consumerClaim: undefined,
    groupsClaim: undefined,
    consumers: undefined,
    requiredScopes: [],
    jwksUri: undefined,
    clockToleranceSec: 0,
    ...changes,
  };
}

/** What a caller presents: headers by lower-case name. */
export function credentials(
  headers: Readonly<Record<string, string>> = {},
  rest: Partial<Credentials> = {},
): Credentials {
  return { header: (name) => headers[name], address: '203.0.113.7', ...rest };
}

/** A caller that presents a text as `Authorization: Bearer`. */
export function bearer(text: string, headers: Readonly<Record<string, string>> = {}): Credentials {
  return credentials({ authorization: `Bearer ${text}`, ...headers });
}

/** What an identity of a test is made of. */
export interface SceneTerms {
  readonly auth?: Partial<AuthPlan>;
  readonly consumers?: readonly string[];
  readonly times?: Partial<IdentityTimes>;
}

/** An identity on a table of keys of its own, with a clock that stands still until it is moved. */
export class Scene {
  readonly identity: Identity;
  readonly keys: KeyTable;
  readonly folder: string;
  readonly warnings: object[] = [];
  now = Date.now();

  constructor(t: TestContext, terms: SceneTerms = {}) {
    this.folder = mkdtempSync(join(tmpdir(), 'mcpx-identity-'));
    this.keys = new KeyTable(this.folder, { now: () => this.now });
    this.identity = new Identity({
      now: () => this.now,
      keys: this.keys,
      log: { warn: (fields) => this.warnings.push(fields) },
      ...(terms.times === undefined ? {} : { times: terms.times }),
    });
    this.identity.apply(authPlan(terms.auth), accessPlan(...(terms.consumers ?? [])));
    t.after(() => {
      this.keys.close();
      rmSync(this.folder, { recursive: true, force: true });
    });
  }

  /** Makes a key for a consumer; the result is its text. */
  makeKey(consumer: string, changes: Partial<KeyRecord> = {}): string {
    const secret = newSecret().toString('base64url');
    const id = newKeyId();
    this.keys.create({
      id,
      name: `key ${id}`,
      digest: secretDigest(secret),
      consumer,
      createdAt: this.now,
      expiresAt: undefined,
      revokedAt: undefined,
      lastUsedAt: undefined,
      ...changes,
    });
    return newKeyText(changes.id ?? id, secret);
  }

  /** Who somebody is that is known at once. */
  at(caller: Credentials): Principal {
    const found = this.identity.identify(caller);
    assert.ok(!(found instanceof Promise), 'the caller is known without waiting');
    return found;
  }

  /** The refusal somebody gets; fails where there is none, or another one. */
  async refused(caller: Credentials, code: RefusalCode): Promise<Refusal> {
    try {
      const { key } = await this.identity.identify(caller);
      assert.fail(`${key} was let in`);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      assert.equal(error.code, code, error.message);
      return error;
    }
  }
}
