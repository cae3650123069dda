import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

/** The oldest Node release the gateway runs on. */
export const FLOOR = '22.19';

/** Says whether a Node version is at or above the floor. @param {string} version */
export function isNewEnough(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [floorMajor = 0, floorMinor = 0] = FLOOR.split('.').map(Number);
  return major > floorMajor || (major === floorMajor && minor >= floorMinor);
}

/** The Node binary a clone brings along in node_modules, if it is there. @returns {string | undefined} */
export function localRuntime() {
  // npm puts a command script in .bin on Windows, which cannot be spawned without a shell.
  const path = process.platform === 'win32' ? `node-win-${process.arch}/bin/node.exe` : '.bin/node';
  const file = fileURLToPath(new URL(`../node_modules/${path}`, import.meta.url));
  return existsSync(file) ? file : undefined;
}

/**
 * Runs a program to its end, passing termination signals on to it.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {import('node:child_process').SpawnOptions} [options]
 * @returns {Promise<{ code: number | null, signal: NodeJS.Signals | null }>}
 */
export function runThrough(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: 'inherit', ...options });
    const stopPassing = passSignalsTo(child);
    child.once('error', (error) => {
      stopPassing();
      reject(error);
    });
    child.once('exit', (code, signal) => {
      stopPassing();
      resolve({ code, signal });
    });
  });
}

/** Ends this process the way another one ended. @param {{ code: number | null, signal: NodeJS.Signals | null }} end */
export function endAlike({ code, signal }) {
  if (signal === null) process.exit(code ?? 1);
  process.kill(process.pid, signal);
  // Signals this process survives, and platforms without them: the shell's convention.
  setTimeout(() => process.exit(128 + constants.signals[signal]), 100);
}

/** @param {import('node:child_process').ChildProcess} child */
function passSignalsTo(child) {
  /** @type {NodeJS.Signals[]} */
  const signals = ['SIGTERM', 'SIGINT', 'SIGHUP'];
  /** @param {NodeJS.Signals} signal */
  const pass = (signal) => void child.kill(signal);
  for (const signal of signals) process.on(signal, pass);
  return () => {
    for (const signal of signals) process.off(signal, pass);
  };
}
