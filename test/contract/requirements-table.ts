import type { Era, Transport, Way } from '../support/scenario-fleet.ts';
import { WAYS, eraOf, transportOf } from '../support/scenario-fleet.ts';

/** The revisions of the specification, oldest first. */
export const REVISIONS = [
  '2024-11-05',
  '2025-03-26',
  '2025-06-18',
  '2025-11-25',
  '2026-07-28',
] as const;
export type Revision = (typeof REVISIONS)[number];

/** One rule of the specification that a gateway can keep or break. */
export interface Requirement {
  readonly id: string;
  readonly revisions: readonly Revision[];
  /** The page of the specification, below its revision, and the heading on it. */
  readonly section: string;
  /** The rule, in our words. */
  readonly rule: string;
  /** Whether it binds the gateway as a server (towards clients) or as a client (towards servers). */
  readonly binds: 'server' | 'client';
  /** The ways of clients it must be shown on. */
  readonly doors: readonly Way[];
  /** The ways to servers it must be shown on. */
  readonly servers: readonly Way[];
}

/** Where a rule applies, as far as its revisions and its side do not say it already. */
export interface Where {
  readonly clients?: readonly Era[];
  readonly inbound?: readonly Transport[];
  readonly servers?: readonly Era[];
  readonly upstream?: readonly Transport[];
  readonly revisions?: readonly Revision[];
}

/** What the rules of a group have in common. */
export interface Group extends Where {
  readonly page: string;
  readonly binds: 'server' | 'client';
  readonly revisions: readonly Revision[];
}

/** The id, the heading and the rule, and where it applies if that differs from its group. */
export type Row = readonly [id: string, heading: string, rule: string, where?: Where];

export const LEGACY: readonly Revision[] = REVISIONS.slice(0, 4);
export const MODERN: readonly Revision[] = ['2026-07-28'];
export const ALL: readonly Revision[] = REVISIONS;

function erasOf(revisions: readonly Revision[]): Era[] {
  const hasModern = revisions.includes('2026-07-28');
  const hasLegacy = revisions.some((revision) => revision !== '2026-07-28');
  return [...(hasLegacy ? (['legacy'] as const) : []), ...(hasModern ? (['modern'] as const) : [])];
}

function waysOf(eras: readonly Era[], transports: readonly Transport[] | undefined): Way[] {
  return WAYS.filter(
    (way) =>
      eras.includes(eraOf(way)) &&
      (transports === undefined || transports.includes(transportOf(way))),
  );
}

/** The rules of a group. A server's rule applies to clients of its revisions, a client's to servers of these. */
export function rulesOf(group: Group, rows: readonly Row[]): Requirement[] {
  return rows.map(([id, heading, rule, where]) => {
    const { page, binds, revisions, clients, inbound, servers, upstream } = { ...group, ...where };
    const own = erasOf(revisions);
    const meets = (
      isOwn: boolean,
      eras: readonly Era[] | undefined,
      transports: readonly Transport[] | undefined,
    ): Way[] => {
      if (isOwn) return waysOf(eras ?? own, transports);
      if (eras === undefined && transports === undefined) return [];
      return waysOf(eras ?? ['legacy', 'modern'], transports);
    };
    return {
      id,
      revisions,
      section: `${page}: ${heading}`,
      rule,
      binds,
      doors: meets(binds === 'server', clients, inbound),
      servers: meets(binds === 'client', servers, upstream),
    };
  });
}
