import { readFileSync } from 'node:fs';

import { objectAt, stringAt, type JsonObject } from '../kernel/json.ts';
import { Refusal } from '../kernel/refusals.ts';
import { AuditDesk } from '../wiring/audit-desk.ts';
import { verdictJson, verdictText } from './audit-verdict.ts';
import { findConfiguration } from './configuration.ts';
import { fail, note, shown, table } from './output.ts';

/** What `mcpx audit verify` was asked. */
export interface VerifyOptions {
  readonly anchors?: readonly string[];
  readonly publicKey?: readonly string[];
  readonly json?: true;
}

/** What `mcpx audit query` was asked: what `GET /admin/audit` is asked with. */
export interface QueryOptions extends Readonly<Record<string, string | true>> {
  readonly json?: true;
}

/** `mcpx audit verify`: exit code 1 where something was tampered with, 2 where that cannot be told. */
export async function verify(folder: string | undefined, options: VerifyOptions): Promise<void> {
  const desk = openDesk();
  try {
    const wish = {
      folder,
      anchors: textsOf(options.anchors),
      publicKeys: textsOf(options.publicKey),
    };
    const verdict = await desk.verify(wish);
    const place = folder ?? desk.folder;
    if (verdict.chains.length === 0 && verdict.findings.length === 0) {
      fail(`There is no audit in ${place}: there is nothing to verify.`, 2);
      return;
    }
    const text = options.json === true ? verdictJson(verdict) : verdictText(verdict, place);
    process.stdout.write(text);
    if (verdict.findings.length > 0) process.exitCode = 1;
  } catch (error) {
    fail(`The audit cannot be verified: ${messageOf(error)}`, 2);
  }
}

/** `mcpx audit query`: what was recorded. */
export async function query({ json, ...asked }: QueryOptions): Promise<void> {
  try {
    const params = new URLSearchParams(asked as Readonly<Record<string, string>>);
    const { lines, next } = await openDesk().ask(params);
    const isJson = json === true;
    process.stdout.write(isJson ? lines.map((line) => `${line}\n`).join('') : textOf(lines));
    if (next !== undefined) note(`There may be more: --cursor ${next}`);
  } catch (error) {
    if (error instanceof Refusal) fail(error.message, 2);
    else fail(`The audit cannot be read: ${messageOf(error)}`, 1);
  }
}

/** `mcpx audit anchors`: how far each chain has come. */
export function printAnchors(): void {
  try {
    const lines = openDesk().anchors();
    process.stdout.write(lines.map((line) => `${line}\n`).join(''));
    if (lines.length === 0) note('Nothing was anchored yet.');
  } catch (error) {
    fail(`The anchors cannot be read: ${messageOf(error)}`, 1);
  }
}

/** `mcpx audit key`: the public keys, newest first. */
export function printKey(): void {
  try {
    const keys = openDesk().publicKeys();
    process.stdout.write(keys.map(({ pem }) => pem).join(''));
    if (keys.length === 0) note('There is no key yet: it is made when the first line is written.');
    for (const { id } of keys) note(`Its id in the audit: ${id}`);
  } catch (error) {
    fail(messageOf(error), 1);
  }
}

function openDesk(): AuditDesk {
  return new AuditDesk(findConfiguration().surroundings.dataDir);
}

function textsOf(files: readonly string[] = []): Map<string, string> {
  return new Map(files.map((file) => [file, readFileSync(file, 'utf8')]));
}

function textOf(lines: readonly string[]): string {
  if (lines.length === 0) return 'Nothing was found.\n';
  const rows = lines.map((line) => rowOf(JSON.parse(line) as JsonObject));
  return table([['AT (UTC)', 'OUTCOME', 'WHO', 'WHAT', 'MS', 'BECAUSE OF'], ...rows]);
}

function rowOf(line: JsonObject): string[] {
  const caller = objectAt(line, 'caller');
  const who = stringAt(caller, 'consumer') ?? stringAt(caller, 'name') ?? stringAt(line, 'by');
  const ms = line['durationMs'];
  const because = [stringAt(line, 'code'), stringAt(line, 'rule')].filter(
    (text) => text !== undefined,
  );
  return [
    (stringAt(line, 'at') ?? '').slice(0, 23).replace('T', ' '),
    stringAt(line, 'outcome') ?? 'event',
    who ?? stringAt(line, 'address') ?? '-',
    whatOf(line),
    typeof ms === 'number' ? ms.toFixed(1) : '-',
    because.length === 0 ? '-' : because.join(', '),
  ].map((text) => cut(text));
}

function whatOf(line: JsonObject): string {
  const [event, server, target, custom, method] = [
    'event',
    'server',
    'target',
    'custom',
    'method',
  ].map((key) => stringAt(line, key));
  if (event !== undefined) return event;
  if (server !== undefined) return `${method} ${server}/${custom ?? target ?? ''}`;
  const { count } = line;
  return method ?? (typeof count === 'number' ? `${count} times` : '-');
}

const MAX_CELL_CHARS = 80;

function cut(text: string): string {
  return text.length > MAX_CELL_CHARS ? `${text.slice(0, MAX_CELL_CHARS - 1)}…` : text;
}

function messageOf(error: unknown): string {
  return shown(error instanceof Error ? error.message : String(error));
}
