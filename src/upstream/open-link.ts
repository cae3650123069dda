import { RemoteError } from '../kernel/answer.ts';
import type { Era } from '../kernel/era.ts';
import type { JsonObject } from '../kernel/json.ts';
import type { ServerPlan } from '../kernel/plan.ts';
import { Refusal } from '../kernel/refusals.ts';
import { Chatter } from './chatter.ts';
import { LegacyLink } from './legacy-link.ts';
import type { Link, LinkSetup } from './link.ts';
import { isModernError } from './modern-errors.ts';
import { ModernLink } from './modern-link.ts';
import type { LinkEvents, LinkTerms, UpstreamPorts } from './ports.ts';
import type { Carrier, Wires } from './wires.ts';
import { OpenFailure, type Wire, type WireEvents, type WireFailure } from './wire.ts';

/** What it takes to open links to one upstream. */
export interface LinkFactory {
  readonly plan: ServerPlan;
  readonly setup: LinkSetup;
  readonly clientInfo: JsonObject;
  readonly wires: Wires;
}

/** The links of a configured server; `onAsking` is told when a call begins to wait for its client alone, and when no more. */
export function linkFactory(
  plan: ServerPlan,
  ports: UpstreamPorts,
  wires: Wires,
  onAsking: (isAsking: boolean) => void,
): LinkFactory {
  const { limits, name } = plan;
  const chatter = new Chatter((bytes) =>
    ports.log('warn', name, `too much to log at once: lines of ${bytes} characters were left out`),
  );
  return {
    plan,
    wires,
    clientInfo: ports.clientInfo,
    setup: {
      upstream: name,
      callTimeoutMs: limits.callTimeoutMs,
      listTimeoutMs: limits.listTimeoutMs,
      progressResetsCallTimeout: limits.progressResetsCallTimeout,
      publicTasks: (owner, params) => ports.publicTasks(name, owner, params),
      ownTasks: (owner, value) => ports.ownTasks(owner, value),
      admitQuestion: (owner, question) => ports.admitQuestion(name, owner, question),
      hears: (owner) => ports.hears(name, owner),
      onAsking,
      log: (level, message) => {
        // A server decides how much it gives cause to log.
        if (chatter.admits(message.length)) ports.log(level, name, message);
      },
    },
  };
}

/** Events of a link that is not open yet. */
interface Latch {
  readonly events: LinkEvents;
  open(): void;
}

/** A link whose server was asked for its era, and whether asking cost: it ended the process, or was met with silence. */
export interface Probed {
  readonly link: Link;
  readonly isCostly: boolean;
}

/** Opens a link to a server whose era is not known: asks for discovery first, and takes anything but a yes for legacy. */
export async function probeLink(
  factory: LinkFactory,
  terms: LinkTerms,
  events: LinkEvents,
): Promise<Probed> {
  const { endpoint, limits } = factory.plan;
  await factory.wires.prepare();
  if (endpoint.kind === 'remote' && endpoint.transport === 'sse')
    return { link: await openLegacy(factory, terms, events), isCostly: false };
  const probe = new Probe(factory, events);
  const found = await probe.discover(
    endpoint.kind === 'stdio' ? limits.probeTimeoutMs : limits.connectTimeoutMs,
  );
  if (found === 'modern') return { link: probe.link, isCostly: false };
  if (endpoint.kind === 'stdio')
    return { link: await goOn(probe, factory, terms, events), isCostly: found === 'no answer' };
  await probe.link.close('was only probed');
  return { link: await openLegacy(factory, terms, events), isCostly: false };
}

/** A process that did not show itself modern goes on as a legacy server; where it does not, another one is started. */
async function goOn(
  probe: Probe,
  factory: LinkFactory,
  terms: LinkTerms,
  events: LinkEvents,
): Promise<Link> {
  try {
    return await probe.becomeLegacy(terms);
  } catch (error) {
    // Some servers end on a request before `initialize`, some are modern and were only slow: each gets a fresh process.
    return error instanceof RemoteError
      ? openModern(factory, events)
      : openLegacy(factory, terms, events);
  }
}

/** Opens a link to a server whose era is known. */
export async function openLink(
  factory: LinkFactory,
  era: Era,
  terms: LinkTerms,
  events: LinkEvents,
): Promise<Link> {
  await factory.wires.prepare();
  return era === 'legacy' ? openLegacy(factory, terms, events) : openModern(factory, events);
}

async function openModern(factory: LinkFactory, events: LinkEvents): Promise<Link> {
  const probe = new Probe(factory, events);
  const found = await probe.discover(factory.plan.limits.connectTimeoutMs);
  if (found === 'modern') return probe.link;
  await probe.link.close('does not answer discovery');
  throw new OpenFailure({ kind: 'protocol', message: 'does not answer discovery' });
}

/** One attempt at discovery, whose process can go on as a legacy server when that is the answer. */
class Probe {
  readonly link: ModernLink;
  readonly #factory: LinkFactory;
  readonly #latch: Latch;
  #wire: Wire | undefined;
  #receiver: WireEvents | undefined;
  #closedFor: WireFailure | undefined;

  constructor(factory: LinkFactory, events: LinkEvents) {
    this.#factory = factory;
    this.#latch = latchEvents(events);
    const carrier = factory.plan.endpoint.kind === 'stdio' ? 'stdio' : 'streamable-http';
    this.link = new ModernLink(
      factory.setup,
      factory.clientInfo,
      this.#latch.events,
      (wireEvents) => {
        this.#receiver = wireEvents;
        this.#wire = factory.wires.connect(carrier, {
          onMessage: (message, origin) => this.#receiver?.onMessage(message, origin),
          onFailure: (id, failure) => this.#receiver?.onFailure(id, failure),
          onClosed: (reason, detail) => {
            this.#closedFor = { kind: 'broken', message: reason, detail };
            this.#receiver?.onClosed(reason, detail);
          },
        });
        return this.#wire;
      },
    );
  }

  /** What the server makes of discovery; throws what is evidence of neither era. */
  async discover(timeoutMs: number): Promise<'modern' | 'another answer' | 'no answer'> {
    try {
      await this.link.open(timeoutMs);
      this.#latch.open();
      return 'modern';
    } catch (error) {
      const isModern = isModernError(error);
      if (isAnswer(error) && !isModern) return 'another answer';
      if (this.#factory.plan.endpoint.kind === 'stdio' && !isModern) return 'no answer';
      if (isEvidenceOfLegacy(error)) return 'another answer';
      await this.link.close('was only probed');
      throw error;
    }
  }

  /** Goes on with `initialize` on the same wire. */
  async becomeLegacy(terms: LinkTerms): Promise<Link> {
    if (this.#closedFor !== undefined) throw new OpenFailure(this.#closedFor);
    return openLegacyOver(this.#factory, terms, this.#latch, (receiver) => {
      const wire = this.#wire;
      if (wire === undefined) throw new Error('the probe has no wire');
      this.#receiver = receiver;
      return wire;
    });
  }
}

function isAnswer(error: unknown): boolean {
  return (
    error instanceof RemoteError ||
    (error instanceof OpenFailure && error.failure.kind === 'protocol')
  );
}

/** Answers of those who pass requests on or hold them off, which say nothing of the server behind. */
const NO_EVIDENCE: ReadonlySet<number> = new Set([407, 408, 425, 429]);

/** Over HTTP only an answer is evidence: access refused, redirects, server errors and silence say nothing about the era. */
function isEvidenceOfLegacy(error: unknown): boolean {
  if (!(error instanceof OpenFailure)) return false;
  const { kind, status } = error.failure;
  if (kind !== 'http' || status === undefined || NO_EVIDENCE.has(status)) return false;
  return status >= 400 && status < 500;
}

async function openLegacy(
  factory: LinkFactory,
  terms: LinkTerms,
  events: LinkEvents,
): Promise<Link> {
  const { endpoint } = factory.plan;
  const over = (carrier: Carrier): Promise<Link> =>
    openLegacyOver(factory, terms, latchEvents(events), (wireEvents) =>
      factory.wires.connect(carrier, wireEvents),
    );
  if (endpoint.kind === 'stdio') return over('stdio');
  if (endpoint.transport !== 'auto') return over(endpoint.transport);
  try {
    return await over('streamable-http');
  } catch (error) {
    // An old server knows only GET under this URL (spec 2025-11-25, "Backwards Compatibility").
    const status = error instanceof OpenFailure ? error.failure.status : undefined;
    if (status !== 400 && status !== 404 && status !== 405) throw error;
    return over('sse');
  }
}

async function openLegacyOver(
  factory: LinkFactory,
  terms: LinkTerms,
  latch: Latch,
  attach: (events: WireEvents) => Wire,
): Promise<Link> {
  const link = new LegacyLink(factory.setup, terms, latch.events);
  const { connectTimeoutMs } = factory.plan.limits;
  try {
    await link.open(attach(link.wireEvents), factory.clientInfo, connectTimeoutMs);
    latch.open();
    return link;
  } catch (error) {
    void link.close('did not start');
    if (error instanceof Refusal)
      throw new OpenFailure({
        kind: 'broken',
        message: `did not answer initialize within ${connectTimeoutMs} ms`,
      });
    throw error;
  }
}

/** Holds back the end of a link until it is open, for before that the failure to open says it. */
function latchEvents(events: LinkEvents): Latch {
  let isOpen = false;
  let early: (() => void) | undefined;
  return {
    events: {
      ...events,
      onClosed: (reason, detail) => {
        if (isOpen) events.onClosed(reason, detail);
        else early = () => events.onClosed(reason, detail);
      },
    },
    open: () => {
      isOpen = true;
      early?.();
    },
  };
}
