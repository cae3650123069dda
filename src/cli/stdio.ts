import { Refusal, REFUSALS } from '../kernel/refusals.ts';
import { endOnSignals, launch } from './launch.ts';
import { fail } from './output.ts';

/** What `mcpx stdio` was asked for. */
export interface StdioOptions {
  readonly consumer?: string;
  readonly group?: string;
}

/** `mcpx stdio`: the gateway for the one client that started it, on standard input and output. */
export async function stdio({ consumer, group }: StdioOptions): Promise<void> {
  const launched = launch(() => undefined);
  if (launched === undefined) {
    process.exitCode = 1;
    return;
  }
  endOnSignals(() => launched.close());
  launched.gateway.start();
  try {
    await launched.gateway.serveStdio(process.stdin, process.stdout, { consumer, endpoint: group });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const isTag = error.code === 'CONSUMER_REFUSED';
    const remedy = isTag
      ? 'Name another one, or leave --consumer out.'
      : REFUSALS[error.code].remedy;
    fail(`${error.message} ${remedy}`, 2);
  } finally {
    await launched.close();
    // What a client that is gone in spirit never read would keep the process for ever.
    if (process.stdout.writableLength > 0) process.exit();
  }
}
