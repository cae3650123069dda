import type { PanelTerms, RowTerms } from './panels.ts';
import { lines, ranking } from './pieces.ts';
import { CONSUMER, growth, rate, series, SERVER, share, sum } from './promql.ts';

const tokens = series('mcpx_tokens_total', SERVER, CONSUMER);
const estimated = series('mcpx_tokens_total', SERVER, CONSUMER, 'estimate="true"');
const cost = series('mcpx_cost_usd_total', SERVER, CONSUMER);

/** Labels that usage is told apart by. */
const DIMENSIONS: Readonly<Record<string, readonly string[]>> = {
  consumer: ['consumer'],
  server: ['server'],
  tool: ['server', 'tool'],
  model: ['llm', 'model'],
};

/** What is used, by whom, and what it costs. */
export function spendingRow(): RowTerms {
  const width = 6;
  return {
    title: 'Tokens and cost',
    panels: [
      lines('Tokens per second', sum(rate(tokens), 'kind'), { width }),
      lines('Cost per hour', `3600 * ${sum(rate(cost), 'consumer')}`, {
        unit: 'currencyUSD',
        width,
      }),
      lines('Tokens of lists and of calls', sum(rate(tokens), 'method'), {
        width,
        description:
          'Lists are what servers cost by being there: every session reads their definitions anew.',
      }),
      lines('Estimated share of tokens', share(sum(rate(estimated)), sum(rate(tokens))), {
        unit: 'percentunit',
        width,
      }),
      ...rankings('Tokens', 'short', tokens),
      ...rankings('Cost', 'currencyUSD', cost),
    ],
  };
}

function rankings(what: string, unit: string, counter: string): PanelTerms[] {
  return Object.entries(DIMENSIONS).map(([name, labels]) =>
    ranking(`${what} by ${name}`, unit, sum(growth(counter), ...labels)),
  );
}
