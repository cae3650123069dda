import { auditSearch, type AuditSearch } from '../admin/audit-query.ts';
import { entryText, type AuditFound, type AuditSource } from '../admin/audit.ts';
import type { AuditPlan } from '../kernel/record-plan.ts';
import type { GatewayEvent } from '../kernel/entry.ts';
import { Refusal } from '../kernel/refusals.ts';
import { anchorLine, proofsIn, proofsOf } from '../record/audit/anchor-lines.ts';
import { parseCursor } from '../record/audit/audit-cursor.ts';
import { AuditVerifier, keyIdOf, pemOf, publicKeysIn } from '../record/audit/keys.ts';
import { lifeOf } from '../record/audit/ports.ts';
import { queryAudit } from '../record/audit/query.ts';
import { verifyAudit, type Proof, type Verdict } from '../record/audit/verify.ts';
import { readAnchors } from '../store/anchor-table.ts';
import { findAuditKeys } from '../store/audit-key-file.ts';
import { auditFolder, isAuditLife, openAudit } from './audit.ts';
import { clock } from './clock.ts';

export type { Finding } from '../record/audit/finding.ts';
export type { ChainVerdict, Verdict } from '../record/audit/verify.ts';

/** What an audit is verified by, beside what the data folder has. */
export interface VerifyWish {
  /** The folder of the audit; that of the data folder when undefined. */
  readonly folder: string | undefined;
  /** Texts of files with anchors, by their names. */
  readonly anchors: ReadonlyMap<string, string>;
  /** Texts of files with public keys in PEM, by their names; those of the data folder when there are none. */
  readonly publicKeys: ReadonlyMap<string, string>;
}

/** A public key that the audit is signed with. */
export interface PublicKey {
  readonly id: string;
  readonly pem: string;
}

/** What holds where the configuration cannot be read. */
const USUAL: AuditPlan = {
  isOn: true,
  arguments: 'redacted',
  flushMs: 0,
  onFailure: 'refuse',
  maxSegmentBytes: 67_108_864,
  retention: { maxAgeDays: 0, maxBytes: 0 },
  syslog: undefined,
  http: undefined,
};

/** Bytes read for one answer. */
const MAX_BYTES = 64 * 1024 * 1024;

/** Reads and verifies the audit of a data folder, beside a running gateway or without one. Changes nothing. */
export class AuditDesk implements AuditSource {
  readonly #dataDir: string;

  constructor(dataDir: string) {
    this.#dataDir = dataDir;
  }

  /** The folder of the audit. */
  get folder(): string {
    return auditFolder(this.#dataDir);
  }

  /** Looks for lines. Rejects with PARAMS_INVALID for a cursor of another question, and with what the file system says. */
  async query({ filter, order, limit, cursor: text }: AuditSearch): Promise<AuditFound> {
    const cursor = text === undefined ? undefined : parseCursor(text);
    if (text !== undefined && cursor?.order !== order) {
      const what = 'this is no cursor of an answer before; ask without one first.';
      throw new Refusal('PARAMS_INVALID', `cursor: ${what}`);
    }
    return queryAudit(this.folder, { filter, order, limit, cursor, maxBytes: MAX_BYTES });
  }

  /** The answer to the question in some parameters, those of `GET /admin/audit`, with as many entries as were asked for. */
  async ask(
    params: URLSearchParams,
  ): Promise<{ readonly lines: readonly string[]; readonly next: string | undefined }> {
    const search = auditSearch(params, optionOf);
    const lines: string[] = [];
    let next = search.cursor;
    do {
      const limit = search.limit - lines.length;
      const found = await this.query({ ...search, limit, cursor: next });
      lines.push(...found.entries.map((entry) => entryText(entry)));
      next = found.next;
    } while (next !== undefined && lines.length < search.limit);
    return { lines, next };
  }

  /**
   * Verifies an audit. Throws, naming the file, where a key or an anchor cannot be read, or there is no key; rejects with what the
   * file system says.
   */
  async verify({ folder, anchors, publicKeys }: VerifyWish): Promise<Verdict> {
    const keys = this.#keys(publicKeys);
    const given = [...anchors].flatMap(([file, text]) => named(file, () => proofsIn(text, file)));
    return verifyAudit({
      folder: folder ?? this.folder,
      verifier: new AuditVerifier(keys),
      proofs: () => [...given, ...(folder === undefined ? this.#proofs() : [])],
      isAlive: (chain) => folder === undefined && isAuditLife(this.#dataDir, lifeOf(chain)),
    });
  }

  /** The anchors of all chains, each a line to be kept elsewhere. */
  anchors(): readonly string[] {
    return readAnchors(this.#dataDir).map((anchor) => anchorLine(anchor));
  }

  /** The keys of the data folder, newest first; none where nothing was signed yet. */
  publicKeys(): readonly PublicKey[] {
    return findAuditKeys(this.#dataDir).map(({ publicKey }) => ({
      id: keyIdOf(publicKey),
      pem: pemOf(publicKey),
    }));
  }

  /** Writes down what was done without a gateway, in a chain of its own. Rejects when it cannot be written. */
  async note(event: GatewayEvent, plan: AuditPlan = USUAL): Promise<void> {
    let failure: unknown;
    const audit = openAudit({
      dataDir: this.#dataDir,
      plan: () => plan,
      now: clock,
      onLost: () => undefined,
      onError: (error) => (failure ??= error),
    });
    audit.event(event);
    await audit.close();
    if (plan.isOn && audit.counts().lines === 0) throw failure;
  }

  #keys(files: ReadonlyMap<string, string>): string[] {
    if (files.size > 0)
      return [...files].flatMap(([file, text]) => named(file, () => publicKeysIn(text)));
    const keys = findAuditKeys(this.#dataDir).map(({ publicKey }) => publicKey);
    if (keys.length > 0) return keys;
    throw new Error(
      `there is no key in ${this.#dataDir}/keys to verify with; give one with --public-key, as "mcpx audit key" printed it where the audit was written`,
    );
  }

  #proofs(): Proof[] {
    return readAnchors(this.#dataDir).flatMap(({ chain, proof, retirements }) => {
      const texts = [proof, ...retirements].filter((text) => text !== undefined);
      return proofsOf(texts, `the anchor of ${chain}`);
    });
  }
}

/** Names the file in what goes wrong with it. */
function named<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`${file}: ${why}`, { cause: error });
  }
}

function optionOf(parameter: string): string {
  return `--${parameter}`;
}
