import type { JsonObject } from './json.ts';
import type { RpcError } from './json-rpc.ts';

/**
 * What came back for a request: a result, a result that is already JSON text, or the error its server answered with.
 * A tool that fails is a result with isError.
 */
export type Answer = { readonly result: JsonObject } | TextAnswer | { readonly error: RpcError };

/** A result that is JSON text, such as a page of a list. */
export interface TextAnswer {
  readonly text: string;
  /** Whether this very object is answered again, so that what is made of it is worth keeping. */
  readonly isKept?: boolean;
}

/** An error a peer answered with, thrown where a result is awaited. */
export class RemoteError extends Error {
  readonly error: RpcError;

  constructor(error: RpcError) {
    super(error.message);
    this.name = 'RemoteError';
    this.error = error;
  }
}

/** Thrown to a stage whose client has cancelled: nobody waits for an answer any more. */
export class Cancelled extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'Cancelled';
  }
}
