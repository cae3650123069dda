import { OpenFailure } from './wire.ts';

/** How a life came to its end, for whoever waits for that. */
export class Ending {
  readonly whenNoted: Promise<OpenFailure>;
  #resolve: (failure: OpenFailure) => void = () => undefined;

  constructor() {
    this.whenNoted = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  note(message: string, detail: string | undefined): void {
    this.#resolve(new OpenFailure({ kind: 'broken', message, detail }));
  }
}
