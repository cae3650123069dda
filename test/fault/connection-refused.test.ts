import assert from 'node:assert/strict';
import test from 'node:test';
import { FaultScene, PROMPT_MS } from '../support/fault-scene.ts';
import type { Incoming } from '../support/faulty-remote.ts';
import { textOf } from '../support/gateway-session.ts';
import { eventually } from '../support/processes.ts';

test('calls to a server that is gone from its port are refused or wait for it, none runs twice, and it is back when it is back', async (t) => {
  const scenes = await FaultScene.startAll(t);
  await Promise.all(
    scenes.map(async (scene) => {
      const { remote } = scene;
      await remote.close();
      const calls = Array.from({ length: 20 }, (_, number) => scene.call({ text: `n${number}` }));
      assert.match(await scene.near(), /^well/u);
      await remote.open();
      const answers = await Promise.all(calls);
      const served = answers.filter((answer) => textOf(answer).startsWith('n'));
      // A server that has failed lists nothing.
      for (const { error } of answers)
        if (error !== undefined)
          assert.match(
            String(error.data?.['refusal']),
            /^(?:UPSTREAM_UNAVAILABLE|UPSTREAM_LOST|TARGET_UNKNOWN)$/u,
          );
      await scene.untilWell();
      const texts = remote.seen
        .filter(({ method }) => method === 'tools/call')
        .map(({ params }) => (params['arguments'] as { text?: string }).text)
        .filter((text) => text !== undefined);
      assert.equal(new Set(texts).size, texts.length, 'a call ran twice');
      assert.equal(texts.length, served.length);
      await scene.assertNothingLeft();
    }),
  );
});

test('that a server takes no new connections costs those calls alone that need one: the others under way are answered', async (t) => {
  const scenes = await FaultScene.startAll(t, {}, ['legacy HTTP', 'modern HTTP']);
  for (const scene of scenes) {
    const { remote } = scene;
    let held: Incoming | undefined;
    remote.onCall = (incoming) => {
      held = incoming;
    };
    const one = scene.call();
    await eventually('the call was there', PROMPT_MS, () => held !== undefined);
    remote.onCall = undefined;
    remote.deafen();
    await scene.assertRefused('UPSTREAM_UNAVAILABLE', /cannot be reached: ECONNREFUSED/u);
    if (held !== undefined) remote.answer(held);
    assert.equal(textOf(await one), 'fine');
    await remote.open();
    await scene.untilWell();
  }
});
