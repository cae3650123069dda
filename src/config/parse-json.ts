import { parseTree, printParseErrorCode, type Node, type ParseError } from 'jsonc-parser';
import type { Fault, Parse } from './config-file.ts';
import type { Tree } from './tree.ts';

const SENTENCES: Readonly<Record<string, string>> = {
  InvalidSymbol: 'This is not JSON: names and texts need double quotes.',
  InvalidNumberFormat: 'This is not a number JSON allows.',
  PropertyNameExpected: 'A key in double quotes is missing here.',
  ValueExpected: 'A value is missing here.',
  ColonExpected: 'A ":" is missing here.',
  CommaExpected: 'A "," is missing here.',
  CloseBraceExpected: 'A "}" is missing here.',
  CloseBracketExpected: 'A "]" is missing here.',
  UnexpectedEndOfComment: 'This comment is not closed with "*/".',
  UnexpectedEndOfString: 'This text is not closed with a double quote on its line.',
  InvalidUnicode: 'This \\u escape needs four hexadecimal digits.',
  InvalidEscapeCharacter: 'This escape does not exist in JSON; write "\\\\" for a backslash.',
  InvalidCharacter: 'Line breaks and tabs inside a text must be written as \\n and \\t.',
};

/** Parses JSON with comments and trailing commas. */
export const parseJson: Parse = (text) => {
  if (text.trim() === '')
    return {
      tree: EMPTY,
      faults: [{ ...AT_START, message: 'The file is empty; write {} at least.' }],
    };
  const errors: ParseError[] = [];
  const node = parseTree(text, errors, { allowTrailingComma: true });
  const faults = errors
    .map(toFault)
    .filter(({ offset }, index, all) => isFirstOfLine(text, offset, all[index - 1]));
  return { tree: node === undefined ? EMPTY : toTree(node), faults };
};

const AT_START = { severity: 'error', offset: 0 } as const;
const EMPTY: Tree = { kind: 'map', offset: 0, pairs: [] };

function toFault({ error, offset }: ParseError): Fault {
  const code = printParseErrorCode(error);
  return { severity: 'error', offset, message: SENTENCES[code] ?? `This is not JSON (${code}).` };
}

// One slip makes the parser stumble over the rest of its line; the first fault there is the true one.
function isFirstOfLine(text: string, offset: number, previous: Fault | undefined): boolean {
  return previous === undefined || text.slice(previous.offset, offset).includes('\n');
}

function toTree(node: Node): Tree {
  const { offset } = node;
  const children = node.children ?? [];
  if (node.type === 'object')
    return { kind: 'map', offset, pairs: children.flatMap((child) => toPair(child)) };
  if (node.type === 'array')
    return { kind: 'list', offset, items: children.map((child) => toTree(child)) };
  return { kind: 'scalar', offset, value: node.value as string | number | boolean | null };
}

function toPair(property: Node): { key: string; offset: number; value: Tree }[] {
  const [key, value] = property.children ?? [];
  if (key === undefined || value === undefined) return [];
  return [{ key: String(key.value), offset: key.offset, value: toTree(value) }];
}
