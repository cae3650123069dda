// A server of either era whose offer is its command line, made of the parts of the fixture: tools that return what they
// were given, prompts and resources by name, and on wish the fixture's own tools.
import { parseArgs } from 'node:util';
import { jsonResult, textResult, wait } from '../fixture/content.ts';
import { Jobs } from '../fixture/jobs.ts';
import type { JsonObject } from '../fixture/json-rpc.ts';
import { Offer, type Call, type LegacyCall, type ModernCall, type Tool } from '../fixture/offer.ts';
import type { Options } from '../fixture/options.ts';
import { PROMPTS } from '../fixture/prompts.ts';
import { newState, type State } from '../fixture/state.ts';
import { askingTools } from '../fixture/tools/asking.ts';
import { MODERN_ASKING_TOOLS } from '../fixture/tools/asking-modern.ts';
import { changingTools, processTools } from '../fixture/tools/control.ts';
import { elicitation, INPUT_REQUIRED_TOOLS } from '../fixture/tools/input-required.ts';
import { PLAIN_TOOLS } from '../fixture/tools/plain.ts';
import { LEGACY_ROUNDS_TOOLS } from '../fixture/tools/rounds-legacy.ts';
import { LEGACY_TASK_TOOLS } from '../fixture/tools/tasks-legacy.ts';
import { MODERN_TASK_TOOLS } from '../fixture/tools/tasks-modern.ts';
import { serveLegacyHttp } from '../fixture/transport/http-legacy.ts';
import { serveModernHttp } from '../fixture/transport/http-modern.ts';
import { serveLegacyStdio, serveModernStdio } from '../fixture/transport/stdio.ts';
import type { AccessOffer } from './access-servers.ts';

const { values } = parseArgs({
  options: {
    era: { type: 'string', default: 'legacy' },
    port: { type: 'string' },
    offer: { type: 'string', default: '{}' },
  },
});

const ANY_OBJECT = { type: 'object' };

/** A tool that returns its name and the arguments it got, as text and as structured content. */
function echoing(given: string | (JsonObject & { name: string })): Tool {
  const own = typeof given === 'string' ? { name: given } : given;
  const definition = { description: `The tool ${own.name}`, inputSchema: ANY_OBJECT, ...own };
  return {
    definition,
    run: (call) => jsonResult({ tool: own.name, arguments: call.arguments }),
  };
}

function fill<C extends Call>(
  offer: Offer<C>,
  wish: AccessOffer,
  parts: Readonly<Record<string, readonly Tool<C>[]>>,
): Offer<C> {
  for (const tool of wish.tools ?? []) offer.addTool(echoing(tool));
  for (const part of wish.parts ?? []) for (const tool of parts[part] ?? []) offer.addTool(tool);
  const [plain] = PROMPTS;
  for (const name of wish.prompts ?? [])
    if (plain !== undefined) offer.prompts.set(name, { ...plain, definition: { name } });
  for (const uri of wish.resources ?? [])
    offer.resources.set(uri, {
      definition: { uri, name: uri, mimeType: 'text/plain' },
      read: () => ({ contents: [{ uri, mimeType: 'text/plain', text: `the text of ${uri}` }] }),
    });
  return offer;
}

function common<C extends Call>(offer: Offer<C>, state: State): Record<string, readonly Tool<C>[]> {
  return { control: [...processTools(state), ...changingTools(offer)], plain: PLAIN_TOOLS };
}

/** A task that asks the user something, only after a while, so that somebody may be listening by then. */
const ASKING_LATE: Tool<ModernCall> = {
  definition: {
    name: 'ask_late',
    description: 'A task that asks after so many milliseconds',
    inputSchema: { type: 'object', properties: { ms: { type: 'number' } } },
  },
  run: (call) =>
    call.startTask(async (job) => {
      await wait(Number(call.arguments['ms']), job.signal);
      const { method, params } = elicitation('Are you there?', 'name');
      return textResult(JSON.stringify(await job.ask('late', method, params)));
    }),
};

const wish = JSON.parse(values.offer) as AccessOffer;
const options: Options = {
  era: values.era === 'modern' ? 'modern' : 'legacy',
  transport: values.port === undefined ? 'stdio' : 'http',
  port: Number(values.port ?? 0),
  name: 'access-server',
  pageSize: 0,
  extraTools: 0,
  startDelayMs: 0,
  beforeInitialize: 'answer',
  hasInterviews: false,
};
const state = newState();
const base = { options, state, jobs: new Jobs() };

if (options.era === 'legacy') {
  const offer = new Offer<LegacyCall>(0);
  const asking = [...askingTools(state), ...LEGACY_ROUNDS_TOOLS];
  const parts = { ...common(offer, state), asking, tasks: LEGACY_TASK_TOOLS };
  const fixture = { ...base, offer: fill(offer, wish, parts) };
  await (values.port === undefined ? serveLegacyStdio(fixture) : serveLegacyHttp(fixture));
} else {
  const offer = new Offer<ModernCall>(0);
  const asking = [...MODERN_ASKING_TOOLS, ...INPUT_REQUIRED_TOOLS];
  const parts = { ...common(offer, state), asking, tasks: [...MODERN_TASK_TOOLS, ASKING_LATE] };
  const fixture = { ...base, offer: fill(offer, wish, parts) };
  await (values.port === undefined ? serveModernStdio(fixture) : serveModernHttp(fixture));
}
// The input of a stdio server has ended; open timers must not keep the process.
if (values.port === undefined) process.exit(0);
