import type { Supposition } from '../identity/supposed.ts';
import { isObject, objectAt, stringAt, type Json, type JsonObject } from '../kernel/json.ts';
import type { Proof } from '../kernel/principal.ts';
import type { TargetKind } from '../kernel/target.ts';

/** What of the arguments a record has: all, too little to tell, or what was left out on purpose. */
export type RecordedArguments =
  | { readonly value: JsonObject | undefined }
  | { readonly missing: 'not recorded' | 'redacted' };

/** A call of the audit log about which policy decided. */
export interface RecordedCall {
  readonly method: string;
  readonly kind: TargetKind;
  readonly server: string;
  /** The server's own name of the target; empty for tasks. */
  readonly target: string;
  readonly custom: string | undefined;
  readonly caller: Supposition & { readonly proof: Proof };
  readonly transport: string | undefined;
  /** Undefined where there can be none: none were known of the caller. */
  readonly args: RecordedArguments;
  readonly wasAllowed: boolean;
  /** When it arrived, in milliseconds since the epoch. */
  readonly at: number;
}

const KINDS: readonly string[] = [
  'tool',
  'prompt',
  'resource',
  'template',
  'task',
  'ask',
  'extension',
];
const PROOFS: readonly string[] = ['local', 'shared-key', 'api-key', 'token'];
/** Codes by which a caller learns that policy said no. */
const DENIALS = new Set([
  'FORBIDDEN',
  'INSUFFICIENT_SCOPE',
  'ASK_FORBIDDEN',
  'TARGET_UNKNOWN',
  'RESOURCE_UNKNOWN',
]);

/** The call a record of the audit log is about; undefined where policy decided nothing, or it is no such record. */
export function recordedCall(record: JsonObject): RecordedCall | undefined {
  const addressed = addressedBy(record);
  const caller = callerOf(record);
  const endedAt = Date.parse(stringAt(record, 'at') ?? '');
  if (addressed === undefined || caller === undefined || Number.isNaN(endedAt)) return undefined;
  const code = stringAt(record, 'code') ?? '';
  const durationMs = record['durationMs'];
  return {
    ...addressed,
    caller,
    transport: stringAt(record, 'transport'),
    args: argumentsOf(record, addressed.kind),
    wasAllowed: !(record['outcome'] === 'refused' && DENIALS.has(code)),
    at: endedAt - (typeof durationMs === 'number' ? durationMs : 0),
  };
}

type Addressed = Pick<RecordedCall, 'method' | 'kind' | 'server' | 'target' | 'custom'>;

function addressedBy(record: JsonObject): Addressed | undefined {
  const [method, kind, server] = ['method', 'kind', 'server'].map((key) => stringAt(record, key));
  const isDecided = stringAt(record, 'rule') !== undefined;
  const target = stringAt(record, 'target') ?? (kind === 'task' ? '' : undefined);
  if (method === undefined || server === undefined || target === undefined) return undefined;
  if (!isDecided || !KINDS.includes(kind ?? '')) return undefined;
  return { method, kind: kind as TargetKind, server, target, custom: stringAt(record, 'custom') };
}

function callerOf(record: JsonObject): RecordedCall['caller'] | undefined {
  const caller = objectAt(record, 'caller');
  const proof = stringAt(caller, 'proof');
  if (caller === undefined || proof === undefined || !PROOFS.includes(proof)) return undefined;
  return {
    proof: proof as Proof,
    name: stringAt(caller, 'name'),
    consumer: stringAt(caller, 'consumer'),
    groups: stringsIn(caller['groups']),
    scopes: caller['scopes'] === undefined ? undefined : stringsIn(caller['scopes']),
    client: stringAt(record, 'client'),
    endpoint: stringAt(caller, 'endpoint'),
  };
}

/** What conditions see as the arguments of this kind of call. */
function argumentsOf(record: JsonObject, kind: TargetKind): RecordedArguments {
  if (kind === 'resource') return { value: undefined };
  const isPlain = record['method'] === 'tools/call' || record['method'] === 'prompts/get';
  const mode = stringAt(record, 'argumentsMode');
  if (!isPlain || mode === undefined || mode === 'none' || mode === 'hash')
    return { missing: 'not recorded' };
  if (record['isWhole'] !== true) return { missing: 'redacted' };
  const given = record['arguments'];
  return { value: isObject(given) ? given : {} };
}

function stringsIn(value: Json | undefined): readonly string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}
