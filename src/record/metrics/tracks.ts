import type { Entry, Recorded } from '../../kernel/entry.ts';
import { CLIENT_FEATURES, METHODS } from '../../kernel/methods.ts';
import type { Era } from '../../kernel/era.ts';
import { REFUSALS, type RefusalCode } from '../../kernel/refusals.ts';
import { rpcCodeOf } from '../../kernel/rpc-code.ts';
import type { Spending } from '../../kernel/spending.ts';
import type { Families, Histogram, Sample } from './families.ts';
import { LabelValues, OTHER, type LabelTerms } from './label-values.ts';

/** Labels of one kind of exchange. Their values hold no control characters, so they can be told apart when joined. */
interface Kind {
  readonly method: string;
  readonly outcome: string;
  readonly code: string;
  readonly server: string;
  /** As policy knows it; empty unless the target is a tool. */
  readonly tool: string;
  /** As its server knows it. */
  readonly ownTool: string;
  readonly prompt: string;
  readonly agent: string;
  readonly consumer: string;
  readonly llm: string;
  readonly model: string;
  readonly transport: string;
  readonly version: string;
  readonly era: Era;
}

/** The series that exchanges of one kind are counted in. Those not every exchange has are made when one has. */
export interface Track {
  readonly kind: Kind;
  readonly exchanges: Sample;
  readonly operation: Histogram;
  readonly gateway: Histogram;
  readonly calls: Histogram | undefined;
  readonly refusals: Sample | undefined;
  upstream: Histogram | undefined;
}

/** The series that tokens of one kind of exchange are counted in. */
export interface SpendingTrack {
  readonly arguments: Sample;
  readonly result: Sample;
  readonly cost: Sample;
}

const MAX_TRACKS = 10_000;

/** Finds the series of an exchange with one look-up: labels are resolved once for every kind of exchange. */
export class Tracks {
  readonly #families: Families;
  readonly #values: Readonly<Record<LabelGroup, LabelValues>>;
  readonly #tracks = new Map<string, Track>();
  readonly #spendings = new Map<string, SpendingTrack>();

  constructor(families: Families, terms: LabelTerms) {
    this.#families = families;
    const entries = LABEL_GROUPS.map((group) => {
      return [group, new LabelValues(terms, SAID.has(group))] as const;
    });
    this.#values = Object.fromEntries(entries) as Record<LabelGroup, LabelValues>;
  }

  /** The values of one group of labels. */
  values(group: LabelGroup): LabelValues {
    return this.#values[group];
  }

  of(entry: Entry): Track {
    const kind = this.#kindOf(entry);
    const key = keyOf(kind);
    return this.#tracks.get(key) ?? remember(this.#tracks, key, this.#make(kind));
  }

  /** Where the time of the server behind is counted. */
  upstream(track: Track): Histogram {
    track.upstream ??= this.#families.histogram('mcp_client_operation_duration_seconds', {
      ...callLabels(track.kind),
      ...upstreamErrorOf(track.kind),
      gen_ai_tool_name: track.kind.ownTool,
    });
    return track.upstream;
  }

  /** Where tokens and cost are counted, under the model they were counted for. */
  spending({ entry }: Recorded, { kind }: Track, spending: Spending): SpendingTrack {
    const ref = spending.model ?? entry.model;
    const { method, server, tool, consumer } = kind;
    const llm = this.#values.llm.of(ref?.provider);
    const model = this.#values.model.of(ref?.id);
    const estimate = String(spending.tokens.isEstimate);
    const key = [method, server, tool, consumer, llm, model, estimate].join('\n');
    const present = this.#spendings.get(key);
    if (present !== undefined) return present;
    const labels = { method, server, tool, consumer, llm, model };
    const tokens = (of: 'arguments' | 'result'): Sample =>
      this.#families.sample('mcpx_tokens_total', { ...labels, kind: of, estimate });
    return remember(this.#spendings, key, {
      arguments: tokens('arguments'),
      result: tokens('result'),
      cost: this.#families.sample('mcpx_cost_usd_total', labels),
    });
  }

  #kindOf(entry: Entry): Kind {
    const { method, outcome, target, kind, custom, caller, model } = entry;
    const values = this.#values;
    // A resource's name is its URI: anybody's text, and never a label.
    const tool = kind === 'tool' ? target : undefined;
    return {
      method: METHODS.has(method) || CLIENT_FEATURES.has(method) ? method : OTHER,
      outcome,
      code: isRefusalCode(entry.code) ? entry.code : values.code.of(entry.code),
      server: values.server.of(entry.upstream),
      tool: tool === undefined ? '' : values.tool.of(custom ?? tool),
      ownTool: values.tool.of(tool),
      prompt: kind === 'prompt' ? values.prompt.of(target) : '',
      agent: values.agent.of(entry.client),
      consumer: values.consumer.of(caller?.consumer),
      llm: values.llm.of(model?.provider),
      model: values.model.of(model?.id),
      transport: entry.transport ?? '',
      version: values.version.of(entry.version),
      era: entry.era,
    };
  }

  #make(kind: Kind): Track {
    const { method, outcome, code, server, consumer } = kind;
    const families = this.#families;
    return {
      kind,
      exchanges: families.sample('mcpx_exchanges_total', { method, outcome, server, consumer }),
      operation: families.histogram('mcp_server_operation_duration_seconds', {
        ...callLabels(kind),
        ...errorOf(kind),
        gen_ai_tool_name: kind.tool,
        mcp_protocol_version: kind.version,
        network_transport: networkOf(kind.transport),
      }),
      gateway: families.histogram('mcpx_gateway_duration_seconds', { method }),
      calls: kind.tool === '' ? undefined : this.#calls(kind),
      refusals: isRefusalCode(code) ? families.sample('mcpx_refusals_total', { code }) : undefined,
      upstream: undefined,
    };
  }

  /** The histogram that dashboards of users are built on: tool calls only, with the labels it always had. */
  #calls(kind: Kind): Histogram | undefined {
    if (kind.method !== 'tools/call') return undefined;
    const { tool, outcome, agent, llm, model, server, consumer } = kind;
    const labels = { agent, llm, model, server, consumer };
    const error = String(!isSuccess(outcome));
    return this.#families.histogram('tool_call_duration_ms', { tool_name: tool, error, ...labels });
  }
}

const LABEL_GROUPS = [
  'agent',
  'code',
  'consumer',
  'event',
  'limit',
  'llm',
  'model',
  'prompt',
  'server',
  'tool',
  'version',
] as const;

/** What callers say of themselves; the others are names that the configuration or a server gives. */
const SAID: ReadonlySet<string> = new Set(['agent', 'llm', 'model']);

/** Labels that take their values from one source share what they may take. */
export type LabelGroup = (typeof LABEL_GROUPS)[number];

/** How many values each group of labels has taken. */
export function* labelCounts(
  tracks: Tracks,
): Generator<readonly [group: LabelGroup, count: number]> {
  for (const group of LABEL_GROUPS) yield [group, tracks.values(group).count];
}

function keyOf(kind: Kind): string {
  const { method, outcome, code, server, tool, ownTool, prompt } = kind;
  const { agent, consumer, llm, model, transport, version, era } = kind;
  const target = `${server}\n${tool}\n${ownTool}\n${prompt}`;
  return `${method}\n${outcome}\n${code}\n${target}\n${agent}\n${consumer}\n${llm}\n${model}\n${transport}\n${version}\n${era}`;
}

/** Dropping all of them only costs making those again that are still used; what they counted is in the families. */
function remember<Value>(known: Map<string, Value>, key: string, value: Value): Value {
  if (known.size >= MAX_TRACKS) known.clear();
  known.set(key, value);
  return value;
}

function callLabels({ method, prompt, server }: Kind): {
  readonly mcp_method_name: string;
  readonly gen_ai_operation_name: string;
  readonly gen_ai_prompt_name: string;
  readonly mcpx_server: string;
} {
  return {
    mcp_method_name: method,
    gen_ai_operation_name: method === 'tools/call' ? 'execute_tool' : '',
    gen_ai_prompt_name: prompt,
    mcpx_server: server,
  };
}

/** The transport as the conventions name it: what carries it, not what is spoken over it. */
export function networkOf(transport: string): string {
  if (transport === '') return '';
  return transport === 'stdio' ? 'pipe' : 'tcp';
}

interface ErrorLabels {
  readonly error_type: string;
  readonly rpc_response_status_code: string;
}

/** A question to the client is no error either. */
function isSuccess(outcome: string): boolean {
  return outcome === 'ok' || outcome === 'input-required';
}

/** What the client was answered (conventions: `error.type` is the JSON-RPC code where there is one). */
function errorOf({ outcome, code, era }: Kind): ErrorLabels {
  if (outcome === 'tool-error') return { error_type: 'tool_error', rpc_response_status_code: '' };
  const status = isRefusalCode(code) ? String(rpcCodeOf(code, era)) : code;
  if (status !== '') return { error_type: status, rpc_response_status_code: status };
  return { error_type: isSuccess(outcome) ? '' : outcome, rpc_response_status_code: '' };
}

/** What the server behind answered; an answer that the gateway then refused to pass on was none of its errors. */
function upstreamErrorOf({ outcome, code }: Kind): ErrorLabels {
  const none = { rpc_response_status_code: '' };
  if (outcome === 'tool-error') return { error_type: 'tool_error', ...none };
  if (outcome === 'error') return { error_type: code, rpc_response_status_code: code };
  if (outcome === 'timed-out') return { error_type: 'timeout', ...none };
  if (outcome === 'cancelled') return { error_type: outcome, ...none };
  return { error_type: code.startsWith('UPSTREAM_') ? code : '', ...none };
}

/** Codes of refusals are names, those that servers answer with are numbers. */
function isRefusalCode(code: string | undefined): code is RefusalCode {
  return code !== undefined && Object.hasOwn(REFUSALS, code);
}
