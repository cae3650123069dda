import type { Socket as UdpSocket } from 'node:dgram';
import { connect as connectTcp, type Socket } from 'node:net';
import { hostname } from 'node:os';

import type { SyslogPlan } from '../../kernel/record-plan.ts';
import { ExportQueue, type ExportCounts } from './export-queue.ts';
import { syslogMessage, type SyslogSender } from './syslog-message.ts';

const MAX_QUEUE_BYTES = 8 * 1024 * 1024;
const MAX_DATAGRAM_BYTES = 60_000;
const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;
const MAX_LINES = 200;
const MAX_BATCH_BYTES = 262_144;
const CONNECT_MS = 10_000;
const RETRY_MIN_MS = 1000;
const RETRY_MAX_MS = 30_000;

/** Takes messages one batch after the other; rejects when the way is lost. */
interface Way {
  send(messages: readonly string[]): Promise<void>;
  close(): void;
}

/**
 * Sends lines on by syslog (RFC 5424) over UDP (RFC 5426), TCP with octet counting (RFC 6587) or TLS (RFC 5425). A way that is
 * lost is opened again, ever more slowly; lines that the operating system had taken by then may be lost with it, as syslog
 * knows no answer.
 */
export class SyslogExport {
  readonly #plan: SyslogPlan;
  readonly #sender: SyslogSender;
  readonly #onError: (error: unknown) => void;
  readonly #queue = new ExportQueue(MAX_QUEUE_BYTES);
  #way: Way | undefined;
  #sending: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #failures = 0;
  #isClosed = false;

  /** `onError` takes the first failure of a row of them. */
  constructor(plan: SyslogPlan, onError: (error: unknown) => void) {
    const { facility, appName } = plan;
    this.#plan = plan;
    this.#sender = { facility, appName, hostName: hostname(), processId: process.pid };
    this.#onError = onError;
  }

  counts(): ExportCounts {
    return this.#queue.counts();
  }

  /** Takes lines; never waits. */
  take(lines: readonly string[]): void {
    for (const line of lines) this.#queue.push(line);
    if (this.#failures === 0) this.#start();
  }

  /** Sends what waits, once more where that failed before, within so many milliseconds. */
  async close(withinMs: number): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    const timer = setTimeout(() => this.#way?.close(), withinMs);
    await this.#sending;
    this.#failures = 0;
    this.#start();
    await this.#sending;
    clearTimeout(timer);
    this.#way?.close();
    this.#queue.done(this.#queue.length, 'dropped');
  }

  #start(): void {
    this.#sending ??= this.#send().then(() => {
      this.#sending = undefined;
    });
  }

  async #send(): Promise<void> {
    const { protocol } = this.#plan;
    const maxBytes = protocol === 'udp' ? MAX_DATAGRAM_BYTES : MAX_MESSAGE_BYTES;
    try {
      while (this.#queue.length > 0) {
        this.#way ??= await openWay(this.#plan);
        const lines = this.#queue.peek(MAX_LINES, MAX_BATCH_BYTES);
        await this.#way.send(lines.map((line) => syslogMessage(line, this.#sender, maxBytes)));
        this.#failures = 0;
        this.#queue.done(lines.length, 'sent');
      }
    } catch (error) {
      this.#failed(error);
    }
  }

  #failed(error: unknown): void {
    this.#way?.close();
    this.#way = undefined;
    const { host, port, protocol } = this.#plan;
    const why = error instanceof Error ? error.message : String(error);
    if (this.#failures === 0)
      this.#onError(
        new Error(`The audit cannot be sent to ${host}:${port} (syslog, ${protocol}): ${why}`),
      );
    const waitMs = Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** this.#failures);
    this.#failures += 1;
    if (this.#isClosed) return;
    this.#timer = setTimeout(() => this.#start(), waitMs).unref();
  }
}

async function openWay(plan: SyslogPlan): Promise<Way> {
  return plan.protocol === 'udp' ? datagrams(plan) : stream(plan);
}

function datagrams({ host, port }: SyslogPlan): Way {
  const socket = process
    .getBuiltinModule('node:dgram')
    .createSocket(host.includes(':') ? 'udp6' : 'udp4')
    .unref();
  // What a receiver that is not there answers belongs to no message.
  socket.on('error', () => undefined);
  return {
    async send(messages) {
      for (const message of messages) await sendDatagram(socket, message, { host, port });
    },
    close: () => {
      socket.close();
    },
  };
}

function sendDatagram(
  socket: UdpSocket,
  message: string,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.send(message, port, host, (error) => (error === null ? resolve() : reject(error)));
  });
}

async function stream({ host, port, protocol }: SyslogPlan): Promise<Way> {
  const socket = await connected(
    protocol === 'tls'
      ? process.getBuiltinModule('node:tls').connect({ host, port, servername: nameOf(host) })
      : connectTcp(port, host),
    protocol === 'tls' ? 'secureConnect' : 'connect',
  );
  socket.unref();
  let failure: Error | undefined;
  socket.on('error', (error) => (failure = error));
  socket.on('close', () => (failure ??= new Error('the receiver closed the connection')));
  // Receivers say nothing; what one says all the same must not fill memory.
  socket.resume();
  return {
    send(messages) {
      const framed = messages.map((message) => `${Buffer.byteLength(message)} ${message}`).join('');
      return new Promise((resolve, reject) => {
        if (failure !== undefined) reject(failure);
        else {
          const onClose = (): void => reject(failure ?? new Error('the connection was closed'));
          socket.once('close', onClose);
          socket.write(framed, (error) => {
            socket.off('close', onClose);
            if (error == null) resolve();
            else reject(error);
          });
        }
      });
    },
    close: () => socket.destroySoon(),
  };
}

/** Names of servers are for names alone (RFC 6066, section 3). */
function nameOf(host: string): string {
  return /^[\d.]+$|:/.test(host) ? '' : host;
}

function connected(socket: Socket, event: 'connect' | 'secureConnect'): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      socket.destroy();
      reject(error);
    };
    socket.setTimeout(CONNECT_MS, () => fail(new Error('it did not answer in time')));
    socket.once('error', fail);
    socket.once(event, () => {
      socket.off('error', fail);
      socket.setTimeout(0);
      resolve(socket);
    });
  });
}
