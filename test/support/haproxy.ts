import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { freePort } from './conformance-processes.ts';
import { debianTool } from './debian.ts';
import { eventually } from './processes.ts';

/** One request as the proxy saw it. */
export interface ProxiedRequest {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  /** `x-lunar-host` */
  readonly host: string;
  /** Every header that came, names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
}

/** What the proxy is to do differently. */
export interface ProxyTerms {
  /** How long a server may take to answer before the proxy answers 504. */
  readonly serverTimeoutMs?: number;
  /** Certificate (PEM) by which https servers are known. */
  readonly ca?: string;
}

/** Answers of the proxy's own, as the Lunar Gateway gives them: by the name of the list of hosts that get them. */
const OWN_ANSWERS = {
  unreachable: { status: 503, code: '2' },
  unknown: { status: 404, code: '1' },
  closing: { status: 503, code: '10' },
  timeout: { status: 504, code: '1' },
  blocked: { status: 403, code: '7' },
  novel: { status: 500, code: '42' },
} as const;
export type OwnAnswer = keyof typeof OWN_ANSWERS;

const START_MS = 10_000;

/** HAProxy that keeps the contract of headers of a Lunar Gateway: a fair double of it on the wire. */
export class LunarDouble {
  readonly port: number;
  readonly handshakePort: number;
  readonly #folder: string;
  #child: ChildProcess | undefined;
  #written = '';

  private constructor(folder: string, port: number, handshakePort: number) {
    this.#folder = folder;
    this.port = port;
    this.handshakePort = handshakePort;
  }

  /** Starts one on free ports; it ends with the test. */
  static async start(t: TestContext, terms: ProxyTerms = {}): Promise<LunarDouble> {
    const folder = await mkdtemp(join(tmpdir(), 'mcpx-lunar-'));
    const double = new LunarDouble(folder, await freePort(), await freePort());
    t.after(async () => {
      if (Reflect.get(t, 'passed') === false)
        t.diagnostic(`The proxy wrote:\n${double.#written.slice(-3_000)}`);
      await double.stop();
      await rm(folder, { recursive: true, force: true });
    });
    for (const name of Object.keys(OWN_ANSWERS)) await writeFile(join(folder, name), '');
    await writeFile(join(folder, 'ca.pem'), terms.ca ?? '');
    await writeFile(double.#configPath, double.#config(terms));
    await double.restart();
    return double;
  }

  /** What LUNAR_PROXY_HOST has to be. */
  get authority(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** The environment of a gateway that is to use it. */
  get env(): Record<string, string> {
    return {
      LUNAR_PROXY_HOST: this.authority,
      LUNAR_HANDSHAKE_PORT: String(this.handshakePort),
    };
  }

  /** Starts it again on the same ports. */
  async restart(): Promise<void> {
    const child = spawn(debianTool('haproxy'), ['-db', '-f', this.#configPath], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    for (const pipe of [child.stdout, child.stderr])
      pipe.on('data', (chunk: Buffer) => {
        this.#written += chunk.toString();
      });
    await eventually(
      'the proxy listened',
      START_MS,
      () => isListening(this.port),
      () => this.#written,
    );
  }

  /** Ends it at once, and with it every connection. */
  async stop(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }

  /** Answers requests for a host (`host:port`) itself from now on. */
  async answers(host: string, how: OwnAnswer): Promise<void> {
    await this.#command(`add acl ${join(this.#folder, how)} ${host}`);
  }

  /** Passes requests for a host on again. */
  async passes(host: string, how: OwnAnswer): Promise<void> {
    await this.#command(`del acl ${join(this.#folder, how)} ${host}`);
  }

  /** The requests so far, a stream as soon as it has begun; those for the handshake left out. */
  requests(host?: string): ProxiedRequest[] {
    return this.#written
      .split('\n')
      .filter((line) => line.startsWith('{"method"') && line.endsWith('}'))
      .map(toRequest)
      .filter((request) => host === undefined || request.host === host);
  }

  get #configPath(): string {
    return join(this.#folder, 'haproxy.cfg');
  }

  get #socketPath(): string {
    return join(this.#folder, 'admin');
  }

  async #command(text: string): Promise<void> {
    const socket = connect(this.#socketPath);
    let said = '';
    socket.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    socket.end(`${text}\n`);
    await once(socket, 'close');
    if (said.trim() !== '') throw new Error(`HAProxy said to "${text}": ${said}`);
  }

  #config({ serverTimeoutMs = 3_600_000, ca }: ProxyTerms): string {
    const own = Object.entries(OWN_ANSWERS).map(
      ([name, { status, code }]) =>
        `  http-request return status ${status} content-type text/plain string "own answer" hdr x-lunar-error ${code} if { var(txn.host) -m str -f ${join(this.#folder, name)} }`,
    );
    const tls = ca === undefined ? '' : ` ssl verify required ca-file ${this.#folder}/ca.pem`;
    return `
global
  stats socket unix@${this.#socketPath} mode 600 level admin
  log stdout len 65535 format raw local0 info

defaults
  mode http
  retries 0
  timeout connect 2s
  timeout client 1h
  timeout server ${serverTimeoutMs}ms

frontend handshake
  bind 127.0.0.1:${this.handshakePort}
  http-request return status 200 content-type application/json string '{"managed":false}' if { path /handshake }
  http-request deny status 404

frontend in
  bind 127.0.0.1:${this.port}
  log global
  option dontlognull
  option logasap
  log-format '{"method":"%HM","path":"%HP","status":%ST,"host":"%[var(txn.host)]","headers":"%[var(txn.headers),json(utf8s)]"}'
  http-error status 503 content-type text/plain string "The endpoint cannot be reached" hdr x-lunar-error 2
  http-error status 504 content-type text/plain string "Gateway timeout" hdr x-lunar-error 3
  http-request set-var(txn.headers) req.hdrs
  http-request set-var(txn.host) req.hdr(x-lunar-host)
  http-request set-var(txn.scheme) req.hdr(x-lunar-scheme)
  http-request deny status 401 hdr x-lunar-error 1 unless { var(txn.host) -m found }
${own.join('\n')}
  http-request set-header Host %[var(txn.host)]
  http-request set-dst ipv4(127.0.0.1)
  http-request set-dst-port var(txn.host),port_only
  http-request del-header x-lunar -m beg
  use_backend encrypted if { var(txn.scheme) -m str https }
  default_backend plain

backend plain
  server any 0.0.0.0:0

backend encrypted
  server any 0.0.0.0:0${tls}
`;
  }
}

function toRequest(line: string): ProxiedRequest {
  const { headers, ...rest } = JSON.parse(line) as ProxiedRequest & { headers: string };
  const pairs = headers
    .split('\r\n')
    .filter((each) => each !== '')
    .map((each) => {
      const colon = each.indexOf(':');
      return [each.slice(0, colon).toLowerCase(), each.slice(colon + 1).trim()];
    });
  return { ...rest, headers: Object.fromEntries(pairs) as Record<string, string> };
}

async function isListening(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
