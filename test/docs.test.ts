import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import test from 'node:test';
import { createProgram } from '../src/cli/program.ts';
import { ROOT, sourcesUnder } from './support/source-file.ts';

/** One Markdown document; its path is relative to the repository, with slashes. */
interface Document {
  readonly path: string;
  readonly text: string;
}

const AGENTS_LINES = 120;
/** Folders that are not part of the repository, and ones whose documents are not ours. */
const LEFT_OUT = new Set(['node_modules', 'dist', 'coverage']);
/** Folders of the repository, as a document names a file in them. */
const REPOSITORY_FILE =
  /^(?:bench|bin|config|demo|deploy|docs|schemas|scripts|src|test|tools)\/\S*$/u;

const documents = markdownUnder(ROOT);
const own = documents.filter(({ path }) => !path.startsWith('docs/reference/'));
const userDocuments = documents.filter(
  ({ path }) => path === 'README.md' || path.startsWith('docs/guide/'),
);

test('there are documents to check', () => {
  const paths = documents.map(({ path }) => path);
  for (const path of ['README.md', 'AGENTS.md', 'CHANGELOG.md', 'docs/LIFECYCLE.md'])
    assert.ok(paths.includes(path), `${path} is missing`);
  assert.ok(userDocuments.length >= 5, 'the guide is missing');
  assert.ok(paths.some((path) => path.startsWith('docs/decisions/0001-')));
});

test('every relative link of a document leads to a file, and to a heading in it', () => {
  assertNone(documents.flatMap(linkFaults));
});

test('every file of the repository that a document names exists', () => {
  assertNone(own.flatMap(fileFaults));
});

test('every npm script that a document names exists', () => {
  const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  const faults = own.flatMap(({ path, text }) =>
    npmScriptsIn(text)
      .filter((script) => manifest.scripts[script] === undefined)
      .map((script) => `${path}: there is no script "${script}"`),
  );
  assertNone(faults);
});

test('every command of mcpx that a document names exists, and the guide names every command', () => {
  const commands = createProgram().commands.map((command) => command.name());
  const named = own.flatMap(({ path, text }) =>
    mcpxCommandsIn(text).map((command) => ({ path, command })),
  );
  const faults = named
    .filter(({ command }) => command !== 'help' && !commands.includes(command))
    .map(({ path, command }) => `${path}: there is no command "mcpx ${command}"`);
  const untold = commands.filter((command) => !named.some((each) => each.command === command));
  assertNone([...faults, ...untold.map((command) => `nothing says what "mcpx ${command}" does`)]);
});

test('every setting in milliseconds or bytes that a document names is in the reference', () => {
  const reference = readFileSync(join(ROOT, 'docs/reference/configuration.md'), 'utf8');
  const known = new Set(
    [...reference.matchAll(/`(\w+(?:\.\w+)*)`/gu)].map(([, name]) => lastPart(name ?? '')),
  );
  const faults = own.flatMap(({ path, text }) =>
    codeSpansIn(text)
      .filter((span) => /^[a-z]\w*(?:\.[a-z]\w*)*(?:Ms|Bytes|Messages)$/u.test(span))
      .filter((span) => !known.has(lastPart(span)) && !RECORDED.has(span))
      .map((span) => `${path}: no setting is named ${span}`),
  );
  assertNone(faults);
});

/** Members of records, which are measured like settings. */
const RECORDED: ReadonlySet<string> = new Set(['durationMs', 'requestBytes', 'upstreamMs']);

test('README gives both commands', () => {
  const readme = documents.find(({ path }) => path === 'README.md')?.text ?? '';
  const blocks = codeBlocksIn(readme).map((block) => block.trim());
  for (const command of ['npm start', 'npm test'])
    assert.ok(blocks.includes(command), `README has no block with "${command}"`);
});

test(`AGENTS.md has at most ${AGENTS_LINES} lines`, () => {
  const lines = readFileSync(join(ROOT, 'AGENTS.md'), 'utf8').trimEnd().split('\n').length;
  assert.ok(lines <= AGENTS_LINES, `it has ${lines}`);
});

test('every word of the vocabulary in AGENTS.md that is set as code names a type in src', () => {
  const text = readFileSync(join(ROOT, 'AGENTS.md'), 'utf8');
  const [, section = ''] = text.split('## Vocabulary');
  const rows = (section.split('\n## ')[0] ?? '')
    .split('\n')
    .filter((line) => line.startsWith('| '));
  const words = rows.flatMap((row) => codeSpansIn(row.split('|')[1] ?? ''));
  assert.ok(words.length > 20, 'the vocabulary was not found');
  const types = new Set(sourcesUnder('src').flatMap(({ text: source }) => typesIn(source)));
  assertNone(words.filter((word) => !types.has(word)).map((word) => `no type is named ${word}`));
});

test('decisions are numbered without gaps and say what would change them', () => {
  const decisions = documents.filter(({ path }) => path.startsWith('docs/decisions/'));
  const faults = decisions.flatMap(({ path, text }, index) => {
    const number = String(index + 1).padStart(4, '0');
    const parts = [
      '**Context.**',
      '**Decision.**',
      '**Consequence.**',
      '**What would change it.**',
    ];
    return [
      ...(path.startsWith(`docs/decisions/${number}-`) ? [] : [`${path}: expected ${number}`]),
      ...parts.filter((part) => !text.includes(part)).map((part) => `${path}: ${part} is missing`),
    ];
  });
  assertNone(faults);
});

function markdownUnder(folder: string): Document[] {
  const entries = readdirSync(folder, { withFileTypes: true }).toSorted((a, b) =>
    a.name < b.name ? -1 : 1,
  );
  return entries.flatMap((entry) => {
    if (entry.name.startsWith('.') || LEFT_OUT.has(entry.name)) return [];
    const file = join(folder, entry.name);
    if (entry.isDirectory()) return markdownUnder(file);
    if (!entry.name.endsWith('.md')) return [];
    const path = relative(ROOT, file).replaceAll('\\', '/');
    return [{ path, text: readFileSync(file, 'utf8') }];
  });
}

function linkFaults({ path, text }: Document): string[] {
  return linksIn(text).flatMap((link) => {
    const [file = '', heading] = link.split('#', 2);
    const target = file === '' ? join(ROOT, path) : join(ROOT, dirname(path), file);
    if (!existsSync(target)) return [`${path}: ${link} leads nowhere`];
    if (heading === undefined) return [];
    const headings = headingsIn(readFileSync(target, 'utf8'));
    return headings.includes(heading) ? [] : [`${path}: ${link} names no heading`];
  });
}

/** Targets of inline links and pictures that are not web addresses. */
function linksIn(text: string): string[] {
  const prose = withoutCode(text);
  return [...prose.matchAll(/\]\(([^()\s]+)\)/gu)]
    .map(([, target]) => target ?? '')
    .filter((target) => !/^[a-z]+:/u.test(target));
}

/** Headings as anchors of a rendered page. */
function headingsIn(text: string): string[] {
  const outside = text.replaceAll(/^```[\s\S]*?^```$/gmu, '');
  return [...outside.matchAll(/^#+ (.+)$/gmu)].map(([, title]) =>
    (title ?? '')
      .trim()
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

function fileFaults({ path, text }: Document): string[] {
  return codeSpansIn(text)
    .filter((span) => REPOSITORY_FILE.test(span) && !/[*<>{}]/u.test(span))
    .filter((span) => !existsSync(join(ROOT, span)))
    .map((span) => `${path}: there is no ${span}`);
}

function npmScriptsIn(text: string): string[] {
  return codeIn(text).flatMap((code) =>
    [...code.matchAll(/\bnpm (?:run (?:-s |--silent )?([\w:-]+)|(start|test)\b)/gu)].map(
      ([, script, short]) => script ?? short ?? '',
    ),
  );
}

function mcpxCommandsIn(text: string): string[] {
  return codeIn(text).flatMap((code) =>
    [...code.matchAll(/\bmcpx(?:\.js)? ([a-z]+)(?![\w:/.-])/gu)].map(
      ([, command]) => command ?? '',
    ),
  );
}

function codeIn(text: string): string[] {
  return [...codeBlocksIn(text), ...codeSpansIn(text)];
}

function codeBlocksIn(text: string): string[] {
  return [...text.matchAll(/^```[^\n]*\n([\s\S]*?)^```$/gmu)].map(([, code]) => code ?? '');
}

function codeSpansIn(text: string): string[] {
  const outside = text.replaceAll(/^```[\s\S]*?^```$/gmu, '');
  return [...outside.matchAll(/`([^`\n]+)`/gu)].map(([, code]) => code ?? '');
}

function withoutCode(text: string): string {
  return text.replaceAll(/^```[\s\S]*?^```$/gmu, '').replaceAll(/`[^`\n]*`/gu, '');
}

function typesIn(source: string): string[] {
  return [...source.matchAll(/^(?:export )?(?:class|interface|type) (\w+)/gmu)].map(
    ([, name]) => name ?? '',
  );
}

function lastPart(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1);
}

function assertNone(faults: readonly string[]): void {
  assert.equal(faults.length, 0, `\n${faults.join('\n')}`);
}
