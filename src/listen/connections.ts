import type { Server } from 'node:http';
import type { Socket } from 'node:net';

import type { DoorPlan } from '../kernel/plan.ts';

/** So many connections beyond the bound are taken all the same, to be told why they are not served. */
const SURPLUS = 256;
const SURPLUS_MS = 5000;

/** The connections of a server, within a number: those beyond it are known as surplus for as long as they live, which is short. */
export class Connections {
  readonly #server: Server;
  readonly #surplus = new WeakSet<Socket>();
  #max: number;
  #open = 0;
  #surplusOpen = 0;

  /** The connections of a server for HTTPS count once they are secure. */
  constructor(server: Server, { maxConnections, tls }: DoorPlan) {
    this.#server = server;
    this.#max = maxConnections;
    this.apply(maxConnections);
    server.on(tls !== undefined ? 'secureConnection' : 'connection', (socket: Socket) =>
      this.#take(socket),
    );
  }

  /** Takes a new bound; what is open stays. */
  apply(max: number): void {
    this.#max = max;
    this.#server.maxConnections = Math.min(Number.MAX_SAFE_INTEGER, max + SURPLUS);
  }

  /** Whether a connection is one too many. */
  isSurplus(socket: Socket): boolean {
    return this.#surplusOpen > 0 && this.#surplus.has(socket);
  }

  #take(socket: Socket): void {
    const isSurplus = this.#open >= this.#max;
    if (isSurplus) {
      this.#surplus.add(socket);
      this.#surplusOpen += 1;
      socket.setTimeout(SURPLUS_MS);
    } else {
      this.#open += 1;
    }
    socket.once('close', () => {
      if (isSurplus) this.#surplusOpen -= 1;
      else this.#open -= 1;
    });
  }
}
