import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readJson, ROOT, runNpm } from './tools.mjs';

/**
 * Installs a folder's packages from its lock file, unless they are all there.
 * @param {string} folder relative to the repository
 */
export async function install(folder) {
  if (isInstalled(folder)) return true;
  console.log(`Installing packages${folder === '.' ? '' : ` in ${folder}`} ...`);
  // NODE_ENV=production and "omit" settings must not leave out the compiler or the runtime.
  const args = ['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund'];
  return runNpm([...args, '--loglevel=error'], { cwd: join(ROOT, folder) });
}

/**
 * Compares what npm says it installed with the lock; npm writes its own list last, so that a broken
 * installation has none.
 * @param {string} folder
 */
function isInstalled(folder) {
  const list = join(folder, 'node_modules/.package-lock.json');
  if (!existsSync(join(ROOT, list))) return false;
  const found = readJson(list).packages;
  const wanted = readJson(join(folder, 'package-lock.json')).packages;
  return Object.entries(wanted).every(
    ([path, { version, optional }]) =>
      !isPackage(path) || found[path]?.version === version || (optional && !isRuntime(path)),
  );
}

/** @param {string} path */
function isPackage(path) {
  return path.startsWith('node_modules/');
}

/** A tree copied from another platform lacks this one. @param {string} path */
function isRuntime(path) {
  const platform = process.platform === 'win32' ? 'win' : process.platform;
  return path === `node_modules/node-${platform}-${process.arch}`;
}
