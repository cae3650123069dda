import { join } from 'node:path';

import type { AuditPlan } from '../kernel/record-plan.ts';
import { AuditSink, type AuditCounts } from '../record/audit-sink.ts';
import type { AuditPorts } from '../record/audit/ports.ts';
import type { AuditReading } from '../record/metrics/ports.ts';
import { newKeyId } from '../seal/seal.ts';
import { newSigningKey } from '../seal/signing-key.ts';
import { AnchorTable } from '../store/anchor-table.ts';
import { readAuditKeys } from '../store/audit-key-file.ts';
import { holdLife, isHeld } from '../store/life-lock.ts';

/** What an audit in a data folder needs. */
export interface AuditWiring {
  readonly dataDir: string;
  plan(): AuditPlan;
  /** Milliseconds since the epoch. */
  now(): number;
  /** Told of chains whose process ended without a word: their last lines are lost. */
  onLost(chains: readonly string[]): void;
  /** Takes why something could not be written, sent or removed. */
  onError(error: unknown): void;
}

/** Opens the audit of a data folder: in `audit/`, its keys in `keys/`, its anchors beside it. */
export function openAudit(wiring: AuditWiring): AuditSink {
  const { dataDir } = wiring;
  return new AuditSink({
    folder: auditFolder(dataDir),
    ports: auditPorts(dataDir),
    plan: () => wiring.plan(),
    now: () => wiring.now(),
    onLost: (chains) => wiring.onLost(chains),
    onError: (error) => wiring.onError(error),
  });
}

/** What the metrics say of the audit. */
export function auditReading({ syslog, http, ...counts }: AuditCounts): AuditReading {
  return { ...counts, syslogDropped: syslog?.dropped, httpDropped: http?.dropped };
}

/** The folder of the audit in a data folder. */
export function auditFolder(dataDir: string): string {
  return join(dataDir, 'audit');
}

/** Whether the process that holds this name runs. */
export function isAuditLife(dataDir: string, name: string): boolean {
  return isHeld(livesIn(dataDir), name);
}

function auditPorts(dataDir: string): AuditPorts {
  const lives = livesIn(dataDir);
  return {
    keys: () => readAuditKeys(dataDir, newSigningKey),
    openAnchors: () => new AnchorTable(dataDir),
    lives: { hold: (name) => holdLife(lives, name), isHeld: (name) => isHeld(lives, name) },
    newChainId: newKeyId,
  };
}

function livesIn(dataDir: string): string {
  return join(dataDir, 'locks');
}
