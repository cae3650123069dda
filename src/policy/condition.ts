import { ParseError, type ASTNode } from '@marcbachmann/cel-js';
import { Compiler } from './cel/compile.ts';
import { parseCondition, ROOTS, TooLong, type Root } from './cel/environment.ts';
import { OverBudget, type Fuel } from './cel/fuel.ts';
import { Unsuited, type Evaluate, type Frame, type Roots } from './cel/part.ts';
import {
  and,
  FAILED,
  Failure,
  FALSE,
  outcomesOf,
  resultOf,
  TRUE,
  type Result,
} from './cel/value.ts';

/** One of the parts of a condition that are joined by `&&`, with its text. */
interface Part {
  readonly text: string;
  readonly evaluate: Evaluate;
}

/** The finest unit of the clock that a condition depends on. */
export type ClockUnit = 'minute' | 'hour' | 'day';

/** Where the condition of a rule stands, for what is wrong in one place and right in another. */
export interface ConditionTerms {
  readonly effect: 'allow' | 'deny';
  readonly isAuthOn: boolean;
}

/** A compiled `when`. */
export class Condition {
  /** Variables it uses, with the field where that is a known one: `args`, `claims.team`, `now.hour`. */
  readonly mentions: ReadonlySet<string>;
  readonly #parts: readonly Part[];

  constructor(parts: readonly Part[], mentions: ReadonlySet<string>) {
    this.#parts = parts;
    this.mentions = mentions;
  }

  /** Throws Unsuited, TooLong or the library's ParseError for what is no condition. */
  static compile(text: string): Condition {
    const compiler = new Compiler();
    const { ast } = parseCondition(text);
    const parts = conjuncts(ast).map((node) => ({
      text: node.input.slice(node.start, node.end),
      evaluate: compiler.compile(node),
    }));
    return new Condition(parts, compiler.mentions);
  }

  /** A condition, or for a text that is none one that nothing fulfils and that lets nothing pass: it fails. */
  static orFailing(text: string): Condition {
    try {
      return Condition.compile(text);
    } catch (error) {
      if (!isFault(error)) throw error;
      const failure = new Failure(faultOf(error));
      return new Condition([{ text, evaluate: () => failure }], new Set());
    }
  }

  /** Whether it depends on a variable. */
  uses(root: Root): boolean {
    return [...this.mentions].some((each) => each === root || each.startsWith(`${root}.`));
  }

  /** Undefined when time alone never changes it. */
  get clock(): ClockUnit | undefined {
    if (!this.uses('now')) return undefined;
    const isMinute = ['now', 'now.minute', 'now.time'].some((each) => this.mentions.has(each));
    if (isMinute) return 'minute';
    return this.mentions.has('now.hour') ? 'hour' : 'day';
  }

  /** What it comes to; where something is not known, the outcomes it may have (bits of cel/value.ts). */
  outcomes(frame: Frame): number {
    let outcomes = TRUE;
    for (const { evaluate } of this.#parts) {
      outcomes = and(outcomes, outcomesOf(attempt(evaluate, frame)));
      if (outcomes === FALSE) break;
    }
    return outcomes;
  }

  /** A sentence that names the part because of which it is not simply true. */
  explain(roots: Roots, fuel: Fuel): string {
    const frame: Frame = { roots, fuel, locals: [] };
    const results = this.#parts.map(({ text, evaluate }) => ({
      text,
      result: attempt(evaluate, frame),
    }));
    const told = [FALSE, FAILED].map((outcome) =>
      results.find(({ result }) => outcomesOf(result) === outcome),
    );
    const [refuted, failed] = told;
    if (refuted !== undefined) return `"${refuted.text}" is false`;
    if (failed !== undefined)
      return `"${failed.text}" cannot be evaluated: ${whyOf(failed.result)}`;
    const open = results.find(({ result }) => outcomesOf(result) !== TRUE);
    return open === undefined ? 'its condition is true' : `"${open.text}" is not decided`;
  }
}

/**
 * What is wrong with a condition and what to do: its syntax, a variable or function that conditions do not have, no truth
 * value, an allow rule that believes a client's own name (docs/rules.md R20), the limits. Undefined when it is fine.
 */
export function conditionFault(text: string, terms: ConditionTerms): string | undefined {
  try {
    const condition = Condition.compile(text);
    if (terms.effect === 'allow' && terms.isAuthOn && condition.uses('client'))
      return (
        'With authentication on, an allow rule may not depend on "client", which any client can claim to be; ' +
        'use principal or claims, or make it a deny rule.'
      );
    return typeFault(text);
  } catch (error) {
    if (isFault(error)) return faultOf(error);
    throw error;
  }
}

function typeFault(text: string): string | undefined {
  const { valid, type, error } = parseCondition(text).check();
  if (!valid)
    return `The condition does not fit together: ${error?.summary ?? 'unknown type'}${placeOf(error?.range?.start)}. Correct that part.`;
  if (type === 'bool' || type === 'dyn') return undefined;
  return `The condition gives ${type ?? 'no value'} instead of true or false; compare it with something.`;
}

type Fault = ParseError | TooLong | Unsuited;

function isFault(error: unknown): error is Fault {
  return error instanceof ParseError || error instanceof TooLong || error instanceof Unsuited;
}

function faultOf(error: Fault): string {
  if (error instanceof Unsuited) return error.message;
  if (error instanceof TooLong || error.code === 'limit_exceeded')
    return `${error.message.split('\n')[0] ?? ''}, which is more than a condition may have; make two rules of it.`;
  return (
    `The condition is not CEL: ${error.summary}${placeOf(error.range?.start)}. ` +
    `Correct it; the variables are ${ROOTS.join(', ')}.`
  );
}

function placeOf(start: number | undefined): string {
  return start === undefined ? '' : ` at character ${start + 1}`;
}

function conjuncts(node: ASTNode): ASTNode[] {
  return node.op === '&&' ? node.args.flatMap((each) => conjuncts(each)) : [node];
}

/** Too much work is a failure like any other: the rule denies, or does not allow. */
function attempt(evaluate: Evaluate, frame: Frame): Result {
  try {
    const result = evaluate(frame);
    return resultOf(outcomesOf(result), result);
  } catch (error) {
    if (error instanceof OverBudget) return new Failure(error.message);
    throw error;
  }
}

function whyOf(result: Result): string {
  return result instanceof Failure ? result.why : 'it is neither true nor false';
}
