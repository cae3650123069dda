import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spread } from '../figures.ts';
import { line, type Outcome } from '../outcome.ts';
import type { Pace } from '../scenario.ts';
import { CONFIGURATIONS, managed } from '../sides/configurations.ts';
import { offersTools, startGateway, stdioServer } from '../sides/sides.ts';
import { isOpen, type Door } from '../sides/subject.ts';

const SERVERS = 20;
const POLL_MS = 2;
const TARGET = { unit: 's', target: { atMost: 0.4 } };

/** Time from the start of the process until its port is open, with 20 servers, at first and when started again. */
export async function startTime({ rounds }: Pace): Promise<Outcome> {
  const names = Array.from({ length: SERVERS }, (_, index) => `server${index}`);
  const servers = Object.fromEntries(names.map((name) => [name, stdioServer()]));
  const app = (): string => managed(names);
  const took: Record<'first' | 'again' | 'listed', number[]> = { first: [], again: [], listed: [] };

  async function once(isUp: (door: Door) => Promise<boolean>, folder?: string): Promise<number> {
    const gateway = await startGateway({
      ...CONFIGURATIONS.gateway,
      name: 'gateway',
      servers,
      app,
      isUp,
      pollMs: POLL_MS,
      ...(folder !== undefined && { folder }),
    });
    await gateway.stop();
    return gateway.upMs / 1000;
  }

  for (let round = 0; round < rounds; round += 1) {
    const folder = mkdtempSync(join(tmpdir(), 'mcpx-bench-'));
    took.first.push(await once(isOpen, folder));
    took.again.push(await once(isOpen, folder));
    rmSync(folder, { recursive: true, force: true });
    took.listed.push(await once(offersTools));
  }
  const lines = [
    line('5', '20 servers: process start to open port', spread(took.first), TARGET),
    line('5', '20 servers: the same, started again', spread(took.again), TARGET),
    line('', '20 servers: process start to first list', spread(took.listed), { unit: 's' }),
  ];
  return { lines, sides: [], notes: [] };
}
