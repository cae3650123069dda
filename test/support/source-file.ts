import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseSync, Visitor, type Comment, type Program } from 'oxc-parser';

/** The repository's folder. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** One module as the architecture tests see it; paths are relative to the repository, with slashes. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
  readonly program: Program;
  readonly comments: readonly Comment[];
}

/** One place where a file names another module. */
export interface Import {
  readonly specifier: string;
  readonly typeOnly: boolean;
  readonly line: number;
}

/** One use of a power, such as `process.env`, `new Date()` or `randomUUID()`. */
export interface Use {
  readonly power: string;
  readonly line: number;
}

/** Parses one module; throws where its syntax is wrong. */
export function parseSource(path: string, text: string): SourceFile {
  const { program, comments, errors } = parseSync(path, text);
  const [error] = errors;
  if (error !== undefined) throw new Error(`${path}: ${error.message}`);
  return { path, text, program, comments };
}

/** Every module under a folder of the repository, node_modules left out; none where there is no such folder. */
export function sourcesUnder(folder: string): SourceFile[] {
  return filesUnder(folder)
    .filter((path) => /\.(?:ts|tsx|mjs|js)$/.test(path))
    .map((path) => parseSource(path, readFileSync(join(ROOT, path), 'utf8')));
}

/** The 1-based line of an offset. */
export function lineOf(file: SourceFile, offset: number): number {
  return file.text.slice(0, offset).split('\n').length;
}

/** Everything a module imports or re-exports, statically or not. */
export function importsOf(file: SourceFile): Import[] {
  const found: Import[] = [];
  const add = (specifier: unknown, start: number, typeOnly: boolean): void => {
    found.push({ specifier: String(specifier), typeOnly, line: lineOf(file, start) });
  };
  new Visitor({
    ImportDeclaration: (node) => {
      const kinds = node.specifiers.map((one) => one.type === 'ImportSpecifier' && one.importKind);
      const onlyTypes = kinds.length > 0 && kinds.every((kind) => kind === 'type');
      add(node.source.value, node.start, node.importKind === 'type' || onlyTypes);
    },
    ExportNamedDeclaration: (node) => {
      if (node.source) add(node.source.value, node.start, node.exportKind === 'type');
    },
    ExportAllDeclaration: (node) => add(node.source.value, node.start, node.exportKind === 'type'),
    ImportExpression: (node) => {
      const literal = node.source.type === 'Literal' ? node.source.value : 'computed at run time';
      add(literal, node.start, false);
    },
    TSImportType: (node) => add(node.source.value, node.start, true),
  }).visit(file.program);
  return found;
}

/**
 * Everything a module does that the table of powers can name: `a.b` for a member of a plain name, also
 * where it is destructured; `new A()` without arguments; `f()` for a call, of a member too.
 */
export function usesOf(file: SourceFile): Use[] {
  const found: Use[] = [];
  const add = (power: string, start: number): void => {
    found.push({ power, line: lineOf(file, start) });
  };
  new Visitor({
    MemberExpression: (node) => {
      const name = memberName(node);
      if (node.object.type === 'Identifier' && name) add(`${node.object.name}.${name}`, node.start);
    },
    VariableDeclarator: (node) => {
      if (node.id.type !== 'ObjectPattern' || node.init?.type !== 'Identifier') return;
      for (const one of node.id.properties)
        if (one.type === 'Property' && one.key.type === 'Identifier')
          add(`${node.init.name}.${one.key.name}`, one.start);
    },
    NewExpression: (node) => {
      if (node.callee.type === 'Identifier' && node.arguments.length === 0)
        add(`new ${node.callee.name}()`, node.start);
    },
    CallExpression: (node) => {
      if (node.callee.type === 'Identifier') add(`${node.callee.name}()`, node.start);
      if (node.callee.type === 'MemberExpression')
        add(`${memberName(node.callee)}()`, node.callee.property.start);
    },
  }).visit(file.program);
  return found;
}

function memberName(node: { computed: boolean; property: { type: string } }): string {
  const property = node.property as { type: string; name?: string; value?: unknown };
  if (!node.computed) return property.name ?? '';
  return property.type === 'Literal' ? String(property.value) : '';
}

function filesUnder(folder: string): string[] {
  const entries = listing(folder).filter((entry) => entry.name !== 'node_modules');
  return entries.flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    return entry.isDirectory() ? filesUnder(path) : [path];
  });
}

function listing(folder: string) {
  try {
    return readdirSync(join(ROOT, folder), { withFileTypes: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
