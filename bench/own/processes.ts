import { line, once, type Outcome } from '../outcome.ts';
import { loadOnce } from '../rounds.ts';
import type { Pace } from '../scenario.ts';
import { CONFIGURATIONS } from '../sides/configurations.ts';
import { startGateway, stdioServer } from '../sides/sides.ts';

/** Whether a thousand sessions that call take more processes than one. */
export async function processes({ seconds }: Pace): Promise<Outcome> {
  const gateway = await startGateway({
    ...CONFIGURATIONS.gateway,
    name: 'gateway',
    servers: { bench: stdioServer() },
  });
  try {
    const one = await loadOnce(gateway, { sessions: 1, seconds });
    const many = await loadOnce(gateway, { sessions: 1000, seconds: 2 * seconds });
    const lines = [
      line('', 'one session calling: child processes', once(one.children)),
      line(
        '2',
        '1,000 sessions calling: child processes more than with one',
        once(many.children - one.children),
        { target: { atMost: 0 } },
      ),
    ];
    const errors = one.errors + many.errors;
    const notes = errors === 0 ? [] : [`WRONG: ${errors} replies`];
    return { lines, sides: [], notes };
  } finally {
    await gateway.stop();
  }
}
