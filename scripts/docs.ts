// Writes reference pages, JSON Schemas and the dashboard from the tables the gateway itself uses; with --check it only compares.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { APP } from '../src/config/app-settings.ts';
import { SERVERS } from '../src/config/server-entry.ts';
import { commandLinePage } from './reference/command-line.ts';
import { configurationPage } from './reference/configuration.ts';
import { dashboardText } from './dashboard/dashboard.ts';
import { schemaText } from './reference/json-schema.ts';
import { metricsPage } from './reference/metrics.ts';
import { refusalsPage } from './reference/refusals.ts';

/** Every generated file, and how it is made. A new one is one row here. */
const FILES: Readonly<Record<string, () => string>> = {
  'deploy/grafana/mcpx.json': dashboardText,
  'schemas/mcp.schema.json': () => schemaText(SERVERS, 'MCPX servers (mcp.json)'),
  'schemas/app.schema.json': () => schemaText(APP, 'MCPX settings (app.yaml)'),
  'docs/reference/command-line.md': commandLinePage,
  'docs/reference/configuration.md': configurationPage,
  'docs/reference/metrics.md': metricsPage,
  'docs/reference/refusals.md': refusalsPage,
};

const root = join(import.meta.dirname, '..');
const isCheck = process.argv.includes('--check');

for (const [path, make] of Object.entries(FILES)) {
  const file = join(root, path);
  if (!isCheck) write(file, make());
  else if (textOf(file) !== make()) {
    console.error(`${path} is stale: run "node scripts/docs.ts".`);
    process.exitCode = 1;
  }
}

function write(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').replaceAll('\r\n', '\n');
  } catch {
    return undefined;
  }
}
