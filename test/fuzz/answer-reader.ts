/** One HTTP answer as it came. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  /** UTF-8 as one character a byte; of a stream what has come so far. */
  body: string;
  isWhole: boolean;
}

const HEAD = /^HTTP\/1\.1 (\d{3}) [ -~]*\r\n/u;
const HEADER = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+): ?([\t -~\u0080-\u00ff]*)$/u;

/** Reads the answers on a connection strictly; throws an Error that says what is not HTTP about them. */
export class AnswerReader {
  readonly answers: HttpAnswer[] = [];
  #rest = '';
  #open: HttpAnswer | undefined;
  /** Bytes of the body still to come; undefined where the head does not tell. */
  #left: number | undefined;
  #isLost = false;
  readonly #mayHaveHeads: boolean;
  #isChunked = false;

  /** Where HEAD may have been asked, bodies cannot be told from what follows: such answers are read as far as they can be. */
  constructor(mayHaveHeads = false) {
    this.#mayHaveHeads = mayHaveHeads;
  }

  /** Takes bytes as characters. */
  push(text: string): void {
    if (this.#isLost) return;
    this.#rest += text;
    try {
      while (this.#step());
    } catch (error) {
      if (!this.#mayHaveHeads) throw error;
      this.#isLost = true;
    }
  }

  /** The connection has ended. */
  end(): void {
    if (this.#open !== undefined && this.#left === undefined && !this.#isChunked)
      this.#open.isWhole = true;
    this.#open = undefined;
  }

  /** What came after the last answer and is the beginning of none. */
  get rest(): string {
    return this.#open === undefined ? this.#rest : '';
  }

  #step(): boolean {
    if (this.#open === undefined) return this.#head();
    return this.#isChunked ? this.#chunk(this.#open) : this.#body(this.#open);
  }

  #head(): boolean {
    const end = this.#rest.indexOf('\r\n\r\n');
    if (end === -1) return false;
    const head = this.#rest.slice(0, end + 2);
    this.#rest = this.#rest.slice(end + 4);
    const status = Number(HEAD.exec(head)?.[1] ?? Number.NaN);
    if (Number.isNaN(status)) throw new Error(`no status line: ${head.slice(0, 200)}`);
    if (status < 200) return true;
    const headers = headersIn(head);
    const answer = { status, headers, body: '', isWhole: false };
    this.answers.push(answer);
    this.#isChunked = headers.get('transfer-encoding') === 'chunked';
    const length = headers.get('content-length');
    if (length !== undefined && !/^\d+$/u.test(length)) throw new Error(`length ${length}`);
    this.#left = lengthOf(status, length);
    if (this.#left === 0) answer.isWhole = true;
    else this.#open = answer;
    return true;
  }

  #body(answer: HttpAnswer): boolean {
    const taken = this.#rest.slice(0, this.#left ?? this.#rest.length);
    this.#rest = this.#rest.slice(taken.length);
    answer.body += taken;
    if (this.#left === undefined) return false;
    this.#left -= taken.length;
    if (this.#left > 0) return false;
    this.#finish(answer);
    return true;
  }

  #chunk(answer: HttpAnswer): boolean {
    const line = /^([0-9a-f]+)\r\n/iu.exec(this.#rest);
    if (line === null) {
      if (this.#rest.length > 20) throw new Error(`no chunk: ${this.#rest.slice(0, 50)}`);
      return false;
    }
    const size = Number.parseInt(line[1] ?? '', 16);
    const begin = line[0].length;
    if (this.#rest.length < begin + size + 2) return false;
    answer.body += this.#rest.slice(begin, begin + size);
    this.#rest = this.#rest.slice(begin + size + 2);
    if (size === 0) this.#finish(answer);
    return true;
  }

  #finish(answer: HttpAnswer): void {
    answer.isWhole = true;
    this.#open = undefined;
  }
}

function headersIn(head: string): Map<string, string> {
  const headers = new Map<string, string>();
  for (const line of head.split('\r\n').slice(1, -1)) {
    const [, name, value] = HEADER.exec(line) ?? [];
    if (name === undefined || value === undefined) throw new Error(`no header: ${line}`);
    headers.set(name.toLowerCase(), value);
  }
  return headers;
}

function lengthOf(status: number, length: string | undefined): number | undefined {
  if (status === 204 || status === 304) return 0;
  return length === undefined ? undefined : Number(length);
}
