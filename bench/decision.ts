// `node bench/decision.ts`: what a decision costs, in terms of a look-up in a Map of the same run.
import process from 'node:process';
import type { AccessPlan, RulePlan } from '../src/kernel/access.ts';
import { Principal } from '../src/kernel/principal.ts';
import type { Target } from '../src/kernel/target.ts';
import { Policy } from '../src/policy/policy.ts';

const TOOLS = 1_000;
const RULES = 100;
const SERVERS = 20;
const ROUNDS = 15;
const CALLS = 200_000;

interface Subject {
  readonly name: string;
  run(target: Target): unknown;
}

function rule(id: string, fields: Partial<RulePlan>): RulePlan {
  return {
    id,
    effect: 'deny',
    mode: 'enforce',
    consumers: undefined,
    groups: undefined,
    clients: undefined,
    scopes: undefined,
    servers: undefined,
    annotations: undefined,
    tools: undefined,
    prompts: undefined,
    resources: undefined,
    asks: undefined,
    toolGroups: undefined,
    when: undefined,
    ...fields,
  };
}

/** Rules that are for the caller and some of the tools, and rules for others. */
function rules(): RulePlan[] {
  return Array.from({ length: RULES }, (_, index) =>
    rule(`rule-${index}`, {
      effect: index % 2 === 0 ? 'allow' : 'deny',
      consumers: index % 4 < 2 ? ['agents'] : ['others'],
      tools: [`server${index % SERVERS}/${index % 2 === 0 ? 'read' : 'drop'}_*`],
    }),
  );
}

function planOf(all: readonly RulePlan[]): AccessPlan {
  const default_ = {
    id: 'permissions.default',
    base: 'block',
    allow: ['some'],
    block: [],
  } as const;
  const services = { server1: ['read_1', 'read_21'], server2: '*' } as const;
  return {
    default: default_,
    consumers: {},
    clientNames: {},
    groups: { some: { name: 'some', services } },
    rules: all,
    tests: [],
  };
}

function targets(): Target[] {
  return Array.from({ length: TOOLS }, (_, index) => {
    const upstream = `server${index % SERVERS}`;
    const name = `${index % 10 === 9 ? 'drop' : 'read'}_${index}`;
    return { kind: 'tool', upstream, name, publicName: `${upstream}__${name}` };
  });
}

function subjects(all: readonly Target[]): Subject[] {
  const principal = Principal.prove({ credential: 'key:1', proof: 'api-key', consumer: 'agents' });
  const ports = { now: () => Date.now() };
  const policy = (more: readonly RulePlan[]): Policy =>
    new Policy(planOf([...rules(), ...more]), { isOn: true }, ports);
  const plain = policy([]);
  const conditional = policy([
    rule('own-folder', { when: "args.path.startsWith('/etc/') || now.hour > 24" }),
  ]);
  const names = new Map(all.map((target) => [target.publicName, target]));
  const args = { path: '/srv/agents/notes.txt' };
  return [
    { name: 'Map look-up', run: ({ publicName }) => names.get(publicName) },
    { name: 'decide', run: (target) => plain.decide(principal, target, args, 'tools/call') },
    {
      name: 'decide, with a CEL rule',
      run: (target) => conditional.decide(principal, target, args, 'tools/call'),
    },
  ];
}

/** Nanoseconds a call took. */
function timed({ run }: Subject, all: readonly Target[]): number {
  const started = process.hrtime.bigint();
  let found = 0;
  for (let index = 0; index < CALLS; index += 1) {
    const target = all[(index * STRIDE) % TOOLS];
    if (target !== undefined && run(target) !== undefined) found += 1;
  }
  const spent = Number(process.hrtime.bigint() - started);
  if (found !== CALLS) throw new Error(`Only ${found} of ${CALLS} were answered.`);
  return spent / CALLS;
}

/** So that neighbours are not asked about one after the other. */
const STRIDE = 7;

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}

const all = targets();
const measured = subjects(all);
for (const subject of measured) timed(subject, all);
const rounds = Array.from({ length: ROUNDS }, () => measured.map((each) => timed(each, all)));

process.stdout.write(
  `${TOOLS} tools x ${RULES} rules, ${ROUNDS} rounds of ${CALLS} calls; Node ${process.version}\n\n`,
);
for (const [index, { name }] of measured.entries()) {
  const times = rounds.map((round) => round[index] ?? Number.NaN);
  const ratios = rounds.map((round) => (round[index] ?? Number.NaN) / (round[0] ?? Number.NaN));
  const range = `${Math.min(...times).toFixed(0)}-${Math.max(...times).toFixed(0)}`;
  process.stdout.write(
    `${name.padEnd(26)} ${median(times).toFixed(0).padStart(6)} ns (${range})` +
      `   ${median(ratios).toFixed(1)} x Map look-up\n`,
  );
}
