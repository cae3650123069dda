import type { ChainVerdict, Finding, Verdict } from '../wiring/audit-desk.ts';
import { shown } from './output.ts';

const MAX_FINDINGS = 100;
const MAX_CHAINS = 20;

/** What verifying gave, for people: what is wrong with file and line, what cannot be told, and how much there is. */
export function verdictText({ findings, chains, retired, plain }: Verdict, folder: string): string {
  const files = chains.reduce((sum, chain) => sum + chain.files.length, 0);
  const lines = chains.reduce((sum, chain) => sum + chain.lines, 0);
  const open = chains.filter((chain) => chain.state !== 'ended' || chain.unanchored > 0);
  return [
    ...findings.slice(0, MAX_FINDINGS).map((finding) => findingText(finding, folder)),
    ...more(findings.length - MAX_FINDINGS, 'findings'),
    ...open.slice(0, MAX_CHAINS).map((chain) => openText(chain)),
    ...more(open.length - MAX_CHAINS, 'chains without an end'),
    ...plain.map((file) => `Not chained, so nothing can be said of it: ${file}`),
    ...(retired === 0
      ? []
      : [`${counted(retired, 'chain')} removed for age or size, as was signed.`]),
    `${counted(chains.length, 'chain')}, ${counted(files, 'file')}, ${counted(lines, 'line')}: ${
      findings.length === 0
        ? 'nothing was tampered with.'
        : `${counted(findings.length, 'finding')}.`
    }`,
  ]
    .map((line) => `${shown(line)}\n`)
    .join('');
}

/** The same as JSON. */
export function verdictJson({ findings, chains, retired, plain }: Verdict): string {
  const value = {
    isSound: findings.length === 0,
    findings,
    chains: chains.map(({ findings: _own, ...chain }) => chain),
    retired,
    plain,
  };
  return `${JSON.stringify(value, null, 2)}\n`;
}

function findingText({ kind, file, from, to, what }: Finding, folder: string): string {
  const isFile = file.endsWith('.jsonl') && !file.startsWith('*');
  const range = from === to || to === undefined ? String(from) : `${from}-${to}`;
  const place = `${isFile ? `${folder}/` : ''}${file}${from === undefined ? '' : `:${range}`}`;
  return `${place}: ${kind}: ${what}`;
}

function openText(chain: ChainVerdict): string {
  const { state, unanchored, unsigned } = chain;
  const said = {
    ended: 'has ended',
    alive: 'is being written',
    lost: 'was left without an end by a process that was killed, as was signed afterwards',
    unsettled: 'has no end and its process is gone; the next gateway that starts says so, signed',
  }[state];
  const after =
    unanchored === 0
      ? 'All its lines are anchored'
      : `${counted(unanchored, 'line')} after its last anchor: if they were removed, nobody could tell`;
  const open =
    unsigned === undefined
      ? ''
      : `; no signature covers ${unsigned.file}:${unsigned.from}${unsigned.to === unsigned.from ? '' : `-${unsigned.to}`}`;
  return `Chain ${chain.chain} ${said}. ${after}${open}.`;
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

function more(count: number, what: string): string[] {
  return count > 0 ? [`… and ${count} more ${what}`] : [];
}
