import { isatty } from 'node:tty';

import { pino, stdTimeFunctions, type Logger } from 'pino';

import type { Log } from '../gateway.ts';
import type { LoggingPlan, LogLevel } from '../kernel/record-plan.ts';
import { flatMembers } from './flat-line.ts';
import { LineBuffer } from './line-buffer.ts';
import { LogOutlet } from './log-outlet.ts';
import { PrettyOutlet } from './pretty-outlet.ts';

/** The log of a process. */
export interface ProcessLog extends Log {
  /** Takes over levels; lines look as they did from the start. */
  setLevels(plan: LoggingPlan): void;
  /** The log of one layer, with its own level. */
  layer(name: Parameters<NonNullable<Log['layer']>>[0]): Log;
  /** Why the process ends. */
  fatal(fields: object, message: string): void;
  /** Writes what waits; resolves when it is written, or after a second. */
  flush(): Promise<void>;
}

const STDERR = 2;
const NUMBERS = { info: 30, error: 50 } as const;

/** The log of a process, on standard error, so that standard output stays free: JSON lines, or pretty ones on a terminal. */
export function createLog(plan: LoggingPlan, fd: number = STDERR): ProcessLog {
  const isPretty = plan.format === 'pretty' || (plan.format === 'auto' && isatty(fd));
  const plain = new LogOutlet(fd);
  const lines = new LineBuffer(isPretty ? new PrettyOutlet(plain, isatty(fd)) : plain);
  process.on('exit', () => lines.flushSync());
  return new LayeredLog(lines, plan);
}

class LayeredLog implements ProcessLog {
  readonly #lines: LineBuffer;
  readonly #root: Logger;
  readonly #layers = new Map<string, Log & { level: string }>();
  #plan: LoggingPlan;

  constructor(lines: LineBuffer, plan: LoggingPlan) {
    this.#lines = lines;
    this.#plan = plan;
    this.#root = pino(
      { level: plan.level, base: null, timestamp: stdTimeFunctions.isoTime },
      lines,
    );
  }

  debug(fields: object, message: string): void {
    this.#root.debug(fields, message);
  }

  info(fields: object, message: string): void {
    this.#root.info(fields, message);
  }

  warn(fields: object, message: string): void {
    this.#root.warn(fields, message);
  }

  error(fields: object, message: string): void {
    this.#root.error(fields, message);
  }

  fatal(fields: object, message: string): void {
    this.#root.fatal(fields, message);
  }

  isLevelEnabled(level: string): boolean {
    return this.#root.isLevelEnabled(level);
  }

  layer(name: Parameters<NonNullable<Log['layer']>>[0]): Log {
    const present = this.#layers.get(name);
    if (present !== undefined) return present;
    const level = this.#levelOf(name);
    const child = this.#root.child({ layer: name }, { level });
    const made = name === 'exchange' ? new ExchangeLog(child, this.#lines) : child;
    this.#layers.set(name, made);
    return made;
  }

  setLevels(plan: LoggingPlan): void {
    this.#plan = plan;
    this.#root.level = plan.level;
    for (const [name, layer] of this.#layers) layer.level = this.#levelOf(name);
  }

  flush(): Promise<void> {
    return this.#lines.flush();
  }

  #levelOf(name: string): LogLevel {
    return this.#plan.layers[name] ?? this.#plan.level;
  }
}

/** The lines of exchanges: as any other, made in a fraction of the time. */
class ExchangeLog implements Log {
  readonly #log: Logger;
  readonly #lines: LineBuffer;
  #time = '';
  #timedAt = 0;

  constructor(log: Logger, lines: LineBuffer) {
    this.#log = log;
    this.#lines = lines;
  }

  set level(level: string) {
    this.#log.level = level;
  }

  get level(): string {
    return this.#log.level;
  }

  debug(fields: object, message: string): void {
    this.#log.debug(fields, message);
  }

  info(fields: object, message: string): void {
    this.#line('info', fields, message);
  }

  warn(fields: object, message: string): void {
    this.#log.warn(fields, message);
  }

  error(fields: object, message: string): void {
    this.#line('error', fields, message);
  }

  isLevelEnabled(level: string): boolean {
    return this.#log.isLevelEnabled(level);
  }

  #line(level: keyof typeof NUMBERS, fields: object, message: string): void {
    if (!this.#log.isLevelEnabled(level)) return;
    const end = `${flatMembers(fields)},"msg":${JSON.stringify(message)}}\n`;
    this.#lines.writeSoon(`{"level":${NUMBERS[level]}${this.#now()}${end}`);
  }

  /** Written as a text once a millisecond. */
  #now(): string {
    const now = Math.floor(performance.now());
    if (now !== this.#timedAt || this.#time === '') {
      this.#timedAt = now;
      this.#time = stdTimeFunctions.isoTime();
    }
    return this.#time;
  }
}

/** Has a failure that nobody handled end the process with a line that says so. */
export function endOnFatal(log: ProcessLog, scrub: (text: string) => string): void {
  process.on('uncaughtException', (error: unknown) => {
    const failure = error instanceof Error ? (error.stack ?? error.message) : String(error);
    log.fatal({ failure: scrub(failure) }, 'the process ends: a failure that nobody handled');
    process.exit(1);
  });
}
