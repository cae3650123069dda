import type { UpstreamState } from '../kernel/inventory.ts';
import { endOnSignals, launch, type Launch } from './launch.ts';
import { clientSettings, stateLine, summaryLine } from './output.ts';

/** `mcpx serve`: the gateway over HTTP, until a signal ends it. */
export async function serve(): Promise<void> {
  // Whoever reads the progress may stop reading; the gateway goes on.
  process.stdout.on('error', () => undefined);
  const progress = new Progress();
  const launched = launch((state) => progress.note(state));
  if (launched === undefined) {
    process.exitCode = 1;
    return;
  }
  endOnSignals(() => launched.close());
  const port = await bind(launched);
  if (port === undefined) return;
  const { plan, surroundings } = launched;
  const { host } = surroundings;
  const scheme = plan.server.tls === undefined ? 'http' : 'https';
  const url = `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}/mcp`;
  print(`MCPX is listening on ${url}`);
  progress.begin(launched, url);
  launched.gateway.start();
  progress.check();
}

async function bind(launched: Launch): Promise<number | undefined> {
  try {
    return await launched.gateway.listen();
  } catch (error) {
    const { host, port } = launched.surroundings;
    const { code, message } = error as NodeJS.ErrnoException;
    const why =
      code === 'EADDRINUSE' ? 'the port is in use; set MCPX_PORT to another one' : message;
    process.stderr.write(`mcpx: cannot listen on ${host}:${port}: ${why}\n`);
    await launched.close();
    process.exitCode = 1;
    return undefined;
  }
}

/** Prints a line per server as it comes up, and how to connect once none is starting any more, or after a while. */
class Progress {
  readonly #shown = new Map<string, string>();
  #launched: Launch | undefined;
  #url = '';
  #isDone = false;

  begin(launched: Launch, url: string): void {
    this.#launched = launched;
    this.#url = url;
    // One server that hangs must not keep the user waiting for how to connect.
    setTimeout(() => this.#finish(), PATIENCE_MS).unref();
  }

  note(state: UpstreamState): void {
    if (state.phase !== 'starting' && this.#shown.get(state.name) !== state.phase) {
      this.#shown.set(state.name, state.phase);
      if (!this.#isDone || state.phase !== 'stopped') print(stateLine(state));
    }
    this.check();
  }

  check(): void {
    const { operator } = this.#launched?.gateway ?? {};
    const servers = operator?.servers() ?? [];
    const isStarting = servers.some(({ phase }) => phase === 'starting');
    if (servers.length === this.#launched?.plan.servers.length && !isStarting) this.#finish();
  }

  #finish(): void {
    if (this.#isDone || this.#launched === undefined) return;
    this.#isDone = true;
    print(summaryLine(this.#launched.gateway.operator));
    print(`\n${settingsFor(this.#launched, this.#url)}\n`);
  }
}

/** Clients are given the address they reach the gateway under, and told of the key they need. */
function settingsFor({ plan, surroundings }: Launch, url: string): string {
  const { auth, server } = plan;
  const isEverywhere = surroundings.host === '0.0.0.0' || surroundings.host === '::';
  const near = isEverywhere ? url.replace(/\/\/(?:0\.0\.0\.0|\[::\])/u, '//127.0.0.1') : url;
  const base = server.publicUrl?.replace(/\/$/u, '');
  const isByKey = auth.isOn && auth.issuers.length === 0;
  return clientSettings(
    base === undefined ? near : `${base}/mcp`,
    isByKey ? auth.header : undefined,
  );
}

const PATIENCE_MS = 5000;

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
