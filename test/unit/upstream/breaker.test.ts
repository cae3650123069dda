import assert from 'node:assert/strict';
import test, { mock, type TestContext } from 'node:test';
import { Breaker, type BreakerTerms } from '../../../src/upstream/breaker.ts';

const LIMITS = { breakAfter: 2, breakMs: 100, restartMaxMs: 350 };

interface Scene {
  readonly breaker: Breaker;
  readonly phases: string[];
  /** How the next health checks end; undefined: there is nothing to ask over. */
  pings: (boolean | undefined)[];
}

function sceneOf(t: TestContext, limits: Partial<BreakerTerms['limits']> = {}): Scene {
  mock.timers.enable({ apis: ['setTimeout'] });
  t.after(() => mock.timers.reset());
  const phases: string[] = [];
  const scene: Scene = {
    phases,
    pings: [],
    breaker: new Breaker({
      upstream: 'it',
      limits: { ...LIMITS, ...limits },
      ping: () => {
        const isWell = scene.pings.shift();
        return isWell === undefined ? undefined : Promise.resolve(isWell);
      },
      onChange: (phase) => void phases.push(phase),
    }),
  };
  return scene;
}

let sentAt = performance.now();

/** A call that was sent after all that failed before. */
function fail({ breaker }: Scene, isProbe = false): void {
  sentAt = performance.now() + 1;
  breaker.failed({ fault: 'broke', sentAt, isProbe, isAlone: false });
}

async function pass(ms: number): Promise<void> {
  mock.timers.tick(ms);
  for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
}

test('so many failures in a row open it, an answer between them begins the row anew', (t) => {
  const scene = sceneOf(t);
  fail(scene);
  scene.breaker.answered();
  fail(scene);
  scene.breaker.ignored(false);
  assert.ok(scene.breaker.isClosed);
  scene.breaker.check();
  fail(scene);
  assert.deepEqual(scene.phases, ['open']);
  assert.throws(() => scene.breaker.check(), {
    code: 'UPSTREAM_UNAVAILABLE',
    message:
      /"it" is not called for now: it failed 2 times in a row \(broke\)\. Try again in \d+ ms/u,
  });
  assert.equal(scene.breaker.refused, 1);
});

test('calls that one crash cost count once, those that one silence cost count each', (t) => {
  const { breaker } = sceneOf(t);
  const sent = { sentAt: performance.now() - 1, isProbe: false };
  for (let call = 0; call < 5; call += 1)
    breaker.failed({ ...sent, fault: 'ended', isAlone: false });
  assert.ok(breaker.isClosed);
  for (let call = 0; call < 2; call += 1)
    breaker.failed({ ...sent, fault: 'said nothing', isAlone: true });
  assert.equal(breaker.phase, 'open');
});

test('after the pause a health check, then one call: its answer closes it', async (t) => {
  const scene = sceneOf(t);
  const { breaker } = scene;
  scene.pings = [true];
  fail(scene);
  fail(scene);
  await pass(99);
  assert.equal(breaker.phase, 'open');
  await pass(1);
  assert.equal(breaker.phase, 'half-open');
  assert.equal(breaker.enter(), true);
  assert.throws(() => breaker.enter(), { code: 'UPSTREAM_UNAVAILABLE' });
  // A call that was sent before it opened is not the one.
  breaker.answered(false);
  assert.equal(breaker.phase, 'half-open');
  breaker.ignored(true);
  assert.equal(breaker.enter(), true);
  breaker.answered(true);
  assert.deepEqual(scene.phases, ['open', 'half-open', 'closed']);
  assert.equal(breaker.enter(), false);
  fail(scene);
  assert.ok(breaker.isClosed);
});

test('each time it fails again the pause doubles, up to restartMaxMs', async (t) => {
  const scene = sceneOf(t);
  const { breaker } = scene;
  scene.pings = [false, true, true];
  fail(scene);
  fail(scene);
  await pass(100);
  assert.equal(breaker.phase, 'open', 'the health check was not answered');
  await pass(199);
  assert.equal(breaker.phase, 'open');
  await pass(1);
  assert.equal(breaker.phase, 'half-open');
  breaker.enter();
  fail(scene, true);
  await pass(349);
  assert.equal(breaker.phase, 'open');
  await pass(1);
  assert.equal(breaker.phase, 'half-open');
});

test('without a connection to ask over it waits for the next one, which is as good as an answer', async (t) => {
  const scene = sceneOf(t);
  fail(scene);
  fail(scene);
  scene.breaker.linked();
  assert.equal(scene.breaker.phase, 'open', 'the pause was not over');
  await pass(100);
  assert.equal(scene.breaker.phase, 'open');
  scene.breaker.linked();
  assert.equal(scene.breaker.phase, 'half-open');
});

test('with breakAfter 0 it never opens, and once stopped it does nothing more', async (t) => {
  const never = sceneOf(t, { breakAfter: 0 });
  for (let call = 0; call < 10; call += 1) fail(never);
  assert.deepEqual(never.phases, []);
  mock.timers.reset();
  const scene = sceneOf(t);
  fail(scene);
  fail(scene);
  scene.breaker.stop();
  await pass(1000);
  assert.deepEqual(scene.phases, ['open']);
  assert.ok(scene.breaker.isClosed);
});
