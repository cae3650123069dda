import type { Answer } from '../kernel/answer.ts';
import { MUTE } from '../kernel/capabilities.ts';
import type { Exchange, Owner } from '../kernel/exchange.ts';
import type { BreakerPhase, UpstreamState } from '../kernel/inventory.ts';
import { stringAt } from '../kernel/json.ts';
import type { Permit } from '../kernel/permit.ts';
import type { ServerPlan } from '../kernel/plan.ts';
import { Backoff } from './backoff.ts';
import { Carriage } from './carriage.ts';
import { Ending } from './ending.ts';
import { answersPing, Health } from './health.ts';
import { Instances } from './instances.ts';
import { LinkChoice } from './link-choice.ts';
import type { Link } from './link.ts';
import { Nature } from './nature.ts';
import { linkFactory, type LinkFactory } from './open-link.ts';
import { openShared } from './open-shared.ts';
import type { LinkEvents, UpstreamCall, UpstreamPorts } from './ports.ts';
import { openOwnLink } from './open-own-link.ts';
import { OwnShelves } from './own-shelves.ts';
import { ownTerms } from './own-terms.ts';
import { isToBeSentAgain } from './sent-again.ts';
import { Shelf } from './shelf.ts';
import { createScrub, scrubbedPorts } from './scrub.ts';
import type { Slots } from './slots.ts';
import { Standing } from './standing.ts';
import { stateOf } from './state-of.ts';
import { OpenFailure } from './wire.ts';
import { Wires } from './wires.ts';

/** How long a server may hold one of the places for starting. */
const SLOT_MS = 5000;
/** After this many failures in a row a server counts as failed, not as starting. */
const PATIENCE = 3;
const STATE_LOST =
  'a session from before the restart gets a new instance; the state the old one kept for it is lost';

/** One configured server: keeps a link to it alive, knows its state, and carries permitted calls. */
export class Upstream {
  readonly plan: ServerPlan;
  readonly #ports: UpstreamPorts;
  readonly #slots: Slots;
  readonly #wires: Wires;
  readonly #factory: LinkFactory;
  readonly #choice: LinkChoice;
  readonly #carriage: Carriage;
  readonly #instances: Instances;
  readonly #ownShelves: OwnShelves;
  readonly #shelf: Shelf;
  readonly #standing: Standing;
  readonly #health: Health;
  readonly #backoff: Backoff;
  readonly #nature: Nature;
  #link: Link | undefined;
  #isStopped = false;
  /** Whether what is known of its era did not lead to a link at the latest attempt. */
  #isInDoubt = false;
  #loop: Promise<void> | undefined;

  constructor(plan: ServerPlan, given: UpstreamPorts, slots: Slots) {
    const scrub = createScrub(plan, given);
    const ports = scrubbedPorts(given, scrub);
    this.plan = plan;
    this.#ports = ports;
    this.#slots = slots;
    this.#wires = new Wires(plan, ports);
    this.#factory = linkFactory(plan, ports, this.#wires, (isAsking) =>
      this.#carriage.onAsking(isAsking),
    );
    this.#standing = new Standing({
      name: plan.name,
      now: () => ports.now(),
      scrub,
      onChange: () => ports.onState(this.state),
    });
    this.#shelf = new Shelf({
      plan,
      ports,
      debounceMs: () => ports.listDebounceMs(),
      onStocked: () => {
        this.#standing.complain('lists', undefined);
        this.#standing.well();
      },
      onFailure: (reason) => {
        this.#standing.complain('lists', reason);
        this.#standing.well();
      },
    });
    this.#backoff = new Backoff(plan.limits);
    const { eraMaxAgeMs: maxAgeMs } = plan.limits;
    this.#nature = new Nature({ fingerprint: plan.fingerprint, maxAgeMs, ports });
    this.#health = new Health(plan.limits, (isWell) => this.#onHealth(isWell));
    this.#ownShelves = new OwnShelves({ plan, ports });
    this.#instances = new Instances({
      upstream: plan.name,
      limits: plan.limits,
      open: (owner) => this.#openOwn(owner),
      onDropped: (key) => this.#ownShelves.drop(key),
      log: (level, message) => ports.log(level, plan.name, message),
    });
    const [nature, instances, standing] = [this.#nature, this.#instances, this.#standing];
    const shared = (): Link | undefined => this.sharedLink;
    this.#choice = new LinkChoice({ plan, nature, instances, standing, shared });
    this.#carriage = new Carriage({
      plan,
      choice: this.#choice,
      ping: () => this.#ping(),
      onBreaker: (phase, why) => this.#onBreaker(phase, why),
      onOver: (exchange, answer) => this.#onOver(exchange, answer),
    });
  }

  /** Its state as an operator sees it. */
  get state(): UpstreamState {
    return stateOf({
      plan: this.plan,
      standing: this.#standing,
      nature: this.#nature,
      carrier: this.#wires.carrier,
      link: this.#link,
      instances: this.#instances,
      shelf: this.#shelf,
      carriage: this.#carriage,
    });
  }

  /** Begins to keep a link alive; returns at once. */
  start(): void {
    const { plan } = this;
    if (!plan.isActive) {
      this.#standing.set('stopped', 'switched off in the configuration');
    } else if (plan.pendingInput !== undefined) {
      this.#standing.set('pending-input', plan.pendingInput);
    } else {
      this.#nature.recall();
      this.#shelf.recall();
      this.#loop = this.#keepAlive();
    }
  }

  /** Ends every link and everything that runs behind them. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#backoff.wake();
    this.#shelf.close();
    this.#health.stop();
    this.#carriage.stop();
    this.#standing.set('stopped', 'stopped');
    await Promise.all([this.#link?.close('stopped'), this.#instances.close('stopped')]);
    // Links that are just being opened end with their wires.
    await this.#wires.close();
    await this.#loop;
  }

  /** Sends a permitted request, over the link all share or the client's own. */
  send(permit: Permit, call: UpstreamCall, exchange: Exchange): Promise<Answer> {
    return this.#carriage.send(permit, call, exchange);
  }

  #onOver({ era, owner }: Exchange, answer: Answer | undefined): void {
    if (era === 'legacy') this.#instances.wakeNext();
    else if (answer === undefined || !isToBeSentAgain(answer))
      this.#instances.drop(owner.key, 'its exchange ended');
  }

  /** The open links that a client uses: those all share, and its own. */
  *links(ownerKey: string): Generator<Link> {
    if (this.sharedLink !== undefined) yield this.sharedLink;
    for (const link of this.#instances.links())
      if (link.owner === undefined || link.owner.key === ownerKey) yield link;
  }

  /** Whether this client's calls go over a link of its own. */
  isPrivateTo(owner: Owner): boolean {
    return this.#choice.isPrivateTo(owner);
  }

  /** Takes over what clients that share links watch now, as every new link does; rejects when it is refused. */
  async watch(): Promise<void> {
    const watched = this.#ports.watched(this.plan.name);
    await this.sharedLink?.watch(watched);
    await this.#instances.peek(MUTE)?.watch(watched);
  }

  /** The shared link, when it is open. */
  get sharedLink(): Link | undefined {
    return this.#link?.isOpen === true ? this.#link : undefined;
  }

  /** Notes that part of what it offers cannot be shown; undefined when all is well again. */
  complain(reason: string | undefined): void {
    this.#standing.complain('names', reason);
  }

  /** A client is gone: so is what was kept for it. */
  forget(ownerKey: string): void {
    this.#instances.forget(ownerKey, 'its client is gone');
  }

  /** The link for a client: shared, or its own. Waits for a server that is starting. */
  linkOf(owner: Owner): Promise<Link> {
    return this.#choice.wait(owner, undefined);
  }

  async #keepAlive(): Promise<void> {
    while (!this.#isStopped) {
      const startedAt = performance.now();
      const reason = await this.#live();
      if (this.#isStopped) return;
      const waitMs = this.#backoff.after(performance.now() - startedAt, reason);
      this.#settle(reason);
      this.#ports.log('warn', this.plan.name, `${reason.message}; next attempt in ${waitMs} ms`);
      await this.#backoff.pause(waitMs);
    }
  }

  /** One life of the shared link; resolves to why it ended. */
  async #live(): Promise<OpenFailure> {
    const giveBack = await this.#slots.take();
    const timer = setTimeout(giveBack, SLOT_MS);
    try {
      if (this.#isStopped) return new OpenFailure({ kind: 'broken', message: 'stopped' });
      const ending = new Ending();
      const events = this.#events(
        (reason, detail) => ending.note(reason, detail),
        undefined,
        undefined,
      );
      const link = await openShared(this.#factory, this.#nature, this.#isInDoubt, events);
      giveBack();
      this.#isInDoubt = false;
      await this.#adopt(link);
      return await ending.whenNoted;
    } catch (error) {
      const failed = OpenFailure.of(error);
      // Where asking for the era costs a process, a mere failure to start is not reason enough.
      this.#isInDoubt = !this.#nature.isProbeCostly || failed.failure.kind === 'protocol';
      return failed;
    } finally {
      clearTimeout(timer);
      giveBack();
      this.#link = undefined;
      this.#health.stop();
    }
  }

  async #adopt(link: Link): Promise<void> {
    if (this.#isStopped) {
      await link.close('stopped');
      return;
    }
    this.#tellLevel(link, this.#ports.sharedLevel());
    this.#link = link;
    this.#standing.complain('lists', undefined);
    this.#standing.complain('pings', undefined);
    this.#standing.up(link);
    this.#health.watch(link);
    this.#carriage.linked();
    // Calls may go over the link while the lists are still being read.
    void this.#shelf.stock(link);
  }

  async #openOwn(owner: Owner | undefined): Promise<Link> {
    if (owner?.isRestored === true) this.#ports.log('warn', this.plan.name, STATE_LOST);
    const events = this.#events(() => undefined, owner, owner?.key ?? MUTE);
    const link = await openOwnLink(this.#factory, ownTerms(owner), events);
    this.#tellLevel(link, owner?.logLevel ?? this.#ports.sharedLevel());
    // What a client watched over an instance that is gone, it watches over the next one.
    await link.watch(this.#ports.watched(this.plan.name, owner?.key)).catch(() => undefined);
    return link;
  }

  /** Not waited for: a server that refuses or ignores the level works all the same, and reads it before the next call. */
  #tellLevel(link: Link, level: string | undefined): void {
    if (level !== undefined) void link.setLevel(level, this.plan.limits.listTimeoutMs);
  }

  /** Events of the link all share, or of an instance by its key. */
  #events(
    onClosed: LinkEvents['onClosed'],
    owner: Owner | undefined,
    instance: string | undefined,
  ): LinkEvents {
    return {
      onClosed,
      onListChanged: () => this.#onListChanged(instance),
      onListenLost: (isFinal) => {
        if (!isFinal) this.#shelf.watchAgain();
      },
      onResourceUpdated: (message) =>
        this.#ports.onResourceUpdated(this.plan.name, stringAt(message.params, 'uri') ?? '', owner),
      onTask: (message) => this.#ports.onTask(this.plan.name, message),
      onInteractive: (method) => this.#becomeInteractive(method),
    };
  }

  #onListChanged(instance: string | undefined): void {
    if (instance === undefined) this.#shelf.restock();
    else this.#ownShelves.restock(instance, () => this.#instances.peek(instance));
  }

  #becomeInteractive(method: string): void {
    if (this.#nature.isInteractive) return;
    this.#nature.setInteractive();
    this.#ports.log(
      'info',
      this.plan.name,
      `asks its clients (${method}): from now on each client has an instance of its own`,
    );
    this.#ports.onState(this.state);
  }

  /** What a link's end means for the state and for the lists. */
  #settle({ failure }: OpenFailure): void {
    const isTransient = this.#standing.wasUp && this.#backoff.failures <= PATIENCE;
    this.#standing.down(failure, isTransient);
    if (!isTransient) this.#shelf.clear();
  }

  #onHealth(isWell: boolean): void {
    this.#standing.complain('pings', isWell ? undefined : 'does not answer pings');
  }
  #ping(): Promise<boolean> | undefined {
    const { sharedLink, plan } = this;
    return sharedLink && answersPing(sharedLink, plan.limits.pingTimeoutMs);
  }

  #onBreaker(phase: BreakerPhase, why: string): void {
    const isWell = phase === 'closed';
    this.#ports.log(isWell ? 'info' : 'warn', this.plan.name, `calls: ${why}`);
    this.#standing.complain('calls', isWell ? undefined : why);
  }
}
