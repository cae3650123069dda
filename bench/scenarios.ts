import { idleSessions } from './own/idle-sessions.ts';
import { manyCalls, residentMemory } from './own/memory.ts';
import { neighbours } from './own/neighbours.ts';
import { processes } from './own/processes.ts';
import { restart } from './own/restart.ts';
import { soak } from './own/soak.ts';
import { startTime } from './own/start-time.ts';
import {
  addedTo,
  bestOf,
  cpuMsOf,
  cpuOf,
  figureOf,
  loadScenario,
  throughputOf,
  type LoadRow,
  type Scenario,
} from './scenario.ts';

const TO_FLOOR = ['gateway', 'floor'] as const;
const OFF_TO_FLOOR = ['off', 'floor'] as const;
const TO_DIRECT = ['gateway', 'direct'] as const;
const ESSENTIAL_TO_FLOOR = ['essential', 'floor'] as const;

const BOTH = ['floor', 'gateway'] as const;
/** For rows that no target is about. */
const COMPARED = [
  throughputOf(TO_FLOOR, { what: 'throughput, of the floor' }),
  cpuOf(TO_FLOOR, { what: 'CPU per call, of the floor' }),
];
const COST = [cpuMsOf('gateway', { what: 'CPU per call' })];

/** Several sides under the same load: a line each. */
const ROWS: readonly LoadRow[] = [
  {
    name: 'stdio-64',
    what: 'small calls to a stdio server, 64 sessions',
    isShort: true,
    sides: ['floor', 'essential', 'gateway', 'off'],
    goals: [
      throughputOf(ESSENTIAL_TO_FLOOR, {
        item: '1',
        what: 'stdio: throughput, of the floor',
        target: { atLeast: 0.55 },
      }),
      throughputOf(TO_FLOOR, {
        item: '1',
        what: 'stdio, all records on: throughput, of the floor',
        target: { atLeast: 0.55 },
      }),
      cpuOf(ESSENTIAL_TO_FLOOR, {
        item: '1',
        what: 'stdio: CPU per call, of the floor',
        target: { atMost: 1.8 },
      }),
      cpuOf(TO_FLOOR, {
        item: '1',
        what: 'stdio, all records on: CPU per call, of the floor',
        target: { atMost: 1.8 },
      }),
      throughputOf(OFF_TO_FLOOR, {
        item: '1',
        what: 'stdio, everything off: throughput, of the floor',
        target: { atLeast: 0.75 },
      }),
      cpuOf(OFF_TO_FLOOR, { what: 'stdio, everything off: CPU per call, of the floor' }),
    ],
  },
  {
    name: 'stdio-1',
    what: 'small calls to a stdio server, one session',
    isShort: true,
    sides: ['direct', 'floor', 'gateway'],
    load: { sessions: 1 },
    seconds: 0.6,
    goals: [
      addedTo(TO_DIRECT, {
        item: '1',
        what: 'stdio: p50 at one session, added to direct',
        target: { atMost: 0.3 },
      }),
      addedTo(TO_FLOOR, { what: 'stdio: p50 at one session, added to the floor' }),
    ],
  },
  {
    name: 'http-64',
    what: 'small calls to a legacy HTTP server, 64 sessions',
    isShort: true,
    sides: ['floor', 'essential', 'gateway'],
    place: { server: 'http-legacy' },
    goals: [
      throughputOf(ESSENTIAL_TO_FLOOR, {
        item: '1',
        what: 'legacy HTTP: throughput, of its floor',
        target: { atLeast: 0.6 },
      }),
      throughputOf(TO_FLOOR, {
        item: '1',
        what: 'legacy HTTP, all records on: throughput, of its floor',
        target: { atLeast: 0.6 },
      }),
      cpuOf(ESSENTIAL_TO_FLOOR, { what: 'legacy HTTP: CPU per call, of its floor' }),
      cpuOf(TO_FLOOR, { what: 'legacy HTTP, all records on: CPU per call, of its floor' }),
    ],
  },
  {
    name: 'http-1',
    what: 'small calls to a legacy HTTP server, one session',
    sides: ['direct', 'floor', 'gateway'],
    place: { server: 'http-legacy' },
    load: { sessions: 1 },
    seconds: 0.6,
    goals: [
      addedTo(TO_DIRECT, {
        item: '1',
        what: 'legacy HTTP: p50 at one session, added to direct',
        target: { atMost: 0.3 },
      }),
    ],
  },
  {
    name: 'http-modern-64',
    what: 'small calls of modern clients to a modern HTTP server, 64 at once',
    isShort: true,
    sides: ['floor', 'essential', 'gateway'],
    place: { server: 'http-modern' },
    load: { client: 'modern' },
    goals: [
      throughputOf(ESSENTIAL_TO_FLOOR, {
        item: '1',
        what: 'modern HTTP: throughput, of its floor',
        target: { atLeast: 0.6 },
      }),
      throughputOf(TO_FLOOR, {
        item: '1',
        what: 'modern HTTP, all records on: throughput, of its floor',
        target: { atLeast: 0.6 },
      }),
      cpuOf(ESSENTIAL_TO_FLOOR, { what: 'modern HTTP: CPU per call, of its floor' }),
      cpuOf(TO_FLOOR, { what: 'modern HTTP, all records on: CPU per call, of its floor' }),
    ],
  },
  {
    name: 'peers',
    what: 'small calls to a stdio server, 64 sessions: gateways that npm offers',
    isShort: true,
    sides: ['gateway', 'mcp-hub', 'mcp-proxy', 'supergateway'],
    rounds: 0.6,
    isLenient: true,
    goals: [
      bestOf('gateway', ['mcp-hub'], {
        item: '1',
        what: 'stdio: throughput, of the best aggregating peer (mcp-hub)',
        target: { atLeast: 8 },
      }),
      bestOf('gateway', ['mcp-proxy', 'supergateway'], {
        what: 'stdio: throughput, of the best peer that wraps a single server',
      }),
    ],
  },
  {
    name: 'result-1mb',
    what: 'results of 1 MB from a stdio server, 4 sessions',
    isShort: true,
    sides: ['floor', 'splicing floor', 'gateway'],
    load: { sessions: 4, bytes: 1_000_000 },
    goals: [
      cpuOf(TO_FLOOR, {
        item: '2',
        what: '1 MB results, stdio: CPU per call, of the floor',
        target: { atMost: 1.3 },
      }),
      cpuOf(['gateway', 'splicing floor'], {
        what: '1 MB results, stdio: CPU per call, of a floor that parses nothing',
      }),
    ],
  },
  {
    name: 'list-1000',
    what: 'tools/list of 1,000 tools, 16 sessions',
    isShort: true,
    sides: ['gateway'],
    place: { tools: 1000 },
    load: { sessions: 16, operation: 'list', tools: 1000 },
    goals: [
      cpuMsOf('gateway', {
        item: '2',
        what: 'list of 1,000 tools: CPU per call',
        target: { atMost: 0.3 },
      }),
    ],
  },
  {
    name: 'list-1000-gzip',
    what: 'tools/list of 1,000 tools, 16 sessions that accept gzip',
    sides: ['gateway'],
    place: { tools: 1000 },
    load: { sessions: 16, operation: 'list', tools: 1000, encoding: 'gzip, deflate' },
    goals: [
      cpuMsOf('gateway', {
        item: '2',
        what: 'list of 1,000 tools, gzip accepted: CPU per call',
        target: { atMost: 0.3 },
      }),
    ],
  },
  {
    name: 'sessions-1000',
    what: 'small calls to a stdio server, 1,000 sessions',
    isShort: true,
    sides: ['floor', 'gateway'],
    load: { sessions: 1000 },
    rounds: 0.6,
    goals: [
      figureOf(
        'gateway',
        { item: '2', what: '1,000 sessions calling: sessions stuck', target: { atMost: 0 } },
        { figure: (round) => round.stuck, unit: '' },
      ),
      figureOf(
        'gateway',
        { item: '2', what: '1,000 sessions calling: wrong replies', target: { atMost: 0 } },
        { figure: (round) => round.errors, unit: '' },
      ),
      throughputOf(TO_FLOOR, { what: '1,000 sessions: throughput, of the floor' }),
    ],
  },
  {
    name: 'stdio-16',
    what: 'small calls to a stdio server, 16 sessions',
    sides: BOTH,
    load: { sessions: 16 },
    goals: COMPARED,
  },
  {
    name: 'stdio-modern-64',
    what: 'small calls of modern clients to a stdio server, 64 at once',
    sides: ['gateway'],
    load: { client: 'modern' },
    goals: COST,
  },
  {
    name: 'http-modern-legacy-clients',
    what: 'small calls of legacy clients to a modern HTTP server, 64 sessions',
    sides: ['gateway'],
    place: { server: 'http-modern' },
    goals: COST,
  },
  {
    name: 'http-legacy-modern-clients',
    what: 'small calls of modern clients to a legacy HTTP server, 64 at once',
    sides: ['gateway'],
    place: { server: 'http-legacy' },
    load: { client: 'modern' },
    goals: COST,
  },
  {
    name: 'http-sse-64',
    what: 'small calls to a legacy HTTP server that answers with event streams, 64 sessions',
    sides: BOTH,
    place: { server: 'http-legacy-sse' },
    goals: COMPARED,
  },
  {
    name: 'result-100kb',
    what: 'results of 100 kB from a stdio server, 16 sessions',
    sides: BOTH,
    load: { sessions: 16, bytes: 100_000 },
    goals: COMPARED,
  },
  {
    name: 'http-result-100kb',
    what: 'results of 100 kB from a legacy HTTP server, 16 sessions',
    sides: BOTH,
    place: { server: 'http-legacy' },
    load: { sessions: 16, bytes: 100_000 },
    goals: COMPARED,
  },
  {
    name: 'http-result-1mb',
    what: 'results of 1 MB from a legacy HTTP server, 4 sessions',
    sides: BOTH,
    place: { server: 'http-legacy' },
    load: { sessions: 4, bytes: 1_000_000 },
    goals: COMPARED,
  },
  {
    name: 'list-20',
    what: 'tools/list of 20 tools, 64 sessions',
    sides: BOTH,
    place: { tools: 20 },
    load: { operation: 'list', tools: 20 },
    goals: COMPARED,
  },
  {
    name: 'list-20-gzip',
    what: 'tools/list of 20 tools, 64 sessions that accept gzip',
    sides: ['gateway'],
    place: { tools: 20 },
    load: { operation: 'list', tools: 20, encoding: 'gzip, deflate' },
    goals: COST,
  },
  {
    name: 'list-1000-modern',
    what: 'tools/list of 1,000 tools by modern clients, 16 at once',
    sides: ['gateway'],
    place: { tools: 1000 },
    load: { client: 'modern', sessions: 16, operation: 'list', tools: 1000 },
    goals: COST,
  },
  {
    name: 'progress-stdio',
    what: 'calls that report progress ten times, stdio server, 16 sessions',
    sides: ['gateway'],
    place: { tools: 3 },
    load: { sessions: 16, operation: 'steps' },
    goals: COST,
  },
  {
    name: 'progress-http',
    what: 'calls that report progress ten times, legacy HTTP server, 16 sessions',
    sides: BOTH,
    place: { server: 'http-legacy', tools: 3 },
    load: { sessions: 16, operation: 'steps' },
    goals: COMPARED,
  },
  {
    name: 'progress-modern',
    what: 'calls of modern clients that report progress ten times, modern HTTP server, 16 at once',
    sides: BOTH,
    place: { server: 'http-modern', tools: 3 },
    load: { client: 'modern', sessions: 16, operation: 'steps' },
    goals: COMPARED,
  },
  {
    name: 'storm',
    what: 'clients that come, list and leave, 64 at once',
    sides: BOTH,
    load: { operation: 'storm' },
    goals: COMPARED,
  },
  {
    name: 'access',
    what: 'access control (a key, a group, a condition) against none',
    sides: ['plain', 'guarded'],
    goals: [
      throughputOf(['guarded', 'plain'], { what: 'with access control: throughput' }),
      cpuOf(['guarded', 'plain'], { what: 'with access control: CPU per call' }),
    ],
  },
  {
    name: 'record',
    what: 'audit, usage, metrics, logs, traces of 1 % and limits against all switched off',
    sides: ['off', 'recording'],
    goals: [
      throughputOf(['recording', 'off'], { what: 'with records: throughput' }),
      cpuOf(['recording', 'off'], { what: 'with records: CPU per call' }),
    ],
  },
  {
    name: 'tokens',
    what: 'all records with tokens counted against tokens not counted',
    sides: ['recording', 'counting'],
    goals: [
      throughputOf(['counting', 'recording'], { what: 'with tokens: throughput' }),
      cpuOf(['counting', 'recording'], { what: 'with tokens: CPU per call' }),
    ],
  },
  {
    name: 'floors',
    what: 'the floor that parses against the one that splices, small calls',
    sides: ['floor', 'splicing floor'],
    goals: [cpuOf(['splicing floor', 'floor'], { what: 'splicing floor: CPU per call' })],
  },
  {
    name: 'self-check',
    what: 'the floor against itself: how far from 1 the ratios go by noise alone',
    sides: ['floor', 'floor again'],
    goals: [
      throughputOf(['floor again', 'floor'], { what: 'floor against itself: throughput' }),
      cpuOf(['floor again', 'floor'], { what: 'floor against itself: CPU per call' }),
    ],
  },
];

/** What one load cannot show: a line and a function each. */
const OWN: readonly Scenario[] = [
  {
    name: 'processes',
    what: 'child processes with one session and with 1,000, all calling',
    isShort: true,
    run: processes,
  },
  {
    name: 'idle-sessions',
    what: '1,000 legacy sessions that do nothing',
    isShort: true,
    run: idleSessions,
  },
  {
    name: 'memory',
    what: 'resident memory, idle and under load',
    isShort: true,
    run: residentMemory,
  },
  {
    name: 'many-calls',
    what: 'many calls of 20 kB in one session: what they leave in memory',
    isShort: true,
    run: manyCalls,
  },
  {
    name: 'neighbours',
    what: 'seven servers beside a hung, a crashing and a slow one, against the seven alone',
    isShort: true,
    run: neighbours,
  },
  {
    name: 'start-time',
    what: 'from the start of the process to its open port, 20 servers',
    isShort: true,
    run: startTime,
  },
  {
    name: 'restart',
    what: 'stopped and started again under load',
    isShort: true,
    run: restart,
  },
  {
    name: 'soak',
    what: 'mixed traffic of both eras, clients and servers that vanish, reloads',
    isShort: false,
    run: soak,
  },
];

/** Everything the bench measures, in the order it does. */
export const SCENARIOS: readonly Scenario[] = [...ROWS.map(loadScenario), ...OWN];
