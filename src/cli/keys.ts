import { didYouMean } from '../config/nearest.ts';
import type { KeyRecord } from '../kernel/key-record.ts';
import { clock } from '../wiring/clock.ts';
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
export function createKey({ name, consumer, expires }: CreateOptions): void {
  const expiresAt = momentOf(expires);
  if (expiresAt !== undefined && expiresAt <= clock()) {
    fail('--expires: this moment has passed; give a later one, such as 90d.', 2);
    return;
  }
  withDesk((desk) => {
    const { record, text } = desk.create({ name, consumer, expiresAt });
    // Alone on standard output, so that a script can take it from there.
    process.stdout.write(`${text}\n`);
    note(madeText(record));
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
export function listKeys({ json }: ListOptions): void {
  withDesk((desk) => {
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
export function revokeKey(idOrName: string): void {
  withDesk((desk) => {
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
    const text = wasRevoked
      ? `${key} was revoked before, at ${timeText(revokedAt)} UTC.`
      : `${key} is revoked; that takes effect within a second.`;
    process.stdout.write(`${text}\n`);
  });
}

/** Opens the keys of the data folder; what goes wrong with them is one line. */
function withDesk(work: (desk: KeyDesk) => void): void {
  let desk: KeyDesk | undefined;
  try {
    desk = new KeyDesk(findConfiguration().surroundings.dataDir);
    work(desk);
  } catch (error) {
    fail(error instanceof Error ? error.message : String(error), 1);
  } finally {
    desk?.close();
  }
}
