import { connect, type Driven } from './conformance-driven.ts';
import { DOINGS, type Doing } from './conformance-doings.ts';
import { startGatewayFor, type Era } from './conformance-gateway.ts';

/** The suite gives up after thirty seconds, and then ends no more than the shell between us. */
const LIMIT_MS = 25_000;

/**
 * The client that the client suite judges: a gateway in front of the scenario's server, whose URL comes last on
 * the command line, and an SDK client of CONFORMANCE_CLIENT_ERA that makes it do what the scenario wants.
 */
async function main(): Promise<void> {
  const scenario = process.env['MCP_CONFORMANCE_SCENARIO'] ?? '';
  const era: Era = process.env['CONFORMANCE_CLIENT_ERA'] === 'modern' ? 'modern' : 'legacy';
  const doing = DOINGS[scenario];
  setTimeout(() => process.exit(1), LIMIT_MS).unref();
  if (doing === undefined) throw new Error(`nothing is known to do in scenario ${scenario}`);
  const url = process.argv.at(-1) ?? '';
  const gateway = await startGatewayFor({ url }, doing.app);
  try {
    await drive(doing, era, gateway.url);
  } finally {
    await gateway.stop();
    process.stdout.write(gateway.output());
  }
}

async function drive({ run, whileAsked }: Doing, era: Era, url: string): Promise<void> {
  let asked = 0;
  const client: Driven = await connect(era, url, async () => {
    asked += 1;
    if (asked === 1) await whileAsked?.(client);
  });
  try {
    await run(client);
  } finally {
    await client.close();
  }
}

await main();
