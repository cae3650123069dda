import type { Command } from 'commander';

import type { QueryOptions, VerifyOptions } from './audit.ts';
import { oneMore } from './typed.ts';

/** Adds `mcpx audit`. */
export function addAudit(program: Command): void {
  const audit = program
    .command('audit')
    .description('verify and search the record of all exchanges, export what proves it');
  addVerify(audit);
  addQuery(audit);
  audit
    .command('anchors')
    .description('print how far each chain has come, signed: keep it where nobody can change it')
    .action(async () => (await import('./audit.ts')).printAnchors());
  audit
    .command('key')
    .description('print the public key that the audit is signed with, as PEM')
    .action(async () => (await import('./audit.ts')).printKey());
}

function addVerify(audit: Command): void {
  audit
    .command('verify')
    .description('prove that nothing was altered, removed, moved or added; exit code 1 if it was')
    .argument('[folder]', 'the folder of the audit; audit in the data folder when absent')
    .option(
      '--anchors <file>',
      'anchors kept elsewhere, as "audit anchors" printed them; may be given several times',
      oneMore,
    )
    .option(
      '--public-key <file>',
      'a key to verify with, as "audit key" printed it; may be given several times',
      oneMore,
    )
    .option('--json', 'print JSON')
    .action(async (folder: string | undefined, options: VerifyOptions) =>
      (await import('./audit.ts')).verify(folder, options),
    );
}

function addQuery(audit: Command): void {
  audit
    .command('query')
    .description('print what was recorded, the newest first')
    .option('--from <moment>', 'from then on: 2026-11-20 (UTC) or 2026-11-20T08:00Z')
    .option('--to <moment>', 'up to then')
    .option('--consumer <consumer>', 'only this consumer')
    .option('--client <name>', 'only clients that call themselves this')
    .option('--server <server>', 'only this server')
    .option('--tool <name>', 'only this tool, prompt or resource, by its own name')
    .option(
      '--outcome <outcome>',
      'only ok, input-required, tool-error, error, refused, timed-out, cancelled, crashed, turned-away or lost',
    )
    .option('--code <code>', 'only this code of a refusal or error')
    .option('--rule <id>', 'only what this rule decided')
    .option('--method <method>', 'only this method, such as tools/call')
    .option('--session <key>', 'only this session')
    .option('--trace <id>', 'only this trace')
    .option('--id <id>', 'only this exchange')
    .option('--call <id>', 'only the call that this exchange began, with its further rounds')
    .option('--event <name>', 'only events of this name, such as config-changed')
    .option('--order <order>', 'newest or oldest first', 'newest')
    .option('--limit <count>', 'at most so many', '100')
    .option('--cursor <cursor>', 'goes on where an answer before ended')
    .option('--json', 'print JSON, a line each')
    .action(async (options: QueryOptions) => (await import('./audit.ts')).query(options));
}
