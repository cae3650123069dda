import type { EndedSession } from '../../kernel/ended-session.ts';
import type { GatewayEvent, Recorded, Sink } from '../../kernel/entry.ts';
import type { UpstreamState } from '../../kernel/inventory.ts';
import { REFUSALS, type RefusalCode } from '../../kernel/refusals.ts';
import { collect } from './collect.ts';
import { Families } from './families.ts';
import { LinkTimes } from './link-times.ts';
import type { MetricsPorts, ParkedEnd } from './ports.ts';
import { networkOf, Tracks } from './tracks.ts';

/** What a scraper is answered. */
export interface Exposition {
  readonly contentType: string;
  readonly text: string;
}

const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';
/** Series one metric may have, for each value that one label may take. */
const SERIES_PER_VALUE = 10;

/** Metrics of everything the gateway does, in the Prometheus format. Taking costs a look-up and a few additions. */
export class MetricsSink implements Sink {
  readonly #ports: MetricsPorts;
  readonly #families: Families;
  readonly #tracks: Tracks;
  readonly #links: LinkTimes;
  #process: Promise<() => Promise<string>> | undefined;

  constructor(ports: MetricsPorts) {
    this.#ports = ports;
    this.#families = new Families(() => SERIES_PER_VALUE * ports.maxLabelValues());
    this.#tracks = new Tracks(this.#families, ports);
    this.#links = new LinkTimes((...times) => this.#linkEnded(...times));
    // A series that begins with its first increase hides that increase from rate().
    for (const code of Object.keys(REFUSALS)) {
      this.#families.sample('mcpx_refusals_total', { code });
      this.#families.sample('mcpx_turned_away_total', { code });
    }
  }

  take(recorded: Recorded): void {
    const { entry } = recorded;
    const track = this.#tracks.of(entry);
    track.exchanges.value += 1;
    track.operation.observe(entry.durationMs / 1000);
    track.gateway.observe(Math.max(0, entry.durationMs - entry.upstreamMs) / 1000);
    track.calls?.observe(entry.durationMs);
    if (track.refusals !== undefined) track.refusals.value += 1;
    if (entry.upstreamMs > 0) this.#tracks.upstream(track).observe(entry.upstreamMs / 1000);
    if (recorded.spending !== undefined) {
      const { tokens, cost } = recorded.spending;
      const spent = this.#tracks.spending(recorded, track, recorded.spending);
      spent.arguments.value += tokens.arguments;
      spent.result.value += tokens.result;
      spent.cost.value += cost ?? 0;
    }
    for (const warning of entry.warnings) this.#warned(warning);
  }

  /** Counts requests that were refused before they were on any road. */
  turnedAway(code: RefusalCode, count = 1): void {
    this.#families.sample('mcpx_turned_away_total', { code }).value += count;
  }

  /** Counts a call that stopped waiting for its client. */
  parkedEnded(reason: ParkedEnd): void {
    this.#families.sample('mcpx_parked_ended_total', { reason }).value += 1;
  }

  /** Counts what happened to the gateway itself. */
  event({ event: name }: GatewayEvent): void {
    const event = this.#tracks.values('event').of(name);
    this.#families.sample('mcpx_events_total', { event }).value += 1;
  }

  /** A client's session is no more. */
  sessionEnded({ version, ageMs }: EndedSession): void {
    const mcpVersion = this.#tracks.values('version').of(version);
    const labels = { error_type: '', mcp_protocol_version: mcpVersion };
    const name = 'mcp_server_session_duration_seconds';
    this.#families.histogram(name, labels).observe(ageMs / 1000);
  }

  /** Takes note of a server's new state: from these it is known how long its connections were up. */
  serverState(state: UpstreamState): void {
    this.#links.note(state);
  }

  /** Begins to watch the process and its event loop. Not needed for anything else: call it when nothing is waiting. */
  async watchProcess(): Promise<void> {
    await this.#processMetrics();
  }

  /** The exposition text and its content type. */
  async exposition(): Promise<Exposition> {
    const ofProcess = await (await this.#processMetrics())();
    collect(this.#families, this.#tracks, this.#ports);
    const texts: string[] = [];
    for (const text of this.#families.texts()) {
      texts.push(text);
      // Calls go on between one metric and the next.
      if (text.length > LONG_TEXT) await turn();
    }
    texts.push(ofProcess);
    return { contentType: CONTENT_TYPE, text: texts.join('') };
  }

  #warned(warning: string): void {
    const space = warning.indexOf(' ');
    const word = warning.slice(0, space);
    const limit = this.#tracks.values('limit').of(warning.slice(space + 1));
    if (word === 'near') this.#families.sample('mcpx_limit_warnings_total', { limit }).value += 1;
    const mode = MODES.get(word);
    if (mode !== undefined)
      this.#families.sample('mcpx_limit_hits_total', { limit, mode }).value += 1;
  }

  #linkEnded(state: UpstreamState, seconds: number, error: string): void {
    const labels = {
      error_type: error,
      mcp_protocol_version: this.#tracks.values('version').of(state.version),
      network_transport: networkOf(state.transport),
      mcpx_server: this.#tracks.values('server').of(state.name),
    };
    this.#families.histogram('mcp_client_session_duration_seconds', labels).observe(seconds);
  }

  /** The package that reads the process is large: it is loaded when somebody wants to know. */
  #processMetrics(): Promise<() => Promise<string>> {
    this.#process ??= import('./process-metrics.ts').then(({ processMetrics }) => processMetrics());
    return this.#process;
  }
}

const LONG_TEXT = 100_000;

/** First words of warnings that say a call was over a limit, and whether the limit let it through. */
const MODES: ReadonlyMap<string, 'enforce' | 'shadow'> = new Map([
  ['over', 'enforce'],
  ['shadow', 'shadow'],
]);

function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
