import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { localRuntime, runThrough } from '../../bin/runtime.js';

/** The repository's folder. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Reads a JSON file of the repository. @param {string} path */
export function readJson(path) {
  return JSON.parse(readFileSync(join(ROOT, path), 'utf8'));
}

/** The Node binary the repository's tools run under. */
export function runtime() {
  return localRuntime() ?? process.execPath;
}

/**
 * Runs a program in the repository's folder; true when it ended well.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {import('node:child_process').SpawnOptions} [options]
 */
export async function run(command, args, options = {}) {
  const { code } = await runThrough(command, args, { cwd: ROOT, ...options });
  return code === 0;
}

/**
 * Runs an installed package's command under the repository's runtime.
 * @param {string} command
 * @param {readonly string[]} args
 */
export function runTool(command, args) {
  return run(runtime(), [binOf(command), ...args]);
}

/**
 * Runs npm, with the Node that runs the npm above us where there is one.
 * @param {readonly string[]} args
 * @param {import('node:child_process').SpawnOptions} [options]
 */
export function runNpm(args, options = {}) {
  const { npm_execpath: npm, npm_node_execpath: node } = process.env;
  // Not process.execPath: that may be the very binary "npm ci" is about to replace.
  if (npm !== undefined && node !== undefined) return run(node, [npm, ...args], options);
  return run('npm', args, { shell: process.platform === 'win32', ...options });
}

/** @type {Readonly<Record<string, string>>} */
const PACKAGE_OF = { tsc: 'typescript' };

/** @param {string} command */
function binOf(command) {
  const name = PACKAGE_OF[command] ?? command;
  const { bin } = readJson(`node_modules/${name}/package.json`);
  return join(ROOT, 'node_modules', name, typeof bin === 'string' ? bin : bin[command]);
}
