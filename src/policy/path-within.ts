const DRIVE = /^[A-Za-z]:[/\\]/;

/**
 * Whether an absolute path is a folder or below it. Never for a path that climbs, however it is written: where `..` leads is
 * known to the file system alone.
 */
export function isWithin(path: string, folder: string): boolean {
  const wanted = segmentsOf(folder);
  const given = segmentsOf(path);
  if (wanted === undefined || given === undefined || given.length < wanted.length) return false;
  return wanted.every((segment, index) => given[index] === segment);
}

/** Undefined for what is no absolute path, or climbs. */
function segmentsOf(path: string): readonly string[] | undefined {
  const isDrive = DRIVE.test(path);
  if ((!isDrive && !path.startsWith('/')) || path.includes('\0')) return undefined;
  const text = isDrive ? path.charAt(0).toLowerCase() + path.slice(1).replaceAll('\\', '/') : path;
  if (text.split(/[/\\]/).some(climbs)) return undefined;
  return text.split('/').filter((segment) => segment !== '' && segment !== '.');
}

/** Servers that take a path out of a URI decode it. */
function climbs(segment: string): boolean {
  return segment.replaceAll(/%2e/gi, '.') === '..';
}
