import { fileURLToPath } from 'node:url';

import type { StdioEndpoint } from '../../kernel/plan.ts';
import { runsOnNode } from './node-command.ts';

type Environment = Readonly<Record<string, string>>;

/** Plain JavaScript, for the Node of a server may be older than ours. */
const PRELOAD = fileURLToPath(new URL('../../../bin/lunar-preload.cjs', import.meta.url));

/**
 * The environment a server's entry asks for, with LUNAR_PROXY_HOST, and for programs that run on Node with the interceptor in
 * NODE_OPTIONS. What the entry says itself holds; with an empty LUNAR_PROXY_HOST it stays out of this.
 */
export function lunarEnvironment(
  endpoint: StdioEndpoint,
  inheritedEnv: Environment,
  authority: string,
): Environment {
  const env = { LUNAR_PROXY_HOST: authority, ...endpoint.env };
  const path = endpoint.env['PATH'] ?? inheritedEnv['PATH'] ?? '';
  if (env.LUNAR_PROXY_HOST === '' || !runsOnNode(endpoint, path)) return env;
  const options = endpoint.env['NODE_OPTIONS'] ?? '';
  return { ...env, NODE_OPTIONS: `${options} ${preloadOption(PRELOAD)}`.trimStart() };
}

/** The option that has Node load a file first, as NODE_OPTIONS takes it: split at spaces, save between double quotes, where a backslash escapes. */
export function preloadOption(path: string): string {
  const text = /[\s"\\]/u.test(path) ? `"${path.replaceAll(/["\\]/gu, '\\$&')}"` : path;
  return `--require ${text}`;
}
