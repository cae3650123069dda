import { type ChildProcess, spawn } from 'node:child_process';

/**
 * Reads "+ PID" and "- PID" lines. When its input ends, the gateway is gone: the process groups still listed are ended.
 * A shell and not a node process, so that it costs next to nothing; it ignores the signals a terminal sends to a group.
 */
const SCRIPT = `
trap '' INT TERM HUP
groups=' '
while read -r sign pid; do
  case "$sign" in
    +) groups="$groups$pid " ;;
    -) rest=' '; for g in $groups; do [ "$g" = "$pid" ] || rest="$rest$g "; done; groups="$rest" ;;
  esac
done
[ "$groups" = ' ' ] && exit 0
for g in $groups; do kill -s TERM -- "-$g" 2>/dev/null; done
sleep 1
for g in $groups; do kill -s KILL -- "-$g" 2>/dev/null; done
`;

const watched = new Set<number>();
let shell: ChildProcess | undefined;

/** Has a process group ended should the gateway itself be killed (docs/rules.md R25). */
export function watchGroup(pid: number): void {
  if (process.platform === 'win32') return;
  watched.add(pid);
  if (shell === undefined) shell = startShell();
  else shell.stdin?.write(`+ ${pid}\n`);
}

/** Forgets a process group that is gone; the watchdog itself ends with the last one. */
export function unwatchGroup(pid: number): void {
  watched.delete(pid);
  shell?.stdin?.write(`- ${pid}\n`);
  if (watched.size > 0) return;
  shell?.stdin?.end();
  shell = undefined;
}

function startShell(): ChildProcess {
  const child = spawn('/bin/sh', ['-c', SCRIPT], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    env: { PATH: '/usr/bin:/bin' },
  });
  child.on('error', () => undefined);
  child.stdin?.on('error', () => undefined);
  child.on('exit', () => {
    if (shell !== child) return;
    // Somebody ended it: the groups it watched must not be left unwatched.
    shell = watched.size > 0 ? startShell() : undefined;
  });
  for (const pid of watched) child.stdin?.write(`+ ${pid}\n`);
  child.unref();
  return child;
}
