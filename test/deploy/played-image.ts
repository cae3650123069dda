import { execFile, spawn, type ChildProcess } from 'node:child_process';
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { copyOf, execForm, pairsOf, type Stage, type Step } from './dockerfile.ts';
import type { BuildContext } from './dockerfile-rules.ts';

interface Layer {
  /** The folder that plays this stage's `/`. */
  root: string;
  folder: string;
  environment: Record<string, string>;
  /** The exec forms of ENTRYPOINT, CMD and HEALTHCHECK. */
  commands: Record<string, string[]>;
}

type Steps = Record<string, (layer: Layer, step: Step) => void | Promise<void>>;

// The scratch folder has no system of its own, so a command of any other kind would act on the machine that runs the test.
// What deletes stays below the stage's folder.
const PLAYABLE = /^((npm|mkdir|node) |(find|rm) (?!.*(\.\.|-exec|~| \/)))[^;&|`$<>]*$/;
const RUN_WITHIN_MS = 240_000;
const run = promisify(execFile);

/**
 * A Dockerfile carried out without a container engine: every stage is a folder that plays its file system, and a word that begins
 * with a slash is a path in it. The base image is the Node that runs this, with the machine's npm; users and owners are not played.
 */
export class PlayedImage {
  readonly #scratch = mkdtempSync(join(realpathSync(tmpdir()), 'played-image-'));
  readonly #context: BuildContext;
  readonly #layers = new Map<string, Layer>();
  #final: Layer | undefined;

  private constructor(context: BuildContext) {
    this.#context = context;
  }

  static async build(stages: Stage[], context: BuildContext): Promise<PlayedImage> {
    const image = new PlayedImage(context);
    try {
      image.#makeCommands();
      for (const [index, stage] of stages.entries()) await image.#play(stage, String(index));
      return image;
    } catch (error) {
      image.remove();
      throw error;
    }
  }

  /** Where a path of the image lies on this machine. */
  path(path: string): string {
    return join(this.#top.root, path);
  }

  /** Starts the image's process, with more environment, as `docker run -e` would. */
  start(environment: Record<string, string>): ChildProcess {
    const { ENTRYPOINT = [], CMD = [] } = this.#top.commands;
    const [command = '', ...args] = [...ENTRYPOINT, ...CMD];
    return spawn(command, args, this.#options(environment));
  }

  /** The exit code of the image's health check. */
  async health(environment: Record<string, string>): Promise<number> {
    const [command = '', ...args] = this.#top.commands['HEALTHCHECK'] ?? [];
    const child = spawn(command, args, this.#options(environment));
    return new Promise((settle) => child.once('close', (code) => settle(code ?? -1)));
  }

  /** Every file outside the given folders, with its size and time of change. */
  contents(except: string[]): string[] {
    return readdirSync(this.#top.root, { recursive: true, encoding: 'utf8' })
      .filter((path) => !except.some((folder) => path === folder || path.startsWith(`${folder}/`)))
      .map((path) => `${path} ${describe(join(this.#top.root, path))}`)
      .sort();
  }

  remove(): void {
    rmSync(this.#scratch, { recursive: true, force: true });
  }

  get #top(): Layer {
    if (!this.#final) throw new Error('not built');
    return this.#final;
  }

  #options(environment: Record<string, string>): object {
    const { folder, environment: own, root } = this.#top;
    const env = { PATH: this.#searchPath, TMPDIR: join(root, 'tmp'), ...own, ...environment };
    return { cwd: join(root, folder), env };
  }

  get #searchPath(): string {
    return `${join(this.#scratch, 'bin')}:/usr/bin:/bin`;
  }

  #makeCommands(): void {
    const bin = join(this.#scratch, 'bin');
    mkdirSync(bin);
    symlinkSync(process.execPath, join(bin, 'node'));
    const npm = process.env['npm_execpath'] ?? onPath('npm');
    writeFileSync(join(bin, 'npm'), `#!/bin/sh\nexec node '${npm}' "$@"\n`, { mode: 0o755 });
  }

  async #play(stage: Stage, index: string): Promise<void> {
    const root = join(this.#scratch, index);
    const base = this.#layers.get(stage.base);
    const layer: Layer = structuredClone(base ?? BARE);
    layer.root = root;
    if (base) cpSync(base.root, root, { recursive: true, verbatimSymlinks: true });
    else mkdirSync(join(root, 'tmp'), { recursive: true });
    for (const step of stage.steps) await this.#steps[step.keyword]?.(layer, step);
    this.#layers.set(stage.name ?? index, layer);
    this.#final = layer;
  }

  readonly #steps: Steps = {
    WORKDIR: (layer, { text }) => {
      layer.folder = resolve(layer.folder, text);
      mkdirSync(join(layer.root, layer.folder), { recursive: true });
    },
    ENV: (layer, step) => {
      for (const [name, value] of pairsOf(step)) layer.environment[name] = inside(layer, value);
    },
    RUN: (layer, { text }) => this.#run(layer, text),
    COPY: (layer, step) => this.#copy(layer, step),
    ENTRYPOINT: (layer, { text }) => keep(layer, 'ENTRYPOINT', text),
    CMD: (layer, { text }) => keep(layer, 'CMD', text),
    HEALTHCHECK: (layer, { text }) => keep(layer, 'HEALTHCHECK', text.replace(/^CMD\s+/, '')),
  };

  async #run(layer: Layer, text: string): Promise<void> {
    if (!PLAYABLE.test(text)) throw new Error(`cannot be played in a scratch folder: RUN ${text}`);
    const command = text.split(/\s+/).map((word) => inside(layer, word));
    // The user's own npm settings say where packages come from; NODE_TEST_CONTEXT would make a child report as a test.
    const { NODE_TEST_CONTEXT: _, ...ours } = process.env;
    const env = { ...ours, npm_config_prefer_offline: 'true', ...layer.environment };
    await run('sh', ['-ec', command.join(' ')], {
      cwd: join(layer.root, layer.folder),
      env: { ...env, PATH: this.#searchPath },
      timeout: RUN_WITHIN_MS,
    });
  }

  #copy(layer: Layer, step: Step): void {
    const { sources, destination } = copyOf(step);
    const target = resolve(layer.folder, destination);
    const from = step.flags.get('from');
    const stage = from === undefined ? undefined : this.#layers.get(from);
    for (const source of sources) {
      const origin = stage ? join(stage.root, source) : join(this.#context.folder, source);
      if (!existsSync(origin)) throw new Error(`COPY ${step.text}: ${source} does not exist`);
      const folder = statSync(origin).isDirectory();
      const into = !folder && (sources.length > 1 || destination.endsWith('/'));
      const place = join(layer.root, target, into ? basename(source) : '');
      if (stage) cpSync(origin, place, { recursive: true, verbatimSymlinks: true });
      else this.#copyFromContext(source, place);
    }
  }

  #copyFromContext(source: string, place: string): void {
    const { folder, ignores } = this.#context;
    const origin = join(folder, source);
    const files = statSync(origin).isDirectory()
      ? readdirSync(origin, { recursive: true, encoding: 'utf8' })
      : [''];
    const kept = files.filter(
      (file) => statSync(join(origin, file)).isFile() && !ignores(join(source, file)),
    );
    if (kept.length === 0) throw new Error(`nothing of ${source} reaches the build`);
    for (const file of kept) cpSync(join(origin, file), join(place, file));
  }
}

const BARE: Layer = { root: '', folder: '/', environment: {}, commands: {} };

function inside({ root }: Layer, word: string): string {
  return word.startsWith('/') ? join(root, word) : word;
}

function keep(layer: Layer, keyword: string, text: string): void {
  layer.commands[keyword] = (execForm(text) ?? []).map((word) => inside(layer, word));
}

function describe(path: string): string {
  const { size, mtimeMs } = lstatSync(path);
  return `${size} ${mtimeMs}`;
}

function onPath(command: string): string {
  const folders = (process.env['PATH'] ?? '').split(':');
  const found = folders.map((folder) => join(folder, command)).find((path) => existsSync(path));
  if (found === undefined) throw new Error(`${command} is not on the PATH`);
  return realpathSync(found);
}
