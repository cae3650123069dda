import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { delimiter, isAbsolute, join, resolve } from 'node:path';

import type { StdioEndpoint } from '../../kernel/plan.ts';

/** Node, and the programs that fetch a package and run it on Node. */
const LAUNCHERS = /^(?:node|nodejs|npm|npx|pnpm|pnpx|yarn|yarnpkg)(?:\.exe|\.cmd|\.ps1)?$/iu;
/** `#!/usr/bin/env node`, `#!/usr/local/bin/node --flag`, `#!/usr/bin/env -S node` */
const NODE_SHEBANG = /^#![^\n]*[/\s]node(?:js)?(?:\s|$)/u;
const FIRST_LINE_BYTES = 256;

/** Whether a command runs on Node: Node itself, a launcher of its packages, or a script whose first line names it. */
export function runsOnNode({ command, cwd }: StdioEndpoint, path: string): boolean {
  const name = command.slice(Math.max(command.lastIndexOf('/'), command.lastIndexOf('\\')) + 1);
  if (LAUNCHERS.test(name)) return true;
  const file = locate(command, cwd, path);
  return file !== undefined && NODE_SHEBANG.test(beginningOf(file));
}

function locate(command: string, cwd: string | undefined, path: string): string | undefined {
  if (isAbsolute(command)) return command;
  const folder = cwd ?? '.';
  if (/[/\\]/u.test(command)) return resolve(folder, command);
  return path
    .split(delimiter)
    .filter((each) => each !== '')
    .map((each) => join(resolve(folder, each), command))
    .find(isFile);
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

/** Empty where the file cannot be read: starting it will say so. */
function beginningOf(file: string): string {
  try {
    // Anything but a plain file could keep the reader waiting.
    if (!isFile(file)) return '';
    const handle = openSync(file, 'r');
    try {
      const bytes = Buffer.alloc(FIRST_LINE_BYTES);
      return bytes.toString('latin1', 0, readSync(handle, bytes, 0, FIRST_LINE_BYTES, 0));
    } finally {
      closeSync(handle);
    }
  } catch {
    return '';
  }
}
