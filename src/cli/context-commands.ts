import type { Command } from 'commander';

import type { CostOptions } from './context.ts';
import { label, model, oneMore } from './typed.ts';

/** Adds `mcpx context`. */
export function addContext(program: Command): void {
  program
    .command('context')
    .description(
      "print how many tokens tool definitions take of a model's context, per server and tool",
    )
    .option('--consumer <consumer>', 'the consumer whose view is counted', label)
    .option('--group <group>', 'a group its token names; may be given several times', oneMore)
    .option('--client <name>', 'what its client calls itself', label)
    .option('--endpoint <group>', 'the tool group whose endpoint it uses', label)
    .option(
      '--model <model>',
      'the model: provider/id, or its id; the configured one when absent',
      model,
    )
    .option('--json', 'print JSON')
    .action(async (options: CostOptions) => (await import('./context.ts')).context(options));
}
