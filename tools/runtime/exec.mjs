#!/usr/bin/env node
// The scripts in package.json say "exec", so that npm's signals reach the program and not a shell that
// dies alone. Windows shells have no such word; there this file is it.
import { spawn } from 'node:child_process';

const [command = 'node', ...args] = process.argv.slice(2);
const child = spawn(command === 'node' ? process.execPath : command, args, { stdio: 'inherit' });
child.once('exit', (code) => process.exit(code ?? 1));
