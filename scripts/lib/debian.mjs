import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { run } from './tools.mjs';

/**
 * Programs the tests start that npm does not have, and the Debian package each one is in.
 * @type {Readonly<Record<string, string>>}
 */
export const DEBIAN_TOOLS = {
  haproxy: 'haproxy',
  prometheus: 'prometheus',
  promtool: 'prometheus',
  initdb: 'postgresql',
  postgres: 'postgresql',
};

const POSTGRES = '/usr/lib/postgresql';
/** Debian starts the services of a package it installs, unless this file says no. */
const POLICY = '/usr/sbin/policy-rc.d';
const APT = ['-y', '-q', '-o', 'DPkg::Lock::Timeout=300'];

/**
 * The path of a program of DEBIAN_TOOLS, wherever Debian or PATH has it.
 * @param {string} name
 * @returns {string | undefined}
 */
export function findDebianTool(name) {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', ...postgresFolders()];
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

/** Installs the packages of DEBIAN_TOOLS that are not there; without the right to, says how. */
export async function installDebianTools() {
  const missing = missingPackages();
  if (missing.length === 0) return true;
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return explain(missing);
  console.log(`Installing Debian packages: ${missing.join(' ')} ...`);
  const folder = mkdtempSync(join(tmpdir(), 'mcpx-apt-'));
  const log = join(folder, 'log');
  const removePolicy = forbidStarting();
  try {
    if ((await install(missing, log)) && missingPackages().length === 0) return true;
    console.error(readFileSync(log, 'utf8'));
    return false;
  } finally {
    removePolicy();
    rmSync(folder, { recursive: true, force: true });
  }
}

function missingPackages() {
  const missing = Object.entries(DEBIAN_TOOLS).filter(([tool]) => !findDebianTool(tool));
  return [...new Set(missing.map(([, name]) => name))];
}

/** Newest version first. */
function postgresFolders() {
  if (!existsSync(POSTGRES)) return [];
  const versions = readdirSync(POSTGRES).sort((a, b) => Number(b) - Number(a));
  return versions.map((version) => join(POSTGRES, version, 'bin'));
}

/** @param {readonly string[]} missing */
function explain(missing) {
  const command = `apt-get install --no-install-recommends ${missing.join(' ')}`;
  console.error(
    `The tests start programs of these Debian packages, which are not installed: ${missing.join(', ')}.\n` +
      `Install them as root, then run this again:\n\n  apt-get update && ${command}\n\n` +
      'On a system without apt-get, any installation whose programs are in PATH will do.',
  );
  return false;
}

/** @param {readonly string[]} packages @param {string} log */
async function install(packages, log) {
  // Lists that cannot be renewed may still be good enough; the installation tells.
  await apt(['update'], log);
  return apt(['install', '--no-install-recommends', ...packages], log);
}

/** @param {readonly string[]} args @param {string} log */
async function apt(args, log) {
  const file = openSync(log, 'a');
  try {
    return await run('/usr/bin/apt-get', [...APT, ...args], {
      stdio: ['ignore', file, file],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    });
  } finally {
    closeSync(file);
  }
}

/** Keeps the packages' services from starting; what it returns leaves the machine as it was. */
function forbidStarting() {
  if (existsSync(POLICY)) return () => undefined;
  writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755, flag: 'wx' });
  return () => rmSync(POLICY);
}
