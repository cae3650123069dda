import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import {
  startGateway,
  startGatewayOverHttp,
  type Era,
  type TestGateway,
} from '../support/conformance-gateway.ts';
import { runSuite, type Suite } from '../support/conformance-suite.ts';

/**
 * The protocol's own conformance suites, run against a gateway with our fixture behind it, in all four combinations of
 * eras. To run one scenario by hand, start both and give the suite the version instead of the set:
 *
 *   node node_modules/conformance/dist/index.js server --url http://127.0.0.1:9000/mcp \
 *     --scenario server-stateless --spec-version 2026-07-28 --verbose
 */
interface Expected {
  /** Of the server behind the gateway. */
  readonly era: Era;
  readonly suite: Suite;
  readonly count: number;
  /** Starts the gateway, if not in front of the fixture on stdio. */
  readonly start?: (era: Era) => Promise<TestGateway>;
  /** Scenarios that no gateway can pass, each with the sentence of the specification that makes it so. */
  readonly impossible?: Readonly<Record<string, string>>;
}

const LIMIT = { timeout: 140_000 };

/**
 * The suite answers under the key `user_name`, which our modern fixture assigns. A question of a legacy server is a
 * request of its own and has no key: the gateway has to assign one, and cannot guess what the suite expects.
 */
const KEYS =
  '2026-07-28, multi round-trip requests, InputRequests: "Keys are server-assigned string identifiers".';

const BEYOND_A_LEGACY_SERVER = {
  'input-required-result-basic-elicitation': KEYS,
  'input-required-result-ignore-extra-params': KEYS,
};

async function passes(t: TestContext, expected: Expected): Promise<void> {
  const { era, suite, count, start = startGateway, impossible = {} } = expected;
  const gateway = await start(era);
  try {
    const run = await runSuite(suite, gateway.url);
    for (const line of run.unscored) t.diagnostic(`not scored: ${line}`);
    const isImpossible = (scenario: string): boolean => Object.hasOwn(impossible, scenario);
    const complaints = run.complaints.filter((line) => !isImpossible(line.split(':')[0] ?? ''));
    assert.deepEqual(complaints, [], `\n${complaints.join('\n')}`);
    assert.equal(run.scored.length, count, run.scored.join(', '));
    const mended = run.passed.filter(isImpossible);
    assert.deepEqual(
      mended,
      [],
      `No longer impossible: take it off the list. ${mended.join(', ')}`,
    );
    assert.equal(run.passed.length, count - Object.keys(impossible).length);
    if (run.complaints.length === 0) assert.equal(run.exitCode, 0);
  } catch (failure) {
    t.diagnostic(`The gateway wrote:\n${gateway.output().slice(-4_000)}`);
    throw failure;
  } finally {
    await gateway.stop();
  }
}

test(
  'a legacy server behind the gateway passes all 30 server scenarios of 2025-11-25',
  LIMIT,
  (t) => passes(t, { era: 'legacy', suite: '2025-11-25', count: 30 }),
);

test(
  'a legacy server behind the gateway passes all 30 server scenarios of the stable suite',
  LIMIT,
  (t) => passes(t, { era: 'legacy', suite: 'stable', count: 30 }),
);

test(
  'a modern server behind the gateway passes all 30 server scenarios of 2025-11-25',
  LIMIT,
  (t) => passes(t, { era: 'modern', suite: '2025-11-25', count: 30 }),
);

test(
  'a modern server behind the gateway passes all 37 server scenarios of 2026-07-28',
  LIMIT,
  (t) => passes(t, { era: 'modern', suite: '2026-07-28', count: 37 }),
);

test(
  'a legacy server behind the gateway passes 35 of 37 server scenarios of 2026-07-28, the others being impossible',
  LIMIT,
  (t) =>
    passes(t, {
      era: 'legacy',
      suite: '2026-07-28',
      count: 37,
      // On stdio each call of a client that can be asked starts a process; the suite waits half a second.
      start: startGatewayOverHttp,
      impossible: BEYOND_A_LEGACY_SERVER,
    }),
);
