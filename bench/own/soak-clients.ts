import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { setTimeout as sleep } from 'node:timers/promises';
import { connectFirst } from '../../test/support/eras-clients.ts';
import { LegacyClient, ModernClient } from '../load/clients.ts';
import { ORDER, type Order } from '../load/order.ts';
import type { Subject } from '../sides/subject.ts';

/** Counts what a client of the soak got; those that vanish on purpose get nothing. */
export interface Scores {
  asked: number;
  vanished: number;
  faults: string[];
}

const ANSWER = { action: 'accept', content: { username: 'bench', email: 'bench@example.com' } };
/** The rules read `text` of every call, and a rule that cannot is a no. */
const QUESTION = {
  name: 'asks__test_elicitation',
  arguments: { text: '', message: 'Who are you?' },
};
const ACCEPTED = 'accept';

/** A legacy client is asked in the middle of its call; an SDK's, as most are. */
export async function askedLegacy({ port, key }: Subject, scores: Scores): Promise<void> {
  const url = new URL(`http://127.0.0.1:${port}/mcp`);
  const headers = { 'x-lunar-api-key': key };
  const transport = new StreamableHTTPClientTransport(url, { requestInit: { headers } });
  const client = await connectFirst('soak', transport, () => ANSWER);
  try {
    const result = await client.request('tools/call', QUESTION);
    noteAnswer(JSON.stringify(result), scores);
  } finally {
    await transport.terminateSession().catch(() => undefined);
    await client.close();
  }
}

/** A modern client gets input_required and comes back with the answer. */
export async function askedModern({ port, key }: Subject, scores: Scores): Promise<void> {
  const client = await ModernClient.open({ ...ORDER, port, key });
  try {
    const _meta = { 'io.modelcontextprotocol/clientCapabilities': { elicitation: { form: {} } } };
    let more: object = {};
    for (let id = 1; id < 5; id += 1) {
      const [json = ''] = (
        await client.request(id, 'tools/call', { ...QUESTION, ...more, _meta })
      ).slice(-1);
      const { result = {} } = JSON.parse(json) as { result?: Rounds };
      if (result.resultType !== 'input_required') {
        noteAnswer(json, scores);
        return;
      }
      const keys = Object.keys(result.inputRequests ?? {});
      const inputResponses = Object.fromEntries(keys.map((each) => [each, ANSWER]));
      more = { inputResponses, requestState: result.requestState };
    }
  } finally {
    await client.close();
  }
}

interface Rounds {
  readonly resultType?: string;
  readonly inputRequests?: Readonly<Record<string, unknown>>;
  readonly requestState?: string;
}

function noteAnswer(json: string, scores: Scores): void {
  scores.asked += 1;
  if (!json.includes(ACCEPTED)) scores.faults.push(`asked: ${json.slice(0, 300)}`);
}

/** A client that sends a call and is gone before its answer, or in the middle of it; its session stays behind. */
export async function vanishing({ port, key }: Subject, scores: Scores): Promise<void> {
  const order: Order = { ...ORDER, port, key };
  const calls = [
    { name: 'bench__wait', arguments: { text: 'gone', ms: 400 } },
    { name: 'bench__echo', arguments: { text: 'gone', bytes: 2_000_000 } },
    { name: 'legacy__steps', arguments: { text: 'gone', steps: 200 }, _meta: { progressToken: 1 } },
  ];
  for (const call of calls) {
    const client = await LegacyClient.open(order);
    client.listen();
    client.request(1, 'tools/call', call).catch(() => undefined);
    await sleep(15);
    client.leave();
    scores.vanished += 1;
  }
}
