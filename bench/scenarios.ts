import { children } from './figures.ts';
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

/** Several sides under the same load: a line each. */
const ROWS: readonly LoadRow[] = [
  {
    name: 'stdio-64',
    what: 'small calls to a stdio server, 64 sessions',
    isShort: true,
    sides: ['floor', 'gateway', 'off'],
    goals: [
      throughputOf(TO_FLOOR, {
        item: '1',
        what: 'stdio: throughput, of the floor',
        target: { atLeast: 0.55 },
      }),
      cpuOf(TO_FLOOR, {
        item: '1',
        what: 'stdio: CPU per call, of the floor',
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
    sides: ['floor', 'gateway'],
    place: { server: 'http-legacy' },
    goals: [
      throughputOf(TO_FLOOR, {
        item: '1',
        what: 'legacy HTTP: throughput, of its floor',
        target: { atLeast: 0.6 },
      }),
      cpuOf(TO_FLOOR, { what: 'legacy HTTP: CPU per call, of its floor' }),
    ],
  },
  {
    name: 'http-1',
    what: 'small calls to a legacy HTTP server, one session',
    isShort: true,
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
    sides: ['floor', 'gateway'],
    place: { server: 'http-modern' },
    load: { client: 'modern' },
    goals: [
      throughputOf(TO_FLOOR, {
        item: '1',
        what: 'modern HTTP: throughput, of its floor',
        target: { atLeast: 0.6 },
      }),
      cpuOf(TO_FLOOR, { what: 'modern HTTP: CPU per call, of its floor' }),
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
    sides: ['floor', 'gateway'],
    load: { sessions: 4, bytes: 1_000_000 },
    goals: [
      cpuOf(TO_FLOOR, {
        item: '2',
        what: '1 MB results, stdio: CPU per call, of the floor',
        target: { atMost: 1.3 },
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
    isShort: true,
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
      figureOf(
        'gateway',
        { what: '1,000 sessions calling: child processes' },
        { figure: children, unit: '' },
      ),
      throughputOf(TO_FLOOR, { what: '1,000 sessions: throughput, of the floor' }),
    ],
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
    name: 'self-check',
    what: 'the floor against itself: how far from 1 the ratios go by noise alone',
    sides: ['floor', 'floor again'],
    goals: [
      throughputOf(['floor again', 'floor'], { what: 'floor against itself: throughput' }),
      cpuOf(['floor again', 'floor'], { what: 'floor against itself: CPU per call' }),
    ],
  },
];

/** Everything the bench measures, in the order it does. */
export const SCENARIOS: readonly Scenario[] = [...ROWS.map(loadScenario)];
