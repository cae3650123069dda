import assert from 'node:assert/strict';
import { modernSent } from './raw-clients.ts';
import { messagesIn, parseEvents } from './raw-events.ts';
import { rpcOf, send, type Got, type JsonObject, type Rpc } from './raw-http.ts';

const CAPABILITIES = {
  'io.modelcontextprotocol/clientCapabilities': { elicitation: {}, sampling: {}, roots: {} },
};

/** One request of a modern client that can be asked anything. */
export async function askable(port: number, params: JsonObject): Promise<Rpc> {
  return answerIn(await send(port, modernSent('tools/call', params, { meta: CAPABILITIES })));
}

/** An answer that takes its time comes as a stream. */
function answerIn(got: Got): Rpc {
  if (got.headers['content-type']?.startsWith('text/event-stream') !== true) return rpcOf(got);
  return messagesIn(parseEvents(got.text)).at(-1) ?? assert.fail(got.text);
}

/** What answers the questions of a round, each of them alike. Fails where nothing was asked. */
export function answersTo({ result, error }: Rpc, answer: JsonObject): JsonObject {
  assert.equal(result?.['resultType'], 'input_required', JSON.stringify(error ?? result));
  const keys = Object.keys(result['inputRequests'] as JsonObject);
  const inputResponses = Object.fromEntries(keys.map((key) => [key, answer]));
  return { inputResponses, requestState: result['requestState'] };
}
