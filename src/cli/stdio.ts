import { endOnSignals, launch } from './launch.ts';

/** `mcpx stdio`: the gateway for the one client that started it, on standard input and output. */
export async function stdio(): Promise<void> {
  const launched = launch(() => undefined);
  if (launched === undefined) {
    process.exitCode = 1;
    return;
  }
  endOnSignals(() => launched.close());
  launched.gateway.start();
  await launched.gateway.serveStdio(process.stdin, process.stdout);
  await launched.close();
}
