const EXPRESSION = /\{([+#./;?&]?)([^{}]*)\}/gu;
const MAX_EXPRESSIONS = 20;
const MAX_URI_CHARS = 8192;

/** A part of a template: text as it is, or an expression with its operator. */
type Part = { readonly text: string } | { readonly expression: string; readonly operator: string };

/** A URI template that can be matched against URIs (RFC 6570, all operators, values taken as they stand). */
export class UriTemplate {
  readonly #parts: readonly Part[];
  readonly #pattern: RegExp | undefined;

  constructor(template: string) {
    this.#parts = split(template);
    const expressions = this.#parts.filter((part) => 'expression' in part).length;
    this.#pattern =
      expressions > 0 && expressions <= MAX_EXPRESSIONS ? compile(this.#parts) : undefined;
  }

  /** What the expressions stand for in a URI, in order; undefined when the URI is not of this template. */
  match(uri: string): readonly string[] | undefined {
    if (uri.length > MAX_URI_CHARS) return undefined;
    return this.#pattern?.exec(uri)?.slice(1);
  }

  /** The URI with these texts in place of the expressions. */
  fill(values: readonly string[]): string {
    let next = 0;
    let uri = '';
    for (const part of this.#parts) {
      if ('text' in part) {
        uri += part.text;
      } else {
        uri += values[next] ?? '';
        next += 1;
      }
    }
    return uri;
  }

  /** The template with its literal texts changed and its expressions kept. */
  mapText(change: (text: string) => string): string {
    return this.#parts
      .map((part) => ('text' in part ? change(part.text) : part.expression))
      .join('');
  }
}

function split(template: string): Part[] {
  const parts: Part[] = [];
  let end = 0;
  for (const match of template.matchAll(EXPRESSION)) {
    if (match.index > end) parts.push({ text: template.slice(end, match.index) });
    parts.push({ expression: match[0], operator: match[1] ?? '' });
    end = match.index + match[0].length;
  }
  if (end < template.length) parts.push({ text: template.slice(end) });
  return parts;
}

function compile(parts: readonly Part[]): RegExp {
  const source = parts
    .map((part) => ('text' in part ? escapeText(part.text) : group(part.operator)))
    .join('');
  return new RegExp(`^${source}$`, 'u');
}

function group(operator: string): string {
  if (operator === '+' || operator === '#') return '(.+)';
  if (operator === '?' || operator === '&' || operator === ';') return '(.*)';
  return operator === '/' ? '(/.*)' : '([^/?#]+)';
}

function escapeText(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/]/gu, String.raw`\$&`);
}
