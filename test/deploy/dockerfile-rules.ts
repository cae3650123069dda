import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { copyOf, execForm, pairsOf, type Stage, type Step } from './dockerfile.ts';

/** What a COPY may take from. */
export interface BuildContext {
  folder: string;
  ignores: (path: string) => boolean;
}

export interface Rule {
  /** The rule as a sentence. */
  says: string;
  problems: (stages: Stage[], context: BuildContext) => string[];
  /** Instructions that break it: they show that the rule would speak up. */
  broken: string;
}

const SECRET = /(^|_)(key|token|secret|password|passwd|credentials?)($|_)/i;

function stepsOf(stages: Stage[], keyword: string): Step[] {
  return stages.flatMap(({ steps }) => steps.filter((step) => step.keyword === keyword));
}

function last(stages: Stage[], keyword: string): Step | undefined {
  return stages.at(-1)?.steps.findLast((step) => step.keyword === keyword);
}

function unless(fine: boolean, problem: string): string[] {
  return fine ? [] : [problem];
}

/** The commands of all RUN instructions, each with the whole text of its instruction. */
function commandsOf(stages: Stage[]): { command: string; whole: string }[] {
  return stepsOf(stages, 'RUN').flatMap(({ text }) =>
    text.split(/&&|\|\||;/).map((command) => ({ command: command.trim(), whole: text })),
  );
}

function unpinned(stages: Stage[]): string[] {
  const names = new Set(stages.map(({ name }) => name));
  return stages
    .map(({ base }) => base)
    .filter((base) => !names.has(base) && !/:\d+\.\d+\.\d+(-|$|@)|@sha256:/.test(base));
}

function carelessApt(stages: Stage[]): string[] {
  return commandsOf(stages)
    .filter(({ command }) => /^apt(-get)?\s/.test(command))
    .filter(
      ({ command, whole }) =>
        /^apt\s|upgrade/.test(command) ||
        !/apt-get update/.test(whole) ||
        !/rm -rf \/var\/lib\/apt\/lists/.test(whole) ||
        (/install/.test(command) &&
          !/^(?=.* (-y|--yes) )(?=.*--no-install-recommends)/.test(command)),
    )
    .map(({ command }) => command);
}

function missingSources(stages: Stage[], { folder, ignores }: BuildContext): string[] {
  return stepsOf(stages, 'COPY')
    .filter(({ flags }) => !flags.has('from'))
    .flatMap((step) => copyOf(step).sources)
    .filter((source) => ignores(source) || !existsSync(join(folder, source)));
}

function unknownStages(stages: Stage[]): string[] {
  const names = new Set(stages.map(({ name }) => name));
  return stepsOf(stages, 'COPY').flatMap(({ flags }) => {
    const from = flags.get('from');
    return from === undefined || names.has(from) ? [] : [from];
  });
}

function healthProblems(stages: Stage[]): string[] {
  const text = last(stages, 'HEALTHCHECK')?.text ?? '';
  const command = execForm(text.replace(/^CMD\s+/, ''));
  return unless(text.startsWith('CMD') && command?.[0] === 'node', `HEALTHCHECK ${text}`);
}

function secretNames(stages: Stage[]): string[] {
  const environment = stepsOf(stages, 'ENV').flatMap((step) => pairsOf(step).map(([name]) => name));
  const parameters = stepsOf(stages, 'ARG').map(({ text }) => text.split('=')[0] ?? '');
  return [...environment, ...parameters].filter((name) => SECRET.test(name));
}

function strayVolumes(stages: Stage[]): string[] {
  const user = last(stages, 'USER')?.text ?? '';
  const owned = stepsOf(stages.slice(-1), 'COPY')
    .filter(({ flags }) => flags.get('chown') === `${user}:${user}`)
    .map((step) => copyOf(step).destination);
  return stepsOf(stages.slice(-1), 'VOLUME')
    .flatMap(({ text }) => execForm(text) ?? text.split(/\s+/))
    .filter((volume) => !owned.includes(volume));
}

function unreachable(stages: Stage[]): string[] {
  const environment = new Map(stepsOf(stages, 'ENV').flatMap((step) => pairsOf(step)));
  const ports = stepsOf(stages, 'EXPOSE').flatMap(({ text }) => text.split(/\s+/));
  const metricsPort = environment.get('SERVE_METRICS_PORT') ?? '3000';
  return [
    ...unless(environment.get('MCPX_HOST') === '0.0.0.0', 'MCPX_HOST'),
    ...[environment.get('MCPX_PORT') ?? '9000', metricsPort].filter(
      (port) => !ports.includes(port),
    ),
  ];
}

export const RULES: Rule[] = [
  {
    says: 'every base image is pinned to a full version or a digest',
    problems: unpinned,
    broken: 'FROM node:latest\nFROM node:24\nFROM node',
  },
  {
    says: 'the process does not run as root',
    problems: (stages) =>
      unless(!/^(|root|0)(:|$)/.test(last(stages, 'USER')?.text ?? ''), 'USER of the last stage'),
    broken: 'FROM a\nUSER node\nFROM b\nUSER 0:0',
  },
  {
    says: 'a health check runs on node alone, without a shell or curl',
    problems: healthProblems,
    broken: 'FROM a\nHEALTHCHECK CMD curl -f http://localhost/',
  },
  {
    says: 'the command is in exec form, so that it is the process that gets the signals',
    problems: (stages) =>
      ['ENTRYPOINT', 'CMD'].filter((keyword) => !execForm(last(stages, keyword)?.text ?? '')),
    broken: 'FROM a\nENTRYPOINT node bin/mcpx.js\nCMD ["serve"]',
  },
  {
    says: 'SIGTERM stops it',
    problems: (stages) =>
      unless((last(stages, 'STOPSIGNAL')?.text ?? 'SIGTERM') === 'SIGTERM', 'STOPSIGNAL'),
    broken: 'FROM a\nSTOPSIGNAL SIGKILL',
  },
  {
    says: 'nothing is added but by COPY, least of all from a URL',
    problems: (stages) => stepsOf(stages, 'ADD').map(({ text }) => text),
    broken: 'FROM a\nADD https://example.org/tool.tar.gz /opt/',
  },
  {
    says: 'every path that is copied exists and reaches the build',
    problems: missingSources,
    broken: 'FROM a\nCOPY test test',
  },
  {
    says: 'what is copied from a stage comes from one that exists',
    problems: unknownStages,
    broken: 'FROM a AS build\nCOPY --from=biuld /app /app',
  },
  {
    says: 'apt-get leaves no lists behind, installs nothing unasked and does not upgrade',
    problems: carelessApt,
    broken: 'FROM a\nRUN apt-get update && apt-get install -y git',
  },
  {
    says: 'packages are installed from the lock file',
    problems: (stages) =>
      commandsOf(stages)
        .map(({ command }) => command)
        .filter((command) => /^npm (i|install|add)\b|^npx\b/.test(command)),
    broken: 'FROM a\nRUN npm install --omit=dev',
  },
  {
    says: 'no secret is built in',
    problems: secretNames,
    broken: 'FROM a\nENV API_KEY=x',
  },
  {
    says: 'every volume belongs to the user that runs',
    problems: strayVolumes,
    broken: 'FROM a\nCOPY --from=b /data /data\nUSER node\nVOLUME /data',
  },
  {
    says: 'a published port reaches it: it listens on all addresses, and its ports are declared',
    problems: unreachable,
    broken: 'FROM a\nENV MCPX_HOST=127.0.0.1 MCPX_PORT=9000\nEXPOSE 3000',
  },
];
