import { after, type TestContext } from 'node:test';

/** Stands for a test where something is to live as long as the file: what it begins is ended after the last one. */
export function fileScope(): TestContext {
  const ends: (() => unknown)[] = [];
  after(async () => {
    for (const end of ends.toReversed()) await end();
  });
  const scope = {
    after: (end: () => unknown) => void ends.push(end),
    diagnostic: () => undefined,
  };
  return scope as unknown as TestContext;
}
