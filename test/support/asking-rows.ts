import assert from 'node:assert/strict';
import type { JsonObject } from '../fixture/json-rpc.ts';
import { answersBy, type Answering } from './asking-clients.ts';
import type { MatrixRow } from './asking-matrix.ts';

/** Answers that differ by kind and by who gives them. */
function saying(action: string): (who: string) => Answering {
  return () => () => ({ action });
}

/** What holds of every client, every server and every transport between them. */
export const ROWS: readonly MatrixRow[] = [
  {
    name: 'what two clients answer at once reaches the call of each: elicitation, sampling and roots, in three rounds',
    run: (pair) => pair.assertAnswered({ rounds: [['elicitation'], ['sampling'], ['roots']] }),
  },
  {
    name: 'two and three questions in one round are answered each by its own answer',
    run: (pair) =>
      pair.assertAnswered({
        rounds: [
          ['elicitation', 'sampling'],
          ['elicitation', 'elicitation', 'roots'],
        ],
      }),
  },
  {
    name: 'declined and cancelled are answers',
    run: async (pair) => {
      await pair.assertAnswered({ rounds: [['elicitation']] }, saying('decline'));
      await pair.assertAnswered({ rounds: [['elicitation']] }, saying('cancel'));
    },
  },
  {
    name: 'prompts and resources ask as tools do',
    run: async (pair) => {
      const rounds = [['elicitation'], ['roots']];
      await pair.assertAnswered({ rounds }, answersBy, 'prompt');
      await pair.assertAnswered({ rounds }, answersBy, 'resource');
    },
  },
  {
    name: 'fields that no specification names pass in the answer, and the question names its server (R7)',
    run: async (pair) => {
      const seen: JsonObject[] = [];
      const odd: (who: string) => Answering =
        (who) =>
        ({ params }) => {
          seen.push(params);
          const content = { answer: who, future: [1, { a: null }] };
          return { action: 'accept', content, later: { x: 1 }, _meta: { 'example.com/y': who } };
        };
      const all = await pair.both({ rounds: [['elicitation']] }, odd);
      for (const { message } of seen)
        assert.match(String(message), new RegExp(`^\\[${pair.server.name}\\] `, 'u'));
      for (const { got, who, wish } of all) {
        const answer = await odd(who)({ method: '', params: {}, mark: '' });
        assert.deepEqual(got, { tag: wish.tag, answers: [[answer]] });
      }
    },
  },
];
