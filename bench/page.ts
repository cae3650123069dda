// `npm run bench:page`: writes docs/performance.md and its picture from the results of the bench that are there.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import process from 'node:process';
import type { Side } from './figures.ts';
import type { Line, ScenarioResult } from './outcome.ts';
import { pictureOf } from './picture.ts';
import { plain, ranged, targetText, verdict } from './report.ts';
import { SCENARIOS } from './scenarios.ts';
import { PEERS, peerVersions } from './sides/peers.ts';

const RESULTS = new URL('results/', import.meta.url);
const DOCS = new URL('../docs/', import.meta.url);

const SUBJECTS: Readonly<Record<string, string>> = {
  '1': 'Calls',
  '2': 'Big results, long lists, many sessions',
  '3': 'Memory',
  '4': 'Bad neighbours',
  '5': 'Start and restart',
};

const METHOD = `## Method

\`npm run bench:full\` measures all of this, \`npm run bench\` the short set in under five minutes; \`npm run bench:page\` writes
this page from what they left. Absolute times differ from machine to machine: what counts are ratios taken in one run.

- **The same load for every side**, from a process of its own: sessions in closed loops over raw sockets, each reply compared
  with what it must be. Sides run in turn (A B A B), so that a slow moment of the machine meets all of them. A ratio is that of
  two rounds that ran one after the other; shown is the median over the rounds, in parentheses the lowest and the highest.
- **CPU per call** is user and system time of all threads of the measured process, by the kernel's count, over the calls of
  the round. The servers and the load run beside it on the same cores. **RSS** is the most seen in a round.
- **floor** is the least that a pass-through can do: HTTP in, id rewritten, child's input; to an HTTP server, HTTP in and HTTP
  out without a byte changed. It checks nothing, records nothing and knows no sessions. **direct** is the server itself.
- **gateway** has authentication by key and a policy of 50 rules of which every second weighs the arguments of each call, and as by
  default metrics, audit, usage, the counting of tokens and a line of log for every call. **essential** has of these only what the
  targets are about: key, policy, metrics, audit. **off** has nothing on that can be switched off.
- **The servers** are hand-written and as cheap as servers can be, so that the figures show what stands before them. A small
  call has a result of 256 characters.
- A slope of the soak is that of the least-squares line after the first fifth of the run, with the interval that holds it in 95 of
  100 cases, widened by as much as samples that follow one another are alike.
`;

function read(): ScenarioResult[] {
  return SCENARIOS.flatMap(({ name }) => {
    const file = new URL(`${name}.json`, RESULTS);
    return existsSync(file) ? [JSON.parse(readFileSync(file, 'utf8')) as ScenarioResult] : [];
  });
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const rowOf = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`;
  return `${[heads, heads.map(() => '---'), ...rows].map(rowOf).join('\n')}\n`;
}

function targets(results: readonly ScenarioResult[]): string {
  const lines = results.flatMap((result) => result.lines.filter(({ item }) => item !== ''));
  return Object.entries(SUBJECTS)
    .map(([item, subject]) => {
      const rows = lines
        .filter((each) => each.item === item)
        .map((each) => [
          each.what,
          valueOf(each),
          targetText(each.target, each.unit),
          verdict(each),
        ]);
      return rows.length === 0
        ? ''
        : `### ${subject}\n\n${table(['figure', 'measured', 'target', ''], rows)}`;
    })
    .filter((text) => text !== '')
    .join('\n');
}

function valueOf({ value, unit }: Line): string {
  return `${ranged(value)}${unit === '' ? '' : ` ${unit}`}`;
}

function sides(results: readonly ScenarioResult[]): string {
  const heads = [
    'load',
    'side',
    'calls/s',
    'CPU, µs/call',
    'p50, ms',
    'p99, ms',
    'RSS, MB',
    'errors',
  ];
  const rowOf = (what: string, side: Side): string[] => [
    what,
    side.name,
    ranged(side.callsPerSecond),
    ranged(side.cpuMicrosecondsPerCall),
    plain(side.p50Ms.median),
    plain(side.p99Ms.median),
    plain(side.residentMegabytes.median),
    String(side.errors),
  ];
  const rows = results.flatMap((result) =>
    result.sides.map((side, index) => rowOf(index === 0 ? result.what : '', side)),
  );
  return table(heads, rows);
}

function others(results: readonly ScenarioResult[]): string {
  const rows = results.flatMap((result) =>
    result.lines
      .filter(({ item }) => item === '')
      .map((each) => [result.what, each.what, valueOf(each)]),
  );
  return table(['load', 'figure', 'measured'], rows);
}

function peers(results: readonly ScenarioResult[]): string {
  const notes = results.find(({ scenario }) => scenario === 'peers')?.notes ?? [];
  const rows = Object.entries(peerVersions()).map(([name, version]) => {
    const peer = PEERS[name as keyof typeof PEERS];
    const kind = peer.isAggregating ? 'several servers behind one endpoint' : 'one server';
    return [name, version, kind, `\`${peer.args(8080, ['SERVER'], 'servers.json').join(' ')}\``];
  });
  const heads = ['package', 'version', 'offers', 'arguments'];
  const said = notes.map((note) => `\n${note}\n`).join('');
  return `${table(heads, rows)}${said}\nAll have the same one stdio server behind them, neither authentication nor policy nor records.\nThe load reaches mcp-hub over HTTP+SSE, the one transport it offers, the others over streamable HTTP.\n`;
}

function page(results: readonly ScenarioResult[]): string {
  const [first] = results;
  const days = results.map(({ when }) => when.slice(0, 10)).sort();
  const when = days[0] === days.at(-1) ? days[0] : `${days[0]} to ${days.at(-1)}`;
  const rounds = [...new Set(results.map(({ pace }) => `${pace.rounds} of ${pace.seconds} s`))];
  return `<!-- Written by npm run bench:page. -->

# Performance

Measured ${when} on a machine of ${first?.machine} with Node ${first?.node}; rounds of each side: ${rounds.join(', ')}, fewer or shorter where a load needs less.

![Each figure that has a target, as a bar against it](performance.svg)

## Targets

${targets(results)}
${METHOD}
## Gateways from npm

${peers(results)}
## All loads

${sides(results)}
## Other figures

${others(results)}`;
}

const results = read();
if (results.length === 0) {
  process.stderr.write('There are no results. Run "npm run bench" first.\n');
  process.exitCode = 1;
} else {
  writeFileSync(new URL('performance.md', DOCS), page(results));
  writeFileSync(new URL('performance.svg', DOCS), pictureOf(results.flatMap(({ lines }) => lines)));
}
