const MAX_KEY_LINES = 100;
const REDACTED = '[redacted]';

/** Takes private keys out of what a server prints line by line. */
export class KeyLines {
  #left = 0;
  #suspect = 0;

  /**
   * The line as it may be logged. A key printed line by line is known by its first line alone: what follows is taken out up to
   * its last one.
   */
  cover(line: string): string {
    const begins = /-----BEGIN [A-Z ]*KEY-----/u.test(line);
    const ends = line.includes('-----END ');
    if (!begins && this.#left === 0) return this.#isSuspect(line, ends) ? REDACTED : line;
    if (begins && ends) return line;
    if (begins) this.#left = MAX_KEY_LINES;
    else this.#left = ends ? 0 : this.#left - 1;
    return REDACTED;
  }

  /** Lines were left out: the first one of a key may have been among them. */
  missedSome(): void {
    this.#suspect = MAX_KEY_LINES;
  }

  #isSuspect(line: string, ends: boolean): boolean {
    if (this.#suspect === 0) return false;
    this.#suspect = ends ? 0 : this.#suspect - 1;
    return /^\s*[\w+/=-]{4,}\s*$/u.test(line);
  }
}
