import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { FolderWatch } from './folder-watch.ts';

/** How eagerly files are watched. */
export interface WatchOptions {
  /** Quiet time after a change before files are read: editors and deployments write in several steps. */
  readonly debounceMs?: number;
  /** Time between looks of our own, for file systems that report nothing. */
  readonly pollMs?: number;
}

/** Called with the paths whose contents have changed. */
export type OnChange = (changed: readonly string[]) => void;

type Digests = ReadonlyMap<string, string | undefined>;

/**
 * Calls back when the contents of files change; returns a function that ends the watch. Start it before the files are
 * first read. A file that vanishes changes nothing until it is back: a deletion must not open what the file closed.
 */
export function watchConfig(
  paths: readonly string[],
  onChange: OnChange,
  options: WatchOptions = {},
): () => void {
  const watch = new FileWatch(paths, onChange, options);
  return () => watch.close();
}

class FileWatch {
  readonly #paths: readonly string[];
  readonly #onChange: OnChange;
  readonly #debounceMs: number;
  readonly #folders: FolderWatch;
  readonly #poll: NodeJS.Timeout;
  #known: Digests;
  #quiet: NodeJS.Timeout | undefined;
  #latest: NodeJS.Timeout | undefined;
  #turn = 0;
  #isClosed = false;

  constructor(paths: readonly string[], onChange: OnChange, options: WatchOptions) {
    this.#paths = [...new Set(paths)];
    this.#onChange = onChange;
    this.#debounceMs = options.debounceMs ?? 100;
    this.#known = new Map(this.#paths.map((path) => [path, digestNow(path)]));
    this.#folders = new FolderWatch(() => this.#touch());
    this.#poll = setInterval(() => void this.#look(), options.pollMs ?? 2000).unref();
    void this.#look();
  }

  close(): void {
    this.#isClosed = true;
    clearInterval(this.#poll);
    this.#settled();
    this.#folders.close();
  }

  /** Follows the files to where they are now, and notices changes nobody reported. */
  async #look(): Promise<void> {
    await this.#folders.follow(this.#paths);
    const now = await digests(this.#paths);
    if (changedPaths(this.#known, now).length > 0) this.#touch();
  }

  #touch(): void {
    if (this.#isClosed) return;
    const read = (): void => void this.#read();
    if (this.#quiet === undefined) this.#quiet = setTimeout(read, this.#debounceMs).unref();
    else this.#quiet.refresh();
    // In a folder that is never quiet, the files are read all the same.
    this.#latest ??= setTimeout(read, this.#debounceMs * 10).unref();
  }

  async #read(): Promise<void> {
    this.#settled();
    const turn = ++this.#turn;
    await this.#folders.follow(this.#paths);
    const now = await digests(this.#paths);
    // A reading overtaken by a later one may hold what is no longer there.
    if (this.#isClosed || turn !== this.#turn) return;
    const changed = changedPaths(this.#known, now);
    this.#known = new Map([
      ...this.#known,
      ...changed.map((path) => [path, now.get(path)] as const),
    ]);
    if (changed.length > 0) this.#onChange(changed);
  }

  #settled(): void {
    clearTimeout(this.#quiet);
    clearTimeout(this.#latest);
    this.#quiet = undefined;
    this.#latest = undefined;
  }
}

function changedPaths(before: Digests, now: Digests): string[] {
  return [...now]
    .filter(([path, digest]) => digest !== undefined && digest !== before.get(path))
    .map(([path]) => path);
}

async function digests(paths: readonly string[]): Promise<Digests> {
  return new Map(
    await Promise.all(paths.map(async (path) => [path, await digestLater(path)] as const)),
  );
}

async function digestLater(path: string): Promise<string | undefined> {
  const contents = await readFile(path).catch(() => undefined);
  return contents === undefined ? undefined : digest(contents);
}

function digestNow(path: string): string | undefined {
  try {
    return digest(readFileSync(path));
  } catch {
    return undefined;
  }
}

function digest(contents: Buffer): string {
  return createHash('sha256').update(contents).digest('base64url');
}
