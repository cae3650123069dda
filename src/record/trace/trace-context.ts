import type { TraceCarrier } from '../../kernel/trace.ts';

/** A `traceparent` taken apart (W3C Trace Context, section 3.2). */
export interface Traceparent {
  /** 32 hexadecimal digits, in lower case. */
  readonly traceId: string;
  /** The span that sent it: 16 hexadecimal digits, in lower case. */
  readonly parentId: string;
  /** One byte. */
  readonly flags: number;
}

/** Flag of a trace whose caller records it (W3C Trace Context, section 3.2.2.5). */
export const SAMPLED = 0x01;
/** Flag of a trace whose id is random (W3C Trace Context level 2, section 3.2.2.5). */
export const RANDOM = 0x02;

// What may follow in versions to come goes on in headers, so it has to be fit for them.
const PARENT =
  /^(?<version>[\da-f]{2})-(?<trace>[\da-f]{32})-(?<parent>[\da-f]{16})-(?<flags>[\da-f]{2})(?<more>-[\x21-\x7e]{0,200})?$/;
const VERSION = '00';
const NO_VERSION = 'ff';
const ZEROS = /^0+$/;

/** Reads a `traceparent`; undefined where the specification has it ignored. */
export function parseTraceparent(text: string): Traceparent | undefined {
  const parts = PARENT.exec(text)?.groups;
  if (parts === undefined) return undefined;
  const { version, trace = '', parent = '', flags = '', more } = parts;
  // Only later versions may be longer than the four fields of this one.
  if (version === NO_VERSION || (version === VERSION && more !== undefined)) return undefined;
  if (ZEROS.test(trace) || ZEROS.test(parent)) return undefined;
  return { traceId: trace, parentId: parent, flags: Number.parseInt(flags, 16) };
}

/** The text of a `traceparent`, in version 00. Flags that version does not know are left out. */
export function formatTraceparent({ traceId, parentId, flags }: Traceparent): string {
  const known = (flags & (SAMPLED | RANDOM)).toString(16).padStart(2, '0');
  return `${VERSION}-${traceId}-${parentId}-${known}`;
}

const MAX_STATE_CHARS = 4096;
const MAX_STATE_MEMBERS = 32;
const STATE_MEMBER =
  /^[\da-z][\da-z_\-*/@]{0,255}=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/;

/** Whether a text can go on as `tracestate` (W3C Trace Context, section 3.3). */
export function isTracestate(text: string): boolean {
  if (text.length > MAX_STATE_CHARS) return false;
  const members = membersOf(text);
  return members.length <= MAX_STATE_MEMBERS && members.every((one) => STATE_MEMBER.test(one));
}

const MAX_BAGGAGE_CHARS = 8192;
const MAX_BAGGAGE_MEMBERS = 64;
const TOKEN = "[\\w!#$%&'*+.^`|~-]+";
const VALUE = '[\\x21\\x23-\\x2b\\x2d-\\x3a\\x3c-\\x5b\\x5d-\\x7e]+';
// Blanks before what is not there belong to what comes next: two ways to read them would double the work each time.
const IS = `[ \\t]*=(?:[ \\t]*${VALUE})?`;
const BAGGAGE_MEMBER = new RegExp(`^${TOKEN}${IS}(?:[ \\t]*;[ \\t]*${TOKEN}(?:${IS})?)*$`);

/** Whether a text can go on as `baggage` (W3C Baggage, section 3.3). */
export function isBaggage(text: string): boolean {
  if (text.length > MAX_BAGGAGE_CHARS) return false;
  const members = membersOf(text);
  return members.length <= MAX_BAGGAGE_MEMBERS && members.every((one) => BAGGAGE_MEMBER.test(one));
}

/** The members of a list, without the empty ones that both specifications allow; one empty member where there is none at all. */
function membersOf(text: string): string[] {
  const members = text
    .split(',')
    .map((member) => withoutBlanks(member))
    .filter((member) => member !== '');
  return members.length === 0 ? [''] : members;
}

function withoutBlanks(text: string): string {
  let start = 0;
  let end = text.length;
  while (isBlank(text[start])) start += 1;
  while (end > start && isBlank(text[end - 1])) end -= 1;
  return text.slice(start, end);
}

function isBlank(char: string | undefined): boolean {
  return char === ' ' || char === '\t';
}

/** A context that came, with its `traceparent` taken apart. */
export interface Received {
  readonly parent: Traceparent;
  readonly context: TraceCarrier;
}

/** What of a context is valid; undefined where its `traceparent` is not. */
export function received(given: Readonly<Record<string, unknown>>): Received | undefined {
  const { traceparent, tracestate } = given;
  const parent = typeof traceparent === 'string' ? parseTraceparent(traceparent) : undefined;
  if (parent === undefined) return undefined;
  const state = typeof tracestate === 'string' && isTracestate(tracestate) ? tracestate : undefined;
  const baggage = baggageOf(given);
  return { parent, context: { traceparent: String(traceparent), tracestate: state, baggage } };
}

/** The baggage of a context, where it is valid: it travels without a trace too. */
export function baggageOf({ baggage }: Readonly<Record<string, unknown>>): string | undefined {
  return typeof baggage === 'string' && isBaggage(baggage) ? baggage : undefined;
}
