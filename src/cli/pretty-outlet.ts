import type { Outlet } from './line-buffer.ts';

type Format = (line: string) => string;

/** Makes lines of JSON readable for people. What does it is loaded when the first line comes; lines wait for it. */
export class PrettyOutlet implements Outlet {
  readonly #outlet: Outlet;
  readonly #isColored: boolean;
  #format: Format | undefined;
  #waiting = '';
  #loading: Promise<void> | undefined;

  /** Takes where readable lines go, and whether colours show there. */
  constructor(outlet: Outlet, isColored: boolean) {
    this.#outlet = outlet;
    this.#isColored = isColored;
  }

  write(bytes: Buffer): void {
    this.#waiting += bytes.toString();
    if (this.#format === undefined) this.#loading ??= this.#load();
    else this.#pass(this.#format);
  }

  async flush(): Promise<void> {
    await this.#loading;
    await this.#outlet.flush();
  }

  flushSync(last: Buffer): void {
    this.#waiting += last.toString();
    // A process may end before it is loaded: then they go as they are.
    this.#outlet.flushSync(Buffer.from(this.#formatted(this.#format ?? asItIs)));
  }

  #pass(format: Format): void {
    const text = this.#formatted(format);
    if (text !== '') this.#outlet.write(Buffer.from(text));
  }

  #formatted(format: Format): string {
    const lines = this.#waiting.split('\n').filter((line) => line !== '');
    this.#waiting = '';
    return lines.map((line) => format(line)).join('');
  }

  async #load(): Promise<void> {
    this.#format = await prettyFormat(this.#isColored).catch(() => asItIs);
    this.#pass(this.#format);
  }
}

function asItIs(line: string): string {
  return `${line}\n`;
}

async function prettyFormat(isColored: boolean): Promise<Format> {
  const { prettyFactory } = await import('pino-pretty');
  return prettyFactory({
    colorize: isColored,
    translateTime: 'SYS:HH:MM:ss.l',
    singleLine: true,
  });
}
