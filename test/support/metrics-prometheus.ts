import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { freePort, ROOT, stop, until, type Started } from './conformance-processes.ts';
import { debianTool } from './debian.ts';

/** Where the rules and the example configuration are. */
export const DEPLOYED = join(ROOT, 'deploy/prometheus');

/** What promtool ended with, and all it wrote. */
export interface Checked {
  readonly code: number | null;
  readonly output: string;
}

/** One series of an answer: its labels, and its value at the moment of the query. */
export interface Answered {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Runs promtool in a folder, with an input where it reads one. */
export async function promtool(
  args: readonly string[],
  { cwd = DEPLOYED, input = '' }: { readonly cwd?: string; readonly input?: string } = {},
): Promise<Checked> {
  const child = spawn(debianTool('promtool'), args, { cwd, stdio: ['pipe', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  // It may end without having read everything.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output };
}

/** What of the example configuration a test has otherwise. */
export interface ScrapeTerms {
  /** Port of the metrics. */
  readonly port: number;
  /** The key that may read them. */
  readonly key: string;
}

/** A real Prometheus with the example configuration and the alerts of the repository, scraping one gateway every second. */
export class Prometheus {
  readonly #port: number;
  readonly #folder: string;
  readonly #started: Started;

  private constructor(port: number, folder: string, started: Started) {
    this.#port = port;
    this.#folder = folder;
    this.#started = started;
  }

  /** Starts it in a folder of its own and waits until it answers. */
  static async start(terms: ScrapeTerms): Promise<Prometheus> {
    const folder = await mkdtemp(join(tmpdir(), 'mcpx-prometheus-'));
    await configure(folder, terms);
    const port = await freePort();
    const started = startProgram(debianTool('prometheus'), [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ]);
    const prometheus = new Prometheus(port, folder, started);
    try {
      await until(started, 'it was ready', async () => (await prometheus.#get('/-/ready')).ok);
    } catch (failure) {
      await prometheus.close();
      throw failure;
    }
    return prometheus;
  }

  /** The series an expression gives now. Throws what Prometheus says of an expression it cannot evaluate. */
  async query(expression: string): Promise<Answered[]> {
    const response = await this.#get(`/api/v1/query?query=${encodeURIComponent(expression)}`);
    const body = (await response.json()) as QueryBody;
    if (body.status !== 'success') throw new Error(`${expression}: ${body.error ?? ''}`);
    return (body.data?.result ?? []).map(({ metric, value }) => ({
      metric,
      value: Number(value[1]),
    }));
  }

  /** Every alert that is pending or firing, by name. */
  async alerts(): Promise<readonly string[]> {
    const response = await this.#get('/api/v1/alerts');
    const { data } = (await response.json()) as {
      data: { alerts: { labels: { alertname: string } }[] };
    };
    return data.alerts.map(({ labels }) => labels.alertname);
  }

  output(): string {
    return this.#started.output();
  }

  async close(): Promise<void> {
    await stop(this.#started);
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }

  #get(path: string): Promise<Response> {
    const signal = AbortSignal.timeout(10_000);
    return fetch(`http://127.0.0.1:${this.#port}${path}`, { signal });
  }
}

interface QueryBody {
  readonly status: string;
  readonly error?: string;
  readonly data?: {
    readonly result: readonly {
      readonly metric: Record<string, string>;
      readonly value: readonly [time: number, value: string];
    }[];
  };
}

interface Configuration {
  global: Record<string, string>;
  scrape_configs: { static_configs: { targets: string[] }[]; scrape_timeout?: string }[];
}

/** The files of the repository as an operator would use them, but for the times and the address. */
async function configure(folder: string, { port, key }: ScrapeTerms): Promise<void> {
  const text = await readFile(join(DEPLOYED, 'prometheus.yml'), 'utf8');
  const configuration = parse(text) as Configuration;
  configuration.global = { scrape_interval: '1s', evaluation_interval: '1s' };
  for (const job of configuration.scrape_configs)
    job.static_configs = [{ targets: [`127.0.0.1:${port}`] }];
  await writeFile(join(folder, 'prometheus.yml'), stringify(configuration));
  await writeFile(join(folder, 'mcpx.key'), key);
  await cp(join(DEPLOYED, 'alerts.yml'), join(folder, 'alerts.yml'));
}

/** In a process group of its own, which ends with this process at the latest. */
function startProgram(path: string, args: readonly string[]): Started {
  const child = spawn(path, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  let written = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      written += chunk.toString();
    });
  const endWithUs = (): void => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
  };
  process.on('exit', endWithUs);
  const exited = once(child, 'close').then(([code]) => {
    process.off('exit', endWithUs);
    return code as number | null;
  });
  return { child, output: () => written, exited };
}
