import { Cancelled, RemoteError, type Answer } from '../kernel/answer.ts';
import type { Era } from '../kernel/era.ts';
import type { RequestId, RpcError } from '../kernel/json-rpc.ts';
import { Refusal, REFUSALS } from '../kernel/refusals.ts';
import { rpcCodeOf } from '../kernel/rpc-code.ts';

/** An error ready for the wire. */
export interface WireError {
  readonly status: number;
  readonly error: RpcError;
}

const OK = 200;

/** HTTP statuses that the modern protocol gives to errors, also to those of a server behind (spec 2026-07-28, streamable HTTP). */
const MODERN_STATUS: Readonly<Record<number, number>> = {
  [-32601]: 404,
  [-32020]: 400,
  [-32021]: 400,
  [-32022]: 400,
};

/** The one mapping from what went wrong to what is written. Undefined for a request that its client has cancelled. */
export function wireError(error: unknown, era: Era): WireError | undefined {
  if (error instanceof Cancelled) return undefined;
  if (error instanceof Refusal) return fromRefusal(error, era);
  if (error instanceof RemoteError) {
    return { status: statusOf(error.error.code, era), error: error.error };
  }
  // What comes here was found after the exchange was recorded: an answer that cannot be written.
  return fromRefusal(
    new Refusal('UPSTREAM_PROTOCOL', 'The answer cannot be written as JSON.'),
    era,
  );
}

/** A response as JSON text. A result that is text already is not parsed. */
export function responseText(id: RequestId, answer: Answer): string {
  const head = `{"jsonrpc":"2.0","id":${JSON.stringify(id)},`;
  if ('error' in answer) return `${head}"error":${JSON.stringify(answer.error)}}`;
  return `${head}"result":${'text' in answer ? answer.text : JSON.stringify(answer.result)}}`;
}

/** An error response as JSON text; the id is null where the request could not be read. */
export function errorText(id: RequestId | null, error: RpcError): string {
  return JSON.stringify({ jsonrpc: '2.0', id, error });
}

/** The HTTP status of an answer that is not a refusal. */
export function answerStatus(answer: Answer, era: Era): number {
  return 'error' in answer ? statusOf(answer.error.code, era) : OK;
}

function statusOf(code: number, era: Era): number {
  return era === 'modern' ? (MODERN_STATUS[code] ?? OK) : OK;
}

function fromRefusal(refusal: Refusal, era: Era): WireError {
  const row = REFUSALS[refusal.code];
  // What a challenge says is told by its header.
  const { challenge: _header, ...details } = refusal.data ?? {};
  const data = { refusal: refusal.code, remedy: row.remedy, ...details };
  return {
    status: row.http,
    error: {
      code: rpcCodeOf(refusal.code, era),
      message: refusal.message,
      data,
    },
  };
}
