import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../support/processes.ts';
import { Inspector } from '../support/processes-inspector.ts';
import { nextCase, type Case, type ConfigCase, type Corpus } from './cases.ts';
import type { Findings } from './findings.ts';
import { Live } from './live.ts';
import { mutateBytes } from './mutate-bytes.ts';
import { mutateJson } from './mutate-json.ts';
import { faultsOf, openEvents, openSession } from './oracle.ts';
import { playHttp } from './play.ts';
import { Random } from './random.ts';
import { recorded } from './record.ts';
import { leaksBetween, remainsOf, type Remains } from './remains.ts';
import { FAULTY, ORDINARY, Scene } from './scene.ts';

const CASES = 250;
const AT_ONCE = 16;
const CONFIG_EVERY = 4;
const SAMPLE_EVERY = 6;
const SESSIONS = 4;
/** Longer than any session, stream, question or instance lives in the scene. */
const SETTLE_MS = 25_000;
const READY_MS = 40_000;

/** One gateway under fuzzing: batches of cases, each followed by what the gateway must still do. */
export class Fuzzer {
  readonly #findings: Findings;
  readonly #seed: number;
  readonly #scene: Scene;
  readonly #live = new Live();
  readonly #begun = performance.now();
  readonly samples: Remains[] = [];
  readonly outcomes: Record<string, number> = {};
  #inspector: Inspector | undefined;
  #corpus: Corpus = { requests: [], bodies: [] };
  #first: Remains | undefined;
  executions = 0;

  constructor(seed: number, findings: Findings) {
    this.#seed = seed;
    this.#findings = findings;
    this.#scene = new Scene(seed);
  }

  get isAlive(): boolean {
    return this.#scene.isAlive;
  }

  get recordedRequests(): number {
    return this.#corpus.requests.length;
  }

  /** Starts the gateway; the traffic of real clients is recorded unless there is a recording. */
  async start(corpus?: Corpus): Promise<Corpus> {
    await this.#scene.start();
    this.#inspector = await Inspector.open(this.#scene.tail);
    await this.#whenReady();
    this.#corpus = corpus ?? (await recorded(this.#scene.port));
    this.#live.set('host', `127.0.0.1:${this.#scene.port}`);
    const info = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'fuzz' } };
    this.#scene.say(
      `${JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'initialize', params: info })}\n`,
    );
    return this.#corpus;
  }

  /** One batch; the same number gives the same cases again. */
  async batch(number: number): Promise<void> {
    const random = new Random(this.#seed * 1_000_003 + number);
    for (let count = 0; count < SESSIONS; count += 1) await this.#freshSession();
    const stream = await openEvents(this.#scene.port);
    if (stream.token !== '') this.#live.set('sse', stream.token);
    const cases: Case[] = Array.from({ length: CASES }, () => aimed(random, this.#corpus));
    await this.#play(cases, random);
    stream.close();
    if (number % CONFIG_EVERY === CONFIG_EVERY - 1) cases.push(await this.#reload(random));
    await this.judge(cases);
    this.#first ??= await this.#sample();
    if (number % SAMPLE_EVERY === 0) await this.#sample();
  }

  /** Plays cases as they were found, one after the other, and judges the gateway. */
  async replay(cases: readonly Case[]): Promise<void> {
    await this.#freshSession();
    for (const one of cases) {
      if (one.kind === 'config') await this.#withConfig(one);
      else await this.#play([one], new Random(1));
    }
    await this.judge(cases);
  }

  /** Adds what the gateway no longer does after these cases to the findings. */
  async judge(cases: readonly Case[]): Promise<void> {
    const faults = this.#scene.isAlive ? await faultsOf(this.#scene) : ['the process is gone'];
    for (const fault of faults) this.#found(fault, cases);
    if (!this.#scene.isStdioAlive) {
      this.#scene.startStdio();
      await sleep(500);
    }
  }

  /** Waits until all that belongs to clients is over, and adds what is left to the findings. */
  async settle(): Promise<void> {
    await sleep(SETTLE_MS);
    await this.judge([]);
    await sleep(SETTLE_MS);
    const last = await this.#sample();
    if (this.#first === undefined || last === undefined) return;
    for (const leak of leaksBetween(this.#first, last)) this.#found(`left over: ${leak}`, []);
  }

  async stop(): Promise<void> {
    this.#inspector?.close();
    await this.#scene.stop();
  }

  async #play(cases: readonly Case[], random: Random): Promise<void> {
    const waiting = [...cases];
    const worker = async (own: Random): Promise<void> => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift())
        await this.#one(next, own);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, () => worker(random.fork())));
  }

  async #one(next: Case, random: Random): Promise<void> {
    this.executions += 1;
    if (next.kind === 'stdio') this.#scene.say(`${this.#live.fill(next.bytes, random)}\n`);
    if (next.kind !== 'http') return;
    const { fault, outcomes } = await playHttp(this.#scene.port, next, this.#live, random);
    for (const outcome of outcomes) this.outcomes[outcome] = (this.outcomes[outcome] ?? 0) + 1;
    if (fault !== undefined) this.#found(fault, [next]);
  }

  #found(fault: string, cases: readonly Case[]): void {
    const { tail } = this.#scene;
    this.#findings.add({
      fault,
      seed: this.#seed,
      cases,
      spoilt: this.#scene.spoilt(),
      log: tail.slice(-20_000),
    });
  }

  async #reload(random: Random): Promise<ConfigCase> {
    const file = random.chance(0.5) ? 'mcp.json' : 'app.yaml';
    const good = this.#scene.files[file];
    const text =
      file === 'mcp.json' && random.chance(0.7)
        ? mutateJson(good, random)
        : mutateBytes(good, random);
    const spoilt: ConfigCase = { kind: 'config', file, text };
    await this.#withConfig(
      spoilt,
      Array.from({ length: 40 }, () => aimed(random, this.#corpus)),
    );
    return spoilt;
  }

  /** Spoils a file, does something meanwhile, and mends it. */
  async #withConfig({ file, text }: ConfigCase, meanwhile: readonly Case[] = []): Promise<void> {
    this.executions += 1;
    this.#scene.configure(file, text);
    await sleep(250);
    await this.#play(meanwhile, new Random(this.#seed));
    this.#scene.configure(file, this.#scene.files[file]);
    await sleep(400);
    await this.#whenReady();
  }

  /** Waits until the well-behaved servers are there. */
  async #whenReady(): Promise<void> {
    let faults: string[] = [];
    await eventually(
      'the gateway answered well',
      READY_MS,
      async () => {
        if (!this.#scene.isAlive) return true;
        faults = await faultsOf(this.#scene);
        return faults.length === 0;
      },
      () => faults,
    ).catch((error: unknown) => this.#found(`not ready: ${String(error)}`, []));
  }

  async #freshSession(): Promise<void> {
    const id = await openSession(this.#scene.port).catch(() => '');
    if (id !== '') this.#live.add('session', id);
  }

  async #sample(): Promise<Remains | undefined> {
    if (!this.#scene.isAlive || this.#inspector === undefined) return undefined;
    const minute = (performance.now() - this.#begun) / 60_000;
    const sample = await remainsOf(this.#scene, this.#inspector, minute);
    this.samples.push(sample);
    return sample;
  }
}

/** A case of the corpus, now and then at a server that spoils its answers. */
function aimed(random: Random, corpus: Corpus): Case {
  const next = nextCase(random, corpus);
  if (!random.chance(0.3)) return next;
  const [from, to] = [random.pick(ORDINARY), random.pick(FAULTY)];
  return { ...next, bytes: next.bytes.replaceAll(`${from}__`, `${to}__`) };
}
