/** Cuts a stream of text into its complete, non-empty lines; a long line costs no more than its length. */
export class LineReader {
  #parts: string[] = [];

  push(chunk: string): string[] {
    const lines: string[] = [];
    let start = 0;
    for (let end = chunk.indexOf('\n'); end >= 0; end = chunk.indexOf('\n', start)) {
      const tail = chunk.slice(start, end);
      const line = this.#parts.length === 0 ? tail : this.#parts.join('') + tail;
      this.#parts = [];
      if (line !== '') lines.push(line);
      start = end + 1;
    }
    if (start < chunk.length) this.#parts.push(start === 0 ? chunk : chunk.slice(start));
    return lines;
  }
}
