import assert from 'node:assert/strict';
import test, { before } from 'node:test';
import { secretDigest } from '../../src/identity/new-key.ts';
import type { Credentials } from '../../src/kernel/arrival.ts';
import { newKeyId, newSecret } from '../../src/seal/seal.ts';
import { credentials, KEY, Scene } from '../support/identity.ts';

/** How long a wrong key is looked at tells nothing of how much of it is right. */

const PAIRS = 600;
const CALLS = 60;
const LENGTH = 2000;

type Look = (caller: Credentials) => unknown;

/** What a measurement of two kinds of wrong keys found. */
interface Difference {
  /** How far the share of pairs in which the second kind took longer is from chance, in standard deviations. */
  readonly sigma: number;
  /** Median of how much longer the second kind took, in nanoseconds a call. */
  readonly nanoseconds: number;
}

let addresses = 0;

/** Wrong keys of one kind, each a text of its own from an address of its own. */
function callers(make: () => string): Credentials[] {
  return Array.from({ length: CALLS }, () => {
    addresses += 1;
    const address = `10.${(addresses >> 16) & 255}.${(addresses >> 8) & 255}.${addresses & 255}`;
    return credentials({ [KEY]: make() }, { address });
  });
}

function timeOf(look: Look, batch: readonly Credentials[]): number {
  const startedAt = process.hrtime.bigint();
  for (const caller of batch) look(caller);
  return Number(process.hrtime.bigint() - startedAt) / batch.length;
}

function measure(look: Look, early: () => string, late: () => string): Difference {
  const differences: number[] = [];
  for (let pair = 0; pair < PAIRS; pair += 1) {
    // By turns, so that neither kind is always made or looked at first.
    const isSwapped = pair % 2 === 1;
    const [one, other] = (isSwapped ? [late, early] : [early, late]).map(callers);
    const [first, second] = [timeOf(look, one ?? []), timeOf(look, other ?? [])];
    differences.push(isSwapped ? first - second : second - first);
  }
  const longer = differences.filter((difference) => difference > 0).length;
  const sigma = (longer - PAIRS / 2) / (Math.sqrt(PAIRS) / 2);
  const sorted = differences.sort((one, other) => one - other);
  return { sigma, nanoseconds: sorted[PAIRS / 2] ?? 0 };
}

function refusedBy(scene: Scene): Look {
  return (caller) => {
    try {
      return scene.identity.identify(caller);
    } catch {
      return undefined;
    }
  };
}

function equalsCarelessly(one: string, other: string): boolean {
  if (one.length !== other.length) return false;
  for (let at = 0; at < one.length; at += 1)
    if (one.charCodeAt(at) !== other.charCodeAt(at)) return false;
  return true;
}

function randomText(length: number): string {
  let text = '';
  while (text.length < length) text += newSecret().toString('base64url');
  return text.slice(0, length);
}

/** One flat string: a rope is made flat by whoever looks at it first, which takes time. */
function flat(...parts: readonly string[]): string {
  return Buffer.from(parts.join('')).toString('latin1');
}

/** Tells that the method sees the careless way, and that ours shows far less than that. */
function assertHidden(ours: Difference, careless: Difference): void {
  const found = JSON.stringify({ ours, careless });
  assert.ok(careless.sigma > 6, `the method sees a careless comparison: ${found}`);
  assert.ok(Math.abs(ours.nanoseconds) < careless.nanoseconds / 3, found);
}

before(() => (Error.stackTraceLimit = 0));

test('a wrong shared key is refused after the same time, whether its first or its last characters are wrong', (t) => {
  const sharedKey = randomText(LENGTH);
  const wrongEarly = (): string => flat(randomText(43), sharedKey.slice(43));
  const wrongLate = (): string => flat(sharedKey.slice(0, -43), randomText(43));
  const look = refusedBy(new Scene(t, { auth: { sharedKey } }));
  const carelessly: Look = (caller) =>
    equalsCarelessly(caller.header(KEY) ?? '', sharedKey) || look(caller);
  assertHidden(measure(look, wrongEarly, wrongLate), measure(carelessly, wrongEarly, wrongLate));
});

test('a key nobody made is refused after the same time as one whose secret is wrong', (t) => {
  const scene = new Scene(t, { auth: { sharedKey: undefined } });
  const known = scene.makeKey('agents').slice(0, -43);
  const unknownKey = (): string => flat(`mcpx_${newKeyId()}_`, randomText(43));
  const wrongSecret = (): string => flat(known, randomText(43));
  const look = refusedBy(scene);
  const carelessly: Look = (caller) => {
    const text = caller.header(KEY) ?? '';
    if (text.startsWith(known)) secretDigest(text.slice(-43));
    return look(caller);
  };
  assertHidden(
    measure(look, unknownKey, wrongSecret),
    measure(carelessly, unknownKey, wrongSecret),
  );
});
