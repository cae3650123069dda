import type { Problem, Surroundings } from '../kernel/plan.ts';
import type { App } from './app-settings.ts';
import type { ConfigFile } from './config-file.ts';
import { apiKeyVariable, type LookUp } from './environment.ts';
import { problemOf } from './problem.ts';
import type { Path } from './tree.ts';

/** Refuses settings that are understood but not obeyed yet: none may be silently without effect (docs/rules.md R19). */
export function refuseUnenforced(file: ConfigFile, app: App): void {
  const refuse = (path: Path, subject: string): void => {
    const message = `${subject} not enforced yet, so starting would leave open what this closes; remove it.`;
    file.error(path, message, 'key');
  };
  for (const key of restrictions(app.permissions ?? {}))
    refuse(['permissions', key], 'Permissions are');
  if ((app.toolGroups ?? []).length > 0) refuse(['toolGroups'], 'Tool groups are');
  if (app.auth?.enabled === true) refuse(['auth', 'enabled'], 'Authentication is');
  const extended = Object.keys(app.toolExtensions?.services ?? {});
  if (extended.length > 0) refuse(['toolExtensions'], 'Tool extensions are');
  if (app.server.tls !== undefined) refuse(['server', 'tls'], 'TLS is');
  if (app.server.trustedProxies.length > 0) {
    refuse(['server', 'trustedProxies'], 'Trusted proxies are');
  }
}

/** Refuses an API key and an address open to other machines while callers are not checked (docs/rules.md R19). */
export function refuseExposure(surroundings: Surroundings, lookUp: LookUp): Problem[] {
  const problems: Problem[] = [];
  const variable = apiKeyVariable(lookUp);
  if (variable !== undefined) {
    const message =
      'A key asks for authentication, which is not enforced yet; unset this variable.';
    problems.push(problemOf('error', variable, message));
  }
  if (!isLoopback(surroundings.host)) {
    const message = `"${surroundings.host}" is open to other machines, and callers are not checked yet; use 127.0.0.1.`;
    problems.push(problemOf('error', 'MCPX_HOST', message));
  }
  return problems;
}

/** Reports a key that is set while authentication is switched off (docs/rules.md R19). */
export function refuseContradiction(file: ConfigFile, app: App, lookUp: LookUp): void {
  const variable = apiKeyVariable(lookUp);
  if (variable === undefined || app.auth?.enabled !== false) return;
  const message = `Authentication is switched off here, but ${variable} is set, which asks for it; unset one of the two.`;
  file.error(['auth', 'enabled'], message);
}

/** The keys of permissions that take something away from somebody. */
function restrictions(permissions: NonNullable<App['permissions']>): string[] {
  const { default: rule, base, consumers = {}, clientNames = {} } = permissions;
  const isClosed = rule !== undefined && (rule.allow !== undefined || rule.block?.length !== 0);
  return [
    ...(isClosed ? ['default'] : []),
    ...(base === 'block' ? ['base'] : []),
    ...(Object.keys(consumers).length > 0 ? ['consumers'] : []),
    ...(Object.keys(clientNames).length > 0 ? ['clientNames'] : []),
  ];
}

function isLoopback(host: string): boolean {
  return /^(localhost|::1|127(\.\d{1,3}){3})$/.test(host);
}
