#!/usr/bin/env node
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { endAlike, FLOOR, isNewEnough, localRuntime, runThrough } from './runtime.js';

const HANDED_OVER = 'MCPX_HANDED_OVER';
const entry = new URL('../dist/main.js', import.meta.url);

if (!isNewEnough(process.versions.node)) await handOver();
else if (existsSync(entry)) await start();
else giveUp('not built yet: run "npm run build" first');

async function start() {
  if (process.env[HANDED_OVER]) endWithLauncher();
  await import(entry.href);
}

async function handOver() {
  const runtime = localRuntime();
  if (runtime === undefined)
    return giveUp(`needs Node ${FLOOR} or newer, this is Node ${process.versions.node}`);
  const args = [fileURLToPath(import.meta.url), ...process.argv.slice(2)];
  const env = { ...process.env, [HANDED_OVER]: '1' };
  endAlike(
    await runThrough(runtime, args, { stdio: ['inherit', 'inherit', 'inherit', 'ipc'], env }),
  );
}

function endWithLauncher() {
  delete process.env[HANDED_OVER];
  // A launcher killed outright passes no signal on; its end of the channel closes all the same.
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
  process.channel?.unref();
}

/** @param {string} message */
function giveUp(message) {
  process.stderr.write(`mcpx: ${message}\n`);
  process.exitCode = 1;
}
