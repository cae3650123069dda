const EXPRESSION = /\{([+#./;?&]?)([^{}]*)\}/gu;
const MAX_URI_CHARS = 8192;

/** Literal text, or the expressions that stand one after another up to the next text. */
type Part = { readonly text: string } | { readonly run: readonly Expression[] };

interface Expression {
  readonly source: string;
  readonly operator: string;
}

/** A URI template that can be matched against URIs (RFC 6570, all operators, values taken as they stand). */
export class UriTemplate {
  readonly #parts: readonly Part[];

  constructor(template: string) {
    this.#parts = split(template);
  }

  /**
   * What the expressions stand for in a URI, in order; undefined when the URI is not of this template. One pass without
   * going back, for templates and URIs come from servers: a value ends where the text after it first occurs.
   */
  match(uri: string): readonly string[] | undefined {
    if (uri.length > MAX_URI_CHARS || this.#parts.every((part) => 'text' in part)) return undefined;
    const values: string[] = [];
    let at = 0;
    for (const [index, part] of this.#parts.entries()) {
      const end = 'text' in part ? endOfText(uri, at, part.text) : this.#endOfRun(uri, at, index);
      if (end === undefined) return undefined;
      if ('run' in part) values.push(...divide(uri.slice(at, end), part.run));
      if ('run' in part && !fits(values.slice(-part.run.length), part.run)) return undefined;
      at = end;
    }
    return at === uri.length ? values : undefined;
  }

  /** The URI with these texts in place of the expressions. */
  fill(values: readonly string[]): string {
    let next = 0;
    return this.#parts
      .map((part) => {
        if ('text' in part) return part.text;
        const from = next;
        next += part.run.length;
        return values.slice(from, next).join('');
      })
      .join('');
  }

  /** The template with its literal texts changed and its expressions kept. */
  mapText(change: (text: string) => string): string {
    return this.#parts
      .map((part) =>
        'text' in part ? change(part.text) : part.run.map(({ source }) => source).join(''),
      )
      .join('');
  }

  /** Values end where the text after them begins; the last text of all is the end of the URI. */
  #endOfRun(uri: string, at: number, index: number): number | undefined {
    const next = this.#parts[index + 1];
    if (next === undefined || !('text' in next)) return uri.length;
    const isLast = index + 2 === this.#parts.length;
    const end = isLast ? uri.length - next.text.length : uri.indexOf(next.text, at);
    return end < at ? undefined : end;
  }
}

function split(template: string): Part[] {
  const parts: Part[] = [];
  let run: Expression[] = [];
  let end = 0;
  for (const match of template.matchAll(EXPRESSION)) {
    if (match.index > end || run.length === 0) {
      if (match.index > end) parts.push({ text: template.slice(end, match.index) });
      run = [];
      parts.push({ run });
    }
    run.push({ source: match[0], operator: match[1] ?? '' });
    end = match.index + match[0].length;
  }
  if (end < template.length) parts.push({ text: template.slice(end) });
  return parts;
}

function endOfText(uri: string, at: number, text: string): number | undefined {
  return uri.startsWith(text, at) ? at + text.length : undefined;
}

/** Divides a text among adjacent expressions: each ends where the sign that begins the next one first occurs. */
function divide(text: string, run: readonly Expression[]): string[] {
  let rest = text;
  return run.map((_expression, index) => {
    const sign = run[index + 1]?.operator.replace('+', '') ?? '';
    const cut = sign === '' ? -1 : rest.indexOf(sign);
    const value = cut === -1 ? rest : rest.slice(0, cut);
    rest = cut === -1 ? '' : rest.slice(cut);
    return value;
  });
}

/** Whether values can come from these expressions; only the first of several must stand for something. */
function fits(values: readonly string[], run: readonly Expression[]): boolean {
  return run.every(({ operator }, index) => {
    const value = values[index] ?? '';
    if (value === '') return index > 0 || !['', '+', '#'].includes(operator);
    if (operator === '') return !/[/?#]/u.test(value);
    return operator === '+' || value.startsWith(operator);
  });
}
