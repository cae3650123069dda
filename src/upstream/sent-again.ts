import type { Answer } from '../kernel/answer.ts';

const URL_ELICITATION_REQUIRED = -32042;

/** Whether its client will send the call again once its user has opened a URL: the server remembers that where it was asked (spec 2025-11-25, elicitation). */
export function isToBeSentAgain(answer: Answer): boolean {
  return 'error' in answer && answer.error.code === URL_ELICITATION_REQUIRED;
}
