import type { ServerPlan } from '../kernel/plan.ts';
import type { UpstreamPorts } from './ports.ts';

const MIN_SECRET_CHARS = 8;
const MASK = '***';

/**
 * Takes the values a server was given in its environment or headers out of texts, and what more is known to be secret:
 * servers repeat them in errors and logs.
 */
export function createScrub(
  { endpoint }: ServerPlan,
  more: Pick<UpstreamPorts, 'scrub'> = {},
): (text: string) => string {
  const given = Object.values(endpoint.kind === 'stdio' ? endpoint.env : endpoint.headers);
  const secrets = given
    .flatMap((value) => [value, value.replace(/^\w+ /u, '')])
    .filter((value) => value.length >= MIN_SECRET_CHARS)
    .toSorted((one, other) => other.length - one.length);
  return (text) => {
    const left = secrets.reduce((rest, secret) => rest.replaceAll(secret, MASK), text);
    return more.scrub?.(left) ?? left;
  };
}

/** Ports whose log lines are scrubbed. */
export function scrubbedPorts(
  ports: UpstreamPorts,
  scrub: (text: string) => string,
): UpstreamPorts {
  return {
    ...ports,
    log: (level, upstream, message) => ports.log(level, upstream, scrub(message)),
  };
}
