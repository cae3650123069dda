import { basename, posix } from 'node:path';
import { importsOf, lineOf, type SourceFile, usesOf } from './source-file.ts';

/** What one layer may import besides itself. */
export interface Allowance {
  /** Folders and files of src; a file as `layer/file.ts`. */
  readonly layers: readonly string[];
  readonly packages: readonly string[];
  /** Modules of Node, without `node:`. */
  readonly node: readonly string[];
}

/** Layer -> what it may import. */
export type Allowances = Readonly<Record<string, Allowance>>;

/** Power, spelt as `usesOf` reports it or as a module's name -> the files or folders that hold it. */
export type Holders = Readonly<Record<string, readonly string[]>>;

/** Imports the table does not give the file's layer. */
export function importFaults(file: SourceFile, table: Allowances): string[] {
  const layer = layerOf(file.path);
  const allowed = table[layer];
  if (allowed === undefined) return [`${file.path}: no row of the table covers ${layer}`];
  return importsOf(file)
    .filter(({ specifier }) => !mayImport(file.path, allowed, specifier))
    .map(({ specifier, line }) => `${file.path}:${line} ${layer} may not import ${specifier}`);
}

function mayImport(path: string, allowed: Allowance, specifier: string): boolean {
  if (specifier.startsWith('node:')) return allowed.node.includes(specifier.slice(5));
  if (!specifier.startsWith('.')) return allowed.packages.includes(packageOf(specifier));
  const target = posix.join(posix.dirname(path), specifier);
  if (!target.startsWith('src/')) return false;
  const layer = layerOf(target);
  return layer === layerOf(path) || isOneOf(target, allowed.layers);
}

/** Powers the file uses though others hold them. */
export function powerFaults(file: SourceFile, table: Holders): string[] {
  const values = importsOf(file).filter((one) => !one.typeOnly);
  const found = [
    ...usesOf(file),
    ...values.map(({ specifier, line }) => ({ power: specifier, line })),
  ];
  return found.flatMap(({ power, line }) => {
    const holders = Object.hasOwn(table, power) ? table[power] : undefined;
    if (holders === undefined || isOneOf(file.path, holders)) return [];
    return [`${file.path}:${line} ${power} belongs to ${holders.join(', ') || 'nobody'}`];
  });
}

/** A file name that is not in kebab-case. */
export function fileNameFaults({ path }: SourceFile): string[] {
  const fine = /^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.(?:test|stories))?\.(?:ts|tsx|mjs|js)$/;
  return fine.test(basename(path)) ? [] : [`${path}: not in kebab-case`];
}

/** Types and classes with an empty word in their name. */
export function typeNameFaults(file: SourceFile, emptyWords: RegExp): string[] {
  return file.program.body.flatMap((node) => {
    const declared = node.type === 'ExportNamedDeclaration' ? node.declaration : node;
    if (!declared || !('id' in declared) || declared.id?.type !== 'Identifier') return [];
    if (declared.type === 'FunctionDeclaration') return [];
    const { name } = declared.id;
    const word = name.split(/(?=[A-Z])/).find((part) => emptyWords.test(part));
    if (word === undefined) return [];
    return [`${file.path}:${lineOf(file, node.start)} ${name}: say what it is, not "${word}"`];
  });
}

/** Default exports, export stars and barrels; src/index.ts alone may be a barrel. */
export function exportFaults(file: SourceFile): string[] {
  const { body } = file.program;
  const at = (offset: number): string => `${file.path}:${lineOf(file, offset)}`;
  const faults = body.flatMap((node) => {
    if (node.type === 'ExportDefaultDeclaration') return [`${at(node.start)} default export`];
    if (node.type === 'ExportAllDeclaration') return [`${at(node.start)} export star`];
    if (node.type !== 'ExportNamedDeclaration') return [];
    const names = node.specifiers.map((one) => ('name' in one.exported ? one.exported.name : ''));
    return names.includes('default') ? [`${at(node.start)} default export`] : [];
  });
  const isBarrel =
    body.length > 0 &&
    body.every((node) => node.type === 'ExportNamedDeclaration' && node.source !== null);
  if (isBarrel && file.path !== 'src/index.ts') faults.push(`${file.path}:1 barrel`);
  return faults;
}

/** Comments that put work off. */
export function commentFaults(file: SourceFile): string[] {
  return file.comments
    .filter(({ value }) => /\b(?:TODO|FIXME|XXX|HACK)\b/.test(value))
    .map(({ start, value }) => `${file.path}:${lineOf(file, start)} ${value.trim()}`);
}

function isOneOf(path: string, places: readonly string[]): boolean {
  const inSrc = path.replace(/^src\//, '');
  return places.some(
    (place) => inSrc === place || inSrc.startsWith(place.endsWith('/') ? place : `${place}/`),
  );
}

function layerOf(path: string): string {
  return path.split('/')[1] ?? '';
}

function packageOf(specifier: string): string {
  const [first = '', second = ''] = specifier.split('/');
  return first.startsWith('@') ? `${first}/${second}` : first;
}
