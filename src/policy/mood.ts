import { FALSE, TRUE } from './cel/value.ts';

/**
 * How what is not known is taken: `hope` asks whether some arguments could be permitted, `fear` whether all would be. Where
 * everything is known they agree.
 */
export type Mood = 'hope' | 'fear';

/** Whether a rule allows: only a condition that is true does. */
export function opens(outcomes: number, mood: Mood): boolean {
  return mood === 'hope' ? (outcomes & TRUE) !== 0 : outcomes === TRUE;
}

/** Whether a rule denies: only a condition that is false does not. */
export function denies(outcomes: number, mood: Mood): boolean {
  return mood === 'hope' ? (outcomes & FALSE) === 0 : outcomes !== FALSE;
}
