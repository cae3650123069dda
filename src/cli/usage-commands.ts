import type { Command } from 'commander';

import { oneMore } from './typed.ts';
import type { UsageOptions } from './usage.ts';

/** Adds `mcpx usage`. */
export function addUsage(program: Command): void {
  program
    .command('usage')
    .description('print who called what: calls, errors, tokens, cost and times')
    .option('--last <time>', 'the time up to now: 7d (m, h, d or w); 24h when absent')
    .option('--from <moment>', 'its beginning: 2026-11-20 (UTC) or 2026-11-20T08:00Z')
    .option('--to <moment>', 'its end, now when absent')
    .option(
      '--by <dimensions>',
      'rows for each consumer, client, server, tool, method, outcome',
      'server,tool',
    )
    .option('--step <step>', 'rows for each minute, hour or day', 'total')
    .option(
      '--consumer <consumer>',
      'only this consumer; as all below, may be given several times',
      oneMore,
    )
    .option('--client <name>', 'only clients that call themselves this', oneMore)
    .option('--server <server>', 'only this server', oneMore)
    .option('--tool <tool>', 'only this tool or prompt', oneMore)
    .option(
      '--method <method>',
      'only this method, such as tools/list; * is all; calls when absent',
      oneMore,
    )
    .option(
      '--outcome <outcome>',
      'only ok, input-required, tool-error, error, refused, timed-out, cancelled or crashed',
      oneMore,
    )
    .option(
      '--order-by <measure>',
      'calls, errors, tokens, cost, bytes, gatewayMs or upstreamMs',
      'calls',
    )
    .option('--top <count>', 'only the first so many; 20 when absent, with --json all')
    .option('--json', 'print JSON')
    .action(async (options: UsageOptions) => (await import('./usage.ts')).usage(options));
}
