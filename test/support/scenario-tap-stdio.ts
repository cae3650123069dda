// Loaded before a server on stdio (`node --import`): writes down, line by line, what it is sent and what it says.
import { appendFileSync } from 'node:fs';

const path = process.env['SCENARIO_TAP'] ?? '';

function recorder(direction: 'in' | 'out'): (chunk: unknown) => void {
  let rest = '';
  return (chunk) => {
    const lines = `${rest}${String(chunk)}`.split('\n');
    rest = lines.pop() ?? '';
    const { pid } = process;
    for (const line of lines) appendFileSync(path, `${JSON.stringify({ direction, pid, line })}\n`);
  };
}

const { stdin, stdout } = process;
const taken = recorder('in');
const said = recorder('out');
const push = stdin.push.bind(stdin);
const write = stdout.write.bind(stdout);

stdin.push = (chunk: unknown, encoding?: BufferEncoding) => {
  if (chunk !== null) taken(chunk);
  return push(chunk, encoding);
};
Object.assign(stdout, {
  write: (...args: Parameters<typeof write>) => {
    said(args[0]);
    return write(...args);
  },
});
