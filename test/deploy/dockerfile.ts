/** One instruction. `text` is what follows keyword and flags, on one line and without comments. */
export interface Step {
  keyword: string;
  flags: ReadonlyMap<string, string>;
  text: string;
}

/** What stands from one FROM to the next; FROM itself is read into `base` and `name`. */
export interface Stage {
  base: string;
  name: string | undefined;
  steps: Step[];
}

const INSTRUCTION = /^([A-Za-z]+)\s+((?:--[a-z-]+=\S+\s+)*)(.*)$/;
const KEYWORDS = new Set(
  'ADD ARG CMD COPY ENTRYPOINT ENV EXPOSE HEALTHCHECK LABEL RUN STOPSIGNAL USER VOLUME WORKDIR'.split(
    ' ',
  ),
);

/** Reads the part of the Dockerfile language that this project uses; throws at anything else. */
export function readDockerfile(text: string): Stage[] {
  const stages: Stage[] = [];
  for (const line of logicalLines(text)) {
    const step = stepOf(line);
    if (step.keyword === 'FROM') {
      const [base = '', , name] = step.text.split(/\s+/);
      stages.push({ base, name, steps: [] });
    } else if (!KEYWORDS.has(step.keyword)) throw new Error(`unknown instruction: ${line}`);
    else if (stages.length === 0) throw new Error(`before the first FROM: ${line}`);
    else stages.at(-1)?.steps.push(step);
  }
  return stages;
}

function stepOf(line: string): Step {
  const [, keyword = '', flagText = '', text = ''] = INSTRUCTION.exec(line) ?? [];
  if (keyword === '' || text.includes('<<')) throw new Error(`not understood: ${line}`);
  const flags = flagText
    .split(/\s+/)
    .filter((flag) => flag !== '')
    .map((flag): [string, string] => {
      const [name = '', ...value] = flag.slice(2).split('=');
      return [name, value.join('=')];
    });
  return { keyword: keyword.toUpperCase(), flags: new Map(flags), text: text.trim() };
}

/** Comment lines go first, as Docker has it: one in the middle of a continued instruction does not end it. */
function logicalLines(text: string): string[] {
  const kept = text.split('\n').filter((line) => !/^\s*(#|$)/.test(line));
  return kept
    .join('\n')
    .replaceAll(/\\[ \t]*\n\s*/g, '')
    .split('\n')
    .filter((line) => line !== '');
}

/** The words of a command in exec form; nothing when it is in shell form. */
export function execForm(text: string): string[] | undefined {
  if (!text.startsWith('[')) return undefined;
  try {
    const words: unknown = JSON.parse(text);
    return Array.isArray(words) ? words.map(String) : undefined;
  } catch {
    // Docker, too, takes for shell form what is not quite JSON.
    return undefined;
  }
}

/** The pairs of an ENV or LABEL. */
export function pairsOf(step: Step): [name: string, value: string][] {
  return [...step.text.matchAll(/([\w.-]+)=("(?:[^"\\]|\\.)*"|\S+)/g)].map(
    ([, name = '', value = '']) => [name, value.startsWith('"') ? value.slice(1, -1) : value],
  );
}

/** Sources and destination of a COPY. */
export function copyOf(step: Step): { sources: string[]; destination: string } {
  const words = execForm(step.text) ?? step.text.split(/\s+/);
  return { sources: words.slice(0, -1), destination: words.at(-1) ?? '' };
}
