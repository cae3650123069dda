import { userInfo } from 'node:os';

import { didYouMean } from '../config/nearest.ts';
import type { KeyRecord } from '../kernel/key-record.ts';
import { AuditDesk } from '../wiring/audit-desk.ts';
import { clock } from '../wiring/clock.ts';
import { keyEvent } from '../wiring/gateway-events.ts';
import { KeyDesk } from '../wiring/key-desk.ts';
import { findConfiguration } from './configuration.ts';
import { fail, note, table, timeText } from './output.ts';
import type { Expiry } from './typed.ts';

/** What `mcpx keys create` was asked for. */
export interface CreateOptions {
  readonly name: string;
  readonly consumer: string;
  readonly expires?: Expiry;
}

/** `mcpx keys create`: makes a key and prints it, this once. */
export async function createKey({ name, consumer, expires }: CreateOptions): Promise<void> {
  const expiresAt = momentOf(expires);
  if (expiresAt !== undefined && expiresAt <= clock()) {
    fail('--expires: this moment has passed; give a later one, such as 90d.', 2);
    return;
  }
  await withDesk(async (desk) => {
    const { record, text } = desk.create({ name, consumer, expiresAt });
    const failure = await recorded('key-created', record);
    if (failure?.isRefusal === true) {
      desk.revoke(record.id);
      fail(`The key was not made, since that cannot be recorded: ${failure.why}`, 1);
      return;
    }
    // Alone on standard output, so that a script can take it from there.
    process.stdout.write(`${text}\n`);
    note(madeText(record));
    if (failure !== undefined) note(notRecorded(failure));
    for (const line of remarks(consumer)) note(line);
  });
}

function momentOf(expires: Expiry | undefined): number | undefined {
  if (expires === undefined) return undefined;
  return 'at' in expires ? expires.at : clock() + expires.inMs;
}

function madeText({ id, name, consumer, expiresAt }: KeyRecord): string {
  const end = expiresAt === undefined ? 'until it is revoked' : `until ${timeText(expiresAt)} UTC`;
  return [
    `Key "${name}" (id ${id}) proves consumer ${consumer} ${end}.`,
    'It is shown this once: only its hash is kept. Send it with every request, in one of two headers:',
    `  ${headerName()}: <key>`,
    '  Authorization: Bearer <key>',
    'A running gateway knows it within a second.',
    `To end it: mcpx keys revoke ${id}`,
  ].join('\n');
}

function headerName(): string {
  return findConfiguration().read().plan?.auth.header ?? 'x-lunar-api-key';
}

/** What the maker of a key may not have thought of. */
function remarks(consumer: string): string[] {
  const { plan } = findConfiguration().read();
  if (plan === undefined) return [];
  const { consumers } = plan.access;
  const isKnown = Object.hasOwn(consumers, consumer);
  const guess = didYouMean(consumer, Object.keys(consumers));
  return [
    ...(isKnown || Object.keys(consumers).length === 0
      ? []
      : [
          `Note: no entry of permissions.consumers is for "${consumer}", so what holds for everybody holds for it.${guess}`,
        ]),
    ...(plan.auth.isOn
      ? []
      : ['Note: nobody is asked for a key while auth.enabled in app.yaml is not true.']),
  ];
}

/** What `mcpx keys list` was asked for. */
export interface ListOptions {
  readonly json?: true;
}

/** `mcpx keys list`: all keys, never their secrets. */
export async function listKeys({ json }: ListOptions): Promise<void> {
  await withDesk((desk) => {
    const keys = desk.list();
    const text = json === true ? `${JSON.stringify(keys.map(asJson), null, 2)}\n` : listText(keys);
    process.stdout.write(text);
  });
}

type State = 'active' | 'expired' | 'revoked';

function stateOf({ revokedAt, expiresAt }: KeyRecord): State {
  if (revokedAt !== undefined) return 'revoked';
  return expiresAt !== undefined && expiresAt <= clock() ? 'expired' : 'active';
}

function asJson(record: KeyRecord): object {
  const { id, name, consumer, createdAt, expiresAt, revokedAt, lastUsedAt } = record;
  const state = stateOf(record);
  return {
    id,
    name,
    consumer,
    state,
    createdAt: isoOf(createdAt),
    expiresAt: isoOf(expiresAt),
    revokedAt: isoOf(revokedAt),
    lastUsedAt: isoOf(lastUsedAt),
  };
}

function isoOf(at: number | undefined): string | null {
  return at === undefined ? null : new Date(at).toISOString();
}

function listText(keys: readonly KeyRecord[]): string {
  if (keys.length === 0)
    return 'No keys. To make one: mcpx keys create --name NAME --consumer CONSUMER\n';
  const head = ['ID', 'NAME', 'CONSUMER', 'STATE', 'CREATED (UTC)', 'EXPIRES', 'LAST USED'];
  const rows = keys.map((key) => [
    key.id,
    key.name,
    key.consumer,
    stateOf(key),
    timeText(key.createdAt),
    timeText(key.expiresAt, 'never'),
    timeText(key.lastUsedAt, 'never'),
  ]);
  return table([head, ...rows]);
}

/** `mcpx keys revoke`: ends a key. */
export async function revokeKey(idOrName: string): Promise<void> {
  await withDesk(async (desk) => {
    const before = desk.list();
    const revoked = desk.revoke(idOrName);
    if (revoked === undefined) {
      const known = before.flatMap(({ id, name }) => [name, id]);
      const guess = didYouMean(idOrName, known) || ' "mcpx keys list" shows all.';
      fail(`There is no key "${idOrName}".${guess}`, 2);
      return;
    }
    const { id, name, consumer, revokedAt } = revoked;
    const key = `Key "${name}" (id ${id}) of consumer ${consumer}`;
    const wasRevoked = before.find((each) => each.id === id)?.revokedAt !== undefined;
    // It must be possible to end a key whatever else is wrong.
    const failure = wasRevoked ? undefined : await recorded('key-revoked', revoked);
    if (failure !== undefined) note(notRecorded(failure));
    const text = wasRevoked
      ? `${key} was revoked before, at ${timeText(revokedAt)} UTC.`
      : `${key} is revoked; that takes effect within a second.`;
    process.stdout.write(`${text}\n`);
  });
}

/** Why something is not in the audit. */
interface Unrecorded {
  readonly why: string;
  /** Whether nothing may be done without a record. */
  readonly isRefusal: boolean;
}

/** Writes into the audit what became of a key; returns why it could not. */
async function recorded(
  event: 'key-created' | 'key-revoked',
  record: KeyRecord,
): Promise<Unrecorded | undefined> {
  const { surroundings, read } = findConfiguration();
  const plan = read().plan?.audit;
  const desk = new AuditDesk(surroundings.dataDir);
  try {
    await desk.note(keyEvent(event, record, userName()), plan);
    return undefined;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { why, isRefusal: plan?.onFailure === 'refuse' };
  }
}

function notRecorded({ why }: Unrecorded): string {
  return `Note: this is not in the audit: ${why}`;
}

/** Who runs this, as the operating system knows; not every user has a name there. */
function userName(): string | undefined {
  try {
    return userInfo().username;
  } catch {
    return process.getuid === undefined ? undefined : `uid ${process.getuid()}`;
  }
}

/** Opens the keys of the data folder; what goes wrong with them is one line. */
async function withDesk(work: (desk: KeyDesk) => void | Promise<void>): Promise<void> {
  let desk: KeyDesk | undefined;
  try {
    desk = new KeyDesk(findConfiguration().surroundings.dataDir);
    await work(desk);
  } catch (error) {
    fail(error instanceof Error ? error.message : String(error), 1);
  } finally {
    desk?.close();
  }
}
