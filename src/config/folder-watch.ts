import { watch, type FSWatcher } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

interface Watched {
  /** Tells a folder from another that was put in its place. */
  readonly identity: string;
  readonly watcher: FSWatcher;
}

/**
 * Reports that something happened in the folders of some files. Folders, because a watch on a file itself ends when an
 * editor renames another over it, or when Kubernetes swaps the symbolic link it is reached through.
 */
export class FolderWatch {
  readonly #onEvent: () => void;
  readonly #watched = new Map<string, Watched>();
  #isClosed = false;

  constructor(onEvent: () => void) {
    this.#onEvent = onEvent;
  }

  /** Watches the folders the files are in now, and where links lead to; a folder that cannot be watched is left out. */
  async follow(paths: readonly string[]): Promise<void> {
    const wanted = new Map<string, string>();
    for (const folder of new Set((await Promise.all(paths.map(foldersOf))).flat())) {
      const identity = await identityOf(folder);
      if (identity !== undefined) wanted.set(folder, identity);
    }
    for (const [folder, { identity }] of this.#watched) {
      if (wanted.get(folder) !== identity) this.#drop(folder);
    }
    for (const [folder, identity] of wanted) this.#add(folder, identity);
  }

  close(): void {
    this.#isClosed = true;
    for (const folder of this.#watched.keys()) this.#drop(folder);
  }

  #add(folder: string, identity: string): void {
    if (this.#isClosed || this.#watched.has(folder)) return;
    try {
      const watcher = watch(folder, { persistent: false }, () => this.#onEvent());
      watcher.on('error', () => this.#drop(folder));
      this.#watched.set(folder, { identity, watcher });
    } catch {
      // No watch to be had here (a limit, a file system without events): the caller looks by itself now and then.
    }
  }

  #drop(folder: string): void {
    this.#watched.get(folder)?.watcher.close();
    this.#watched.delete(folder);
  }
}

async function foldersOf(path: string): Promise<string[]> {
  const here = resolve(path);
  const target = await realpath(here).catch(() => here);
  return [dirname(here), dirname(target)];
}

async function identityOf(folder: string): Promise<string | undefined> {
  const found = await stat(folder).catch(() => undefined);
  // Inode numbers are used again at once; the time of birth is not.
  return found === undefined ? undefined : `${found.dev}:${found.ino}:${found.birthtimeMs}`;
}
