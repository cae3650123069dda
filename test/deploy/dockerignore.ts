interface Pattern {
  negated: boolean;
  matches: RegExp;
}

/** Tells which paths of the build context a .dockerignore keeps out: the last pattern that matches a path or a folder above it decides. */
export function readDockerignore(text: string): (path: string) => boolean {
  const patterns = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map(patternOf);
  return (path) =>
    patterns.findLast(({ matches }) => withFoldersAbove(path).some((part) => matches.test(part)))
      ?.negated === false;
}

function patternOf(line: string): Pattern {
  const negated = line.startsWith('!');
  const glob = line.replace(/^!/, '').replaceAll(/^\/|\/$/g, '');
  const source = glob
    .replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`)
    .replaceAll(/\*\*\/|\*\*|\*|\?/g, (wildcard) => WILDCARDS[wildcard] ?? '');
  return { negated, matches: new RegExp(`^${source}$`) };
}

const WILDCARDS: Record<string, string> = {
  '**/': '(?:.*/)?',
  '**': '.*',
  '*': '[^/]*',
  '?': '[^/]',
};

function withFoldersAbove(path: string): string[] {
  const names = path.split('/');
  return names.map((_, index) => names.slice(0, index + 1).join('/'));
}
