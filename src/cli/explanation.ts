import type { JsonObject } from '../kernel/json.ts';
import type { Principal } from '../kernel/principal.ts';
import type { Desk } from '../wiring/desk.ts';
import { labelOf, type Absence, type Found } from '../wiring/offline-catalog.ts';
import { shown } from './output.ts';

type Explanation = ReturnType<Desk['explain']>;
type Considered = Explanation['considered'][number];

/** A decision, and what it was about. */
export interface Told {
  readonly caller: Principal;
  readonly found: Found;
  /** Arguments as given, and as the server would get them, without what looks like a secret. */
  readonly args: JsonObject | undefined;
  readonly judged: JsonObject | undefined;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly explanation: Explanation;
  /** What is wrong with the arguments of an allowed call. */
  readonly argumentFault: string | undefined;
}

/** A decision for people: the answer first, then what was considered, in order, then what is to be known about it. */
export function explanationText(told: Told): string {
  const { considered, shadows } = told.explanation;
  const shadowed = `Rules in shadow mode that would have decided otherwise: ${shadows.join(', ')}`;
  const lines = [
    subjectLine(told),
    '',
    answerLine(told),
    '',
    'Considered, in this order:',
    ...considered.flatMap((each, index) => consideredLines(each, index + 1)),
    ...(shadows.length === 0 ? [] : ['', shadowed]),
    ...spaced(notesOf(told).map((text) => `Note: ${text}`)),
  ];
  return `${lines.map((line) => shown(line)).join('\n')}\n`;
}

/** A decision for programs. */
export function explanationJson(told: Told): string {
  const { caller, found, explanation, judged, at, argumentFault } = told;
  const { target, isSeen, absence } = found;
  const { proof, name, consumer, groups, scopes, endpoint, client, claims } = caller;
  const { rule, hidden, scopes: wanted, shadows, considered } = explanation;
  const value = {
    server: target.upstream,
    kind: target.kind,
    name: target.name,
    custom: target.shape?.name,
    publicName: target.publicName,
    isSeen,
    absence,
    caller: { proof, name, consumer, groups, scopes, endpoint, client, claims },
    at: new Date(at).toISOString(),
    arguments: judged,
    allowed: isAllowed(told),
    rule,
    hidden,
    scopes: wanted,
    shadows,
    argumentFault,
    considered,
    notes: notesOf(told),
  };
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** What policy allows is still no call where it is not on offer or its arguments are refused. */
function isAllowed({ explanation, found, argumentFault }: Told): boolean {
  return explanation.isAllowed && found.absence === undefined && argumentFault === undefined;
}

function subjectLine({ found, caller, at }: Told): string {
  const { target } = found;
  const { consumer, groups, scopes, client, endpoint } = caller;
  const who = [
    consumer === undefined ? 'a caller without a consumer' : `consumer ${consumer}`,
    ...(groups.length === 0 ? [] : [`groups ${groups.join(', ')}`]),
    ...(scopes === undefined || scopes.length === 0 ? [] : [`scopes ${scopes.join(' ')}`]),
    ...(client === undefined ? [] : [`client ${client}`]),
    ...(endpoint === undefined ? [] : [`endpoint ${endpoint}`]),
  ];
  const shown = target.publicName === target.name ? '' : `, offered as ${target.publicName}`;
  return `${labelOf(target)} (${target.kind}${shown}) for ${who.join(', ')}, at ${localTime(at)}`;
}

/** In the time zone that rules see. */
function localTime(at: number): string {
  const date = new Date(at);
  const two = (number: number): string => String(number).padStart(2, '0');
  const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join('-');
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}`;
}

function answerLine(told: Told): string {
  const { explanation, found, argumentFault } = told;
  const { rule, hidden, scopes } = explanation;
  if (!explanation.isAllowed) {
    const answer = scopes.length > 0 ? `INSUFFICIENT_SCOPE, with ${scopes.join(' ')}` : 'FORBIDDEN';
    return `DENIED by ${rule}; ${hidden ? 'it looks as if it did not exist' : `the answer is ${answer}`}`;
  }
  if (found.absence !== undefined)
    return `NOT ON OFFER: ${ABSENCES[found.absence]}; allowed by ${rule}`;
  if (argumentFault !== undefined)
    return `REFUSED for its arguments, though allowed by ${rule}: ${argumentFault}`;
  return `ALLOWED by ${rule}`;
}

const ABSENCES: Readonly<Record<Absence, string>> = {
  inactive: 'its server is switched off',
  replaced: 'the custom tools made from it replace it',
  unlisted: 'its server did not list it when it was last seen',
};

function consideredLines(each: Considered, number: number): string[] {
  const { id, kind, effect, mode, verdict, why } = each;
  const what = kind === 'rule' ? `rule ${id}` : id;
  const shadow = mode === 'shadow' ? ', shadow' : '';
  const place = `${String(number).padStart(3)}. `;
  return [`${place}${what} (${effect}${shadow}): ${verdict}`, `${' '.repeat(place.length)}${why}`];
}

function notesOf({ found, explanation, args, judged }: Told): string[] {
  const { target, isSeen } = found;
  const isTool = target.kind === 'tool';
  const assumed = isTool
    ? ', with the annotations the protocol assumes where a tool says nothing'
    : '';
  const { upstream } = target;
  const hasMore = !explanation.isAllowed && !explanation.hidden && explanation.scopes.length === 0;
  return [
    ...(isSeen
      ? []
      : [
          `server ${upstream} was not seen with this configuration, so this is judged by its name alone${assumed}.`,
        ]),
    ...(hasMore && args === undefined
      ? ['some arguments could be allowed; give those of the call with --args.']
      : []),
    ...(target.shape === undefined
      ? []
      : [
          `it is made from ${upstream}/${target.name}, whose server gets ${JSON.stringify(judged)}.`,
        ]),
  ];
}

function spaced(lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? lines : ['', ...lines];
}
