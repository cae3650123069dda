import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { SHARED_KEY } from '../support/attack-gateway.ts';
import {
  alerts,
  filledIn,
  measured,
  panelQueries,
  variables,
} from '../support/metrics-deployed.ts';
import { linesIn } from '../support/metrics-exposition.ts';
import { Prometheus, promtool } from '../support/metrics-prometheus.ts';
import { startScene } from '../support/metrics-scene.ts';
import { eventually } from '../support/raw-eventually.ts';

/** Dashboards and alerts are worth something only if a real Prometheus finds what they ask for. */

const INTERVAL = '30s';
const WITHIN_MS = 60_000;

const scene = await startScene();
after(() => scene.close());
const prometheus = await Prometheus.start({ port: scene.metricsPort, key: SHARED_KEY });
after(() => prometheus.close());

const QUESTIONS: readonly (readonly [what: string, expr: string])[] = [
  ...panelQueries.map(({ panel, expr }) => [`panel ${panel}`, filledIn(expr, INTERVAL)] as const),
  ...alerts.map((alert) => [`alert ${alert.alert}`, measured(alert)] as const),
  ...variables.map(
    ({ metric, label }) => [`variable ${label}`, `count by (${label}) (${metric})`] as const,
  ),
];

async function exposition(): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${scene.metricsPort}/metrics`, {
    headers: { authorization: `Bearer ${SHARED_KEY}` },
  });
  return response.text();
}

/** Those that give no number yet. Throws for one that Prometheus cannot evaluate. */
async function unanswered(questions: typeof QUESTIONS): Promise<typeof QUESTIONS> {
  const left: (typeof QUESTIONS)[number][] = [];
  for (const question of questions) {
    const answered = await prometheus.query(question[1]);
    if (!answered.some(({ value }) => !Number.isNaN(value))) left.push(question);
  }
  return left;
}

test('every panel, every variable and every alert finds data in a Prometheus that scrapes the gateway', async () => {
  const deadline = performance.now() + WITHIN_MS;
  let left = QUESTIONS;
  while (left.length > 0) {
    await scene.round();
    left = await unanswered(left);
    const given = left.map(([what, expr]) => `${what}: ${expr}`).join('\n');
    assert.ok(performance.now() < deadline, `No data for\n${given}\n${prometheus.output()}`);
    // A rate needs two scrapes with something in between.
    await sleep(200);
  }
});

test('an alert that has a reason is on its way', async () => {
  await eventually('the alert is there', async () =>
    (await prometheus.alerts()).includes('McpxServerDown'),
  );
});

test('Prometheus counts every tool call that was made, none twice', async () => {
  const made = scene.toolCalls();
  const sums = [
    'sum(tool_call_duration_ms_count{server!="flaky"})',
    'sum(mcpx_exchanges_total{method="tools/call",server=~"it|slow"})',
  ];
  for (const sum of sums) {
    const count = async (): Promise<number> => (await prometheus.query(sum))[0]?.value ?? 0;
    await eventually(`all of ${made} calls are scraped`, async () => (await count()) >= made);
    assert.equal(await count(), made, sum);
  }
});

test('promtool has nothing to say against the metrics, but for the one name that is older than the gateway', async () => {
  const text = await exposition();
  assert.ok(linesIn(text, 'mcpx_exchanges_total').length > 5);
  const { output } = await promtool(['check', 'metrics'], { input: text });
  assert.equal(output, 'tool_call_duration_ms metric names should not contain abbreviated units\n');
  const [before = '', rest = ''] = text.split('# HELP tool_call_duration_ms');
  const others = before + rest.slice(rest.indexOf('# HELP'));
  const checked = await promtool(['check', 'metrics'], { input: others });
  assert.deepEqual(checked, { code: 0, output: '' });
});
